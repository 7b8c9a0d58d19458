/** TensorFlow's tests of gradients through control flow that mix dense and sparse gradients, devices, and conditionals with loops. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose } from './support/build.js';
import { flag, grad, int, loop1, run } from './support/control-flow.js';

const dense = (dx: tl.Tensor | tl.IndexedSlices | null) => tl.convertToTensor(dx!);
const c = () => tl.placeholder('int32', [], { name: 'c' });
const pick = (pred: tl.Tensor, a: () => tl.Tensor, b: () => tl.Tensor) => tl.cond(pred, a, b);

describe('conditionals', () => {
  test('ControlFlowTest.testCondInt', () => {
    new tl.Graph().asDefault(() => {
      const v = int(10);
      const y = pick(
        flag(),
        () => v.add(1),
        () => v.subtract(1),
      );
      expect(tl.gradients(y, v)).toEqual([null]);
      const session = new tl.Session();
      expect([true, false].map((p) => session.runSync(y, { p }).item())).toEqual([11, 9]);
    });
  });

  test.each(['float32', 'float64'] as const)('ControlFlowTest.testCondResourceGrad %s', (dtype) => {
    const build = () => {
      const v = tl.variable(tl.constant([7], { dtype }));
      const age = tl.constant([3], { dtype }) as tl.Tensor;
      const old = tl.reshape(tl.greater(age, 4), []) as tl.Tensor;
      return dense(grad(pick(old, () => age, () => v.value()), v)); // prettier-ignore
    };
    expect(run(build)).toEqual([[1]]);
  });

  test('ResourceCondTest.testBasic', () => {
    const build = () => {
      const gamma = tl.variable([0.25, 0.5, 0.75], { name: 'gamma' });
      const inputs = tl.ones([3]) as tl.Tensor;
      const training = tl.placeholderWithDefault(true, [], { name: 'training' });
      return dense(grad(pick(training, () => inputs.add(gamma), () => inputs), gamma)); // prettier-ignore
    };
    expect(run(build)).toEqual([[1, 1, 1]]);
  });

  test('ControlFlowTest.testCondGradMultiDevice', () => {
    const build = () => {
      const [x, y] = [tl.placeholder('float32', null, { name: 'x' }), tl.placeholder('float32', null, { name: 'y' })];
      const z = tl.device('/cpu:0', () =>
        pick(
          flag(),
          () => x.multiply(y).multiply(2),
          () => tl.constant(2),
        ),
      );
      const first = tl.device('/cpu:1', () => dense(grad(z, x)));
      expect(first.op.device).toBe('/device:CPU:1');
      return [first, tl.device('/cpu:0', () => dense(grad(first, x)))];
    };
    expect(run(build, { p: true, x: 1, y: 2 }, { p: false, x: 1, y: 2 })).toEqual([
      [4, 0],
      [0, 0],
    ]);
  });

  test('ControlFlowTest.testCondGrad_Gather', () => {
    const build = () => {
      const v = tl.variable([1, 42]);
      const y = pick(
        c().less(2),
        () => tl.identity(v),
        () => tl.gather(v.value(), [1, 1]),
      );
      // One branch has a dense gradient: so has the conditional, as in TensorFlow 1; TensorFlow 2 makes slices of all rows.
      return grad(y, v);
    };
    expect(run(build, { c: 1 }, { c: 3 })).toEqual([
      [1, 1],
      [0, 2],
    ]);
  });

  test('ControlFlowTest.testCondGrad_MultiGather', () => {
    const build = () => {
      const v = tl.variable([[1, 1], [1, 1], [1, 1], [1, 1]]); // prettier-ignore
      const x1 = tl.ones([3, 3]) as tl.Tensor;
      const x2 = tl.constant(2);
      const foo = tl.function(() => {
        const row = () => tl.gather(x1, [2]).multiply(x2);
        const ys = tl.cond(
          tl.constant(true),
          () => [v.sparseRead([1, 2]), row(), x2.multiply(tl.constant([1, 1, 1]))] as tl.Tensor[],
          () => [tl.zeros([2, 2]), row(), tl.reshape(tl.gather(x1, [2]), [3])] as tl.Tensor[],
        );
        return tl.gradients(ys, [v, x1, x2]) as (tl.Tensor | tl.IndexedSlices)[];
      });
      const [dv, dx1, dx2] = foo();
      expect([dv, dx1].every((each) => each instanceof tl.IndexedSlices)).toBe(true);
      return [dense(dv!), dense(dx1!), dx2];
    };
    const [[dv, dx1, dx2]] = run(build) as [unknown[]];
    expect(dv).toEqual([[0, 0], [1, 1], [1, 1], [0, 0]]); // prettier-ignore
    expect(dx1).toEqual([[0, 0, 0], [0, 0, 0], [2, 2, 2]]); // prettier-ignore
    expect(dx2).toBe(6);
  });
});

describe('loops', () => {
  const gathered = (body: (x: tl.Tensor) => tl.Tensor, y: number[], dx: number[]) => {
    const build = () => {
      const x = tl.constant([1, 1, 1, 1, 1]);
      const [, last] = tl.whileLoop(
        (i) => i.less(3),
        (i, each) => [i.add(1), body(each)],
        [int(0), tl.slice(x, [0], [1]) as tl.Tensor],
      );
      return [last, dense(grad(last.multiply(3), x))];
    };
    expect(run(build)).toEqual([[y, dx]]);
  };

  test('ControlFlowTest.testWhileGrad_Gather', () => {
    gathered((x) => x.add(tl.gather(x, [0])), [8], [24, 0, 0, 0, 0]);
  });

  test('ControlFlowTest.testWhileGrad_GatherNoFanOut', () => {
    gathered((x) => tl.gather(x, [0]), [1], [3, 0, 0, 0, 0]);
  });

  test('ControlFlowTest.testCallGradInLoop', () => {
    const build = () => {
      const params = tl.constant(5);
      const squared = tl.square(params);
      return tl.whileLoop(
        (i) => i.less(10),
        (i, x) => [i.add(1), x.add(dense(grad(tl.constant([1, 2, 3]).multiply(squared), params)))],
        [int(0), tl.constant(0)],
      )[1];
    };
    expect(run(build)).toEqual([600]);
  });

  const counted = (x: tl.Tensor, from: tl.Tensor) =>
    loop1(
      (n) => n.less(10),
      (n) => n.add(x),
      from,
      { shapeInvariants: [null] },
    );
  const unshaped = () => tl.placeholder('float32', null, { name: 'x' });

  test('ControlFlowTest.testWhileGradInCond', () => {
    const build = () => {
      const [n, x] = [tl.constant(1), unshaped()];
      const inside = () => dense(grad(counted(x, n), x));
      return pick(int(1).less(2), inside, () => x);
    };
    expect(run(build, { x: 1 })).toEqual([9]);
  });

  test('ControlFlowTest.testWhileGradInWhile', () => {
    const build = () => {
      const x = unshaped();
      return loop1(
        (n) => n.less(6),
        (n) => dense(grad(counted(x, n), x)),
        tl.constant(1),
        { shapeInvariants: [null] },
      );
    };
    expect(run(build, { x: 1 })).toEqual([9]);
  });

  test('ControlFlowTest.testWhileCondGradMultiDevice', () => {
    const build = () => {
      const [pred, start] = [flag(), tl.constant(1)];
      const zs = tl.device('/cpu:0', () =>
        tl.whileLoop(
          (i) => i.less(3),
          (i, x) => [
            i.add(1),
            pick(
              pred,
              () => x.multiply(2),
              () => tl.constant(10),
            ),
          ],
          [int(0), start],
        ),
      );
      const first = tl.device('/cpu:1', () => dense(grad(zs, start)));
      const second = tl.device('/cpu:0', () => dense(grad(first, start)));
      return [first, second];
    };
    expect(run(build, { p: true }, { p: false })).toEqual([
      [8, 0],
      [0, 0],
    ]);
  });

  test('ControlFlowTest.testWhileGrad_OneOutputWithControlDependencyOnSecond', () => {
    const build = () => {
      const [x, y] = [tl.constant(1), tl.constant(1)];
      const [, lastX, lastY] = tl.whileLoop(
        (i) => i.less(1),
        (i, xi, yi) => [i.add(1), tl.identity(xi), xi.add(yi)],
        [int(0), x, y],
      );
      const after = tl.controlDependencies([lastX], () => tl.identity(lastY));
      return [after, grad(after, x)];
    };
    expect(run(build)).toEqual([[2, 1]]);
  });
});

describe('slices in loops (ops/control_flow_ops_test.py)', () => {
  const rows = Array.from({ length: 5 }, (_, i) => [0, 1, 2, 3, 4].map((j) => Math.sin(5 * i + j)));
  const five = (body: (cost: tl.Tensor, i: tl.Tensor) => tl.Tensor) =>
    tl.whileLoop(
      (i) => i.less(5),
      (i, cost) => [i.add(1), body(cost, i)],
      [int(0), tl.constant(0)],
    )[1];

  test('SwitchTestCase.testIndexedSlicesGradient', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const matrix = tl.variable(rows);
      const cost = five((sum) => sum.add(tl.reduceSum(tl.gather(matrix.value().add(0), [0]))));
      const step = new tl.train.MomentumOptimizer(0.1, 0.9).minimize(cost);
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      for (let i = 0; i < 10; i++) session.runSync(step);
      // The gradient of the first row is 5 all along; the velocity after n steps is 5 (1 - 0.9^n) / 0.1.
      const moved = Array.from({ length: 10 }, (_, n) => 0.1 * 50 * (1 - 0.9 ** (n + 1))).reduce((a, b) => a + b);
      const found = session.runSync(matrix).toArray() as number[][];
      expectClose(found[0], rows[0]!.map((each) => each - moved), 1e-5); // prettier-ignore
      expectClose(found.slice(1), rows.slice(1), 1e-6);
    });
  });

  const inCondInWhile = (read: (v: tl.Variable) => tl.Tensor) => () => {
    const matrix = tl.variable(rows);
    const sum = () => tl.reduceSum(read(matrix));
    const dynamic = five((cost, i) =>
      pick(
        i.equal(3),
        () => tl.square(cost),
        () => cost.add(sum()),
      ),
    );
    const fixed = tl.square(sum().add(sum()).add(sum())).add(sum());
    return [dynamic, fixed].map((y) => dense(grad(y, matrix)));
  };
  const agree = (build: () => unknown) => {
    const [[dynamic, fixed]] = run(build) as [[unknown, number[][]]];
    expectClose(dynamic, fixed, 1e-5);
    expect(fixed[0]!.every((each) => each !== 0)).toBe(true);
  };

  test('SwitchTestCase.testIndexedSlicesGradientInCondInWhileLoop', () => {
    agree(inCondInWhile((v) => tl.gather(v.value(), [0])));
  });

  test('SwitchTestCase.testIndexedSlicesGradientInCondInWhileLoopResource', () => {
    agree(inCondInWhile((v) => v.sparseRead([0])));
  });

  const summedRows = (x: tl.Tensor, n: tl.Tensor | number) =>
    tl.whileLoop(
      (i) => i.less(n),
      (i, sum) => [i.add(1), sum.add(tl.gather(x, i))],
      [int(0), tl.zeros([], { dtype: x.dtype }) as tl.Tensor],
    )[1];
  const overRows = (dtype: 'float32' | 'float64', shape: readonly (number | null)[], data: number[]) => {
    const build = () => {
      const x = tl.placeholder(dtype, [...shape], { name: 'x' }) as tl.Tensor;
      const sum = summedRows(x, shape[0] ?? tl.size(x));
      return [sum, dense(grad(sum, x))];
    };
    expect(run(build, { x: data })).toEqual([[data.reduce((a, b) => a + b), data.map(() => 1)]]);
  };

  test.each(['float32', 'float64'] as const)(
    'SwitchTestCase.testIndexedSlicesWithShapeGradientInWhileLoop %s',
    (dtype) => overRows(dtype, [9], [4, 6, 0, 7, 0, 0, 1, 2, 0]),
  );

  test.each(['float32', 'float64'] as const)(
    'SwitchTestCase.testIndexedSlicesWithDynamicShapeGradientInWhileLoop %s',
    (dtype) => overRows(dtype, [null], [1, 3, 2]),
  );
});

test('CondTest.testCond_gradient', () => {
  new tl.Graph().asDefault(() => {
    const xs = [tl.constant(1), tl.constant(5)] as const;
    const tape = new tl.GradientTape({ persistent: true });
    const ys = tape.run(() => {
      tape.watch([...xs]);
      return [true, false].map((pred) => pick(tl.constant(pred), () => tl.square(xs[0]), () => tl.square(xs[1]))); // prettier-ignore
    });
    const found = ys.map((y) => tape.gradient(y, [...xs], { outputGradients: tl.constant(3) }) as tl.Tensor[]);
    const values = new tl.Session().runSync(found).map((each) => each.map((value) => value.item()));
    expect(values).toEqual([
      [3 * 2 * 1, 0],
      [0, 3 * 2 * 5],
    ]);
  });
});

describe('optimisers step through loops', () => {
  const stepped = (
    build: (x: tl.Variable) => { loss: tl.Tensor; step: (loss: tl.Tensor) => unknown },
    start: number | number[][],
  ) => {
    const graph = new tl.Graph();
    return graph.asDefault(() => {
      const x = tl.variable(start, { name: 'x' });
      const { loss, step } = build(x);
      const op = step(loss) as tl.Operation;
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      session.runSync(op);
      return session.runSync(x).toArray();
    });
  };

  test('ControlFlowTest.testWhileGrad_Concat', () => {
    const found = stepped(
      (x) => {
        const [, h] = tl.whileLoop(
          (i) => i.less(2),
          (i, each) => [i.add(1), tl.concat([each, x.value()], 0)],
          [int(0), tl.zeros([0, 2]) as tl.Tensor],
          { shapeInvariants: [[], [null, 2]] },
        );
        return {
          loss: tl.reduceSum(h),
          step: (loss) => new tl.train.GradientDescentOptimizer(0.01).minimize(loss),
        };
      },
      [[1, 2]],
    );
    expectClose(found, [[0.98, 1.98]]);
  });

  test('ControlFlowTest.testNestedWhileGrad_ParallelIterations', () => {
    const found = stepped((x) => {
      const input = tl.constant([[1, 2], [3, 4], [5, 6]]); // prettier-ignore
      const inner = (row: tl.Tensor) => tl.mapFn((n) => n.add(tl.square(x)), row, { parallelIterations: 10 });
      const result = tl.mapFn(inner, input, { parallelIterations: 10 });
      return {
        loss: tl.reduceMean(tl.square(result)),
        step: (loss) => new tl.train.AdamOptimizer(0.001).minimize(loss),
      };
    }, 3);
    expectClose(found, 2.999);
  });
});
