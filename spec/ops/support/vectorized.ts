/** Functions of one row, on all rows at once and one after the other. */
import { expect } from '@jest/globals';
import * as tl from '../../../src/index.js';

export type Data = number | boolean | readonly Data[];
export type RowFunction = (...rows: tl.Tensor[]) => unknown;

export interface Comparison {
  /** Whether an op without a batching rule may run in a loop. */
  readonly loops?: boolean;
  readonly dtype?: tl.DType;
  /** How far apart values may be. */
  readonly tolerance?: number;
}

/** How much is known of the shapes of `elems` when the graph is built. */
export const knowledges = ['everything', 'ranks', 'nothing'] as const;
export type Knowledge = (typeof knowledges)[number];

/** Values of tensors in a fresh session, variables initialised; null stays null. */
export function valuesOf(
  graph: tl.Graph,
  fetches: readonly (tl.Tensor | null)[],
  feeds: ReadonlyMap<tl.Tensor, tl.NDArray> = new Map(),
): readonly (tl.NDArray | null)[] {
  const session = new tl.Session({ graph });
  session.runSync(graph.asDefault(() => tl.globalVariablesInitializer()));
  const given = fetches.filter((fetch) => fetch !== null);
  const values = session.runSync(given, feeds);
  let next = 0;
  return fetches.map((fetch) => (fetch === null ? null : values[next++]!));
}

export function flat(nest: unknown): (tl.Tensor | null)[] {
  if (nest === null || nest instanceof tl.Tensor) return [nest];
  return Object.values(nest as object).flatMap(flat);
}

/** The rows of placeholders, and what they are fed. */
function placeholders(arrays: readonly tl.NDArray[], known: Knowledge): ReadonlyMap<tl.Tensor, tl.NDArray> {
  return new Map(
    arrays.map((array) => {
      const shape = { everything: array.shape, ranks: array.shape.map(() => null), nothing: null }[known];
      return [tl.placeholder(array.dtype, shape), array] as const;
    }),
  );
}

/** The results of `fn` on all rows of `elems` at once. */
export function atOnce(
  fn: RowFunction,
  elems: readonly (Data | tl.NDArray)[],
  known: Knowledge = 'everything',
  { loops = false, dtype = 'float32' }: Comparison = {},
): readonly (tl.NDArray | null)[] {
  return run(fn, elems, known, dtype, (f, xs) => tl.vectorizedMap(f, xs, { fallbackToWhileLoop: loops, warn: false }));
}

function run(
  fn: RowFunction,
  elems: readonly (Data | tl.NDArray)[],
  known: Knowledge,
  dtype: tl.DType,
  map: (f: (rows: never) => never, xs: never) => unknown,
): readonly (tl.NDArray | null)[] {
  const graph = new tl.Graph();
  const arrays = elems.map((data) =>
    data instanceof tl.NDArray ? data : tl.NDArray.from(data as tl.TensorData, dtype),
  );
  return graph.asDefault(() => {
    const feeds = placeholders(arrays, known);
    const results = flat(map(((rows: tl.Tensor[]) => fn(...rows)) as never, [...feeds.keys()] as never));
    const values = valuesOf(graph, results, feeds);
    values.forEach((value, i) => {
      if (value) expect(agrees(results[i]!.shape, value.shape)).toBe(true);
    });
    return values;
  });
}

/** Whether a value of shape `actual` may be of a tensor of static shape `known`. */
function agrees(known: tl.Shape, actual: readonly number[]): boolean {
  if (known === null) return true;
  return known.length === actual.length && known.every((dim, i) => dim === null || dim === actual[i]);
}

/** `fn` on all rows at once gives what it gives row by row, however much is known of shapes. */
export function expectRowwise(fn: RowFunction, elems: readonly (Data | tl.NDArray)[], options: Comparison = {}): void {
  const { dtype = 'float32', tolerance = 1e-5 } = options;
  const expected = run(fn, elems, 'everything', dtype, (f, xs) => tl.mapFn(f, xs));
  for (const known of knowledges) {
    const found = atOnce(fn, elems, known, options);
    expectSame(found, expected, tolerance);
  }
}

export function expectSame(
  found: readonly (tl.NDArray | null)[],
  expected: readonly (tl.NDArray | null)[],
  tolerance = 1e-5,
): void {
  expect(found.map((value) => value && [value.dtype, [...value.shape]])).toEqual(
    expected.map((value) => value && [value.dtype, [...value.shape]]),
  );
  found.forEach((value, i) => {
    if (!value) return;
    const [a, b] = [value, expected[i]!].map((array) => Array.from(array.data as Iterable<unknown>, Number));
    const isOff = a!.some(
      (x, j) => !(Object.is(x, b![j]) || Math.abs(x - b![j]!) <= tolerance * (1 + Math.abs(b![j]!))),
    );
    if (isOff) expect(a).toEqual(b);
  });
}
