import type { Code, FunctionRef, Local } from '../assembler/code.js';
import type { Lanes } from './lanes.js';

/** What a path of its own computes: c [m, n] from a [m, k] and b [k, n], each of them transposed in memory or not. All are at least 1. */
export interface Product {
  readonly lanes: Lanes;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

export interface Emitted {
  readonly fn: FunctionRef;
  readonly scratch: number;
  /** Rows that are computed together. */
  readonly grain: number;
}

export const productType = { params: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], results: [] } as const;

export interface ProductParams {
  readonly a: Local;
  readonly b: Local;
  readonly c: Local;
  readonly scratch: Local;
  readonly from: Local;
  readonly to: Local;
}

export function productParams(params: readonly Local[]): ProductParams {
  const [a, b, c, scratch, from, to] = params as readonly [Local, Local, Local, Local, Local, Local];
  return { a, b, c, scratch, from, to };
}

/** y [length] = x [k] · matrix [k, length]. */
export interface VectorProduct {
  readonly lanes: Lanes;
  readonly k: number;
  readonly length: number;
  /** Whether a or b is the matrix; where it is a, a range of rows is one of y. */
  readonly matrix: 'a' | 'b';
}

export interface VectorParams {
  readonly x: Local;
  readonly matrix: Local;
  readonly y: Local;
  /** Elements of y that are wanted. */
  readonly from: Local;
  readonly to: Local;
}

export function vectorParams(code: Code, { length, matrix }: VectorProduct): VectorParams {
  const { a, b, c, from, to } = productParams(code.params);
  if (matrix === 'a') return { x: b, matrix: a, y: c, from, to };
  code.get(to).get(from).op('i32.gt_u').i32(length).op('i32.mul').set(to).i32(0).set(from);
  return { x: a, matrix: b, y: c, from, to };
}
