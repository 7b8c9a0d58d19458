/** The Gaussian error linear unit: a function of several nodes. */
import { dtypeInfo } from '../../graph/dtype.js';
import { DTypeError } from '../../graph/errors.js';
import { convertToTensor, one } from '../call.js';
import { composedInScope } from '../compose.js';
import type { Like } from '../math-helpers.js';
import { constantBeside, negated, plus, times } from '../rules.js';
import type { Operand, OpOptions } from '../types.js';

export interface GeluOptions extends OpOptions {
  /** Whether to compute it by tanh, which is off by up to 0.0005; false by default. */
  readonly approximate?: boolean;
}

/**
 * `x` times the probability that a normally distributed number is less (TensorFlow `tf.nn.gelu`). Shape and dtype are those of
 * `features`, a float one.
 * @throws DTypeError for a dtype that is not float
 * @example
 * nn.gelu(constant([-1, 0, 1])); // [-0.1587, 0, 0.8413]
 */
export function gelu<X extends Operand>(features: X, options: GeluOptions = {}): Like<X> {
  return composedInScope('Gelu', options, [features], () => {
    const x = convertToTensor(features, undefined, 'features');
    if (dtypeInfo(x.dtype).kind !== 'float')
      throw new DTypeError(`gelu: features must be floats, not ${x.dtype}.`, { op: 'gelu' });
    const cast = (value: number) => constantBeside(x, value, x.dtype, 'Cast/x');
    if (!options.approximate) {
      const half = times(0.5, x);
      return times(half, one('Erfc', [times(negated(x), cast(Math.SQRT1_2))]));
    }
    const coefficient = cast(0.044715);
    const half = times(0.5, x);
    const cubic = plus(x, times(coefficient, one('Pow', [x, 3])));
    return times(half, plus(1, one('Tanh', [times(0.7978845608028654, cubic)])));
  }) as Like<X>;
}
