/** Whole Jacobians, by the gradient graph and by finite differences (TensorFlow `tf.test.compute_gradient`). */
import { InvalidArgumentError, ShapeError } from '../graph/errors.js';
import { NDArray } from '../graph/ndarray.js';
import { formatShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { gradients } from '../gradients/gradients.js';
import { convertToTensor, one } from '../ops/call.js';
import { Differencer } from './differences.js';
import { problemOf, type Checkable, type ComputeGradientOptions } from './operands.js';
import { fromReals, toReals } from './reals.js';
import { onWorkbench, type Source, type Workbench } from './workbench.js';

/**
 * The Jacobian dy/dx twice: a row for each element of y, a column for each element of x. A complex element counts as two
 * real ones, its real and its imaginary part.
 */
export interface Jacobians {
  /** By feeding gradients that are one at one element of y and zero elsewhere. */
  readonly theoretical: NDArray<'float64'>;
  /** By central differences, in float64 where the operations allow it: x moved to both sides, one element at a time. */
  readonly numeric: NDArray<'float64'>;
}

/**
 * Computes the Jacobian of `y` with respect to `x` by the gradient graph and by central differences (TensorFlow
 * `tf.test.compute_gradient`). The graph, its names and its state, and the variables of the session stay as they are: what
 * is needed for the check is built, run and taken back. Random numbers are drawn once and are the same in every run.
 *
 * @param x any float or complex tensor, placeholder or not, or a variable
 * @param y a float or complex tensor
 * @throws InvalidArgumentError for integer operands or a bad option; GraphFinalizedError for a finalized graph; what
 *   `gradients` and `session.run` throw
 * @example
 * const x = constant([1, 2]);
 * const { theoretical, numeric } = await computeGradient(x, x.multiply(x));
 * theoretical.toArray(); // [[2, 0], [0, 4]]
 */
export async function computeGradient(
  x: Checkable,
  y: Checkable,
  options: ComputeGradientOptions = {},
): Promise<Jacobians> {
  if (Array.isArray(x) || Array.isArray(y))
    throw new InvalidArgumentError('computeGradient: x and y must be single tensors.');
  const problem = problemOf('computeGradient', y, x, options);
  const [[source], [target]] = [problem.xs, problem.ys] as [readonly [Source], readonly [Tensor]];
  return onWorkbench(problem, [source, target], (bench) => {
    const differencer = new Differencer(bench, source, [target], problem.delta);
    return {
      theoretical: theoretical(bench, source, target, differencer.value),
      numeric: numeric(bench, target, differencer),
    };
  });
}

function theoretical(bench: Workbench, x: Source, y: Tensor, point: NDArray): NDArray<'float64'> {
  const value = bench.run([y])[0]!;
  const [rows, columns] = [toReals(value).length, toReals(point).length];
  const seed = one('Placeholder', [], { dtype: y.dtype, shape: y.shape });
  const gradient = gradients(y, x, { gradYs: [seed] })[0] ?? null;
  const jacobian = new Float64Array(rows * columns);
  if (gradient !== null) {
    const dense = convertToTensor(gradient);
    // Of an empty y too: the gradient must run, and have the shape of x.
    for (let row = 0; row < Math.max(rows, 1); row++) {
      const oneHot = new Float64Array(rows);
      if (rows > 0) oneHot[row] = 1;
      bench.feed(seed, fromReals(y.dtype, value.shape, oneHot));
      const dx = bench.run([dense])[0]!;
      if (formatShape(dx.shape) !== formatShape(point.shape)) {
        const shapes = `${formatShape(dx.shape)}, and '${x.name}' has shape ${formatShape(point.shape)}`;
        throw new ShapeError(`computeGradient: the gradient has shape ${shapes}.`, x.op.details());
      }
      if (rows > 0) jacobian.set(toReals(dx), row * columns);
    }
  }
  return new NDArray('float64', [rows, columns], jacobian);
}

function numeric(bench: Workbench, y: Tensor, differencer: Differencer): NDArray<'float64'> {
  const rows = toReals(bench.run([y])[0]!).length;
  const columns = differencer.point.length;
  const jacobian = new Float64Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    const { displacement, plus, minus } = differencer.along(new Map([[column, 1]]));
    for (let row = 0; row < rows; row++) {
      jacobian[row * columns + column] = (plus[0]![row]! - minus[0]![row]!) / displacement[column]!;
    }
  }
  return new NDArray('float64', [rows, columns], jacobian);
}
