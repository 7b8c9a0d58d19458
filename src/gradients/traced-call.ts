/** A call of a user's function of tensors: what goes in and comes out, as tensors of one graph, and an IdentityN around it that has a gradient of its own. */
import { InvalidArgumentError } from '../graph/errors.js';
import { getDefaultGraph, type Graph } from '../graph/graph.js';
import type { NDArray, ScalarData } from '../graph/ndarray.js';
import type { TypedArray } from '../graph/dtype.js';
import { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import { convertToTensor, many } from '../ops/call.js';
import { captured } from '../ops/capture.js';
import { composed, usersOwn } from '../ops/compose.js';
import type { Variable } from '../ops/definitions/variable.js';
import { flatten, packLike } from '../ops/nest.js';
import type { Calculus, Gradient, OpView } from '../ops/opdef.js';
import { attributeFor } from '../ops/own-gradient.js';
import type { Operand, TensorLike } from '../ops/types.js';
import { byName, variablesBetween, watchingReads } from './variables-used.js';

/** What can stand for a tensor in a nest, where an array is a nest and no data. */
export type Leaf = TensorLike | ScalarData | TypedArray | NDArray;

/** What may be passed for an argument of type `X`: the same nest, of tensors or of what stands for some. */
export type Passed<X> =
  X extends Tensor<infer D, infer S>
    ? TensorLike<D, S> | ScalarData | TypedArray | NDArray
    : X extends object
      ? { readonly [K in keyof X]: Passed<X[K]> }
      : never;

/** The same for a list of arguments. */
export type PassedAll<X extends readonly unknown[]> = { readonly [K in keyof X]: Passed<X[K]> };

/** What a function was called with and gave. */
export interface TracedCall<R> {
  readonly graph: Graph;
  /** The arguments, tensors in the place of all that stands for some. */
  readonly args: readonly unknown[];
  readonly inputs: readonly Tensor[];
  /** The number of operations when the function was called. */
  readonly start: number;
  readonly result: R;
  /** The nest of its results, and the tensors in it. */
  readonly ys: unknown;
  readonly outputs: readonly Tensor[];
  /** Trainable variables that it uses, by name. */
  readonly variables: readonly Variable[];
}

/**
 * Calls `f` with the tensors of `args`, and goes on with what that gave; where anything fails, nothing stays.
 * @param results the results of `f` that are tensors
 */
export function calling<R, T>(
  fn: string,
  f: (...xs: readonly never[]) => R,
  args: readonly unknown[],
  results: (result: R) => unknown,
  then: (call: TracedCall<R>) => T,
): T {
  const given = flatten(args);
  given.forEach((value, i) => checkLeaf(fn, `argument ${i}`, value));
  const own = usersOwn(f);
  return composed(
    given as readonly Operand[],
    () => {
      const graph = getDefaultGraph();
      const inputs = given.map((value, i) => tensorOf(fn, `argument ${i}`, value, graph));
      const xs = packLike(args, inputs) as readonly never[];
      const start = graph.version;
      const { result, variables } = watchingReads(() => own(...xs));
      const ys = results(result);
      const outputs = flatten(ys).map((value, i) => tensorOf(fn, `result ${i}`, value, graph));
      if (outputs.length === 0) throw new InvalidArgumentError(`${fn}: the function must return at least one tensor.`);
      const used = byName(new Set([...variables, ...variablesBetween(inputs, outputs)]));
      return then({ graph, args: xs, inputs, start, result, ys, outputs, variables: used });
    },
    fn,
  );
}

function checkLeaf(fn: string, what: string, value: unknown): void {
  const bad =
    value === null || value === undefined
      ? String(value)
      : typeof value === 'function'
        ? 'a function'
        : value instanceof Operation
          ? `the operation '${value.name}'`
          : typeof (value as { then?: unknown }).then === 'function'
            ? 'a promise: the function must be synchronous'
            : null;
  if (bad !== null) throw new InvalidArgumentError(`${fn}: ${what} must be a tensor, not ${bad}.`);
}

function tensorOf(fn: string, what: string, value: unknown, graph: Graph): Tensor {
  checkLeaf(fn, what, value);
  const owner = (value as Partial<Tensor>).graph;
  if (owner !== undefined && !graph.reaches(owner)) {
    throw new InvalidArgumentError(
      `${fn}: ${what}, '${(value as Tensor).name}', belongs to another graph than the rest.`,
    );
  }
  try {
    return captured(graph, convertToTensor(value as Operand));
  } catch (error) {
    throw new InvalidArgumentError(`${fn}: ${what} is no tensor: ${(error as Error).message}`, { cause: error });
  }
}

/** From the gradients of the outputs to those of the inputs. */
export type SegmentGradient = (
  op: OpView,
  dys: readonly (Gradient | null)[],
  calculus: Calculus,
) => readonly (Gradient | null)[];

/**
 * `outputs` behind an IdentityN that has `inputs` too, and a gradient of its own. Source: TensorFlow
 * `custom_gradient._graph_mode_decorator`.
 * @param hidden how many of the outputs have been computed from what the gradient never looks at
 */
export function withGradient(
  graph: Graph,
  outputs: readonly Tensor[],
  inputs: readonly Operand[],
  gradient: SegmentGradient,
  hidden = 0,
): readonly Tensor[] {
  // TensorFlow makes an Identity of each output while it looks for variables: the names are taken so that the others come out the same.
  for (let i = 0; i < outputs.length; i++) graph.uniqueName('Identity');
  const attr = attributeFor(`CustomGradient-${serialNumber(graph)}`, {
    rule: (op, dys, calculus) => [...outputs.map(() => null), ...gradient(op, dys.slice(0, outputs.length), calculus)],
    hidden,
  });
  const gradientOverrides = { ...graph.scope.gradientOverrides };
  delete gradientOverrides['IdentityN'];
  const passed = graph.withScope({ gradientOverrides }, () =>
    many('IdentityN', [[...outputs, ...inputs]], { _gradient_op_type: attr }),
  );
  return passed.slice(0, outputs.length);
}

/** Numbers of a graph's own gradients, which a roll-back rolls back. */
function serialNumber({ root }: Graph): number {
  const prefix = 'CustomGradient';
  return Number(root.uniqueFunctionName(prefix).slice(prefix.length + 1));
}
