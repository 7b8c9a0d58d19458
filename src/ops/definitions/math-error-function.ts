/** The error function and its complement. */
import type { DType } from '../../graph/dtype.js';
import { controlDependencies } from '../../graph/scopes.js';
import type { Shape } from '../../graph/shape.js';
import { batchBroadcasting } from '../batching/operands.js';
import { one } from '../call.js';
import { map, unchanged } from '../elementwise.js';
import { un } from '../expr.js';
import { realFloatDTypes, unary, type Like } from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp, type GradientFn } from '../opdef.js';
import { constantBeside, negated, times } from '../rules.js';
import type { OpOptions, Operand } from '../types.js';

/** `dy * factor * exp(-x²)`. */
const bell =
  (factor: number): GradientFn =>
  ({ inputs: [x] }, [dy]) => {
    const constant = constantBeside(dy, factor, dy.dtype);
    return controlDependencies([dy], () => [times(times(dy, constant), one('Exp', [negated(one('Square', [x]))]))]);
  };

const twoOverRootPi = 2 / Math.sqrt(Math.PI);
const samples = [{ inputs: [[2, 3]] }, { inputs: [{ shape: [3], dtype: 'float64', domain: [-3, 3] }] }] as const;

defineOp({
  name: 'Erf',
  signature: `x: T -> y: T | T: ${realFloatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('erf', x)),
  grad: bell(twoOverRootPi),
  batch: batchBroadcasting,
  effect: 'pure',
  samples,
});
/**
 * The error function of `x`: 2/√π times the integral of exp(-t²) from 0 to x (TensorFlow `tf.math.erf`). A float dtype.
 * @example
 * erf(constant([0, 0.5])); // [0, 0.5205]
 */
export function erf<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Erf', x, options);
}

defineOp({
  name: 'Erfc',
  signature: `x: T -> y: T | T: ${realFloatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('erfc', x)),
  grad: bell(-twoOverRootPi),
  batch: batchBroadcasting,
  effect: 'pure',
  samples,
});
/**
 * `1 - erf(x)`, with all its digits where that is small (TensorFlow `tf.math.erfc`). A float dtype.
 * @example
 * erfc(constant([0, 2])); // [1, 0.004678]
 */
export function erfc<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Erfc', x, options);
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    erf(options?: OpOptions): Tensor<D, S>;
    erfc(options?: OpOptions): Tensor<D, S>;
  }
}
installMethods({ erf, erfc });
