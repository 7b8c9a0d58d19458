/** Sums of the gradients that reach one tensor along several paths (TensorFlow's aggregation methods). */
import type { Operation } from '../graph/operation.js';
import { colocateWith, nameScope } from '../graph/scopes.js';
import { Tensor } from '../graph/tensor.js';
import { one } from '../ops/call.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import type { Gradient } from '../ops/opdef.js';

export const aggregationMethods = ['addN', 'experimentalTree', 'experimentalAccumulateN'] as const;

/**
 * How several gradients of one tensor are added. 'addN': one AddN for each device, then one over the partial sums.
 * 'experimentalTree' and 'experimentalAccumulateN': additions of two, so that terms can be freed early.
 */
export type AggregationMethod = (typeof aggregationMethods)[number];

/** The gradients received so far, for each output of each operation. */
export class Accumulator {
  readonly #received = new Map<Operation, Gradient[][]>();

  add(tensor: Tensor, gradient: Gradient): void {
    let lists = this.#received.get(tensor.op);
    if (!lists) this.#received.set(tensor.op, (lists = tensor.op.outputs.map(() => [])));
    lists[tensor.index]!.push(gradient);
  }

  /** The sum for each output of `op`, null where nothing arrived. It takes the place of its terms. */
  aggregate(op: Operation, method: AggregationMethod): (Gradient | null)[] {
    const lists = this.#received.get(op);
    if (!lists) return op.outputs.map(() => null);
    return lists.map((terms) => {
      if (terms.length === 0) return null;
      if (terms.length > 1) terms.splice(0, terms.length, sum(op, terms, method));
      return terms[0]!;
    });
  }

  /** The aggregated gradient of `tensor`, or null. */
  of(tensor: Tensor): Gradient | null {
    return this.#received.get(tensor.op)?.[tensor.index]?.[0] ?? null;
  }
}

function sum(op: Operation, terms: readonly Gradient[], method: AggregationMethod): Gradient {
  if (terms.every((term) => term instanceof IndexedSlices)) return concatenate(terms);
  if (!terms.every((term) => term instanceof Tensor)) return one('AddN', [terms]);
  if (method === 'addN') return addByDevice(terms);
  return nameScope(
    `${op.name}_gradient_sum`,
    () => terms.reduce((total, term) => one('AddN', [[total, term]])),
    op.graph,
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
