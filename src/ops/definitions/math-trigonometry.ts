/** Trigonometric and hyperbolic functions. */
import type { DType } from '../../graph/dtype.js';
import { controlDependencies } from '../../graph/scopes.js';
import type { Shape } from '../../graph/shape.js';
import { batchBroadcasting } from '../batching/operands.js';
import { one } from '../call.js';
import { map, unchanged } from '../elementwise.js';
import { bin, un } from '../expr.js';
import { floatDTypes, sameType, unary, type Like } from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp } from '../opdef.js';
import { conj, constantBeside, negated, times } from '../rules.js';
import type { OpOptions, Operand } from '../types.js';

defineOp({
  name: 'Sin',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('sin', x)),
  grad: ({ inputs: [x] }, [dy]) => controlDependencies([dy], () => [times(dy, one('Cos', [conj(x)]))]),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [3], dtype: 'float64' }] },
    { inputs: [{ shape: [2], dtype: 'complex64' }] },
  ],
});
/**
 * The sine of `x` in radians (TensorFlow `tf.sin`). A float or complex dtype.
 * @example
 * sin(constant([0, Math.PI / 2])); // [0, 1]
 */
export function sin<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Sin', x, options);
}

defineOp({
  name: 'Cos',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('cos', x)),
  grad: ({ inputs: [x] }, [dy]) =>
    controlDependencies([dy], () => {
      const cx = conj(x);
      return [times(negated(dy), one('Sin', [cx]))];
    }),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [3], dtype: 'float64' }] },
    { inputs: [{ shape: [2], dtype: 'complex64' }] },
  ],
});
/**
 * The cosine of `x` in radians (TensorFlow `tf.cos`). A float or complex dtype.
 * @example
 * cos(constant([0])); // [1]
 */
export function cos<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Cos', x, options);
}

defineOp({
  name: 'Tan',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('tan', x)),
  grad: ({ inputs: [x] }, [dy]) =>
    controlDependencies([dy], () => {
      const secant = one('Reciprocal', [one('Cos', [conj(x)])]);
      return [times(one('Square', [secant]), dy)];
    }),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [-1, 1] }] },
    { inputs: [{ shape: [3], dtype: 'float64', domain: [-1, 1] }] },
    { inputs: [{ shape: [2], dtype: 'complex64', domain: [-1, 1] }] },
  ],
});
/**
 * The tangent of `x` in radians (TensorFlow `tf.tan`). A float or complex dtype.
 * @example
 * tan(constant([0, Math.PI / 4])); // [0, 1]
 */
export function tan<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Tan', x, options);
}

defineOp({
  name: 'Atanh',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => bin('div', bin('sub', un('log1p', x), un('log1p', un('neg', x))), sameType(2, x))),
  grad: ({ inputs: [x] }, [dy]) =>
    controlDependencies([dy], () => {
      const square = one('Square', [conj(x)]);
      const inverse = one('Reciprocal', [one('Sub', [constantBeside(dy, 1, dy.dtype), square])]);
      return [times(dy, inverse)];
    }),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [-0.9, 0.9] }] },
    { inputs: [{ shape: [3], dtype: 'float64', domain: [-0.9, 0.9] }] },
  ],
});
/**
 * The inverse hyperbolic tangent of `x` (TensorFlow `tf.math.atanh`). A float or complex dtype; infinite at ±1, NaN beyond.
 * @example
 * atanh(constant([0, 0.5])); // [0, 0.5493]
 */
export function atanh<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Atanh', x, options);
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    sin(options?: OpOptions): Tensor<D, S>;
    cos(options?: OpOptions): Tensor<D, S>;
    tan(options?: OpOptions): Tensor<D, S>;
    atanh(options?: OpOptions): Tensor<D, S>;
  }
}
installMethods({ sin, cos, tan, atanh });
