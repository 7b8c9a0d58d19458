/** A graph as text, one readable line a node. */
import type { OutputSpec } from '../body.js';
import type { NodeDef } from '../attr.js';
import type { Operation } from '../operation.js';
import { attrTexts, tensorType } from './values.js';

/** A node with what is known of its surroundings. */
export interface NodeText {
  readonly def: NodeDef;
  readonly inputs: readonly OutputSpec[];
  readonly outputs: readonly OutputSpec[];
  /** The name of the operation whose gradient it helps to compute, or null. */
  readonly forward: string | null;
}

/**
 * `name = Type(inputs) -> dtype[shape] attr=value @device ^control ~forward`: `~` names the operation whose gradient the
 * node computes. Attributes that are false, 0 or empty are left out.
 */
export function nodeLine({ def, inputs, outputs, forward }: NodeText): string {
  const { name, op, input, attr, device } = def;
  const isControl = (text: string) => text.startsWith('^');
  const parts = [`${name} = ${op}(${input.filter((text) => !isControl(text)).join(', ')})`];
  const types = outputs.map(tensorType);
  if (types.length > 0) parts.push('->', types.length === 1 ? types[0]! : `(${types.join(', ')})`);
  parts.push(...attrTexts(attr, inputs, outputs));
  if (device !== '') parts.push(`@${device}`);
  parts.push(...input.filter(isControl));
  if (forward !== null) parts.push(`~${forward}`);
  return parts.join(' ');
}

export function textLine({ def, inputs, outputs, forwardOp }: Operation): string {
  return nodeLine({ def, inputs, outputs, forward: forwardOp?.name ?? null });
}

export function textLines(operations: readonly Operation[]): string[] {
  return operations.map(textLine);
}
