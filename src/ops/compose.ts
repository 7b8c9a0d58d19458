/** Functions of several nodes: all of them are made, in the graph of the operands, or none. */
import { InvalidArgumentError } from '../graph/errors.js';
import { getDefaultGraph } from '../graph/graph.js';
import { NDArray } from '../graph/ndarray.js';
import { nameScope } from '../graph/scopes.js';
import type { Shape } from '../graph/shape.js';
import { graphOf } from './call.js';
import type { Operand } from './types.js';

/**
 * Runs `fn` in the graph of the operands such that a failure leaves nothing behind.
 * @param name of the user's function, for the error where the operands belong to several graphs
 */
export function composed<T>(operands: readonly Operand[], fn: () => T, name = 'compose'): T {
  const graph = graphOf(name, operands);
  return graph.attempt(() => graph.atSite(() => graph.asDefault(fn)));
}

/** As `composed`, below a name scope; the node that is given the scope's name, slash included, stands for the whole. */
export function composedInScope<T>(
  name: string,
  options: { readonly name?: string | undefined } | undefined,
  operands: readonly Operand[],
  fn: (scope: string) => T,
): T {
  return composed(operands, () => nameScope(options?.name ?? name, fn), name);
}

/**
 * A function that the user hands over, to be called within the call that is about to begin: what it makes was created where it
 * says so, not where the call is. Within a greater call, which the user did not write, all stays one call's.
 */
export function usersOwn<A extends readonly unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  if (getDefaultGraph().scope.site !== null) return fn;
  return (...args) => getDefaultGraph().withScope({ site: null }, () => fn(...args));
}

/**
 * The same of a function that builds a part of what one of the library's is asked for.
 * @param what its name, for the error where it is asynchronous
 */
export function ofUser<A extends readonly unknown[], R>(what: string, fn: (...args: A) => R): (...args: A) => R {
  const own = usersOwn(fn);
  return (...args) => {
    const result = own(...args);
    if (typeof (result as { then?: unknown } | null | undefined)?.then !== 'function') return result;
    throw new InvalidArgumentError(
      `${what} must be synchronous, and returns a promise: build first, await afterwards.`,
    );
  };
}

/** The static shape an operand has, or will have as a tensor. */
export function shapeOfOperand(operand: Operand): Shape {
  return hasShape(operand) ? operand.shape : NDArray.from(operand).shape;
}

function hasShape(operand: Operand): operand is Operand & { readonly shape: Shape } {
  return typeof operand === 'object' && operand !== null && 'shape' in operand;
}
