/** vectorizedMap: what it takes and gives, numbers of rows, effects and nesting. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { atOnce, expectRowwise, knowledges, valuesOf } from './support/vectorized.js';

const rows = [
  [1, 2, 3],
  [4, 5, 6],
];

let graph: tl.Graph;
beforeEach(() => {
  graph = new tl.Graph();
});
afterEach(() => {
  jest.restoreAllMocks();
});
const build = <T>(fn: () => T): T => graph.asDefault(fn);
const valueOf = (tensor: tl.Tensor): unknown => valuesOf(graph, [tensor])[0]!.toArray();
const matrix = (data: readonly (readonly number[])[] = rows): tl.Tensor => tl.constant(data);

describe('what it takes and gives', () => {
  test('nests of either kind', () => {
    build(() => {
      const { sum, parts } = tl.vectorizedMap(
        ({ a, b: [c] }) => ({ sum: a.add(c), parts: [a, [c.reduceSum()]] as const }),
        { a: matrix(), b: [matrix([[10, 20, 30], [40, 50, 60]])] as const }, // prettier-ignore
      );
      expect(sum.shape).toEqual([2, 3]);
      expect(valueOf(sum)).toEqual([[11, 22, 33], [44, 55, 66]]); // prettier-ignore
      expect(valueOf(parts[0])).toEqual(rows);
      expect(valueOf(parts[1][0])).toEqual([60, 150]);
    });
  });

  test('a row of one tensor for all rows of another', () => {
    build(() => {
      const y = tl.vectorizedMap(([a, b]) => a.multiply(b), [matrix(), matrix([[1, 10, 100]])] as const);
      expect(valueOf(y)).toEqual([[1, 20, 300], [4, 50, 600]]); // prettier-ignore
      const only = tl.vectorizedMap((x) => x.add(1), matrix([[1, 2]]));
      expect([only.shape, valueOf(only)]).toEqual([[1, 2], [[2, 3]]]);
    });
  });

  test.each(knowledges)(
    'one row beside many, and one beside one, where the numbers are known to this degree: %s',
    (known) => {
      for (const others of [rows, [[7, 8, 9]]]) {
        const [found] = atOnce((a, b) => a.subtract(b), [others, [[1, 1, 1]]], known);
        expect(found!.toArray()).toEqual(others.map((row) => row.map((x) => x - 1)));
      }
    },
  );

  test('what is the same for all rows is made once, and repeated where it is returned', () => {
    build(() => {
      const c = tl.constant([1, 2]);
      const [same, captured, data] = tl.vectorizedMap(() => [c.multiply(2), c, tl.constant(5)] as const, matrix());
      expect(valueOf(same)).toEqual([[2, 4], [2, 4]]); // prettier-ignore
      expect(valueOf(captured)).toEqual([[1, 2], [1, 2]]); // prettier-ignore
      expect(valueOf(data)).toEqual([5, 5]);
      expect(graph.operations().filter(({ type }) => type === 'Mul')).toHaveLength(1);
    });
  });

  test('what is returned as it came', () => {
    build(() => {
      const x = matrix();
      expect(tl.vectorizedMap((row) => row, x)).toBe(x);
    });
  });

  test('null for null, and for nothing', () => {
    build(() => {
      const [none, some] = tl.vectorizedMap((x) => [null, x.add(1)] as const, matrix());
      expect(none).toBeNull();
      expect(valueOf(some)).toEqual(rows.map((row) => row.map((x) => x + 1)));
      expect(tl.vectorizedMap(() => undefined, matrix())).toBeNull();
    });
  });

  test('slices come back dense', () => {
    expectRowwise((x) => tl.convertToTensor(new tl.IndexedSlices(x, tl.constant([2, 0, 2], { dtype: 'int32' }), tl.constant([4], { dtype: 'int32' }))), [rows]); // prettier-ignore
    build(() => {
      const indices = tl.constant([2, 0, 2], { dtype: 'int32' });
      const shape = tl.constant([4], { dtype: 'int32' });
      const y = tl.vectorizedMap((x) => new tl.IndexedSlices(x, indices, shape), matrix());
      expect(valueOf(y)).toEqual([[2, 0, 4, 0], [5, 0, 10, 0]]); // prettier-ignore
    });
  });

  test('tensors of any dtype', () => {
    build(() => {
      const words = tl.constant(['a', 'b']);
      const [w, c, b, i] = tl.vectorizedMap(
        ([w, c, b, i]) => [w, c.multiply(c), b.logicalNot(), i.add(1n)] as const,
        [
          words,
          tl.constant([{ re: 0, im: 1 }, { re: 1, im: 1 }], { dtype: 'complex64' }),
          tl.constant([true, false]),
          tl.constant([1n, 2n], { dtype: 'int64' }),
        ] as const,
      ); // prettier-ignore
      expect([valueOf(w), valueOf(b), valueOf(i)]).toEqual([['a', 'b'], [false, true], [2n, 3n]]); // prettier-ignore
      expect(valueOf(c)).toEqual([{ re: -1, im: 0 }, { re: 0, im: 2 }]); // prettier-ignore
    });
  });

  test('an operation is where the function made it, in the scope and on the device around it', () => {
    build(() => {
      const y = tl.device('/gpu:0', () =>
        tl.vectorizedMap((x) => tl.nameScope('inner', () => x.exp({ name: 'e' })), matrix(), { name: 'rows' }),
      );
      expect(y.op.name).toBe('rows/inner/e');
      expect(y.op.device).toMatch(/gpu:0/i);
      expect(y.op.createdAt).toMatch(/vectorized-map\.spec\.ts/);
    });
  });
});

describe('numbers of rows', () => {
  const functions = (x: tl.Tensor) => [
    x.add(1),
    x.reduceSum(),
    tl.matmul(x.expandDims(1), x.expandDims(0)),
    tl.reshape(x, [-1, 1]),
    tl.concat([x, [9]], 0),
    tl.gather(x, [0, 0]),
    tl.constant([1, 2]),
  ];

  test.each([
    ['many', rows],
    ['one', [[1, 2, 3]]],
  ])('%s', (_, data) => {
    expectRowwise(functions, [data]);
  });

  test.each(knowledges)('none, where this is known of shapes: %s', (known) => {
    const found = atOnce(functions, [tl.NDArray.filled('float32', [0, 3], 0)], known);
    expect(found.map((value) => value!.shape)).toEqual([[0, 3], [0], [0, 3, 3], [0, 3, 1], [0, 4], [0, 2], [0, 2]]); // prettier-ignore
  });

  test('that are known only at run time may differ from run to run', () => {
    build(() => {
      const x = tl.placeholder('float32', [null, 2], { name: 'x' });
      const y = tl.vectorizedMap((row) => row.multiply(row.reduceSum()), x) as unknown as tl.Tensor;
      expect(y.shape).toEqual([null, 2]);
      const session = new tl.Session({ graph });
      for (const count of [0, 1, 3]) {
        const data = Array.from({ length: count }, (_, i) => [i, 1]);
        const found = session.runSync(y, { x: new tl.NDArray('float32', [count, 2], Float32Array.from(data.flat())) });
        expect([found.shape, [...found.data]]).toEqual([[count, 2], data.flatMap(([a]) => [a! * (a! + 1), a! + 1])]);
      }
    });
  });

  test('that turn out to differ at run time are an error', () => {
    build(() => {
      const [x, y] = ['x', 'y'].map((name) => tl.placeholder('float32', [null], { name }) as tl.Tensor);
      const z = tl.vectorizedMap(([a, b]) => a.add(b), [x!, y!]);
      const session = new tl.Session({ graph });
      expect(() => session.runSync(z, { x: [1, 2], y: [1, 2, 3] })).toThrow(tl.TapelessError);
      expect(session.runSync(z, { x: [1], y: [1, 2, 3] }).toArray()).toEqual([2, 3, 4]);
    });
  });
});

describe('variables and random numbers', () => {
  test('variables around it are read', () => {
    build(() => {
      const v = tl.variable([10, 20, 30]);
      expect(valueOf(tl.vectorizedMap((x) => x.add(v), matrix()))).toEqual([[11, 22, 33], [14, 25, 36]]); // prettier-ignore
      expect(valueOf(tl.vectorizedMap((i) => tl.gather(v, i), tl.constant([2, 0], { dtype: 'int32' })))).toEqual([
        30, 10,
      ]);
    });
  });

  test('writes happen for each row, before what waits for them', () => {
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    build(() => {
      const [sum, last] = [tl.variable(0), tl.variable(0)];
      const y = tl.vectorizedMap((x) => {
        const added = sum.assignAdd(x.reduceSum());
        const set = last.assign(x.reduceSum());
        return tl.controlDependencies([added, set], () => sum.value().add(0));
      }, matrix());
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expect(session.runSync(y).toArray()).toEqual([21, 21]);
      expect(session.runSync([sum.value(), last.value()]).map((value) => value.toArray())).toEqual([21, 15]);
    });
  });

  test('a write that nothing waits for happens as well', () => {
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    build(() => {
      const count = tl.variable(0);
      const f = tl.function((x: tl.Tensor) =>
        tl.vectorizedMap((row) => {
          count.assignAdd(1);
          return row;
        }, x.add(0)),
      );
      const y = f(matrix());
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      session.runSync(y);
      expect(session.runSync(count).toArray()).toBe(2);
    });
  });

  test('each row draws numbers of its own, as many as one row does', () => {
    build(() => {
      tl.setRandomSeed(3);
      const [fresh, fromShape, branch] = tl.vectorizedMap(
        (x) =>
          [
            tl.random.uniform([4]),
            tl.random.normal(tl.shape(x)),
            tl.cond(
              x.reduceSum().greater(0),
              () => tl.random.uniform([4]),
              () => tl.zeros([4]),
            ),
          ] as const,
        tl.ones([3, 2]),
      );
      const around = tl.random.uniform([4]);
      const shared = tl.vectorizedMap(() => around, matrix());
      const found = valuesOf(graph, [fresh, fromShape, branch, shared]).map((value) => value!.toArray() as number[][]);
      expect(found.map((value) => [value.length, value[0]!.length])).toEqual([[3, 4], [3, 2], [3, 4], [2, 4]]); // prettier-ignore
      for (const drawn of found.slice(0, 3)) expect(new Set(drawn.flat()).size).toBe(drawn.flat().length);
      expect(found[3]![0]).toEqual(found[3]![1]);
    });
  });
});

describe('nesting', () => {
  const cube = [[[1, 2], [3, 4], [5, 6]], [[-1, 0], [2, 1], [0, 3]]]; // prettier-ignore
  const inner = (x: tl.Tensor) => x.multiply(x.reduceSum()).exp().log();

  test('in itself, over what a row has and over all rows', () => {
    expectRowwise((m) => tl.vectorizedMap((x) => inner(x).add(m.reduceSum()), m), [cube]);
    expectRowwise((m) => tl.vectorizedMap(([x, c]) => x.add(c), [m, tl.constant([[1, 2]])]), [cube]);
    expectRowwise((m) => tl.vectorizedMap((c) => m.multiply(c), tl.constant([1, 2, 3])), [cube]);
  });

  test('in mapFn, and the other way round', () => {
    expectRowwise((m) => tl.vectorizedMap(inner, m), [cube]);
    build(() => {
      const x = tl.constant(cube) as tl.Tensor;
      const both = [
        tl.mapFn((m) => tl.vectorizedMap((row) => inner(row), m), x),
        tl.vectorizedMap((m) => tl.mapFn((row) => inner(row), m), x),
      ];
      const [one, other] = valuesOf(graph, both);
      expect(one!.toArray()).toEqual(other!.toArray());
    });
  });

  test('in a function, a branch and a loop', () => {
    const f = tl.function((m: tl.Tensor) =>
      tl.cond(
        m.reduceSum().greater(0),
        () => tl.vectorizedMap((x) => x.multiply(2), m),
        () => m,
      ),
    );
    build(() => {
      const [, looped] = tl.whileLoop(
        (i) => i.less(2),
        (i, m) => [i.add(1), f(m)] as const,
        [tl.constant(0), matrix()],
      );
      expect(valueOf(looped)).toEqual(rows.map((row) => row.map((x) => 4 * x)));
    });
  });
});
