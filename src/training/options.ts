/** What optimizers take, checked before anything is added to a graph. */
import { dtypeInfo, isFloating, type DType } from '../graph/dtype.js';
import { DTypeError, InvalidArgumentError, ShapeError } from '../graph/errors.js';
import type { Graph } from '../graph/graph.js';
import { checkName } from '../graph/names.js';
import type { TensorData } from '../graph/ndarray.js';
import { checkBoolean, checkChoice, checkOptionNames } from '../graph/options.js';
import { formatShape } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import type { AggregationMethod } from '../gradients/accumulate.js';
import type { MaskedNaN } from '../gradients/masks.js';
import { isConvertible } from '../ops/call.js';
import { Variable, variablesIn } from '../ops/definitions/variable.js';
import { flatten, type Nest } from '../ops/nest.js';
import type { Gradient } from '../ops/opdef.js';
import type { OpOptions, TensorConvertible, TensorLike } from '../ops/types.js';

const gates = ['none', 'op', 'graph'] as const;

/** Which gradients become available together: no others ('none'), those of one operation's inputs ('op'), all ('graph'). */
export type GateGradients = (typeof gates)[number];

/** What gradients are taken by: variables, or tensors, which can be given no update. */
export type Optimized = Variable | Tensor;

/** What the leaves of a nest may be. A type that lists of it belong to as well would have no end: there it is what it holds besides nests. */
export type LeafOf<N> = [readonly N[]] extends [N] ? Extract<N, Optimized> : Leaf<N>;

type Leaf<N> = N extends Optimized
  ? N
  : N extends readonly (infer Item)[]
    ? LeafOf<Item>
    : N extends object
      ? LeafOf<N[keyof N]>
      : never;

/** A gradient, null where there is none, and what it is the gradient by. */
export type GradientAndVariable<V extends Optimized = Optimized> = readonly [
  gradient: Gradient | TensorConvertible | TensorData | null,
  variable: V,
];

export interface ComputeGradientsOptions<N extends Nest<Optimized> = Nest<Optimized>> {
  /** What to differentiate by, nested at will; by default the trainable variables of the loss's graph. */
  readonly varList?: N;
  /** 'op' by default. */
  readonly gateGradients?: GateGradients;
  /** How gradients of one variable that come along several paths are added; 'addN' by default. */
  readonly aggregationMethod?: AggregationMethod;
  /** Whether backward nodes are placed with the forward operations they belong to. */
  readonly colocateGradientsWithOps?: boolean;
  /** The gradient of the loss itself, of its dtype and shape; ones by default. */
  readonly gradLoss?: TensorLike | TensorData | null;
  /** As `gradients` has it; 'safe' by default. */
  readonly maskedNaN?: MaskedNaN;
}

export interface ApplyGradientsOptions extends OpOptions {
  /** A variable that counts the updates: 1 is added after each. */
  readonly globalStep?: Variable | null;
}

export interface MinimizeOptions extends ComputeGradientsOptions, ApplyGradientsOptions {}

export interface OptimizerOptions extends OpOptions {
  /** The attribute `use_locking` of the update operations: a TensorFlow runtime then updates one at a time. */
  readonly useLocking?: boolean;
}

export const computeGradientsOptions = [
  'varList',
  'gateGradients',
  'aggregationMethod',
  'colocateGradientsWithOps',
  'gradLoss',
  'maskedNaN',
] as const;
export const applyGradientsOptions = ['globalStep', 'name'] as const;

/** @throws InvalidArgumentError for an option that is unknown, a name that is none, a flag that is no boolean */
export function checkOptimizerOptions(
  fn: string,
  options: OptimizerOptions,
  more: readonly string[] = [],
): { readonly useLocking: boolean; readonly name: string | undefined } {
  checkOptionNames(fn, options, ['useLocking', 'name', ...more]);
  if (options.name !== undefined) checkName(options.name, false);
  return { useLocking: checkBoolean(fn, 'useLocking', options.useLocking ?? false), name: options.name };
}

/** @throws DTypeError unless gradients of that dtype can be applied */
export function checkDType(fn: string, what: string, dtype: DType): void {
  if (isFloating(dtype)) return;
  throw new DTypeError(`${fn}: ${what} is ${dtype}; it must be float16, bfloat16, float32 or float64.`);
}

