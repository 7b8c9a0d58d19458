/** Symbolic gradients: one backward walk that appends ordinary nodes to the graph (TensorFlow `tf.gradients`). */
import { InvalidArgumentError } from '../graph/errors.js';
import { hintOnBody } from '../graph/function-graph.js';
import { getDefaultGraph, type Graph } from '../graph/graph.js';
import { checkName } from '../graph/names.js';
import { checkBoolean, checkChoice, checkOptionNames } from '../graph/options.js';
import type { Operation } from '../graph/operation.js';
import { nameScope } from '../graph/scopes.js';
import { Tensor } from '../graph/tensor.js';
import { NDArray, type TensorData } from '../graph/ndarray.js';
import { convertToTensor, isConvertible } from '../ops/call.js';
import { zeros, zerosLike } from '../ops/definitions/array-fill.js';
import { gather } from '../ops/definitions/array-gather.js';
import { Variable, variableShape, variableType } from '../ops/definitions/variable.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import { asList } from '../ops/nest.js';
import type { Gradient } from '../ops/opdef.js';
import type { TensorConvertible } from '../ops/types.js';
import { aggregationMethods, type AggregationMethod } from './accumulate.js';
import { backpropagate } from './backpropagate.js';
import { maskedNaNs, type MaskedNaN } from './masks.js';
import { checkGradY, convertGradY, makeSeed, type GradY } from './seeds.js';
import { stopTensors, type Stop } from './stops.js';
import { tensorBehind } from './structures.js';

/** What can be differentiated, or differentiated by. */
export type GradientOperand = Tensor | TensorConvertible | TensorData;

type Differentiable = Tensor | TensorConvertible | NDArray;

/** What stands for the gradient by an x that no y depends on. */
export type UnconnectedGradients = 'none' | 'zero';

export interface GradientOptions {
  /** The gradient that flows into each y, of its dtype and shape; null for ones. By default ones everywhere. */
  readonly gradYs?: readonly GradY[] | Tensor | TensorConvertible | null;
  /** How gradients of one tensor that come along several paths are added; 'addN' by default. */
  readonly aggregationMethod?: AggregationMethod;
  /** Whether the gradients of an operation's inputs become available all at once. */
  readonly gateGradients?: boolean;
  /** Whether backward nodes are placed with the forward operations they belong to. */
  readonly colocateGradientsWithOps?: boolean;
  /** Tensors, or variables, through which nothing is differentiated. */
  readonly stopGradients?: readonly Stop[] | Stop;
  /** What an x gets that no y depends on: null ('none', the default) or zeros ('zero'). */
  readonly unconnectedGradients?: UnconnectedGradients;
  /**
   * What an element that a `where` did not choose contributes where the branch has no finite derivative: nothing ('safe',
   * the default), or NaN, by just the nodes that TensorFlow appends ('tensorflow').
   */
  readonly maskedNaN?: MaskedNaN;
  /** The name scope of the new nodes; 'gradients' by default. */
  readonly name?: string;
}

/** What every option is, checked. */
interface Settings {
  readonly gradYs: readonly GradY[] | null;
  readonly aggregationMethod: AggregationMethod;
  readonly gateGradients: boolean;
  readonly colocateGradientsWithOps: boolean;
  readonly stopGradients: readonly Tensor[];
  readonly unconnectedGradients: UnconnectedGradients;
  readonly maskedNaN: MaskedNaN;
  readonly name: string;
}

const fn = 'gradients';

/**
 * The gradients of the sum of `ys` with respect to each of `xs`, as new nodes of the graph: d(Σ gradYs · ys) / dx.
 * Nothing is added where anything is wrong. Source: TensorFlow `tf.compat.v1.gradients`.
 *
 * @param ys a tensor, a variable (its value) or a list of them
 * @param xs what to differentiate by: tensors, variables, slices; a bare one is a list of one
 * @returns one entry for each x, in order: a tensor of its dtype and shape, IndexedSlices where the gradient is sparse, or
 *   null where no y depends on x by differentiable operations
 * @throws InvalidArgumentError for a bad option or operands of several graphs; DTypeError and ShapeError where a gradY does
 *   not fit its y; LookupError where an operation on the way has no gradient; GraphFinalizedError
 * @example
 * const x = constant(3);
 * const [dx] = gradients(x.multiply(x), [x]); // 6
 */
export function gradients(
  ys: readonly GradientOperand[] | GradientOperand,
  xs: readonly GradientOperand[] | GradientOperand,
  options: GradientOptions = {},
): (Tensor | IndexedSlices | null)[] {
  return gradientsThrough(ys, xs, options, () => true);
}

/** As `gradients`, but differentiating only such operations as `through` holds of; the gradient ends at all others. */
export function gradientsThrough(
  ys: readonly GradientOperand[] | GradientOperand,
  xs: readonly GradientOperand[] | GradientOperand,
  options: GradientOptions,
  through: (op: Operation) => boolean,
): (Gradient | null)[] {
  const settings = checkOptions(options);
  const targets = asList(ys).map((y, i) => operand(y, `ys[${i}]`));
  const sources = asList(xs).map((x, i) => operand(x, `xs[${i}]`));
  const gradYs = settings.gradYs ?? targets.map(() => null);
  if (gradYs.length !== targets.length) {
    throw new InvalidArgumentError(`${fn}: gradYs has ${gradYs.length} entries for ${targets.length} ys.`);
  }
  const seeds = targets.map((y, i) => checkGradY(fn, y, gradYs[i], i));
  const graph = commonGraph([...targets, ...sources, ...settings.stopGradients, ...seeds]);
  const build = () => differentiate(graph, targets, sources, seeds, settings, through);
  return graph.attempt(() => graph.asDefault(() => graph.atSite(build)));
}

