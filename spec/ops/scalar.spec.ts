/** The arithmetic of single elements against values that TensorFlow 2.21 gives on CPU. */
import { describe, expect, test } from '@jest/globals';
import type { DType } from '../../src/graph/dtype.js';
import type { Complex, Element } from '../../src/graph/elements.js';
import { DTypeError, InvalidArgumentError } from '../../src/graph/errors.js';
import type { BinaryOp, UnaryOp } from '../../src/ops/expr.js';
import { binary, combiner, conversion, identityOf, literalValue, unary } from '../../src/ops/scalar.js';

const two = (op: BinaryOp, dtype: DType, pairs: [Element, Element][]) => pairs.map(([a, b]) => binary(op, dtype)(a, b));
const each = (op: UnaryOp, dtype: DType, xs: Element[]) => xs.map((x) => unary(op, dtype)(x));
const casts = (from: DType, to: DType, xs: Element[]) => xs.map((x) => conversion(from, to)(x));

describe('floats', () => {
  test('max and min pass NaN on from either side', () => {
    const pairs: [number, number][] = [
      [NaN, 1],
      [1, NaN],
      [NaN, NaN],
      [1, 2],
    ];
    for (const dtype of ['float16', 'bfloat16', 'float32', 'float64'] as const) {
      expect(two('max', dtype, pairs)).toEqual([NaN, NaN, NaN, 2]);
      expect(two('min', dtype, pairs)).toEqual([NaN, NaN, NaN, 1]);
    }
  });

  test('floordiv and floormod round to -inf, as Python does', () => {
    const pairs: [number, number][] = [
      [7, 2],
      [-7, 2],
      [7, -2],
      [-7, -2],
      [1, 0],
      [-1, 0],
      [0, 0],
      [Infinity, 2],
      [-1, Infinity],
      [1, -Infinity],
    ];
    expect(two('floordiv', 'float32', pairs)).toEqual([3, -4, -4, 3, Infinity, -Infinity, NaN, Infinity, -0, -0]);
    expect(two('floormod', 'float32', pairs)).toEqual([1, 1, -1, -1, NaN, NaN, NaN, NaN, Infinity, -Infinity]);
    const tenth = Math.fround(0.1);
    expect(binary('floordiv', 'float32')(5, tenth)).toBe(50);
    expect(binary('floormod', 'float32')(5, tenth)).toBeCloseTo(0.09999992698431015, 12);
  });

  test('sign, rint and pow in the odd cases', () => {
    expect(each('sign', 'float32', [NaN, -0, 0, -3, Infinity])).toEqual([NaN, 0, 0, -1, 1]);
    expect(each('rint', 'float32', [0.5, 1.5, 2.5, -0.5, -1.5, NaN, Infinity, -0])).toEqual([
      0,
      2,
      2,
      -0,
      -2,
      NaN,
      Infinity,
      -0,
    ]);
    const pairs: [number, number][] = [
      [-8, 1 / 3],
      [0, 0],
      [0, -1],
      [1, NaN],
      [NaN, 0],
      [-1, Infinity],
      [1, Infinity],
      [-2, 3],
    ];
    expect(two('pow', 'float64', pairs)).toEqual([NaN, 1, Infinity, 1, 1, 1, 1, -8]);
  });

  test('every step is rounded to the dtype', () => {
    expect(binary('add', 'float32')(Math.fround(0.1), Math.fround(0.2))).toBe(
      Math.fround(Math.fround(0.1) + Math.fround(0.2)),
    );
    expect(binary('add', 'float64')(0.1, 0.2)).toBe(0.1 + 0.2);
    expect(binary('add', 'float16')(2048, 1)).toBe(2048);
    expect(binary('add', 'bfloat16')(256, 1)).toBe(256);
    expect(each('exp', 'float16', [1, 2, 3])).toEqual([2.71875, 7.390625, 20.078125]);
    expect(each('exp', 'bfloat16', [1, 2, 3])).toEqual([2.71875, 7.375, 20.125]);
    expect(binary('mul', 'float16')(60000, 2)).toBe(Infinity);
    expect(literalValue(0.1, 'float32')).toBe(Math.fround(0.1));
  });

  test('expm1 and log1p keep their digits near 0', () => {
    expect(unary('expm1', 'float64')(1e-10)).toBe(1.00000000005e-10);
    expect((unary('log1p', 'float64')(1e-10) as number) / 9.9999999995e-11).toBeCloseTo(1, 14);
  });
});

