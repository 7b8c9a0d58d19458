/** Branches that a `where` did not choose contribute nothing, however singular they are. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import type { GradientOptions, Tensor } from '../../src/index.js';
import { first, gradient, second, tensorflow, unsigned, where, type Unary } from './masked-nan.support.js';
import { inGraph } from './support.js';

interface Singular {
  readonly name: string;
  readonly f: Unary;
  /** A point at which f has no finite derivative of order 1 or 2. */
  readonly at: number;
  /** A point at which it has, and its derivatives there. */
  readonly point: number;
  readonly d1: number;
  readonly d2: number;
  /** Whether TensorFlow's gradients of order 1 and 2 are NaN where f is not chosen at its singular point. */
  readonly nan: readonly [boolean, boolean];
}

const singular: readonly Singular[] = [
  { name: 'log', f: (x) => tl.log(x), at: 0, point: 2, d1: 0.5, d2: -0.25, nan: [true, false] },
  { name: 'sqrt', f: (x) => tl.sqrt(x), at: 0, point: 4, d1: 0.25, d2: -1 / 32, nan: [false, true] },
  { name: 'rsqrt', f: (x) => tl.rsqrt(x), at: 0, point: 4, d1: -1 / 16, d2: 3 / 128, nan: [false, true] },
  { name: '1 / x', f: (x) => tl.divide(1, x), at: 0, point: 2, d1: -0.25, d2: 0.25, nan: [true, true] },
  { name: 'reciprocal', f: (x) => tl.reciprocal(x), at: 0, point: 2, d1: -0.25, d2: 0.25, nan: [false, true] },
  { name: 'x ** 0.5', f: (x) => tl.pow(x, 0.5), at: 0, point: 4, d1: 0.25, d2: -1 / 32, nan: [true, true] },
  { name: 'x ** -1', f: (x) => tl.pow(x, -1), at: 0, point: 2, d1: -0.25, d2: 0.25, nan: [true, true] },
  { name: 'x ** x', f: (x) => tl.pow(x, x), at: 0, point: 1, d1: 1, d2: 2, nan: [true, true] },
  { name: 'log1p', f: (x) => tl.log1p(x), at: -1, point: 1, d1: 0.5, d2: -0.25, nan: [true, false] },
  { name: 'atanh', f: (x) => tl.atanh(x), at: 1, point: 0.5, d1: 4 / 3, d2: 16 / 9, nan: [true, false] },
  { name: 'xlogy', f: (x) => tl.xlogy(2, x), at: 0, point: 2, d1: 1, d2: -0.5, nan: [true, true] },
  { name: 'xdivy', f: (x) => tl.xdivy(2, x), at: 0, point: 2, d1: -0.5, d2: 0.5, nan: [true, true] },
  {
    name: 'x log x',
    f: (x) => tl.multiply(x, tl.log(x)),
    at: 0,
    point: 2,
    d1: 1 + Math.log(2),
    d2: 0.5,
    nan: [true, true],
  },
  { name: 'log sqrt x', f: (x) => tl.log(tl.sqrt(x)), at: 0, point: 2, d1: 0.25, d2: -1 / 8, nan: [true, true] },
  { name: 'sqrt |x|', f: (x) => tl.sqrt(tl.abs(x)), at: 0, point: 4, d1: 0.25, d2: -1 / 32, nan: [false, true] },
  {
    name: 'log of the identity',
    f: (x) => tl.log(tl.identity(x)),
    at: 0,
    point: 2,
    d1: 0.5,
    d2: -0.25,
    nan: [true, false],
  },
  {
    name: 'exp(1 / x)',
    f: (x) => tl.exp(tl.divide(1, x)),
    at: 0,
    point: 1,
    d1: -Math.E,
    d2: 3 * Math.E,
    nan: [true, true],
  },
  { name: 'tanh log x', f: (x) => tl.tanh(tl.log(x)), at: 0, point: 1, d1: 1, d2: -1, nan: [true, true] },
  {
    name: '(x + 1) / (x - 1)',
    f: (x) => tl.divide(x.add(1), x.subtract(1)),
    at: 1,
    point: 3,
    d1: -0.5,
    d2: 0.5,
    nan: [true, true],
  },
];

