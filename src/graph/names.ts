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

export class NameTable {
  readonly #nextSuffix = new Map<string, number>();
  /** What was there before each change since the oldest open mark; emptied by count, which keeps the room. */
  readonly #keys: string[] = [];
  readonly #before: (number | undefined)[] = [];
  #changes = 0;

  /** `name`, or `name_1`, `name_2` … where it is taken; the result is taken from then on. */
  unique(name: string): string {
    const base = name.toLowerCase();
    let suffix = this.#nextSuffix.get(base);
    if (suffix === undefined) {
      this.#set(base, 1, undefined);
      return name;
    }
    const first = suffix;
    while (this.#nextSuffix.has(`${base}_${suffix}`)) suffix++;
    this.#set(base, suffix + 1, first);
    this.#set(`${base}_${suffix}`, 1, undefined);
    return `${name}_${suffix}`;
  }

  /** A point to which `rollback` can return. */
  mark(): number {
    return this.#changes;
  }

  rollback(mark: number): void {
    while (this.#changes > mark) {
      const key = this.#keys[--this.#changes]!;
      const before = this.#before[this.#changes];
      if (before === undefined) this.#nextSuffix.delete(key);
      else this.#nextSuffix.set(key, before);
    }
  }

  /** Forgets how to go back: no mark is open any more. */
  commit(): void {
    if (this.#keys.length > 1000) this.#keys.length = this.#before.length = 0;
    this.#changes = 0;
  }

  #set(key: string, suffix: number, before: number | undefined): void {
    this.#keys[this.#changes] = key;
    this.#before[this.#changes++] = before;
    this.#nextSuffix.set(key, suffix);
  }
}
