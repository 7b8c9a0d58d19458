/** The elementary functions in WebAssembly where their results follow rules of their own, and each lane by itself. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MathLibrary } from '../../../src/session/backends/wasm/math/library.js';
import {
  apply,
  arrays,
  binaries,
  digits,
  dtypes,
  least,
  reference,
  sweep,
  unaries,
  type DType,
  type Values,
} from './math-support.js';
import { VectorMap } from './support.js';

/** Floats whose results follow rules of their own. */
const special: Readonly<Record<DType, readonly number[]>> = {
  float32: [
    0,
    2 ** -149,
    2 ** -127,
    2 ** -126,
    2 ** -30,
    0.5,
    1,
    1.5,
    2,
    3,
    4,
    5,
    87.5,
    88.8,
    104,
    2 ** 23,
    2 ** 24,
    2 ** 24 + 2,
    2 ** 31,
    1e30,
    3.4028234663852886e38,
    Infinity,
  ],
  float64: [
    0,
    2 ** -1074,
    2 ** -1030,
    2 ** -1022,
    2 ** -60,
    0.5,
    1,
    1.5,
    2,
    3,
    4,
    5,
    709.5,
    710,
    746,
    2 ** 31,
    2 ** 52,
    2 ** 53 - 1,
    2 ** 53,
    2 ** 53 + 2,
    1e300,
    Number.MAX_VALUE,
    Infinity,
  ],
};
const signed = (dtype: DType): readonly number[] => [...special[dtype], ...special[dtype].map((x) => -x), NaN];

/** Equal, or near where the exact result is neither 0 nor infinite. */
function agrees(dtype: DType, got: number, want: number): boolean {
  if (!Number.isFinite(want) || want === 0) return Object.is(got, want);
  return Math.abs(got - want) <= Math.max(Math.abs(want) * 2 ** (2 - digits[dtype]), 2 ** least[dtype]);
}

describe.each(dtypes)('special values of %s', (dtype) => {
  test.each(unaries)('%s', (name) => {
    const x = arrays[dtype].from(signed(dtype));
    const got = [...apply(name, dtype, padded(x))];
    const f = reference(name, dtype);
    const wrong = [...x].map((value, i) => ({ x: value, got: got[i]!, want: f(value) }));
    expect(wrong.filter(({ got, want }) => !agrees(dtype, got, want))).toEqual([]);
  });

  test.each(['expm1', 'log1p', 'sin', 'tan', 'tanh'] as const)('%s of a subnormal number is that number', (name) => {
    const tiny = [1, 2, 3, 77, 1000001].flatMap((k) => [k * 2 ** least[dtype], -k * 2 ** least[dtype]]);
    const x = arrays[dtype].from(tiny);
    expect([...apply(name, dtype, padded(x))].slice(0, x.length)).toEqual([...x]);
  });

  test.each(binaries)('%s, each with each', (name) => {
    const values = signed(dtype);
    const a = arrays[dtype].from(values.flatMap((x) => values.map(() => x)));
    const b = arrays[dtype].from(values.flatMap(() => values));
    const got = [...apply(name, dtype, padded(a), padded(b))];
    const f = reference(name, dtype);
    const wrong = [...a].map((x, i) => ({ x, y: b[i]!, got: got[i]!, want: f(x, b[i]!) }));
    expect(wrong.filter(({ got, want }) => !agrees(dtype, got, want))).toEqual([]);
  });

  test('floormod is exact', () => {
    const float = fc[dtype === 'float32' ? 'float' : 'double']();
    const f = reference('floormod', dtype);
    const near = fc.tuple(float, fc.integer({ min: -1000, max: 1000 })).map(([b, n]) => [b * n, b] as const);
    const pairs = fc.array(fc.oneof(fc.tuple(float, float), near), { minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(pairs, (tops) => {
        const [a, b] = [arrays[dtype].from(tops.map(([x]) => x)), arrays[dtype].from(tops.map(([, y]) => y))];
        expect([...apply('floormod', dtype, a, b)]).toEqual([...a].map((x, i) => f(x, b[i]!)));
      }),
      { numRuns: sweep ? 1000 : 60 },
    );
  });
});

/** With 1s to whole vectors. */
function padded<T extends Values>(values: T): T {
  const whole = new (values.constructor as new (length: number) => T)(Math.ceil(values.length / 4) * 4);
  whole.fill(1);
  whole.set(values);
  return whole;
}

describe('each lane by itself', () => {
  const cases = dtypes.flatMap((dtype) => [...unaries, ...binaries].map((name) => [name, dtype] as const));
  test.each(cases)('%s of %s is the same whatever stands beside it', (name, dtype) => {
    const count = name === 'pow' || name === 'floormod' ? 2 : 1;
    const size = dtype === 'float32' ? 4 : 2;
    const ordinary = fc.double({ min: -100, max: 100, noNaN: true });
    const lane = fc.oneof(ordinary, fc.constantFrom(...signed(dtype)), fc[dtype === 'float32' ? 'float' : 'double']());
    const vector = fc.array(lane, { minLength: size, maxLength: size });
    fc.assert(
      fc.property(fc.array(vector, { minLength: count, maxLength: count }), (vectors) => {
        const args = vectors.map((values) => arrays[dtype].from(values));
        const together = [...apply(name, dtype, ...args)];
        const alone = together.map(
          (_, i) => apply(name, dtype, ...args.map((values) => values.slice().fill(values[i]!)))[i]!,
        );
        expect(together).toEqual(alone);
      }),
      { numRuns: 100 },
    );
  });
});

test('a library defines each function once', () => {
  const names: string[] = [];
  new VectorMap(1, (module) => {
    const library = new MathLibrary(module);
    const refs = [library.function('exp', 'float32'), library.function('exp', 'float32')];
    names.push(...refs.map(({ name, index }) => `${name} ${index}`));
    return (code) => code.call(refs[0]!);
  });
  expect(new Set(names).size).toBe(1);
});
