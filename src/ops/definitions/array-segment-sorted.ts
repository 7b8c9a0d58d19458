/** Sums, minima and maxima of rows with one id, where equal ids stand together and ascend. */
import type { DType } from '../../graph/dtype.js';
import { readElement, writeElement } from '../../graph/elements.js';
import { NDArray } from '../../graph/ndarray.js';
import { mergeShapes, sizeOf, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchSegments } from '../batching/indexing.js';
import { one } from '../call.js';
import { castTo, dense, indices, numbers, type IndexOperand } from '../indexing.js';
import { installMethods } from '../methods.js';
import { defineOp, type Gradient, type OpView, type RoutineContext, type Sample } from '../opdef.js';
import { zerosLike } from '../rules.js';
import { scatterAdd } from '../routines/scatter.js';
import { binary } from '../scalar.js';
import { argumentError, requireRank, shapeError } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';

const ordered = '{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}';
const numeric =
  '{float, double, int32, uint8, int16, int8, complex64, int64, bfloat16, uint16, complex128, half, uint32, uint64}';
const signature = (dtypes: string): string =>
  `data: T, segment_ids: Tindices -> output: T | T: ${dtypes}, Tindices: {int32, int64}`;

/** How many segments there are is not known before a run. */
function segments(op: OpView): readonly Shape[] {
  const [data, ids] = op.inputs;
  requireRank(op, ids, 1, 'segment_ids');
  if (data.shape === null) return [null];
  if (data.shape.length === 0) throw shapeError(op, 'data must have an axis', [data]);
  if (ids.shape !== null && mergeShapes(data.shape.slice(0, 1), ids.shape) === undefined) {
    throw shapeError(op, 'data must have a row for each of segment_ids', [data, ids]);
  }
  return [[null, ...data.shape.slice(1)]];
}

/** The ids, checked, and the shape of the result. */
function checked({ op, inputs: [data, ids] }: RoutineContext): { readonly places: number[]; readonly shape: number[] } {
  if (ids.shape.length !== 1 || data.shape[0] !== ids.size) {
    throw shapeError(
      op,
      `data of shape [${data.shape.join(', ')}] must have a row for each of segment_ids, of shape [${ids.shape.join(', ')}]`,
    );
  }
  const places = numbers(ids);
  const bad = places.findIndex((place, i) => place < (i === 0 ? 0 : places[i - 1]!));
  if (bad === 0) throw argumentError(op, `segment_ids[0] = ${places[0]} is negative`);
  if (bad > 0) {
    throw argumentError(op, `segment_ids must ascend: [${bad}] = ${places[bad]} comes after ${places[bad - 1]}`);
  }
  return { places, shape: [places.length === 0 ? 0 : places.at(-1)! + 1, ...data.shape.slice(1)] };
}

function sums(context: RoutineContext): readonly NDArray[] {
  const { places, shape } = checked(context);
  return [scatterAdd(context.inputs[0], places, sizeOf(shape.slice(1)), shape)];
}

/** The least or greatest elements of the rows of each segment; 0 for a segment without rows. */
function extrema(how: 'min' | 'max'): (context: RoutineContext) => readonly NDArray[] {
  return (context) => {
    const { places, shape } = checked(context);
    const { dtype, data } = context.inputs[0];
    const result = NDArray.filled(dtype, shape, 0);
    const choose = binary(how, dtype);
    const width = sizeOf(shape.slice(1));
    places.forEach((place, row) => {
      const first = row === 0 || places[row - 1] !== place;
      for (let i = 0; i < width; i++) {
        const element = readElement(dtype, data, row * width + i);
        const at = place * width + i;
        writeElement(dtype, result.data, at, first ? element : choose(readElement(dtype, result.data, at), element));
      }
    });
    return [result];
  };
}

/** What the ops are tried on: several axes, integers with a segment without rows, no rows at all. */
const samples: readonly Sample[] = [
  { inputs: [[4], { value: [0, 0, 1, 1], dtype: 'int32' }] },
  {
    inputs: [
      { shape: [4, 2], dtype: 'float64' },
      { value: [0, 1, 1, 1], dtype: 'int64' },
    ],
  },
  {
    inputs: [
      { value: [3, -1, 2], dtype: 'int32' },
      { value: [0, 0, 3], dtype: 'int32' },
    ],
  },
  { inputs: [[0, 2], { value: [], dtype: 'int32' }] },
];
/** Those of sums: a segment without rows as well, and complex numbers. */
const samplesOfSums: readonly Sample[] = [
  ...samples,
  { inputs: [[2, 2], { value: [1, 3], dtype: 'int32' }] },
  {
    inputs: [
      { shape: [2], dtype: 'complex64' },
      { value: [0, 0], dtype: 'int32' },
    ],
  },
];
const samplesOfExtrema: readonly Sample[] = [
  ...samples,
  { inputs: [[2, 2], { value: [1, 3], dtype: 'int32' }] },
  {
    inputs: [{ value: [1, 1, 2, 2] }, { value: [0, 0, 0, 0], dtype: 'int32' }],
    notDifferentiable: 'a tie is a kink',
  },
];

