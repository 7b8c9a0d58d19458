/** What the specs of masks share. */
import * as tl from '../../src/index.js';
import type { GradientOptions, Tensor } from '../../src/index.js';
import type { Operand } from '../../src/ops/types.js';

export const tensorflow = { maskedNaN: 'tensorflow' } as const;

export type Unary = (x: Tensor) => Tensor;

/** `tl.where`, without a look at static shapes. */
export const where = tl.where as (condition: Operand, x: Operand, y: Operand) => Tensor;

/** Interpreted, as thousands of graphs that run once: it is the nodes that matter, and compiling takes longer than all else. */
export const run = (fetch: Tensor): unknown =>
  new tl.Session({ graph: fetch.graph, backend: 'interpret' }).runSync(fetch).toArray();

export function gradient(y: Tensor, x: Tensor, options: GradientOptions = {}): Tensor {
  const [dx] = tl.gradients(y, x, options);
  return tl.convertToTensor(dx!);
}

export const first = (y: Tensor, x: Tensor, options: GradientOptions = {}): unknown => run(gradient(y, x, options));
export const second = (y: Tensor, x: Tensor, options: GradientOptions = {}): unknown =>
  run(gradient(gradient(y, x, options), x, options));

/** -0 counts as 0. */
export function unsigned(value: unknown): unknown {
  return Array.isArray(value) ? value.map(unsigned) : value === 0 ? 0 : value;
}
