/** Batching rules of the ops that take, put and order elements by index. */
import { NDArray } from '../../graph/ndarray.js';
import type { Tensor } from '../../graph/tensor.js';
import { rangeOf } from '../axes.js';
import { one } from '../call.js';
import { copyOperation } from '../copy.js';
import { castTo, constantNumber, item, numbers } from '../indexing.js';
import { constantValue } from '../known.js';
import type { Batched, BatchRule, OpView, Rows } from '../opdef.js';
import { joined, minus, plus, shapeOf, times } from '../rules.js';
import {
  moveAxis,
  perRow,
  rowRank,
  rowwise,
  shapeOfAll,
  shiftedAxes,
  stacked,
  withOnesAt,
  withPrefix,
} from './operands.js';
import { rowNumbers } from './shapes.js';

/** GatherV2: stacked parameters, stacked indices, or both, which then are a batch dimension more. */
export const batchGather: BatchRule = (op, [params, indices, axis], rows) => {
  if (axis.stacked) return null;
  const given = op.intAttr('batch_dims');
  if (!params.stacked && given === 0) {
    const at = constantNumber(axis.tensor);
    const gathered = copyOperation(op, [params.tensor, indices.tensor, axis.tensor]).outputs[0]!;
    if (at === 0) return stacked([gathered]);
    const rank = op.inputs[0].shape?.length ?? null;
    if (at !== null && (at > 0 || rank !== null)) {
      const [from, ofIndices] = [at < 0 ? at + rank! : at, op.inputs[1].shape?.length ?? null];
      const all = rank !== null && ofIndices !== null ? rank + ofIndices : null;
      return stacked([moveAxis(gathered, from, 0, all)]);
    }
  }
  const shared = indices.stacked || given !== 0;
  const operands = [rows.stack(params), shared ? rows.stack(indices) : indices.tensor, shiftedAxes(axis.tensor)];
  return stacked(copyOperation(op, operands, { batch_dims: shared && given >= 0 ? given + 1 : given }).outputs);
};

/** GatherNd: stacked parameters are indexed by the number of the row as well. */
export const batchGatherNd: BatchRule = (op, [params, indices], rows) => {
  if (!params.stacked) return stacked(copyOperation(op, [params.tensor, indices.tensor]).outputs);
  if (indices.tensor.dtype === 'int16') return null;
  return stacked(copyOperation(op, [params.tensor, withRowNumbers(op, 1, indices, rows)]).outputs);
};

/** ScatterNd, likewise. */
export const batchScatterNd: BatchRule = (op, [indices, updates, shape], rows) => {
  if (shape.stacked || indices.tensor.dtype === 'int16') return null;
  const places = withRowNumbers(op, 0, indices, rows);
  return stacked(copyOperation(op, [places, rows.stack(updates), shapeOfAll(shape.tensor, rows)]).outputs);
};

/** Index vectors (the last axis of an operand) with the number of the row before them. */
function withRowNumbers(op: OpView, position: number, indices: Batched, rows: Rows): Tensor {
  const all = rows.stack(indices);
  const column = withOnesAt(
    rowNumbers(rows, all.dtype),
    1,
    rowRank(op.inputs[position]!, { tensor: all, stacked: true }),
  );
  const shape = one('Shape', [all]);
  const outer = item(shape, { stop: -1 });
  const spread = one('BroadcastTo', [column, joined([outer, NDArray.from([1], 'int32')])]);
  return one('ConcatV2', [[spread, all], -1], {}, { name: 'concat' });
}

