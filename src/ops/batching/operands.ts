/** How the operands of an op are had for all rows at once: aligned, repeated, with axes, shapes and bounds for one axis more. */
import type { DType } from '../../graph/dtype.js';
import { NDArray } from '../../graph/ndarray.js';
import { isFullyDefined } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { firstIntegers, rangeOf, rankOf } from '../axes.js';
import { one } from '../call.js';
import { copyOperation } from '../copy.js';
import { numbers } from '../indexing.js';
import { constantValue } from '../known.js';
import { opDef, type AttrInput, type Batched, type BatchRule, type Many, type OpView, type Rows } from '../opdef.js';
import { constantBeside, joined, minus, plus } from '../rules.js';
import { countTensors } from '../signature.js';

/** One input of a batched op; null where there is none for such an operand. */
export type Preparation = (operand: Batched, rows: Rows, op: OpView) => Tensor | null;

/** A rule to which it is all the same what uses the outputs: other rules may call it. */
export type PlainRule = (op: OpView, inputs: Many<Batched>, rows: Rows) => readonly (Batched | null)[] | null;

type AttrChanges = (op: OpView) => Readonly<Record<string, AttrInput>>;

const noChanges: AttrChanges = () => ({});

/** Tensors that have the axis of the rows. */
export function stacked(tensors: readonly Tensor[]): readonly Batched[] {
  return tensors.map((tensor) => ({ tensor, stacked: true }));
}

/** Tensors that are the same for all rows. */
export function unstacked(tensors: readonly Tensor[]): readonly Batched[] {
  return tensors.map((tensor) => ({ tensor, stacked: false }));
}

/**
 * The same op for all rows at once: one preparation for each argument of its signature, the last one for those that follow.
 */
export function rowwise(...preparations: readonly Preparation[]): PlainRule {
  return rowwiseWith(noChanges, ...preparations);
}

/** The same, with other attributes. */
export function rowwiseWith(changes: AttrChanges, ...preparations: readonly Preparation[]): PlainRule {
  return (op, inputs, rows) => {
    const prepared = argumentPositions(op).map((argument, i) => {
      const prepare = preparations[Math.min(argument, preparations.length - 1)]!;
      return prepare(inputs[i]!, rows, op);
    });
    if (prepared.some((tensor) => tensor === null)) return null;
    return stacked(copyOperation(op, prepared as readonly Tensor[], changes(op)).outputs);
  };
}

/** For each input, the position of the argument that it belongs to. */
function argumentPositions(op: OpView): readonly number[] {
  return opDef(op.type).parsed.inputs.flatMap((arg, position) =>
    new Array<number>(countTensors(arg, op.def.attr)).fill(position),
  );
}

/** With the axis of the rows: repeated where it has none. */
const data: Preparation = (operand, rows) => rows.stack(operand);

/** As it is. It may have the axis of the rows: for arguments of any shape. */
const asIs: Preparation = ({ tensor }) => tensor;

/** As it is, if it is the same for all rows. */
const same: Preparation = ({ tensor, stacked: is }) => (is ? null : tensor);

/** Of what is the same for all rows, what `change` makes of it. */
function ifSame(change: (tensor: Tensor, rows: Rows) => Tensor): Preparation {
  return ({ tensor, stacked: is }, rows) => (is ? null : change(tensor, rows));
}

/** Axes: those that count from the front move on by one. */
const axes: Preparation = ifSame(shiftedAxes);

export function shiftedAxes(tensor: Tensor): Tensor {
  const known = constantValue(tensor);
  if (!known) return plus(tensor, one('Cast', [one('GreaterEqual', [tensor, 0])], { DstT: tensor.dtype }));
  const shifted = numbers(known).map((axis) => (axis < 0 ? axis : axis + 1));
  return constantBeside(tensor, NDArray.from(shifted, known.dtype, [shifted.length]).reshape(known.shape), known.dtype);
}

/** An axis given as an attribute, likewise. */
export function shiftedAxis(axis: number): number {
  return axis < 0 ? axis : axis + 1;
}

/** A vector with an entry for each axis: one more before the others. */
function prefixed(entry: number): Preparation {
  return ifSame((tensor) => withPrefix(tensor, [entry]));
}

/** A shape: the number of rows before it. */
const shape: Preparation = ifSame(shapeOfAll);

/** The shape of all rows from that of one, a vector. */
export function shapeOfAll(vector: Tensor, rows: Rows): Tensor {
  return rows.count === null ? joined([rows.sizeVector(vector.dtype), vector]) : withPrefix(vector, [rows.count]);
}

/** A permutation of axes. */
const permutation: Preparation = ifSame((tensor) => {
  const known = constantValue(tensor);
  if (!known) return withPrefix(plus(tensor, 1), [0]);
  return vectorBeside(tensor, [0, ...numbers(known).map((axis) => axis + 1)]);
});

/** A matrix with a row of two for each axis. */
const paddings: Preparation = ifSame((tensor) => {
  const known = constantValue(tensor);
  const none = NDArray.from([[0, 0]], tensor.dtype);
  if (!known) return one('ConcatV2', [[none, tensor], 0], {}, { name: 'concat' });
  const flat = [0, 0, ...numbers(known)];
  return constantBeside(tensor, NDArray.from(flat, known.dtype).reshape([flat.length / 2, 2]), known.dtype);
});

