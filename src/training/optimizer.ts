/** What all optimizers share: gradients of a loss, and operations that update variables with them. */
import { InvalidArgumentError } from '../graph/errors.js';
import { getDefaultGraph, type Graph } from '../graph/graph.js';
import { checkName } from '../graph/names.js';
import type { Operation } from '../graph/operation.js';
import { checkOptionNames } from '../graph/options.js';
import { colocateWith, controlDependencies, nameScope } from '../graph/scopes.js';
import { Tensor } from '../graph/tensor.js';
import { gradients } from '../gradients/gradients.js';
import { call, convertToTensor, many, one } from '../ops/call.js';
import { group, tuple } from '../ops/definitions/control.js';
import { Variable } from '../ops/definitions/variable.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import type { Nest } from '../ops/nest.js';
import type { Gradient } from '../ops/opdef.js';
import { elementOf } from '../ops/slicing.js';
import type { TensorLike } from '../ops/types.js';
import { fitted } from './fitting.js';
import {
  applyGradientsOptions,
  checkDType,
  checkGate,
  checkGlobalStep,
  checkLoss,
  checkOptimizerOptions,
  checkPairs,
  checkVarList,
  computeGradientsOptions,
  type ApplyGradientsOptions,
  type ComputeGradientsOptions,
  type GradientAndVariable,
  type LeafOf,
  type MinimizeOptions,
  type Optimized,
  type OptimizerOptions,
} from './options.js';
import { Slots } from './slots.js';

/** How one call of `applyGradients` updates variables: made once its hyperparameters are tensors of the graph. */
export interface Rule {
  readonly dense: (gradient: Tensor, variable: Variable) => Operation;
  /** From rows of a gradient and where they belong. */
  readonly sparse: (values: Tensor, indices: Tensor, variable: Variable) => Operation;
  /** Whether rows may come twice; if not, those that belong together are added up first. */
  readonly takesDuplicates?: boolean;
  /** What is left to do after all updates; by default they are only joined to one operation called `name`. */
  readonly finish?: (updates: readonly Operation[], name: string) => Operation;
}

/**
 * The base of all optimizers (TensorFlow `tf.compat.v1.train.Optimizer`): `minimize` is `computeGradients`, then
 * `applyGradients`; call them one by one to look at the gradients, or change them, in between.
 */
export abstract class Optimizer {
  protected readonly slots = new Slots();
  protected readonly useLocking: boolean;
  readonly #name: string;

  /** @internal */
  constructor(className: string, name: string, options: OptimizerOptions, more: readonly string[] = []) {
    const checked = checkOptimizerOptions(className, options, more);
    this.useLocking = checked.useLocking;
    this.#name = checked.name ?? name;
  }

  /** The name of the optimizer, which its scope and its slots are called after (TensorFlow `Optimizer.get_name`). */
  getName(): string {
    return this.#name;
  }

  /**
   * An operation that changes the variables so that the loss becomes smaller: their gradients, then one update of each
   * (TensorFlow `Optimizer.minimize`).
   * @param loss a float tensor; of one that is no scalar, the sum is minimized
   * @returns the operation to run for one step
   * @throws InvalidArgumentError where there are no variables, or no gradient for any of them; DTypeError for a loss that is
   *   no float; whatever `gradients` throws
   * @example
   * const w = variable([1, 2], { name: 'w' });
   * const step = new train.GradientDescentOptimizer(0.25).minimize(reduceSum(square(w)));
   * session.runSync(globalVariablesInitializer());
   * session.runSync(step);
   * session.runSync(w); // [0.5, 1]
   */
  minimize(loss: TensorLike, options: MinimizeOptions = {}): Operation {
    const fn = 'minimize';
    checkOptionNames(fn, options, [...computeGradientsOptions, ...applyGradientsOptions]);
    const { globalStep = null, name, ...rest } = options;
    const { graph } = checkLoss(fn, loss) as Tensor;
    const build = (): Operation => {
      const pairs = this.computeGradients(loss, rest);
      if (pairs.every(([gradient]) => gradient === null)) throw nothingToApply(fn, loss, pairs);
      return this.applyGradients(pairs, { globalStep, ...(name !== undefined && { name }) });
    };
    return graph.receiver.attempt(() => graph.receiver.atSite(build));
  }