describe('integers', () => {
  const signed = { int8: -128, int16: -32768, int32: -(2 ** 31) } as const;

  test('arithmetic wraps around', () => {
    for (const [dtype, min] of Object.entries(signed) as [keyof typeof signed, number][]) {
      const max = -min - 1;
      expect(
        two('mul', dtype, [
          [max, 2],
          [max, 3],
          [max, max],
        ]),
      ).toEqual([-2, max - 2, 1]);
      expect(binary('add', dtype)(max, 1)).toBe(min);
      expect(each('neg', dtype, [min, 0])).toEqual([min, 0]);
      expect(unary('abs', dtype)(min)).toBe(min);
    }
    expect(binary('mul', 'uint32')(2 ** 32 - 1, 2 ** 32 - 1)).toBe(1);
    expect(binary('sub', 'uint8')(0, 1)).toBe(255);
    expect(binary('mul', 'int64')(2n ** 63n - 1n, 2n)).toBe(-2n);
    expect(binary('mul', 'uint64')(2n ** 64n - 1n, 2n)).toBe(2n ** 64n - 2n);
  });

  test('division rounds to -inf, and by 0 is an error', () => {
    for (const [dtype, min] of Object.entries(signed) as [keyof typeof signed, number][]) {
      const pairs: [number, number][] = [
        [7, 2],
        [-7, 2],
        [7, -2],
        [-7, -2],
        [min, -1],
      ];
      expect(two('floordiv', dtype, pairs)).toEqual([3, -4, -4, 3, min]);
      expect(two('floormod', dtype, pairs)).toEqual([1, 1, -1, -1, 0]);
      expect(() => binary('floordiv', dtype)(1, 0)).toThrow(new InvalidArgumentError('Integer division by zero'));
    }
    const big: [bigint, bigint][] = [
      [7n, 2n],
      [-7n, 2n],
      [7n, -2n],
      [-7n, -2n],
      [-(2n ** 63n), -1n],
    ];
    expect(two('floordiv', 'int64', big)).toEqual([3n, -4n, -4n, 3n, -(2n ** 63n)]);
    expect(two('floormod', 'int64', big)).toEqual([1n, 1n, -1n, -1n, 0n]);
    expect(() => binary('floormod', 'int64')(1n, 0n)).toThrow(InvalidArgumentError);
  });

  test('pow wraps around and takes no negative power', () => {
    const pairs: [number, number][] = [
      [2, 5],
      [3, 70],
      [0, 0],
      [1, 9],
    ];
    expect(two('pow', 'int8', pairs)).toEqual([32, -39, 1, 1]);
    expect(two('pow', 'int16', pairs)).toEqual([32, 14297, 1, 1]);
    expect(two('pow', 'int32', pairs)).toEqual([32, -102221863, 1, 1]);
    expect(binary('pow', 'int64')(3n, 70n)).toBe(2293070008301402073n);
    expect(() => binary('pow', 'int32')(2, -1)).toThrow('Integers to negative integer powers are not allowed');
    expect(() => binary('pow', 'int64')(2n, -1n)).toThrow('Integers to negative integer powers are not allowed');
  });
});

describe('casts', () => {
  const odd = [1.9, -1.9, NaN, Infinity, -Infinity, 3e4, -3e4, 300, -1, 127.5, 200, 3e9];

  test('floats are truncated; what does not fit becomes the minimum', () => {
    const min = -(2 ** 31);
    expect(casts('float32', 'int32', odd)).toEqual([1, -1, min, min, min, 30000, -30000, 300, -1, 127, 200, min]);
    expect(casts('float32', 'int8', odd)).toEqual([1, -1, 0, 0, 0, 48, -48, 44, -1, 127, -56, 0]);
    expect(casts('float64', 'uint8', odd)).toEqual([1, 255, 0, 0, 0, 48, 208, 44, 255, 127, 200, 0]);
    expect(casts('float64', 'uint32', [-1.9, 3e9, 1e10, NaN])).toEqual([4294967295, 3e9, 1410065408, 0]);
    expect(casts('float64', 'int64', [1.9, -1.9, NaN, 1e10, 1e20])).toEqual([
      1n,
      -1n,
      -(2n ** 63n),
      10n ** 10n,
      -(2n ** 63n),
    ]);
    expect(casts('float64', 'uint64', [-1, 1e10, 1e19, 1e20])).toEqual([
      2n ** 64n - 1n,
      10n ** 10n,
      10n ** 19n,
      2n ** 63n,
    ]);
  });

  test('integers wrap around', () => {
    expect(casts('int32', 'int8', [300, -300, -1, 70000])).toEqual([44, -44, -1, 112]);
    expect(casts('int64', 'int32', [2n ** 31n, -1n])).toEqual([-(2 ** 31), -1]);
    expect(casts('int32', 'uint64', [-300])).toEqual([2n ** 64n - 300n]);
    expect(casts('int32', 'uint32', [-300])).toEqual([4294966996]);
  });

  test('64-bit integers are rounded once', () => {
    const xs = [2n ** 53n + 1n, 2n ** 24n + 1n, 16777219n, 9007199791611905n, -9007199791611905n];
    expect(casts('int64', 'float32', xs)).toEqual([2 ** 53, 2 ** 24, 16777220, 9007200328482816, -9007200328482816]);
    expect(casts('int64', 'float16', [2049n, 2051n])).toEqual([2048, 2052]);
    expect(casts('int64', 'bfloat16', [257n, 16843009n])).toEqual([256, 16908288]);
  });

  test('small floats are rounded by way of float32', () => {
    expect(casts('float64', 'float16', [1 + 2 ** -11 + 2 ** -40])).toEqual([1]);
    expect(casts('float64', 'bfloat16', [1 + 2 ** -8 + 2 ** -40])).toEqual([1]);
  });

  test('bool and complex', () => {
    expect(casts('float32', 'bool', [NaN, -0, 0.1])).toEqual([1, 0, 1]);
    expect(
      casts('complex64', 'bool', [
        { re: 0, im: 1 },
        { re: 1, im: 0 },
      ]),
    ).toEqual([0, 1]);
    expect(casts('bool', 'complex64', [1])).toEqual([{ re: 1, im: 0 }]);
    expect(() => conversion('string', 'float32')).toThrow(DTypeError);
  });
});

