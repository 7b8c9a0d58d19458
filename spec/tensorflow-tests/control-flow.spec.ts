/** TensorFlow's tests of functional control flow and its gradients, by their names and with their numbers. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

type Data = number | boolean | readonly number[];
type Feeds = Readonly<Record<string, Data>>;

/** Builds in a graph of its own and runs: variables are initialised first. */
function run(build: () => unknown, ...feeds: Feeds[]): unknown[] {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const fetches = build() as tl.Tensor;
    const init = tl.globalVariablesInitializer();
    const session = new tl.Session({ graph });
    session.runSync(init);
    return (feeds.length > 0 ? feeds : [{}]).map((feed) => plain(session.runSync(fetches, feed as never)));
  });
}

function plain(value: unknown): unknown {
  if (value instanceof tl.NDArray) return value.toArray();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

const int = (value: number) => tl.constant(value, { dtype: 'int32' });
const grad = (y: tl.Tensor | readonly tl.Tensor[], x: tl.Tensor | tl.Variable) => tl.gradients(y, x)[0]!;
const flag = () => tl.placeholder('bool', [], { name: 'p' });
const loop1 = (cond: (v: tl.Tensor) => tl.Tensor, body: (v: tl.Tensor) => tl.Tensor, v: tl.Tensor, options = {}) =>
  tl.whileLoop(cond, body, [v], options)[0];

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

  test('ControlFlowTest.testCondInt', () => {
    const build = () => {
      const x = tl.constant(10);
      const r = tl.cond(
        int(1).less(2),
        () => tl.cast(x, 'int32').add(1),
        () => tl.cast(x, 'int32').subtract(1),
      );
      expect(tl.gradients(tl.cast(r, 'float32'), x)).toEqual([null]);
      return r;
    };
    expect(run(build)).toEqual([11]);
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

  test('ControlFlowTest.testCondGradMultiDevice', () => {
    const build = () => {
      const [pred, x, y] = [
        flag(),
        tl.placeholder('float32', [], { name: 'x' }),
        tl.placeholder('float32', [], { name: 'y' }),
      ];
      const z = tl.device('/device:CPU:0', () =>
        tl.cond(
          pred,
          () => x.multiply(y).multiply(2),
          () => tl.constant(2),
        ),
      );
      const first = tl.gradients(z, x, { colocateGradientsWithOps: true })[0]!;
      const second = tl.gradients(first, x, { unconnectedGradients: 'zero' })[0]!;
      return [first, second];
    };
    expect(run(build, { p: true, x: 1, y: 2 }, { p: false, x: 1, y: 2 })).toEqual([
      [4, 0],
      [0, 0],
    ]);
  });

  test('ControlFlowTest.testCondGrad_Gather', () => {
    const build = () => {
      const c = tl.placeholder('int32', [], { name: 'c' });
      const v1 = tl.variable([1, 42]);
      const r = tl.cond(
        c.less(1),
        () => tl.identity(v1),
        () => tl.gather(v1.value(), [1, 1]),
      );
      return tl.convertToTensor(grad(r, v1));
    };
    expect(run(build, { c: 1 }, { c: 0 })).toEqual([
      [0, 2],
      [1, 1],
    ]);
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

  test('ControlFlowTest.testCondGrad_MultiGather', () => {
    const build = () => {
      const v = tl.variable([
        [1, 1],
        [2, 2],
        [3, 3],
      ]);
      const pred = flag();
      const r = tl.cond(
        pred,
        () => v.sparseRead([0]).add(v.sparseRead([1]).multiply(2)),
        () => v.sparseRead([2]).multiply(3),
      );
      return tl.convertToTensor(grad(r, v));
    };
    expect(run(build, { p: true }, { p: false })).toEqual([
      [
        [1, 1],
        [2, 2],
        [0, 0],
      ],
      [
        [0, 0],
        [0, 0],
        [3, 3],
      ],
    ]);
  });

  test('ControlFlowTest.testCondResourceGrad', () => {
    const build = () => {
      const v = tl.variable([1, 2]);
      return [
        ...tl.gradients(
          tl.cond(
            tl.constant(true),
            () => v.value(),
            () => v.multiply(2),
          ),
          v,
        ),
      ] as tl.Tensor[];
    };
    expect(run(build)).toEqual([[[1, 1]]]);
  });

  test('ResourceCondTest.testBasic', () => {
    const build = () => {
      const v = tl.variable([1]);
      const loss = tl.cond(
        tl.constant(true),
        () => v.reduceSum(),
        () => tl.constant(0),
      );
      return grad(loss, v);
    };
    expect(run(build)).toEqual([[1]]);
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

  test('CondV2Test.testSecondDerivative', () => {
    const build = () => {
      const x = tl.constant(3);
      const first = grad(
        tl.cond(
          flag(),
          () => tl.pow(x, 3),
          () => x,
        ),
        x,
      );
      return [first, grad(first as tl.Tensor, x)];
    };
    expect(run(build, { p: true }, { p: false })).toEqual([
      [27, 18],
      [1, 0],
    ]);
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

describe('whileLoop', () => {
  const two = () => tl.constant(2);

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

  test('ControlFlowTest.testWhileCondGrad_ResourceVarSparseRead', () => {
    const build = () => {
      const v = tl.variable([1, 1, 1, 1, 1]);
      const [, total] = tl.whileLoop(
        (i) => i.less(3),
        (i, sum) => [
          i.add(1),
          tl.cond(
            i.less(3),
            () => sum.add(v.sparseRead([1, 3]).reduceSum().multiply(4)),
            () => sum,
          ),
        ],
        [int(0), tl.constant(0)],
      );
      return grad(total, v);
    };
    expect(run(build)).toEqual([[0, 12, 0, 12, 0]]);
  });

  test('ControlFlowTest.testWhileGrad_Gather', () => {
    const build = () => {
      const v = tl.variable([1, 1, 1, 1, 1]);
      const [, x] = tl.whileLoop(
        (i) => i.less(3),
        (i, x) => [i.add(1), x.multiply(tl.gather(v.value(), [0])).multiply(2)],
        [int(0), tl.constant([1])],
      );
      return tl.convertToTensor(grad(x, v));
    };
    expect(run(build)).toEqual([[24, 0, 0, 0, 0]]);
  });

  test('ControlFlowTest.testWhileGrad_GatherNoFanOut', () => {
    const build = () => {
      const v = tl.variable([1, 1, 1, 1, 1]);
      const [, x] = tl.whileLoop(
        (i) => i.less(3),
        (i, x) => [i.add(1), x.multiply(tl.gather(v.value(), [0]))],
        [int(0), tl.constant([1])],
      );
      return tl.convertToTensor(grad(x, v));
    };
    expect(run(build)).toEqual([[3, 0, 0, 0, 0]]);
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

  const inner = (s: tl.Tensor) =>
    tl.whileLoop(
      (i) => i.less(4),
      (i, s) => [i.add(1), s.multiply(2)],
      [int(0), s],
    )[1];

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

  test('ControlFlowTest.testWhileGradInCond', () => {
    const build = () => {
      const x = tl.placeholderWithDefault(1, []);
      const n = tl.constant(10);
      const inside = () => {
        const r = loop1(
          (i) => i.less(n),
          (i) => i.multiply(3),
          x,
        );
        return grad(r, x) as tl.Tensor;
      };
      return tl.cond(tl.constant(true), inside, () => x);
    };
    expect(run(build)).toEqual([27]);
  });

  test('ControlFlowTest.testWhileGradInWhile', () => {
    const build = () => {
      const n = tl.constant(1);
      const x = tl.placeholderWithDefault(1, []);
      const b1 = (y: tl.Tensor) => {
        const r = loop1(
          (v) => v.less(n.multiply(10)),
          (v) => v.multiply(3),
          x.multiply(y),
        );
        return grad(r, x) as tl.Tensor;
      };
      return loop1((y) => y.less(2), b1, tl.constant(1));
    };
    expect(run(build)).toEqual([27]);
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

  test('ControlFlowTest.testCallGradInLoop', () => {
    const build = () => {
      const params = tl.constant([5]);
      const input = tl.constant([1, 2, 3]);
      const [, sum] = tl.whileLoop(
        (i) => i.less(10),
        (i, sum) => {
          const y = tl.reduceSum(params.multiply(input).multiply(tl.cast(i, 'float32').multiply(0).add(10)));
          return [i.add(1), sum.add(tl.convertToTensor(grad(y, params)).reduceSum())];
        },
        [int(0), tl.constant(0)],
      );
      return sum;
    };
    expect(run(build)).toEqual([600]);
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

  test('ControlFlowTest.testWhileCondGradMultiDevice', () => {
    const build = () => {
      const [pred, x] = [flag(), tl.placeholder('float32', [], { name: 'x' })];
      const r = loop1(
        (z) => z.less(4),
        (z) =>
          tl.cond(
            pred,
            () => z.multiply(x),
            () => tl.constant(5),
          ),
        tl.constant(1),
      );
      const first = tl.gradients(r, x, { colocateGradientsWithOps: true })[0] as tl.Tensor;
      return [first, ...tl.gradients(first, x)] as tl.Tensor[];
    };
    expect(run(build, { p: true, x: 2 }, { p: false, x: 2 })).toEqual([
      [4, 2],
      [0, 0],
    ]);
  });
});

describe('while_v2', () => {
  test.each(['WhileV2Test.testSingleLoopVar', 'WhileV2Test.testDoubleDerivative'])('%s', () => {
    const build = () => {
      const x = tl.constant(2);
      const r = loop1(
        (v) => v.less(8),
        (v) => v.multiply(v),
        x,
      );
      const first = grad(r, x) as tl.Tensor;
      return [r, first, grad(first, x)];
    };
    expect(run(build)).toEqual([[16, 32, 48]]);
  });

  test('WhileV2Test.testMultipleWhileLoops', () => {
    const build = () => {
      const x = tl.constant(2);
      const r1 = loop1(
        (v) => v.less(4),
        (v) => v.multiply(v),
        x,
      );
      const r2 = loop1(
        (v) => v.less(16),
        (v) => v.multiply(v),
        r1,
      );
      const first = grad(r2, x) as tl.Tensor;
      return [first, grad(first, x)];
    };
    expect(run(build)).toEqual([[32, 48]]);
  });

  test.each(['InCond', 'InBody'])('WhileV2Test.testCaptureExternalTensor%s', (where) => {
    const build = () => {
      const x = tl.constant(2);
      const y = x.add(1);
      const r =
        where === 'InCond'
          ? loop1(
              (v) => v.add(y).less(9.5),
              (v) => v.multiply(3),
              x,
            )
          : loop1(
              (v) => v.less(8),
              (v) => v.multiply(tl.stopGradient(y)),
              x,
            );
      return [r, grad(r, x)];
    };
    expect(run(build)).toEqual([[18, 9]]);
  });

  test('WhileV2Test.testNestedWhile', () => {
    const build = () => {
      const n = tl.constant(3);
      const m = 5;
      const [sum] = tl.whileLoop(
        (_, i) => i.lessEqual(m),
        (sum, i) => {
          const [power] = tl.whileLoop(
            (_, j) => j.less(i),
            (p, j) => [p.multiply(n), j.add(1)],
            [tl.constant(1), int(0)],
          );
          return [sum.add(power), i.add(1)];
        },
        [tl.constant(0), int(0)],
      );
      return [sum, grad(sum, n)];
    };
    expect(run(build)).toEqual([[364, 547]]);
  });

  test('WhileV2Test.testCustomGradient', () => {
    const build = () => {
      const x = tl.constant(2);
      const r = loop1(
        (v) => v.less(8),
        (v) => v.multiply(v),
        x,
      );
      return grad(r, x);
    };
    expect(run(build)).toEqual([32]);
  });

  test('WhileV2Test.testDoNotAccumulateInvariants', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const push = tl.constant(5);
      loop1(
        (v) => v.less(8),
        (v) => v.add(push),
        tl.constant(2),
      );
    });
    const body = graph.functions().find(({ def }) => def.signature.name.includes('body'))!;
    expect(body.def.nodeDef.filter(({ op }) => op === 'TensorListPushBack')).toEqual([]);
  });

  test('WhileV2Test.testDoNotAccumulateConstNodes', () => {
    const graph = new tl.Graph();
    graph.asDefault(() =>
      loop1(
        (v) => v.less(8),
        (v) => v.multiply(2),
        tl.constant(2),
      ),
    );
    const body = graph.functions().find(({ def }) => def.signature.name.includes('body'))!;
    // The factor is a constant: only the variable that it multiplies could be needed, for the factor's own gradient.
    const pushed = body.def.nodeDef.filter(({ op }) => op === 'TensorListPushBack').map(({ input }) => input[1]);
    expect(pushed.every((name) => !name!.startsWith('Mul/y'))).toBe(true);
  });
});

describe('functions', () => {
  const f = (x: tl.Tensor, b: tl.Tensor) => tl.square(x).add(b);

  test('FunctionGradientsTest.testFunctionGradientsBasic', () => {
    const build = () => {
      const [x, b] = [tl.constant([2]), tl.constant([1])];
      const y = tl.function(f)(x, b);
      return tl.gradients(y, [x, b]) as tl.Tensor[];
    };
    expect(run(build)).toEqual([[[4], [1]]]);
  });

  test('FunctionGradientsTest.testFunctionGradientsComposition', () => {
    const build = () => {
      const [x, b1, b2] = [tl.constant([2]), tl.constant([1]), tl.constant([1])];
      const fn = tl.function(f);
      return tl.gradients(fn(fn(x, b1), b2), [x, b1]) as tl.Tensor[];
    };
    expect(run(build)).toEqual([[[40], [10]]]);
  });

  test('FunctionGradientsTest.testGradientWrtCaptured', () => {
    const build = () => {
      const x = tl.constant(1);
      return tl.gradients(tl.function(() => x.multiply(2))(), x) as tl.Tensor[];
    };
    expect(run(build)).toEqual([[2]]);
  });

  test('FunctionGradientsTest.testGradientOfCaptured', () => {
    const build = () => {
      const x = tl.constant(1);
      const y = x.multiply(2);
      return tl.function(() => grad(y, x) as tl.Tensor)();
    };
    expect(run(build)).toEqual([2]);
  });

  test('FunctionGradientsTest.testCapturedResourceVariable', () => {
    const build = () => {
      const v = tl.variable(1);
      return tl.gradients(tl.function(() => v.multiply(2))(), v) as tl.Tensor[];
    };
    expect(run(build)).toEqual([[2]]);
  });

  test('FunctionGradientsTest.testCapturedNested', () => {
    const build = () => {
      const x1 = tl.constant(1);
      const x2 = tl.constant(2);
      const x3 = x1.multiply(2);
      const outer = tl.function(() => {
        const x4 = x2.multiply(2);
        const inner = tl.function(() => {
          const x5 = x3.multiply(x4).multiply(1);
          return tl.gradients(x5.divide(1), [x1, x2]) as [tl.Tensor, tl.Tensor];
        });
        return inner();
      });
      return outer();
    };
    // x5 = 2·x1 · 2·x2
    expect(run(build)).toEqual([[8, 4]]);
  });

  test('FunctionGradientsTest.testCapturedFromFunction', () => {
    const build = () =>
      tl.function(() => {
        const x = tl.constant(1);
        const y = x.multiply(3);
        return tl.function(() => grad(y, x) as tl.Tensor)();
      })();
    expect(run(build)).toEqual([3]);
  });
});

test('TensorListGradientsTest.testDefaultGradYs', () => {
  const build = () => {
    const five = tl.constant(5);
    const [list] = [
      tl.whileLoop(
        (i) => i.less(1),
        (i, x) => [i.add(1), x.multiply(five)],
        [int(0), tl.constant(1)],
      )[1],
    ];
    return grad(list, five);
  };
  expect(run(build)).toEqual([1]);
});
