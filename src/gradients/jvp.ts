/** Forward mode: products of a Jacobian with tangents, by differentiating the backward pass. */
import { InvalidArgumentError } from '../graph/errors.js';
import { checkOptionNames } from '../graph/options.js';
import type { Tensor } from '../graph/tensor.js';
import { convertToTensor } from '../ops/call.js';
import { composedInScope } from '../ops/compose.js';
import { zerosLike } from '../ops/definitions/array-fill.js';
import { isDifferentiable } from '../ops/handles.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import type { Operand, OpOptions } from '../ops/types.js';
import { directionsFor, productsOf, type Direction } from './directions.js';
import { checkUnconnected, gradients, type UnconnectedGradients } from './gradients.js';
import type { MaskedNaN } from './masks.js';
import type { Stop } from './stops.js';
import { operandsIn, tensorBehind, type OutputGradients, type TapeOperand } from './structures.js';

export interface JvpOptions extends OpOptions {
  /** What a y gets that depends on no x: null ('none', the default) or zeros ('zero'). */
  readonly unconnectedGradients?: UnconnectedGradients;
  /** Tensors, or variables, through which nothing is differentiated. */
  readonly stopGradients?: readonly Stop[] | Stop;
  /** What becomes of singular points that a `where` does not select, as for `gradients`. */
  readonly maskedNaN?: MaskedNaN;
}

const fn = 'jvp';

/**
 * How `ys` change where `xs` move along `tangents`: for each y the product of its Jacobian with the tangents, Σᵢ dy/dxᵢ · tangentᵢ
 * (TensorFlow `tf.autodiff.ForwardAccumulator`). One pass gives it for all ys, where `gradients` gives for all xs what one
 * direction in the ys depends on. For any u: ⟨u, jvp(ys, xs, v)⟩ = ⟨gradients(ys, xs, { gradYs: u }), v⟩.
 *
 * The gradient is linear in gradYs; its gradient with respect to them is the result. So every operation with a
 * differentiable gradient takes part, and a session computes none of the backward nodes that the result does not need.
 *
 * @param ys tensors, variables (their values) or IndexedSlices; a bare one is a list of one
 * @param xs likewise, none of them twice
 * @param tangents one for each x, of its dtype and shape: tensors, variables, IndexedSlices or data
 * @returns one entry for each y, of its dtype and shape: null where it depends on no x by differentiable operations
 * @throws InvalidArgumentError where tangents and xs are not as many, an x occurs twice, for a bad option or operands of several
 *   graphs; DTypeError and ShapeError where a tangent does not fit its x; LookupError where an operation on the way has no gradient
 * @example
 * const x = constant([1, 2, 3]);
 * const [dy] = jvp(x.multiply(x), x, [1, 0, 10]); // [2, 0, 60]
 */
export function jvp(
  ys: readonly TapeOperand[] | TapeOperand,
  xs: readonly TapeOperand[] | TapeOperand,
  tangents: OutputGradients,
  options: JvpOptions = {},
): (Tensor | IndexedSlices | null)[] {
  checkOptionNames(fn, options, ['unconnectedGradients', 'stopGradients', 'maskedNaN', 'name']);
  checkUnconnected(fn, options.unconnectedGradients);
  const targets = operandsIn(fn, 'ys', ys);
  const sources = operandsIn(fn, 'xs', xs);
  checkDistinct(sources);
  const directions = directionsFor(fn, 'tangents', xs, tangents);
  const operands = [...targets, ...sources, ...directions] as readonly Operand[];
  return composedInScope(fn, options, operands, () => forward(targets, sources, directions, options));
}

function forward(
  ys: readonly TapeOperand[],
  xs: readonly TapeOperand[],
  directions: readonly Direction[],
  { unconnectedGradients = 'none', stopGradients = [], maskedNaN = 'safe' }: JvpOptions,
): (Tensor | IndexedSlices | null)[] {
  const targets = ys.map(valuesOf);
  const live = targets.filter(isDifferentiable);
  const cotangents = live.map((y) => zerosLike(y));
  const backward = gradients(live, xs, { gradYs: cotangents, stopGradients, maskedNaN, name: 'vjp' });
  const products = productsOf(xs, backward, directions);
  const found = gradients(
    products.map(({ y }) => y),
    cotangents,
    { gradYs: products.map(({ dy }) => dy), name: 'transpose' },
  );
  return targets.map((target, i) => {
    const tangent = isDifferentiable(target) ? found.shift()! : null;
    if (tangent === null && unconnectedGradients === 'none') return null;
    const dense = tangent === null ? zerosLike(target) : convertToTensor(tangent);
    const y = ys[i];
    return y instanceof IndexedSlices ? new IndexedSlices(dense, y.indices, y.denseShape) : dense;
  });
}

function valuesOf(y: TapeOperand): Tensor {
  return y instanceof IndexedSlices ? y.values : convertToTensor(y);
}

function checkDistinct(xs: readonly TapeOperand[]): void {
  const seen = new Set<Tensor>();
  for (const [i, x] of xs.entries()) {
    const tensor = tensorBehind(x);
    if (seen.has(tensor)) {
      throw new InvalidArgumentError(
        `${fn}: xs[${i}], '${x.name}', occurs twice: one x can move along one tangent only. Add the tangents up.`,
      );
    }
    seen.add(tensor);
  }
}
