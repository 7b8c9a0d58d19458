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
import { IndexedSlices } from '../ops/indexed-slices.js';
import { isDifferentiable } from '../ops/handles.js';
import { findOp } from '../ops/opdef.js';
import { backpropagate } from './backpropagate.js';
import { Flow, namesOn, type Ways } from './flow.js';
import { sourcesOf } from './paths.js';
import { makeSeed } from './seeds.js';
import { stopTensors, type Stop } from './stops.js';
import { tensorBehind } from './structures.js';

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

/** What can be asked about. */
type Explained = Tensor | Variable | IndexedSlices;

const fn = 'explainGradient';

/**
 * Says whether the gradient of `y` with respect to `x` is null, and if so why and where. Where several paths are cut, it
 * speaks of the one along which gradient comes furthest, counted in operations. The graph stays as it is.
 * @param y what would be differentiated, of any dtype and shape: a tensor, a variable or IndexedSlices
 * @param x by what: likewise
 * @param options stopGradients: as in `gradients`
 * @throws InvalidArgumentError for anything else, or operands of several graphs; LookupError where `gradients` throws one
 * @example
 * const x = constant(1.5);
 * explainGradient(floor(x), x).cause; // 'noGradient'
 * explainGradient(square(x), x).connected; // true
 */
export function explainGradient(
  y: Explained,
  x: Explained,
  options: { readonly stopGradients?: readonly Stop[] | Stop } = {},
): Explanation {
  checkOptionNames(fn, options, ['stopGradients']);
  for (const [name, value] of [
    ['y', y],
    ['x', x],
  ] as const) {
    // prettier-ignore
    if (!(value instanceof Tensor || value instanceof Variable || value instanceof IndexedSlices))
      throw new InvalidArgumentError(`${fn}: ${name} is neither a tensor, nor a variable, nor IndexedSlices.`);
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
    const found = find([y instanceof Variable ? y.toTensor() : tensorBehind(y)], [tensorBehind(x)], stopGradients);
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

function find(ys: readonly Tensor[], xs: readonly Tensor[], stopGradients: readonly Tensor[]): Finding {
  const route = new Route(ys, xs);
  let flow = new Flow();
  const reached = walk(ys, xs, stopGradients, flow, () => true);
  if (!reached && route.boundaries.length > 0) flow = flowToBoundaries(ys, xs, stopGradients, route);
  const ways = flow.ways(ys, (source) => route.leads(source));
  if (reached) return { path: ways.to(reached.op), cause: null, op: null, more: '' };
  if (!ys.some((y) => route.contains(y.op)))
    return { path: [], cause: 'noPath', op: null, more: hintOn(ys[0]!, xs[0]!) };
  const [cut, ...others] = cutsIn({ ys, route, flow, ways, stops: new Set(stopGradients.map(({ op }) => op)) });
  const also = others.slice(0, othersShown).map(({ op, cause }) => `'${op.name}' (${cause})`);
  if (others.length > othersShown) also.push(`${others.length - othersShown} more`);
  const { end, inside, cause, op } = cut!;
  const more = also.length > 0 ? ` Other ways end at ${also.join(', ')}.` : '';
  return { path: [...ways.to(end), ...inside], cause, op, more };
}

/** A walk that came to no x. */
interface Search {
  readonly ys: readonly Tensor[];
  readonly route: Route;
  readonly flow: Flow;
  readonly ways: Ways;
  readonly stops: ReadonlySet<Operation>;
}

/** Where it ended, the end that gradient came furthest to first. */
function cutsIn(search: Search): readonly Cut[] {
  const { route, flow, ways } = search;
  const isEnd = (op: Operation) => !sourcesOf(op).some((source, i) => route.leads(source) && flow.passes(op, i));
  const cuts = [...ways.lengths.keys()]
    .filter((op) => isEnd(op) && route.contains(op))
    .map((end) => cutAt(end, search));
  const lengthOf = ({ end, inside }: Cut) => ways.lengths.get(end)! + inside.length;
  return cuts.sort((a, b) => lengthOf(b) - lengthOf(a) || a.end.id - b.end.id);
}

/** Runs the walk from ys; which of xs gradient reaches, or null. */
function walk(
  ys: readonly Tensor[],
  xs: readonly Tensor[],
  stopGradients: readonly Tensor[],
  { observe }: Flow,
  through: (op: Operation) => boolean,
  boundaries: readonly Tensor[] = [],
): Tensor | null {
  const received = backpropagate({
    ys,
    xs: [...xs, ...boundaries],
    seed: (y, i) => makeSeed(y, dtypeInfo(y.dtype).kind === 'float' ? null : y, i),
    stopGradients,
    through,
    aggregationMethod: 'addN',
    gate: false,
    colocate: false,
    maskedNaN: 'tensorflow',
    observe,
  });
  return xs.find((x) => received.of(x) !== null) ?? null;
}

/**
 * The walk leaves out what x is reached from through integers only. To see how far gradient comes there too, it also goes
 * to where the integers, bools and strings begin. Rules that throw are met for the first time here, and pass nothing on.
 */
function flowToBoundaries(
  ys: readonly Tensor[],
  xs: readonly Tensor[],
  stopGradients: readonly Tensor[],
  { boundaries }: Route,
): Flow {
  const refusing = new Set<Operation>();
  for (;;) {
    const flow = new Flow();
    let current: Operation | null = null;
    try {
      walk(ys, xs, stopGradients, flow, (op) => !refusing.has((current = op)), boundaries);
      return flow;
    } catch (error) {
      if (!current || refusing.has(current)) throw error;
      refusing.add(current);
    }
  }
}

/** What lies on data paths from xs to ys, of whatever dtype. */
class Route {
  readonly #xs: ReadonlySet<Tensor>;
  readonly #between = new Set<Operation>();
  /** What is computed from an x through integers, bools or strings only, and is differentiable again. */
  readonly boundaries: readonly Tensor[];

  constructor(ys: readonly Tensor[], xs: readonly Tensor[]) {
    this.#xs = new Set(xs);
    const ancestors = new Set(ys.map((y) => y.op));
    const isYounger = (op: Operation) => xs.some((x) => op.graph !== x.op.graph || op.id > x.op.id);
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

  /** Whether `tensor` is an x, or computed from one. */
  leads(tensor: Tensor): boolean {
    return this.#xs.has(tensor) || this.#between.has(tensor.op);
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
function cutAt(end: Operation, search: Search): Cut {
  const { ys, route, stops } = search;
  const cut = (cause: NullCause, op = end): Cut => ({ end, inside: [], cause, op });
  if (stops.has(end)) return cut('stopGradients');
  if (ys.some((y) => y.op === end && !isDifferentiable(y))) return cut('integerCut');
  const sources = sourcesOf(end).filter((source) => route.leads(source));
  if (!sources.some(isDifferentiable)) return cut('integerCut', sources[0]!.op);
  const def = findOp(end.type);
  if (def?.grad === 'stop') return cut('stopGradientOp');
  return (def?.functional && cutInside(end, search)) || cut('noGradient');
}

/** The furthest cut in the functions that `end` calls, between results that gradient comes to and arguments that lead to x. */
function cutInside(end: Operation, { ys, route, flow }: Search): Cut | null {
  const live = new Set([...flow.receivers(end), ...ys.filter((y) => y.op === end)]);
  let furthest: Cut | null = null;
  for (const body of bodiesOf(end)) {
    // What stands before the arguments of the functions chooses among them.
    const first = end.inputs.length - body.inputs.length;
    const args = body.inputs.filter((_, i) => route.leads(end.inputs[first + i]!));
    const results = body.outputs.filter((_, i) => end.outputs[i] && live.has(end.outputs[i]));
    if (args.length === 0 || results.length === 0 || body.outputs.length !== end.outputs.length) continue;
    const { cause, op, path } = takingBack(body, () => find(results, args, []));
    if (op && cause && path.length > (furthest?.inside.length ?? 0)) furthest = { end, inside: path, cause, op };
  }
  return furthest;
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

/** What stands in the place of an op's own gradient. */
const ownRemedy =
  'whose gradient function, which the call of customGradient, recomputeGrad or gradientOverrideMap gave it, returns null for that input. Let it return a gradient there.';

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
  const isOwn = cause === 'noGradient' && op.hasAttr('_gradient_op_type');
  const remedy = isOwn ? ownRemedy : remedies[cause as keyof typeof remedies];
  const message =
    `The gradient is null: the way from '${y}' to '${x}' ends at ${where}, ${remedy} ` +
    `Gradient reaches: ${namesOn(path)}.${more}`;
  return { connected: false, path, cause, op, createdAt, message };
}

/** What may have been meant instead. */
function hintOn(y: Tensor, x: Tensor): string {
  if (new Route([x], [y]).contains(x.op))
    return ` '${x.name}' is computed from '${y.name}': the two may have been swapped.`;
  const handle = x.op.inputs[0];
  if (handle?.dtype === 'resource' && new Route([y], [handle]).contains(y.op))
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
