/** Which operations lie between xs and ys, and how many of their outgoing edges the backward walk still waits for. */
import { isTrainable } from '../graph/dtype.js';
import type { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';

/**
 * The operations through which ys depend on xs by differentiable data edges. Boundaries are whole operations, as in
 * TensorFlow. Only ancestors of ys younger than the oldest x are ever looked at.
 */
export class Region {
  readonly #oldest: number;
  readonly #between: Uint8Array;
  readonly #pending: Int32Array;

  constructor(ys: readonly Tensor[], xs: readonly Tensor[]) {
    const targets = new Set(ys.map((y) => y.op));
    const sources = new Set(xs.map((x) => x.op));
    this.#oldest = minimum(sources);
    const size = Math.max(0, maximum(targets) - this.#oldest + 1);
    this.#between = new Uint8Array(size);
    this.#pending = new Int32Array(size);
    const ancestors = this.#ancestors(targets);
    const reached = this.#reachedFrom(sources, ancestors);
    for (let i = ancestors.length - 1; i >= 0; i--) {
      const op = ancestors[i]!;
      const at = op.id - this.#oldest;
      if (!reached[at]) this.#between[at] = 0;
      else if (targets.has(op)) this.#between[at] = 1;
      if (!this.#between[at]) continue;
      for (const { op: producer } of op.inputs) {
        const from = producer.id - this.#oldest;
        if (from < 0 || !reached[from]) continue;
        this.#between[from] = 1;
        this.#pending[from]!++;
      }
    }
  }

  contains(op: Operation): boolean {
    return this.#between[op.id - this.#oldest] === 1;
  }

  /** How many edges from `op` into the region are not walked yet. */
  pending(op: Operation): number {
    return this.#pending[op.id - this.#oldest] ?? 0;
  }

  /** Counts one edge from `op` as walked; true where it was the last. */
  settle(op: Operation): boolean {
    if (!this.contains(op)) return false;
    return --this.#pending[op.id - this.#oldest]! === 0;
  }

  /** Targets and what they depend on, oldest first. */
  #ancestors(targets: ReadonlySet<Operation>): readonly Operation[] {
    const seen = new Uint8Array(this.#between.length);
    const stack: Operation[] = [];
    const visit = (op: Operation): void => {
      const at = op.id - this.#oldest;
      if (at < 0 || seen[at]) return;
      seen[at] = 1;
      stack.push(op);
    };
    targets.forEach(visit);
    const found: Operation[] = [];
    for (let op = stack.pop(); op; op = stack.pop()) {
      found.push(op);
      for (const input of op.inputs) visit(input.op);
    }
    return found.sort((a, b) => a.id - b.id);
  }

  #reachedFrom(sources: ReadonlySet<Operation>, ancestors: readonly Operation[]): Uint8Array {
    const reached = new Uint8Array(this.#between.length);
    for (const op of ancestors) {
      const touched =
        sources.has(op) || op.inputs.some((t) => isTrainable(t.dtype) && reached[t.op.id - this.#oldest] === 1);
      if (touched) reached[op.id - this.#oldest] = 1;
    }
    return reached;
  }
}

function minimum(ops: ReadonlySet<Operation>): number {
  let least = Infinity;
  for (const op of ops) least = Math.min(least, op.id);
  return least;
}

function maximum(ops: ReadonlySet<Operation>): number {
  let greatest = -1;
  for (const op of ops) greatest = Math.max(greatest, op.id);
  return greatest;
}

/** The operations that receive gradient but are not differentiated: xs with no other x upstream, and what the user stops at. */
export function stopOperations(
  region: Region,
  xs: readonly Tensor[],
  stopGradients: readonly Tensor[],
): ReadonlySet<Operation> {
  const stops = new Set(stopGradients.map((t) => t.op));
  for (const { op } of xs) {
    if (!op.inputs.some((input) => region.pending(input.op) > 0)) stops.add(op);
  }
  return stops;
}