/** 3x, on the other side. */
const plain: Unary = (x) => tl.multiply(x, 3);

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  describe.each(singular)('$name', ({ f, at, point, d1, d2, nan }) => {
    const near = (value: unknown, expected: readonly number[]): void =>
      (value as number[]).forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, dtype === 'float32' ? 4 : 12));

    const sides: [string, boolean][] = [
      ['where it holds', true],
      ['where it does not', false],
    ];
    test.each(sides)('%s', (_, holds) => {
      inGraph(() => {
        const x = tl.constant([at, point, at], { dtype });
        const mask = tl.constant([!holds, holds, !holds]);
        const y = holds ? where(mask, f(x), plain(x)) : where(mask, plain(x), f(x));
        near(first(y, x), [3, d1, 3]);
        near(second(y, x), [0, d2, 0]);
        const theirs = [first(y, x, tensorflow), second(y, x, tensorflow)] as number[][];
        expect(theirs.map(([value]) => Number.isNaN(value))).toEqual(nan);
      });
    });

    test('chosen there, it is what it is', () => {
      inGraph(() => {
        const x = tl.constant([at, point], { dtype });
        const y = where([true, true], f(x), plain(x));
        expect(first(y, x)).toEqual(first(f(x), x, tensorflow));
        expect(second(y, x)).toEqual(second(f(x), x, tensorflow));
      });
    });

    test('in a nest of choices, all in one dimension that is not known', () => {
      inGraph((graph) => {
        const x = tl.placeholder(dtype, [null]) as Tensor;
        const [a, b] = [tl.placeholder('bool', [null]) as Tensor, tl.placeholder('bool', null) as Tensor];
        const y = where(a, where(b, f(x), plain(x)), f(x));
        const dx = gradient(y, x);
        const dxx = gradient(dx, x);
        const feeds = new Map<Tensor, unknown>([
          [x, [at, point, point, point]],
          [a, [true, true, false, true]],
          [b, [false, true, true, false]],
        ]);
        const [value, curvature] = new tl.Session({ graph }).runSync([dx, dxx], feeds as never);
        near(value.toArray(), [3, d1, d1, 3]);
        near(curvature.toArray(), [0, d2, d2, 0]);
      });
    });
  });
});

describe('complex', () => {
  test.each<[string, Unary]>([
    ['log', (z) => tl.log(z)],
    ['1 / z', (z) => tl.divide(tl.cast(1, 'complex64'), z)],
    ['log of the real part', (z) => tl.complex(tl.log(tl.real(z)), tl.imag(z))],
    ['z log |z|', (z) => tl.multiply(z, tl.cast(tl.log(tl.abs(z)), 'complex64'))],
  ])('%s', (_, f) => {
    inGraph(() => {
      const z = tl.constant([
        { re: 0, im: 0 },
        { re: 3, im: 4 },
      ]);
      const y = where([false, true], f(z), z);
      const seed = { gradYs: tl.onesLike(y) };
      const value = (options: GradientOptions) => first(y, z, { ...seed, ...options }) as { re: number; im: number }[];
      expect(value({})[0]).toEqual({ re: 1, im: 0 });
      expect(value({})[1]).toEqual(value(tensorflow)[1]);
      expect(Number.isNaN(value(tensorflow)[0]!.re)).toBe(true);
    });
  });
});

