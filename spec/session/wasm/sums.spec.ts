/**
 * Reductions to few elements: the documented order of their terms, whatever runs side by side and however many threads share them. Sizes
 * lie around the ends of vectors, blocks and shares.
 */
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as tl from '../../../src/index.js';
import { Graph, Session } from '../../../src/index.js';
import { disagreement } from '../../ops/support/agreement.js';
import { compiled } from './golden-programs.js';

type Numbers = Float32Array | Float64Array | Int32Array;
type Build = (x: tl.Tensor) => tl.Tensor;

const sessions: Session[] = [];
afterAll(() => Promise.all(sessions.map((session) => session.close())));

/** Runs all of `builds` on the same data in one session. */
function run(
  builds: readonly Build[],
  shape: readonly number[],
  data: Numbers,
  dtype: tl.DType,
  options: { readonly threads?: number; readonly backend?: string },
): readonly tl.NDArray[] {
  const graph = new Graph();
  return graph.asDefault(() => {
    const x = tl.placeholder(dtype, shape) as tl.Tensor;
    const session = new Session({ graph, ...options });
    sessions.push(session);
    return session.runSync(
      builds.map((build) => build(x)),
      new Map([[x, data]]),
    );
  });
}

const bits = (arrays: readonly tl.NDArray[]): readonly string[] =>
  arrays.map(({ data }) => {
    const { buffer, byteOffset, byteLength } = data as Float32Array;
    return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
  });

/** The same numbers from the same seed, all but some of them small. */
function numbers(length: number, seed: number): Float32Array {
  let state = seed >>> 0 || 1;
  return Float32Array.from({ length }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * (i % 101 === 0 ? 1e4 : 1);
  });
}

const round = Math.fround;
type Combine = (a: number, b: number) => number;

/** Terms 0 … count - 1 in the documented order: blocks of 128 at least and of the root of `count`, then what blocks come to. */
function inBlocks(count: number, identity: number, combine: Combine, term: (i: number) => number): number {
  const size = Math.max(128, Math.ceil(Math.sqrt(count)));
  const section = (from: number, to: number): number => {
    let total = identity;
    for (let i = from; i < to; i++) total = combine(total, term(i));
    return total;
  };
  if (count <= 128) return section(0, count);
  let total = identity;
  for (let at = 0; at < count; at += size) total = combine(total, section(at, Math.min(at + size, count)));
  return total;
}

/** A row from `at` on in the documented order: four lanes, joined from the first to the last, then what is left. */
function row(x: Float32Array, at: number, length: number, identity: number, combine: Combine): number {
  if (length < 4) return inBlocks(length, identity, combine, (i) => x[at + i]!);
  const vectors = Math.floor(length / 4);
  const lanes = [0, 1, 2, 3].map((lane) => inBlocks(vectors, identity, combine, (i) => x[at + 4 * i + lane]!));
  let total = lanes.reduce(combine);
  for (let i = 4 * vectors; i < length; i++) total = combine(total, x[at + i]!);
  return total;
}

const add: Combine = (a, b) => round(a + b);

describe('the documented order', () => {
  const lengths = [1, 3, 4, 511, 512, 513, 515, 516, 1024, 2047, 2048, 2049, 4096, 65_535, 65_536, 65_537, 66_052];
  const long = [202_500, 262_147, 525_313];

  test.each([...lengths, ...long])('of a row of %d', (length) => {
    const x = numbers(length, length);
    const near1 = x.map((value) => 1 + value / 1e6);
    const less1 = near1.map((value) => value - 1);
    for (const threads of [1, 3]) {
      const [sum, product] = run([(t) => tl.reduceSum(t.subtract(1)), tl.reduceProd], [length], near1, 'float32', {
        threads,
      });
      expect(sum!.element(0)).toBe(row(less1, 0, length, 0, add));
      expect(product!.element(0)).toBe(row(near1, 0, length, 1, (a, b) => round(a * b)));
    }
  });

  test.each([
    [2, 110_001],
    [127, 2052],
    [128, 2048],
    [129, 2049],
    [800, 301],
    [90_000, 3],
    [220_000, 1],
  ])('of %d rows of %d', (rows, columns) => {
    const x = numbers(rows * columns, rows);
    // Axes of one element are none.
    const expected =
      columns === 1 ? row(x, 0, rows, 0, add) : inBlocks(rows, 0, add, (i) => row(x, i * columns, columns, 0, add));
    for (const threads of [1, 2, 5]) {
      const [sum] = run([(t) => tl.reduceSum(t)], [rows, columns], x, 'float32', { threads });
      expect(sum!.element(0)).toBe(expected);
    }
  });

  test.each([
    [60_000, 4],
    [30_003, 7],
    [7000, 37],
  ])('of columns, %d terms in each of %d', (rows, columns) => {
    const x = numbers(rows * columns, columns);
    const expected = Array.from({ length: columns }, (_, j) => inBlocks(rows, 0, add, (i) => x[i * columns + j]!));
    for (const threads of [1, 2, 5]) {
      const [sums] = run([(t) => tl.reduceSum(t, { axis: 0 })], [rows, columns], x, 'float32', { threads });
      expect([...(sums!.data as Float32Array)]).toEqual(expected);
    }
  });
});

