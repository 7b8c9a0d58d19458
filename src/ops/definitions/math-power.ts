/** Powers and roots. */
import type { DType } from '../../graph/dtype.js';
import { controlDependencies } from '../../graph/scopes.js';
import type { Shape } from '../../graph/shape.js';
import { batchBroadcasting, perRow, rowwise } from '../batching/operands.js';
import { reduceToOperands, sameKnownShape } from '../broadcast-gradient.js';
import { one } from '../call.js';
import { broadcasting, map, unchanged, zip } from '../elementwise.js';
import { bin, un, type Expr } from '../expr.js';
import {
  binary,
  floatDTypes,
  isComplexExpr,
  numberDTypes,
  sameType,
  unary,
  unlessZero,
  type Joined,
  type Like,
} from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp, type Gradient } from '../opdef.js';
import { conj, constantBeside, mapGradient, minus, negated, onesLike, over, times, zerosLike } from '../rules.js';
import type { Broadcastable, OpOptions, Operand } from '../types.js';

const conjugate = (x: Expr): Expr => (isComplexExpr(x) ? un('conj', x) : x);

defineOp({
  name: 'Square',
  signature: `x: T -> y: T | T: ${numberDTypes}`,
  infer: unchanged,
  lower: map((x) => bin('mul', x, x)),
  grad: ({ inputs: [x] }, [dy]) =>
    controlDependencies([dy], () => {
      const cx = conj(x);
      return [one('Mul', [dy, one('Mul', [cx, constantBeside(x, 2, x.dtype)])])];
    }),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [3], dtype: 'float64' }] },
    { inputs: [{ shape: [2], dtype: 'complex64' }] },
    { inputs: [{ value: [-3, 4], dtype: 'int32' }] },
  ],
});
/**
 * `x²` (TensorFlow `tf.square`). Any number dtype.
 * @example
 * square(constant([-3, 4])); // [9, 16]
 */
export function square<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Square', x, options);
}

defineOp({
  name: 'Sqrt',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('sqrt', x)),
  grad: ({ outputs: [y] }, [dy]) => [one('SqrtGrad', [y, dy])],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [0.5, 2] }] },
    { inputs: [{ shape: [3], dtype: 'float64', domain: [0.5, 2] }] },
    { inputs: [{ shape: [2], dtype: 'complex64', domain: [0.5, 2] }] },
  ],
});
/**
 * The square root of `x` (TensorFlow `tf.sqrt`); NaN for negative real numbers. A float or complex dtype.
 * @example
 * sqrt(constant([0, 9])); // [0, 3]
 */
export function sqrt<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Sqrt', x, options);
}

defineOp({
  name: 'SqrtGrad',
  signature: `y: T, dy: T -> z: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: zip((y, dy) => unlessZero(dy, bin('div', bin('mul', sameType(0.5, dy), dy), conjugate(y)))),
  grad: ({ inputs: [y], outputs: [z] }, [ddz]) =>
    controlDependencies([ddz], () => {
      const quotient = over(ddz, y);
      return [times(negated(conj(quotient)), z), times(0.5, quotient)];
    }),
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [0.5, 2] }, [2, 3]] },
    {
      inputs: [
        { shape: [3], dtype: 'float64', domain: [0.5, 2] },
        { shape: [3], dtype: 'float64' },
      ],
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
        { shape: [2], dtype: 'complex64' },
      ],
    },
  ],
});

defineOp({
  name: 'Rsqrt',
  signature: `x: T -> y: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: map((x) => bin('div', sameType(1, x), un('sqrt', x))),
  grad: ({ outputs: [y] }, [dy]) => [one('RsqrtGrad', [y, dy])],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [0.5, 2] }] },
    { inputs: [{ shape: [3], dtype: 'float64', domain: [0.5, 2] }] },
    { inputs: [{ shape: [2], dtype: 'complex64', domain: [0.5, 2] }] },
  ],
});
/**
 * `1 / √x` (TensorFlow `tf.math.rsqrt`). A float or complex dtype.
 * @example
 * rsqrt(constant([4, 16])); // [0.5, 0.25]
 */
export function rsqrt<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Rsqrt', x, options);
}

