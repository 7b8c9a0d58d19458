/** Nests: values in arrays and plain objects, taken apart into a flat list and put together again (TensorFlow `tf.nest`). */
import { InvalidArgumentError } from '../graph/errors.js';

/** A leaf, or an array or plain object of nests. */
export type Nest<T> = T | readonly Nest<T>[] | { readonly [key: string]: Nest<T> };

/** The nest `N` with leaves of type `T`. */
export type Mapped<N, Leaf, T> = N extends Leaf
  ? T
  : N extends readonly unknown[]
    ? { -readonly [K in keyof N]: Mapped<N[K], Leaf, T> }
    : N extends object
      ? { -readonly [K in keyof N]: Mapped<N[K], Leaf, T> }
      : T;

/** A list; what is none is the only element of one. */
export function asList<T>(value: readonly T[] | T): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

/** Whether `value` is an object literal, not an instance of a class. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The leaves of a nest, in order: arrays by position, objects by their keys as written. */
export function flatten<T>(nest: Nest<T>): T[] {
  if (Array.isArray(nest)) return (nest as readonly Nest<T>[]).flatMap((item) => flatten(item));
  if (isPlainObject(nest)) return Object.values(nest as Record<string, Nest<T>>).flatMap((item) => flatten(item));
  return [nest as T];
}

/** The nest `like` with the leaves of `flat` in the place of its own. */
export function packLike(like: unknown, flat: readonly unknown[]): unknown {
  let next = 0;
  const pack = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(pack);
    if (isPlainObject(part)) return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, pack(item)]));
    return flat[next++];
  };
  return pack(like);
}

/** Whether two nests differ in nothing but their leaves. */
export function sameStructure(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => sameStructure(item, b[i]))
    );
  }
  if (!isPlainObject(a) || !isPlainObject(b)) return isPlainObject(a) === isPlainObject(b);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameStructure(a[key], b[key]))
  );
}

/** A nest in words, for errors: `[*, { a: * }]`. */
export function describeNest(nest: unknown): string {
  if (Array.isArray(nest)) return `[${nest.map(describeNest).join(', ')}]`;
  if (isPlainObject(nest)) {
    return `{ ${Object.entries(nest)
      .map(([key, item]) => `${key}: ${describeNest(item)}`)
      .join(', ')} }`;
  }
  return '*';
}

/** @throws InvalidArgumentError where two nests differ in structure */
export function checkSameStructure(fn: string, what: string, expected: unknown, given: unknown): void {
  if (sameStructure(expected, given)) return;
  throw new InvalidArgumentError(
    `${fn}: ${what} must have the structure ${describeNest(expected)}, and has ${describeNest(given)}.`,
  );
}
