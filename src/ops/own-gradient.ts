/** Gradients that belong to single operations: JavaScript functions of one place in a program. */
import type { AttrValue } from '../graph/attr.js';
import type { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import type { GradientFn } from './opdef.js';

export interface OwnGradient {
  readonly rule: GradientFn;
  /** How many of the first inputs get no gradient and have been computed from what the rule never looks at. */
  readonly hidden: number;
}

/**
 * The key is the attribute itself, not its text: copies of the operation have it too, an operation that came from elsewhere under the
 * same text does not, and the gradient goes when the last of them does.
 */
const gradients = new WeakMap<AttrValue, OwnGradient>();

/** An attribute `_gradient_op_type` that gives the operation it is put on, and copies of it, this very gradient. */
export function attributeFor(name: string, gradient: OwnGradient): AttrValue {
  const attr: AttrValue = Object.freeze({ kind: 'string', value: name });
  giveGradient(attr, gradient);
  return attr;
}

/** Gives the operation that has this very attribute, and copies of it, a gradient. */
export function giveGradient(attr: AttrValue, gradient: OwnGradient): void {
  gradients.set(attr, gradient);
}

export function ownGradient({ def }: Operation): OwnGradient | undefined {
  const attr = def.attr['_gradient_op_type'];
  return attr && gradients.get(attr);
}

/** The inputs of an operation that gradient flows to, or that its rule looks at. */
export function inputsOfGradient(op: Operation): readonly Tensor[] {
  const hidden = ownGradient(op)?.hidden ?? 0;
  return hidden === 0 ? op.inputs : op.inputs.slice(hidden);
}
