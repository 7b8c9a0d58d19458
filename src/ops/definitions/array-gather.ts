/** Elements picked by indices that are tensors, and put back by them. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { NDArray } from '../../graph/ndarray.js';
import { mergeShapes, numElements, shapesEqual, stridesOf, type Dim, type Shape } from '../../graph/shape.js';
import { Tensor } from '../../graph/tensor.js';
import { one } from '../call.js';
import { bin, bound, cast, int, lazy, select, type Expr, type Lazy } from '../expr.js';
import { constantNumber, indices, numbers, type IndexOperand } from '../indexing.js';
import { IndexedSlices } from '../indexed-slices.js';
import { constantShape } from '../known.js';
import { installMethods } from '../methods.js';
import { defineOp, type LowerView, type OpView, type RoutineContext } from '../opdef.js';
import { scatterAdd } from '../routines/scatter.js';
import { argumentError, axisIn, lengthOf, requireRank, shapeError, unknownDims, zeroOf } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';
import { gatherGradient } from './array-gather-gradient.js';
import { shape, type IndexDType } from './array-shape.js';

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
    throw shapeError(op, `the first ${batchDims} dimensions of params and indices must be the same`, op.inputs.slice(0, 2));
  }
}

function gatheredShape(op: OpView): readonly Shape[] {
  const [params, indexes, axisTensor] = op.inputs;
  if (axisTensor.shape !== null && axisTensor.shape.length > 0) throw shapeError(op, 'the axis must be a scalar', [axisTensor]);
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
    return params.at([...outer, cast(bound(place, params.shape[axis]!, 'indices'), 'int32'), ...index.slice(axis + picked)]);
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
  effect: 'pure',
  samples: [
    { inputs: [[3, 2], { value: [2, 0, 2], dtype: 'int32' }, { value: 0, dtype: 'int32' }] },
    { inputs: [{ shape: [2, 3], dtype: 'float64' }, { value: [[0, 2], [1, 1]], dtype: 'int64' }, { value: -1, dtype: 'int32' }] },
    { inputs: [[2, 3], { value: [[1, 0], [2, 2]], dtype: 'int32' }, { value: 1, dtype: 'int64' }], attrs: { batch_dims: 1 } },
    { inputs: [[4], { value: 3, dtype: 'int32' }, { value: 0, dtype: 'int32' }] },
    { inputs: [{ value: [5, 6], dtype: 'int32' }, { value: [], dtype: 'int32' }, { value: 0, dtype: 'int32' }] },
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
export function gather<X extends Operand>(params: X, indexes: IndexOperand, options: GatherOptions = {}): Tensor<DTypeOf<X>> {
  const batchDims = options.batchDims ?? 0;
  const operands = [params, indices(indexes, 'indices'), indices(options.axis ?? batchDims, 'axis')];
  return one('GatherV2', operands, { batch_dims: batchDims }, options) as Tensor as Tensor<DTypeOf<X>>;
}

/** How many axes a row of indices decides. @throws ShapeError where there are more than the tensor has */
function indexDepth(op: OpView, indexes: Shape, rank: number | null): Dim {
  if (indexes?.length === 0) throw argumentError(op, 'indices must have at least rank 1');
  const depth = indexes?.at(-1) ?? null;
  if (depth !== null && rank !== null && depth > rank) throw argumentError(op, `${depth} indices are too many for a tensor of rank ${rank}`);
  return depth;
}

/** Whether indices that are out of range are passed over. */
function ignoresBadIndices(op: OpView): boolean {
  return op.stringAttr('bad_indices_policy') === 'IGNORE';
}

defineOp({
  name: 'GatherNd',
  signature: `params: Tparams, indices: Tindices -> output: Tparams | Tparams: type, Tindices: {int16, int32, int64}, bad_indices_policy: string = ''`,
  infer: (op) => {
    const [params, indexes] = op.inputs;
    const depth = indexDepth(op, indexes.shape, params.shape?.length ?? null);
    if (depth === null || params.shape === null || indexes.shape === null) return [null];
    return [[...indexes.shape.slice(0, -1), ...params.shape.slice(depth)]];
  },
  lower: ({ op, inputs: [params, indexes] }) => {
    const depth = indexDepth(op, indexes.shape, params.shape.length)!;
    const outer = indexes.shape.slice(0, -1);
    const ignore = ignoresBadIndices(op);
    const at = (index: readonly Expr[]): Expr => {
      const places = Array.from({ length: depth }, (_, k) => indexes.at([...index.slice(0, outer.length), int(k)]));
      const rest = index.slice(outer.length);
      if (!ignore) return params.at([...places.map((place, k) => cast(bound(place, params.shape[k]!, 'indices'), 'int32')), ...rest]);
      const tests = places.flatMap((place, k) => {
        const i = cast(place, 'int32');
        return [bin('ge', i, int(0)), bin('lt', i, int(params.shape[k]!))];
      });
      const element = params.at([...places.map((place) => cast(place, 'int32')), ...rest]);
      return tests.length === 0 ? element : select(tests.reduce((a, b) => bin('and', a, b)), element, zeroOf(params.dtype));
    };
    return [lazy(params.dtype, [...outer, ...params.shape.slice(depth)], at)];
  },
  grad: (op, [dy]) => {
    const [params, indexes] = op.inputs;
    const dims = shape(params, { outType: indexes.dtype as IndexDType });
    if (indexes.shape?.length === 2 && indexes.shape[1] === 1 && dy instanceof Tensor) {
      return [new IndexedSlices(dy, one('Squeeze', [indexes], { squeeze_dims: [-1] }), dims as Tensor), null];
    }
    return [one('ScatterNd', [indexes, dy, dims], { bad_indices_policy: op.stringAttr('bad_indices_policy') }), null];
  },
  effect: 'pure',
  samples: [
    { inputs: [[3, 2], { value: [[2, 0], [0, 1], [2, 0]], dtype: 'int32' }] },
    { inputs: [{ shape: [2, 3], dtype: 'float64' }, { value: [[1], [0]], dtype: 'int64' }] },
    { inputs: [[2, 3, 2], { value: [[[1, 2]], [[0, 0]]], dtype: 'int32' }] },
  ],
});

