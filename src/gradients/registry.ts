/** Which gradient rule an operation has: the one registered under its override, under its type, or its record's. */
import { InvalidArgumentError, LookupError } from '../graph/errors.js';
import type { Operation } from '../graph/operation.js';
import { opDef, type Gradient, type GradientFn } from '../ops/opdef.js';

const registered = new Map<string, GradientFn | 'none'>();

/**
 * Registers a gradient under a name: an op type that has none, or a name for `gradientOverrideMap`
 * (TensorFlow `tf.RegisterGradient`).
 * @param gradient takes the operation and the gradients of its outputs; returns one gradient (or null) for each input
 * @throws InvalidArgumentError where that name has a gradient already
 * @example
 * registerGradient('Tripled', (op, dy) => [multiply(dy, 3)]);
 * const x = constant(5);
 * const y = gradientOverrideMap({ Identity: 'Tripled' }, () => identity(x));
 * gradients(y, x); // [3]
 */
export function registerGradient(
  name: string,
  gradient: (op: Operation, ...gradOutputs: Gradient[]) => Gradient | null | readonly (Gradient | null)[],
): void {
  if (typeof gradient !== 'function')
    throw new InvalidArgumentError(`registerGradient: the gradient of '${name}' must be a function.`);
  register(name, (op, dys) => {
    const result = gradient(op, ...dys);
    return Array.isArray(result) ? (result as readonly (Gradient | null)[]) : [result as Gradient | null];
  });
}

/** Declares that no gradient flows through operations of a type (TensorFlow `tf.no_gradient`). */
export function noGradient(name: string): void {
  register(name, 'none');
}

function register(name: string, gradient: GradientFn | 'none'): void {
  if (typeof name !== 'string' || name === '')
    throw new InvalidArgumentError('A gradient is registered under a non-empty string.');
  if (registered.has(name)) throw new InvalidArgumentError(`There is a gradient named '${name}' already.`);
  registered.set(name, gradient);
}

/**
 * The rule that differentiates `op`; null where it is known that no gradient flows.
 * @throws LookupError where nobody decided
 */
export function gradientOf(op: Operation): GradientFn | null {
  if (op.inputs.length === 0) return null;
  const override = op.hasAttr('_gradient_op_type') ? op.stringAttr('_gradient_op_type') : null;
  const rule = registered.get(override ?? op.type) ?? (override === null ? opDef(op.type).grad : undefined);
  if (rule === undefined) {
    throw new LookupError(
      `There is no gradient named '${override}', which gradientOverrideMap asks for in operation '${op.name}' (${op.type}), ` +
        `created at ${op.createdAt}. Call registerGradient('${override}', …) first.`,
      op.details(),
    );
  }
  return typeof rule === 'function' ? rule : null;
}
