/** TensorFlow's tests of conditionals and their gradients, by their names and with their numbers. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { flag, grad, int, run } from './support/control-flow.js';

describe('cond', () => {
  test('ControlFlowTest.testCondGrad_1', () => {
    const build = () => {
      const x = tl.constant(10);
      return grad(
        tl.cond(
          int(1).less(2),
          () => tl.identity(x),
          () => tl.identity(x),
        ),
        x,
      );
    };
    expect(run(build)).toEqual([1]);
  });

  test('ControlFlowTest.testCondGrad_2', () => {
    const build = () => {
      const c = tl.placeholder('int32', [], { name: 'c' });
      const x = tl.constant(10);
      return grad(
        tl.cond(
          c.less(2),
          () => x.multiply(42),
          () => x.multiply(3),
        ),
        x,
      );
    };
    expect(run(build, { c: 1 }, { c: 3 })).toEqual([42, 3]);
  });

  test('ControlFlowTest.testCondGrad_3', () => {
    const build = () => {
      const c = tl.placeholder('int32', [], { name: 'c' });
      const ox = tl.constant(10);
      const y = tl.multiply(7, ox);
      return tl.cond(
        c.less(2),
        () => grad(y.multiply(y), ox) as tl.Tensor,
        () => ox.multiply(3),
      );
    };
    expect(run(build, { c: 1 }, { c: 3 })).toEqual([980, 30]);
  });

  test('ControlFlowTest.testNestedCond_Simple', () => {
    const build = () => {
      const x = tl.constant(0);
      const inner = () =>
        tl.cond(
          x.less(1),
          () => x,
          () => x,
        );
      return [
        grad(
          tl.cond(tl.constant(true), () => x, inner),
          x,
        ),
        grad(
          tl.cond(tl.constant(false), () => x, inner),
          x,
        ),
      ];
    };
    expect(run(build)).toEqual([[1, 1]]);
  });

  test('ControlFlowTest.testCondGrad_ResourceVarSparseRead', () => {
    const build = () => {
      const v = tl.variable([
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
      ]);
      const pred = flag();
      const r = tl.cond(
        pred,
        () => v.sparseRead([1, 2]),
        () => v.sparseRead([0, 0]),
      );
      const g = grad(r, v);
      expect(g).toBeInstanceOf(tl.IndexedSlices);
      return g;
    };
    const [taken] = run(build, { p: true }) as [{ values: unknown; indices: unknown }];
    expect(taken).toMatchObject({
      indices: [1, 2],
      values: [
        [1, 1],
        [1, 1],
      ],
    });
  });

  test.each([
    ['ControlFlowTest.testCondComputeGradAfterSessRun', false],
    ['ControlFlowTest.testNestedCondComputeGradAfterSessRun', true],
  ])('%s', (_, nested) => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const x = tl.constant(10);
      const pred = flag();
      const inner = () => x.multiply(x).multiply(x).multiply(x);
      const y = tl.cond(
        pred,
        () => (nested ? tl.cond(pred, inner, () => x) : inner()),
        () => x,
      );
      const session = new tl.Session({ graph });
      expect(session.runSync(y, { p: true }).item()).toBe(10_000);
      const before = graph.operations().map((op) => op.def);
      const dx = grad(y, x);
      // Nothing that has run changes: its gradient only appends.
      expect(
        graph
          .operations()
          .slice(0, before.length)
          .map((op) => op.def),
      ).toEqual(before);
      expect(session.runSync(dx, { p: true })).toMatchObject({ data: new Float32Array([4000]) });
      expect(session.runSync(dx, { p: false })).toMatchObject({ data: new Float32Array([1]) });
    });
  });

  test('IndexedCaseTest.testCase_gradient', () => {
    const build = () => {
      const index = tl.placeholder('int32', [], { name: 'i' });
      const x = tl.constant(5);
      const fns = [() => x.multiply(1), () => x.multiply(2), () => x.multiply(x), () => tl.stopGradient(x)];
      return grad(tl.switchCase(index, fns), x);
    };
    expect(run(build, { i: 0 }, { i: 1 }, { i: 2 }, { i: 3 }, { i: -1 }, { i: 4 })).toEqual([1, 2, 10, 0, 0, 0]);
  });

  test('IndexedCaseTest.testCase_gradient_diffShapedIntermediates', () => {
    const build = () => {
      const index = tl.placeholder('int32', [], { name: 'i' });
      const x = tl.constant(4);
      const fns = [
        () => x.multiply(3).multiply(x),
        () => tl.reduceSum(tl.stack([x, x, x]).multiply(tl.stack([x, x, x]))),
        () =>
          tl.reduceSum(
            tl
              .stack([
                [x, x],
                [x, x],
              ])
              .exp()
              .log(),
          ),
      ];
      return grad(tl.switchCase(index, fns), x);
    };
    const [a, b, c] = run(build, { i: 0 }, { i: 1 }, { i: 2 }) as number[];
    expect([a, b]).toEqual([24, 24]);
    expect(c).toBeCloseTo(4, 5);
  });
});
