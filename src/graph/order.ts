/** Orders and reachability over operations, on arrays of indices: linear, and of no depth at which they fail. */
import type { NodeDef } from './attr.js';
import { InvalidArgumentError } from './errors.js';
import type { Operation } from './operation.js';

export interface AncestorOptions {
  /** Follow data inputs (the default). */
  readonly data?: boolean;
  /** Follow control inputs (the default). */
  readonly control?: boolean;
  /** Operations that are part of the result but whose inputs are not looked at. */
  readonly stopAt?: ReadonlySet<Operation>;
}

/**
 * The operations of `from` and all they depend on, oldest first.
 * @throws InvalidArgumentError where they belong to different graphs
 */
export function ancestors(from: Iterable<Operation>, options: AncestorOptions = {}): Operation[] {
  const { data = true, control = true, stopAt } = options;
  const roots = [...from];
  const graph = roots[0]?.graph;
  if (!graph) return [];
  let last = 0;
  for (const op of roots) {
    if (op.graph !== graph)
      throw new InvalidArgumentError(`'${op.name}' belongs to another graph than '${roots[0]!.name}'.`);
    last = Math.max(last, op.id);
  }
  const needed = new Uint8Array(last + 1);
  for (const op of roots) needed[op.id] = 1;
  const found: Operation[] = [];
  // Inputs have smaller ids, so one sweep downwards meets every operation after all that need it.
  for (let id = last; id >= 0; id--) {
    if (!needed[id]) continue;
    const op = graph.at(id);
    found.push(op);
    if (stopAt?.has(op)) continue;
    if (data) for (const input of op.inputs) needed[input.op.id] = 1;
    if (control) for (const input of op.controlInputs) needed[input.id] = 1;
  }
  return found.reverse();
}

/**
 * Indices `0 … count - 1` such that each comes after those that `inputsOf` gives for it (Kahn), and of those that may come next always
 * the least: a list that is in order already stays as it is, and what is not moves no further than it must.
 * @throws InvalidArgumentError where there is a cycle; `describe` names an index on it
 */
export function topologicalOrder(
  count: number,
  inputsOf: (index: number) => readonly number[],
  describe: (index: number) => string = String,
): Int32Array {
  const missing = new Int32Array(count);
  const start = new Int32Array(count + 1);
  let inOrder = true;
  for (let i = 0; i < count; i++) {
    for (const input of inputsOf(i)) {
      missing[i]!++;
      start[input + 1]!++;
      if (input >= i) inOrder = false;
    }
  }
  const order = Int32Array.from({ length: count }, (_, i) => i);
  if (inOrder) return order;
  for (let i = 0; i < count; i++) start[i + 1]! += start[i]!;
  const users = new Int32Array(start[count]!);
  const next = start.slice(0, count);
  for (let i = 0; i < count; i++) for (const input of inputsOf(i)) users[next[input]!++] = i;

  let written = 0;
  const ready = new Least();
  for (let i = 0; i < count; i++) if (missing[i] === 0) ready.push(i);
  for (let done = ready.pop(); done !== undefined; done = ready.pop()) {
    order[written++] = done;
    for (let u = start[done]!; u < start[done + 1]!; u++) if (--missing[users[u]!]! === 0) ready.push(users[u]!);
  }
  if (written < count) throw new InvalidArgumentError(cycleMessage(missing, inputsOf, describe));
  return order;
}

/** Numbers of which the least comes out first: a binary heap. */
class Least {
  readonly #heap: number[] = [];

  push(value: number): void {
    const heap = this.#heap;
    let at = heap.push(value) - 1;
    for (let up = (at - 1) >> 1; at > 0 && heap[up]! > value; up = (at - 1) >> 1) {
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = value;
  }

  pop(): number | undefined {
    const heap = this.#heap;
    const least = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return least;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (down + 1 < heap.length && heap[down + 1]! < heap[down]!) down++;
      if (heap[down]! >= last) break;
      heap[at] = heap[down]!;
      at = down;
    }
    heap[at] = last;
    return least;
  }
}

/** Every index that is still missing inputs leads, by such inputs, to a cycle. */
function cycleMessage(
  missing: Int32Array,
  inputsOf: (index: number) => readonly number[],
  describe: (index: number) => string,
): string {
  const position = new Map<number, number>();
  const path: number[] = [];
  let at = missing.findIndex((n) => n > 0);
  while (!position.has(at)) {
    position.set(at, path.length);
    path.push(at);
    at = inputsOf(at).find((input) => missing[input]! > 0)!;
  }
  const cycle = path.slice(position.get(at)).reverse();
  const shown = cycle.length > 8 ? [...cycle.slice(0, 7).map(describe), '…'] : cycle.map(describe);
  return `The nodes depend on each other in a circle: ${shown.join(' → ')} → ${describe(cycle[0]!)}.`;
}

/** The node behind an entry of `NodeDef.input`: `a` of `a`, `a:1` and `^a`. */
export function inputNodeName(input: string): string {
  if (input.startsWith('^')) return input.slice(1);
  const colon = input.indexOf(':');
  return colon < 0 ? input : input.slice(0, colon);
}

/**
 * `nodes` such that inputs come before what uses them. Inputs that are not in the list are taken to exist already.
 * @throws InvalidArgumentError where two nodes have one name, or they depend on each other in a circle
 */
export function orderNodes(nodes: readonly NodeDef[]): readonly NodeDef[] {
  const index = new Map<string, number>();
  nodes.forEach((node, i) => {
    if (index.has(node.name))
      throw new InvalidArgumentError(`Two nodes are called '${node.name}'.`, { nodeName: node.name, op: node.op });
    index.set(node.name, i);
  });
  const inputs = nodes.map((node) =>
    node.input.map((input) => index.get(inputNodeName(input))).filter((i): i is number => i !== undefined),
  );
  const order = topologicalOrder(
    nodes.length,
    (i) => inputs[i]!,
    (i) => `'${nodes[i]!.name}'`,
  );
  return Array.from(order, (i) => nodes[i]!);
}
