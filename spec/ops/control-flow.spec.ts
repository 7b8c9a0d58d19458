/** Conditionals, loops and functions: what TensorFlow's own tests leave out. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

const int = (value: number) => tl.constant(value, { dtype: 'int32' });

function inGraph<T>(build: (graph: tl.Graph) => T): T {
  const graph = new tl.Graph();
  return graph.asDefault(() => build(graph));
}

function valuesOf(build: () => readonly (tl.Tensor | tl.IndexedSlices | null)[], feeds: tl.Feeds = {}): unknown[] {
  return inGraph((graph) => {
    const dense = build().map((tensor) => tensor && tl.convertToTensor(tensor));
    const init = tl.globalVariablesInitializer();
    const session = new tl.Session({ graph });
    session.runSync(init);
    return dense.map((tensor) => tensor && session.runSync(tensor, feeds).toArray());
  });
}

describe('rows', () => {
  test('scan, with gradients', () => {
    const build = () => {
      const x = tl.constant([2, 3, 4]);
      const products = tl.scan((a, row) => a.multiply(row), x);
      const [dx] = tl.gradients(products.reduceSum(), x);
      return [products, dx!];
    };
    expect(valuesOf(build)).toEqual([
      [2, 6, 24],
      [16, 10, 6],
    ]);
  });

  test('foldl, with gradients', () => {
    const build = () => {
      const x = tl.constant([2, 3, 4]);
      const product = tl.foldl((a, row) => a.multiply(row), x);
      return [product, ...tl.gradients(product, x)];
    };
    expect(valuesOf(build)).toEqual([24, [12, 8, 6]]);
  });

  test('foldr goes from the last row', () => {
    expect(valuesOf(() => [tl.foldr((a, row) => a.multiply(2).add(row), tl.constant([1, 2, 3]))])).toEqual([17]);
  });

  test('initializers, nests and reverse', () => {
    const build = () => {
      const xs = { a: tl.constant([1, 2, 3]), b: tl.constant([[1], [2], [3]]) };
      const sums = tl.scan((acc, row) => acc.add(row.a).add(row.b.reduceSum()), xs, { initializer: tl.constant(10) });
      const back = tl.scan((acc, row) => acc.add(row.a), xs, { initializer: tl.constant(0), reverse: true });
      return [sums as tl.Tensor, back as tl.Tensor];
    };
    expect(valuesOf(build)).toEqual([
      [12, 16, 22],
      [6, 5, 3],
    ]);
  });

  test('mapFn takes and gives nests, and other dtypes', () => {
    const build = () => {
      const { twice, big } = tl.mapFn((row) => ({ twice: row[0].multiply(2), big: row[0].greater(row[1]) }), [
        tl.constant([1, 5]),
        tl.constant([2, 3]),
      ] as const);
      return [twice, big];
    };
    expect(valuesOf(build)).toEqual([
      [2, 10],
      [false, true],
    ]);
  });

  test('a number of rows known only when it runs, also none', () => {
    const build = () => {
      const x = tl.placeholder('float32', [null, 2], { name: 'x' });
      const y = tl.mapFn((row) => row.reduceSum(), x);
      return [y, ...tl.gradients(y, x)];
    };
    expect(
      valuesOf(build, {
        x: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      }),
    ).toEqual([
      [3, 7, 11],
      [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
    ]);
    expect(valuesOf(build, { x: new tl.NDArray('float32', [0, 2], new Float32Array(0)) })).toEqual([[], []]);
  });

  test('second order through mapFn and scan', () => {
    const build = () => {
      const x = tl.constant([1, 2]);
      const y = tl
        .scan(
          (a, row) => a.multiply(row),
          tl.mapFn((row) => row.multiply(row), x),
        )
        .reduceSum();
      const [d1] = tl.gradients(y, x);
      return [d1!, ...tl.gradients(d1 as tl.Tensor, x)];
    };
    // y = x0² + x0²·x1²
    expect(valuesOf(build)).toEqual([
      [10, 4],
      [10 + 8, 8 + 2],
    ]);
  });
});

describe('gradients', () => {
  test('of branches that give tensors of different shapes', () => {
    const build = () => {
      const x = tl.constant([3]) as tl.Tensor;
      const p = tl.placeholder('bool', [], { name: 'p' });
      const z = tl.constant([1, 2]) as tl.Tensor;
      const once = (v: tl.Tensor) => tl.function((a: tl.Tensor) => tl.identity(a))(v);
      const [y, other] = tl.cond(
        p,
        () => [once(x), once(z)],
        () => [x, x],
      ) as readonly tl.Tensor[];
      return [...tl.gradients([y!, other!], x), ...tl.gradients(y!, x)];
    };
    expect(valuesOf(build, { p: true })).toEqual([[1], [1]]);
    expect(valuesOf(build, { p: false })).toEqual([[2], [1]]);
  });

  test('of branches of which what comes back tells that they do not run', () => {
    const build = () => {
      const x = tl.constant([1, 2]) as tl.Tensor;
      const y = tl.cond(
        tl.placeholder('bool', [], { name: 'p' }),
        () => tl.multiply(x, x),
        () => tl.sin(tl.tile(x, [2])),
      );
      const [dx] = tl.gradients(y, x, { gradYs: [tl.constant([1, 10])] });
      return [dx!, ...tl.gradients(dx!, x)];
    };
    expect(valuesOf(build, { p: true })).toEqual([
      [2, 40],
      [2, 20],
    ]);
  });

  test('of a result that the gradient of another one looks at, in a nested choice', () => {
    const build = () => {
      const v = tl.variable([2, 5]);
      const x = tl.constant([3]) as tl.Tensor;
      const i = tl.placeholder('int32', [], { name: 'i' });
      const branch = (row: number) => () => {
        // A choice that reads a variable cannot be made again to have its results.
        const both = tl.multiply(v.sparseRead([row]), x);
        return [both, tl.multiply(both, both)];
      };
      const y = tl.cond(
        tl.placeholder('bool', [], { name: 'p' }),
        () => tl.switchCase(i, [branch(0), branch(1)])[1]!,
        () => x,
      ) as tl.Tensor;
      return tl.gradients(y, x);
    };
    expect(valuesOf(build, { p: true, i: 1 })).toEqual([[150]]);
    expect(valuesOf(build, { p: false, i: 0 })).toEqual([[1]]);
  });

  test('of order 1, 2 and 3 through a conditional in a loop', () => {
    const build = () => {
      const x = tl.constant(2);
      const [, y] = tl.whileLoop(
        (i) => i.less(4),
        (i, a) => [
          i.add(1),
          tl.cond(
            i.floormod(2).equal(0),
            () => a.multiply(x),
            () => a.add(x),
          ),
        ],
        [int(0), x],
      );
      const [d1] = tl.gradients(y, x);
      const [d2] = tl.gradients(d1 as tl.Tensor, x);
      const [d3] = tl.gradients(d2 as tl.Tensor, x);
      return [y, d1!, d2!, d3!];
    };
    expect(valuesOf(build)).toEqual([14, 17, 14, 6]);
  });

  test('a loop that does not run passes gradients on, and gives zeros for what it captures', () => {
    const build = () => {
      const [x, w] = [tl.constant([1, 2]), tl.constant([5, 6])];
      const [y] = tl.whileLoop(
        () => tl.constant(false),
        (a) => [a.multiply(w)],
        [x],
      );
      return tl.gradients(y, [x, w]);
    };
    expect(valuesOf(build)).toEqual([
      [1, 1],
      [0, 0],
    ]);
  });

  test('where only one branch depends on a tensor, the other gives zeros', () => {
    const build = (taken: boolean) => () => {
      const [x, z] = [tl.constant([1, 2]), tl.constant([3, 4])];
      return tl.gradients(
        tl.cond(
          tl.constant(taken),
          () => x.multiply(2),
          () => z,
        ),
        [x, z],
      );
    };
    expect(valuesOf(build(true))).toEqual([
      [2, 2],
      [0, 0],
    ]);
    expect(valuesOf(build(false))).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  test('integer loop variables and predicates get none', () => {
    inGraph(() => {
      const [i, x] = [int(0), tl.constant(1)];
      const pred = x.greater(0);
      const [n, y] = tl.whileLoop(
        (i) => i.less(3),
        (i, a) => [i.add(1), a.multiply(2)],
        [i, x],
      );
      expect(tl.gradients([n, y], [i])).toEqual([null]);
      expect(
        tl.gradients(
          tl.cond(
            pred,
            () => x,
            () => x,
          ),
          pred,
        ),
      ).toEqual([null]);
    });
  });

  test('inside bodies, gating and placement hold', () => {
    inGraph((graph) => {
      const [x, w] = [tl.constant([1, 2]), tl.constant([3, 4])];
      const y = tl.cond(
        tl.placeholder('bool', []),
        () => tl.device('/device:CPU:1', () => x.multiply(w, { name: 'product' })),
        () => x,
      );
      tl.gradients(y, [x, w], { gateGradients: true, colocateGradientsWithOps: true });
      const body = graph.functions().find(({ def }) => def.signature.name.startsWith('gradient_cond_true'))!;
      const products = body.def.nodeDef.filter(({ name }) => /^product_grad\/Mul/.test(name));
      expect(products.length).toBeGreaterThan(0);
      for (const { device, attr } of products) {
        expect(device).toBe('/device:CPU:1');
        expect(attr['_class']).toEqual({ kind: 'list', of: 'string', value: ['loc:@product'] });
      }
      const gate = body.def.nodeDef.find(({ name }) => name === 'product_grad/tuple/group_deps')!;
      expect(gate.input.length).toBe(2);
    });
  });

  test('differentiating appends, and changes no node or function that is there', () => {
    inGraph((graph) => {
      const x = tl.constant(2);
      const [y] = tl.whileLoop(
        (a) => a.less(100),
        (a) => [a.multiply(a)],
        [x],
      );
      const before = graph.state;
      const [dx] = tl.gradients(y, x);
      const after = graph.state;
      expect(after.functions.slice(0, before.functions.length)).toEqual(before.functions);
      expect(after.functions.length).toBe(before.functions.length + 2);
      tl.gradients(dx as tl.Tensor, x);
      expect(graph.state.functions.slice(0, after.functions.length)).toEqual(after.functions);
    });
  });

  test('through variables that are read and random numbers that are drawn in a body', () => {
    inGraph((graph) => {
      const v = tl.variable([2, 3]);
      const noise = tl.cond(
        tl.constant(true),
        () => tl.random.uniform([2]).multiply(v),
        () => v.value(),
      );
      const [dv] = tl.gradients(noise, v);
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      const [y, dy] = session.runSync([noise, tl.convertToTensor(dv!)]) as tl.NDArray[];
      // The gradient is the very numbers drawn, not new ones.
      const drawn = dy!.toArray() as number[];
      expect(y!.toArray()).toEqual([Math.fround(drawn[0]! * 2), Math.fround(drawn[1]! * 3)]);
    });
  });
});