  /**
   * The gradients of `loss` by each variable, beside the variable: a tensor, IndexedSlices, or null where there is none
   * (TensorFlow `Optimizer.compute_gradients`).
   * @throws InvalidArgumentError for no variables or a bad option; DTypeError where the loss, its gradient or a variable is no
   *   float; whatever `gradients` throws
   * @example
   * const w = variable([1, 2], { name: 'w' });
   * const optimizer = new train.GradientDescentOptimizer(0.1);
   * const [[dw, v]] = optimizer.computeGradients(reduceSum(square(w)), { varList: w });
   * v === w; // true
   * session.runSync(w.initializer);
   * session.runSync(dw); // [2, 4]
   */
  computeGradients<const N extends Nest<Optimized> = Variable>(
    loss: TensorLike,
    options?: ComputeGradientsOptions<N>,
  ): [Gradient | null, LeafOf<N>][];
  computeGradients(loss: TensorLike, options: ComputeGradientsOptions = {}): [Gradient | null, Optimized][] {
    const fn = 'computeGradients';
    checkOptionNames(fn, options, computeGradientsOptions);
    const { graph } = checkLoss(fn, loss) as Tensor;
    const gate = checkGate(fn, options);
    const { gradLoss = null, varList, aggregationMethod, maskedNaN } = options;
    if (gradLoss instanceof Tensor) checkDType(fn, `gradLoss '${gradLoss.name}'`, gradLoss.dtype);
    const variables = checkVarList(fn, varList, graph);
    const build = (): [Gradient | null, Optimized][] => {
      const found = gradients([loss], variables, {
        gradYs: [gradLoss],
        gateGradients: gate === 'op',
        colocateGradientsWithOps: options.colocateGradientsWithOps ?? false,
        ...(aggregationMethod !== undefined && { aggregationMethod }),
        ...(maskedNaN !== undefined && { maskedNaN }),
      });
      const pairs = found.map((gradient, i): [Gradient | null, Optimized] => [gradient, variables[i]!]);
      for (const [gradient, { name, dtype }] of pairs) if (gradient !== null) checkDType(fn, `'${name}'`, dtype);
      if (gate !== 'graph') return pairs;
      if (found.every((gradient) => gradient === null)) throw nothingToApply(fn, loss, pairs);
      return (tuple(found) as (Gradient | null)[]).map((gradient, i) => [gradient, variables[i]!]);
    };
    return graph.receiver.attempt(() => graph.receiver.atSite(() => graph.receiver.asDefault(build)));
  }

  /**
   * An operation that updates each variable with its gradient; variables beside null stay as they are. Slots are made where
   * they are missing: initialize them before the first step (TensorFlow `Optimizer.apply_gradients`).
   * @param gradsAndVars pairs as `computeGradients` gives them; data takes the variable's dtype
   * @returns the operation to run; with `globalStep`, one that adds 1 to it after the updates
   * @throws InvalidArgumentError where nothing has a gradient, for what is no variable, for several graphs; DTypeError and
   *   ShapeError where a gradient does not fit its variable
   * @example
   * const w = variable([1, 2], { name: 'w' });
   * const optimizer = new train.GradientDescentOptimizer(0.5);
   * const step = optimizer.applyGradients([[[2, -2], w]]);
   * session.runSync(w.initializer);
   * session.runSync(step);
   * session.runSync(w); // [0, 3]
   */
  applyGradients(gradsAndVars: readonly GradientAndVariable[], options: ApplyGradientsOptions = {}): Operation {
    const fn = 'applyGradients';
    checkOptionNames(fn, options, applyGradientsOptions);
    if (options.name !== undefined) checkName(options.name, false);
    const graph = checkPairs(fn, gradsAndVars);
    const globalStep = checkGlobalStep(fn, options.globalStep, graph);
    const build = (): Operation => this.#apply(graph, gradsAndVars, globalStep, options.name ?? this.#name);
    return graph.attempt(() => graph.atSite(() => graph.asDefault(build)));
  }

