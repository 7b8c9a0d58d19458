/** Elements picked by index vectors, and put back by them. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import type { NDArray } from '../../graph/ndarray.js';
import { mergeShapes, numElements, shapesEqual, stridesOf, type Dim, type Shape } from '../../graph/shape.js';
import { Tensor } from '../../graph/tensor.js';
import { batchGatherNd, batchScatterNd } from '../batching/indexing.js';
import { one } from '../call.js';
import { bin, bound, cast, int, lazy, select, type Expr } from '../expr.js';
import { indices, numbers, type IndexOperand } from '../indexing.js';
import { IndexedSlices } from '../indexed-slices.js';
import { constantShape } from '../known.js';
import { installMethods } from '../methods.js';
import { defineOp, type OpView, type RoutineContext } from '../opdef.js';
import { scatterAdd } from '../routines/scatter.js';
import { argumentError, lengthOf, requireRank, shapeError, unknownDims, zeroOf } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';
import { shape, type IndexDType } from './array-shape.js';

/** How many axes a row of indices decides. @throws ShapeError where there are more than the tensor has */
function indexDepth(op: OpView, indexes: Shape, rank: number | null): Dim {
  if (indexes?.length === 0) throw argumentError(op, 'indices must have at least rank 1');
  const depth = indexes?.at(-1) ?? null;
  if (depth !== null && rank !== null && depth > rank)
    throw argumentError(op, `${depth} indices are too many for a tensor of rank ${rank}`);
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
      if (!ignore)
        return params.at([
          ...places.map((place, k) => cast(bound(place, params.shape[k]!, 'indices'), 'int32')),
          ...rest,
        ]);
      const tests = places.flatMap((place, k) => {
        const i = cast(place, 'int32');
        return [bin('ge', i, int(0)), bin('lt', i, int(params.shape[k]!))];
      });
      const element = params.at([...places.map((place) => cast(place, 'int32')), ...rest]);
      return tests.length === 0
        ? element
        : select(
            tests.reduce((a, b) => bin('and', a, b)),
            element,
            zeroOf(params.dtype),
          );
    };
    return [lazy(params.dtype, [...outer, ...params.shape.slice(depth)], at)];
  },
  grad: (op, [dy]) => {
    const [params, indexes] = op.inputs;
    const dims = shape(params, { outType: indexes.dtype as IndexDType });
    if (indexes.shape?.length === 2 && indexes.shape[1] === 1 && dy instanceof Tensor) {
      return [new IndexedSlices(dy, one('Squeeze', [indexes], { squeeze_dims: [-1] }), dims), null];
    }
    return [one('ScatterNd', [indexes, dy, dims], { bad_indices_policy: op.stringAttr('bad_indices_policy') }), null];
  },
  batch: batchGatherNd,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [3, 2],
        {
          value: [
            [2, 0],
            [0, 1],
            [2, 0],
          ],
          dtype: 'int32',
        },
      ],
    },
    {
      inputs: [
        { shape: [2, 3], dtype: 'float64' },
        { value: [[1], [0]], dtype: 'int64' },
      ],
    },
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
export function gatherNd<X extends Operand>(
  params: X,
  indexes: IndexOperand,
  options: GatherNdOptions = {},
): Tensor<DTypeOf<X>> {
  const attrs = { bad_indices_policy: options.badIndicesPolicy ?? '' };
  return one('GatherNd', [params, indices(indexes, 'indices')], attrs, options) as Tensor<DTypeOf<X>>;
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
    throw shapeError(
      op,
      `the updates have shape [${updates.shape.join(', ')}], not [${[...outer, ...slice].join(', ')}]`,
      [],
    );
  }
  const flat = numbers(indexes);
  const strides = stridesOf(dims.slice(0, depth));
  const places = Array.from({ length: numElements(outer)! }, (_, row) => {
    const index = flat.slice(row * depth, (row + 1) * depth);
    if (index.every((i, axis) => i >= 0 && i < dims[axis]!))
      return index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0);
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
  batch: batchScatterNd,
  effect: 'pure',
  samples: [
    { inputs: [{ value: [[2], [0], [2]], dtype: 'int32' }, [3, 2], { value: [4, 2], dtype: 'int32' }] },
    {
      inputs: [
        {
          value: [
            [1, 0],
            [0, 1],
          ],
          dtype: 'int64',
        },
        { shape: [2], dtype: 'float64' },
        { value: [2, 2], dtype: 'int64' },
      ],
    },
    {
      inputs: [
        { value: [[1]], dtype: 'int32' },
        { value: [7], dtype: 'int32' },
        { value: [3], dtype: 'int32' },
      ],
    },
  ],
});

/**
 * Zeros of `shape` to which `updates` are added at `indexes`, as `gatherNd` reads them (TensorFlow `tf.scatter_nd`).
 * @throws InvalidArgumentError at run time for an index that is out of range
 * @example
 * scatterNd([[1], [3], [1]], constant([5, 6, 7]), [4]); // [0, 12, 0, 6]
 */
export function scatterNd<X extends Operand>(
  indexes: IndexOperand,
  updates: X,
  shape: IndexOperand,
  options?: OpOptions,
): Tensor<DTypeOf<X>> {
  return one('ScatterNd', [indices(indexes, 'indices'), updates, indices(shape, 'shape')], {}, options) as Tensor<
    DTypeOf<X>
  >;
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    gatherNd(indexes: IndexOperand, options?: GatherNdOptions): Tensor<D>;
    scatterNd<X extends Operand>(updates: X, shape: IndexOperand, options?: OpOptions): Tensor<DTypeOf<X>>;
  }
}
installMethods({ gatherNd, scatterNd });
