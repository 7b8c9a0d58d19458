/** Batching rules of tensor lists: a stacked list is one list, every element of which has the axis of the rows. */
import { NDArray } from '../../graph/ndarray.js';
import type { Operation } from '../../graph/operation.js';
import type { Tensor } from '../../graph/tensor.js';
import { rangeOf } from '../axes.js';
import { one } from '../call.js';
import { copyOperation } from '../copy.js';
import { handleType } from '../handles.js';
import { item } from '../indexing.js';
import { opDef, type BatchRule, type OpView, type Rows } from '../opdef.js';
import { joined } from '../rules.js';
import { moveAxis, shapeOfAll, stacked, unstacked, withOnesAt } from './operands.js';

/** The element shape of a list, for all rows: one that says nothing goes on saying nothing. Of lists in a list it is their elements that have the axis. */
function elementShapeOfAll(op: Operation, shape: Tensor, rows: Rows): Tensor {
  if (op.typeAttr('element_dtype') === 'variant') return shape;
  const rank = shape.shape?.length;
  if (rank === 0) return shape;
  const open = rows.count === null ? NDArray.from([-1], shape.dtype) : rows.sizeVector(shape.dtype);
  if (rank === 1) return rows.count === null ? joined([open, shape]) : shapeOfAll(shape, rows);
  // Which of the two it is shows at run time.
  const dims = rankVector(shape);
  const parts = [one('Slice', [open, [0], dims]), one('Reshape', [shape, [-1]])];
  return one('Reshape', [joined(parts), one('Slice', [NDArray.from([-1], 'int32'), [0], dims])]);
}

/** The rank of what is a scalar or a vector: [0] or [1]. */
function rankVector(shape: Tensor): Tensor {
  return one('Reshape', [one('Rank', [shape]), [1]]);
}

/** The list `list`, which is the same for all rows, with elements repeated for each. */
export function stackedList(list: Tensor, rows: Rows): Tensor {
  const { op } = list;
  if (opDef(op.type).parsed.inputs[0]?.name === 'element_shape') {
    // A list that has nothing in it yet: that it has room for rows is all that changes.
    return copyOperation(op, [elementShapeOfAll(op, op.inputs[0]!, rows), ...op.inputs.slice(1)]).outputs[0]!;
  }
  const element_dtype = handleType(list)!.dtype;
  const elements = one('TensorListStack', [list, -1], { element_dtype });
  const shape = one('Shape', [elements]);
  const target = joined([item(shape, { stop: 1 }), rows.sizeVector('int32'), item(shape, { start: 1 })]);
  const repeated = one('BroadcastTo', [one('ExpandDims', [elements, 1]), target]);
  return one('TensorListFromTensor', [repeated, -1]);
}

const elementType = (op: OpView): { readonly element_dtype: Tensor['dtype'] } => ({
  element_dtype: op.typeAttr('element_dtype'),
});

export const batchPushBack: BatchRule = (op, [list, tensor], rows) =>
  stacked(copyOperation(op, [rows.stack(list), rows.stack(tensor)]).outputs);

export const batchPopBack: BatchRule = (op, [list, shape], rows) => {
  if (shape.stacked) return null;
  return stacked(copyOperation(op, [list.tensor, elementShapeOfAll(op, shape.tensor, rows)]).outputs);
};

export const batchStackList: BatchRule = (op, [list, shape], rows) => {
  if (shape.stacked) return null;
  const elements = copyOperation(op, [list.tensor, elementShapeOfAll(op, shape.tensor, rows)]).outputs[0]!;
  return stacked([moveAxis(elements, 1, 0, elements.shape?.length ?? null)]);
};

export const batchListFromTensor: BatchRule = (op, [tensor, shape], rows) => {
  if (shape.stacked) return null;
  const elements = moveAxis(tensor.tensor, 0, 1, tensor.tensor.shape?.length ?? null);
  return stacked(copyOperation(op, [elements, elementShapeOfAll(op, shape.tensor, rows)]).outputs);
};

/** An element of its own for each row is taken from all elements stacked. */
export const batchGetItem: BatchRule = (op, [list, index, shape], rows) => {
  if (shape.stacked) return null;
  const element = list.stacked ? elementShapeOfAll(op, shape.tensor, rows) : shape.tensor;
  if (!index.stacked) return stacked(copyOperation(op, [list.tensor, index.tensor, element]).outputs);
  const all = one('TensorListStack', [list.tensor, element], elementType(op));
  if (!list.stacked) return stacked([one('GatherV2', [all, index.tensor, 0])]);
  const ofRows = moveAxis(all, 1, 0, all.shape?.length ?? null);
  return stacked([one('GatherV2', [ofRows, index.tensor, 1], { batch_dims: 1 })]);
};

/** An element of its own for each row is put among all elements stacked. */
export const batchSetItem: BatchRule = (op, [list, index, value], rows) => {
  if (!index.stacked) return stacked(copyOperation(op, [rows.stack(list), index.tensor, rows.stack(value)]).outputs);
  const rank = op.inputs[2].shape?.length;
  if (rank === undefined || op.boolAttr('resize_if_index_out_of_bounds')) return null;
  const length = one('TensorListLength', [list.tensor]);
  const element = rows.stack(value);
  const shape = one('Shape', [element]);
  const all = one('TensorListStack', [rows.stack(list), shape], elementType(op));
  const places = rangeOf(0, length);
  // Taken from the places there are, an index out of range is an error.
  const place = one('GatherV2', [places, index.tensor, 0]);
  const hit = one('Equal', [one('ExpandDims', [places, 1]), place]);
  const put = one('SelectV2', [withOnesAt(hit, 2, rank), one('ExpandDims', [element, 0]), all]);
  return stacked([one('TensorListFromTensor', [put, shape])]);
};

export const batchResize: BatchRule = (op, [list, size]) =>
  size.stacked ? null : stacked(copyOperation(op, [list.tensor, size.tensor]).outputs);

export const batchLength: BatchRule = (op, [list]) => unstacked(copyOperation(op, [list.tensor]).outputs);

/** The shape of an element of a row: of a vector all but the first entry; a scalar, which says nothing, stays. */
export const batchElementShape: BatchRule = (op, [list]) => {
  const shape = copyOperation(op, [list.tensor]).outputs[0]!;
  const flat = one('Reshape', [shape, [-1]]);
  const rank = rankVector(shape);
  const part = one('Slice', [flat, rank, [-1]]);
  const length = one('Reshape', [one('Size', [part]), [1]]);
  return unstacked([one('Reshape', [part, one('Slice', [length, [0], rank])])]);
};
