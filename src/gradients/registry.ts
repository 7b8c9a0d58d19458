/** Which gradient rule an operation has: one of its own, the one registered under its override or type, or its record's. */
import { InvalidArgumentError, LookupError } from '../graph/errors.js';
import type { Operation } from '../graph/operation.js';
import { CallSite } from '../graph/site.js';
import { findOp, isOp, type Gradient, type GradientFn } from '../ops/opdef.js';
import { ownGradient } from '../ops/own-gradient.js';

interface Registration {
  readonly rule: GradientFn | 'none';
  readonly site: CallSite;
}

const registered = new Map<string, Registration>();

/**
 * Registers a gradient under a name: that of an op which has none, or one for `gradientOverrideMap` (TensorFlow
 * `tf.RegisterGradient`). It holds for all graphs, from now on.
 * @param gradient takes the operation and, for each of its outputs, the gradient, which is IndexedSlices where it is sparse, null where the
 *   output is of integers, bools or strings, and zeros where nothing uses it; returns one gradient (or null) for each input. One that is no list stands for a list of one.
 * @throws InvalidArgumentError where that name has a gradient already, also that of an op of this library
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
  const fn = 'registerGradient';
  checkName(fn, name);
  if (typeof gradient !== 'function')
    throw new InvalidArgumentError(`${fn}: the gradient of '${name}' must be a function.`);
  register(fn, name, (op, dys) => {
    const result = gradient(op, ...dys);
    return Array.isArray(result) ? (result as readonly (Gradient | null)[]) : [result as Gradient | null];
  });
}

/**
 * Declares that no gradient flows through operations of a type, or through those that `gradientOverrideMap` gives this name
 * (TensorFlow `tf.no_gradient`).
 * @throws InvalidArgumentError where that name has a gradient already, also that of an op of this library
 * @example
 * noGradient('Blocked');
 * const x = constant(5);
 * const y = gradientOverrideMap({ Square: 'Blocked' }, () => square(x));
 * gradients(y, x); // [null]
 */
export function noGradient(name: string): void {
  checkName('noGradient', name);
  register('noGradient', name, 'none');
}

function checkName(fn: string, name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '')
    throw new InvalidArgumentError(`${fn}: the name must be a non-empty string.`);
}

function register(fn: string, name: string, rule: GradientFn | 'none'): void {
  const before = registered.get(name);
  if (before)
    throw new InvalidArgumentError(`${fn}: '${name}' has a gradient already, registered at ${before.site.toString()}.`);
  if (isOp(name)) {
    throw new InvalidArgumentError(
      `${fn}: the op '${name}' has a gradient already. Register yours under another name, and make the operations inside ` +
        `gradientOverrideMap({ ${name}: 'that name' }, …).`,
    );
  }
  registered.set(name, { rule, site: CallSite.capture(8) });
}

/**
 * The rule that differentiates `op`; null where it is known that no gradient flows.
 * @throws LookupError where nobody decided
 */
export function gradientOf(op: Operation): GradientFn | null {
  if (op.inputs.length === 0) return null;
  const own = ownGradient(op);
  if (own) return own.rule;
  const override = op.hasAttr('_gradient_op_type') ? op.stringAttr('_gradient_op_type') : null;
  const rule = ruleNamed(override ?? op.type);
  if (rule === undefined) throw override === null ? unknownOp(op) : unknownOverride(op, override);
  return typeof rule === 'function' ? rule : null;
}

/** What is registered under a name, or the rule of the op of that name: an override may name any op's. */
function ruleNamed(name: string): GradientFn | 'none' | 'stop' | undefined {
  return registered.get(name)?.rule ?? findOp(name)?.grad;
}

/** Whether operations of this type have a gradient, wherever they stand. */
export function isDifferentiableType(type: string): boolean {
  return typeof ruleNamed(type) === 'function';
}

function unknownOp(op: Operation): LookupError {
  return new LookupError(
    `Operation '${op.name}', created at ${op.createdAt}, is of an op that has no gradient here: '${op.type}'. Call ` +
      `registerGradient('${op.type}', …) first, or noGradient('${op.type}').`,
    op.details(),
  );
}

function unknownOverride(op: Operation, name: string): LookupError {
  const where = `operation '${op.name}' (${op.type}), created at ${op.createdAt}`;
  return new LookupError(
    name.startsWith('CustomGradient-')
      ? `The gradient '${name}' of ${where}, is that of a call of customGradient elsewhere: a JavaScript function, which does not come ` +
          `along with a graph. Build that part here, or call registerGradient('${name}', …) first.`
      : `There is no gradient named '${name}', which gradientOverrideMap asks for in ${where}. Call ` +
          `registerGradient('${name}', …) first.`,
    op.details(),
  );
}
