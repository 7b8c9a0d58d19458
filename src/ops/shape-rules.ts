/** What shape rules of the array ops share: axes, known ranks, and the errors they throw. */
import { InvalidArgumentError, ShapeError } from '../graph/errors.js';
import { describeTensor } from '../graph/node.js';
import type { Dim, Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { select, bin, int, literal, type Expr } from './expr.js';
import type { DType } from '../graph/dtype.js';
import { dtypeInfo } from '../graph/dtype.js';
import type { OpView } from './opdef.js';

/** A ShapeError that names the op and its operands. */
export function shapeError(op: OpView, what: string, operands: readonly Tensor[] = op.inputs.slice(0, 1)): ShapeError {
  const listed = operands.length > 0 ? `: ${operands.map(describeTensor).join(' and ')}` : '';
  return new ShapeError(`${op.type} '${op.name}': ${what}${listed}.`, op.details());
}

export function argumentError(op: OpView, what: string): InvalidArgumentError {
  return new InvalidArgumentError(`${op.type} '${op.name}': ${what}.`, op.details());
}

/** `axis` counted from the front. @throws InvalidArgumentError unless -rank <= axis < rank */
export function axisIn(op: OpView, axis: number, rank: number, what = 'axis'): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw argumentError(op, `${what} ${axis} is not in [${-rank}, ${rank})`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** A shape of which only the rank is known. */
export function unknownDims(rank: number): Shape {
  return new Array<Dim>(rank).fill(null);
}

/** @throws ShapeError unless `tensor` may have that rank */
export function requireRank(op: OpView, tensor: Tensor, rank: number, what: string): void {
  if (tensor.shape !== null && tensor.shape.length !== rank)
    throw shapeError(op, `${what} must have rank ${rank}`, [tensor]);
}

/** How many elements a vector operand has, as far as is known. */
export function lengthOf(tensor: Tensor): Dim {
  return tensor.shape === null ? null : (tensor.shape[0] ?? null);
}

/** `shape` without `axis`. */
export function without<T>(list: readonly T[], axis: number): T[] {
  return [...list.slice(0, axis), ...list.slice(axis + 1)];
}

/** `list` with `value` at position `at`. */
export function inserted<T>(list: readonly T[], at: number, value: T): T[] {
  return [...list.slice(0, at), value, ...list.slice(at)];
}

/** `list` with `value` instead of what is at `at`. */
export function replaced<T>(list: readonly T[], at: number, value: T): T[] {
  return [...list.slice(0, at), value, ...list.slice(at + 1)];
}

/** The zero of a dtype; false and the empty string count as zeros. */
export function zeroOf(dtype: DType): Expr {
  return constantOf(dtype, 0);
}

/** A small integer as an element of any numeric dtype. */
export function constantOf(dtype: DType, value: 0 | 1): Expr {
  const { kind, big } = dtypeInfo(dtype);
  if (kind === 'string') return literal('', dtype);
  if (kind === 'complex') return literal({ re: value, im: 0 }, dtype);
  return literal(big ? BigInt(value) : value, dtype);
}

/**
 * The case that `index` falls into, where case `k` ends before `ends[k]`: a search by halves, so that many cases do not
 * make a deep expression, and none at all where the index is known.
 */
export function choose(index: Expr, ends: readonly number[], make: (k: number) => Expr): Expr {
  if (index.kind === 'literal') {
    const found = ends.findIndex((end) => (index.value as number) < end);
    return make(found < 0 ? ends.length - 1 : found);
  }
  const search = (low: number, high: number): Expr => {
    if (low === high) return make(low);
    const middle = (low + high) >> 1;
    return select(bin('lt', index, int(ends[middle]!)), search(low, middle), search(middle + 1, high));
  };
  return search(0, ends.length - 1);
}
