/** Operations that are worked out before the run. */
import { TapelessError } from '../../../graph/errors.js';
import type { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import { isFullyDefined, sizeOf } from '../../../graph/shape.js';
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
  const known = outputShapes(op, inputs).every((shape) => isFullyDefined(shape) && sizeOf(shape) <= foldable);
  if (!known && inputs.length > 0) return null;
  try {
    return new Kernel(def, op).run(data, noResources);
  } catch (error) {
    // A mistake waits for the run, as if nothing were folded.
    if (error instanceof TapelessError) return null;
    throw error;
  }
}
