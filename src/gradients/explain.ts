/** Why a gradient is null: the walk itself is run, watched and rolled back, so the answer cannot differ from it. */
import { isTrainable } from '../graph/dtype.js';
import { InvalidArgumentError } from '../graph/errors.js';
import { checkOptionNames } from '../graph/options.js';
import type { Operation } from '../graph/operation.js';
import { Tensor } from '../graph/tensor.js';
import type { Variable } from '../ops/definitions/variable.js';
import { opDef } from '../ops/opdef.js';
import { backpropagate } from './backpropagate.js';
import { makeSeed } from './seeds.js';

/**
 * 'noPath': y is not computed from x. 'stopGradientOp': an op on the way exists to stop gradients. 'stopGradients': the
 * option of that name does. 'integerCut': the way leads through integers, bools or strings. 'noGradient': an op on the
 * way passes no gradient on, as floor does.
 */
export type NullCause = 'noPath' | 'stopGradientOp' | 'stopGradients' | 'integerCut' | 'noGradient';

export interface Explanation {
  readonly connected: boolean;
  /** Operations from y towards x as far as gradient flows; all the way to x where connected. */
  readonly path: readonly Operation[];
  /** Why it flows no further; null where connected. */
  readonly cause: NullCause | null;
  /** The operation at which it stops. */
  readonly op: Operation | null;
  readonly createdAt: string | null;
  /** All of this in words, with what to do about it. */
  readonly message: string;
}

class RolledBack {
  constructor(readonly explanation: Explanation) {}
}

/**
 * Says whether the gradient of `y` with respect to `x` is null, and if so why and where. The graph stays as it is.
 * @throws InvalidArgumentError for operands of two graphs; LookupError where `gradients` would throw one
 * @example
 * const x = constant(1.5);
 * explainGradient(floor(x), x).cause; // 'noGradient'
 * explainGradient(square(x), x).connected; // true
 */
export function explainGradient(
  y: Tensor | Variable,
  x: Tensor | Variable,
  options: { readonly stopGradients?: readonly Tensor[] } = {},
): Explanation {
  checkOptionNames('explainGradient', options, ['stopGradients']);
  const graph = y.graph;
  if (x.graph !== graph)
    throw new InvalidArgumentError(`explainGradient: '${y.name}' and '${x.name}' belong to different graphs.`);
  const watched = (): never => {
    throw new RolledBack(graph.asDefault(() => explain(y, x, options.stopGradients ?? [])));
  };
  try {
    return graph.attempt(watched);
  } catch (error) {
    if (error instanceof RolledBack) return error.explanation;
    throw error;
  }
}

function explain(y: Tensor | Variable, x: Tensor | Variable, stopGradients: readonly Tensor[]): Explanation {
  const target = y instanceof Tensor ? y : y.toTensor();
  const source = x instanceof Tensor ? x : x.handle;
  const passed = new Map<Operation, readonly boolean[]>();
  const received = backpropagate({
    ys: [target],
    xs: [source],
    seed: makeExplainSeed,
    stopGradients,
    aggregationMethod: 'addN',
    gate: false,
    colocate: false,
    maskedNaN: 'tensorflow',
    observe: (op, dxs) =>
      passed.set(
        op,
        dxs.map((dx) => dx !== null),
      ),
  });
  const between = dataPaths(target, source);
  const live = livePrefix(target, source, passed, between);
  if (received.of(source)) {
    const message = `'${target.name}' depends on '${source.name}' through ${live.length} operations; the gradient is not null.`;
    return { connected: true, path: live, cause: null, op: null, createdAt: null, message };
  }
  return describe(
    target,
    source,
    live,
    findCut(live.at(-1)!, source, between, new Set(stopGradients.map((t) => t.op))),
  );
}

function makeExplainSeed(y: Tensor): Tensor {
  return makeSeed(
    y,
    isTrainable(y.dtype) && !y.dtype.startsWith('complex') && y.dtype !== 'resource' ? null : y,
    0,
  ) as Tensor;
}