const positive: Build = (x) => tl.greater(x, tl.zerosLike(x));
const anything: Record<string, Build> = {
  sum: (x) => tl.reduceSum(x),
  max: (x) => tl.reduceMax(x),
  min: (x) => tl.reduceMin(x),
  any: (x) => tl.reduceAny(positive(x)),
  all: (x) => tl.reduceAll(tl.logicalNot(positive(x))),
  'sum of squares': (x) => tl.reduceSum(tl.square(x)),
  'sum of all, in each element': (x) => x.multiply(tl.reduceSum(x)),
  'last axis': (x) => tl.reduceSum(x, { axis: -1 }),
  'first axis': (x) => tl.reduceSum(x, { axis: 0 }),
};
const ofFloats: Record<string, Build> = {
  ...anything,
  mean: (x) => tl.reduceMean(x),
  prod: (x) => tl.reduceProd(x.multiply(1e-6).add(1)),
  variance: (x) => tl.reduceMean(tl.square(x.subtract(tl.reduceMean(x)))),
  'sum of an elementary function': (x) => tl.log(tl.reduceSum(tl.exp(tl.tanh(x)))).multiply(2),
  'largest of the first axis': (x) => tl.reduceMax(tl.abs(x), { axis: 0, keepDims: true }),
};
const reductions = { float32: ofFloats, float64: ofFloats, int32: anything } as const;
const dtypes = ['float32', 'float64', 'int32'] as const;

function dataOf(dtype: (typeof dtypes)[number], length: number, seed: number): Numbers {
  const values = numbers(length, seed);
  if (dtype === 'float32') return values;
  return dtype === 'float64' ? Float64Array.from(values) : Int32Array.from(values, (value) => value * 1000);
}

describe.each(dtypes)('%s', (dtype) => {
  const builds = Object.values(reductions[dtype]);
  const names = Object.keys(reductions[dtype]);

  test.each([
    [[220_001]],
    [[7, 30_013]],
    [[130, 1701]],
    [[30_013, 7]],
    [[5, 150, 301]],
    [[1, 220_000, 1]],
    [[3, 2, 37_001]],
  ])('shape %j: the same bits on any number of threads, and the interpreter agrees', (shape) => {
    const data = dataOf(
      dtype,
      shape.reduce((a, b) => a * b, 1),
      shape.length,
    );
    const one = run(builds, shape, data, dtype, { threads: 1 });
    const expected = bits(one);
    for (const threads of shape.length === 1 ? [2, 3, 5] : [3]) {
      const found = bits(run(builds, shape, data, dtype, { threads }));
      expect(names.filter((_, i) => found[i] !== expected[i])).toEqual([]);
    }
    // Of float32, the order is held above; so many roundings differ by more than comparisons allow.
    if (shape.length > 1 || dtype === 'float32') return;
    const reference = run(builds, shape, data, dtype, { backend: 'interpret' });
    expect(one.flatMap((array, i) => disagreement(array, reference[i]!) ?? [])).toEqual([]);
  });

  test('NaN, infinities and zeros of both signs', () => {
    if (dtype === 'int32') return;
    const data = dataOf(dtype, 210_000, 1).map((value, i) => (i % 2 === 0 ? -0 : value * 0)) as Float32Array;
    const special = [Infinity, -Infinity, NaN].map((value) => {
      const copy = data.slice();
      copy[123_457] = value;
      return copy;
    });
    for (const values of [data, ...special]) {
      const found = [1, 3].map((threads) => run(builds, [data.length], values, dtype, { threads }));
      const few = (results: readonly tl.NDArray[]) => results.map((array) => array.size < 10 && array.data);
      for (const results of found) expect(few(results)).toEqual(few(found[0]!));
    }
  });
});

test.each([
  [[220_001], undefined, true],
  [[2, 110_001], undefined, true],
  [[90_000, 3], undefined, true],
  [[60_000, 4], 0, true],
  [[3, 70_000], 1, true],
  [[20_000], undefined, false],
] as const)('threads share the sum of %j over axis %s: %s', (shape, axis, isShared) => {
  const build = () => {
    const x = tl.placeholder('float32', [...shape]) as tl.Tensor;
    return { feeds: [x], fetches: [tl.reduceSum(x, { axis: axis ?? null })] };
  };
  expect(compiled(build, () => undefined, 2).isShared).toBe(isShared);
  expect(compiled(build, () => undefined).isShared).toBe(false);
});

test('any shape, any number of threads', () => {
  const shape = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 100, max: 700 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(
      shape,
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 1, max: 1e6 }),
      fc.constantFrom(...dtypes),
      (some, threads, seed, dtype) => {
        // Long enough for threads to share.
        const length = some.reduce((a, b) => a * b, 1);
        const shape = [...some, Math.min(400_000, Math.ceil(210_000 / length) + (seed % 7))];
        const total = shape.reduce((a, b) => a * b, 1);
        if (total > 400_000) return;
        const builds = Object.values(reductions[dtype]);
        const data = dataOf(dtype, total, seed);
        expect(bits(run(builds, shape, data, dtype, { threads }))).toEqual(
          bits(run(builds, shape, data, dtype, { threads: 1 })),
        );
      },
    ),
    { numRuns: 5, seed: 5 },
  );
}, 60_000);
