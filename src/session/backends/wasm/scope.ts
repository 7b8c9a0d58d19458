/** The operations that are being lowered: of the plan, or of a function that it calls. */
import type { Operation } from '../../../graph/operation.js';
import type { Tensor } from '../../../graph/tensor.js';
import type { Value } from './program.js';

export interface Scope {
  readonly of: Map<Tensor, Value>;
  /** What any of them reads, or is asked for. */
  readonly read: ReadonlySet<Tensor>;
  readonly callers: readonly Operation[];
}

export function scopeOf(
  operations: readonly Operation[],
  outputs: readonly Tensor[],
  callers: readonly Operation[],
  inputs: ReadonlyMap<Tensor, Value>,
): Scope {
  const read = new Set([...outputs, ...operations.flatMap((op) => op.inputs)]);
  return { of: new Map(inputs), read, callers };
}
