/** Rows long enough that elementary functions are written out, several vectors side by side: the same bits as in short rows. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { disagreement } from '../../ops/support/agreement.js';

const functions = {
  exp: tl.exp,
  expm1: tl.expm1,
  log: (x: tl.Tensor) => tl.log(tl.abs(x)),
  log1p: (x: tl.Tensor) => tl.log1p(tl.square(x)),
  tanh: tl.tanh,
  'a long chain of cheap steps': (x: tl.Tensor) => {
    let y = x;
    for (let i = 0; i < 30; i++) y = i % 2 === 0 ? y.multiply(0.875) : y.add(x);
    return y;
  },
  'a chain of them': (x: tl.Tensor) => tl.tanh(tl.exp(tl.tanh(x)).multiply(2)).add(tl.sin(x)),
} as const;

/** From -20 to 20, and what has a way of its own. */
function arguments_(n: number): number[] {
  const special = [0, -0, Infinity, -Infinity, NaN, 200, -200, 1e-30];
  return Array.from({ length: n }, (_, i) => (i % 97 === 0 ? special[(i / 97) % 8]! : 20 * Math.sin(i * 12.9898)));
}

function run(f: (x: tl.Tensor) => tl.Tensor, dtype: tl.DType, values: readonly number[], backend: string): tl.NDArray {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const x = tl.placeholder(dtype, [values.length]) as tl.Tensor;
    const session = new tl.Session({ graph, backend });
    return session.runSync(f(x), new Map([[x, tl.NDArray.from([...values], dtype)]]));
  });
}

describe.each(Object.entries(functions))('%s', (_, f) => {
  test.each(['float32', 'float64'] as const)('%s', (dtype) => {
    const values = arguments_(4096 + 31);
    const long = run(f, dtype, values, 'wasm');
    expect(disagreement(long, run(f, dtype, values, 'interpret'))).toBeNull();
    const short = run(f, dtype, values.slice(-1000), 'wasm');
    expect((long.data as Float64Array).slice(-1000)).toEqual(short.data);
  });
});

describe('sums over leading axes', () => {
  function sums(
    f: (x: tl.Tensor) => tl.Tensor,
    shape: readonly number[],
    dtype: tl.DType,
    backend: string,
  ): tl.NDArray {
    const graph = new tl.Graph();
    return graph.asDefault(() => {
      const x = tl.placeholder(dtype, shape) as tl.Tensor;
      const columns = shape.at(-1)!;
      const length = shape.reduce((a, b) => a * b, 1);
      // A column is the same however many there are.
      const data = Array.from({ length }, (_, i) => Math.sin(Math.floor(i / columns) * 100 + (i % columns)));
      return new tl.Session({ graph, backend }).runSync(f(x), new Map([[x, tl.NDArray.from(data, dtype, shape)]]));
    });
  }

  test.each([
    ['rows', (x: tl.Tensor) => tl.reduceSum(x, { axis: 0 }), [300]],
    ['few rows', (x: tl.Tensor) => tl.reduceMax(tl.square(x), { axis: 0 }), [60]],
    ['rows of two axes', (x: tl.Tensor) => tl.reduceSum(x.multiply(2), { axis: [0, 1] }), [5, 60]],
    [
      'two sums at once',
      (x: tl.Tensor) => tl.reduceSum(x, { axis: 0 }).add(tl.reduceSum(tl.square(x), { axis: 0 })),
      [300],
    ],
  ] as const)('%s: the same bits however many columns there are', (_, f, rows) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const wide = sums(f, [...rows, 101], dtype, 'wasm');
      expect(disagreement(wide, sums(f, [...rows, 101], dtype, 'interpret'))).toBeNull();
      expect((wide.data as Float64Array).slice(0, 9)).toEqual(sums(f, [...rows, 9], dtype, 'wasm').data);
    }
  });
});
