/** TensorFlow's tests of gradients through control flow with variables, slices, function calls, other dtypes and gradients inside bodies. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose } from './support/build.js';
import { grad, int, loop1, run, two } from './support/control-flow.js';

const yes = () => int(1).less(2);
/** A loop of `n` iterations over one float that starts at `x`; the counter is an int32. */
const times = (n: number, x: tl.Tensor, body: (x: tl.Tensor, i: tl.Tensor) => tl.Tensor): tl.Tensor =>
  tl.whileLoop(
    (i) => i.less(n),
    (i, each) => [i.add(1), body(each, i)],
    [int(0), x],
  )[1];
const dense = (dx: tl.Tensor | tl.IndexedSlices | null) => tl.convertToTensor(dx!);
const floats = (shape: readonly number[], fill = 1) => tl.constant(fill, { shape: [...shape] }) as tl.Tensor;

describe('conditions', () => {
  test('ControlFlowTest.testCondResourceGradShape', () => {
    new tl.Graph().asDefault(() => {
      const [v1, v2] = [tl.variable([1, 2]), tl.variable([3, 4])];
      const result = tl.cond(
        tl.constant(true),
        () => v1.value(),
        () => v2.value(),
      );
      expect(tl.gradients(result, [v1, v2]).map((dv) => (dv as tl.Tensor).shape)).toEqual([[2], [2]]);
    });
  });

  test('ControlFlowTest.testCondWithTensorArrayGrad', () => {
    const build = () => {
      const x = tl.constant([1, 2, 3]);
      const y = tl.cond(
        tl.placeholder('bool', [], { name: 'p' }),
        () => tl.mapFn((z) => z.multiply(2), x),
        () => tl.constant([1, 1, 1]),
      );
      return grad(y, x);
    };
    expect(run(build, { p: true }, { p: false })).toEqual([
      [2, 2, 2],
      [0, 0, 0],
    ]);
  });

  test('ControlFlowTest.testCondComputeGradAfterSessRunFails', () => {
    // In TensorFlow the gradient rewrites an operation that has run, which its session refuses. Here nothing is rewritten.
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const x = tl.constant(10);
      const y = tl.cond(
        yes(),
        () => tl.square(tl.square(x)),
        () => tl.square(x),
      );
      const session = new tl.Session({ graph });
      expect(session.runSync(y).item()).toBe(10_000);
      expect(session.runSync(dense(grad(y, x))).item()).toBe(4000);
    });
  });

  test('ControlFlowTest.testCondGradInNestedWhiles', () => {
    const build = () => {
      const inner = () =>
        times(3, tl.constant(0), (x) => {
          const y = tl.cond(
            x.less(1),
            () => x.multiply(2),
            () => x,
          );
          return dense(grad(y, x));
        });
      return tl.whileLoop(
        (i) => i.less(3),
        (i) => [i.add(1), inner()],
        [int(0), tl.constant(0)],
      );
    };
    expect(run(build)).toEqual([[3, 1]]);
  });
});

