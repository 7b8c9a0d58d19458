/** What random programs are grown with: tensors and their values, and what computes them again. */
import type { DType } from '../../../src/graph/dtype.js';
import type { NDArray } from '../../../src/graph/ndarray.js';
import type { Tensor } from '../../../src/graph/tensor.js';
import type { Chance } from './fuzz-chance.js';
import type { Ref } from './fuzz-program.js';

/** A tensor of the program: what it will be, and its value. */
export interface Item {
  readonly ref: Ref;
  readonly tensor: Tensor;
  readonly value: NDArray;
}

/** What a program is like as a whole. */
export interface Manner {
  readonly chance: Chance;
  /** Whether static knowledge is complete in this program. */
  readonly known: boolean;
  readonly placed: boolean;
  readonly dtype: DType;
}

/** The values of all steps so far, by their numbers. */
export type Values = (readonly NDArray[])[];

/** The outputs of a step for the values of those before it. @throws Unusable */
export type Run = (values: Values) => readonly NDArray[];

/** Some number is of no use. */
export class Unusable extends Error {}

/** @throws Unusable for whatever is thrown */
export function tried<T>(fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    throw new Unusable((error as Error).message);
  }
}

/** The value of a tensor; that of a variable for its handle. */
export const at = (values: Values, [step, output]: Ref): NDArray => values[step]![Math.max(output, 0)]!;

export const resources = { variables: new Map<string, NDArray>(), counters: new Map<string, unknown>() };
