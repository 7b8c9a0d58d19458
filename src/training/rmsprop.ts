/** RMSProp: steps are divided by a running mean of the sizes of recent gradients. */
import { checkBoolean } from '../graph/options.js';
import type { Tensor } from '../graph/tensor.js';
import { call } from '../ops/call.js';
import { ones } from '../ops/definitions/array-fill.js';
import type { Variable } from '../ops/definitions/variable.js';
import type { TensorLike } from '../ops/types.js';
import { as, checkHyperparameter, scalarOf, type Hyperparameter } from './hyperparameters.js';
import { Optimizer, type Rule } from './optimizer.js';
import type { OptimizerOptions } from './options.js';

const className = 'RMSPropOptimizer';

export interface RMSPropOptions extends OptimizerOptions {
  /** How much of the running means is kept; 0.9 by default. */
  readonly decay?: Hyperparameter;
  /** How much of the last step is kept; 0 by default. */
  readonly momentum?: Hyperparameter;
  /** Keeps the divisor away from 0; 1e-10 by default. */
  readonly epsilon?: Hyperparameter;
  /** Whether steps are divided by an estimate of the variance instead of the mean square. */
  readonly centered?: boolean;
}

/**
 * RMSProp: `meanSquare` follows the squares of the gradients, `step = momentum * step + learningRate * gradient /
 * √(meanSquare + epsilon)`, and `variable -= step`; `centered` takes the square of the mean gradient off the mean square
 * (TensorFlow `tf.compat.v1.train.RMSPropOptimizer`). Slots: `rms`, which starts as ones, `momentum`, and `mg` where centered.
 * IndexedSlices update the rows they hold.
 * @example
 * const w = variable(1, { name: 'w' });
 * const step = new train.RMSPropOptimizer(0.5, { decay: 1, epsilon: 0 }).minimize(square(w));
 * session.runSync(globalVariablesInitializer());
 * session.runSync(step);
 * session.runSync(w); // 0
 */
export class RMSPropOptimizer extends Optimizer {
  readonly #learningRate: Hyperparameter;
  readonly #decay: Hyperparameter;
  readonly #momentum: Hyperparameter;
  readonly #epsilon: Hyperparameter;
  readonly #centered: boolean;

  /** @throws InvalidArgumentError for a hyperparameter that is no number, scalar tensor or function, or a bad option */
  constructor(learningRate: Hyperparameter, options: RMSPropOptions = {}) {
    super(className, 'RMSProp', options, ['decay', 'momentum', 'epsilon', 'centered']);
    this.#learningRate = checkHyperparameter(className, 'learningRate', learningRate);
    this.#decay = checkHyperparameter(className, 'decay', options.decay ?? 0.9);
    this.#momentum = checkHyperparameter(className, 'momentum', options.momentum ?? 0);
    this.#epsilon = checkHyperparameter(className, 'epsilon', options.epsilon ?? 1e-10);
    this.#centered = checkBoolean(className, 'centered', options.centered ?? false);
  }

  protected override createSlots(variables: readonly Variable[]): void {
    for (const variable of variables) {
      const { dtype } = variable;
      this.slots.filled(variable, 'rms', this.getName(), (shape) => ones(shape, { dtype }));
      if (this.#centered) this.slots.zeros(variable, 'mg', this.getName());
      this.slots.zeros(variable, 'momentum', this.getName());
    }
  }

  protected override prepare(): Rule {
    const scalars = [
      scalarOf(className, 'learning_rate', this.#learningRate),
      scalarOf(className, 'decay', this.#decay),
      scalarOf(className, 'momentum', this.#momentum),
      scalarOf(className, 'epsilon', this.#epsilon),
    ];
    const slots = this.#centered ? ['mg', 'rms', 'momentum'] : ['rms', 'momentum'];
    const operands = (variable: Variable, gradient: Tensor): TensorLike[] => [
      variable.handle,
      ...slots.map((slot) => this.slots.of(variable, slot).handle),
      ...scalars.map((scalar) => as(gradient.dtype, scalar)),
      gradient,
    ];
    const type = this.#centered ? 'CenteredRMSProp' : 'RMSProp';
    const attrs = { use_locking: this.useLocking };
    return {
      dense: (gradient, variable) => call(`ResourceApply${type}`, operands(variable, gradient), attrs),
      sparse: (values, indices, variable) =>
        call(`ResourceSparseApply${type}`, [...operands(variable, values), indices], attrs),
    };
  }
}
