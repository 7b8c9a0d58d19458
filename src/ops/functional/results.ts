/** What functions that become bodies return: nests of tensors and of what stands for some, taken apart and put together. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { Operation } from '../../graph/operation.js';
import { controlDependencies } from '../../graph/scopes.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { convertToTensor, one } from '../call.js';
import { IndexedSlices } from '../indexed-slices.js';
import type { DTypeOfData } from '../literals.js';
import { checkSameStructure, flatten, packLike } from '../nest.js';
import type { Operand } from '../types.js';

/** A tensor, data that becomes one, slices, an operation to run, or nothing; in any nest of arrays and plain objects. */
export type BodyResult =
  | Operand
  | IndexedSlices
  | Operation
  | null
  | undefined
  | void
  | readonly BodyResult[]
  | { readonly [key: string]: BodyResult };

/** What a body's result is outside: the same nest, of tensors. */
export type Outside<X> = [BodyResult] extends [X] ? unknown : OutsideOf<X>;

type OutsideOf<X> =
  X extends IndexedSlices<infer D>
    ? IndexedSlices<D>
    : X extends { readonly dtype: infer D extends DType; readonly shape: infer S extends Shape }
      ? Tensor<D, S>
      : X extends null | undefined | void
        ? null
        : X extends Operation
          ? Tensor<'bool', []>
          : X extends number | boolean | bigint | string
            ? Tensor<DTypeOfData<X>, []>
            : X extends readonly unknown[]
              ? { -readonly [K in keyof X]: Outside<X[K]> }
              : X extends object
                ? { -readonly [K in keyof X]: Outside<X[K]> }
                : never;

/** The same nest of tensors whose shapes show only when it runs. */
export type AnyShape<X> = X extends IndexedSlices
  ? X
  : X extends { readonly dtype: infer D extends DType; readonly shape: Shape }
    ? Tensor<D>
    : X extends object
      ? { -readonly [K in keyof X]: AnyShape<X[K]> }
      : X;

/** A leaf of a result: how many tensors it takes, and how it is made of them again. */
interface Leaf {
  readonly kind: 'tensor' | 'nothing' | 'slices' | 'shaped slices';
  readonly tensors: readonly Tensor[];
}

/** A result in parts. */
export interface Parts {
  readonly nest: unknown;
  readonly leaves: readonly Leaf[];
  readonly tensors: readonly Tensor[];
}

/** Takes a result apart, in the body that it was built in. */
export function partsOfResult(fn: string, result: unknown): Parts {
  const leaves = flatten(result).map((value) => leafOf(fn, value));
  return { nest: result, leaves, tensors: leaves.flatMap(({ tensors }) => tensors) };
}

/**
 * Takes what an iteration gives apart like what it started from, data in the dtype that was there.
 * @throws InvalidArgumentError where the two differ in structure
 */
export function partsLike(fn: string, what: string, result: unknown, start: Parts): Parts {
  checkSameStructure(fn, what, start.nest, result);
  const leaves = flatten(result).map((value, i) => {
    const leaf = start.leaves[i]!;
    const isData = typeof value !== 'object' || value === null || !('dtype' in value || 'type' in value);
    return leaf.kind === 'tensor' && isData && value !== null && value !== undefined
      ? convertToTensor(value as Operand, leaf.tensors[0]!.dtype)
      : value;
  });
  const parts = partsOfResult(fn, leaves);
  parts.leaves.forEach((leaf, i) => {
    if (leaf.kind === start.leaves[i]!.kind) return;
    throw new InvalidArgumentError(
      `${fn}: loop variable ${i} is ${start.leaves[i]!.kind} at first and ${leaf.kind} after an iteration.`,
    );
  });
  return parts;
}

function leafOf(fn: string, value: unknown): Leaf {
  if (value === null || value === undefined) return { kind: 'nothing', tensors: [] };
  if (value instanceof IndexedSlices) {
    const { values, indices, denseShape } = value;
    return denseShape
      ? { kind: 'shaped slices', tensors: [values, indices, denseShape] }
      : { kind: 'slices', tensors: [values, indices] };
  }
  if (value instanceof Operation) {
    const done = controlDependencies([value], () => one('Identity', [convertToTensor(true, 'bool')]));
    return { kind: 'tensor', tensors: [done] };
  }
  try {
    return { kind: 'tensor', tensors: [convertToTensor(value as Operand)] };
  } catch (error) {
    throw new InvalidArgumentError(`${fn}: the function returns what is no tensor: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The nest of `parts` with other tensors in it. */
export function assembled({ nest, leaves }: Parts, tensors: readonly Tensor[]): unknown {
  let next = 0;
  const values = leaves.map((leaf) => {
    const [first, second, third] = tensors.slice(next, (next += leaf.tensors.length));
    if (leaf.kind === 'nothing') return null;
    return leaf.kind === 'tensor' ? first : new IndexedSlices(first!, second!, third ?? null);
  });
  return packLike(nest, values);
}
