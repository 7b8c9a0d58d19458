/** Which outputs of a call are its results. */
import type { OpView } from '../opdef.js';

/** How many outputs a call has besides what its gradient needs. */
export function originalOutputs(op: OpView): number {
  return op.hasAttr('_num_original_outputs') ? op.intAttr('_num_original_outputs') : op.outputs.length;
}