describe('complex numbers', () => {
  const z: Complex = { re: 1, im: 2 };
  const close = (x: Element, re: number, im: number) => {
    expect((x as Complex).re).toBeCloseTo(re, 13);
    expect((x as Complex).im).toBeCloseTo(im, 13);
  };
  const at = (op: UnaryOp, x: Complex) => unary(op, 'complex128')(x);

  test('functions', () => {
    close(at('exp', z), -1.1312043837568135, 2.4717266720048188);
    close(at('log', z), 0.8047189562170503, 1.1071487177940904);
    close(at('sqrt', z), 1.272019649514069, 0.7861513777574233);
    close(at('tanh', z), 1.16673625724092, -0.2434582011857253);
    close(at('sin', z), 3.165778513216168, 1.9596010414216063);
    close(at('cos', z), 2.0327230070196656, -3.0518977991518);
    close(at('tan', z), 0.03381282607989669, 1.0147936161466335);
    close(at('sign', z), 0.4472135954999579, 0.8944271909999159);
    close(at('expm1', z), -2.1312043837568133, 2.4717266720048188);
    close(at('log1p', z), 1.039720770839918, 0.7853981633974483);
    close(at('sqrt', { re: -4, im: -0 }), 0, -2);
    close(at('sqrt', { re: -1.5, im: 0.5 }), 0.20141850719855617, 1.2411967672541269);
    expect(at('sign', { re: 0, im: 0 })).toEqual({ re: 0, im: 0 });
    expect(at('conj', z)).toEqual({ re: 1, im: -2 });
    expect([at('real', z), at('imag', z)]).toEqual([1, 2]);
  });

  test('nothing overflows on the way', () => {
    expect(at('abs', { re: 3 * 2 ** 900, im: 4 * 2 ** 900 })).toBe(5 * 2 ** 900);
    expect(at('abs', { re: 5e-324, im: 0 })).toBe(5e-324);
    expect(at('abs', { re: NaN, im: Infinity })).toBe(Infinity);
    close(binary('div', 'complex128')({ re: 1e200, im: 0 }, { re: 1e200, im: 1e200 }), 0.5, -0.5);
    close(at('tanh', { re: 1e30, im: 1e30 }), 1, 0);
    expect((at('log', { re: 1e200, im: 1e200 }) as Complex).re).toBeCloseTo(460.8635921890891, 10);
  });

  test('operators', () => {
    const w: Complex = { re: 2, im: -1 };
    close(binary('mul', 'complex128')(z, w), 4, 3);
    close(binary('div', 'complex128')(z, w), 0, 1);
    close(binary('pow', 'complex128')(z, w), 2.428447747683073, 14.93241486964456);
    expect([binary('eq', 'complex128')(z, { ...z }), binary('ne', 'complex128')(z, w)]).toEqual([1, 1]);
    expect(binary('div', 'complex128')(z, { re: 0, im: 0 })).toEqual({ re: NaN, im: NaN });
    expect(() => binary('lt', 'complex128')).toThrow(DTypeError);
  });

  test('complex64 rounds both parts', () => {
    expect(binary('add', 'complex64')({ re: 0.5, im: 0 }, { re: 2 ** -40, im: 2 ** -40 })).toEqual({
      re: 0.5,
      im: 2 ** -40,
    });
  });
});

test('what a reduction starts from', () => {
  expect([identityOf('max', 'float32'), identityOf('min', 'float64')]).toEqual([-Infinity, Infinity]);
  expect([identityOf('max', 'int32'), identityOf('min', 'uint8'), identityOf('max', 'int64')]).toEqual([
    -(2 ** 31),
    255,
    -(2n ** 63n),
  ]);
  expect([identityOf('add', 'int64'), identityOf('mul', 'complex64')]).toEqual([0n, { re: 1, im: 0 }]);
  expect([identityOf('and', 'bool'), identityOf('or', 'bool')]).toEqual([1, 0]);
  expect(combiner('and', 'bool')(1, 0)).toBe(0);
});

test('strings compare and do nothing else', () => {
  expect(
    two('eq', 'string', [
      ['a', 'a'],
      ['a', 'b'],
    ]),
  ).toEqual([1, 0]);
  expect(() => binary('add', 'string')).toThrow("'add' is not defined for dtype string.");
});
