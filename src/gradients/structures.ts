/** Nests of targets, sources and output gradients, as a tape takes them: flat, checked, and matched with each other. */
import { InvalidArgumentError } from '../graph/errors.js';
import { Tensor } from '../graph/tensor.js';
import { isConvertible } from '../ops/call.js';
import { Variable } from '../ops/definitions/variable.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import { describeNest, flatten, isPlainObject, type Nest } from '../ops/nest.js';
import type { GradY } from './seeds.js';

/** What a tape differentiates, and differentiates by. */
export type TapeOperand = Tensor | Variable | IndexedSlices;

/** Gradients for the targets of a tape: in their structure, or in a flat list. */
export type OutputGradients = GradY | readonly OutputGradients[] | { readonly [key: string]: OutputGradients };

/** The leaves of a nest of tensors, variables and slices. @throws InvalidArgumentError for any other leaf */
export function operandsIn(fn: string, argument: string, nest: Nest<TapeOperand>): TapeOperand[] {
  return flatten<unknown>(nest).map((leaf) => {
    if (isOperand(leaf)) return leaf;
    throw new InvalidArgumentError(
      `${fn}: ${argument} must be a tensor, a variable, IndexedSlices, or a nest of them in arrays and plain objects; ` +
        `it holds ${describeLeaf(leaf)}.`,
    );
  });
}

function isOperand(value: unknown): value is TapeOperand {
  return value instanceof Tensor || value instanceof Variable || value instanceof IndexedSlices;
}

function describeLeaf(leaf: unknown): string {
  if (leaf === null || leaf === undefined) return String(leaf);
  return typeof leaf === 'object' ? `a ${leaf.constructor.name}` : `the ${typeof leaf} ${JSON.stringify(leaf)}`;
}

/** The tensor through which an operand takes part in the graph: of a variable the handle, of slices the values. */
export function tensorBehind(operand: TapeOperand): Tensor {
  if (operand instanceof Variable) return operand.handle;
  return operand instanceof IndexedSlices ? operand.values : operand;
}

/**
 * One gradient, or null, for each leaf of `target`.
 * @throws InvalidArgumentError where there are more or fewer, or their structure is another one
 */
export function outputGradientsFor(
  fn: string,
  target: Nest<TapeOperand>,
  given: OutputGradients | undefined,
): readonly GradY[] {
  const count = flatten(target).length;
  if (given === undefined || given === null) return new Array<null>(count).fill(null);
  const found = matched(target, given) ?? listed(target, given);
  if (found?.length === count) return found;
  throw new InvalidArgumentError(
    `${fn}: outputGradients must hold one gradient, or null, for each of the ${count} targets, in their structure ` +
      `${describeNest(target)} or in a flat list; it is ${describeNest(given)}.`,
  );
}

/** The gradients in the places of the targets; undefined where the structures differ. */
function matched(target: unknown, given: unknown): GradY[] | undefined {
  if (Array.isArray(target)) {
    if (!Array.isArray(given) || given.length !== target.length) return undefined;
    return all(target.map((item, i) => matched(item, given[i])));
  }
  if (!isPlainObject(target)) return isPlainObject(given) ? undefined : [unwrapped(given) as GradY];
  const keys = Object.keys(target);
  if (!isPlainObject(given) || Object.keys(given).length !== keys.length) return undefined;
  if (!keys.every((key) => Object.hasOwn(given, key))) return undefined;
  return all(keys.map((key) => matched(target[key], given[key])));
}

function all(parts: readonly (GradY[] | undefined)[]): GradY[] | undefined {
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

/** The gradient of a bare target may stand in a list of its own; a list of numbers is data. */
function unwrapped(given: unknown): unknown {
  if (!Array.isArray(given) || given.length !== 1) return given;
  const item = (given as readonly unknown[])[0];
  return item === null || item instanceof Tensor || item instanceof IndexedSlices || isConvertible(item) ? item : given;
}

/** Gradients in a flat list. */
function listed(target: unknown, given: unknown): GradY[] | undefined {
  return Array.isArray(given) && (Array.isArray(target) || isPlainObject(target)) ? (given as GradY[]) : undefined;
}
