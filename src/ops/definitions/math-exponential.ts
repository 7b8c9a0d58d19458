/** Exponentials, logarithms and the sigmoid family. */
import type { DType } from '../../graph/dtype.js';
import { controlDependencies } from '../../graph/scopes.js';
import type { Shape } from '../../graph/shape.js';
import { batchBroadcasting, perRow, rowwise } from '../batching/operands.js';
import { one } from '../call.js';
import { map, unchanged, zip } from '../elementwise.js';
import { bin, select, un, type Expr } from '../expr.js';
import {
  commonShape,
  floatDTypes,
  isComplexExpr,
  realFloatDTypes,
  sameType,
  unary,
  type Like,
} from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp } from '../opdef.js';
import { conj, minus, negated, over, plus, times } from '../rules.js';
import type { OpOptions, Operand } from '../types.js';

defineOp({
  name: 'Exp',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('exp', x)),
  grad: ({ outputs: [y] }, [dy]) => controlDependencies([dy], () => [times(dy, conj(y))]),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [3], dtype: 'float64' }] },
    { inputs: [{ shape: [2], dtype: 'complex64' }] },
  ],
});
/**
 * `e` to the power `x` (TensorFlow `tf.exp`). A float or complex dtype.
 * @example
 * exp(constant([0, 1])); // [1, 2.7182817]
 */
export function exp<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Exp', x, options);
}

defineOp({
  name: 'Expm1',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('expm1', x)),
  grad: ({ inputs: [x] }, [dy]) => controlDependencies([dy], () => [times(dy, one('Exp', [conj(x)]))]),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [3], dtype: 'float64' }] },
    { inputs: [{ value: [1e-6, -1e-6, 0] }] },
    { inputs: [{ shape: [2], dtype: 'complex64', domain: [-0.5, 1] }] },
  ],
});
/**
 * `exp(x) - 1`, exact near 0 too (TensorFlow `tf.math.expm1`). A float or complex dtype.
 * @example
 * expm1(constant([0, 1e-8])); // [0, 1e-8]
 */
export function expm1<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Expm1', x, options);
}

defineOp({
  name: 'Log',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('log', x)),
  grad: ({ inputs: [x] }, [dy]) => controlDependencies([dy], () => [times(dy, one('Reciprocal', [conj(x)]))]),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [0.5, 2] }] },
    { inputs: [{ shape: [3], dtype: 'float64', domain: [0.5, 2] }] },
    { inputs: [{ shape: [2], dtype: 'complex64', domain: [0.5, 2] }] },
  ],
});
/**
 * The natural logarithm of `x` (TensorFlow `tf.math.log`). A float or complex dtype.
 * @example
 * log(constant([1, 0])); // [0, -Infinity]
 */
export function log<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Log', x, options);
}

defineOp({
  name: 'Log1p',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('log1p', x)),
  grad: ({ inputs: [x] }, [dy]) => controlDependencies([dy], () => [times(dy, one('Reciprocal', [plus(1, conj(x))]))]),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [-0.5, 2] }] },
    { inputs: [{ shape: [3], dtype: 'float64', domain: [-0.5, 2] }] },
    { inputs: [{ value: [1e-6, -1e-6, 0] }] },
    { inputs: [{ shape: [2], dtype: 'complex64', domain: [-0.5, 1] }] },
  ],
});
/**
 * `log(1 + x)`, exact near 0 too (TensorFlow `tf.math.log1p`). A float or complex dtype.
 * @example
 * log1p(constant([0, 1e-8])); // [0, 1e-8]
 */
export function log1p<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Log1p', x, options);
}

defineOp({
  name: 'Tanh',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('tanh', x)),
  grad: ({ outputs: [y] }, [dy]) => controlDependencies([dy], () => [one('TanhGrad', [conj(y), dy])]),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [3], dtype: 'float64' }] },
    { inputs: [{ shape: [2], dtype: 'complex64' }] },
  ],
});
/**
 * Hyperbolic tangent of `x`, element by element (TensorFlow `tf.math.tanh`). Shape and dtype are those of `x`: a float or complex one.
 * @throws DTypeError for an integer, bool or string tensor
 * @example
 * tanh(constant([0])); // [0]
 */
export function tanh<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Tanh', x, options);
}