  /**
   * The slot called `name` that the optimizer keeps for `variable`, or null (TensorFlow `Optimizer.get_slot`).
   * @example
   * const w = variable([1, 2], { name: 'w' });
   * const optimizer = new train.MomentumOptimizer(0.1, 0.9);
   * optimizer.minimize(reduceSum(square(w)));
   * optimizer.getSlot(w, 'momentum').name; // 'w/Momentum:0'
   */
  getSlot(variable: Variable, name: string): Variable | null {
    if (!(variable instanceof Variable)) throw new InvalidArgumentError('getSlot: there are slots of variables only.');
    return this.slots.get(variable, name);
  }

  /** The names of the slots that the optimizer keeps, sorted (TensorFlow `Optimizer.get_slot_names`). */
  getSlotNames(): string[] {
    return this.slots.names();
  }

  /** The variables in the default graph that hold the state of the optimizer, by name (TensorFlow `Optimizer.variables`). */
  variables(): Variable[] {
    return this.slots.in(getDefaultGraph().root);
  }

  /** Makes the slots of `variables` that are missing. */
  protected abstract createSlots(variables: readonly Variable[]): void;

  /** Makes the tensors that updates need, in the name scope of the call. */
  protected abstract prepare(graph: Graph): Rule;

  #apply(graph: Graph, pairs: readonly GradientAndVariable[], globalStep: Variable | null, name: string): Operation {
    const found = pairs.flatMap(([gradient, variable]) =>
      gradient === null ? [] : [{ gradient: fitted(gradient, variable, graph), variable: variable as Variable }],
    );
    this.createSlots(found.map(({ variable }) => variable));
    const result = nameScope(name, (scope) => {
      const rule = this.prepare(graph);
      const updates = found.map(({ gradient, variable }) => updateOf(rule, gradient, variable));
      const finish = rule.finish ?? ((ops: readonly Operation[], node: string) => group(ops, { name: node }));
      if (!globalStep) return finish(updates, scope);
      const count = (): Operation =>
        call('AssignAddVariableOp', [globalStep.handle, convertToTensor(1, globalStep.dtype)], {}, { name: scope });
      return controlDependencies([finish(updates, 'update')], () => colocateWith(globalStep.handle.op, count));
    });
    graph.root.addToCollection('train_op', result.name);
    return result;
  }
}

/** The update of one variable, placed with it and in a scope of its own. */
function updateOf(rule: Rule, gradient: Gradient, variable: Variable): Operation {
  const { op } = variable.handle;
  const build = (): Operation =>
    gradient instanceof IndexedSlices
      ? sparseUpdate(rule, gradient, variable)
      : constrained(rule.dense(gradient, variable), variable);
  return nameScope(`update_${op.name}`, () => colocateWith(op, build));
}

function sparseUpdate(rule: Rule, { values, indices, op }: IndexedSlices, variable: Variable): Operation {
  if (variable.constraint) {
    throw new InvalidArgumentError(
      `applyGradients: '${variable.name}' has a constraint, which does not go with IndexedSlices; make them dense: ` +
        'convertToTensor(gradient).',
      op.details(),
    );
  }
  return rule.takesDuplicates
    ? rule.sparse(values, indices, variable)
    : rule.sparse(...summed(values, indices), variable);
}

function constrained(update: Operation, variable: Variable): Operation {
  const { constraint } = variable;
  if (!constraint) return update;
  return controlDependencies([update], () => variable.assign(constraint(variable)).op);
}

/** The rows that belong to one place added up, and the distinct places. */
function summed(values: Tensor, indices: Tensor): [values: Tensor, indices: Tensor] {
  const [places, which] = many('Unique', [indices]) as [Tensor, Tensor];
  const count = elementOf(one('Shape', [places]), 0);
  return [one('UnsortedSegmentSum', [values, which, count]), places];
}

function nothingToApply(
  fn: string,
  loss: TensorLike,
  pairs: readonly (readonly [unknown, Optimized])[],
): InvalidArgumentError {
  const names = pairs.map(([, variable]) => `'${variable.name}'`).join(', ');
  return new InvalidArgumentError(
    `${fn}: there is no gradient for any variable: nothing differentiable connects ${names} with the loss ` +
      `'${(loss as Tensor).name}'. explainGradient(loss, variable) says where each path breaks.`,
  );
}
