/** TensorFlow's tests of loops and their gradients, by their names and with their numbers. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { grad, int, loop1, run, two } from './support/control-flow.js';

describe('whileLoop', () => {
  test.each([
    [
      'ControlFlowTest.testWhileGrad_Square',
      (r: tl.Tensor, v: tl.Tensor) =>
        tl.cond(
          int(1).less(2),
          () => r,
          () => v,
        ),
      1000,
      1024,
    ],
    ['ControlFlowTest.testWhileGrad_MultipleUses', (r: tl.Tensor) => r.multiply(r), 100, 524288],
    ['ControlFlowTest.testWhileGrad_LoopAdd', (r: tl.Tensor) => r.add(r), 100, 2048],
  ] as const)('%s', (_, then, limit, expected) => {
    const build = () => {
      const v = two();
      // The last value under the limit is squared once more.
      const r = loop1(
        (x) => x.less(limit === 1000 ? 100 : limit),
        (x) => tl.square(x),
        v,
      );
      return grad(then(r, v), v);
    };
    expect(run(build)).toEqual([expected]);
  });

  test('ControlFlowTest.testWhileGrad_Shape', () => {
    const build = () => {
      const x = tl.placeholder('float32', [null], { name: 'x' });
      const loop = tl.whileLoop(
        (i) => i.less(5),
        (i, v) => [i.add(1), x.multiply(v)],
        [int(0), tl.constant([2])],
        { shapeInvariants: [[], null] },
      );
      return grad(loop[1], x);
    };
    expect(run(build, { x: [3, 4] })).toEqual([[810, 2560]]);
  });

  test('ControlFlowTest.testWhileGrad_BaseShape', () => {
    const build = () => {
      const x = tl.placeholder('float32', [null], { name: 'x' });
      const r = loop1(
        () => tl.constant(false),
        (v) => v.multiply(x),
        tl.constant([2, 2]),
        { shapeInvariants: [null] },
      );
      return grad([r, tl.square(x)], x);
    };
    expect(run(build, { x: [1, 2] })).toEqual([[2, 4]]);
  });

  test('ControlFlowTest.testWhileGradAfterSessionRun', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const v = two();
      const r = loop1(
        (x) => x.less(100),
        (x) => tl.square(x),
        v,
      );
      const session = new tl.Session({ graph });
      expect(session.runSync(r).item()).toBe(256);
      expect(session.runSync(grad(r, v) as tl.Tensor).item()).toBe(1024);
    });
  });

  test.each([1, 10])('ControlFlowTest.testWhileGrad_Mul, parallelIterations %i', (parallelIterations) => {
    const build = () => {
      const [a, v] = [tl.constant(3), two()];
      const r = loop1(
        (x) => x.less(100),
        (x) => x.multiply(a),
        v,
        { parallelIterations },
      );
      return [grad(r, a), grad(r, v)];
    };
    expect(run(build)).toEqual([[216, 81]]);
  });

  test.each(['ControlFlowTest.testWhileGrad_Variable', 'ControlFlowTest.testWhileGrad_ResourceVariable'])('%s', () => {
    const build = () => {
      const a = tl.variable(3);
      return grad(
        loop1(
          (x) => x.less(100),
          (x) => x.multiply(a),
          two(),
        ),
        a,
      );
    };
    expect(run(build)).toEqual([216]);
  });

  test('ControlFlowTest.testWhileGrad_ys_xs', () => {
    const build = () => {
      const [x, y] = [tl.constant(3), two()];
      const [rx, ry] = tl.whileLoop(
        (x) => x.less(100),
        (x, y) => {
          const y1 = x.add(y);
          return [x.multiply(y1), y1];
        },
        [x, y],
      );
      return [grad([rx, ry], x), grad([rx, ry], y), grad([rx], x), grad([rx], y)];
    };
    expect(run(build)).toEqual([[304, 124, 295, 120]]);
  });

  test('ControlFlowTest.testWhileGrad_Dependency', () => {
    const build = () => {
      const x = two();
      const [ri, rx] = tl.whileLoop(
        (i) => i.less(10),
        (i, x) => [i.add(1), x.multiply(2)],
        [int(0), x],
      );
      return [grad([ri, rx], x), grad([rx], x)];
    };
    expect(run(build)).toEqual([[1024, 1024]]);
  });

  test.each(['ControlFlowTest.testWhileGrad_NoGradient', 'WhileV2Test.testSingleLoopVarBackPropFalse'])('%s', () => {
    const build = () => {
      const v = two();
      const r = loop1(
        (x) => x.less(100),
        (x) => tl.square(x),
        v,
        { backProp: false },
      );
      expect(tl.gradients(r, v)).toEqual([null]);
      return grad(r.add(v), v);
    };
    expect(run(build)).toEqual([1]);
  });

  test('ControlFlowTest.testWhileGrad_SerialTwoLoops', () => {
    const build = () => {
      const x = two();
      const times = (v: tl.Tensor) =>
        tl.whileLoop(
          (i) => i.less(5),
          (i, x) => [i.add(1), x.multiply(2)],
          [int(0), v],
        )[1];
      return grad(times(times(x)), x);
    };
    expect(run(build)).toEqual([1024]);
  });

  test('ControlFlowTest.testWhileGrad_ParallelTwoLoops', () => {
    const build = () => {
      const x = two();
      const times = (v: tl.Tensor) =>
        tl.whileLoop(
          (i) => i.less(5),
          (i, x) => [i.add(1), x.multiply(2)],
          [int(0), v],
        )[1];
      return grad(times(x).add(times(x)), x);
    };
    expect(run(build)).toEqual([64]);
  });

  test('ControlFlowTest.testWhileGrad_OneOutputWithControlDependencyOnSecond', () => {
    const build = () => {
      const y = tl.constant(1);
      const [, ry] = tl.whileLoop(
        (i) => i.less(1),
        (i, y) => [i.add(1), tl.controlDependencies([i], () => tl.identity(y))],
        [int(0), y],
      );
      return grad(ry, y);
    };
    expect(run(build)).toEqual([1]);
  });
});
