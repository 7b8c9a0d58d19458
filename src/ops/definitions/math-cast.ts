/** Conversion between dtypes. */
import { isComplex, isFloating, type DType } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchBroadcasting } from '../batching/operands.js';
import { convertToTensor, one } from '../call.js';
import { map, unchanged } from '../elementwise.js';
import { cast as converted } from '../expr.js';
import { installMethods } from '../methods.js';
import { defineOp } from '../opdef.js';
import { mapGradient } from '../rules.js';
import type { OpOptions, Operand, ShapeOf } from '../types.js';

const carriesGradient = (dtype: DType): boolean => isFloating(dtype) || isComplex(dtype);

defineOp({
  name: 'Cast',
  signature: 'x: SrcT -> y: DstT | SrcT: type, DstT: type, Truncate: bool = false',
  infer: unchanged,
  lower: map((x, op) => converted(x, op.outputs[0].dtype)),
  grad: ({ inputs: [x] }, [dy]) => {
    if (!carriesGradient(x.dtype) || !carriesGradient(dy.dtype)) return [null];
    return [
      mapGradient(dy, (values) => (values.dtype === x.dtype ? values : one('Cast', [values], { DstT: x.dtype }))),
    ];
  },
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]], attrs: { DstT: 'float64' } },
    { inputs: [{ shape: [3], dtype: 'float64' }], attrs: { DstT: 'float32' } },
    { inputs: [{ value: [-1.7, 0.2, 1.7] }], attrs: { DstT: 'int32' }, notDifferentiable: 'a step function' },
    { inputs: [{ value: [-1, 0, 2], dtype: 'int32' }], attrs: { DstT: 'bool' } },
    { inputs: [{ value: [true, false] }], attrs: { DstT: 'float32' } },
    { inputs: [{ value: [-1, 300], dtype: 'int64' }], attrs: { DstT: 'uint8' } },
    { inputs: [{ shape: [2], dtype: 'complex64' }], attrs: { DstT: 'float32' } },
  ],
});
/**
 * `x` with its elements converted to `dtype` (TensorFlow `tf.cast`): fractions are cut off towards 0, integers wrap around,
 * whatever is not 0 becomes true, and of complex numbers only the real part goes into a real dtype. A tensor that has the
 * dtype already is returned as it is. Gradients flow between float and complex dtypes.
 * @throws DTypeError for a string tensor, when it is run
 * @example
 * cast(constant([1.8, -1.8]), 'int32'); // [1, -1]
 */
export function cast<X extends Operand, D extends DType>(x: X, dtype: D, options?: OpOptions): Tensor<D, ShapeOf<X>> {
  const tensor = convertToTensor(x);
  return (tensor.dtype === dtype ? tensor : one('Cast', [tensor], { DstT: dtype }, options)) as unknown as Tensor<
    D,
    ShapeOf<X>
  >;
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- all declarations have the same type parameters
  interface Tensor<D extends DType, S extends Shape> {
    cast<To extends DType>(dtype: To, options?: OpOptions): Tensor<To, S>;
  }
}
installMethods({ cast });
