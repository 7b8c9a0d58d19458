/** Rounding, absolute value and sign. */
import { isComplex, isInteger, type DType } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchBroadcasting } from '../batching/operands.js';
import { convertToTensor, one } from '../call.js';
import { map, unchanged } from '../elementwise.js';
import { un } from '../expr.js';
import { named, realFloatDTypes, unary, type Like, type RealOf } from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp, type Sample } from '../opdef.js';
import { times, zerosLike } from '../rules.js';
import type { DTypeOf, OpOptions, Operand, ShapeOf } from '../types.js';

const steps: readonly Sample[] = [
  {
    inputs: [
      {
        value: [
          [-1.5, -0.5, 0.5],
          [1.5, 2.5, 2.25],
        ],
      },
    ],
    notDifferentiable: 'a step function',
  },
  { inputs: [{ value: [-2.75, 7.5], dtype: 'float64' }], notDifferentiable: 'a step function' },
  { inputs: [[2, 3]] },
];

defineOp({
  name: 'Floor',
  signature: `x: T -> y: T | T: ${realFloatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('floor', x)),
  grad: () => [null],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: steps,
});
/**
 * The largest whole number not above `x` (TensorFlow `tf.floor`). A float dtype; no gradient flows.
 * @example
 * floor(constant([-1.5, 1.5])); // [-2, 1]
 */
export function floor<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Floor', x, options);
}

defineOp({
  name: 'Ceil',
  signature: `x: T -> y: T | T: ${realFloatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('ceil', x)),
  grad: () => [null],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: steps,
});
/**
 * The smallest whole number not below `x` (TensorFlow `tf.math.ceil`). A float dtype; no gradient flows.
 * @example
 * ceil(constant([-1.5, 1.5])); // [-1, 2]
 */
export function ceil<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Ceil', x, options);
}

defineOp({
  name: 'Round',
  signature: 'x: T -> y: T | T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}',
  infer: unchanged,
  lower: map((x) => (isInteger(x.dtype) ? x : un('rint', x))),
  grad: () => [null],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: steps,
});
/**
 * The nearest whole number, an even one where two are as near (TensorFlow `tf.round`). An integer tensor is returned as it
 * is; otherwise a float dtype, and no gradient flows.
 * @example
 * round(constant([0.5, 1.5, 2.6])); // [0, 2, 3]
 */
export function round<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  const tensor = convertToTensor(x);
  return (isInteger(tensor.dtype) ? tensor : one('Round', [tensor], {}, options)) as Like<X>;
}

defineOp({
  name: 'Rint',
  signature: `x: T -> y: T | T: ${realFloatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('rint', x)),
  grad: () => [null],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: steps,
});
/**
 * The nearest whole number, an even one where two are as near (TensorFlow `tf.math.rint`). A float dtype; no gradient flows.
 * @example
 * rint(constant([-1.5, 0.5])); // [-2, 0]
 */
export function rint<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Rint', x, options);
}

defineOp({
  name: 'Abs',
  signature: 'x: T -> y: T | T: {bfloat16, half, float, double, int8, int16, int32, int64}',
  infer: unchanged,
  lower: map((x) => un('abs', x)),
  grad: ({ inputs: [x] }, [dy]) => [times(dy, one('Sign', [x]))],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [0.5, 2] }] },
    { inputs: [{ shape: [3], dtype: 'float64', domain: [-2, -0.5] }] },
    { inputs: [{ value: [0, -1.5, 2] }], notDifferentiable: 'a kink at 0' },
    { inputs: [{ value: [-3, 4], dtype: 'int32' }] },
  ],
});
/**
 * The absolute value (TensorFlow `tf.abs`); of a complex tensor its modulus, a real one (op ComplexAbs). The gradient at 0
 * is 0.
 * @throws DTypeError for an unsigned, bool or string tensor
 * @example
 * abs(constant([-3, 4])); // [3, 4]
 */
export function abs<X extends Operand>(x: X, options?: OpOptions): Tensor<RealOf<DTypeOf<X>>, ShapeOf<X>> {
  const tensor = convertToTensor(x);
  const modulus = isComplex(tensor.dtype);
  const attrs = modulus ? { Tout: tensor.dtype === 'complex128' ? 'float64' : 'float32' } : {};
  return one(modulus ? 'ComplexAbs' : 'Abs', [tensor], attrs, named('Abs', options)) as ReturnType<typeof abs<X>>;
}

defineOp({
  name: 'Sign',
  signature: 'x: T -> y: T | T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}',
  infer: unchanged,
  lower: map((x) => un('sign', x)),
  grad: ({ inputs: [x] }) => [zerosLike(x)],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [0.5, 2] }] },
    { inputs: [{ value: [-3, 0, 4], dtype: 'int32' }] },
    { inputs: [{ value: [-3, 0, NaN], dtype: 'float64' }], notDifferentiable: 'a step at 0' },
    {
      inputs: [{ shape: [2], dtype: 'complex64', domain: [0.5, 2] }],
      notDifferentiable: "TensorFlow's rule takes z / |z| for constant",
    },
  ],
});
/**
 * -1, 0 or 1 as `x` is below, at or above 0 (TensorFlow `tf.sign`); a complex `x` is divided by its modulus. The gradient
 * of the real one is 0.
 * @throws DTypeError for an unsigned, bool or string tensor
 * @example
 * sign(constant([-3, 0, 4])); // [-1, 0, 1]
 */
export function sign<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  const tensor = convertToTensor(x);
  if (!isComplex(tensor.dtype)) return one('Sign', [tensor], {}, options) as Like<X>;
  return tensor.graph.receiver.attempt(() => {
    const modulus = one('ComplexAbs', [tensor], { Tout: tensor.dtype === 'complex128' ? 'float64' : 'float32' });
    return one('DivNoNan', [tensor, one('Cast', [modulus], { DstT: tensor.dtype })], {}, options);
  }) as Like<X>;
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    floor(options?: OpOptions): Tensor<D, S>;
    ceil(options?: OpOptions): Tensor<D, S>;
    round(options?: OpOptions): Tensor<D, S>;
    rint(options?: OpOptions): Tensor<D, S>;
    abs(options?: OpOptions): Tensor<RealOf<D>, S>;
    sign(options?: OpOptions): Tensor<D, S>;
  }
}
installMethods({ floor, ceil, round, rint, abs, sign });