/** @throws InvalidArgumentError or DTypeError for what cannot be minimized */
export function checkLoss(fn: string, loss: unknown): TensorLike {
  if (typeof loss === 'function')
    throw new InvalidArgumentError(`${fn}: the loss is a function: call it, and give the tensor that it returns.`);
  if (!(loss instanceof Tensor) && !isConvertible(loss))
    throw new InvalidArgumentError(`${fn}: the loss must be a tensor of a graph.`);
  checkDType(fn, `the loss${loss instanceof Tensor ? ` '${loss.name}'` : ''}`, loss.dtype);
  return loss;
}

export function checkGate(fn: string, options: ComputeGradientsOptions): GateGradients {
  return checkChoice(fn, 'gateGradients', options.gateGradients ?? 'op', gates);
}

/** @throws InvalidArgumentError for an empty list, or what is neither a variable nor a tensor */
export function checkVarList(fn: string, varList: Nest<Optimized> | undefined, graph: Graph): readonly Optimized[] {
  const list = varList === undefined ? variablesIn(graph.root, 'trainable_variables') : flatten<Optimized>(varList);
  const odd = list.findIndex((entry) => !(entry instanceof Variable) && !((entry as unknown) instanceof Tensor));
  if (odd >= 0) throw new InvalidArgumentError(`${fn}: varList[${odd}] is neither a variable nor a tensor.`);
  if (list.length > 0) return list;
  throw new InvalidArgumentError(
    `${fn}: there are no variables to optimize: ${varList === undefined ? 'the graph has no trainable ones' : 'varList is empty'}.`,
  );
}

/** @throws InvalidArgumentError unless these are pairs, one with a gradient at least, of one graph */
export function checkPairs(fn: string, pairs: readonly GradientAndVariable[]): Graph {
  if (!Array.isArray(pairs)) throw new InvalidArgumentError(`${fn}: gradsAndVars must be a list of pairs.`);
  if (pairs.length === 0) throw new InvalidArgumentError(`${fn}: gradsAndVars is empty: there are no variables.`);
  pairs.forEach((pair, i) => checkPair(fn, pair, i));
  const given = pairs.filter(([gradient]) => gradient !== null);
  if (given.length === 0) {
    const names = pairs.map(([, variable]) => `'${variable.name}'`).join(', ');
    throw new InvalidArgumentError(`${fn}: there is no gradient for any variable: ${names}.`);
  }
  const home = given[0]![1].graph;
  const stranger = pairs.find(([, variable]) => variable.graph !== home);
  if (!stranger) return home.receiver;
  throw new InvalidArgumentError(`${fn}: '${given[0]![1].name}' and '${stranger[1].name}' belong to different graphs.`);
}

function checkPair(fn: string, pair: unknown, i: number): void {
  if (!Array.isArray(pair) || pair.length !== 2)
    throw new InvalidArgumentError(`${fn}: gradsAndVars[${i}] is not a pair of a gradient and a variable.`);
  const [gradient, variable] = pair as unknown as [unknown, unknown];
  if (gradient === undefined)
    throw new InvalidArgumentError(`${fn}: the gradient of gradsAndVars[${i}] is undefined; null stands for none.`);
  if (variable instanceof Variable) {
    if (gradient === null || ['float', 'complex'].includes(dtypeInfo(variable.dtype).kind)) return;
    throw new DTypeError(`${fn}: '${variable.name}' is ${variable.dtype}: such variables cannot be trained.`);
  }
  if (!(variable instanceof Tensor))
    throw new InvalidArgumentError(`${fn}: gradsAndVars[${i}] has no variable in its second place.`);
  if (gradient !== null)
    throw new InvalidArgumentError(`${fn}: '${variable.name}' is a tensor, not a variable: it cannot be updated.`);
}

/** @throws InvalidArgumentError, DTypeError or ShapeError unless 1 can be added to it in `graph` */
export function checkGlobalStep(fn: string, globalStep: unknown, graph: Graph): Variable | null {
  if (globalStep === undefined || globalStep === null) return null;
  if (!(globalStep instanceof Variable)) throw new InvalidArgumentError(`${fn}: globalStep must be a variable.`);
  if (!graph.reaches(globalStep.graph))
    throw new InvalidArgumentError(`${fn}: the globalStep '${globalStep.name}' belongs to another graph.`);
  const { dtype, shape } = globalStep;
  if (!['int', 'float', 'complex'].includes(dtypeInfo(dtype).kind))
    throw new DTypeError(`${fn}: the globalStep '${globalStep.name}' is ${dtype}: 1 cannot be added to it.`);
  if (shape !== null && shape.length > 0) {
    throw new ShapeError(
      `${fn}: the globalStep '${globalStep.name}' has shape ${formatShape(shape)}; it must be a scalar.`,
    );
  }
  return globalStep;
}
