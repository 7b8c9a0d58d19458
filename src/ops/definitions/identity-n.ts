/** Several tensors passed on by one node, which is how an operation gets a gradient of its own. */
import type { Tensor } from '../../graph/tensor.js';
import { batchIdentityN } from '../batching/own-gradient.js';
import { many } from '../call.js';
import { defineOp } from '../opdef.js';
import type { DTypeOf, Operand, OpOptions, ShapeOf } from '../types.js';

defineOp({
  name: 'IdentityN',
  signature: 'input: T -> output: T | T: list(type) >= 1',
  infer: (op) => op.inputs.map((x) => x.shape),
  lower: ({ inputs }) => inputs,
  grad: (_, dys) => dys,
  batch: batchIdentityN,
  effect: 'pure',
  samples: [{ inputs: [{ list: [[2, 3], { shape: [2], dtype: 'float64' }] }] }, { inputs: [{ list: [[]] }] }],
});
/**
 * The values of several tensors under other names, made by one node (TensorFlow `tf.identity_n`).
 * @throws InvalidArgumentError for an empty list
 * @example
 * identityN([constant(1), constant([2, 3])]); // [1, [2, 3]]
 */
export function identityN<const X extends readonly Operand[]>(
  input: X,
  options?: OpOptions,
): { -readonly [K in keyof X]: Tensor<DTypeOf<X[K]>, ShapeOf<X[K]>> } {
  return many('IdentityN', [input], {}, options) as never;
}
