/** Operations that are worked out before the run. */
import { TapelessError } from '../../../graph/errors.js';
import type { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import { isFullyDefined, sizeOf, type Shape } from '../../../graph/shape.js';
import { Kernel } from '../../../ops/evaluate.js';
import { opDef } from '../../../ops/opdef.js';
import { outputShapes } from './concrete.js';
import type { Value } from './program.js';

/** Elements of a constant that is worked out beforehand, at most. */
const foldable = 4096;

const noResources = { variables: new Map<string, NDArray>(), counters: new Map<string, unknown>() };

/** What an operation gives, where all that it needs is known. */
export function folded(op: Operation, inputs: readonly Value[]): readonly NDArray[] | null {
  const def = opDef(op.type);
  if (def.effect !== 'pure' || def.functional || op.controlInputs.length > 0) return null;
  const data = inputs.map((input) => input.data);
  if (!data.every((array) => array !== null)) return null;
  if (inputs.length > 0 && !isSmall(outputShapes(op, inputs), data)) return null;
  try {
    return new Kernel(def, op).run(data, noResources);
  } catch (error) {
    // A mistake waits for the run, as if nothing were folded.
    if (error instanceof TapelessError) return null;
    throw error;
  }
}

/** Whether results are small; those whose shapes depend on data are as large as what they are made of. */
function isSmall(shapes: readonly Shape[], data: readonly NDArray[]): boolean {
  const read = data.reduce((size, array) => size + array.size, 0);
  return shapes.every((shape) => (isFullyDefined(shape) ? sizeOf(shape) : read) <= foldable);
}
