/**
 * The error of the elementary functions in WebAssembly, in units of the last place.
 * With TAPELESS_SWEEP=1, 64 times as many float32 arguments (over 4 million a function) and 16 times as many of float64.
 */
import { describe, expect, test } from '@jest/globals';
import type { MathFunction } from '../../../src/session/backends/wasm/math/library.js';
import { apply, reference, sweep, unaries } from './math-support.js';
import { precise, ulps } from './precise.js';

/** In units of the last place of a float32 number, against one of float64. */
function errorOf32(got: number, want: number): number {
  const rounded = Math.fround(want);
  if (Object.is(rounded, got) && (got === 0 || !Number.isFinite(got))) return 0;
  // Beyond the largest number, infinity is as good as that number.
  if (Math.abs(want) >= 3.4028234663852886e38 && got === Math.sign(want) * Infinity) return 0;
  const last = Math.max(Math.floor(Math.log2(Math.abs(want))) - 23, -149);
  const error = Math.abs(got - want) / 2 ** last;
  const wrongSign = got === 0 && rounded === 0;
  return Number.isNaN(error) || wrongSign ? Infinity : error;
}

interface Worst {
  error: number;
  at: readonly number[];
}

function worstOf32(name: MathFunction, args: readonly Float32Array[], f: (...at: number[]) => number): Worst {
  const got = apply(name, 'float32', ...args);
  const [a, b] = args as readonly [Float32Array, Float32Array?];
  const worst: Worst = { error: 0, at: [] };
  for (let i = 0; i < got.length; i++) {
    const error = errorOf32(got[i]!, b ? f(a[i]!, b[i]!) : f(a[i]!));
    if (!(error <= worst.error)) Object.assign(worst, { error, at: args.map((values) => values[i]!) });
  }
  return worst;
}

/** Fails with where the error is. */
function expectWithin(worst: Worst, bound: number): void {
  expect(worst.error <= bound ? [] : [worst]).toEqual([]);
}

const rounds = sweep ? 64 : 1;
const perRound = 65536;

describe('float32: error in units of the last place, over all exponents', () => {
  const bounds = {
    exp: 1,
    expm1: 1.5,
    log: 1,
    log1p: 1,
    sin: 0.6,
    cos: 0.6,
    tan: 0.6,
    tanh: 1,
    erf: 1.1,
    erfc: 4,
  } as const;
  test.each(unaries)('%s', (name) => {
    const bits = new Uint32Array(perRound);
    const x = new Float32Array(bits.buffer);
    for (let round = 0; round < rounds; round++) {
      // An odd stride, so that the low bits vary.
      const stride = Math.floor(2 ** 32 / (perRound * rounds)) | 1;
      for (let i = 0; i < perRound; i++) bits[i] = (round * perRound + i) * stride;
      const worst = worstOf32(name, [x], reference(name, 'float64'));
      expectWithin(worst, bounds[name]);
    }
  });

  test('near the ends and the middle of their ranges', () => {
    const around = [
      0,
      0.173,
      0.3466,
      0.625,
      0.7071,
      1,
      1.4142,
      Math.PI / 4,
      Math.PI / 2,
      8.664,
      17.33,
      87,
      88.72,
      -17.3,
      -87.3,
      -103.9,
    ];
    for (const name of unaries) {
      for (const centre of around) {
        const x = Float32Array.from(
          { length: 2048 },
          (_, i) => centre * (1 + (i - 1024) * 2 ** -23) + (centre ? 0 : i * 2 ** -149),
        );
        const worst = worstOf32(name, [x], reference(name, 'float64'));
        expectWithin(worst, bounds[name]);
      }
    }
  });

  test('pow', () => {
    const bits = new Uint32Array(perRound);
    const x = new Float32Array(bits.buffer);
    const y = new Float32Array(perRound);
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < perRound; i++) {
        bits[i] = (round * perRound + i) * Math.floor(2 ** 32 / (perRound * rounds));
        const spread = (((i * 0x9e3779b1) >>> 0) / 2 ** 31 - 1) * (150 / Math.abs(Math.log2(Math.abs(x[i]!))));
        y[i] = i % 3 === 0 ? Math.round(spread) : spread;
      }
      const worst = worstOf32('pow', [x, y], reference('pow', 'float64'));
      expectWithin(worst, 0.51);
    }
  });
});

