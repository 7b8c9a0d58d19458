/** Functions of one row, run on all rows at once. */
import { InvalidArgumentError, ShapeError } from '../../graph/errors.js';
import { describeTensor } from '../../graph/node.js';
import { checkBoolean, checkOptionNames } from '../../graph/options.js';
import { nameScope } from '../../graph/scopes.js';
import type { Dim } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { mapRows } from '../batching/map-rows.js';
import { AllRows, type Fallback } from '../batching/vectorize.js';
import { rowShapeOf } from '../batching/operands.js';
import { convertToTensor, one } from '../call.js';
import { composed, usersOwn } from '../compose.js';
import { flatten, packLike } from '../nest.js';
import type { Batched } from '../opdef.js';
import { joined } from '../rules.js';
import { elementOf } from '../slicing.js';
import type { Operand, OpOptions } from '../types.js';
import type { Row, Stacked } from './map-scan.js';

export interface VectorizedMapOptions extends OpOptions {
  /**
   * Whether an operation for which there is no batching rule runs in a loop over the rows, while (nearly always) all others run on
   * all rows at once; true by default. Otherwise it is an error.
   */
  readonly fallbackToWhileLoop?: boolean;
  /** Whether such an operation is announced on the console; true by default. */
  readonly warn?: boolean;
}

/**
 * Calls `fn` on the rows of `elems`, all at once, and stacks what it returns (TensorFlow `tf.vectorized_map`). It is called once, with
 * tensors that stand for one row; every operation that it makes is then made for all rows, by the batching rule of its op. What
 * does not depend on a row is made once. `fn` may call `gradients`, use tensors and variables around it, branch and loop. An operation
 * without a rule runs in a loop over the rows. Where that cannot be, as shapes may differ from row to row, or lists are kept for the
 * gradient of a loop that each row leaves at its own time, `fn` is called again, for a loop of everything.
 *
 * Random numbers are drawn anew for each row. What `fn` writes to variables is written for each row, but one operation runs for
 * all rows before the next.
 *
 * @param elems a tensor of shape `[n, …]`, or a nest of tensors with the same n; where one has a single row, all rows share it
 * @returns in the nest of what `fn` returns, tensors of shape `[n, …]`
 * @throws InvalidArgumentError for scalars among `elems`, a bad option, or, with `fallbackToWhileLoop: false`, an op without a batching
 *   rule; ShapeError where `elems` differ in their number of rows
 * @example
 * const outer = vectorizedMap((x) => x.expandDims(1).multiply(x), constant([[1, 2], [3, 4]]));
 * outer; // [[[1, 2], [2, 4]], [[9, 12], [12, 16]]]
 */
export function vectorizedMap<const E, R>(
  fn: (row: Row<E>) => R,
  elems: E,
  options: VectorizedMapOptions = {},
): Stacked<R> {
  const name = 'vectorizedMap';
  checkOptionNames(name, options, ['fallbackToWhileLoop', 'warn', 'name']);
  const fallback = {
    fn: name,
    allowed: checkBoolean(name, 'fallbackToWhileLoop', options.fallbackToWhileLoop ?? true),
    warn: checkBoolean(name, 'warn', options.warn ?? true),
  };
  if (typeof fn !== 'function') throw new InvalidArgumentError(`${name}: fn must be a function.`);
  const leaves = flatten(elems as unknown) as Operand[];
  if (leaves.length === 0) throw new InvalidArgumentError(`${name}: there are no tensors in elems.`);
  const missing = leaves.findIndex((leaf) => leaf === null || leaf === undefined);
  if (missing >= 0) throw new InvalidArgumentError(`${name}: leaf ${missing} of elems is ${String(leaves[missing])}.`);
  const own = usersOwn(fn);
  return composed(leaves, () =>
    nameScope(options.name ?? 'vectorized_map', () => {
      const tensors = leaves.map((leaf) => tensorOf(name, leaf));
      const { rows, operands } = rowsOf(name, tensors, fallback);
      const call = (args: readonly Tensor[]) => own(packLike(elems, args) as Row<E>);
      return mapRows(name, rows, operands, call);
    }),
  ) as Stacked<R>;
}

function tensorOf(fn: string, leaf: Operand): Tensor {
  try {
    return convertToTensor(leaf);
  } catch (error) {
    throw new InvalidArgumentError(`${fn}: elems holds what is no tensor: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The rows of tensors, and the tensors: one that has a single row where others have more is shared by all of them. */
function rowsOf(
  fn: string,
  tensors: readonly Tensor[],
  fallback: Fallback,
): { readonly rows: AllRows; readonly operands: readonly Batched[] } {
  const counts = tensors.map((tensor) => countOf(fn, tensor));
  const known = counts.filter((count) => count !== null);
  const most = Math.max(1, ...known);
  // Zero rows are fewer than one, and one row is shared.
  const count: Dim = known.includes(0) && most === 1 ? 0 : most > 1 ? most : counts.includes(null) ? null : most;
  const odd = known.findIndex((other) => other !== 1 && other !== count && count !== null);
  if (odd >= 0) {
    const tensor = tensors[counts.indexOf(known[odd]!)]!;
    throw new ShapeError(
      `${fn}: ${describeTensor(tensor)} has ${known[odd]} rows, others have ${count}.`,
      tensor.op.details(),
    );
  }
  const open = tensors.filter((_, i) => counts[i] === null);
  const sizes = open.map((tensor) => elementOf(one('Shape', [tensor]), 0));
  const size = count === null ? sizes.reduce((a, b) => one('Maximum', [a, b])) : null;
  const rows = new AllRows(count, size, fallback);
  const operands = tensors.map((tensor, i): Batched => {
    if (counts[i] === 1 && count !== 1)
      return { tensor: one('Squeeze', [tensor], { squeeze_dims: [0] }), stacked: false };
    if (counts[i] !== null || (open.length === 1 && count === null)) return { tensor, stacked: true };
    const shape = joined([rows.sizeVector('int32'), rowShapeOf(tensor)]);
    return { tensor: one('BroadcastTo', [tensor, shape]), stacked: true };
  });
  return { rows, operands };
}

function countOf(fn: string, tensor: Tensor): Dim {
  if (tensor.shape?.length === 0)
    throw new InvalidArgumentError(
      `${fn}: ${describeTensor(tensor)} is a scalar and has no rows.`,
      tensor.op.details(),
    );
  return tensor.shape?.[0] ?? null;
}
