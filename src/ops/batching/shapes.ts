/** Batching rules of the ops that make, read and change shapes. */
import { isFullyDefined } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { rangeOf } from '../axes.js';
import { one } from '../call.js';
import { copyOperation } from '../copy.js';
import { castTo, numbers } from '../indexing.js';
import { constantValue } from '../known.js';
import type { Batched, BatchRule, OpView, Rows } from '../opdef.js';
import { joined, minus } from '../rules.js';
import {
  aligned,
  perRow,
  rowRank,
  rowShapeOf,
  rowwise,
  shapeOfAll,
  shiftedAxis,
  stacked,
  unstacked,
  vectorBeside,
  withOnesAt,
} from './operands.js';

type IndexType = 'int32' | 'int64';

/** Whether there is certain to be a row. */
const someRows = ({ count }: Rows): boolean => count !== null && count > 0;

/** A Reshape of stacked elements: the number of rows stands before the target. */
export const batchReshape: BatchRule = (op, [x, target], rows) => {
  if (target.stacked) return null;
  const row = op.outputs[0].shape;
  const wanted = isFullyDefined(row) ? vectorBeside(target.tensor, row) : inferred(x.tensor, target.tensor, rows);
  return stacked([one('Reshape', [x.tensor, shapeOfAll(wanted, rows)])]);
};

/** A target without -1, which cannot be told from the elements where there are no rows. */
function inferred(x: Tensor, target: Tensor, rows: Rows): Tensor {
  const known = constantValue(target);
  const open = known ? numbers(known).indexOf(-1) : -1;
  if (open < 0 || someRows(rows)) return target;
  const given = numbers(known!);
  const rest = given.reduce((product, dim) => product * (dim < 0 ? 1 : dim), 1);
  const size = one('Prod', [rowShapeOf(x, target.dtype as IndexType), [0]]);
  const dim = one('FloorDiv', [size, vectorBeside(target, [Math.max(rest, 1)])]);
  const [before, after] = [given.slice(0, open), given.slice(open + 1)];
  return joined([
    ...(before.length > 0 ? [vectorBeside(target, before)] : []),
    dim,
    ...(after.length > 0 ? [vectorBeside(target, after)] : []),
  ]);
}

/** A BroadcastTo: new axes come after that of the rows. */
export const batchBroadcastTo: BatchRule = (op, [x, target], rows) => {
  if (target.stacked) return null;
  return stacked([one('BroadcastTo', [ranked(op, x, target.tensor), shapeOfAll(target.tensor, rows)])]);
};

/** A stacked operand whose rows have as many axes as `target` has entries. */
function ranked(op: OpView, x: Batched, target: Tensor): Tensor {
  const [have, want] = [rowRank(op.inputs[0], x), target.shape?.[0] ?? null];
  if (typeof have === 'number' && want !== null) return withOnesAt(x.tensor, 1, want - have);
  return withOnesAt(x.tensor, 1, minus(one('Size', [target]), have));
}

/** A Squeeze: the axis of the rows stays even where there is but one row. */
export const batchSqueeze: BatchRule = (op, [x], rows) => {
  const given = op.intListAttr('squeeze_dims');
  const row = op.inputs[0].shape;
  const known = isFullyDefined(row) ? row.flatMap((dim, axis) => (dim === 1 ? [axis] : [])) : null;
  const dims = given.length > 0 ? given : known;
  if (dims?.length === 0) return stacked([one('Identity', [x.tensor])]);
  if (dims) return stacked(copyOperation(op, [x.tensor], { squeeze_dims: dims.map(shiftedAxis) }).outputs);
  const sizes = rowShapeOf(x.tensor);
  const kept = one('Where', [one('NotEqual', [sizes, 1])]);
  return stacked([one('Reshape', [x.tensor, shapeOfAll(one('GatherNd', [sizes, kept]), rows)])]);
};

/** An EnsureShape, of rows of a shape. */
export const batchEnsureShape: BatchRule = (op, [x], rows) => {
  const row = op.shapeAttr('shape');
  return stacked(copyOperation(op, [x.tensor], { shape: row && [rows.count, ...row] }).outputs);
};

/** A Fill of one value for each row. */
export const batchFill: BatchRule = (_, [dims, value], rows) => {
  if (dims.stacked) return null;
  const length = dims.tensor.shape?.[0] ?? one('Size', [dims.tensor]);
  return stacked([one('BroadcastTo', [withOnesAt(value.tensor, 1, length), shapeOfAll(dims.tensor, rows)])]);
};

