/** Directions: what xs are multiplied by in products with a Jacobian or a Hessian, one for each. */
import { InvalidArgumentError } from '../graph/errors.js';
import { convertToTensor } from '../ops/call.js';
import { gather } from '../ops/definitions/array-gather.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import { asList } from '../ops/nest.js';
import type { Gradient } from '../ops/opdef.js';
import { checkGradY, type GradY } from './seeds.js';
import { oneForEach, type OutputGradients, type TapeOperand } from './structures.js';

/** A direction, of the dtype and shape of its x. */
export type Direction = NonNullable<GradY>;

/**
 * The direction of each x.
 * @throws InvalidArgumentError where one is missing or there are too many; DTypeError and ShapeError where one does not fit
 */
export function directionsFor(
  fn: string,
  option: string,
  xs: readonly TapeOperand[] | TapeOperand,
  given: OutputGradients,
): readonly Direction[] {
  const sources = asList(xs);
  return oneForEach(fn, option, xs, given).map((direction, i) => {
    if (direction !== null && direction !== undefined) return checkGradY(fn, sources[i]!, direction, i, option)!;
    throw new InvalidArgumentError(`${fn}: ${option}[${i}] is missing: xs and ${option} must have the same length.`);
  });
}

/** A gradient to differentiate, and what it is multiplied by first. */
export interface Product {
  readonly y: Gradient;
  readonly dy: Direction;
}

/** The products of the gradients there are with the directions of their xs; of sparse gradients, those of their rows. */
export function productsOf(
  xs: readonly TapeOperand[],
  gradients: readonly (Gradient | null)[],
  directions: readonly Direction[],
): readonly Product[] {
  return gradients.flatMap((y, i) => {
    if (y === null) return [];
    const direction = directions[i]!;
    if (!(y instanceof IndexedSlices)) return [{ y, dy: direction }];
    const rows = direction instanceof IndexedSlices && xs[i] instanceof IndexedSlices;
    return [{ y: y.values, dy: rows ? direction.values : gather(convertToTensor(direction), y.indices) }];
  });
}
