/** A graph as text, one readable line a node. */
import type { Operation } from '../operation.js';
import { attrTexts, tensorType } from './values.js';

/**
 * `name = Type(inputs) -> dtype[shape] attr=value @device ^control ~forward`: `~` names the operation whose gradient the
 * node computes. Attributes that are false, 0 or empty are left out.
 */
export function textLine(op: Operation): string {
  const inputs = op.inputs.map((tensor) => (tensor.index === 0 ? tensor.op.name : tensor.name)).join(', ');
  const parts = [`${op.name} = ${op.type}(${inputs})`];
  const types = op.outputs.map(tensorType);
  if (types.length > 0) parts.push('->', types.length === 1 ? types[0]! : `(${types.join(', ')})`);
  parts.push(...attrTexts(op));
  if (op.device !== '') parts.push(`@${op.device}`);
  for (const control of op.controlInputs) parts.push(`^${control.name}`);
  if (op.forwardOp !== null) parts.push(`~${op.forwardOp.name}`);
  return parts.join(' ');
}

export function textLines(operations: readonly Operation[]): string[] {
  return operations.map(textLine);
}