/** Shapes of rows, which are the same for all. */
export const batchShape: BatchRule = (op, inputs) =>
  unstacked(
    op.outputs.map(({ dtype }, i) => {
      const { tensor, stacked: is } = inputs[i]!;
      return is ? rowShapeOf(tensor, dtype as IndexType) : one('Shape', [tensor], { out_type: dtype });
    }),
  );

export const batchSize: BatchRule = (op, [x]) =>
  unstacked([one('Prod', [rowShapeOf(x.tensor, op.outputs[0].dtype as IndexType), [0]])]);

export const batchRank: BatchRule = (_, [x]) => unstacked([minus(one('Rank', [x.tensor]), 1)]);

/** A OneHot: values that differ from row to row are chosen afterwards. */
export const batchOneHot: BatchRule = (op, inputs) => {
  const [indices, depth, on, off] = inputs;
  if (depth.stacked) return null;
  const axis = op.intAttr('axis');
  const at = indices.stacked ? shiftedAxis(axis) : axis;
  if (!on.stacked && !off.stacked) {
    return stacked(
      copyOperation(
        op,
        inputs.slice(0, 4).map(({ tensor }) => tensor),
        { axis: at },
      ).outputs,
    );
  }
  const hot = one('OneHot', [indices.tensor, depth.tensor, true, false], { axis: at });
  const condition: Batched = { tensor: hot, stacked: indices.stacked };
  const operands = aligned(op, [condition, on, off], [op.outputs[0], op.inputs[2], op.inputs[3]]);
  return stacked([one('SelectV2', operands)]);
};

/** A PadV2 with a padding value for each row: chosen where there is padding. */
export const batchPadV2: BatchRule = (op, inputs, rows) => {
  const [x, widths, value] = inputs;
  if (!value.stacked) return padded(op, inputs, rows);
  if (widths.stacked) return null;
  const row = x.stacked ? rowShapeOf(x.tensor) : one('Shape', [x.tensor]);
  const inside = one('PadV2', [one('Fill', [row, true]), widths.tensor, false]);
  const zero = one('Pad', [x.tensor, (x.stacked ? perRow.paddings(widths, rows, op) : widths.tensor)!]);
  const [, , rowValue] = op.inputs;
  const y = op.outputs[0];
  const operands: readonly Batched[] = [
    { tensor: inside, stacked: false },
    { tensor: zero, stacked: x.stacked },
    value,
  ];
  return stacked([one('SelectV2', aligned(op, operands, [y, y, rowValue]))]);
};

const padded = rowwise(perRow.data, perRow.paddings, perRow.same);

/**
 * A Select (without broadcasting): a condition that is a scalar chooses among rows, a vector among the rows of each.
 */
export const batchSelect: BatchRule = (op, [condition, t, e], rows) => {
  const [conditionRank, rank] = [op.inputs[0].shape?.length, op.inputs[1].shape?.length ?? op.inputs[2].shape?.length];
  const [yes, no] = [rows.stack(t), rows.stack(e)];
  if (conditionRank === undefined) return null;
  if (conditionRank === rank || conditionRank === 0) {
    if (!condition.stacked) return stacked([one('SelectV2', [condition.tensor, yes, no])]);
    // A vector of conditions chooses whole rows: it is what Select does.
    return stacked([one('Select', [condition.tensor, yes, no])]);
  }
  if (rank === undefined) return null;
  const places = withOnesAt(condition.tensor, condition.stacked ? 2 : 1, rank - conditionRank);
  return stacked([one('SelectV2', [places, yes, no])]);
};

/** A number of rows in the dtype of `like`. */
export function rowNumbers(rows: Rows, dtype: Tensor['dtype']): Tensor {
  return castTo(rangeOf(0, rows.size), dtype);
}

/** Random numbers: fresh ones for each row. */
export const batchRandom = rowwise(perRow.shape, perRow.same);

/** An Assert, of all rows at once. */
export const batchAssert: BatchRule = (op, [condition, ...data]) => {
  const all = condition.stacked ? one('All', [condition.tensor, [0]]) : condition.tensor;
  const shown = data.slice(0, op.inputs.length - 1).map(({ tensor }) => tensor);
  copyOperation(op, [all, ...shown]);
  return [];
};
