/** Joining operations and tensors so that they happen together. */
import { InvalidArgumentError } from '../../graph/errors.js';
import { getDefaultGraph } from '../../graph/graph.js';
import { Operation } from '../../graph/operation.js';
import {
  colocateWith,
  controlDependencies,
  device,
  nameScope,
  operationOf,
  type OperationLike,
} from '../../graph/scopes.js';
import type { Tensor } from '../../graph/tensor.js';
import { convertToTensor, one } from '../call.js';
import { IndexedSlices } from '../indexed-slices.js';
import type { Operand, OpOptions } from '../types.js';
import { noOp } from './constant.js';

/** What `group` takes: operations and what belongs to one, nested at will. */
export type GroupInput = OperationLike | readonly GroupInput[];

/**
 * An operation that is done when all `inputs` are (TensorFlow `tf.group`). Inputs on several devices are joined on each
 * device first, so that one control edge crosses from each.
 * @throws InvalidArgumentError for something that is no operation, tensor or variable
 * @example
 * const [v, w] = [variable(1), variable(2)];
 * const step = group(v.assignAdd(1), w.assignAdd(1), { name: 'step' });
 */
export function group(...args: readonly (GroupInput | OpOptions)[]): Operation {
  const last = args.at(-1);
  const options = isOptions(last) ? last : {};
  const ops = flatten((last === options ? args.slice(0, -1) : args) as readonly GroupInput[]);
  const graph = (ops[0]?.graph ?? getDefaultGraph()).receiver;
  const build = () => nameScope(options.name ?? 'group_deps', (scope) => joined(ops, scope), graph);
  return graph.attempt(() => graph.atSite(() => graph.asDefault(build)));
}

function joined(ops: readonly Operation[], name: string): Operation {
  const devices = [...new Set(ops.map((op) => op.device))].sort();
  if (devices.length === 0) return noOp({ name });
  if (devices.length === 1) return joinedOn(devices[0]!, ops, { name });
  const parts = devices.map((place) =>
    joinedOn(
      place,
      ops.filter((op) => op.device === place),
      {},
    ),
  );
  return controlDependencies(parts, () => noOp({ name }));
}

function joinedOn(place: string, ops: readonly Operation[], options: OpOptions): Operation {
  return controlDependencies(ops, () => device(place, () => noOp(options)));
}

/** The trailing options: a plain object that belongs to no operation. */
function isOptions(value: unknown): value is OpOptions {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype && !('op' in value)
  );
}

function flatten(inputs: readonly GroupInput[]): Operation[] {
  return inputs.flatMap((input) => {
    if (Array.isArray(input)) return flatten(input as readonly GroupInput[]);
    if (input instanceof IndexedSlices) return componentsOf(input).map(({ op }) => op);
    return operationOf(input as OperationLike, 'group');
  });
}

function componentsOf({ values, indices, denseShape }: IndexedSlices): readonly Tensor[] {
  return denseShape ? [values, indices, denseShape] : [values, indices];
}

/** What `tuple` gives for each of its entries. */
export type TupleResult<X> = X extends null | undefined
  ? null
  : X extends Operation
    ? Operation
    : X extends IndexedSlices | Tensor
      ? X
      : Tensor;

export interface TupleOptions extends OpOptions {
  /** More operations to wait for. */
  readonly controlInputs?: readonly OperationLike[];
}

/**
 * The same tensors, each available only when all of them are computed (TensorFlow `tf.tuple`). null stays null; of
 * IndexedSlices the values wait; an operation gives an operation.
 * @throws InvalidArgumentError where there is nothing but nulls
 * @example
 * const [a, b] = tuple([constant(1), constant(2)]);
 * [a, b]; // [1, 2]
 */
export function tuple<const X extends readonly (Operand | IndexedSlices | Operation | null)[]>(
  tensors: X,
  options: TupleOptions = {},
): { -readonly [K in keyof X]: TupleResult<X[K]> } {
  const first = tensors.find((entry) => typeof entry === 'object' && entry !== null && 'graph' in entry) as
    Operation | undefined;
  const graph = (first?.graph ?? getDefaultGraph()).receiver;
  const build = (): unknown =>
    nameScope(options.name ?? 'tuple', () => gated(tensors, options.controlInputs ?? []), graph);
  return graph.attempt(() => graph.atSite(() => graph.asDefault(build))) as never;
}

type Gated = Tensor | IndexedSlices | Operation | null;

function gated(
  tensors: readonly (Operand | IndexedSlices | Operation | null)[],
  controlInputs: readonly OperationLike[],
): Gated[] {
  const entries = tensors.map((entry): Gated => {
    if (entry === null || entry === undefined || entry instanceof Operation || entry instanceof IndexedSlices)
      return entry ?? null;
    return convertToTensor(entry);
  });
  const waited = entries.filter((entry) => entry !== null).map((entry) => operationOf(entry, 'tuple'));
  const gating = [...new Set([...waited, ...controlInputs.map((input) => operationOf(input, 'tuple'))])].sort(
    (a, b) => a.id - b.id,
  );
  if (gating.length === 0) throw new InvalidArgumentError('tuple needs at least one tensor.');
  const gate = group(gating);
  return entries.map((entry) => {
    if (entry === null) return null;
    if (entry instanceof Operation) return controlDependencies([gate], () => group(entry));
    return after(gate, entry);
  });
}

/** `entry`, waiting for `gate`, placed where it is made. */
function after(gate: Operation, entry: Tensor | IndexedSlices): Tensor | IndexedSlices {
  const identity = (tensor: Tensor, name: string): Tensor =>
    colocateWith(tensor, () => controlDependencies([gate], () => one('Identity', [tensor], {}, { name })));
  return nameScope(
    'control_dependency',
    (scope) =>
      entry instanceof IndexedSlices
        ? new IndexedSlices(identity(entry.values, scope), entry.indices, entry.denseShape)
        : identity(entry, scope),
    gate.graph,
  );
}
