/** The option stopGradients, checked. */
import { InvalidArgumentError } from '../graph/errors.js';
import { Tensor } from '../graph/tensor.js';
import { Variable } from '../ops/definitions/variable.js';
import { asList } from '../ops/nest.js';

/** What gradients can be stopped at; a variable by its handle. */
export type Stop = Tensor | Variable;

/** @throws InvalidArgumentError for anything but tensors and variables */
export function stopTensors(fn: string, value: readonly Stop[] | Stop): readonly Tensor[] {
  return asList(value).map((stop) => {
    if (stop instanceof Tensor) return stop;
    if (stop instanceof Variable) return stop.handle;
    throw new InvalidArgumentError(`${fn}: stopGradients must hold tensors of the graph.`);
  });
}
