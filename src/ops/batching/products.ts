/** Batching rules of matrix products, biases, norms and cross-entropies. */
import { isFullyDefined, type Dim } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { rangeOf, rankOf } from '../axes.js';
import { many, one } from '../call.js';
import { copyOperation } from '../copy.js';
import { item } from '../indexing.js';
import type { BatchRule, OpView, Rows } from '../opdef.js';
import { conj, constantBeside, joined, minus, shapeOf } from '../rules.js';
import { aligned, rowRank, stacked, vectorBeside, withOnesAt } from './operands.js';

/** MatMul: one matrix for each row, or, where only the first factor has rows, all its rows below each other. */
export const batchMatMul: BatchRule = (op, [a, b], rows) => {
  const [ta, tb] = [op.boolAttr('transpose_a'), op.boolAttr('transpose_b')];
  const sides = { grad_a: op.boolAttr('grad_a'), grad_b: op.boolAttr('grad_b') };
  if (a.stacked && !b.stacked && !ta) {
    const product = one('MatMul', [folded(a.tensor), b.tensor], { transpose_b: tb, ...sides });
    return stacked([unfolded(product, a.tensor, rows)]);
  }
  // The batched op conjugates what it transposes.
  const [x, y] = [ta ? conj(a.tensor) : a.tensor, tb ? conj(b.tensor) : b.tensor];
  const flips = { adj_x: ta, adj_y: tb, grad_x: sides.grad_a, grad_y: sides.grad_b };
  return stacked([one('BatchMatMulV2', [x, y], flips, { name: 'MatMul' })]);
};

/** BatchMatMulV2: the axis of the rows is a batch dimension more. */
export const batchBatchMatMul: BatchRule = (op, inputs) =>
  stacked(copyOperation(op, aligned(op, inputs.slice(0, 2))).outputs);

/** The first two axes made one: what all rows have, below each other. */
export function folded(tensor: Tensor): Tensor {
  const [count = null, height = null, ...rest] = tensor.shape ?? [];
  const first = count === null || height === null ? null : count * height;
  const known = tensor.shape === null ? null : constantTarget([first, ...rest]);
  if (known) return one('Reshape', [tensor, vectorBeside(shapeOf(tensor), known)]);
  const shape = shapeOf(tensor);
  const product = one('Prod', [item(shape, { stop: 2 }), [0]], { keep_dims: true });
  return one('Reshape', [tensor, joined([product, item(shape, { start: 2 })])]);
}

/** The opposite: the first axis made two, of which the second is the first that a row of `like` has. */
export function unfolded(tensor: Tensor, like: Tensor, rows: Rows): Tensor {
  const dims = tensor.shape === null ? null : [rows.count, like.shape?.[1] ?? null, ...tensor.shape.slice(1)];
  const known = dims && constantTarget(dims);
  if (known) return one('Reshape', [tensor, Int32Array.from(known)]);
  const shape = shapeOf(tensor);
  const height = item(shapeOf(like), { start: 1, stop: 2 });
  return one('Reshape', [tensor, joined([rows.sizeVector('int32'), height, item(shape, { start: 1 })])]);
}

/** A target for Reshape in numbers: -1 for the only dimension that is not known, unless zeros make it ambiguous. */
function constantTarget(dims: readonly Dim[]): readonly number[] | null {
  if (isFullyDefined(dims)) return dims;
  const open = dims.filter((dim) => dim === null).length;
  return open === 1 && !dims.includes(0) ? dims.map((dim) => dim ?? -1) : null;
}

const channelsFirst = (op: OpView): boolean => op.stringAttr('data_format') === 'NCHW';

/** BiasAdd: where the last axis is not that of the channels, or rows have biases of their own, they are aligned and added. */
export const batchBiasAdd: BatchRule = (op, [value, bias], rows) => {
  const first = channelsFirst(op);
  if (!bias.stacked && !first) return stacked(copyOperation(op, [value.tensor, bias.tensor]).outputs);
  const rank = rowRank(op.inputs[0], value);
  const behind = first ? less(rank, 2) : 0;
  const before = first ? 1 : less(rank, 1);
  const column = withOnesAt(bias.tensor, bias.stacked ? 2 : 1, behind);
  const biases = bias.stacked ? withOnesAt(column, 1, before) : column;
  return stacked([one('AddV2', [rows.stack(value), biases], {}, { name: 'BiasAdd' })]);
};

/** BiasAddGrad: a sum over all axes but those of rows and channels. */
export const batchBiasAddGrad: BatchRule = (op, [dy]) => {
  const first = channelsFirst(op);
  const rank = op.inputs[0].shape?.length;
  if (rank === undefined) {
    const all = rankOf(dy.tensor);
    const axes = first ? joined([constantBeside(dy.tensor, [1], 'int32'), rangeOf(3, all)]) : rangeOf(1, minus(all, 1));
    return stacked([one('Sum', [dy.tensor, axes])]);
  }
  const axes = axesOfRow(rank).filter((axis) => axis !== (first ? 2 : rank));
  return stacked([one('Sum', [dy.tensor, axes])]);
};

/** L2Loss: half the sum of squares of each row. */
export const batchL2Loss: BatchRule = (op, [x]) => {
  const rank = op.inputs[0].shape?.length;
  const axes = rank === undefined ? rangeOf(1, rankOf(x.tensor)) : axesOfRow(rank);
  const sum = one('Sum', [one('Square', [x.tensor]), axes]);
  return stacked([one('Mul', [sum, constantBeside(sum, 0.5, sum.dtype)], {}, { name: 'L2Loss' })]);
};

/** The cross-entropies of all rows below each other. */
export const batchSparseCrossEntropy: BatchRule = (op, [features, labels], rows) =>
  crossEntropies(op, rows.stack(features), rows.stack(labels));

/** Likewise, of operands that are broadcast against each other: within a row, and not beyond it. */
export const batchCrossEntropy: BatchRule = (op, [features, labels], rows) => {
  const [x, y] = [rows.stack(features), rows.stack(labels)];
  const [a, b] = op.inputs;
  const alike = isFullyDefined(a.shape) && isFullyDefined(b.shape) && a.shape.join() === b.shape.join();
  const spread = (tensor: Tensor, other: Tensor): Tensor =>
    alike ? tensor : one('AddV2', [tensor, one('ZerosLike', [other])]);
  return crossEntropies(op, spread(x, y), spread(y, x));
};

function crossEntropies(op: OpView, features: Tensor, labels: Tensor) {
  const shape = shapeOf(features);
  const [loss, backprop] = many(op.type, [folded(features), folded(labels)]);
  return stacked([one('Reshape', [loss!, item(shape, { stop: 2 })]), one('Reshape', [backprop!, shape])]);
}

/** The axes that a row of that rank has in the stack. */
function axesOfRow(rank: number): Int32Array {
  return Int32Array.from({ length: rank }, (_, axis) => axis + 1);
}

function less(rank: number | Tensor, by: number): number | Tensor {
  return typeof rank === 'number' ? rank - by : minus(rank, by);
}