/** UnsortedSegmentSum: each row has segments of its own. */
export const batchSegmentSum: BatchRule = (op, [values, ids, count], rows) => {
  if (count.stacked) return null;
  const all = rows.stack(values);
  const places = castTo(rows.stack(ids), ids.tensor.dtype === 'int64' ? 'int64' : 'int32');
  const size = castTo(count.tensor, places.dtype);
  const rank = rowRank(op.inputs[1], { tensor: places, stacked: true });
  const first = withOnesAt(times(rowNumbers(rows, places.dtype), size), 1, rank);
  // What is out of range in its row must be so among all of them, and a negative id counts nowhere.
  const total = times(size, castTo(rows.size, places.dtype));
  const beyond = one('SelectV2', [one('Less', [places, 0]), places, total]);
  const inside = one('LogicalAnd', [one('GreaterEqual', [places, 0]), one('Less', [places, size])]);
  const distinct = one('SelectV2', [inside, plus(places, first), beyond]);
  const sums = one('UnsortedSegmentSum', [all, distinct, castTo(total, count.tensor.dtype)]);
  const inner = one('Slice', [shapeOf(sums), [1], [-1]]);
  const segments = one('Reshape', [castTo(count.tensor, 'int32'), [1]]);
  return stacked([one('Reshape', [sums, joined([rows.sizeVector('int32'), segments, inner])])]);
};

/** Segments of rows in their order, which must be the same ones: what is stacked goes along behind them. */
export const batchSegments: BatchRule = (op, [values, ids], rows) => {
  if (ids.stacked) return null;
  const shape = op.inputs[0].shape;
  const rank = shape === null ? null : shape.length + 1;
  const segments = copyOperation(op, [moveAxis(rows.stack(values), 0, 1, rank), ids.tensor]).outputs[0]!;
  return stacked([moveAxis(segments, 1, 0, rank)]);
};

/** DynamicStitch of stacked data, whose rows are moved behind the axes that indices stand for. */
export const batchStitch: BatchRule = (op, inputs, rows) => {
  const count = op.intAttr('N');
  const indices = inputs.slice(0, count);
  const ranks = op.inputs.slice(0, count).map(({ shape }) => shape?.length);
  if (indices.some((index) => index.stacked) || ranks.includes(undefined)) return null;
  const moved = inputs.slice(count).map((operand, i) => {
    const rank = op.inputs[count + i]!.shape?.length;
    return moveAxis(rows.stack(operand), 0, ranks[i]!, rank === undefined ? null : rank + 1);
  });
  const merged = copyOperation(op, [...indices.map(({ tensor }) => tensor), ...moved]).outputs[0]!;
  const rank = op.outputs[0].shape?.length;
  return stacked([moveAxis(merged, 1, 0, rank === undefined ? null : rank + 1)]);
};

/** InvertPermutation: one permutation of all rows together, each of which keeps to itself. */
export const batchInvertPermutation: BatchRule = (op, [x], rows) => {
  const { dtype } = x.tensor;
  const shape = shapeOf(x.tensor);
  const length = castTo(item(shape, 1), dtype);
  const first = one('ExpandDims', [times(rowNumbers(rows, dtype), length), 1]);
  const flat = one('Reshape', [plus(x.tensor, first), one('Prod', [shape, [0]], { keep_dims: true })]);
  const inverse = copyOperation(op, [flat]).outputs[0]!;
  return stacked([minus(one('Reshape', [inverse, shape]), first)]);
};

/** Slice: where it begins elsewhere in each row, its places along each axis are gathered. */
export const batchSlice: BatchRule = (op, inputs, rows) => {
  const [x, begin, size] = inputs;
  if (!begin.stacked) return plainSlice(op, inputs, rows);
  const sizes = size.stacked ? null : constantValue(size.tensor);
  if (!sizes || numbers(sizes).includes(-1)) return null;
  let result: Batched = x;
  numbers(sizes).forEach((extent, axis) => {
    const first = one('ExpandDims', [item(begin.tensor, '...', axis), 1]);
    const places = plus(first, castTo(rangeOf(0, extent), first.dtype));
    result = { tensor: gatherPlaces(result, places, axis), stacked: true };
  });
  return [result];
};

const plainSlice = rowwise(perRow.data, perRow.prefixed(0), perRow.prefixed(-1));

