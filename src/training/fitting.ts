/** A gradient that is to be applied, made to fit its variable, or refused. */
import { DTypeError, InvalidArgumentError, ShapeError } from '../graph/errors.js';
import { hintOnBody } from '../graph/function-graph.js';
import type { Graph } from '../graph/graph.js';
import type { TensorData } from '../graph/ndarray.js';
import { formatShape, isCompatible } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { convertToTensor, isConvertible } from '../ops/call.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import type { Gradient } from '../ops/opdef.js';
import type { TensorConvertible } from '../ops/types.js';
import type { Optimized } from './options.js';

const fn = 'applyGradients';

/**
 * The gradient as a tensor or slices of `graph`; data takes the dtype of the variable.
 * @throws DTypeError, ShapeError or, for one of another graph, InvalidArgumentError
 */
export function fitted(given: Gradient | TensorConvertible | TensorData, variable: Optimized, graph: Graph): Gradient {
  const { name, dtype, shape } = variable;
  // A variable that is given is read in its own graph, so that has to be this one.
  if (given instanceof Tensor || isConvertible(given)) checkHome(given as Tensor, variable, graph);
  const isGradient = given instanceof Tensor || given instanceof IndexedSlices;
  const gradient = isGradient ? given : convertToTensor(given, dtype);
  const what = isGradient ? `the gradient '${gradient.name}'` : `the gradient of '${name}'`;
  if (gradient.dtype !== dtype) {
    throw new DTypeError(
      `${fn}: ${what} is ${gradient.dtype}, its variable '${name}' ${dtype}.`,
      gradient.op.details(),
    );
  }
  if (isCompatible(gradient.shape, shape)) return gradient;
  throw new ShapeError(
    `${fn}: ${what} has shape ${formatShape(gradient.shape)}, its variable '${name}' ${formatShape(shape)}.`,
    gradient.op.details(),
  );
}

function checkHome(gradient: Pick<Tensor, 'name' | 'graph' | 'op'>, { name }: Optimized, graph: Graph): void {
  // What stands for a tensor, such as a variable, has the graph and the name of one.
  if (graph.reaches(gradient.graph)) return;
  throw new InvalidArgumentError(
    `${fn}: the gradient '${gradient.name}' and its variable '${name}' belong to different graphs.${hintOnBody(gradient)}`,
    gradient.op.details(),
  );
}
