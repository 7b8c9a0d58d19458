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

/** A name that is in use from now on, and the key it is filed under. */
export interface TakenName {
  readonly text: string;
  readonly key: string;
}

/** Names without regard to case, each with what bears it: null for a scope, or as long as nothing does. */
export class NameTable<T> {
  readonly #bearers = new Map<string, T | null>();
  /** The suffix to try next, for names that were asked for more than once. */
  readonly #nextSuffix = new Map<string, number>();
  /** What was there before each change since the oldest open mark, null for nothing; emptied by count, which keeps the room. */
  readonly #keys: string[] = [];
  readonly #before: (number | null)[] = [];
  #changes = 0;

  /** `text`, or `text_1`, `text_2` … where it is taken; the result is taken from then on. */
  unique(text: string): TakenName {
    const key = text.toLowerCase();
    if (!this.#bearers.has(key)) return this.#take(text, key);
    const first = this.#nextSuffix.get(key) ?? 1;
    let suffix = first;
    while (this.#bearers.has(`${key}_${suffix}`)) suffix++;
    this.#nextSuffix.set(key, suffix + 1);
    this.#note(key, first);
    return this.#take(`${text}_${suffix}`, `${key}_${suffix}`);
  }

  /** What bears `text` in any spelling; undefined where the name is free. */
  bearer(text: string): T | null | undefined {
    return this.#bearers.get(text.toLowerCase());
  }

  setBearer({ key }: TakenName, bearer: T | null): void {
    this.#bearers.set(key, bearer);
  }

  /** A point to which `rollback` can return. */
  mark(): number {
    return this.#changes;
  }

  rollback(mark: number): void {
    while (this.#changes > mark) {
      const key = this.#keys[--this.#changes]!;
      const before = this.#before[this.#changes]!;
      if (before === null) this.#bearers.delete(key);
      else this.#nextSuffix.set(key, before);
    }
  }

  /** Forgets how to go back: no mark is open any more. */
  commit(): void {
    if (this.#keys.length > 1000) this.#keys.length = this.#before.length = 0;
    this.#changes = 0;
  }

  #take(text: string, key: string): TakenName {
    this.#bearers.set(key, null);
    this.#note(key, null);
    return { text, key };
  }

  #note(key: string, before: number | null): void {
    this.#keys[this.#changes] = key;
    this.#before[this.#changes++] = before;
  }
}