defineOp({
  name: 'RsqrtGrad',
  signature: `y: T, dy: T -> z: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: zip((y, dy) => {
    const cy = conjugate(y);
    return unlessZero(dy, bin('mul', bin('mul', sameType(-0.5, dy), bin('mul', dy, cy)), bin('mul', cy, cy)));
  }),
  grad: ({ inputs: [y, dy] }, [ddz]) =>
    controlDependencies([ddz], () => {
      const [cy, cg] = [conj(y), conj(ddz)];
      return [times(times(times(-1.5, cg), dy), one('Square', [cy])), one('RsqrtGrad', [cy, ddz])];
    }),
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [0.5, 2] }, [2, 3]] },
    {
      inputs: [
        { shape: [3], dtype: 'float64', domain: [0.5, 2] },
        { shape: [3], dtype: 'float64' },
      ],
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
        { shape: [2], dtype: 'complex64' },
      ],
    },
  ],
});

defineOp({
  name: 'Pow',
  signature:
    'x: T, y: T -> z: T | T: {bfloat16, float, half, double, int8, int16, int32, int64, complex64, complex128}',
  infer: broadcasting,
  lower: zip((x, y) => bin('pow', x, y)),
  grad: ({ inputs: [x, y], outputs: [z] }, [dy]) => {
    const [cx, cy] = [conj(x), conj(y)];
    const gx = times(times(dy, cy), one('Pow', [cx, minus(cy, 1)]));
    // A real power of a base below 0 depends on no real exponent near it: its logarithm counts as 0.
    const mask = x.dtype.startsWith('complex') ? one('NotEqual', [cx, 0]) : one('Greater', [cx, 0]);
    const safe = one('Select', [mask, cx, onesLike(x)]);
    const logarithm = one('Log', [safe]);
    const log = one('Select', [mask, logarithm, zerosLike(x)]);
    const gy = times(times(dy, conj(z)), log);
    return reduceToOperands(x, y, gx, gy);
  },
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [0.5, 2] }, [2, 3]] },
    {
      inputs: [
        { shape: [2, 1], dtype: 'float64', domain: [0.5, 2] },
        { shape: [3], dtype: 'float64' },
      ],
    },
    { inputs: [{ shape: [2], domain: [0.5, 2] }, { value: 2 }] },
    {
      inputs: [
        { value: [2, -3], dtype: 'int32' },
        { value: [10, 3], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
        { shape: [2, 1], dtype: 'complex64' },
      ],
    },
  ],
});
/**
 * `x` to the power `y`, element by element with broadcasting (TensorFlow `tf.pow`). Both have the same signed number dtype.
 * Where a real `x` is not positive, the gradient for `y` is 0.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ; when run,
 * InvalidArgumentError for an integer to a negative power
 * @example
 * pow(constant([2, 3]), 2); // [4, 9]
 */
export function pow<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('Pow', x, y, options);
}

defineOp({
  name: 'SquaredDifference',
  signature: 'x: T, y: T -> z: T | T: {bfloat16, half, float, double, int32, int64, complex64, complex128}',
  infer: broadcasting,
  lower: zip((x, y) => {
    const difference = bin('sub', x, y);
    return bin('mul', difference, isComplexExpr(x) ? un('conj', difference) : difference);
  }),
  grad: ({ inputs: [x, y] }, [dy]) => {
    const gx = controlDependencies([dy], () => times(twice(dy), minus(x, y)));
    const gy = negated(gx);
    return sameKnownShape(x, y, dy) ? [gx, gy] : reduceToOperands(x, y, gx, gy);
  },
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    { inputs: [[2, 1], [3]] },
    {
      inputs: [
        { shape: [2], dtype: 'float64' },
        { shape: [], dtype: 'float64' },
      ],
    },
    {
      inputs: [
        { value: [1, 2], dtype: 'int32' },
        { value: [5, 7], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64' },
        { shape: [2, 1], dtype: 'complex64' },
      ],
      notDifferentiable: "TensorFlow's rule holds for real gradients only",
    },
  ],
});
/** `2 * dy`, its factor a constant of its own. */
function twice(dy: Gradient): Gradient {
  const two = constantBeside(dy, 2, dy.dtype, 'scalar');
  return mapGradient(dy, (values) => one('Mul', [two, values]));
}

/**
 * `(x - y)²`, element by element with broadcasting (TensorFlow `tf.math.squared_difference`); of complex numbers, the
 * squared distance. Both have the same dtype: a float or complex one, int32 or int64.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * squaredDifference(constant([1, 5]), 2); // [1, 9]
 */
export function squaredDifference<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('SquaredDifference', x, y, options);
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    square(options?: OpOptions): Tensor<D, S>;
    sqrt(options?: OpOptions): Tensor<D, S>;
    rsqrt(options?: OpOptions): Tensor<D, S>;
    pow<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
    squaredDifference<B extends Operand>(
      y: B & Broadcastable<Tensor<D, S>, B>,
      options?: OpOptions,
    ): Joined<Tensor<D, S>, B>;
  }
}
installMethods({ squaredDifference, square, sqrt, rsqrt, pow });
