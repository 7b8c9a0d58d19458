/** Reductions that choose: maxima and minima over axes, and whether all or any elements are true. */
import type { DType } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { perRow, rowwise } from '../batching/operands.js';
import { reducedShape } from '../axes.js';
import { one } from '../call.js';
import { castTo, dense } from '../indexing.js';
import { installMethods } from '../methods.js';
import { defineOp, type Gradient, type OpView } from '../opdef.js';
import { reduceBy, reducing, reductionNode, type Axes, type ReduceOptions } from '../reduction.js';
import { over, shapeOf, times } from '../rules.js';
import type { DTypeOf, Operand, ReducedShape } from '../types.js';

const ordered = '{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}';

type Reduced<X, A, K, D extends DType = DTypeOf<X>> = Tensor<D, ReducedShape<A, K>>;

defineOp({
  name: 'Max',
  signature: `input: T, reduction_indices: Tidx -> output: T | keep_dims: bool = false, T: ${ordered}, Tidx: {int32, int64} = DT_INT32`,
  infer: reducing,
  lower: reduceBy('max'),
  grad: (op, [dy]) => [shareOfExtrema(op, dy), null],
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [0, 1], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 3, 2], dtype: 'float64' },
        { value: -2, dtype: 'int64' },
      ],
    },
    {
      inputs: [
        { shape: [2, 3], dtype: 'float64' },
        { value: [1], dtype: 'int32' },
      ],
      attrs: { keep_dims: true },
    },
    {
      inputs: [
        {
          value: [
            [1, 5],
            [7, 2],
          ],
          dtype: 'int32',
        },
        { value: 0, dtype: 'int32' },
      ],
    },
    { inputs: [{ value: [0, 1, 1] }, { value: [0], dtype: 'int32' }], notDifferentiable: 'a tie is a kink' },
  ],
});
/**
 * The largest element of `x` along `axis`, or of all (TensorFlow `tf.reduce_max`). The dtype is that of `x`; NaN among the
 * elements gives NaN, and nothing at all the least value there is. The gradient is shared equally by equal maxima.
 * @throws InvalidArgumentError for an axis that `x` does not have; DTypeError for bool and complex dtypes
 * @example
 * reduceMax(constant([[1, 5], [7, 2]]), { axis: 1 }); // [5, 7]
 */
export function reduceMax<
  X extends Operand,
  const A extends Axes = undefined,
  K extends boolean | undefined = undefined,
>(x: X, options?: ReduceOptions<A, K>): Reduced<X, A, K> {
  return reductionNode('Max', x, options) as Reduced<X, A, K>;
}

defineOp({
  name: 'Min',
  signature: `input: T, reduction_indices: Tidx -> output: T | keep_dims: bool = false, T: ${ordered}, Tidx: {int32, int64} = DT_INT32`,
  infer: reducing,
  lower: reduceBy('min'),
  grad: (op, [dy]) => [shareOfExtrema(op, dy), null],
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [0, 1], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 3, 2], dtype: 'float64' },
        { value: [0, 2], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { shape: [2, 3], dtype: 'float64' },
        { value: -1, dtype: 'int32' },
      ],
      attrs: { keep_dims: true },
    },
    {
      inputs: [
        {
          value: [
            [1, 5],
            [7, 2],
          ],
          dtype: 'uint8',
        },
        { value: 0, dtype: 'int32' },
      ],
    },
    { inputs: [{ value: [0, 1, 0] }, { value: [0], dtype: 'int32' }], notDifferentiable: 'a tie is a kink' },
  ],
});
/**
 * The smallest element of `x` along `axis`, or of all (TensorFlow `tf.reduce_min`). The dtype is that of `x`; NaN among
 * the elements gives NaN, and nothing at all the greatest value there is. Equal minima share the gradient equally.
 * @throws InvalidArgumentError for an axis that `x` does not have; DTypeError for bool and complex dtypes
 * @example
 * reduceMin(constant([[1, 5], [7, 2]]), { axis: 1 }); // [1, 2]
 */
export function reduceMin<
  X extends Operand,
  const A extends Axes = undefined,
  K extends boolean | undefined = undefined,
>(x: X, options?: ReduceOptions<A, K>): Reduced<X, A, K> {
  return reductionNode('Min', x, options) as Reduced<X, A, K>;
}

