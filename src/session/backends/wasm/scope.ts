/** The operations that are being lowered: of the plan, or of a function that it calls. */
import type { Operation } from '../../../graph/operation.js';
import type { Tensor } from '../../../graph/tensor.js';
import type { Value } from './program.js';

export interface Scope {
  readonly of: Map<Tensor, Value>;
  /** How often any of them reads a tensor, or is asked for it. */
  readonly uses: ReadonlyMap<Tensor, number>;
  readonly callers: readonly Operation[];
}

export function scopeOf(
  operations: readonly Operation[],
  outputs: readonly Tensor[],
  callers: readonly Operation[],
  inputs: ReadonlyMap<Tensor, Value>,
): Scope {
  const uses = new Map<Tensor, number>();
  for (const tensor of [...outputs, ...operations.flatMap((op) => op.inputs)])
    uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  return { of: new Map(inputs), uses, callers };
}
