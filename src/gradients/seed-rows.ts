/** The gradients of many seeds: one for each element of a tensor, taken all at once, in portions or in a loop. */
import { InvalidArgumentError } from '../graph/errors.js';
import { checkBoolean } from '../graph/options.js';
import { isFullyDefined, sizeOf } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { rangeOf } from '../ops/axes.js';
import { convertToTensor, one } from '../ops/call.js';
import { mapFnTo } from '../ops/definitions/map-scan.js';
import { vectorizedMap } from '../ops/definitions/vectorized-map.js';
import { item } from '../ops/indexing.js';
import type { Gradient } from '../ops/opdef.js';
import { constantBeside, joined, minus, scalarOf, shapeOf as ofShape, times } from '../ops/rules.js';

export interface SeedOptions {
  /**
   * How many rows of a Jacobian are computed at once, to save memory; all by default. Where `usePfor` is false, how many
   * iterations of the loop may be underway at once where TensorFlow runs it.
   */
  readonly parallelIterations?: number;
  /** Whether rows are computed together, by `vectorizedMap`; true by default. Otherwise one after the other, in a loop. */
  readonly usePfor?: boolean;
}

/** @throws InvalidArgumentError for options that are none */
export function checkSeedOptions(fn: string, { parallelIterations, usePfor }: SeedOptions): void {
  if (usePfor !== undefined) checkBoolean(fn, 'usePfor', usePfor);
  if (parallelIterations === undefined) return;
  if (Number.isInteger(parallelIterations) && parallelIterations > 0) return;
  throw new InvalidArgumentError(
    `${fn}: parallelIterations must be a positive integer, not ${String(parallelIterations)}.`,
  );
}

/** How many elements a tensor, or what a shape describes, has: a number where it is known. */
export function sizeOfShape(shape: Tensor, known: Tensor['shape']): number | Tensor {
  if (isFullyDefined(known)) return sizeOf(known);
  return one('Prod', [shape, [0]], {}, { name: 'size' });
}

/** The rows of an identity matrix in the dtype of `y`. */
export function unitRows(count: number | Tensor, y: Tensor): Tensor {
  const size = typeof count === 'number' ? constantBeside(y, count, 'int32') : count;
  const [on, off] = ([1, 0] as const).map((value) => constantBeside(y, scalarOf(y.dtype, value), y.dtype));
  return one('OneHot', [rangeOf(0, size), size, on!, off!], {}, { name: 'eye' });
}

/** The gradients of one seed, or of some number of seeds at once, and where each goes when they are stacked. */
export interface SeedWork {
  readonly each: (seed: Tensor) => readonly (Gradient | null)[];
  /** The shape of what `each` gives for x number `i`. */
  readonly shapeOf: (i: number) => Tensor;
}

/** What `each` gives for every row of `seeds`, stacked: null where it gives nothing. */
export function forEachSeed({ each, shapeOf }: SeedWork, seeds: Tensor, options: SeedOptions): Rows {
  const dense = (seed: Tensor): Rows => each(seed).map((gradient) => (gradient ? convertToTensor(gradient) : null));
  const all = (rows: Tensor): Rows => vectorizedMap(dense as never, rows) as never;
  const { usePfor = true, parallelIterations } = options;
  if (!usePfor) return looped(dense, seeds, shapeOf, parallelIterations);
  const count = seeds.shape?.[0] ?? null;
  if (parallelIterations === undefined || (count !== null && count <= parallelIterations)) return all(seeds);
  return inPortions(all, seeds, shapeOf, parallelIterations);
}

type Rows = readonly (Tensor | null)[];

/** One row after the other. What is null is so in all of them. */
function looped(
  build: (row: Tensor) => Rows,
  elems: Tensor,
  shapeOf: (i: number) => Tensor,
  parallelIterations?: number,
): Rows {
  const given: number[] = [];
  const noted = (row: Tensor): Rows => {
    const results = build(row);
    given.splice(0, Infinity, ...results.flatMap((result, i) => (result ? [i] : [])));
    if (given.length === 0) throw new Nothing(results);
    return results;
  };
  const options = parallelIterations === undefined ? {} : { parallelIterations };
  try {
    return mapFnTo(noted as never, elems, options, (_, k) => shapeOf(given[k]!)) as never;
  } catch (thrown) {
    if (thrown instanceof Nothing) return thrown.results;
    throw thrown;
  }
}

/** Ends the building of a loop that would compute nothing: no part of it stays. */
class Nothing {
  readonly results: Rows;
  constructor(results: Rows) {
    this.results = results;
  }
}

/** Portions of `size` rows one after the other, and then the rest. */
function inPortions(all: (rows: Tensor) => Rows, seeds: Tensor, shapeOf: (i: number) => Tensor, size: number): Rows {
  const shape = ofShape(seeds);
  const portion = constantBeside(seeds, [size], 'int32');
  const count = item(shape, { start: 0, stop: 1 });
  const row = item(shape, { start: 1 });
  const portions = one('FloorDiv', [count, portion]);
  const whole = times(portions, portion);
  const [origin, zeros] = [constantBeside(seeds, [0], 'int32'), one('ZerosLike', [row])];
  const front = one('Slice', [seeds, joined([origin, zeros]), joined([whole, row])]);
  const grouped = one('Reshape', [front, joined([portions, portion, row])]);
  const groups = looped(all, grouped, (i) => joined([portion, shapeOf(i)]));
  const rest = all(one('Slice', [seeds, joined([whole, zeros]), joined([minus(count, whole), row])]));
  return groups.map((group, i) => {
    if (group === null) return null;
    const flat = one('Reshape', [group, joined([whole, shapeOf(i)])]);
    const result = one('ConcatV2', [[flat, rest[i]!], 0], {}, { name: 'concat' });
    result.graph.refineShape(result, group.shape && [seeds.shape?.[0] ?? null, ...group.shape.slice(2)]);
    return result;
  });
}