describe('broadcasting', () => {
  test('a scalar that no element chose', () => {
    inGraph(() => {
      const s = tl.constant(0);
      const y = where([false, false, false], tl.log(s), tl.constant(7));
      expect(first(y, s, tensorflow)).toBeNaN();
      expect(first(y, s)).toBe(0);
      expect(second(y, s)).toBe(0);
    });
  });

  test('a scalar that one element chose', () => {
    inGraph(() => {
      const s = tl.constant(2);
      const y = where([false, true, false], tl.log(s), tl.constant(7));
      expect(first(y, s)).toBe(0.5);
    });
  });

  test.each([
    ['known', [2, 3], [3], [2, 1]],
    ['partly known', [null, 3], [3], [null, 1]],
    ['not known', null, null, null],
  ] as const)('rows and columns, shapes %s', (_, full, rowShape, columnShape) => {
    inGraph((graph) => {
      const row = tl.placeholder('float64', rowShape as never) as Tensor;
      const column = tl.placeholder('float64', columnShape as never) as Tensor;
      const mask = tl.placeholder('bool', full as never) as Tensor;
      const y = where(mask, tl.divide(row, tl.log(column)), 0);
      const [dr, dc] = tl.gradients(y, [row, column]) as Tensor[];
      const [drr, dcc] = tl.gradients([dr!, dc!], [row, column]) as Tensor[];
      const session = new tl.Session({ graph });
      const feeds = new Map<Tensor, unknown>([
        [row, [1, 2, NaN]],
        [column, [[Math.E], [1]]],
        [
          mask,
          [
            [true, true, false],
            [false, false, false],
          ],
        ],
      ]);
      const values = session.runSync([dr!, dc!, drr!, dcc!], feeds as never).map((v) => v.toArray());
      // d(r / log c) = dr / log c - r / (c log² c) dc; at log c = 1.
      const e = Math.E;
      expect(values[0]).toEqual([1, 1, 0]);
      expect((values[1] as number[][])[0]![0]).toBeCloseTo(-3 / e, 12);
      expect((values[1] as number[][])[1]![0]).toBe(0);
      // Of the sum of both gradients: -1 / c log² c for each row, and for c: -Σ 1 / c log² c + Σ r (1 + 2 / log c) / c² log² c.
      (values[2] as number[]).forEach((v, i) => expect(v).toBeCloseTo([-1 / e, -1 / e, 0][i]!, 12));
      expect((values[3] as number[][])[0]![0]).toBeCloseTo(-2 / e + 9 / (e * e), 12);
      expect((values[3] as number[][])[1]![0]).toBe(0);
    });
  });

  test('a condition of lower rank, and one of a single element', () => {
    inGraph(() => {
      const x = tl.constant([
        [0, 2],
        [0, 4],
      ]);
      expect(first(where([false, true], tl.log(x), 0), x)).toEqual([
        [0, 0.5],
        [0, 0.25],
      ]);
      const rows = tl.constant([
        [0, 0],
        [2, 4],
      ]);
      expect(first(where([[false], [true]], tl.log(rows), 0), rows)).toEqual([
        [0, 0],
        [0.5, 0.25],
      ]);
      expect(first(where(false, tl.log(x), 0), x)).toEqual([
        [0, 0],
        [0, 0],
      ]);
    });
  });

  test('x / |x|, with the zero vector cut out', () => {
    inGraph(() => {
      const x = tl.constant([
        [0, 0],
        [3, 4],
      ]);
      const norm = tl.sqrt(tl.reduceSum(tl.square(x), { axis: 1, keepDims: true }));
      const y = where(norm.greater(0), tl.divide(x, norm), 0);
      const value = first(y, x) as number[][];
      expect(value[0]).toEqual([0, 0]);
      expect(value[1]![0]).toBeCloseTo((16 - 12) / 125, 6);
      expect(value[1]![1]).toBeCloseTo((9 - 12) / 125, 6);
      expect((first(y, x, tensorflow) as number[][])[0]).toEqual([NaN, NaN]);
    });
  });
});

describe('select, which does not broadcast', () => {
  test('by elements, by rows and by a scalar', () => {
    inGraph(() => {
      const x = tl.constant([
        [0, 2],
        [4, 0],
      ]);
      const byElement = tl.select(
        [
          [false, true],
          [true, false],
        ],
        tl.log(x),
        x,
      );
      expect(first(byElement, x)).toEqual([
        [1, 0.5],
        [0.25, 1],
      ]);
      expect(unsigned(second(byElement, x))).toEqual([
        [0, -0.25],
        [-0.0625, 0],
      ]);
      const rows = tl.constant([
        [0, 0],
        [2, 4],
      ]);
      expect(first(tl.select([false, true], tl.log(rows), rows), rows)).toEqual([
        [1, 1],
        [0.5, 0.25],
      ]);
      expect(first(tl.select(false, tl.log(x), x), x)).toEqual([
        [1, 1],
        [1, 1],
      ]);
    });
  });

  test('by rows, with nothing known of the shapes', () => {
    inGraph((graph) => {
      const x = tl.placeholder('float32', null) as Tensor;
      const rows = tl.placeholder('bool', null) as Tensor;
      const dx = gradient(tl.select(rows, tl.log(x), x), x);
      const feeds = new Map<Tensor, unknown>([
        [
          x,
          [
            [0, 0],
            [2, 4],
          ],
        ],
        [rows, [false, true]],
      ]);
      expect(new tl.Session({ graph }).runSync(dx, feeds as never).toArray()).toEqual([
        [1, 1],
        [0.5, 0.25],
      ]);
    });
  });
});
