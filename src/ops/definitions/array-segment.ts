/** Sums by segment, and where a condition holds: both send elements to places that data decides. */
import type { DType } from '../../graph/dtype.js';
import { NDArray } from '../../graph/ndarray.js';
import { mergeShapes, numElements, shapesEqual, stridesOf, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchSegmentSum } from '../batching/indexing.js';
import { one } from '../call.js';
import { rankOf } from '../axes.js';
import { constantNumber, indices, namedConstant, numbers, packed, type IndexOperand } from '../indexing.js';
import { installMethods } from '../methods.js';
import { defineOp, type Gradient, type OpView, type RoutineContext } from '../opdef.js';
import { minus, onesLike, shapeOf, zerosLike } from '../rules.js';
import { scatterAdd } from '../routines/scatter.js';
import { argumentError, shapeError } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';

function segmentShape(op: OpView): readonly Shape[] {
  const [data, ids, count] = op.inputs;
  if (count.shape !== null && count.shape.length > 0) throw shapeError(op, 'num_segments must be a scalar', [count]);
  const segments = constantNumber(count);
  if (segments !== null && segments < 0) throw argumentError(op, `num_segments ${segments} is negative`);
  if (ids.shape === null || data.shape === null) return [null];
  const rank = ids.shape.length;
  if (data.shape.length < rank || mergeShapes(data.shape.slice(0, rank), ids.shape) === undefined) {
    throw shapeError(op, 'the shape of data must begin with that of segment_ids', [data, ids]);
  }
  return [[segments, ...data.shape.slice(rank)]];
}

function sumSegments({ op, inputs: [data, ids, count] }: RoutineContext): NDArray[] {
  const rank = ids.shape.length;
  if (!shapesEqual(data.shape.slice(0, rank), ids.shape)) {
    throw shapeError(
      op,
      `the shape [${data.shape.join(', ')}] of data does not begin with that of segment_ids, [${ids.shape.join(', ')}]`,
      [],
    );
  }
  const segments = numbers(count)[0]!;
  if (segments < 0) throw argumentError(op, `num_segments ${segments} is negative`);
  const places = numbers(ids);
  const bad = places.findIndex((place) => place >= segments);
  if (bad >= 0)
    throw argumentError(
      op,
      `segment_ids[${unraveled(bad, ids.shape).join(', ')}] = ${places[bad]} is not in [0, ${segments})`,
    );
  const rest = data.shape.slice(rank);
  return [scatterAdd(data, places, numElements(rest)!, [segments, ...rest])];
}

/** The index of a row-major position. */
function unraveled(position: number, shape: readonly number[]): number[] {
  return stridesOf(shape).map((stride, axis) => Math.floor(position / stride) % shape[axis]!);
}

defineOp({
  name: 'UnsortedSegmentSum',
  signature:
    'data: T, segment_ids: Tindices, num_segments: Tnumsegments -> output: T | ' +
    'T: {float, double, int32, uint8, int16, int8, complex64, int64, bfloat16, uint16, complex128, half, uint32, uint64}, ' +
    'Tindices: {int16, int32, int64}, Tnumsegments: {int32, int64} = DT_INT32',
  infer: segmentShape,
  lower: {
    routine: 'unsorted-segment-sum',
    scatter: { base: null, indices: 1, updates: 0, dropsNegative: true, what: 'segment_ids', places: 'index' },
    run: sumSegments,
  },
  grad: (op, [dy]) => [gatherDropNegatives(dy, op.inputs[1]), null, null],
  batch: batchSegmentSum,
  effect: 'pure',
  samples: [
    { inputs: [[3, 2], { value: [1, 0, 1], dtype: 'int32' }, { value: 3, dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 2], dtype: 'float64' },
        {
          value: [
            [0, 2],
            [-1, 0],
          ],
          dtype: 'int64',
        },
        { value: 3, dtype: 'int64' },
      ],
    },
    {
      inputs: [
        { value: [1, 2, 3], dtype: 'int32' },
        { value: [0, 0, 0], dtype: 'int32' },
        { value: 1, dtype: 'int32' },
      ],
    },
    { inputs: [[0, 2], { value: [], dtype: 'int32' }, { value: 2, dtype: 'int32' }] },
  ],
});

