/** Hessians: the Jacobians of gradients. */
import { InvalidArgumentError } from '../graph/errors.js';
import { checkBoolean } from '../graph/options.js';
import type { Tensor } from '../graph/tensor.js';
import { convertToTensor } from '../ops/call.js';
import { composedInScope } from '../ops/compose.js';
import type { Operand } from '../ops/types.js';
import { gradients } from './gradients.js';
import {
  checkJacobianOptions,
  jacobianNames,
  jacobianOperands,
  jacobiansOf,
  type JacobianOperand,
  type JacobianOptions,
} from './jacobian.js';

export interface HessianOptions extends JacobianOptions {
  /** Whether the second derivatives by two different xs are given as well; false by default. */
  readonly crossTerms?: boolean;
}

/**
 * The Hessian of the sum of `ys` by each x: element [i…, j…] is d²(Σ ys) / dx[i…] dx[j…] (TensorFlow `tf.hessians`, which has no cross
 * terms and fails for linear functions).
 *
 * @param ys a tensor, a variable (its value), or a list of them
 * @param xs what to differentiate by: tensors or variables of any shape; a bare one is a list of one
 * @param options those of `jacobian`, for both derivatives
 * @returns for each x a tensor of shape `[...x.shape, ...x.shape]`: zeros where the ys are linear in x, null where they do not
 *   depend on it, unless `unconnectedGradients` is 'zero'. With `crossTerms`, for each x a row with one entry for each x: of
 *   shape `[...xs[i].shape, ...xs[j].shape]`, null where the ys depend on one of the two not at all
 * @throws InvalidArgumentError for a bad option, IndexedSlices, or operands of several graphs; LookupError where an
 *   operation on the way has no gradient
 * @example
 * const x = constant([1, 2]);
 * hessians(x.pow(3).reduceSum(), [x]); // [[[6, 0], [0, 12]]]
 */
export function hessians(
  ys: readonly JacobianOperand[] | JacobianOperand,
  xs: readonly JacobianOperand[] | JacobianOperand,
  options: HessianOptions & { readonly crossTerms: true },
): (Tensor | null)[][];
export function hessians(
  ys: readonly JacobianOperand[] | JacobianOperand,
  xs: readonly JacobianOperand[] | JacobianOperand,
  options?: HessianOptions,
): (Tensor | null)[];
export function hessians(
  ys: readonly JacobianOperand[] | JacobianOperand,
  xs: readonly JacobianOperand[] | JacobianOperand,
  options: HessianOptions = {},
): (Tensor | null)[] | (Tensor | null)[][] {
  const fn = 'hessians';
  checkJacobianOptions(fn, options, [...jacobianNames, 'crossTerms']);
  const crossTerms = checkBoolean(fn, 'crossTerms', options.crossTerms ?? false);
  const targets = jacobianOperands(fn, 'ys', ys);
  const sources = jacobianOperands(fn, 'xs', xs);
  if (targets.length === 0) throw new InvalidArgumentError(`${fn}: there are no ys.`);
  const operands = [...targets, ...sources] as readonly Operand[];
  const { name, crossTerms: _, parallelIterations: __, usePfor: ___, unconnectedGradients, ...both } = options;
  const zero = unconnectedGradients === 'zero' ? { unconnectedGradients } : {};
  return composedInScope(fn, { name }, operands, () => {
    const first = gradients(targets, sources, { ...both, ...zero });
    /** The derivatives of the gradient by x number `i` by those among `xs` that the ys depend on at all. */
    const rowOf = (i: number, by: readonly number[]): (Tensor | null)[] => {
      const gradient = first[i]!;
      const connected = by.filter((j) => first[j] !== null);
      if (gradient === null) return by.map(() => null);
      const xs = connected.map((j) => sources[j]!);
      const backward = (y: Tensor, seed: Tensor) => gradients(y, xs, { ...both, gradYs: [seed] });
      // What the gradient does not depend on it is constant in.
      const found = jacobiansOf(convertToTensor(gradient), xs, backward, { ...options, unconnectedGradients: 'zero' });
      return by.map((j) => (first[j] === null ? null : found[connected.indexOf(j)]!));
    };
    const all = sources.map((_, i) => i);
    return crossTerms ? all.map((i) => rowOf(i, all)) : all.map((i) => rowOf(i, [i])[0]!);
  });
}
