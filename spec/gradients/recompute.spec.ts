/** Functions that are computed again in the backward pass: their values, their gradients, and the memory they save. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { checkGradients } from '../../src/testing/index.js';
import { measurePeak } from './peak.js';

function inGraph<T>(build: (graph: tl.Graph) => T): T {
  const graph = new tl.Graph();
  return graph.asDefault(() => build(graph));
}

const gradient = (y: tl.Tensor, x: tl.Tensor | tl.Variable): tl.Tensor => tl.convertToTensor(tl.gradients(y, x)[0]!);

function run(tensors: readonly tl.Tensor[], feeds: tl.Feeds = {}): unknown[] {
  const session = new tl.Session({ graph: tensors[0]!.graph });
  session.runSync(tensors[0]!.graph.asDefault(() => tl.globalVariablesInitializer()));
  return session.runSync(tensors, feeds).map((value) => value.toArray());
}

describe('recomputeGrad', () => {
  test('VariablesGradientTest.testFnRecompute', () => {
    inGraph(() => {
      const [v, w] = [tl.variable([[1, 2]]), tl.variable([[3], [4]])];
      const f = (x: tl.Tensor) => tl.sigmoid(x.matmul(w).multiply(v.reduceSum()));
      const x = tl.constant([[0.1, 0.2]]);
      const [plain, again] = [f(x), tl.recomputeGrad(f)(x)];
      const found = [plain, again].map((y) => [v, w, x].map((by) => gradient(y, by)));
      const values = run([plain, again, ...found.flat()]);
      expect(values[1]).toEqual(values[0]);
      expect(values.slice(5)).toEqual(values.slice(2, 5));
    });
  });

  test('VariablesGradientTest.testFnRecomputeWithScopeGradient', () => {
    inGraph(() => {
      const f = tl.recomputeGrad((x: tl.Tensor) => tl.nameScope('inner', () => tl.tanh(x.multiply(2))));
      const x = tl.constant([0.5, 1]);
      const dx = tl.nameScope('outer', () => gradient(f(x), x));
      expect(dx.name.startsWith('outer')).toBe(true);
      const expected = gradient(tl.tanh(x.multiply(2)), x);
      const [ours, theirs] = run([dx, expected]);
      expect(ours).toEqual(theirs);
    });
  });

  test('VariablesGradientTest.testFnRecomputeSameTensor', () => {
    inGraph(() => {
      const f = tl.recomputeGrad((a: tl.Tensor, b: tl.Tensor) => a.multiply(b).multiply(b));
      const x = tl.constant(3);
      expect(run([f(x, x), gradient(f(x, x), x)])).toEqual([27, 27]);
    });
  });

  test('VariablesGradientTest.testRecomputeGradZeroSizeInput', () => {
    inGraph(() => {
      const x = tl.zeros([0, 2]);
      const f = tl.recomputeGrad((v: tl.Tensor) => tl.sin(v).multiply(v));
      expect(run([gradient(f(x), x)])).toEqual([[]]);
    });
  });

  test('VariablesGradientTest.testRecomputeGradDifferentDtypesInputs', () => {
    inGraph(() => {
      const [x, n] = [tl.constant([1, 2]), tl.constant([3, 4], { dtype: 'int32' })];
      const f = tl.recomputeGrad((v: tl.Tensor, k: tl.Tensor) => tl.cast(k, 'float32').multiply(v).multiply(v));
      const y = f(x, n);
      expect(run([gradient(y, x)])).toEqual([[6, 16]]);
      expect(tl.gradients(y, n)).toEqual([null]);
    });
  });

  test('VariablesGradientTest.testCustomGradientRecomputeGradHigherOrder', async () => {
    await inGraph(async () => {
      const x = tl.placeholder('float64', [2], { name: 'x' }) as tl.Tensor;
      const w = tl.constant([0.3, -0.8], { dtype: 'float64' });
      const f = tl.recomputeGrad((v: tl.Tensor) => tl.sin(v.multiply(w)).multiply(tl.exp(v)));
      const report = await checkGradients(f(f(x)), [x, w], { feeds: new Map([[x, [0.4, 0.7]]]), order: 3 });
      expect(report.maxError).toBeLessThan(1e-4);
    });
  });

  test('what is computed again waits for the incoming gradient, and what is random or read is used as it was', () => {
    inGraph((graph) => {
      const x = tl.placeholder('float32', [4], { name: 'x' }) as tl.Tensor;
      const f = tl.recomputeGrad((v: tl.Tensor) => tl.tanh(v.multiply(tl.random.uniform([4]))));
      const y = f(x);
      const dx = gradient(y, x);
      expect(graph.operations().filter((op) => op.type === 'RandomUniform').length).toBe(1);
      const again = graph.operations().filter((op) => op.type === 'Tanh');
      expect(again.length).toBe(2);
      const barrier = graph.operations().find((op) => op.type === 'Identity' && op.controlInputs.length > 0);
      expect(barrier).toBeDefined();
      // tanh(x r) with slope r (1 - y²): the same numbers r in both.
      const [value, slope] = run([y, dx], { x: [1, 1, 1, 1] }) as [number[], number[]];
      value.forEach((v, i) => expect(slope[i]).toBeCloseTo(Math.atanh(v) * (1 - v * v), 4));
    });
  });

  test('the peak of a training step falls by more than half', () => {
    const size = 2_000;
    const step = (wrap: (f: (x: tl.Tensor) => tl.Tensor) => (x: tl.Tensor) => tl.Tensor) =>
      inGraph((graph) => {
        const x = tl.placeholder('float32', [size], { name: 'x' }) as tl.Tensor;
        const w = tl.constant(1.1);
        const block = (v: tl.Tensor): tl.Tensor => {
          let y = v;
          for (let i = 0; i < 8; i++) y = tl.sin(tl.tanh(y).multiply(w));
          return y;
        };
        let y = x;
        for (let i = 0; i < 16; i++) y = wrap(block)(y);
        const dx = gradient(y, x);
        const feeds = new Map([[x, new Float32Array(size).fill(0.5)]]);
        return measurePeak(graph, [dx], [], feeds, { variables: new Map(), counters: new Map() });
      });
    const plain = step((f) => f);
    const again = step((f) => tl.recomputeGrad(f));
    expect(again.results[0]!.toArray()).toEqual(plain.results[0]!.toArray());
    expect(plain.bytes / again.bytes).toBeGreaterThan(4);
  });

  test('bad functions', () => {
    inGraph((graph) => {
      const x = tl.constant(1);
      const before = graph.state;
      expect(() => tl.recomputeGrad(3 as never)).toThrow(/takes a function/);
      expect(() => (tl.recomputeGrad((() => () => 1) as never) as (x: tl.Tensor) => unknown)(x)).toThrow(
        /must be a tensor/,
      );
      expect(graph.state).toBe(before);
    });
  });
});
