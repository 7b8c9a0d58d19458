/** Gradient descent with momentum. */
import { checkBoolean } from '../graph/options.js';
import type { Tensor } from '../graph/tensor.js';
import { call } from '../ops/call.js';
import type { Variable } from '../ops/definitions/variable.js';
import { as, checkHyperparameter, scalarOf, type Hyperparameter } from './hyperparameters.js';
import { Optimizer, type Rule } from './optimizer.js';
import type { OptimizerOptions } from './options.js';

const className = 'MomentumOptimizer';

export interface MomentumOptions extends OptimizerOptions {
  /** Whether the step looks ahead along the momentum (Nesterov's way). */
  readonly useNesterov?: boolean;
}

/**
 * Gradient descent with momentum: `accumulation = momentum * accumulation + gradient`, then
 * `variable -= learningRate * accumulation` (TensorFlow `tf.compat.v1.train.MomentumOptimizer`). Slot: `momentum`. IndexedSlices
 * update the rows they hold, and no other accumulations.
 * @example
 * const w = variable(8, { name: 'w' });
 * const step = new train.MomentumOptimizer(0.25, 0.5).minimize(square(w));
 * session.runSync(globalVariablesInitializer());
 * session.runSync(step);
 * session.runSync(w); // 4
 * session.runSync(step);
 * session.runSync(w); // 0
 */
export class MomentumOptimizer extends Optimizer {
  readonly #learningRate: Hyperparameter;
  readonly #momentum: Hyperparameter;
  readonly #useNesterov: boolean;

  /** @throws InvalidArgumentError for a hyperparameter that is no number, scalar tensor or function, or a bad option */
  constructor(learningRate: Hyperparameter, momentum: Hyperparameter, options: MomentumOptions = {}) {
    super(className, 'Momentum', options, ['useNesterov']);
    this.#learningRate = checkHyperparameter(className, 'learningRate', learningRate);
    this.#momentum = checkHyperparameter(className, 'momentum', momentum);
    this.#useNesterov = checkBoolean(className, 'useNesterov', options.useNesterov ?? false);
  }

  protected override createSlots(variables: readonly Variable[]): void {
    for (const variable of variables) this.slots.zeros(variable, 'momentum', this.getName());
  }

  protected override prepare(): Rule {
    const learningRate = scalarOf(className, 'learning_rate', this.#learningRate);
    const momentum = scalarOf(className, 'momentum', this.#momentum);
    const attrs = { use_locking: this.useLocking, use_nesterov: this.#useNesterov };
    const handles = (variable: Variable): [Tensor, Tensor] => [
      variable.handle,
      this.slots.of(variable, 'momentum').handle,
    ];
    return {
      dense: (gradient, variable) => {
        const [rate, decay] = [as(gradient.dtype, learningRate), as(gradient.dtype, momentum)];
        return call('ResourceApplyMomentum', [...handles(variable), rate, gradient, decay], attrs);
      },
      sparse: (values, indices, variable) => {
        const [rate, decay] = [as(values.dtype, learningRate), as(values.dtype, momentum)];
        return call('ResourceSparseApplyMomentum', [...handles(variable), rate, values, indices, decay], attrs);
      },
    };
  }
}
