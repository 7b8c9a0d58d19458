/** What surrounds the creation of a node: name scope, device, colocation, control dependencies, gradient overrides. */
import { canonicalDevice, mergeDevices } from './devices.js';
import { InvalidArgumentError } from './errors.js';
import { FunctionGraph } from './function-graph.js';
import { getDefaultGraph, type Graph } from './graph.js';
import { checkName } from './names.js';
import { Operation } from './operation.js';

/** An operation, or anything that belongs to one: a tensor, a variable, slices. */
export type OperationLike = Operation | { readonly op: Operation };

/** The operation behind `value`. @throws InvalidArgumentError for anything else. */
export function operationOf(value: OperationLike, argument: string): Operation {
  const op: unknown = value instanceof Operation ? value : (value as { op?: unknown } | null | undefined)?.op;
  if (op instanceof Operation) return op;
  throw new InvalidArgumentError(
    `${argument}: cannot convert ${value === null ? 'null' : typeof value} to an operation.`,
  );
}

/**
 * Runs `fn` with `name/` before the names of the nodes it makes. A name that is in use gets a suffix; one that ends in
 * `/` re-enters that scope as it is.
 * @returns what `fn` returns
 * @throws InvalidArgumentError for a name with characters that no node may have
 * @example
 * const x = nameScope('layer1', () => constant(1, { name: 'x' }));
 * x.op.name; // 'layer1/x'
 */
export function nameScope<T>(name: string, fn: (scope: string) => T, graph: Graph = getDefaultGraph()): T {
  if (typeof name === 'string' && name.endsWith('/')) {
    checkName(name, false);
    return graph.withScope({ name: name.slice(0, -1) }, () => fn(name));
  }
  checkName(name, graph.scope.name !== '');
  const scope = graph.uniqueName(name);
  return graph.withScope({ name: scope }, () => fn(`${scope}/`));
}

/**
 * Runs `fn` with a device for the nodes it makes, such as `/job:worker/task:1/device:CPU:0`. Nested scopes merge field
 * by field, the inner one winning; null clears.
 * @throws InvalidArgumentError for a string that is no device spec
 * @example
 * const y = device('/job:ps', () => device('CPU:0', () => constant(1)));
 * y.op.device; // '/job:ps/device:CPU:0'
 */
export function device<T>(spec: string | null, fn: () => T, graph: Graph = getDefaultGraph()): T {
  const merged = spec === null ? '' : mergeDevices(graph.scope.device, canonicalDevice(spec));
  return graph.withScope({ device: merged }, fn);
}

/**
 * Runs `fn` such that the nodes it makes run after `controlInputs`. Blocks add up; null clears them. A node that already
 * depends, by data and through a node made in the block, on the block's inputs gets no control input.
 * @example
 * const first = constant(1, { name: 'first' });
 * const second = controlDependencies([first], () => constant(2));
 * second.op.controlInputs.map((op) => op.name); // ['first']
 */
export function controlDependencies<T>(
  controlInputs: readonly OperationLike[] | null,
  fn: () => T,
  graph: Graph = controlInputs?.length
    ? operationOf(controlInputs[0]!, 'controlDependencies').graph.receiver
    : getDefaultGraph(),
): T {
  if (controlInputs === null) return graph.withScope({ controllers: [] }, fn);
  const outer = graph.scope.controllers;
  const inputs = new Set<Operation>();
  for (const input of controlInputs) {
    const op = operationOf(input, 'controlDependencies');
    if (op.graph !== graph && graph instanceof FunctionGraph && graph.reaches(op.graph)) {
      graph.captureControl(op);
      continue;
    }
    checkSameGraph(op, graph, 'controlDependencies');
    if (!outer.some((controller) => controller.inputs.includes(op))) inputs.add(op);
  }
  return graph.withScope({ controllers: [...outer, { inputs: [...inputs], seen: new Set() }] }, fn);
}

/**
 * Runs `fn` such that the nodes it makes are placed with `op`. Device scopes outside do not apply; with
 * `ignoreExisting`, nor do colocation scopes outside, and `op` may be null: no colocation at all.
 * @throws InvalidArgumentError where `op` is null without `ignoreExisting`
 * @example
 * const x = constant(0, { name: 'x' });
 * const y = colocateWith(x, () => constant(1));
 * y.op.colocationGroups(); // ['loc:@x']
 */
export function colocateWith<T>(
  op: OperationLike | null,
  fn: () => T,
  options: { readonly ignoreExisting?: boolean } = {},
): T {
  const ignoreExisting = options.ignoreExisting ?? false;
  if (op === null) {
    if (!ignoreExisting) throw new InvalidArgumentError('colocateWith: op is null but ignoreExisting is not set.');
    return getDefaultGraph().withScope({ colocation: [], device: '' }, fn);
  }
  const target = operationOf(op, 'colocateWith');
  const graph = target.graph.receiver;
  const outer = ignoreExisting ? [] : graph.scope.colocation;
  return graph.withScope({ colocation: [...outer, target], device: '' }, fn);
}

/**
 * Runs `fn` such that nodes of the given op types get another gradient than their own: one of `registerGradient`'s, or that of
 * another op (TensorFlow `Graph.gradient_override_map`). Blocks add up, op by op; the name is looked up when the gradient is taken.
 * @returns what `fn` returns
 * @throws InvalidArgumentError unless keys and values are non-empty strings
 * @example
 * const x = constant([1.4, 2.6]);
 * const y = gradientOverrideMap({ Round: 'Identity' }, () => round(x));
 * [y, ...gradients(y, x)]; // [[1, 3], [1, 1]]
 */
export function gradientOverrideMap<T>(
  overrides: Readonly<Record<string, string>>,
  fn: () => T,
  graph: Graph = getDefaultGraph(),
): T {
  if (typeof overrides !== 'object' || overrides === null || Array.isArray(overrides)) {
    throw new InvalidArgumentError("gradientOverrideMap: the map must be an object, such as { Relu: 'GuidedRelu' }.");
  }
  if (typeof fn !== 'function')
    throw new InvalidArgumentError('gradientOverrideMap: the second argument must be a function.');
  for (const [type, gradient] of Object.entries(overrides)) {
    if (type === '' || typeof gradient !== 'string' || gradient === '') {
      throw new InvalidArgumentError(
        `gradientOverrideMap: the gradient for '${type}' must be the name of a registered one.`,
      );
    }
  }
  return graph.withScope({ gradientOverrides: { ...graph.scope.gradientOverrides, ...overrides } }, fn);
}

export function checkSameGraph(op: Operation, graph: Graph, argument: string): void {
  if (op.graph !== graph) {
    throw new InvalidArgumentError(`${argument}: '${op.name}' belongs to another graph.`, op.details());
  }
}