/** How an input of an op for one row becomes that of the op for all rows. */
export const perRow = { data, asIs, same, axes, prefixed, shape, permutation, paddings } as const;

/** A vector with entries before it: a constant where it is one. */
export function withPrefix(vector: Tensor, entries: readonly number[]): Tensor {
  const known = constantValue(vector);
  return known
    ? vectorBeside(vector, [...entries, ...numbers(known)])
    : joined([NDArray.from(entries, vector.dtype), vector]);
}

/** Integers in the dtype of `vector`. */
export function vectorBeside(vector: Tensor, entries: readonly number[]): Tensor {
  return constantBeside(vector, NDArray.from(entries, vector.dtype, [entries.length]), vector.dtype);
}

/** The shape of one row of a stacked tensor: a constant where it is known. */
export function rowShapeOf(tensor: Tensor, dtype: 'int32' | 'int64' = 'int32'): Tensor {
  const row = tensor.shape?.slice(1) ?? null;
  if (isFullyDefined(row)) return constantBeside(tensor, NDArray.from(row, dtype, [row.length]), dtype, 'Shape');
  return one('Slice', [one('Shape', [tensor], { out_type: dtype }), [1], [-1]]);
}

/** The number of dimensions that a row has: a number where it is known. */
export function rowRank(row: Tensor, { tensor, stacked: is }: Batched): number | Tensor {
  if (row.shape !== null) return row.shape.length;
  return is ? minus(rankOf(tensor), 1) : rankOf(tensor);
}

/** The number 1. */
export const oneOf = (dtype: DType): NDArray => NDArray.from(1, dtype);

/** `tensor` with axes of size 1 before axis `at`. */
export function withOnesAt(tensor: Tensor, at: number, count: number | Tensor): Tensor {
  if (typeof count === 'number') {
    let result = tensor;
    for (let i = 0; i < count; i++) result = one('ExpandDims', [result, at]);
    return result;
  }
  const all = one('Shape', [tensor]);
  const ones = one('Fill', [one('Reshape', [count, [1]]), oneOf('int32')]);
  const front = one('Slice', [all, [0], [at]]);
  return one('Reshape', [tensor, joined([front, ones, one('Slice', [all, [at], [-1]])])]);
}

/**
 * Operands that are broadcast together, such that rows stay with rows: stacked ones of lower rank get axes of size 1 after the
 * axis of the rows. The last `trailing` axes are not broadcast.
 */
export function aligned(
  op: OpView,
  operands: readonly Batched[],
  rowsOf: readonly Tensor[] = op.inputs,
): readonly Tensor[] {
  // A scalar that is the same for all rows fits everywhere.
  const counts = operands.map(({ stacked: is }, i) => is || rowsOf[i]!.shape?.length !== 0);
  if (counts.filter(Boolean).length < 2) return operands.map(({ tensor }) => tensor);
  const ranks = operands.map((operand, i) => (counts[i] ? rowRank(rowsOf[i]!, operand) : 0));
  const most = highest(ranks);
  return operands.map(({ tensor, stacked: is }, i) => {
    const rank = ranks[i]!;
    if (!is || rank === most) return tensor;
    const missing =
      typeof rank === 'number' && typeof most === 'number' ? most - rank : minus(asTensor(most, tensor), rank);
    return withOnesAt(tensor, 1, missing);
  });
}

function highest(ranks: readonly (number | Tensor)[]): number | Tensor {
  const known = ranks.filter((rank) => typeof rank === 'number');
  const most = Math.max(0, ...known);
  return ranks.reduce<number | Tensor>(
    (result, rank) => (typeof rank === 'number' ? result : one('Maximum', [rank, result])),
    most,
  );
}

function asTensor(value: number | Tensor, beside: Tensor): Tensor {
  return typeof value === 'number' ? constantBeside(beside, value, 'int32') : value;
}

/** The rule of ops that broadcast their operands. */
export const batchBroadcasting: PlainRule = (op, inputs) => stacked(copyOperation(op, aligned(op, inputs)).outputs);

/** The rule of ops that no row has a part in: nothing that they take or give depends on one. */
export const batchOnce: BatchRule = (op, inputs) =>
  unstacked(
    copyOperation(
      op,
      inputs.map(({ tensor }) => tensor),
    ).outputs,
  );

/** Axes in their places: those before `from` first, then that at `from`, at position `to`. */
export function moveAxis(tensor: Tensor, from: number, to: number, rank: number | null): Tensor {
  if (from === to) return tensor;
  const count = rank ?? Math.max(from, to) + 1;
  const order = Array.from(firstIntegers(count)).filter((axis) => axis !== from);
  order.splice(to, 0, from);
  const front = Int32Array.from(order);
  const axes = rank === null ? joined([NDArray.from(front), rangeOf(count, one('Rank', [tensor]))]) : front;
  return one('Transpose', [tensor, axes], {}, { name: 'transpose' });
}
