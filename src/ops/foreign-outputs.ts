/** How outputs of nodes are spelled in function bodies whose op has no record. */
import type { Operation } from '../graph/operation.js';

const names = new WeakMap<Operation, readonly string[]>();

export const nameOutputs = {
  /** `argument:index` for each output. */
  set: (op: Operation, outputs: readonly string[]): void => void names.set(op, outputs),
  of: (op: Operation): readonly string[] => names.get(op) ?? [],
};
