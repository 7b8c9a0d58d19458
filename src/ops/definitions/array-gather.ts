/** Slices of a tensor picked by an index tensor. */
import type { DType } from '../../graph/dtype.js';
import { mergeShapes, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchGather } from '../batching/indexing.js';
import { one } from '../call.js';
import { bound, cast, lazy, type Expr, type Lazy } from '../expr.js';
import { constantNumber, indices, numbers, type IndexOperand } from '../indexing.js';
import { installMethods } from '../methods.js';
import { defineOp, type LowerView, type OpView } from '../opdef.js';
import { argumentError, axisIn, shapeError, unknownDims } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';
import { gatherGradient } from './array-gather-gradient.js';

/** How many leading axes params and indices share. */
function batchDimsOf(op: OpView, rank: number): number {
  const given = op.intAttr('batch_dims');
  const count = given < 0 ? given + rank : given;
  if (count < 0 || count > rank) throw argumentError(op, `batch_dims ${given} is not in [${-rank}, ${rank}]`);
  return count;
}

/** @throws unless batch dimensions come before the axis and are the same in both */
function checkBatch(op: OpView, params: Shape, indexes: Shape, batchDims: number, axis: number): void {
  if (batchDims > axis) throw argumentError(op, `batch_dims ${batchDims} must not be greater than the axis ${axis}`);
  if (mergeShapes(params!.slice(0, batchDims), indexes!.slice(0, batchDims)) === undefined) {
    throw shapeError(
      op,
      `the first ${batchDims} dimensions of params and indices must be the same`,
      op.inputs.slice(0, 2),
    );
  }
}

function gatheredShape(op: OpView): readonly Shape[] {
  const [params, indexes, axisTensor] = op.inputs;
  if (axisTensor.shape !== null && axisTensor.shape.length > 0)
    throw shapeError(op, 'the axis must be a scalar', [axisTensor]);
  if (params.shape?.length === 0) throw shapeError(op, 'there is nothing to gather from a scalar', [params]);
  if (params.shape === null || indexes.shape === null) return [null];
  const batchDims = batchDimsOf(op, indexes.shape.length);
  const axis = constantNumber(axisTensor);
  if (axis === null) return [unknownDims(params.shape.length + indexes.shape.length - 1 - batchDims)];
  const at = axisIn(op, axis, params.shape.length);
  checkBatch(op, params.shape, indexes.shape, batchDims, at);
  return [[...params.shape.slice(0, at), ...indexes.shape.slice(batchDims), ...params.shape.slice(at + 1)]];
}

function gathered({ op, inputs: [params, indexes], value }: LowerView): readonly Lazy[] {
  const rank = params.shape.length;
  const axis = axisIn(op, numbers(value(2))[0]!, rank);
  const batchDims = batchDimsOf(op, indexes.shape.length);
  checkBatch(op, params.shape, indexes.shape, batchDims, axis);
  const picked = indexes.shape.length - batchDims;
  const dims = [...params.shape.slice(0, axis), ...indexes.shape.slice(batchDims), ...params.shape.slice(axis + 1)];
  const at = (index: readonly Expr[]): Expr => {
    const outer = index.slice(0, axis);
    const place = indexes.at([...outer.slice(0, batchDims), ...index.slice(axis, axis + picked)]);
    return params.at([
      ...outer,
      cast(bound(place, params.shape[axis]!, 'indices'), 'int32'),
      ...index.slice(axis + picked),
    ]);
  };
  return [lazy(params.dtype, dims, at)];
}

defineOp({
  name: 'GatherV2',
  signature:
    'params: Tparams, indices: Tindices, axis: Taxis -> output: Tparams | ' +
    'batch_dims: int = 0, Tparams: type, Tindices: {int16, int32, int64}, Taxis: {int32, int64}',
  infer: gatheredShape,
  lower: gathered,
  grad: gatherGradient,
  batch: batchGather,
  effect: 'pure',
  samples: [
    { inputs: [[3, 2], { value: [2, 0, 2], dtype: 'int32' }, { value: 0, dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 3], dtype: 'float64' },
        {
          value: [
            [0, 2],
            [1, 1],
          ],
          dtype: 'int64',
        },
        { value: -1, dtype: 'int32' },
      ],
    },
    {
      inputs: [
        [2, 3],
        {
          value: [
            [1, 0],
            [2, 2],
          ],
          dtype: 'int32',
        },
        { value: 1, dtype: 'int64' },
      ],
      attrs: { batch_dims: 1 },
    },
    { inputs: [[4], { value: 3, dtype: 'int32' }, { value: 0, dtype: 'int32' }] },
    {
      inputs: [
        { value: [5, 6], dtype: 'int32' },
        { value: [], dtype: 'int32' },
        { value: 0, dtype: 'int32' },
      ],
    },
  ],
});

export interface GatherOptions extends OpOptions {
  /** The axis of `params` that `indices` index; by default `batchDims`. */
  readonly axis?: IndexOperand;
  /** How many leading axes `params` and `indices` share; 0 by default. */
  readonly batchDims?: number;
}

/**
 * The slices of `params` at `indexes` along an axis (TensorFlow `tf.gather`): the axis is replaced by the axes of
 * `indexes`. Along axis 0 the gradient is sparse: IndexedSlices.
 * @throws InvalidArgumentError at run time for an index that is out of range
 * @example
 * gather(constant([[1, 2], [3, 4]]), [1, 0, 1]); // [[3, 4], [1, 2], [3, 4]]
 */
export function gather<X extends Operand>(
  params: X,
  indexes: IndexOperand,
  options: GatherOptions = {},
): Tensor<DTypeOf<X>> {
  const batchDims = options.batchDims ?? 0;
  const operands = [params, indices(indexes, 'indices'), indices(options.axis ?? batchDims, 'axis')];
  return one('GatherV2', operands, { batch_dims: batchDims }, options) as Tensor<DTypeOf<X>>;
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    gather(indexes: IndexOperand, options?: GatherOptions): Tensor<D>;
  }
}
installMethods({ gather });
