/** Adam: running means of the gradients and of their squares, corrected for their start. */
import type { Graph } from '../graph/graph.js';
import type { Operation } from '../graph/operation.js';
import { colocateWith, controlDependencies } from '../graph/scopes.js';
import type { Tensor } from '../graph/tensor.js';
import { call, convertToTensor, one } from '../ops/call.js';
import { group } from '../ops/definitions/control.js';
import type { Variable } from '../ops/definitions/variable.js';
import type { TensorLike } from '../ops/types.js';
import { as, checkHyperparameter, scalarOf, within, type Hyperparameter } from './hyperparameters.js';
import { Optimizer, type Rule } from './optimizer.js';
import type { OptimizerOptions } from './options.js';

const className = 'AdamOptimizer';

export interface AdamOptions extends OptimizerOptions {
  /** How much of the mean gradient is kept; 0.9 by default. */
  readonly beta1?: Hyperparameter;
  /** How much of the mean square is kept; 0.999 by default. */
  readonly beta2?: Hyperparameter;
  /** Keeps the divisor away from 0; 1e-8 by default. It is the "epsilon hat" of the paper. */
  readonly epsilon?: Hyperparameter;
}

/** The scalars that one call of `applyGradients` works with. */
interface Scalars {
  readonly beta1Power: Variable;
  readonly beta2Power: Variable;
  readonly learningRate: Tensor;
  readonly beta1: Tensor;
  readonly beta2: Tensor;
  readonly epsilon: Tensor;
}

/**
 * Adam: `m` follows the gradients and `v` their squares, and `variable -= learningRate * √(1 - beta2ᵗ) / (1 - beta1ᵗ) * m /
 * (√v + epsilon)` in step t (TensorFlow `tf.compat.v1.train.AdamOptimizer`). Slots: `m` and `v`; the powers of the betas are
 * two variables more. With IndexedSlices, m and v of all rows decay and all rows move.
 * @example
 * const w = variable(1, { name: 'w' });
 * const step = new train.AdamOptimizer(0.5, { epsilon: 0 }).minimize(square(w));
 * session.runSync(globalVariablesInitializer());
 * session.runSync(step);
 * session.runSync(w).item().toFixed(4); // '0.5000'
 */
export class AdamOptimizer extends Optimizer {
  readonly #learningRate: Hyperparameter;
  readonly #beta1: Hyperparameter;
  readonly #beta2: Hyperparameter;
  readonly #epsilon: Hyperparameter;

  /** @throws InvalidArgumentError for a hyperparameter that is no number, scalar tensor or function, or a bad option */
  constructor(learningRate: Hyperparameter = 0.001, options: AdamOptions = {}) {
    super(className, 'Adam', options, ['beta1', 'beta2', 'epsilon']);
    this.#learningRate = checkHyperparameter(className, 'learningRate', learningRate);
    this.#beta1 = checkHyperparameter(className, 'beta1', options.beta1 ?? 0.9);
    this.#beta2 = checkHyperparameter(className, 'beta2', options.beta2 ?? 0.999);
    this.#epsilon = checkHyperparameter(className, 'epsilon', options.epsilon ?? 1e-8);
  }

  protected override createSlots(variables: readonly Variable[]): void {
    // All workers of a cluster must place the powers alike, whatever order they name the variables in.
    const first = variables.reduce((a, b) => (b.handle.name < a.handle.name ? b : a));
    this.slots.other('beta1_power', within(className, 'beta1', this.#beta1, first.graph), first);
    this.slots.other('beta2_power', within(className, 'beta2', this.#beta2, first.graph), first);
    for (const variable of variables) {
      this.slots.zeros(variable, 'm', this.getName());
      this.slots.zeros(variable, 'v', this.getName());
    }
  }

  protected override prepare(graph: Graph): Rule {
    const scalars: Scalars = {
      beta1Power: this.slots.otherIn(graph.root, 'beta1_power'),
      beta2Power: this.slots.otherIn(graph.root, 'beta2_power'),
      learningRate: scalarOf(className, 'learning_rate', this.#learningRate),
      beta1: scalarOf(className, 'beta1', this.#beta1),
      beta2: scalarOf(className, 'beta2', this.#beta2),
      epsilon: scalarOf(className, 'epsilon', this.#epsilon),
    };
    return {
      dense: (gradient, variable) => this.#dense(scalars, gradient, variable),
      sparse: (values, indices, variable) => this.#sparse(scalars, values, indices, variable),
      finish: (updates, name) => finish(scalars, updates, name),
    };
  }

  #dense(scalars: Scalars, gradient: Tensor, variable: Variable): Operation {
    const { beta1Power, beta2Power, learningRate, beta1, beta2, epsilon } = scalars;
    const casts = [beta1Power, beta2Power, learningRate, beta1, beta2, epsilon].map((x) => as(gradient.dtype, x));
    const [m, v] = [this.slots.of(variable, 'm'), this.slots.of(variable, 'v')];
    const handles = [variable.handle, m.handle, v.handle];
    return call('ResourceApplyAdam', [...handles, ...casts, gradient], { use_locking: this.useLocking });
  }

  #sparse(scalars: Scalars, values: Tensor, indices: Tensor, variable: Variable): Operation {
    const { dtype } = variable;
    const beta1Power = as(dtype, scalars.beta1Power);
    const beta2Power = as(dtype, scalars.beta2Power);
    const learningRate = as(dtype, scalars.learningRate);
    const [beta1, beta2] = [as(dtype, scalars.beta1), as(dtype, scalars.beta2)];
    const epsilon = as(dtype, scalars.epsilon);
    const corrected = times(learningRate, one('Sqrt', [oneMinus(beta2Power)]));
    const rate = dividedBy(corrected, oneMinus(beta1Power));
    const scaled = times(values, oneMinus(beta1));
    const m = decayed(this.slots.of(variable, 'm'), beta1, indices, scaled);
    const squares = times(times(values, values), oneMinus(beta2));
    const v = decayed(this.slots.of(variable, 'v'), beta2, indices, squares);
    const root = one('Sqrt', [v]);
    const delta = dividedBy(times(rate, m), one('AddV2', [root, epsilon], {}, { name: 'add' }));
    return group(variable.assignSub(delta), m, v);
  }
}

/** The slot times `decay`, with `rows` added to it, as read after both. */
function decayed(slot: Variable, decay: TensorLike, indices: Tensor, rows: Tensor): Tensor {
  const assigned = slot.assign(times(slot.value(), decay));
  return controlDependencies([assigned], () => {
    const added = call('ResourceScatterAdd', [slot.handle, indices, rows]);
    return controlDependencies([added], () => slot.value());
  });
}

/** The powers of the betas move on once everything is updated. */
function finish(
  { beta1Power, beta2Power, beta1, beta2 }: Scalars,
  updates: readonly Operation[],
  name: string,
): Operation {
  const moved = controlDependencies(updates, () =>
    colocateWith(beta1Power.handle.op, () => [
      beta1Power.assign(times(beta1Power.value(), beta1)),
      beta2Power.assign(times(beta2Power.value(), beta2)),
    ]),
  );
  return group(updates, moved, { name });
}

// The names are those of Python's operators.
function times(a: TensorLike, b: TensorLike): Tensor {
  return one('Mul', [a, b], {}, { name: 'mul' });
}

function dividedBy(a: TensorLike, b: TensorLike): Tensor {
  return one('RealDiv', [a, b], {}, { name: 'truediv' });
}

function oneMinus(x: TensorLike): Tensor {
  return one('Sub', [1, convertToTensor(x)], {}, { name: 'sub' });
}
