/** Sums of the gradients that reach one tensor along several paths (TensorFlow's aggregation methods). */
import type { Operation } from '../graph/operation.js';
import { colocateWith, nameScope } from '../graph/scopes.js';
import { Tensor } from '../graph/tensor.js';
import { one } from '../ops/call.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import type { Gradient } from '../ops/opdef.js';
import type { Masks } from './masks.js';

export const aggregationMethods = ['addN', 'experimentalTree', 'experimentalAccumulateN'] as const;

/**
 * How several gradients of one tensor are added. 'addN': one AddN for each device, then one over the partial sums.
 * 'experimentalTree' and 'experimentalAccumulateN': additions of two, so that terms can be freed early.
 */
export type AggregationMethod = (typeof aggregationMethods)[number];

/** The gradients received so far, for each tensor. */
export class Accumulator {
  readonly #received = new Map<Tensor, Gradient[]>();
  readonly #masks: Masks | null;
  readonly #results: ReadonlySet<Tensor>;

  /** @param results the tensors whose gradients somebody else will see */
  constructor(masks: Masks | null, results: readonly Tensor[]) {
    this.#masks = masks;
    this.#results = new Set(results);
  }

  add(tensor: Tensor, gradient: Gradient): void {
    const terms = this.#received.get(tensor);
    if (terms) terms.push(gradient);
    else this.#received.set(tensor, [gradient]);
  }

  /** The sum for each output of `op`, null where nothing arrived. It takes the place of its terms, or goes with them. */
  aggregate(op: Operation, method: AggregationMethod): (Gradient | null)[] {
    return op.outputs.map((output) => {
      const terms = this.#received.get(output);
      if (!terms) return null;
      // Nobody asks for it again; a graph has millions of them.
      if (!this.#results.has(output)) this.#received.delete(output);
      const add = (all: readonly Gradient[]) => sum(op, all, method);
      if (terms.length > 1) terms.splice(0, terms.length, this.#masks?.sum([...terms], add) ?? add(terms));
      if (this.#masks && this.#results.has(output)) terms[0] = this.#masks.clean(terms[0]!);
      return terms[0]!;
    });
  }

  /** The aggregated gradient of a result, or null. */
  of(tensor: Tensor): Gradient | null {
    return this.#received.get(tensor)?.[0] ?? null;
  }
}

function sum(op: Operation, terms: readonly Gradient[], method: AggregationMethod): Gradient {
  if (terms.every((term) => term instanceof IndexedSlices)) return concatenate(terms);
  if (!terms.every((term) => term instanceof Tensor)) return one('AddN', [terms]);
  if (method === 'addN') return addByDevice(terms);
  return nameScope(
    `${op.name}_gradient_sum`,
    () => terms.reduce((total, term) => one('AddN', [[total, term]])),
    op.graph.receiver,
  );
}

function addByDevice(terms: readonly Tensor[]): Tensor {
  const devices = [...new Set(terms.map((term) => term.op.device))].sort();
  const partial = devices.map((device) => {
    const group = terms.filter((term) => term.op.device === device);
    return colocateWith(group[0]!, () => addAll(group), { ignoreExisting: true });
  });
  return addAll(partial);
}

function addAll(terms: readonly Tensor[]): Tensor {
  return terms.length === 1 ? terms[0]! : one('AddN', [terms]);
}

/** Slices add up by standing one after the other: rows that occur twice are summed by whoever uses them. */
function concatenate(terms: readonly IndexedSlices[]): IndexedSlices {
  const wide = terms.some((term) => term.indices.dtype === 'int64');
  const indices = terms.map(({ indices: i }) =>
    wide && i.dtype !== 'int64' ? one('Cast', [i], { DstT: 'int64' }) : i,
  );
  const values = one('ConcatV2', [terms.map((term) => term.values), 0], {}, { name: 'concat' });
  return new IndexedSlices(values, one('ConcatV2', [indices, 0], {}, { name: 'concat' }), terms[0]!.denseShape);
}