/** What `x` has along an axis of its rows at places that may differ from row to row: `places` is stacked. */
function gatherPlaces({ tensor, stacked: is }: Batched, places: Tensor, axis: number): Tensor {
  if (is) return one('GatherV2', [tensor, places, axis + 1], { batch_dims: 1 });
  const gathered = one('GatherV2', [tensor, places, axis]);
  const rank = tensor.shape === null || places.shape === null ? null : tensor.shape.length + places.shape.length - 1;
  return moveAxis(gathered, axis, 0, rank);
}

const maskNames = ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'] as const;

/** The masks of a strided slice with an entry for the axis of the rows, which is taken whole, before the others. */
function shiftedMasks(op: OpView): Record<string, number> {
  const whole = { begin_mask: 1, end_mask: 1 } as Readonly<Record<string, number>>;
  return Object.fromEntries(maskNames.map((name) => [name, (op.intAttr(name) << 1) | (whole[name] ?? 0)]));
}

/** StridedSlice: an index that differs from row to row is gathered; other bounds must be the same for all. */
export const batchStridedSlice: BatchRule = (op, inputs, rows) => {
  const [x, begin, end, strides] = inputs;
  if (!begin.stacked && !end.stacked && !strides.stacked) {
    const bounds = [begin, end, strides].map(({ tensor }, i) => withPrefix(tensor, [i === 2 ? 1 : 0]));
    return stacked(copyOperation(op, [x.tensor, ...bounds], shiftedMasks(op)).outputs);
  }
  return indexed(op, x, begin.tensor, strides, rows);
};

/** The rule where every entry is an index or a whole axis. */
function indexed(op: OpView, x: Batched, begin: Tensor, strides: Batched, rows: Rows): readonly Batched[] | null {
  const steps = strides.stacked ? null : constantValue(strides.tensor);
  if (!steps || op.intAttr('ellipsis_mask') !== 0 || op.intAttr('new_axis_mask') !== 0) return null;
  const shrink = op.intAttr('shrink_axis_mask');
  const whole = op.intAttr('begin_mask') & op.intAttr('end_mask');
  const entries = numbers(steps).map((step, axis) => ({ step, isIndex: ((shrink >> axis) & 1) === 1, axis }));
  if (entries.some(({ step, isIndex, axis }) => !isIndex && (step !== 1 || ((whole >> axis) & 1) === 0))) return null;
  let result: Batched = x;
  // From the last on: taking an index drops its axis.
  for (const { isIndex, axis } of entries.reverse()) {
    if (!isIndex) continue;
    const given = begin.shape?.length === 1 ? item(begin, axis) : item(begin, '...', axis);
    const size = castTo(item(one('Shape', [result.tensor]), axis + (result.stacked ? 1 : 0)), given.dtype);
    const place = one('SelectV2', [one('Less', [given, 0]), plus(given, size), given]);
    const all = rows.stack({ tensor: place, stacked: given.shape?.length !== 0 });
    result = { tensor: gatherPlaces(result, all, axis), stacked: true };
  }
  return [result];
}

/** StridedSliceGrad: bounds are the same for all rows. */
export const batchStridedSliceGrad: BatchRule = (op, [shape, begin, end, strides, dy], rows) => {
  if ([shape, begin, end, strides].some((operand) => operand.stacked)) return null;
  const bounds = [begin, end, strides].map(({ tensor }, i) => withPrefix(tensor, [i === 2 ? 1 : 0]));
  return stacked(copyOperation(op, [shapeOfAll(shape.tensor, rows), ...bounds, dy.tensor], shiftedMasks(op)).outputs);
};

/** ResourceGather: one variable, and places in it that differ from row to row. */
export const batchResourceGather: BatchRule = (op, inputs, rows) =>
  op.intAttr('batch_dims') === 0 ? gatherRows(op, inputs, rows) : null;

const gatherRows = rowwise(perRow.same, perRow.asIs);

/** ResourceScatterAdd: what all rows add to one variable. One number for all places stays in a loop. */
export const batchResourceScatterAdd: BatchRule = (op, inputs, rows) => {
  const rank = op.inputs[2].shape?.length;
  return rank === undefined || rank === 0 ? null : scatterRows(op, inputs, rows);
};

const scatterRows = rowwise(perRow.same, perRow.data, perRow.data);
