/** Operations again, with the shapes and values that a plan knows. */
import { TapelessError } from '../../../graph/errors.js';
import type { NDArray } from '../../../graph/ndarray.js';
import { Operation } from '../../../graph/operation.js';
import { isFullyDefined, type Shape } from '../../../graph/shape.js';
import { Tensor } from '../../../graph/tensor.js';
import { learn, stateValue } from '../../../ops/known.js';
import { opDef } from '../../../ops/opdef.js';

/** What a plan knows of a tensor. */
export interface Known {
  readonly shape: Shape;
  readonly data: NDArray | null;
}

/** Static shapes of the outputs of `op` for inputs of which more is known than the graph says; null for what is not known. */
export function outputShapes(op: Operation, inputs: readonly Known[]): readonly Shape[] {
  if (op.outputs.every(({ shape }) => isFullyDefined(shape))) return op.outputs.map(({ shape }) => shape);
  const again = inferredAgain(op, inputs);
  // A mistake waits for its turn in the run.
  return again
    ? again.map((shape, i) => (isFullyDefined(shape) ? shape : op.outputs[i]!.shape))
    : op.outputs.map(() => null);
}

/** Whether what is known of the inputs fits the operation. */
export function fits(op: Operation, inputs: readonly Known[]): boolean {
  return op.inputs.every(({ shape }) => isFullyDefined(shape)) || inferredAgain(op, inputs) !== null;
}

/** The shapes that the op's rule gives now; null where it refuses the inputs. */
function inferredAgain(op: Operation, inputs: readonly Known[]): readonly Shape[] | null {
  const known = op.inputs.map((input, i) => {
    const { shape, data } = inputs[i]!;
    const stand = new Tensor(input.op, input.index, input.dtype, shape);
    if (data) stateValue(stand, data);
    return stand;
  });
  const { id, def, controlInputs, forwardOp, site, graph } = op;
  const again = new Operation(graph, { id, def, inputs: known, controlInputs, forwardOp, site });
  const record = opDef(op.type);
  const dtypes = op.outputs.map(({ dtype }) => dtype);
  try {
    again.setOutputs(dtypes, record.infer as (op: Operation) => readonly Shape[]);
  } catch (error) {
    if (!(error instanceof TapelessError)) throw error;
    return null;
  }
  learn(again, record);
  return again.outputs.map(({ shape }) => shape);
}
