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
  readonly #journal: (readonly [key: string, before: number | undefined])[] = [];

  /** `name`, or `name_1`, `name_2` … where it is taken; the result is taken from then on. */
  unique(name: string): string {
    const base = name.toLowerCase();
    let suffix = this.#nextSuffix.get(base);
    if (suffix === undefined) {
      this.#set(base, 1);
      return name;
    }
    while (this.#nextSuffix.has(`${base}_${suffix}`)) suffix++;
    this.#set(base, suffix + 1);
    this.#set(`${base}_${suffix}`, 1);
    return `${name}_${suffix}`;
  }

  /** A point to which `rollback` can return. */
  mark(): number {
    return this.#journal.length;
  }

  rollback(mark: number): void {
    while (this.#journal.length > mark) {
      const [key, before] = this.#journal.pop()!;
      if (before === undefined) this.#nextSuffix.delete(key);
      else this.#nextSuffix.set(key, before);
    }
  }

  /** Forgets how to go back: no mark is open any more. */
  commit(): void {
    this.#journal.length = 0;
  }

  #set(key: string, suffix: number): void {
    this.#journal.push([key, this.#nextSuffix.get(key)]);
    this.#nextSuffix.set(key, suffix);
  }
}
