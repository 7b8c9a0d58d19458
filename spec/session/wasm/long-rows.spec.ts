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
