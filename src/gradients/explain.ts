/** Why a gradient is null: the walk itself is run, watched and taken back, so the answer cannot differ from it. */
import { InvalidArgumentError } from '../graph/errors.js';
import { functionsNamedIn } from '../graph/attr.js';
import { FunctionGraph, hintOnBody } from '../graph/function-graph.js';
import { dtypeInfo } from '../graph/dtype.js';
import type { Graph } from '../graph/graph.js';
import { checkOptionNames } from '../graph/options.js';
import type { Operation } from '../graph/operation.js';
import { takingBack } from '../graph/rollback.js';
import { Tensor } from '../graph/tensor.js';
import { Variable } from '../ops/definitions/variable.js';
import { isDifferentiable } from '../ops/handles.js';
import { findOp } from '../ops/opdef.js';
import { backpropagate } from './backpropagate.js';
import { Flow, namesOn } from './flow.js';
import { sourcesOf } from './paths.js';
import { makeSeed } from './seeds.js';
import { stopTensors, type Stop } from './stops.js';

/**
 * 'noPath': y is not computed from x. 'stopGradientOp': an op on the way exists to stop gradients. 'stopGradients': the
 * option of that name does. 'integerCut': the way leads through integers, bools or strings. 'noGradient': an op on the
 * way passes no gradient on, as floor does.
 */
export type NullCause = 'noPath' | 'stopGradientOp' | 'stopGradients' | 'integerCut' | 'noGradient';

export interface Explanation {
  readonly connected: boolean;
  /**
   * The longest way that gradient flows from y towards x: all the way to x where connected, else to the operation that
   * passes none on. Empty where there is no path.
   */
  readonly path: readonly Operation[];
  /** Why it flows no further at the end of that way; null where connected. */
  readonly cause: NullCause | null;
  /** The operation at which it stops: the last of the path, or the one whose integers, bools or strings it meets there. */
  readonly op: Operation | null;
  readonly createdAt: string | null;
  /** All of this in words, with what to do about it and where other ways end. */
  readonly message: string;
}

const fn = 'explainGradient';

/**
 * Says whether the gradient of `y` with respect to `x` is null, and if so why and where. Where several paths are cut, it
 * speaks of the one along which gradient comes furthest, counted in operations. The graph stays as it is.
 * @param y what would be differentiated, of any dtype and shape: a tensor or a variable
 * @param x by what
 * @param options stopGradients: as in `gradients`
 * @throws InvalidArgumentError for anything but tensors and variables of one graph; LookupError where `gradients` throws one
 * @example
 * const x = constant(1.5);
 * explainGradient(floor(x), x).cause; // 'noGradient'
 * explainGradient(square(x), x).connected; // true
 */
export function explainGradient(
  y: Tensor | Variable,
  x: Tensor | Variable,
  options: { readonly stopGradients?: readonly Stop[] | Stop } = {},
): Explanation {
  checkOptionNames(fn, options, ['stopGradients']);
  for (const [name, value] of [
    ['y', y],
    ['x', x],
  ] as const) {
    // prettier-ignore
    if (!(value instanceof Tensor || value instanceof Variable))
      throw new InvalidArgumentError(`${fn}: ${name} is neither a tensor nor a variable.`);
  }
  const stopGradients = stopTensors(fn, options.stopGradients ?? []);
  const graph = y.graph.receiver;
  for (const other of [x, ...stopGradients]) {
    if (!graph.reaches(other.graph))
      throw new InvalidArgumentError(
        `${fn}: '${y.name}' and '${other.name}' belong to different graphs.${hintOnBody(other) || hintOnBody(y)}`,
      );
  }
  const finding = takingBack(graph, () => {
    const count = graph.version;
    const found = find(y instanceof Tensor ? y : y.toTensor(), x instanceof Tensor ? x : x.handle, stopGradients);
    // The read of a variable y is taken back too.
    return { ...found, path: found.path.filter((op) => op.graph !== graph || op.id < count) };
  });
  return inWords(finding, y.name, x.name);
}

interface Finding {
  readonly path: readonly Operation[];
  readonly cause: NullCause | null;
  readonly op: Operation | null;
  /** What else there is to say: where other ways end, or what may have been meant. */
  readonly more: string;
}

