/** The table of names in use: unique without regard to case, in constant time, and able to go back. */
import { InvalidArgumentError } from './errors.js';

const rootName = /^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$/;
const innerName = /^[A-Za-z0-9_.\\/>-]+$/;

/** @throws InvalidArgumentError unless `name` can name a node, or (below a scope) the last part of one. */
export function checkName(name: string, insideScope: boolean): void {
  const pattern = insideScope ? innerName : rootName;
  if (typeof name !== 'string' || !pattern.test(name)) {
    throw new InvalidArgumentError(`'${String(name)}' is not a valid node name: names match ${pattern.source}.`);
  }
}

/** How many entries below one are looked through one by one before they get a map. */
const fewChildren = 8;

/**
 * A part of a name between slashes, in lower case, below the parts before it. Names that grow with a graph are long and have
 * nearly all in common: filed whole, each would be put together, hashed and kept.
 */
class Entry<T> {
  readonly key: string;
  readonly parent: Entry<T> | null;
  /** What bears the name that ends here: undefined where it is free, null where it is a scope's or nothing bears it yet. */
  bearer: T | null | undefined = undefined;
  /** The suffix to try next: all before it are taken. */
  nextSuffix = 1;
  #next: Entry<T> | null = null;
  #first: Entry<T> | null = null;
  #count = 0;
  #byKey: Map<string, Entry<T>> | null = null;

  constructor(key: string, parent: Entry<T> | null) {
    this.key = key;
    this.parent = parent;
  }

  child(key: string): Entry<T> | undefined {
    if (this.#byKey) return this.#byKey.get(key);
    for (let entry = this.#first; entry; entry = entry.#next) if (entry.key === key) return entry;
    return undefined;
  }

  grow(key: string): Entry<T> {
    const entry = new Entry<T>(key, this);
    if (this.#byKey) this.#byKey.set(key, entry);
    else {
      entry.#next = this.#first;
      this.#first = entry;
      if (++this.#count > fewChildren) this.#index();
    }
    return entry;
  }

  /** Takes entries away that say nothing, from here upwards. */
  prune(): void {
    const { parent } = this;
    if (!parent || this.bearer !== undefined || this.#first || (this.#byKey?.size ?? 0) > 0) return;
    parent.#drop(this);
    parent.prune();
  }

  #index(): void {
    this.#byKey = new Map();
    for (let entry = this.#first; entry; entry = entry.#next) this.#byKey.set(entry.key, entry);
    this.#first = null;
  }

  #drop(entry: Entry<T>): void {
    if (this.#byKey) return void this.#byKey.delete(entry.key);
    this.#count--;
    if (this.#first === entry) return void (this.#first = entry.#next);
    for (let before = this.#first; before; before = before.#next) {
      if (before.#next === entry) return void (before.#next = entry.#next);
    }
  }
}

/** A name that is in use from now on, and where it is filed. */
export interface TakenName {
  readonly text: string;
  readonly entry: object;
}

/** What an entry was before a change: the suffix it had next, or one of these. */
const free = 0;
const borneByNothing = -1;

/** Names without regard to case, each with what bears it. */
export class NameTable<T> {
  readonly #root = new Entry<T>('', null);
  /** The scope that was named last: most names that are taken next lie below it. */
  #lastScope = '';
  #lastEntry = this.#root;
  /** What was there before each change since the oldest open mark; emptied by count, which keeps the room. */
  readonly #changed: Entry<T>[] = [];
  readonly #before: number[] = [];
  #changes = 0;

  /** `scope/text`, or the same with `_1`, `_2` … where it is taken; the result is taken from then on. */
  unique(text: string, scope = ''): TakenName {
    const slash = text.lastIndexOf('/');
    const base =
      scope === '' ? this.#root : scope === this.#lastScope ? this.#lastEntry : this.#under(this.#root, scope);
    const parent = slash < 0 ? base : this.#under(base, text.slice(0, slash));
    const key = (slash < 0 ? text : text.slice(slash + 1)).toLowerCase();
    const whole = scope === '' ? text : `${scope}/${text}`;
    const entry = parent.child(key) ?? parent.grow(key);
    if (entry.bearer === undefined) return this.#take(whole, entry);
    const first = entry.nextSuffix;
    for (let suffix = first; ; suffix++) {
      const name = `${key}_${suffix}`;
      const other = parent.child(name) ?? parent.grow(name);
      if (other.bearer !== undefined) continue;
      entry.nextSuffix = suffix + 1;
      this.#note(entry, first);
      return this.#take(`${whole}_${suffix}`, other);
    }
  }

  /** The same for the name of a scope. */
  uniqueScope(text: string, scope = ''): string {
    const { text: name, entry } = this.unique(text, scope);
    this.#lastScope = name;
    this.#lastEntry = entry as Entry<T>;
    return name;
  }

  /** The name of a scope as that of what will bear it; null where it is free or something bears it. */
  claim(text: string): TakenName | null {
    const entry = this.#find(text);
    if (entry?.bearer !== null) return null;
    this.#note(entry, borneByNothing);
    return { text, entry };
  }

  /** What bears `text` in any spelling; undefined where the name is free. */
  bearer(text: string): T | null | undefined {
    return this.#find(text)?.bearer;
  }

  setBearer({ entry }: TakenName, bearer: T): void {
    (entry as Entry<T>).bearer = bearer;
  }

  /** A point to which `rollback` can return. */
  mark(): number {
    return this.#changes;
  }

  rollback(mark: number): void {
    this.#lastScope = '';
    this.#lastEntry = this.#root;
    while (this.#changes > mark) {
      const entry = this.#changed[--this.#changes]!;
      const before = this.#before[this.#changes]!;
      if (before > 0) entry.nextSuffix = before;
      else if (before === borneByNothing) entry.bearer = null;
      else {
        entry.bearer = undefined;
        entry.prune();
      }
    }
  }

  /** The names taken since then that nothing bears, in lower case. */
  bare(mark: number): string[] {
    const names: string[] = [];
    for (let i = mark; i < this.#changes; i++) {
      if (this.#before[i] === free && this.#changed[i]!.bearer === null) names.push(textOf(this.#changed[i]!));
    }
    return names;
  }

  /** Forgets how to go back: no mark is open any more. */
  commit(): void {
    if (this.#changed.length > 1000) this.#changed.length = this.#before.length = 0;
    this.#changes = 0;
  }

  #take(text: string, entry: Entry<T>): TakenName {
    entry.bearer = null;
    this.#note(entry, free);
    return { text, entry };
  }

  #note(entry: Entry<T>, before: number): void {
    this.#changed[this.#changes] = entry;
    this.#before[this.#changes++] = before;
  }

  /** The entry of `path` below another, made where there is none. */
  #under(base: Entry<T>, path: string): Entry<T> {
    let entry = base;
    for (const part of path.toLowerCase().split('/')) entry = entry.child(part) ?? entry.grow(part);
    return entry;
  }

  #find(text: string): Entry<T> | undefined {
    let entry: Entry<T> | undefined = this.#root;
    for (const part of text.toLowerCase().split('/')) entry = entry?.child(part);
    return entry;
  }
}

function textOf<T>({ key, parent }: Entry<T>): string {
  return parent?.parent ? `${textOf(parent)}/${key}` : key;
}
