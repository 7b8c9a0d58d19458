/** Where the extrema along an axis are. */
import type { DType } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { argExtremum } from '../arg-extremum.js';
import { perRow, rowwise } from '../batching/operands.js';
import { one } from '../call.js';
import { constantNumber, indices } from '../indexing.js';
import { installMethods } from '../methods.js';
import { defineOp, type OpView } from '../opdef.js';
import { axisIn, requireRank, shapeError, unknownDims, without } from '../shape-rules.js';
import type { Operand, OpOptions, TensorLike } from '../types.js';

const orderedOrBool = '{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, bool}';

export interface ArgOptions<D extends DType> extends OpOptions {
  /** 0 by default; a negative one counts from the last. */
  readonly axis?: number | TensorLike<'int16' | 'int32' | 'int64'>;
  /** int64 by default. */
  readonly outputType?: D;
}

defineOp({
  name: 'ArgMax',
  signature: `input: T, dimension: Tidx -> output: output_type | T: ${orderedOrBool}, Tidx: {int16, int32, int64} = DT_INT32, output_type: {int16, uint16, int32, int64} = DT_INT64`,
  infer: withoutAxis,
  lower: argExtremum('max'),
  grad: () => [null, null],
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    {
      inputs: [
        {
          value: [
            [1, 5, 5],
            [7, 2, 3],
          ],
        },
        { value: 1, dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { shape: [2, 3, 2], dtype: 'float64' },
        { value: -2, dtype: 'int64' },
      ],
      attrs: { output_type: 'int32' },
    },
    {
      inputs: [
        { value: [3, 1, 3], dtype: 'int32' },
        { value: 0, dtype: 'int32' },
      ],
    },
  ],
});
/**
 * Where along `axis` the largest element of `x` is, the first of equals (TensorFlow `tf.argmax`). The result has the shape
 * of `x` without that axis and dtype `outputType`. NaN is passed over.
 * @throws InvalidArgumentError for an axis that `x` does not have, and at run time for an empty one
 * @example
 * argmax(constant([[1, 5], [7, 2]]), { axis: 1 }); // [1n, 0n]
 */
export function argmax<X extends Operand, D extends 'int16' | 'uint16' | 'int32' | 'int64' = 'int64'>(
  x: X,
  options: ArgOptions<D> = {},
): Tensor<D> {
  return argNode('ArgMax', x, options);
}

defineOp({
  name: 'ArgMin',
  signature: `input: T, dimension: Tidx -> output: output_type | T: ${orderedOrBool}, Tidx: {int32, int64} = DT_INT32, output_type: {int32, int64} = DT_INT64`,
  infer: withoutAxis,
  lower: argExtremum('min'),
  grad: () => [null, null],
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    {
      inputs: [
        {
          value: [
            [1, 5, 1],
            [7, 2, 3],
          ],
        },
        { value: 1, dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { shape: [2, 3], dtype: 'float64' },
        { value: 0, dtype: 'int64' },
      ],
      attrs: { output_type: 'int32' },
    },
  ],
});
/**
 * Where along `axis` the smallest element of `x` is, the first of equals (TensorFlow `tf.argmin`). The result has the shape
 * of `x` without that axis and dtype `outputType`. NaN is passed over.
 * @throws InvalidArgumentError for an axis that `x` does not have, and at run time for an empty one
 * @example
 * argmin(constant([[1, 5], [7, 2]]), { axis: 1 }); // [0n, 1n]
 */
export function argmin<X extends Operand, D extends 'int32' | 'int64' = 'int64'>(
  x: X,
  options: ArgOptions<D> = {},
): Tensor<D> {
  return argNode('ArgMin', x, options);
}

function argNode<D extends DType>(type: string, x: Operand, options: ArgOptions<D>): Tensor<D> {
  const { axis = 0, outputType = 'int64' } = options;
  return one(type, [x, indices(axis, 'dimension')], { output_type: outputType }, options) as Tensor<D>;
}

function withoutAxis(op: OpView): readonly Shape[] {
  const [x, dimension] = op.inputs;
  requireRank(op, dimension, 0, 'the axis');
  if (x.shape === null) return [null];
  if (x.shape.length === 0) throw shapeError(op, 'a scalar has no axis');
  const axis = constantNumber(dimension);
  return [axis === null ? unknownDims(x.shape.length - 1) : without(x.shape, axisIn(op, axis, x.shape.length))];
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- declarations merge only with the same parameters
  interface Tensor<D extends DType, S extends Shape> {
    argmax<T extends 'int16' | 'uint16' | 'int32' | 'int64' = 'int64'>(options?: ArgOptions<T>): Tensor<T>;
    argmin<T extends 'int32' | 'int64' = 'int64'>(options?: ArgOptions<T>): Tensor<T>;
  }
}
installMethods({ argmax, argmin });