defineOp({
  name: 'All',
  signature:
    'input: bool, reduction_indices: Tidx -> output: bool | keep_dims: bool = false, Tidx: {int32, int64} = DT_INT32',
  infer: reducing,
  lower: reduceBy('and'),
  grad: 'none',
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    {
      inputs: [
        {
          value: [
            [true, false],
            [true, true],
          ],
        },
        { value: 1, dtype: 'int32' },
      ],
    },
    { inputs: [{ value: [[true, false]] }, { value: [0, 1], dtype: 'int32' }], attrs: { keep_dims: true } },
  ],
});
/**
 * Whether all elements of the bool tensor `x` are true, along `axis` or altogether (TensorFlow `tf.reduce_all`). All of
 * nothing is true.
 * @throws InvalidArgumentError for an axis that `x` does not have; DTypeError unless `x` is bool
 * @example
 * reduceAll(constant([[true, false], [true, true]]), { axis: 1 }); // [false, true]
 */
export function reduceAll<
  X extends Operand,
  const A extends Axes = undefined,
  K extends boolean | undefined = undefined,
>(x: X, options?: ReduceOptions<A, K>): Reduced<X, A, K, 'bool'> {
  return reductionNode('All', x, options) as Reduced<X, A, K, 'bool'>;
}

defineOp({
  name: 'Any',
  signature:
    'input: bool, reduction_indices: Tidx -> output: bool | keep_dims: bool = false, Tidx: {int32, int64} = DT_INT32',
  infer: reducing,
  lower: reduceBy('or'),
  grad: 'none',
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    {
      inputs: [
        {
          value: [
            [false, false],
            [true, false],
          ],
        },
        { value: -1, dtype: 'int32' },
      ],
    },
    { inputs: [{ value: [[true, false]] }, { value: [1], dtype: 'int64' }], attrs: { keep_dims: true } },
  ],
});
/**
 * Whether any element of the bool tensor `x` is true, along `axis` or altogether (TensorFlow `tf.reduce_any`). Any of
 * nothing is false.
 * @throws InvalidArgumentError for an axis that `x` does not have; DTypeError unless `x` is bool
 * @example
 * reduceAny(constant([[false, false], [true, false]]), { axis: 1 }); // [false, true]
 */
export function reduceAny<
  X extends Operand,
  const A extends Axes = undefined,
  K extends boolean | undefined = undefined,
>(x: X, options?: ReduceOptions<A, K>): Reduced<X, A, K, 'bool'> {
  return reductionNode('Any', x, options) as Reduced<X, A, K, 'bool'>;
}

/** The gradient of an extremum, divided equally among the elements that are it. */
function shareOfExtrema(op: OpView, gradient: Gradient): Tensor {
  const [x, axes] = op.inputs;
  const shape = shapeOf(x);
  let [y, dy] = [op.outputs[0], dense(gradient)];
  const keep = op.boolAttr('keep_dims');
  const kept = keep ? shapeOf(y) : reducedShape(shape, axes);
  if (!keep) [y, dy] = [one('Reshape', [y, kept]), one('Reshape', [dy, kept])];
  const indicators = castTo(one('Equal', [y, x]), dy.dtype);
  const count = one('Reshape', [one('Sum', [indicators, axes]), kept]);
  return times(over(indicators, count), dy);
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- declarations merge only with the same parameters
  interface Tensor<D extends DType, S extends Shape> {
    reduceMax<const A extends Axes = undefined, K extends boolean | undefined = undefined>(
      options?: ReduceOptions<A, K>,
    ): Tensor<D, ReducedShape<A, K>>;
    reduceMin<const A extends Axes = undefined, K extends boolean | undefined = undefined>(
      options?: ReduceOptions<A, K>,
    ): Tensor<D, ReducedShape<A, K>>;
    reduceAll<const A extends Axes = undefined, K extends boolean | undefined = undefined>(
      options?: ReduceOptions<A, K>,
    ): Tensor<'bool', ReducedShape<A, K>>;
    reduceAny<const A extends Axes = undefined, K extends boolean | undefined = undefined>(
      options?: ReduceOptions<A, K>,
    ): Tensor<'bool', ReducedShape<A, K>>;
  }
}
installMethods({ reduceMax, reduceMin, reduceAll, reduceAny });