defineOp({
  name: 'SegmentSum',
  signature: signature(numeric),
  infer: segments,
  lower: { routine: 'segment-sum', run: sums },
  grad: (op, [dy]) => [one('GatherV2', [dy, op.inputs[1], 0]), null],
  batch: batchSegments,
  effect: 'pure',
  samples: samplesOfSums,
});
/**
 * The sums of the rows of `data` that have the same id in `segmentIds` (TensorFlow `tf.math.segment_sum`). Ids ascend from 0 on;
 * there are as many segments as the last one says, and an id that is left out has zeros.
 * @throws ShapeError unless there is one id for each row; InvalidArgumentError at run time for ids that are negative or descend
 * @example
 * segmentSum(constant([1, 2, 3]), [0, 0, 2]); // [3, 0, 3]
 */
export function segmentSum<X extends Operand>(
  data: X,
  segmentIds: IndexOperand,
  options?: OpOptions,
): Tensor<DTypeOf<X>> {
  return one('SegmentSum', [data, indices(segmentIds, 'segment_ids')], {}, options) as Tensor<DTypeOf<X>>;
}

defineOp({
  name: 'SegmentMin',
  signature: signature(ordered),
  infer: segments,
  lower: { routine: 'segment-min', run: extrema('min') },
  grad: (op, [dy]) => [shareOfExtrema(op, dy), null],
  batch: batchSegments,
  effect: 'pure',
  samples: samplesOfExtrema,
});
/**
 * The smallest elements of the rows of `data` that have the same id in `segmentIds` (TensorFlow `tf.math.segment_min`). Ids
 * ascend from 0 on; there are as many segments as the last one says, and an id that is left out has zeros. Equal minima share
 * the gradient equally.
 * @throws ShapeError unless there is one id for each row; DTypeError for bool and complex dtypes; InvalidArgumentError at run
 * time for ids that are negative or descend
 * @example
 * segmentMin(constant([4, 2, 3]), [0, 0, 2]); // [2, 0, 3]
 */
export function segmentMin<X extends Operand>(
  data: X,
  segmentIds: IndexOperand,
  options?: OpOptions,
): Tensor<DTypeOf<X>> {
  return one('SegmentMin', [data, indices(segmentIds, 'segment_ids')], {}, options) as Tensor<DTypeOf<X>>;
}

defineOp({
  name: 'SegmentMax',
  signature: signature(ordered),
  infer: segments,
  lower: { routine: 'segment-max', run: extrema('max') },
  grad: (op, [dy]) => [shareOfExtrema(op, dy), null],
  batch: batchSegments,
  effect: 'pure',
  samples: samplesOfExtrema,
});
/**
 * The largest elements of the rows of `data` that have the same id in `segmentIds` (TensorFlow `tf.math.segment_max`). Ids
 * ascend from 0 on; there are as many segments as the last one says, and an id that is left out has zeros. Equal maxima share
 * the gradient equally.
 * @throws ShapeError unless there is one id for each row; DTypeError for bool and complex dtypes; InvalidArgumentError at run
 * time for ids that are negative or descend
 * @example
 * segmentMax(constant([4, 2, 3]), [0, 0, 2]); // [4, 0, 3]
 */
export function segmentMax<X extends Operand>(
  data: X,
  segmentIds: IndexOperand,
  options?: OpOptions,
): Tensor<DTypeOf<X>> {
  return one('SegmentMax', [data, indices(segmentIds, 'segment_ids')], {}, options) as Tensor<DTypeOf<X>>;
}

/**
 * The gradient of each segment, divided equally among the elements that are its extremum. A segment without rows has no share to
 * give: TensorFlow divides by 0 there, which spoils what is differentiated by the gradient.
 */
function shareOfExtrema(op: OpView, gradient: Gradient): Tensor {
  const [x, ids] = op.inputs;
  const dy = dense(gradient);
  const zeros = zerosLike(x);
  const chosen = one('Equal', [x, one('GatherV2', [op.outputs[0], ids, 0])]);
  const count = one('SegmentSum', [castTo(chosen, dy.dtype), ids]);
  return one('SelectV2', [chosen, one('GatherV2', [one('DivNoNan', [dy, count]), ids, 0]), zeros]);
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- declarations merge only with the same parameters
  interface Tensor<D extends DType, S extends Shape> {
    segmentSum(segmentIds: IndexOperand, options?: OpOptions): Tensor<D>;
    segmentMin(segmentIds: IndexOperand, options?: OpOptions): Tensor<D>;
    segmentMax(segmentIds: IndexOperand, options?: OpOptions): Tensor<D>;
  }
}
installMethods({ segmentSum, segmentMin, segmentMax });
