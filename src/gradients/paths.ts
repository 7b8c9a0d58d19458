/** Which operations lie between xs and ys, and how many of their outgoing edges the backward walk still waits for. */
import { FunctionGraph } from '../graph/function-graph.js';
import type { Graph } from '../graph/graph.js';
import type { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import { isDifferentiable } from '../ops/handles.js';

/** What an operation's gradient goes on to: its inputs; of an argument of a function body, the tensor outside that it stands for. */
export function sourcesOf(op: Operation): readonly Tensor[] {
  if (op.inputs.length > 0 || !(op.graph instanceof FunctionGraph)) return op.inputs;
  const outside = op.outputs[0] && op.graph.capturedBy(op.outputs[0]);
  return outside ? [outside] : op.inputs;
}

/** The operations of one graph, from the oldest that matters on. */
interface Span {
  readonly depth: number;
  readonly oldest: number;
  readonly between: Uint8Array;
  readonly reached: Uint8Array;
  readonly pending: Int32Array;
}

/**
 * The operations through which ys depend on xs by differentiable data edges. Boundaries are whole operations, as in
 * TensorFlow. Only ancestors of ys younger than the oldest x are ever looked at. Where ys stand in a function body, the
 * region goes on from captured tensors into the graphs around it that xs stand in.
 */
export class Region {
  readonly #spans: ReadonlyMap<Graph, Span>;
  #last: { readonly graph: Graph; readonly span: Span | undefined } | null = null;

  constructor(ys: readonly Tensor[], xs: readonly Tensor[]) {
    const targets = new Set(ys.map((y) => y.op));
    const sources = new Set(xs.map((x) => x.op));
    this.#spans = spansFor(targets, sources);
    const ancestors = this.#ancestors(targets);
    this.#markReached(sources, ancestors);
    for (let i = ancestors.length - 1; i >= 0; i--) {
      const op = ancestors[i]!;
      const span = this.#spanOf(op)!;
      const at = op.id - span.oldest;
      if (!span.reached[at]) span.between[at] = 0;
      else if (targets.has(op)) span.between[at] = 1;
      if (!span.between[at]) continue;
      for (const { op: producer } of sourcesOf(op)) {
        const from = this.#spanOf(producer);
        if (!from?.reached[producer.id - from.oldest]) continue;
        from.between[producer.id - from.oldest] = 1;
        from.pending[producer.id - from.oldest]!++;
      }
    }
  }

  contains(op: Operation): boolean {
    const span = this.#spanOf(op);
    return span?.between[op.id - span.oldest] === 1;
  }

  /** How many edges from `op` into the region are not walked yet. */
  pending(op: Operation): number {
    const span = this.#spanOf(op);
    return span?.pending[op.id - span.oldest] ?? 0;
  }

  /** Counts one edge from `op` as walked; true where it was the last. */
  settle(op: Operation): boolean {
    if (!this.contains(op)) return false;
    const span = this.#spanOf(op)!;
    return --span.pending[op.id - span.oldest]! === 0;
  }

  #spanOf({ graph }: Operation): Span | undefined {
    if (this.#last?.graph !== graph) this.#last = { graph, span: this.#spans.get(graph) };
    return this.#last.span;
  }

  /** Targets and what they depend on, inputs before what uses them. */
  #ancestors(targets: ReadonlySet<Operation>): readonly Operation[] {
    const seen = new Map([...this.#spans].map(([graph, { between }]) => [graph, new Uint8Array(between.length)]));
    const stack: Operation[] = [];
    const visit = (op: Operation): void => {
      const at = op.id - (this.#spanOf(op)?.oldest ?? Infinity);
      if (at < 0) return;
      const marks = seen.get(op.graph)!;
      if (marks[at]) return;
      marks[at] = 1;
      stack.push(op);
    };
    targets.forEach(visit);
    const found: Operation[] = [];
    for (let op = stack.pop(); op; op = stack.pop()) {
      found.push(op);
      for (const input of sourcesOf(op)) visit(input.op);
    }
    if (this.#spans.size === 1) return inOrder(found, [...seen.values()][0]!, [...this.#spans.values()][0]!.oldest);
    return found.sort((a, b) => this.#spanOf(a)!.depth - this.#spanOf(b)!.depth || a.id - b.id);
  }

  #markReached(sources: ReadonlySet<Operation>, ancestors: readonly Operation[]): void {
    const isReached = (tensor: Tensor): boolean => {
      const span = this.#spanOf(tensor.op);
      return span?.reached[tensor.op.id - span.oldest] === 1 && isDifferentiable(tensor);
    };
    for (const op of ancestors) {
      if (!sources.has(op) && !sourcesOf(op).some(isReached)) continue;
      const span = this.#spanOf(op)!;
      span.reached[op.id - span.oldest] = 1;
    }
  }
}

/** Operations of one graph, oldest first: `marks` says which they are, counted from `oldest`. */
function inOrder(found: Operation[], marks: Uint8Array, oldest: number): readonly Operation[] {
  if (found.length * sparse < marks.length) return found.sort((a, b) => a.id - b.id);
  const graph = found[0]?.graph;
  const ordered: Operation[] = [];
  for (let i = 0; i < marks.length; i++) if (marks[i]) ordered.push(graph!.at(oldest + i));
  return ordered;
}

/** From how many operations on, for each one wanted, sorting those is quicker than going over all. */
const sparse = 20;

/** The spans of the graphs that ys stand in and of those around them, as far out as xs stand. */
function spansFor(targets: ReadonlySet<Operation>, sources: ReadonlySet<Operation>): ReadonlyMap<Graph, Span> {
  const spans = new Map<Graph, Span>();
  const oldestIn = new Map<Graph, number>();
  for (const { graph, id } of sources) oldestIn.set(graph, Math.min(oldestIn.get(graph) ?? Infinity, id));
  let newest = -1;
  for (const { id } of targets) newest = Math.max(newest, id);
  for (const { graph: innermost } of targets) {
    const around = [innermost];
    while (around.at(-1) instanceof FunctionGraph) around.push((around.at(-1) as FunctionGraph).outer);
    const outermost = around.findLastIndex((graph) => oldestIn.has(graph));
    for (let i = 0; i <= outermost; i++) {
      const graph = around[i]!;
      if (spans.has(graph)) continue;
      // What is captured from further out may be any operation's, so only the outermost graph starts at its first x.
      const oldest = i === outermost ? oldestIn.get(graph)! : 0;
      const size = Math.max(0, (spans.size === 0 && outermost === 0 ? newest : graph.version - 1) - oldest + 1);
      spans.set(graph, {
        depth: around.length - i,
        oldest,
        between: new Uint8Array(size),
        reached: new Uint8Array(size),
        pending: new Int32Array(size),
      });
    }
  }
  return spans;
}

/** The operations that receive gradient but are not differentiated: xs with no other x upstream, and what the user stops at. */
export function stopOperations(
  region: Region,
  xs: readonly Tensor[],
  stopGradients: readonly Tensor[],
): ReadonlySet<Operation> {
  const stops = new Set(stopGradients.map((t) => t.op));
  for (const { op } of xs) {
    if (!sourcesOf(op).some((input) => region.pending(input.op) > 0)) stops.add(op);
  }
  return stops;
}
