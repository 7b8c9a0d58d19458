/** TensorFlow's tests of nested loops, and of what stops gradients in loops, by their names and with their numbers. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { grad, inner, int, loop1, run, two } from './support/control-flow.js';

describe('whileLoop', () => {
  test('ControlFlowTest.testNestedWhileGrad_Simple', () => {
    const build = () => {
      const v = tl.constant(1);
      const doubled = (s: tl.Tensor) =>
        loop1(
          (s) => s.less(4),
          (s) => s.multiply(2),
          s,
        );
      return grad(
        loop1(
          (x) => x.less(2),
          (x) => doubled(x).multiply(2),
          v,
        ),
        v,
      );
    };
    expect(run(build)).toEqual([8]);
  });

  test('ControlFlowTest.testNestedWhileGrad_SerialInner', () => {
    const build = () => {
      const v = tl.constant(1);
      return grad(
        loop1(
          (x) => x.less(128),
          (x) => inner(inner(x)),
          v,
        ),
        v,
      );
    };
    expect(run(build)).toEqual([256]);
  });

  test('ControlFlowTest.testNestedWhileGrad_ParallelInner', () => {
    const build = () => {
      const v = tl.constant(1);
      return grad(
        loop1(
          (x) => x.less(128),
          (x) => inner(x).multiply(inner(x)),
          v,
        ),
        v,
      );
    };
    expect(run(build)).toEqual([512]);
  });

  test.each(['ControlFlowTest.testWhileCondGrad_Simple', 'ControlFlowTest.testWhileCondGrad_UnknownShape'])(
    '%s',
    (name) => {
      const build = () => {
        const v = name.endsWith('UnknownShape') ? tl.placeholderWithDefault(2, null) : two();
        const r = loop1(
          (x) => x.less(100),
          (x) =>
            tl.cond(
              tl.constant(true),
              () => tl.square(x),
              () => x.subtract(1),
            ),
          v,
        );
        return grad(r, v);
      };
      expect(run(build)).toEqual([1024]);
    },
  );

  test('ControlFlowTest.testNestedWhileCondWhileGrad', () => {
    const build = () => {
      const v = tl.constant(1);
      const r = loop1(
        (x) => x.less(128),
        (x) =>
          tl.cond(
            tl.constant(true),
            () => tl.square(inner(x)),
            () => x.multiply(2),
          ),
        v,
      );
      return grad(r, v);
    };
    expect(run(build)).toEqual([512]);
  });

  test('ControlFlowTest.testWhileGrad_StopGrad', () => {
    const build = () => {
      const [x, y] = [tl.constant(3), two()];
      const [rx, ry] = tl.whileLoop(
        (x) => x.less(100),
        (x, y) => {
          const y1 = tl.square(y);
          return [tl.square(x).add(y1), y1];
        },
        [x, y],
      );
      const stop = tl.stopGradient;
      const none = [stop(rx), stop(ry), stop(tl.square(rx)), stop(rx.add(ry))].map((r) => tl.gradients(r, y)[0]);
      expect([...none, tl.gradients(stop(rx.add(ry)), x)[0]]).toEqual([null, null, null, null, null]);
      const sums = [rx.add(ry), rx.add(stop(ry)), stop(rx).add(ry)];
      return [grad(rx, y), grad(ry, y), ...sums.map((sum) => grad(sum, y))];
    };
    expect(run(build)).toEqual([[136, 32, 168, 136, 32]]);
  });

  test('ControlFlowTest.testWhileGrad_StopGradInside', () => {
    const build = () => {
      const [x, y] = [tl.constant(3), two()];
      const [rx] = tl.whileLoop(
        (x) => x.less(100),
        (x, y) => {
          const y1 = tl.stopGradient(tl.square(y));
          return [tl.square(x).add(y1), y1];
        },
        [x, y],
      );
      return [grad(rx, y), grad(rx, x)];
    };
    expect(run(build)).toEqual([[0, 156]]);
  });

  test('ControlFlowTest.testStopGradOnWhileGrad', () => {
    const build = () => {
      const [x, y] = [two(), two()];
      const rx = loop1(
        (x) => x.less(100),
        (x) => x.multiply(y),
        x,
      );
      const rg = tl.stopGradient(grad(rx, y) as tl.Tensor);
      return grad(tl.square(y).add(rx).add(rg), y);
    };
    expect(run(build)).toEqual([388]);
  });

  test('ControlFlowTest.testWhileGradGradFail', () => {
    // TensorFlow 1's loops had no second derivative.
    const build = () => {
      const v = two();
      const r = loop1(
        (x) => x.less(100),
        (x) => tl.square(x),
        v,
      );
      return grad(grad(r, v) as tl.Tensor, v);
    };
    expect(run(build)).toEqual([8 * 7 * 2 ** 6]);
  });

  test('ControlFlowTest.testWhileFuncBasic', () => {
    const build = () => {
      const f = tl.function((x: tl.Tensor) => tl.square(tl.square(x)));
      const x = two();
      const [, r] = tl.whileLoop(
        (i) => i.less(2),
        (i, v) => [i.add(1), f(v)],
        [int(0), x],
      );
      return [r, grad(r, x)];
    };
    expect(run(build)).toEqual([[65536, 524288]]);
  });

  test('ControlFlowTest.testWhileAndTensorArray', () => {
    const build = () => {
      const param = two();
      const [, r] = tl.whileLoop(
        (i) => i.less(10),
        (i, y) => [i.add(1), tl.mapFn((x) => x.multiply(param), y)],
        [int(0), tl.constant([1, 2, 3, 4, 5, 6])],
        { shapeInvariants: [[], [6]] },
      );
      return grad(r, param);
    };
    expect(run(build)).toEqual([107520]);
  });
});
