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
  /** Its children: a chain of siblings while they are few, then a map. */
  children: Entry<T> | Map<string, Entry<T>> | null = null;
  sibling: Entry<T> | null = null;

  constructor(key: string, parent: Entry<T> | null) {
    this.key = key;
    this.parent = parent;
  }

  child(key: string): Entry<T> | undefined {
    const { children } = this;
    if (children instanceof Map) return children.get(key);
    for (let entry = children; entry; entry = entry.sibling) if (entry.key === key) return entry;
    return undefined;
  }

  grow(key: string): Entry<T> {
    const entry = new Entry<T>(key, this);
    if (this.children instanceof Map) this.children.set(key, entry);
    else {
      entry.sibling = this.children;
      this.children = entry;
      if (isLongerThan(entry, fewChildren)) this.children = mapOf(entry);
    }
    return entry;
  }

  /** Takes entries away that say nothing, from here upwards. */
  prune(): void {
    const { parent, children } = this;
    if (!parent || this.bearer !== undefined || (children instanceof Map ? children.size > 0 : children)) return;
    parent.drop(this);
    parent.prune();
  }

  drop(entry: Entry<T>): void {
    const { children } = this;
    if (children instanceof Map) return void children.delete(entry.key);
    if (children === entry) return void (this.children = entry.sibling);
    for (let before = children; before; before = before.sibling) {
      if (before.sibling === entry) return void (before.sibling = entry.sibling);
    }
  }
}

function isLongerThan<T>(first: Entry<T>, count: number): boolean {
  let left = count;
  for (let entry: Entry<T> | null = first; entry; entry = entry.sibling) if (--left < 0) return true;
  return false;
}

function mapOf<T>(first: Entry<T>): Map<string, Entry<T>> {
  const map = new Map<string, Entry<T>>();
  for (let entry: Entry<T> | null = first; entry; entry = entry.sibling) map.set(entry.key, entry);
  return map;
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
  /** The scope that was named last, and the other one that names were taken in last: the next ones mostly lie there. */
  #newScope = '';
  #newEntry = this.#root;
  #otherScope = '';
  #otherEntry = this.#root;
  /** What was there before each change since the oldest open mark; emptied by count, which keeps the room. */
  readonly #changed: Entry<T>[] = [];
  readonly #before: number[] = [];
  #changes = 0;

  /** `scope/text`, or the same with `_1`, `_2` … where it is taken; the result is taken from then on. `lower`: `text` in lower case. */
  unique(text: string, scope = '', lower = text.toLowerCase()): TakenName {
    const slash = lower.lastIndexOf('/');
    const base = this.#scopeEntry(scope);
    const parent = slash < 0 ? base : this.#under(base, lower.slice(0, slash));
    const key = slash < 0 ? lower : lower.slice(slash + 1);
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
    this.#newScope = name;
    this.#newEntry = entry as Entry<T>;
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
    this.#newScope = this.#otherScope = '';
    this.#newEntry = this.#otherEntry = this.#root;
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

  #scopeEntry(scope: string): Entry<T> {
    if (scope === '') return this.#root;
    if (scope === this.#newScope) return this.#newEntry;
    if (scope !== this.#otherScope) {
      this.#otherEntry = this.#under(this.#root, scope.toLowerCase());
      this.#otherScope = scope;
    }
    return this.#otherEntry;
  }

  /** The entry of `path`, in lower case, below another, made where there is none. */
  #under(base: Entry<T>, path: string): Entry<T> {
    let entry = base;
    if (!path.includes('/')) return base.child(path) ?? base.grow(path);
    for (const part of path.split('/')) entry = entry.child(part) ?? entry.grow(part);
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

/** What to say in addition where there is no `name`: which of those that bear names may be meant. */
export function similarName(name: string, bearers: readonly { readonly name: string }[]): string {
  const key = name.toLowerCase();
  const last = key.split('/').at(-1)!;
  const near = bearers.find((op) => op.name.toLowerCase() === key || op.name.toLowerCase().endsWith(`/${last}`));
  return near ? ` Did you mean '${near.name}'?` : '';
}