defineOp({
  name: 'TanhGrad',
  signature: `y: T, dy: T -> z: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: zip((y, dy) => bin('mul', dy, bin('sub', sameType(1, y), bin('mul', y, y)))),
  grad: ({ inputs }, [ddz]) =>
    controlDependencies([ddz], () => {
      const [y, dy] = [conj(inputs[0]), conj(inputs[1])];
      return [times(times(times(ddz, -2), dy), y), one('TanhGrad', [y, ddz])];
    }),
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    {
      inputs: [
        { shape: [3], dtype: 'float64' },
        { shape: [3], dtype: 'float64' },
      ],
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64' },
        { shape: [2], dtype: 'complex64' },
      ],
    },
  ],
});

/** Neither branch overflows, and none loses the small values that 1 - … would. */
function logistic(x: Expr): Expr {
  const one = sameType(1, x);
  const right = bin('div', one, bin('add', one, un('exp', un('neg', x))));
  if (isComplexExpr(x)) return right;
  const grown = un('exp', x);
  return select(bin('lt', x, sameType(0, x)), bin('div', grown, bin('add', one, grown)), right);
}

defineOp({
  name: 'Sigmoid',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map(logistic),
  grad: ({ outputs: [y] }, [dy]) => controlDependencies([dy], () => [one('SigmoidGrad', [conj(y), dy])]),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [3], dtype: 'float64' }] },
    { inputs: [{ value: [-200, 0, 200] }] },
    { inputs: [{ shape: [2], dtype: 'complex64', domain: [-0.5, 1] }] },
  ],
});
/**
 * `1 / (1 + exp(-x))` (TensorFlow `tf.math.sigmoid`). A float or complex dtype.
 * @example
 * sigmoid(constant([0])); // [0.5]
 */
export function sigmoid<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Sigmoid', x, options);
}

defineOp({
  name: 'SigmoidGrad',
  signature: `y: T, dy: T -> z: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: zip((y, dy) => bin('mul', bin('mul', dy, y), bin('sub', sameType(1, y), y))),
  grad: ({ inputs }, [ddz]) =>
    controlDependencies([ddz], () => {
      const [y, dy] = [conj(inputs[0]), conj(inputs[1])];
      const product = times(ddz, dy);
      return [minus(product, times(times(2, product), y)), one('SigmoidGrad', [y, ddz])];
    }),
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    {
      inputs: [
        { shape: [3], dtype: 'float64' },
        { shape: [3], dtype: 'float64' },
      ],
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64' },
        { shape: [2], dtype: 'complex64' },
      ],
    },
  ],
});

defineOp({
  name: 'Softplus',
  signature: `features: T -> activations: T | T: ${realFloatDTypes}`,
  infer: unchanged,
  lower: map((x) => bin('add', bin('max', x, sameType(0, x)), un('log1p', un('exp', un('neg', un('abs', x)))))),
  grad: ({ inputs: [x] }, [dy]) => [times(dy, one('Sigmoid', [x]))],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [3], dtype: 'float64' }] },
    { inputs: [{ value: [-200, -20, 3, 200] }] },
  ],
});
/**
 * `log(1 + exp(features))`, which neither overflows nor loses small values (TensorFlow `tf.math.softplus`). A float dtype.
 * @example
 * softplus(constant([0, 100])); // [0.6931472, 100]
 */
export function softplus<X extends Operand>(features: X, options?: OpOptions): Like<X> {
  return unary('Softplus', features, options);
}

defineOp({
  name: 'SoftplusGrad',
  signature: `gradients: T, features: T -> backprops: T | T: ${realFloatDTypes}`,
  infer: commonShape,
  lower: zip((dy, x) => bin('div', dy, bin('add', un('exp', un('neg', x)), sameType(1, x)))),
  grad: ({ inputs: [dy, x] }, [ddx]) =>
    controlDependencies([ddx], () => {
      const ddy = one('SoftplusGrad', [ddx, x]);
      const product = times(ddx, dy);
      const spread = plus(plus(one('Exp', [negated(x)]), 2), one('Exp', [x]));
      return [ddy, over(product, spread)];
    }),
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    {
      inputs: [
        { shape: [3], dtype: 'float64' },
        { shape: [3], dtype: 'float64' },
      ],
    },
  ],
});

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    exp(options?: OpOptions): Tensor<D, S>;
    expm1(options?: OpOptions): Tensor<D, S>;
    log(options?: OpOptions): Tensor<D, S>;
    log1p(options?: OpOptions): Tensor<D, S>;
    tanh(options?: OpOptions): Tensor<D, S>;
    sigmoid(options?: OpOptions): Tensor<D, S>;
    softplus(options?: OpOptions): Tensor<D, S>;
  }
}
installMethods({ exp, expm1, log, log1p, tanh, sigmoid, softplus });
