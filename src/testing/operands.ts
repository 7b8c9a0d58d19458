/** What the checkers take: ys, xs and options, looked at before anything is built. */
import { InvalidArgumentError } from '../graph/errors.js';
import type { Graph } from '../graph/graph.js';
import type { NDArray } from '../graph/ndarray.js';
import { checkOptionNames } from '../graph/options.js';
import { Tensor } from '../graph/tensor.js';
import { Variable } from '../ops/definitions/variable.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import { asList } from '../ops/nest.js';
import { parseFeeds, type Feeds } from '../session/feeds.js';
import { Session } from '../session/session.js';
import { isDifferentiable } from './reals.js';
import type { Source } from './workbench.js';

/** A tensor, a variable, or slices (whose values count). */
export type Checkable = Tensor | Variable | IndexedSlices;

export interface ComputeGradientOptions {
  /** Values for tensors, as in `session.run`. */
  readonly feeds?: Feeds;
  /** The step of central differences; by default it follows from the dtypes, and grows with elements larger than 1. */
  readonly delta?: number;
  /** A session that has the variables' values; without one they start from their initializers. */
  readonly session?: Session;
}

export interface Problem {
  readonly graph: Graph;
  readonly ys: readonly Tensor[];
  readonly xs: readonly Source[];
  readonly feeds: ReadonlyMap<Tensor, NDArray>;
  readonly session: Session | null;
  readonly delta: number | null;
}

/** @throws InvalidArgumentError for what has no derivative or lies in another graph, and for a bad option */
export function problemOf(
  fn: string,
  y: readonly Checkable[] | Checkable,
  x: readonly Checkable[] | Checkable,
  options: ComputeGradientOptions,
  known: readonly string[] = [],
): Problem {
  checkOptionNames(fn, options, ['feeds', 'delta', 'session', ...known]);
  const xs = asList(x).map((each, i) => source(fn, each, `xs[${i}]`));
  const ys = asList(y).map((each, i) => source(fn, each, `ys[${i}]`));
  const all = [...ys, ...xs];
  if (ys.length === 0) throw new InvalidArgumentError(`${fn}: there is no y.`);
  if (xs.length === 0) throw new InvalidArgumentError(`${fn}: there is no x.`);
  const { graph } = all[0]!;
  const stranger = all.find((each) => each.graph !== graph);
  if (stranger)
    throw new InvalidArgumentError(`${fn}: '${all[0]!.name}' and '${stranger.name}' belong to different graphs.`);
  const { delta = null, session = null } = options;
  if (delta !== null && !(typeof delta === 'number' && delta > 0 && delta < Infinity)) {
    throw new InvalidArgumentError(`${fn}: 'delta' must be a positive number, not ${String(delta)}.`);
  }
  if (session !== null && !(session instanceof Session))
    throw new InvalidArgumentError(`${fn}: 'session' must be a Session.`);
  const tensors = ys.map((each) => (each instanceof Variable ? each.fetchable : each));
  return { graph, ys: tensors, xs, feeds: parseFeeds(graph, options.feeds ?? {}), session, delta };
}

function source(fn: string, value: unknown, argument: string): Source {
  const result = value instanceof IndexedSlices ? value.values : value;
  if (!(result instanceof Tensor || result instanceof Variable)) {
    throw new InvalidArgumentError(
      `${fn}: ${argument} must be a tensor or a variable, not ${value === null ? 'null' : typeof value}.`,
    );
  }
  if (!isDifferentiable(result.dtype)) {
    const hint =
      result.dtype === 'resource' ? 'Give the variable itself.' : 'Only float and complex ones have derivatives.';
    throw new InvalidArgumentError(
      `${fn}: ${argument}, '${result.name}', is ${result.dtype}. ${hint}`,
      result.op.details(),
    );
  }
  return result;
}
