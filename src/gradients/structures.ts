/** Nests of targets, sources and output gradients, as a tape takes them: flat, checked, and matched with each other. */
import { InvalidArgumentError } from '../graph/errors.js';
import { NDArray } from '../graph/ndarray.js';
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
 * What was given for each leaf of `nest`: an array of as many entries, or the nest itself with something else in its places.
 * Nothing given is null for all.
 * @throws InvalidArgumentError where there are more or fewer, or their structure is another one
 */
export function oneForEach(
  fn: string,
  option: string,
  nest: Nest<TapeOperand>,
  given: OutputGradients | undefined,
): readonly GradY[] {
  const count = flatten(nest).length;
  if (given === undefined || given === null) return new Array<null>(count).fill(null);
  const found = matched(nest, given) ?? listed(nest, given);
  if (found?.length === count) return found;
  throw new InvalidArgumentError(
    `${fn}: ${option} must have ${count === 1 ? 'one entry' : `${count} entries`}, in the structure ${describeNest(nest)} ` +
      `or in a flat list; it is ${describeNest(given)}.`,
  );
}

/** The gradients in the places of the targets; undefined where the structures differ. */
function matched(target: unknown, given: unknown): GradY[] | undefined {
  if (Array.isArray(target)) {
    if (!Array.isArray(given) || given.length !== target.length) return undefined;
    return all(target.map((item, i) => matched(item, given[i])));
  }
  if (!isPlainObject(target)) {
    const found = unwrapped(target as TapeOperand, given);
    return found === undefined ? undefined : [found];
  }
  const keys = Object.keys(target);
  if (!isPlainObject(given) || Object.keys(given).length !== keys.length) return undefined;
  if (!keys.every((key) => Object.hasOwn(given, key))) return undefined;
  return all(keys.map((key) => matched(target[key], given[key])));
}

function all(parts: readonly (GradY[] | undefined)[]): GradY[] | undefined {
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

/**
 * What is given for a bare operand; it may stand in a list of its own. Data in a list has one dimension more than the operand.
 * Undefined for a list of several.
 */
function unwrapped(operand: TapeOperand, given: unknown): GradY | undefined {
  if (!Array.isArray(given)) return given as GradY;
  const items = given as readonly unknown[];
  if (items.some(isEntry)) return items.length === 1 ? (items[0] as GradY) : undefined;
  const rank = operand.shape?.length;
  const listed = items.length === 1 && (rank === undefined || rankOf(given) === rank + 1);
  return (listed ? items[0] : given) as GradY;
}

/** Whether `value` stands for itself: it is no part of an array of numbers. */
function isEntry(value: unknown): boolean {
  return value === null || value instanceof Tensor || value instanceof IndexedSlices || isConvertible(value);
}

/** How deep data is nested. */
function rankOf(data: unknown): number {
  if (Array.isArray(data)) return 1 + rankOf(data[0]);
  if (data instanceof NDArray) return data.shape.length;
  return ArrayBuffer.isView(data) ? 1 : 0;
}

/** Gradients in a flat list. */
function listed(target: unknown, given: unknown): GradY[] | undefined {
  return Array.isArray(given) && (Array.isArray(target) || isPlainObject(target)) ? (given as GradY[]) : undefined;
}