function differentiate(
  graph: Graph,
  targets: readonly Differentiable[],
  sources: readonly Differentiable[],
  gradYs: readonly GradY[],
  settings: Settings,
  through: (op: Operation) => boolean,
): (Gradient | null)[] {
  // Variables are read before the scope is entered, as TensorFlow does.
  const read = targets.map((y) =>
    y instanceof IndexedSlices ? y.values : y instanceof NDArray ? y : convertToTensor(y),
  );
  return nameScope(
    settings.name,
    () => {
      // TensorFlow names each call's cluster this way; the name is taken so that the others come out the same.
      graph.uniqueName('uid');
      const ys = read.map((y, i) => convertToTensor(y, undefined, `y_${i}`));
      const xs = sources.map((x, i) => sourceTensor(x, `x_${i}`));
      const seeds = gradYs.map((gradY, i) => convertGradY(rowsOfSeed(gradY, targets[i]!, i), i));
      const received = backpropagate({
        ys,
        xs,
        seed: (y, i) => makeSeed(y, seeds[i]!, i),
        stopGradients: settings.stopGradients,
        through,
        aggregationMethod: settings.aggregationMethod,
        gate: settings.gateGradients,
        colocate: settings.colocateGradientsWithOps,
        maskedNaN: settings.maskedNaN,
        observe: () => undefined,
      });
      return sources.map((x, i) => {
        const gradient = received.of(xs[i]!) ?? (settings.unconnectedGradients === 'zero' ? zerosFor(xs[i]!) : null);
        if (gradient === null || !(x instanceof IndexedSlices)) return gradient;
        return new IndexedSlices(convertToTensor(gradient), x.indices, x.denseShape);
      });
    },
    graph,
  );
}

/** The gradient of an IndexedSlices y is one of its values: of a dense one, the rows that y has. */
function rowsOfSeed(gradY: GradY, y: Differentiable, i: number): GradY {
  if (gradY === null || !(y instanceof IndexedSlices)) return gradY;
  if (gradY instanceof IndexedSlices) return gradY.values;
  return gather(convertToTensor(gradY, undefined, `grad_y_${i}`), y.indices);
}

/** Variables are differentiated by their handle, slices by their values. */
function sourceTensor(x: Differentiable, name: string): Tensor {
  return x instanceof Variable || x instanceof IndexedSlices ? tensorBehind(x) : convertToTensor(x, undefined, name);
}

function zerosFor(x: Tensor): Tensor {
  return x.dtype === 'resource' ? zeros(variableShape(x), { dtype: variableType(x).dtype }) : zerosLike(x);
}

/** @throws InvalidArgumentError for anything else */
export function checkUnconnected(fn: string, value: UnconnectedGradients = 'none'): UnconnectedGradients {
  return checkChoice(fn, 'unconnectedGradients', value, ['none', 'zero']);
}

function checkOptions(options: GradientOptions): Settings {
  checkOptionNames(fn, options, [
    'gradYs',
    'aggregationMethod',
    'gateGradients',
    'colocateGradientsWithOps',
    'stopGradients',
    'unconnectedGradients',
    'maskedNaN',
    'name',
  ]);
  const name = options.name ?? 'gradients';
  checkName(name, false);
  return {
    gradYs:
      options.gradYs === undefined || options.gradYs === null
        ? null
        : asList(options.gradYs as readonly GradY[] | Tensor),
    aggregationMethod: checkChoice(fn, 'aggregationMethod', options.aggregationMethod ?? 'addN', aggregationMethods),
    gateGradients: checkBoolean(fn, 'gateGradients', options.gateGradients ?? false),
    colocateGradientsWithOps: checkBoolean(fn, 'colocateGradientsWithOps', options.colocateGradientsWithOps ?? false),
    stopGradients: stopTensors(fn, options.stopGradients ?? []),
    unconnectedGradients: checkUnconnected(fn, options.unconnectedGradients),
    maskedNaN: checkChoice(fn, 'maskedNaN', options.maskedNaN ?? 'safe', maskedNaNs),
    name,
  };
}

/** A tensor, or what stands for one; data as an array. */
function operand(value: GradientOperand, argument: string): Differentiable {
  if (value instanceof Tensor || isConvertible(value)) return value;
  try {
    return NDArray.from(value);
  } catch (error) {
    throw new InvalidArgumentError(`${fn}: ${argument} is neither a tensor nor data: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The graph that gets the backward nodes: the function body being built, or that of all operands. */
function commonGraph(operands: readonly (GradY | Differentiable)[]): Graph {
  const tensors = operands.filter((x): x is Tensor => (x as Partial<Tensor> | null)?.graph !== undefined);
  const graph = tensors[0]?.graph.receiver ?? getDefaultGraph();
  const stranger = tensors.find((t) => !graph.reaches(t.graph));
  if (stranger) {
    const hint = hintOnBody(stranger) || hintOnBody(tensors[0]!);
    throw new InvalidArgumentError(
      `${fn}: '${tensors[0]!.name}' and '${stranger.name}' belong to different graphs.${hint}`,
    );
  }
  return graph;
}
