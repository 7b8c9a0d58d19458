/** Values that are others with their elements in other places. */
import { shapesEqual } from '../../../../graph/shape.js';
import type { Expr } from '../../../../ops/expr.js';
import type { IndexVariables, Node, Value } from '../program.js';

/** Values that are gone through at most. */
const furthest = 8;

/** Where the elements of a value come from, if all it does is to move them: through others that do no more than that. */
export function moved({ root }: Value, values: readonly Value[]): Node<'load'> | null {
  let load = root?.kind === 'load' ? root : null;
  for (let i = 0; load && i < furthest; i++) {
    const further = before(load, values);
    if (!further) break;
    load = further;
  }
  return load;
}

function before({ source, index }: Node<'load'>, values: readonly Value[]): Node<'load'> | null {
  const from = source.kind === 'input' ? values[source.position]! : null;
  if (from?.root?.kind !== 'load' || from.op.controlInputs.length > 0) return null;
  const element = from.definition!.at(index);
  return element.kind === 'load' ? element : null;
}

/** Whether the elements are where they were. */
export function isInPlace({ index, shape }: Node<'load'>, value: Value, indices: IndexVariables): boolean {
  if (!shapesEqual(shape, value.shape)) return false;
  const own = indices.of(value.shape!);
  return index.every((i, axis) => isSame(i, own[axis]!));
}

/** Whether matrices in the last two axes are transposed, and nothing else. */
export function isTransposed({ index, shape }: Node<'load'>, value: Value, indices: IndexVariables): boolean {
  const rank = value.shape!.length;
  if (rank < 2 || shape.length !== rank) return false;
  const own = indices.of(value.shape!);
  return index.every((i, axis) => {
    const to = axis < rank - 2 ? axis : 2 * rank - 3 - axis;
    return shape[axis] === value.shape![to] && isSame(i, own[to]!);
  });
}

function isSame(a: Expr, b: Expr): boolean {
  return a === b || (a.kind === 'literal' && b.kind === 'literal' && a.value === b.value);
}
