/** nextafter against the bits of floating-point numbers. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as tl from '../../src/index.js';

type Float = 'float32' | 'float64';

/** The neighbour of `x` towards `y` by its bits: those of positive numbers count up with them. */
function byBits(dtype: Float, x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  if (x === y) return y;
  const view = new DataView(new ArrayBuffer(8));
  const wide = dtype === 'float64';
  if (x === 0) view.setBigInt64(0, wide ? 1n : 1n << 32n);
  else if (wide) view.setFloat64(0, x);
  else view.setFloat32(0, x);
  if (x === 0) return (wide ? view.getFloat64(0) : view.getFloat32(0)) * (y > 0 ? 1 : -1);
  const outwards = y > x === x > 0;
  const bits = wide ? view.getBigInt64(0) : BigInt(view.getInt32(0));
  const next = bits + (outwards ? 1n : -1n);
  if (wide) view.setBigInt64(0, next);
  else view.setInt32(0, Number(next));
  return wide ? view.getFloat64(0) : view.getFloat32(0);
}

const nextafter = (dtype: Float, pairs: readonly (readonly [number, number])[]): unknown => {
  const graph = new tl.Graph();
  const y = graph.asDefault(() => {
    const column = (i: 0 | 1) => tl.constant(pairs.map((pair) => pair[i]), { dtype }); // prettier-ignore
    return tl.nextafter(column(0), column(1));
  });
  return new tl.Session({ graph }).runSync(y).toArray();
};

const formats = { float32: { digits: 24, least: -149, most: 127 }, float64: { digits: 53, least: -1074, most: 1023 } };

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  test('any two numbers', () => {
    const number = dtype === 'float32' ? fc.float() : fc.double();
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 200 }), (pairs) => {
        expect(nextafter(dtype, pairs)).toEqual(pairs.map(([x, y]) => byBits(dtype, x, y)));
      }),
      { seed: 5, numRuns: 40 },
    );
  });

  test('every power of two and its neighbours, up and down', () => {
    const { digits, least, most } = formats[dtype];
    const powers = Array.from({ length: most - least + 1 }, (_, i) => 2 ** (least + i));
    const around = powers.flatMap((x) => [x, byBits(dtype, x, Infinity), byBits(dtype, x, 0)]);
    const greatest = (2 - 2 ** (1 - digits)) * 2 ** most;
    const numbers = [0, -0, NaN, Infinity, greatest, ...around].flatMap((x) => [x, -x]);
    const pairs = numbers.flatMap((x) => [Infinity, -Infinity, 0, x].map((y) => [x, y] as const));
    expect(nextafter(dtype, pairs)).toEqual(pairs.map(([x, y]) => byBits(dtype, x, y)));
  });

  test('the ends: zeros of either sign, the least, the greatest', () => {
    const { digits, least, most } = formats[dtype];
    const [tiny, greatest] = [2 ** least, (2 - 2 ** (1 - digits)) * 2 ** most];
    const cases: readonly (readonly [number, number, number])[] = [
      [0, 1, tiny],
      [-0, -1, -tiny],
      [0, -0, -0],
      [-tiny, 1, -0],
      [tiny, -1, 0],
      [greatest, Infinity, Infinity],
      [Infinity, 0, greatest],
      [-Infinity, Infinity, -greatest],
      [1, 1, 1],
      [NaN, 1, NaN],
      [1, NaN, NaN],
    ];
    expect(nextafter(dtype, cases.map(([x, y]) => [x, y]))).toEqual(cases.map(([, , next]) => next)); // prettier-ignore
  });
});

test('other dtypes are refused', () => {
  new tl.Graph().asDefault(() => {
    expect(() => tl.nextafter(tl.constant(1, { dtype: 'float16' }), 2)).toThrow(tl.DTypeError);
  });
});