export interface GatherNdOptions extends OpOptions {
  /** What an index that is out of range does: 'ERROR', the default, or 'IGNORE', which gives zeros. */
  readonly badIndicesPolicy?: 'DEFAULT' | 'ERROR' | 'IGNORE';
}

/**
 * The elements or slices of `params` at index vectors: row `i` of the last axis of `indexes` gives the first indices
 * (TensorFlow `tf.gather_nd`).
 * @throws InvalidArgumentError at run time for an index that is out of range
 * @example
 * gatherNd(constant([[1, 2], [3, 4]]), [[0, 1], [1, 0]]); // [2, 3]
 */
export function gatherNd<X extends Operand>(params: X, indexes: IndexOperand, options: GatherNdOptions = {}): Tensor<DTypeOf<X>> {
  const attrs = { bad_indices_policy: options.badIndicesPolicy ?? '' };
  return one('GatherNd', [params, indices(indexes, 'indices')], attrs, options) as Tensor as Tensor<DTypeOf<X>>;
}

function scatteredShape(op: OpView): readonly Shape[] {
  const [indexes, updates, target] = op.inputs;
  requireRank(op, target, 1, 'the shape');
  const length = lengthOf(target);
  const dims = constantShape(target);
  const depth = indexDepth(op, indexes.shape, length);
  if (depth !== null && dims !== null && indexes.shape !== null) {
    const expected = [...indexes.shape.slice(0, -1), ...dims.slice(depth)];
    if (mergeShapes(updates.shape, expected) === undefined) {
      throw shapeError(op, 'the updates must have a slice of the shape for each index', [indexes, updates]);
    }
  }
  return [dims ?? (length === null ? null : unknownDims(length))];
}

function scattered({ op, inputs: [indexes, updates, target] }: RoutineContext): NDArray[] {
  const dims = numbers(target);
  const depth = indexDepth(op, indexes.shape, dims.length)!;
  const slice = dims.slice(depth);
  const outer = indexes.shape.slice(0, -1);
  if (!shapesEqual(updates.shape, [...outer, ...slice])) {
    throw shapeError(op, `the updates have shape [${updates.shape.join(', ')}], not [${[...outer, ...slice].join(', ')}]`, []);
  }
  const flat = numbers(indexes);
  const strides = stridesOf(dims.slice(0, depth));
  const places = Array.from({ length: numElements(outer)! }, (_, row) => {
    const index = flat.slice(row * depth, (row + 1) * depth);
    if (index.every((i, axis) => i >= 0 && i < dims[axis]!)) return index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0);
    if (ignoresBadIndices(op)) return -1;
    throw new InvalidArgumentError(
      `${op.type} '${op.name}': index ${row} = [${index.join(', ')}] does not lie in the shape [${dims.join(', ')}].`,
      op.details(),
    );
  });
  return [scatterAdd(updates, places, numElements(slice)!, dims)];
}

defineOp({
  name: 'ScatterNd',
  signature: `indices: Tindices, updates: T, shape: Tindices -> output: T | T: type, Tindices: {int16, int32, int64}, bad_indices_policy: string = ''`,
  infer: scatteredShape,
  lower: { routine: 'scatter-nd', run: scattered },
  grad: ({ inputs: [indexes] }, [dy]) => [null, one('GatherNd', [dy, indexes]), null],
  effect: 'pure',
  samples: [
    { inputs: [{ value: [[2], [0], [2]], dtype: 'int32' }, [3, 2], { value: [4, 2], dtype: 'int32' }] },
    { inputs: [{ value: [[1, 0], [0, 1]], dtype: 'int64' }, { shape: [2], dtype: 'float64' }, { value: [2, 2], dtype: 'int64' }] },
    { inputs: [{ value: [[1]], dtype: 'int32' }, { value: [7], dtype: 'int32' }, { value: [3], dtype: 'int32' }] },
  ],
});

/**
 * Zeros of `shape` to which `updates` are added at `indexes`, as `gatherNd` reads them (TensorFlow `tf.scatter_nd`).
 * @throws InvalidArgumentError at run time for an index that is out of range
 * @example
 * scatterNd([[1], [3], [1]], constant([5, 6, 7]), [4]); // [0, 12, 0, 6]
 */
export function scatterNd<X extends Operand>(indexes: IndexOperand, updates: X, shape: IndexOperand, options?: OpOptions): Tensor<DTypeOf<X>> {
  return one('ScatterNd', [indices(indexes, 'indices'), updates, indices(shape, 'shape')], {}, options) as Tensor as Tensor<DTypeOf<X>>;
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    gather(indexes: IndexOperand, options?: GatherOptions): Tensor<D>;
    gatherNd(indexes: IndexOperand, options?: GatherNdOptions): Tensor<D>;
    scatterNd<X extends Operand>(updates: X, shape: IndexOperand, options?: OpOptions): Tensor<DTypeOf<X>>;
  }
}
installMethods({ gather, gatherNd, scatterNd });