describe('loops', () => {
  test('ControlFlowTest.testWhileGrad_ColocateGradients', () => {
    for (const colocateGradientsWithOps of [false, true]) {
      const graph = new tl.Graph();
      graph.asDefault(() => {
        const v = two();
        const r = loop1(
          (x) => x.less(100),
          (x) => tl.device('/device:GPU:0', () => tl.square(x)),
          v,
          { parallelIterations: 1 },
        );
        const [dv] = tl.gradients(r, v, { colocateGradientsWithOps });
        const all = [graph, ...graph.functions().map(({ body }) => body)].flatMap((each) => each.operations());
        const onGpu = all.filter(({ device }) => device === '/device:GPU:0').map(({ name }) => name);
        const forward = all.filter(({ name }) => name.endsWith('Square')).map(({ name }) => name);
        const backward = all.filter(({ name }) => name.includes('Square_grad/')).map(({ name }) => name);
        expect([forward.length, backward.length]).toEqual([1, 3]);
        expect(onGpu).toEqual(colocateGradientsWithOps ? [...forward, ...backward] : forward);
        expect(new tl.Session({ graph }).runSync(dense(dv!)).item()).toBe(1024);
      });
    }
  });

  test('ControlFlowTest.testNestedWhileGradAfterSessionRun', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const always = () => tl.constant(true);
      const v = two();
      const body = (outer: tl.Tensor) =>
        loop1(always, (x) => x.multiply(outer), tl.constant(1), { maximumIterations: 2 });
      const r = loop1(always, body, v, { maximumIterations: 3 });
      const session = new tl.Session({ graph });
      expect(session.runSync(r).item()).toBe(256);
      expect(session.runSync(dense(grad(r, v))).item()).toBe(1024);
    });
  });

  test('ControlFlowTest.testWhileGradInControlDeps', () => {
    const build = () =>
      tl.function(() => {
        const start = two();
        const x = times(2, start, (each) => tl.pow(each, 2));
        return tl.controlDependencies([x], () => dense(grad(x, start)));
      })();
    expect(run(build)).toEqual([4 * 2 ** 3]);
  });

  test('ControlFlowTest.testGradInWhileWrtInitialLoopVal', () => {
    // In the body, the loop variable does not depend on what it started with: its derivative is null, which is no loop variable.
    new tl.Graph().asDefault(() => {
      const x = tl.placeholder('float32', [], { name: 'x' });
      const found: unknown[] = [];
      times(3, x.add(1), (v) => {
        found.push(...tl.gradients(v.multiply(2), x), ...tl.gradients(v.multiply(2), v));
        return v;
      });
      expect(found[0]).toBeNull();
      expect(found[1]).toBeInstanceOf(tl.Tensor);
    });
  });

  test('ControlFlowTest.testNestedResourceAccess', () => {
    const build = () => {
      const v = tl.variable(3);
      return tl.function(() => {
        const x = tl.constant(0);
        const r = times(2, x, (y) =>
          y.add(
            tl.cond(
              tl.constant(true),
              () => times(3, y, (z) => z.add(tl.square(v))),
              () => tl.constant(0),
            ),
          ),
        );
        return [r, dense(grad(r, x))];
      })();
    };
    expect(run(build)).toEqual([[81, 4]]);
  });

  test('ControlFlowTest.testWhileGrad_NoDependency', () => {
    const build = () => {
      const v = tl.variable([[1, 1, 1], [1, 1, 1]]); // prettier-ignore
      const [, , last] = tl.whileLoop(
        (i) => i.less(10),
        (i, each) => [i.add(1), each, each],
        [int(0), v.value(), v.value()],
      );
      return dense(grad(tl.reduceSum(last), v));
    };
    expect(run(build)).toEqual([[[1, 1, 1], [1, 1, 1]]]); // prettier-ignore
  });

  test('ControlFlowTest.testWhileGrad_Const', () => {
    const build = () => {
      const [c0, c1] = [tl.constant(0), tl.constant(1)];
      return grad(tl.reduceSum(times(1, c0, () => c1)), c0);
    };
    expect(run(build)).toEqual([0]);
  });

  test('ControlFlowTest.testNestedWhileAndTensorArray', () => {
    const build = () => {
      const numbers = tl.constant([1, 2, 3]);
      return tl.mapFn((row) => tl.mapFn((column) => row.multiply(column), numbers), numbers);
    };
    expect(run(build)).toEqual([[[1, 2, 3], [2, 4, 6], [3, 6, 9]]]); // prettier-ignore
  });

  test('ControlFlowTest.testWhileGrad_StopGradInsideNoShape', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const [x, y] = [tl.placeholder('float32', null, { name: 'x' }), tl.placeholder('float32', null, { name: 'y' })];
      const [rx] = tl.whileLoop(
        (each) => tl.reduceSum(each).less(100),
        (each, other) => {
          const y1 = tl.stopGradient(tl.square(other, { name: 'stopped' }));
          return [tl.square(each).add(y1), y1];
        },
        [x, y],
      );
      const fetches = [dense(grad(rx, y)), dense(grad(rx, x))];
      const feeds = { x: [3, 4], y: [2, 3] };
      const found = new tl.Session({ graph }).runSync(fetches, feeds).map((each) => each.toArray());
      expect(found).toEqual([
        [0, 0],
        [156, 400],
      ]);
      const everywhere = [graph, ...graph.functions().map(({ body }) => body)].flatMap((each) => each.operations());
      expect(everywhere.filter(({ name }) => name.includes('stopped_grad'))).toEqual([]);
    });
  });

  const throughIntegers = (start: (q: tl.Variable) => tl.Tensor, cond: (y: tl.Tensor) => tl.Tensor) => () => {
    const q = tl.variable([7, 8]);
    const [, y] = tl.whileLoop(
      (_, each) => cond(each),
      (x) => [tl.zerosLike(x), tl.cast(x, 'float32').add(tl.reduceSum(q.value()))],
      [start(q), tl.constant(0)],
    );
    return dense(grad(y, q));
  };
  const smallest = (q: tl.Variable) => tl.argmin(q.value()) as tl.Tensor;

  test('ControlFlowTest.testWhileGradientWithNontrainablePath1', () => {
    expect(run(throughIntegers(smallest, () => tl.constant(false)))).toEqual([[0, 0]]);
  });

  test('ControlFlowTest.testWhileGradientWithNontrainablePath2', () => {
    expect(run(throughIntegers(smallest, (y) => y.equal(0)))).toEqual([[1, 1]]);
  });

  test('ControlFlowTest.testIssue16504', () => {
    const build = () => {
      const c = tl.constant(Array.from({ length: 100 }, (_, i) => i));
      const start = tl.divide(tl.variable(Array.from({ length: 100 }, () => 1)), 100) as tl.Tensor;
      const [, w] = tl.whileLoop(
        (k, _, change) => tl.logicalAnd(k.less(10), change.greater(1e-3)),
        (k, each) => {
          const dw = dense(grad(tl.negative(tl.reduceSum(each.multiply(c))), each));
          const scaled = each.multiply(tl.exp(dw.multiply(-0.1)));
          const next = tl.divide(scaled, tl.reduceSum(scaled)) as tl.Tensor;
          const change = tl.divide(tl.reduceSum(tl.abs(next.subtract(each))), tl.reduceSum(tl.abs(each)));
          return [k.add(1), next, change];
        },
        [int(0), start, tl.constant(Infinity)],
      );
      return [dense(grad(w, c)), tl.reduceSum(w)];
    };
    const [[dc, sum]] = run(build) as [[number[], number]];
    expect(dc).toHaveLength(100);
    expect(dc.every(Number.isFinite)).toBe(true);
    // The weights sum up to 1 whatever c is.
    expectClose(sum, 1, 1e-4);
    expect(Math.abs(dc.reduce((a, b) => a + b, 0))).toBeLessThan(1e-3);
  });

  test('ControlFlowTest.testStopGradMultiFlows', () => {
    const build = () => {
      const x = tl.variable(1, { name: 'x' });
      const [, , r] = tl.whileLoop(
        (i) => i.less(1),
        (i, y, sum) => {
          const next = y.multiply(x);
          return [i.add(1), next, sum.add(tl.reduceSum(next))];
        },
        [int(0), floats([5]), tl.constant(0)],
      );
      const norm = tl.sqrt(tl.square(dense(grad(r, x))));
      return dense(grad(r.add(tl.stopGradient(tl.reduceSum(norm))), x));
    };
    expect(run(build)).toEqual([5]);
  });
});

