/** Products and quotients in which one zero operand makes the result 0, whatever the other one is. */
import type { DType } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shape.js';
import { batchBroadcasting } from '../batching/operands.js';
import { indicator, reduceProducts, reduceToOperands, sameKnownShape } from '../broadcast-gradient.js';
import { one } from '../call.js';
import { broadcasting, zip } from '../elementwise.js';
import { bin, select, un } from '../expr.js';
import { binary, floatDTypes, named, sameType, type Joined } from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp } from '../opdef.js';
import { negated, plus } from '../rules.js';
import type { Broadcastable, OpOptions, Operand } from '../types.js';

defineOp({
  name: 'MulNoNan',
  signature: `x: T, y: T -> z: T | T: ${floatDTypes}`,
  infer: broadcasting,
  lower: zip((x, y) => select(bin('eq', y, sameType(0, y)), sameType(0, x), bin('mul', x, y))),
  grad: ({ inputs: [x, y] }, [dy]) => {
    const [gx, gy] = [one('MulNoNan', [dy, y]), one('MulNoNan', [x, dy])];
    return sameKnownShape(x, y, dy) ? [gx, gy] : reduceToOperands(x, y, gx, gy);
  },
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { shape: [2, 3], domain: [0.5, 2] }] },
    {
      inputs: [
        { shape: [2, 1], dtype: 'float64' },
        { shape: [3], dtype: 'float64', domain: [0.5, 2] },
      ],
    },
    {
      inputs: [{ value: [Infinity, 2] }, { value: [0, 3] }],
      notDifferentiable: 'the rule is exact only where no factor is 0',
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64' },
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
      ],
      notDifferentiable: "TensorFlow's rule leaves out the conjugate: it holds for real numbers",
    },
  ],
});
/**
 * `x * y`, and 0 wherever `y` is 0 even if `x` is infinite or NaN (TensorFlow `tf.math.multiply_no_nan`). Both have the
 * same float or complex dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * multiplyNoNan(constant([Infinity, 2]), [0, 3]); // [0, 6]
 */
export function multiplyNoNan<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('MulNoNan', x, y, named('multiply_no_nan', options));
}

defineOp({
  name: 'Xdivy',
  signature: `x: T, y: T -> z: T | T: ${floatDTypes}`,
  infer: broadcasting,
  lower: zip((x, y) => select(bin('eq', x, sameType(0, x)), sameType(0, x), bin('div', x, y))),
  grad: ({ inputs: [x, y] }, [dy]) =>
    reduceProducts(x, y, dy, () => [
      one('Xdivy', [indicator(x), y]),
      one('Xdivy', [negated(x), one('Pow', [y, 2], {}, { name: 'pow' })]),
    ]),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    {
      inputs: [
        { shape: [2, 3], domain: [0.5, 2] },
        { shape: [2, 3], domain: [0.5, 2] },
      ],
    },
    {
      inputs: [
        { shape: [2, 1], dtype: 'float64', domain: [0.5, 2] },
        { shape: [3], dtype: 'float64', domain: [0.5, 2] },
      ],
    },
    { inputs: [{ value: [0, 0, 6] }, { value: [0, NaN, 3] }], notDifferentiable: 'no derivative at a zero divisor' },
    {
      inputs: [
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
      ],
      notDifferentiable: "TensorFlow's rule leaves out the conjugate: it holds for real numbers",
    },
  ],
});
/**
 * `x / y`, and 0 wherever `x` is 0 (TensorFlow `tf.math.xdivy`), with broadcasting. Both have the same float or complex dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * xdivy(constant([0, 6]), [0, 3]); // [0, 2]
 */
export function xdivy<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('Xdivy', x, y, options);
}

defineOp({
  name: 'Xlogy',
  signature: `x: T, y: T -> z: T | T: ${floatDTypes}`,
  infer: broadcasting,
  lower: zip((x, y) => select(bin('eq', x, sameType(0, x)), sameType(0, x), bin('mul', x, un('log', y)))),
  grad: ({ inputs: [x, y] }, [dy]) =>
    reduceProducts(x, y, dy, () => [one('Xlogy', [indicator(x), y]), one('Xdivy', [x, y])]),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    {
      inputs: [
        { shape: [2, 3], domain: [0.5, 2] },
        { shape: [2, 3], domain: [0.5, 2] },
      ],
    },
    {
      inputs: [
        { shape: [2, 1], dtype: 'float64', domain: [0.5, 2] },
        { shape: [3], dtype: 'float64', domain: [0.5, 2] },
      ],
    },
    { inputs: [{ value: [0, 0] }, { value: [0, NaN] }], notDifferentiable: 'no derivative at log(0)' },
    {
      inputs: [
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
      ],
      notDifferentiable: "TensorFlow's rule leaves out the conjugate: it holds for real numbers",
    },
  ],
});
/**
 * `x * log(y)`, and 0 wherever `x` is 0 (TensorFlow `tf.math.xlogy`), with broadcasting. Both have the same float or complex dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * xlogy(constant([0, 2]), [0, 1]); // [0, 0]
 */
export function xlogy<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('Xlogy', x, y, options);
}

defineOp({
  name: 'Xlog1py',
  signature: `x: T, y: T -> z: T | T: ${floatDTypes}`,
  infer: broadcasting,
  lower: zip((x, y) => select(bin('eq', x, sameType(0, x)), sameType(0, x), bin('mul', x, un('log1p', y)))),
  grad: ({ inputs: [x, y] }, [dy]) =>
    reduceProducts(x, y, dy, () => [one('Xlog1py', [indicator(x), y]), one('Xdivy', [x, plus(y, 1)])]),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    {
      inputs: [
        { shape: [2, 3], domain: [0.5, 2] },
        { shape: [2, 3], domain: [-0.5, 2] },
      ],
    },
    {
      inputs: [
        { shape: [2, 1], dtype: 'float64', domain: [0.5, 2] },
        { shape: [3], dtype: 'float64', domain: [-0.5, 2] },
      ],
    },
    { inputs: [{ value: [0, 0, 2] }, { value: [-1, NaN, 0] }], notDifferentiable: 'no derivative at log(0)' },
    {
      inputs: [
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
      ],
      notDifferentiable: "TensorFlow's rule leaves out the conjugate: it holds for real numbers",
    },
  ],
});
/**
 * `x * log1p(y)`, exact also for small `y`, and 0 wherever `x` is 0 (TensorFlow `tf.math.xlog1py`), with broadcasting. Both
 * have the same float or complex dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * xlog1py(constant([0, 2]), [-1, 0.5]); // [0, 0.8109]
 */
export function xlog1py<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('Xlog1py', x, y, options);
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    multiplyNoNan<B extends Operand>(
      y: B & Broadcastable<Tensor<D, S>, B>,
      options?: OpOptions,
    ): Joined<Tensor<D, S>, B>;
    xdivy<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
    xlogy<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
    xlog1py<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
  }
}
installMethods({ multiplyNoNan, xdivy, xlogy, xlog1py });
