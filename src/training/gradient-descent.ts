/** Plain gradient descent. */
import { call, one } from '../ops/call.js';
import { as, checkHyperparameter, scalarOf, type Hyperparameter } from './hyperparameters.js';
import { Optimizer, type Rule } from './optimizer.js';
import type { OptimizerOptions } from './options.js';

const className = 'GradientDescentOptimizer';

/**
 * Gradient descent: `variable -= learningRate * gradient` (TensorFlow `tf.compat.v1.train.GradientDescentOptimizer`). It keeps
 * no slots.
 * @example
 * const w = variable(3, { name: 'w' });
 * const step = new train.GradientDescentOptimizer(0.5).minimize(square(w));
 * session.runSync(globalVariablesInitializer());
 * session.runSync(step);
 * session.runSync(w); // 0
 */
export class GradientDescentOptimizer extends Optimizer {
  readonly #learningRate: Hyperparameter;

  /** @throws InvalidArgumentError for a learning rate that is no number, scalar tensor or function, or a bad option */
  constructor(learningRate: Hyperparameter, options: OptimizerOptions = {}) {
    super(className, 'GradientDescent', options);
    this.#learningRate = checkHyperparameter(className, 'learningRate', learningRate);
  }

  protected override createSlots(): void {}

  protected override prepare(): Rule {
    const learningRate = scalarOf(className, 'learning_rate', this.#learningRate);
    return {
      dense: (gradient, { handle }) =>
        call('ResourceApplyGradientDescent', [handle, as(gradient.dtype, learningRate), gradient], {
          use_locking: this.useLocking,
        }),
      sparse: (values, indices, { handle }) => {
        const negated = one('Neg', [values]);
        const delta = one('Mul', [negated, as(values.dtype, learningRate)], {}, { name: 'mul' });
        return call('ResourceScatterAdd', [handle, indices, delta]);
      },
      takesDuplicates: true,
    };
  }
}
