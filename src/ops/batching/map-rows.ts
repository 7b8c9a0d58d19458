/** A function of one row on all rows at once. */
import { getDefaultGraph } from '../../graph/graph.js';
import { controlDependencies } from '../../graph/scopes.js';
import type { Tensor } from '../../graph/tensor.js';
import { assembled, partsOfResult, type BodyResult, type Parts } from '../functional/results.js';
import { IndexedSlices } from '../indexed-slices.js';
import { flatten, packLike } from '../nest.js';
import type { Batched, Rows } from '../opdef.js';
import { argumentFor, trace } from '../trace.js';

export interface MappedOptions {
  /** Whether operations made in `fn` count as created where it makes them, not where the whole was called. */
  readonly ownSites?: boolean;
}

/** What `fn` returns for one row, for all rows. `operands` are those that it takes. */
export function mapRows(
  name: string,
  rows: Rows,
  operands: readonly Batched[],
  fn: (args: readonly Tensor[]) => unknown,
  { ownSites = false }: MappedOptions = {},
): unknown {
  const specs = operands.map(({ tensor, stacked }) =>
    argumentFor(tensor, undefined, stacked && tensor.shape ? tensor.shape.slice(1) : tensor.shape),
  );
  const { body, result } = trace('vectorized_map', getDefaultGraph(), specs, (args, self) => {
    const build = (): Parts => partsOfResult(name, dense(fn(args)));
    return ownSites ? self.withScope({ site: null }, build) : build();
  });
  const inputs = body.inputs.map((input, i): Batched => {
    const outside = body.capturedBy(input);
    return outside ? { tensor: outside, stacked: false } : operands[i]!;
  });
  const make = (): unknown =>
    assembled(
      result,
      rows.inline(body, inputs, result.tensors).map((value) => rows.stack(value)),
    );
  return body.controlCaptures.length > 0 ? controlDependencies(body.controlCaptures, make) : make();
}

/** Slices have as many rows as they please: only dense tensors can be stacked. */
function dense(result: unknown): BodyResult {
  return packLike(
    result,
    flatten(result).map((leaf) => (leaf instanceof IndexedSlices ? leaf.toTensor() : leaf)),
  ) as BodyResult;
}