/** Reproducible numbers from 0 to 1. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function anyFloat64(next: () => number): number {
  for (;;) {
    const x = new Float64Array(Uint32Array.of(next() * 2 ** 32, next() * 2 ** 32).buffer)[0]!;
    if (Number.isFinite(x) && x !== 0) return x;
  }
}

describe('float64: error in units of the last place, against exact values', () => {
  const count = sweep ? 6400 : 400;
  const cases: Readonly<
    Record<(typeof unaries)[number], readonly [bound: number, ranges: readonly (readonly [number, number])[]]>
  > = {
    exp: [
      1,
      [
        [-745, 709.7],
        [-1, 1],
        [-0.4, 0.4],
      ],
    ],
    expm1: [
      1.5,
      [
        [-40, 709.7],
        [-1, 1],
        [-0.4, 0.8],
      ],
    ],
    log: [
      1,
      [
        [0.5, 2],
        [0.9, 1.1],
        [0, 1e6],
      ],
    ],
    log1p: [
      1,
      [
        [-0.999, 2],
        [-0.5, 0.5],
        [0, 1e6],
        [-1e-3, 1e-3],
      ],
    ],
    sin: [
      1,
      [
        [-1, 1],
        [-10, 10],
        [-1e6, 1e6],
        [1e6, 1e15],
      ],
    ],
    cos: [
      1,
      [
        [-1, 1],
        [-10, 10],
        [-1e6, 1e6],
        [1e6, 1e15],
      ],
    ],
    tan: [
      1.5,
      [
        [-1, 1],
        [-10, 10],
        [-1e6, 1e6],
        [1e6, 1e15],
      ],
    ],
    tanh: [
      1.5,
      [
        [-1, 1],
        [-0.3, 0.3],
        [0.4, 0.9],
        [-20, 20],
      ],
    ],
    erf: [
      1,
      [
        [-1, 1],
        [0.8, 1.3],
        [-6, 6],
      ],
    ],
    erfc: [
      2.5,
      [
        [-1, 1],
        [0.8, 1.3],
        [1.2, 3],
        [-6, 20],
      ],
    ],
  };

  function check(name: MathFunction, args: readonly Float64Array[], bound: number): void {
    const worst: Worst = { error: 0, at: [] };
    apply(name, 'float64', ...args).forEach((y, i) => {
      const at = args.map((values) => values[i]!);
      if (Math.abs(y) === Infinity && Object.is(y, reference(name, 'float64')(...at))) return;
      const error = ulps(y, precise[name]!(at[0]!, at[1] ?? 0));
      if (!(error <= worst.error)) Object.assign(worst, { error, at });
    });
    expectWithin(worst, bound);
  }

  test.each(unaries)('%s', (name) => {
    const next = random(7);
    const [bound, ranges] = cases[name];
    for (const [from, to] of ranges)
      check(name, [Float64Array.from({ length: count }, () => from + (to - from) * next())], bound);
    const everywhere = Float64Array.from({ length: count }, () => {
      const x = anyFloat64(next);
      if (name.startsWith('log')) return Math.abs(x);
      if (name === 'erfc') return x % 20;
      return name.startsWith('exp') ? x % 700 : x;
    });
    check(name, [everywhere], bound);
  });

  test.each(['sin', 'cos', 'tan'] as const)('%s where it is nearly 0 or infinite', (name) => {
    const next = random(11);
    const near = Float64Array.from({ length: count }, () => {
      const turn = (Math.PI / 2) * Math.floor(10 ** (6 * next()));
      return turn + (next() < 0.3 ? 0 : (next() - 0.5) * 2 ** -Math.floor(50 * next()));
    });
    check(name, [near], cases[name][0]);
    // The number of 53 bits that comes nearest to a multiple of π/2 (Muller, Elementary Functions, 2016, table 11.1).
    check(name, [Float64Array.of(6381956970095103 * 2 ** 797, 5.319372648326541e255)], cases[name][0]);
  });

  test('pow', () => {
    const next = random(13);
    const bases: readonly (() => number)[] = [
      () => Math.abs(anyFloat64(next)),
      () => 1 + (next() - 0.5) * 2 ** -Math.floor(50 * next()),
      () => 10 * next(),
    ];
    for (const base of bases) {
      const x = Float64Array.from({ length: count }, base);
      check('pow', [x, x.map((value) => (2090 * next() - 1070) / (Math.log2(value) || 1))], 1);
      check(
        'pow',
        [x, x.map(() => Math.round(8 * next() - 4))].map((values) => values.map((v) => v || 1)),
        1,
      );
    }
  });
});