describe('slices', () => {
  const ones = (n: number) => tl.variable(Array.from({ length: n }, () => 1));

  test('ControlFlowTest.testWhileGrad_ResourceVarSparseRead', () => {
    const build = () => {
      const v = ones(5);
      return dense(
        grad(
          times(3, tl.constant(1), (x) => x.multiply(tl.reduceSum(v.sparseRead([1, 3])))),
          v,
        ),
      );
    };
    expect(run(build)).toEqual([[0, 12, 0, 12, 0]]);
  });

  test('ControlFlowTest.testWhileGrad_MultiResourceVarSparseRead', () => {
    const build = () => {
      const [v1, v2] = [ones(5), ones(3)];
      const [, ...ys] = tl.whileLoop(
        (i) => i.less(3),
        (i, _, x2, x3) => [
          i.add(1),
          v1.sparseRead([1, 3]),
          x2.multiply(2),
          x3.multiply(tl.reduceSum(v2.sparseRead([0]))),
        ],
        [int(0), tl.constant([0, 0]), tl.constant(1), tl.constant(1)],
      );
      return tl.gradients(ys, [v1, v2]).map(dense);
    };
    expect(run(build)).toEqual([
      [
        [0, 1, 0, 1, 0],
        [3, 0, 0],
      ],
    ]);
  });

  test('ControlFlowTest.testWhileGrad_IndexedSlices', () => {
    const build = () => {
      const values = tl.constant([2, 4]);
      const ints = (data: number[]) => tl.constant(data, { dtype: 'int32' }) as tl.Tensor;
      const [, r] = tl.whileLoop(
        (i) => i.less(10),
        (i, x) => [i.add(1), new tl.IndexedSlices(x.values.multiply(2), x.indices, x.denseShape)],
        [int(0), new tl.IndexedSlices(values, ints([0, 3]), ints([10]))],
      );
      return grad(r.values, values);
    };
    expect(run(build)).toEqual([[1024, 1024]]);
  });

  const inFunction = (v: tl.Variable, body: (x: tl.Tensor) => tl.Tensor) =>
    tl.function(() => dense(grad(times(2, tl.constant(0), body), v)))();

  test('ControlFlowTest.testWhileGrad_ResourceVarInFunctionCall', () => {
    const build = () => {
      const v = tl.variable([1, 2, 3, 4]);
      const foo = tl.function((x: tl.Tensor) => x.add(tl.reduceSum(v.sparseRead([1, 3]))));
      return inFunction(v, (x) => foo(x));
    };
    expect(run(build)).toEqual([[0, 2, 0, 2]]);
  });

  test('ControlFlowTest.testWhileGrad_ResourceVarInNestedFunctionCall', () => {
    const build = () => {
      const v = ones(4);
      const foo = tl.function((x: tl.Tensor) => x.add(tl.reduceSum(v.sparseRead([1, 3]))));
      const foo2 = tl.function((x: tl.Tensor) => foo(x));
      return inFunction(v, (x) => foo2(x));
    };
    expect(run(build)).toEqual([[0, 2, 0, 2]]);
  });

  test('ControlFlowTest.testWhileGrad_ResourceVarInLoopInFunctionCall', () => {
    const build = () => {
      const v = ones(4);
      const foo = tl.function((x: tl.Tensor) => times(3, x, (y) => y.add(tl.reduceSum(v.sparseRead([1, 2])))));
      return inFunction(v, (x) => foo(x));
    };
    expect(run(build)).toEqual([[0, 6, 6, 0]]);
  });

  test('ControlFlowTest.testWhileCondGrad_ResourceVarInFunctionCall', () => {
    const build = () => {
      const [v1, v2] = [tl.variable([1, 2, 3]), tl.variable([4, 5])];
      const foo = (v: tl.Variable) => tl.function((x: tl.Tensor) => x.add(tl.reduceSum(v.sparseRead([1]))));
      const [foo1, foo2] = [foo(v1), foo(v2)];
      return tl.function(() => {
        const r = times(4, tl.constant(0), (x, i) =>
          tl.cond(
            tl.floormod(i, 2).equal(0),
            () => foo1(x),
            () => foo2(x),
          ),
        );
        return tl.gradients(r, [v1, v2]).map(dense);
      })();
    };
    expect(run(build)).toEqual([
      [
        [0, 2, 0],
        [0, 2],
      ],
    ]);
  });
});

test('GradientsTest.testNonDifferentiableSwitchInWhileLoop', () => {
  new tl.Graph().asDefault(() => {
    const v = tl.placeholder('float32', []);
    const target = tl.scan((a) => a.add(tl.cast(v, 'int32')), tl.range(4), { initializer: int(0) });
    expect(target.dtype).toBe('int32');
    expect(tl.gradients(target, v)).toEqual([null]);
  });
});