function find(y: Tensor, x: Tensor, stopGradients: readonly Tensor[]): Finding {
  const route = new Route(y, x);
  let flow = new Flow();
  const connected = walk(y, [x], stopGradients, flow, () => true);
  if (!connected && route.boundaries.length > 0) flow = flowToBoundaries(y, x, stopGradients, route);
  const ways = flow.ways([y], (source) => route.leads(source));
  if (connected) return { path: ways.to(x.op), cause: null, op: null, more: '' };
  if (!route.contains(y.op)) return { path: [], cause: 'noPath', op: null, more: hintOn(y, x) };
  const stops = new Set(stopGradients.map((tensor) => tensor.op));
  const isEnd = (op: Operation) => !sourcesOf(op).some((source, i) => route.leads(source) && flow.passes(op, i));
  const ends = [...ways.lengths.keys()].filter(isEnd);
  ends.sort((a, b) => ways.lengths.get(b)! - ways.lengths.get(a)! || a.id - b.id);
  const [cut, ...others] = ends.slice(0, 1 + othersShown).map((end) => cutAt(end, y, route, stops));
  const also = others.map(({ op, cause }) => `'${op.name}' (${cause})`);
  if (ends.length > 1 + othersShown) also.push(`${ends.length - 1 - othersShown} more`);
  const { end, inside, cause, op } = cut!;
  const more = also.length > 0 ? ` Other ways end at ${also.join(', ')}.` : '';
  return { path: [...ways.to(end), ...inside], cause, op, more };
}

/** Runs the walk from y; whether gradient reaches the first of xs. */
function walk(
  y: Tensor,
  xs: readonly [Tensor, ...Tensor[]],
  stopGradients: readonly Tensor[],
  { observe }: Flow,
  through: (op: Operation) => boolean,
): boolean {
  const received = backpropagate({
    ys: [y],
    xs,
    seed: () => makeSeed(y, dtypeInfo(y.dtype).kind === 'float' ? null : y, 0),
    stopGradients,
    through,
    aggregationMethod: 'addN',
    gate: false,
    colocate: false,
    maskedNaN: 'tensorflow',
    observe,
  });
  return received.of(xs[0]) !== null;
}

/**
 * The walk leaves out what x is reached from through integers only. To see how far gradient comes there too, it also goes
 * to where the integers, bools and strings begin. Rules that throw are met for the first time here, and pass nothing on.
 */
function flowToBoundaries(y: Tensor, x: Tensor, stopGradients: readonly Tensor[], { boundaries }: Route): Flow {
  const refusing = new Set<Operation>();
  for (;;) {
    const flow = new Flow();
    let current: Operation | null = null;
    try {
      walk(y, [x, ...boundaries], stopGradients, flow, (op) => !refusing.has((current = op)));
      return flow;
    } catch (error) {
      if (!current || refusing.has(current)) throw error;
      refusing.add(current);
    }
  }
}

/** What lies on data paths from x to y, of whatever dtype. */
class Route {
  readonly #x: Tensor;
  readonly #between = new Set<Operation>();
  /** What is computed from x through integers, bools or strings only, and is differentiable again. */
  readonly boundaries: readonly Tensor[];