/** The rows of `params` at `ids`, zero where an id is negative. */
function gatherDropNegatives(params: Gradient, ids: Tensor): Tensor {
  const clipped = one('Maximum', [ids, zerosLike(ids)]);
  const gathered = one('GatherV2', [params, clipped, 0]);
  const positive = one('GreaterEqual', [ids, 0]);
  const dims = shapeOf(positive);
  const missing = minus(rankOf(gathered), rankOf(positive));
  const ones = one('Fill', [packed([missing], 'packed'), namedConstant(1, dims.dtype, 'Const')], {}, { name: 'ones' });
  const column = one('Reshape', [positive, one('ConcatV2', [[dims, ones], 0], {}, { name: 'concat' })]);
  const taken = one('LogicalAnd', [column, onesLike(gathered, 'bool')], {}, { name: 'and' });
  return one('SelectV2', [taken, gathered, zerosLike(gathered)]);
}

/**
 * The sums of the rows of `data` that have the same id in `segmentIds`, for the ids 0 … numSegments - 1 (TensorFlow
 * `tf.math.unsorted_segment_sum`). Rows with a negative id are left out.
 * @throws ShapeError unless the shape of `data` begins with that of `segmentIds`; InvalidArgumentError at run time for
 * an id that is too large
 * @example
 * unsortedSegmentSum(constant([1, 2, 3]), [0, 1, 0], 2); // [4, 2]
 */
export function unsortedSegmentSum<X extends Operand>(
  data: X,
  segmentIds: IndexOperand,
  numSegments: IndexOperand,
  options?: OpOptions,
): Tensor<DTypeOf<X>> {
  const operands = [data, indices(segmentIds, 'segment_ids'), indices(numSegments, 'num_segments')];
  return one('UnsortedSegmentSum', operands, {}, options) as Tensor<DTypeOf<X>>;
}

/** The indices of the elements that are not zero, in row-major order. */
function nonZero({ inputs: [x] }: RoutineContext): NDArray[] {
  const found: number[] = [];
  for (let i = 0; i < x.size; i++) {
    const value = x.element(i) as number | bigint | { readonly re: number; readonly im: number };
    const zero = typeof value === 'object' ? value.re === 0 && value.im === 0 : !value && !Number.isNaN(value);
    if (!zero) found.push(...unraveled(i, x.shape));
  }
  const rank = x.shape.length;
  const count = rank === 0 ? (x.element(0) ? 1 : 0) : found.length / rank;
  return [NDArray.from(BigInt64Array.from(found, BigInt), 'int64', [count, rank])];
}

defineOp({
  name: 'Where',
  signature:
    'input: T -> index: int64 | ' +
    'T: {float, double, int32, uint8, int16, int8, complex64, int64, bfloat16, uint16, complex128, half, uint32, uint64, bool} = DT_BOOL',
  infer: ({ inputs: [x] }) => [[null, x.shape?.length ?? null]],
  lower: { routine: 'where', run: nonZero },
  grad: 'none',
  batch: 'loop',
  effect: 'pure',
  samples: [
    {
      inputs: [
        {
          value: [
            [true, false],
            [false, true],
          ],
          dtype: 'bool',
        },
      ],
    },
    { inputs: [{ value: [0, 2, 0, -1], dtype: 'float64' }] },
    { inputs: [{ value: [false], dtype: 'bool' }] },
  ],
});

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    unsortedSegmentSum(segmentIds: IndexOperand, numSegments: IndexOperand, options?: OpOptions): Tensor<D>;
  }
}
installMethods({ unsortedSegmentSum });
