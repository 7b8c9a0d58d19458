/** Products of a Hessian with vectors, without the Hessian. */
import { checkOptionNames } from '../graph/options.js';
import type { Tensor } from '../graph/tensor.js';
import { composedInScope } from '../ops/compose.js';
import type { IndexedSlices } from '../ops/indexed-slices.js';
import type { Operand } from '../ops/types.js';
import { directionsFor, productsOf } from './directions.js';
import { gradients, type GradientOptions } from './gradients.js';
import { operandsIn, type OutputGradients, type TapeOperand } from './structures.js';

export type HessianVectorProductOptions = Omit<GradientOptions, 'gradYs'>;

const fn = 'hessianVectorProduct';

/**
 * The product of the Hessian of the sum of `ys` with `vs`: for each x, Σⱼ d²(Σ ys) / dx dxⱼ · vⱼ, cross terms included. It costs two
 * gradients, and no Hessian is ever made (TensorFlow's private `_hessian_vector_product`). The vs are constants here, whatever
 * they are computed from.
 *
 * @param ys a tensor, a variable (its value), IndexedSlices, or a list of them
 * @param xs likewise; a bare one is a list of one
 * @param vs one for each x, of its dtype and shape: tensors, variables, IndexedSlices or data
 * @param options those of `gradients`, for both gradients it takes
 * @returns one entry for each x, in order: null where the first gradient does not depend on it, unless `unconnectedGradients` is 'zero'
 * @throws InvalidArgumentError where vs and xs are not as many, for a bad option, or operands of several graphs; DTypeError and
 *   ShapeError where a v does not fit its x; LookupError where an operation on the way has no gradient
 * @example
 * const x = constant([1, 2]);
 * const y = x.pow(3).reduceSum(); // its Hessian is diagonal: 6x
 * const [hv] = hessianVectorProduct(y, [x], [[1, 10]]); // [6, 120]
 */
export function hessianVectorProduct(
  ys: readonly TapeOperand[] | TapeOperand,
  xs: readonly TapeOperand[] | TapeOperand,
  vs: OutputGradients,
  options: HessianVectorProductOptions = {},
): (Tensor | IndexedSlices | null)[] {
  checkOptionNames(fn, options, [
    'aggregationMethod',
    'gateGradients',
    'colocateGradientsWithOps',
    'stopGradients',
    'unconnectedGradients',
    'maskedNaN',
    'name',
  ]);
  const targets = operandsIn(fn, 'ys', ys);
  const sources = operandsIn(fn, 'xs', xs);
  const directions = directionsFor(fn, 'vs', xs, vs);
  const operands = [...targets, ...sources, ...directions] as readonly Operand[];
  const { name, unconnectedGradients, ...both } = options;
  return composedInScope(fn, { name }, operands, () => {
    const first = gradients(targets, sources, both);
    const products = productsOf(sources, first, directions);
    return gradients(
      products.map(({ y }) => y),
      sources,
      { ...both, ...(unconnectedGradients && { unconnectedGradients }), gradYs: products.map(({ dy }) => dy) },
    );
  });
}