  constructor(y: Tensor, x: Tensor) {
    this.#x = x;
    const ancestors = new Set([y.op]);
    const isYounger = (op: Operation) => op.graph !== x.op.graph || op.id > x.op.id;
    for (const op of ancestors) {
      for (const source of sourcesOf(op)) if (isYounger(source.op)) ancestors.add(source.op);
    }
    for (const op of oldestFirst([...ancestors])) {
      if (sourcesOf(op).some((source) => this.leads(source))) this.#between.add(op);
    }
    const meetsDiscrete = (op: Operation) => sourcesOf(op).some((s) => this.leads(s) && !isDifferentiable(s));
    this.boundaries = [...this.#between].filter(meetsDiscrete).flatMap((op) => op.outputs.filter(isDifferentiable));
  }

  contains(op: Operation): boolean {
    return this.#between.has(op);
  }

  /** Whether `tensor` is x, or computed from it. */
  leads(tensor: Tensor): boolean {
    return tensor === this.#x || this.#between.has(tensor.op);
  }
}

/** Inputs before what uses them, the operations of function bodies after those outside. */
function oldestFirst(ops: Operation[]): readonly Operation[] {
  const depths = new Map<Graph, number>();
  const depthOf = (graph: Graph): number => {
    let depth = depths.get(graph);
    if (depth === undefined) depths.set(graph, (depth = graph instanceof FunctionGraph ? depthOf(graph.outer) + 1 : 0));
    return depth;
  };
  return ops.sort((a, b) => (a.graph === b.graph ? a.id - b.id : depthOf(a.graph) - depthOf(b.graph)));
}

interface Cut {
  /** The last operation that gradient comes to, and how it goes on inside the functions which that one calls. */
  readonly end: Operation;
  readonly inside: readonly Operation[];
  readonly cause: NullCause;
  readonly op: Operation;
}

/** What keeps gradient from going on from `end`. */
function cutAt(end: Operation, y: Tensor, route: Route, stops: ReadonlySet<Operation>): Cut {
  const cut = (cause: NullCause, op = end): Cut => ({ end, inside: [], cause, op });
  if (stops.has(end)) return cut('stopGradients');
  if (end === y.op && !isDifferentiable(y)) return cut('integerCut');
  const sources = sourcesOf(end).filter((source) => route.leads(source));
  if (!sources.some(isDifferentiable)) return cut('integerCut', sources[0]!.op);
  const def = findOp(end.type);
  if (def?.grad === 'stop') return cut('stopGradientOp');
  return (def?.functional && cutInside(end, route)) || cut('noGradient');
}

/** A cut in the functions that `end` calls, between what they return and an argument that leads to x. */
function cutInside(end: Operation, route: Route): Cut | null {
  for (const body of bodiesOf(end)) {
    // What stands before the arguments of the functions chooses among them.
    const first = end.inputs.length - body.inputs.length;
    const args = body.inputs.filter((_, i) => route.leads(end.inputs[first + i]!));
    for (const arg of args) {
      for (const result of body.outputs) {
        const { cause, op, path } = takingBack(body, () => find(result, arg, []));
        if (op && cause) return { end, inside: path, cause, op };
      }
    }
  }
  return null;
}

function bodiesOf(op: Operation): readonly FunctionGraph[] {
  const names = functionsNamedIn(op.def.attr);
  return names.map((name) => op.graph.root.function(name).body).filter((body) => body instanceof FunctionGraph);
}

const remedies: Readonly<Record<Exclude<NullCause, 'noPath'>, string>> = {
  stopGradientOp: 'which stops gradients on purpose. Differentiate by a tensor after it, or leave it out.',
  stopGradients: 'which the option stopGradients names. Leave it out of that list.',
  integerCut:
    'which makes integers, bools or strings, and those carry no gradient. Keep this part of the computation in floating point.',
  noGradient:
    'which passes no gradient on to that input. Use a differentiable operation, or registerGradient and gradientOverrideMap.',
};

const othersShown = 3;

function inWords({ path, cause, op, more }: Finding, y: string, x: string): Explanation {
  if (cause === null) {
    const message = `The gradient is not null: '${y}' depends on '${x}' by ${namesOn(path)}.`;
    return { connected: true, path, cause, op, createdAt: null, message };
  }
  if (op === null) {
    const message = `The gradient is null: '${y}' is not computed from '${x}' by data edges.${more}`;
    return { connected: false, path, cause, op, createdAt: null, message };
  }
  const { createdAt } = op;
  const where = `'${op.name}' (${op.type}, created at ${createdAt})`;
  const message =
    `The gradient is null: the way from '${y}' to '${x}' ends at ${where}, ${remedies[cause as keyof typeof remedies]} ` +
    `Gradient reaches: ${namesOn(path)}.${more}`;
  return { connected: false, path, cause, op, createdAt, message };
}

/** What may have been meant instead. */
function hintOn(y: Tensor, x: Tensor): string {
  if (new Route(x, y).contains(x.op))
    return ` '${x.name}' is computed from '${y.name}': the two may have been swapped.`;
  const handle = x.op.inputs[0];
  if (handle?.dtype === 'resource' && new Route(y, handle).contains(y.op))
    return ` It uses another read of the variable '${handle.op.name}': differentiate by the variable.`;
  if (ancestorsOf(y, () => []).has(x.op)) return ` It uses another output of '${x.op.name}'.`;
  if (ancestorsOf(y, (op) => op.controlInputs).has(x.op))
    return ' It only runs after it: control edges carry no gradient, nor does the value of a variable that is assigned. Use the tensor itself.';
  return ' Pass the tensor that is really used.';
}

/** What y is computed from, and what else `more` says of each. */
function ancestorsOf(y: Tensor, more: (op: Operation) => readonly Operation[]): ReadonlySet<Operation> {
  const ancestors = new Set([y.op]);
  for (const op of ancestors) {
    for (const source of sourcesOf(op)) ancestors.add(source.op);
    for (const other of more(op)) ancestors.add(other);
  }
  return ancestors;
}
