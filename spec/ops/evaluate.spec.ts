/** Expressions and reductions on hand-made lowerings. */
import { describe, expect, test } from '@jest/globals';
import type { DType } from '../../src/graph/dtype.js';
import type { NDArray } from '../../src/graph/ndarray.js';
import { type TensorData } from '../../src/graph/ndarray.js';
import { ravel } from '../../src/ops/elementwise.js';
import { bin, bound, cast, int, lazy, literal, reduce, select, un, type Expr } from '../../src/ops/expr.js';
import type { Lowering } from '../../src/ops/opdef.js';
import { add, array, f32, reducing, run, zip } from './support/kernels.js';

describe('elements', () => {
  const matrix = array([
    [1, 2, 3],
    [4, 5, 6],
  ]);

  test('equal shapes, scalars and broadcasting', () => {
    expect(run(add, matrix, matrix).toArray()).toEqual([
      [2, 4, 6],
      [8, 10, 12],
    ]);
    expect(run(add, matrix, array(1)).toArray()).toEqual([
      [2, 3, 4],
      [5, 6, 7],
    ]);
    expect(run(add, matrix, array([10, 20, 30])).toArray()).toEqual([
      [11, 22, 33],
      [14, 25, 36],
    ]);
    expect(run(add, array([[10], [20]]), matrix).toArray()).toEqual([
      [11, 12, 13],
      [24, 25, 26],
    ]);
    expect(run(add, array([[10], [20]]), array([1, 2])).toArray()).toEqual([
      [11, 12],
      [21, 22],
    ]);
    expect(run(add, array(1), array(2)).item()).toBe(3);
    expect(run(add, array([], 'float32', [0, 3]), array([1, 2, 3])).shape).toEqual([0, 3]);
  });

  test('float32 is rounded after every step', () => {
    const lower = zip((a, b) => bin('sub', bin('add', a, b), a));
    expect(run(lower, array([2 ** 24]), array([1])).toArray()).toEqual([0]);
    expect(run(lower, array([2 ** 24], 'float64'), array([1], 'float64')).toArray()).toEqual([1]);
  });

  test.each<[DType, TensorData, TensorData, unknown]>([
    ['float16', [1.5, 2048], [2, 1], [3.5, 2048]],
    ['bfloat16', [1.5, 256], [2, 1], [3.5, 256]],
    ['int8', [127], [1], [-128]],
    ['uint32', [4294967295], [2], [1]],
    ['int32', [2147483647], [1], [-2147483648]],
    ['int64', [9223372036854775807n], [1n], [-9223372036854775808n]],
    ['uint64', [18446744073709551615n], [2n], [1n]],
    ['complex64', [{ re: 1, im: 2 }], [{ re: 0.5, im: -1 }], [{ re: 1.5, im: 1 }]],
  ])('%s', (dtype, a, b, sum) => {
    expect(run(add, array(a, dtype), array(b, dtype)).toArray()).toEqual(sum);
  });

  test('tests, casts and parts change the dtype', () => {
    const equal: Lowering = ({ inputs: [a, b] }) => [lazy('bool', a.shape, (i) => bin('eq', a.at(i), b.at(i)))];
    expect(run(equal, array(['a', 'b'], 'string'), array(['a', 'c'], 'string')).toArray()).toEqual([true, false]);
    expect(run(equal, array([1n], 'int64'), array([1n], 'int64')).toArray()).toEqual([true]);
    const castTo =
      (to: DType): Lowering =>
      ({ inputs: [x] }) => [lazy(to, x.shape, (i) => cast(x.at(i), to))];
    expect(run(castTo('int64'), array([1.5, -2.5])).toArray()).toEqual([1n, -2n]);
    expect(run(castTo('float32'), array([1n, 2n], 'int64')).toArray()).toEqual([1, 2]);
    const modulus: Lowering = ({ inputs: [x] }) => [lazy('float32', x.shape, (i) => un('abs', x.at(i)))];
    expect(run(modulus, array([{ re: 3, im: 4 }], 'complex64')).toArray()).toEqual([5]);
  });

  test('a load by computed index', () => {
    const transpose: Lowering = ({ inputs: [x] }) => [
      lazy(x.dtype, [x.shape[1]!, x.shape[0]!], ([i, j]) => x.at([j!, i!])),
    ];
    expect(run(transpose, matrix).toArray()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    const reversed: Lowering = ({ inputs: [x] }) => [
      lazy(x.dtype, x.shape, ([i]) => x.at([bin('sub', int(x.shape[0]! - 1), i!)])),
    ];
    expect(run(reversed, array([1n, 2n, 3n], 'int64')).toArray()).toEqual([3n, 2n, 1n]);
    const position: Lowering = ({ inputs: [x] }) => [lazy('int32', x.shape, (i) => ravel(i, x.shape))];
    expect(run(position, matrix).toArray()).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });

  test('only the chosen branch of a select is evaluated', () => {
    const guarded: Lowering = ({ inputs: [x] }) => [
      lazy(x.dtype, [4], ([i]) => select(bin('lt', i!, int(2)), x.at([bound(i!, 2, 'x')]), literal(9, x.dtype))),
    ];
    expect(run(guarded, array([1, 2])).toArray()).toEqual([1, 2, 9, 9]);
    const chain: Lowering = ({ inputs: [x] }) => {
      const at = ([i]: readonly Expr[]) =>
        [0, 1, 2].reduceRight<Expr>(
          (no, k) => select(bin('eq', i!, int(k)), bin('mul', x.at([int(k)]), literal(10, x.dtype)), no),
          literal(-1, x.dtype),
        );
      return [lazy(x.dtype, [4], at)];
    };
    expect(run(chain, array([1, 2, 3])).toArray()).toEqual([10, 20, 30, -1]);
  });

  test('thousands of terms and of cases need no deep stack', () => {
    const sum: Lowering = ({ inputs: [x] }) => [
      lazy(x.dtype, x.shape, (i) => Array.from({ length: 20_000 }, () => x.at(i)).reduce((a, b) => bin('add', a, b))),
    ];
    expect(run(sum, array([1, 2])).toArray()).toEqual([20_000, 40_000]);
    const cases: Lowering = ({ inputs: [x] }) => [
      lazy(x.dtype, x.shape, (i) =>
        Array.from({ length: 20_000 }, (_, k) => k).reduceRight<Expr>(
          (no, k) => select(bin('eq', x.at(i), int(k)), int(k + 1), no),
          int(-1),
        ),
      ),
    ];
    expect(run(cases, array([0, 19_999, 20_000], 'int32')).toArray()).toEqual([1, 20_000, -1]);
  });
});

describe('reductions', () => {
  test('over all, over rows, over columns, in several axes', () => {
    const x = array([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(run(reducing('add'), x).item()).toBe(21);
    expect(run(reducing('mul'), x).item()).toBe(720);
    const rows: Lowering = ({ inputs: [x] }) => [
      lazy(x.dtype, [2], ([i]) => reduce('max', [3], ([j]) => x.at([i!, j!]))),
    ];
    expect(run(rows, x).toArray()).toEqual([3, 6]);
    const columns: Lowering = ({ inputs: [x] }) => [
      lazy(x.dtype, [3], ([j]) => reduce('min', [2], ([i]) => x.at([i!, j!]))),
    ];
    expect(run(columns, x).toArray()).toEqual([1, 2, 3]);
    expect(run(reducing('and'), array([true, false], 'bool')).item()).toBe(false);
    expect(run(reducing('add'), array([1n, 2n], 'int64')).item()).toBe(3n);
    expect(run(reducing('add'), array([[5]])).item()).toBe(5);
  });

  test('inside other expressions and inside each other', () => {
    const centred: Lowering = ({ inputs: [x] }) => [
      lazy(x.dtype, x.shape, ([i, j]) =>
        bin(
          'sub',
          x.at([i!, j!]),
          reduce('max', [3], ([k]) => x.at([i!, k!])),
        ),
      ),
    ];
    expect(
      run(
        centred,
        array([
          [1, 2, 3],
          [6, 5, 4],
        ]),
      ).toArray(),
    ).toEqual([
      [-2, -1, 0],
      [0, -1, -2],
    ]);
    const nested: Lowering = ({ inputs: [x] }) => [
      lazy(x.dtype, [], () =>
        reduce('add', [2], ([i]) =>
          bin(
            'mul',
            x.at([i!, int(0)]),
            reduce('max', [3], ([j]) => x.at([i!, j!])),
          ),
        ),
      ),
    ];
    expect(
      run(
        nested,
        array([
          [1, 2, 3],
          [6, 5, 4],
        ]),
      ).item(),
    ).toBe(39);
    const chosen: Lowering = ({ inputs: [x] }) => [
      lazy(x.dtype, [2], ([i]) =>
        select(
          bin('eq', i!, int(0)),
          reduce('add', [3], ([j]) => x.at([j!])),
          literal(0, x.dtype),
        ),
      ),
    ];
    expect(run(chosen, array([1, 2, 3])).toArray()).toEqual([6, 0]);
  });

  test('over no terms, the identity', () => {
    const empty = (dtype: DType) => array([], dtype, [0]);
    expect(run(reducing('add'), empty('float32')).item()).toBe(0);
    expect(run(reducing('max'), empty('float32')).item()).toBe(-Infinity);
    expect(run(reducing('max'), empty('int32')).item()).toBe(-(2 ** 31));
    expect(run(reducing('mul'), empty('int64')).item()).toBe(1n);
    expect(run(reducing('and'), empty('bool')).item()).toBe(true);
  });

  test('pairwise: leaves of 64 joined like the digits of a binary counter', () => {
    for (const n of [1, 63, 64, 65, 128, 129, 192, 1000, 4097]) {
      const x = f32(n, (i) => Math.sin(i) * 1000);
      const leaves: number[] = [];
      for (let start = 0; start < n; start += 64) {
        let leaf = 0;
        for (let i = start; i < Math.min(n, start + 64); i++) leaf = Math.fround(leaf + (x.element(i) as number));
        leaves.push(leaf);
      }
      const stack: number[] = [];
      leaves.forEach((leaf, i) => {
        let sum = leaf;
        for (let count = i + 1; count % 2 === 0; count /= 2) sum = Math.fround(stack.pop()! + sum);
        stack.push(sum);
      });
      expect(run(reducing('add'), x).item()).toBe(stack.reduceRight((right, left) => Math.fround(left + right)));
    }
  });

  test('leaves run across rows', () => {
    const x = f32(130 * 7, (i) => Math.cos(i));
    expect(run(reducing('add'), x.reshape([130, 7])).item()).toBe(run(reducing('add'), x).item());
    const big = array(
      BigInt64Array.from({ length: 200 }, (_, i) => BigInt(i)),
      'int64',
    );
    expect(run(reducing('add'), big.reshape([2, 100])).item()).toBe(19900n);
  });

  test('a million float32 add up to seven digits', () => {
    const error = (x: NDArray) => {
      const exact = (x.data as Float32Array).reduce((sum, y) => sum + y, 0);
      return Math.abs((run(reducing('add'), x).item() as number) / exact - 1);
    };
    expect(error(f32(1e6, (i) => 1 + Math.sin(i)))).toBeLessThan(1e-7);
    // Equal terms are the worst case: every rounding within a leaf goes the same way.
    expect(error(f32(1e6, () => 0.1))).toBeLessThan(1e-6);
  });

  test('NaN comes through max wherever it stands', () => {
    for (const at of [0, 70, 99])
      expect(
        run(
          reducing('max'),
          f32(100, (i) => (i === at ? NaN : i)),
        ).item(),
      ).toBeNaN();
  });
});
