/** Adagrad: each element has a rate of its own, which falls with the squares of its gradients. */
import { InvalidArgumentError } from '../graph/errors.js';
import { NDArray } from '../graph/ndarray.js';
import { Tensor } from '../graph/tensor.js';
import { call, one } from '../ops/call.js';
import { constant } from '../ops/definitions/constant.js';
import type { Variable } from '../ops/definitions/variable.js';
import { as, checkHyperparameter, scalarOf, type Hyperparameter } from './hyperparameters.js';
import { Optimizer, type Rule } from './optimizer.js';
import type { OptimizerOptions } from './options.js';

const className = 'AdagradOptimizer';

export interface AdagradOptions extends OptimizerOptions {
  /** What the sums of squares start as; more than 0, 0.1 by default. */
  readonly initialAccumulatorValue?: number;
}

/**
 * Adagrad: `accumulator += gradient²`, then `variable -= learningRate * gradient / √accumulator` (TensorFlow
 * `tf.compat.v1.train.AdagradOptimizer`). Slot: `accumulator`. IndexedSlices update the rows they hold.
 * @example
 * const w = variable(1, { name: 'w' });
 * const step = new train.AdagradOptimizer(0.5, { initialAccumulatorValue: 12 }).minimize(square(w));
 * session.runSync(globalVariablesInitializer());
 * session.runSync(step);
 * session.runSync(w); // 0.75
 */
export class AdagradOptimizer extends Optimizer {
  readonly #learningRate: Hyperparameter;
  readonly #initial: number;

  /** @throws InvalidArgumentError for a bad learning rate, an `initialAccumulatorValue` that is not positive, or a bad option */
  constructor(learningRate: Hyperparameter, options: AdagradOptions = {}) {
    super(className, 'Adagrad', options, ['initialAccumulatorValue']);
    this.#learningRate = checkHyperparameter(className, 'learningRate', learningRate);
    this.#initial = options.initialAccumulatorValue ?? 0.1;
    if (!(this.#initial > 0) || !Number.isFinite(this.#initial))
      throw new InvalidArgumentError(`${className}: 'initialAccumulatorValue' must be positive, not ${this.#initial}.`);
  }

  protected override createSlots(variables: readonly Variable[]): void {
    for (const variable of variables) {
      const { dtype } = variable;
      this.slots.filled(variable, 'accumulator', this.getName(), (shape) =>
        shape instanceof Tensor
          ? one('Fill', [shape, NDArray.from(this.#initial, dtype)])
          : constant(this.#initial, { dtype, shape }),
      );
    }
  }

  protected override prepare(): Rule {
    const learningRate = scalarOf(className, 'learning_rate', this.#learningRate);
    const attrs = { use_locking: this.useLocking };
    const handles = (variable: Variable): [Tensor, Tensor] => [
      variable.handle,
      this.slots.of(variable, 'accumulator').handle,
    ];
    return {
      dense: (gradient, variable) =>
        call('ResourceApplyAdagrad', [...handles(variable), as(gradient.dtype, learningRate), gradient], attrs),
      sparse: (values, indices, variable) => {
        const rate = as(values.dtype, learningRate);
        return call('ResourceSparseApplyAdagrad', [...handles(variable), rate, values, indices], attrs);
      },
    };
  }
}