/** The operations on data paths from x to y, of whatever dtype. */
function dataPaths(y: Tensor, x: Tensor): ReadonlySet<Operation> {
  const ancestors = new Set([y.op]);
  for (const op of ancestors) for (const input of op.inputs) if (input.op.id >= x.op.id) ancestors.add(input.op);
  const paths = new Set<Operation>();
  for (const op of [...ancestors].sort((a, b) => a.id - b.id)) {
    if (op === x.op || op.inputs.some((input) => paths.has(input.op))) paths.add(op);
  }
  return paths;
}

/** The longest way from y towards x along which gradient flows. */
function livePrefix(
  y: Tensor,
  x: Tensor,
  passed: ReadonlyMap<Operation, readonly boolean[]>,
  between: ReadonlySet<Operation>,
): readonly Operation[] {
  const cameFrom = new Map<Operation, Operation | null>([[y.op, null]]);
  let deepest = y.op;
  for (const op of cameFrom.keys()) {
    if (op === x.op) {
      deepest = op;
      break;
    }
    if (op.id < deepest.id) deepest = op;
    op.inputs.forEach((input, i) => {
      if (passed.get(op)?.[i] && between.has(input.op) && !cameFrom.has(input.op)) cameFrom.set(input.op, op);
    });
  }
  const path: Operation[] = [];
  for (let op: Operation | null | undefined = deepest; op; op = cameFrom.get(op)) path.unshift(op);
  return path;
}

interface Cut {
  readonly cause: NullCause;
  readonly op: Operation;
}

/** What keeps gradient from going on from `last`, the end of the live prefix. */
function findCut(last: Operation, x: Tensor, between: ReadonlySet<Operation>, stops: ReadonlySet<Operation>): Cut {
  if (!between.has(last)) return { cause: 'noPath', op: last };
  if (stops.has(last)) return { cause: 'stopGradients', op: last };
  const grad = opDef(last.type).grad;
  if (grad === 'stop') return { cause: 'stopGradientOp', op: last };
  const discrete = discreteOperation(last, x, between);
  if (discrete) return { cause: 'integerCut', op: discrete };
  return { cause: 'noGradient', op: last };
}

/** The first operation from `last` towards x whose output is discrete, where no way to x avoids one. */
function discreteOperation(last: Operation, x: Tensor, between: ReadonlySet<Operation>): Operation | null {
  const seen = new Set([last]);
  let found: Operation | null = null;
  for (const op of seen) {
    if (op === x.op) return null;
    for (const input of op.inputs) {
      if (!between.has(input.op)) continue;
      if (isTrainable(input.dtype)) seen.add(input.op);
      else found ??= input.op;
    }
  }
  return found;
}

const remedies: Readonly<Record<NullCause, string>> = {
  noPath:
    'it is not computed from it by data edges (control edges carry no gradient). Pass the tensor that is really used.',
  stopGradientOp: 'it stops gradients on purpose. Take the gradient of a value before it, or leave it out.',
  stopGradients: 'it is in the option stopGradients. Leave it out of that list.',
  integerCut: 'integers, bools and strings carry no gradient. Keep this part of the computation in floating point.',
  noGradient:
    'it passes no gradient on to that input. Use a differentiable operation, or registerGradient and gradientOverrideMap.',
};

function describe(y: Tensor, x: Tensor, live: readonly Operation[], { cause, op }: Cut): Explanation {
  const where = `'${op.name}' (${op.type}, created at ${op.createdAt})`;
  const what =
    cause === 'noPath'
      ? `'${y.name}' does not depend on '${x.name}'`
      : `the way from '${y.name}' to '${x.name}' ends at ${where}`;
  const path = cause === 'noPath' ? [] : live;
  const prefix = path.length > 0 ? ` Gradient reaches: ${namesOf(path)}.` : '';
  return {
    connected: false,
    path,
    cause,
    op: cause === 'noPath' ? null : op,
    createdAt: cause === 'noPath' ? null : op.createdAt,
    message: `The gradient is null: ${what}: ${remedies[cause]}${prefix}`,
  };
}

/** The names of a path, shortened in the middle where it is long. */
function namesOf(path: readonly Operation[]): string {
  const names = path.map((op) => op.name);
  const shown = names.length > 12 ? [...names.slice(0, 5), `… ${names.length - 10} more …`, ...names.slice(-5)] : names;
  return shown.join(' → ');
}
