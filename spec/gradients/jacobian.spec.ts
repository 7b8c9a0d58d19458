/** Jacobians and Hessians: values, shapes, structure, and what is said of bad input. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tl from '../../src/index.js';

let graph: tl.Graph;
beforeEach(() => {
  graph = new tl.Graph();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const build = <T>(fn: () => T): T => graph.asDefault(fn);
const valueOf = (tensor: tl.Tensor | null, feeds?: Map<tl.Tensor, tl.TensorData>): unknown => {
  const session = new tl.Session({ graph });
  session.runSync(build(() => tl.globalVariablesInitializer()));
  const value = session.runSync(tensor!, feeds);
  return value.toArray();
};

/** All the ways there are, which must agree. */
const ways = [{}, { usePfor: false }, { parallelIterations: 2 }, { parallelIterations: 100 }] as const;

describe('jacobian', () => {
  test.each(ways)('of a function of several tensors, %p', (way) => {
    const [ja, jb] = build(() => {
      const a = tl.constant([
        [1, 2],
        [3, 4],
      ]);
      const b = tl.constant([5, 6]);
      const y = a.multiply(b).reduceSum({ axis: 1 });
      const { p, q } = tl.jacobian(y, { p: a, q: [b] }, way);
      return [p, q[0]] as const;
    });
    expect(ja!.shape).toEqual([2, 2, 2]);
    expect(valueOf(ja)).toEqual([
      [
        [5, 6],
        [0, 0],
      ],
      [
        [0, 0],
        [5, 6],
      ],
    ]);
    expect(valueOf(jb)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test.each(ways)('where no shape is known, %p', (way) => {
    const x = build(() => tl.placeholder('float32', null) as tl.Tensor);
    const j = build(() => tl.jacobian(x.multiply(x).multiply(x.reduceSum()), x, way));
    const expected = (v: readonly number[]): number[][] => {
      const sum = v.reduce((a, b) => a + b, 0);
      return v.map((a, i) => v.map((_, k) => a * a + (i === k ? 2 * a * sum : 0)));
    };
    for (const v of [[1, 2, 3], [2], [1, 2, 3, 4, 5]]) expect(valueOf(j, new Map([[x, v]]))).toEqual(expected(v));
  });

  test.each(ways)('of nothing is empty, %p', (way) => {
    const x = build(() => tl.placeholder('float32', [null]) as tl.Tensor);
    const j = build(() => tl.jacobian(x.multiply(x), x, way));
    const value = new tl.Session({ graph }).runSync(j!, new Map([[x, []]]));
    expect(value.shape).toEqual([0, 0]);
  });

  test('of a scalar is the gradient', () => {
    const j = build(() => {
      const x = tl.constant([1, 2]);
      return tl.jacobian(x.multiply(x).reduceSum(), x);
    });
    expect(valueOf(j)).toEqual([2, 4]);
  });

  test('by a variable, sparse gradients included', () => {
    const j = build(() => {
      const v = tl.variable(
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
        { name: 'v' },
      );
      return tl.jacobian(tl.gather(v, [2, 0, 2]).reduceSum({ axis: 1 }), v);
    });
    expect(j!.shape).toEqual([3, 3, 2]);
    expect(valueOf(j)).toEqual([
      [
        [0, 0],
        [0, 0],
        [1, 1],
      ],
      [
        [1, 1],
        [0, 0],
        [0, 0],
      ],
      [
        [0, 0],
        [0, 0],
        [1, 1],
      ],
    ]);
  });

  test.each(ways)('is null where there is no way, or zeros, %p', (way) => {
    const [none, zero] = build(() => {
      const [x, y] = [tl.constant([1, 2]), tl.constant([3])];
      return [tl.jacobian(x, [y], way), tl.jacobian(x, [y], { ...way, unconnectedGradients: 'zero' })];
    });
    expect(none).toEqual([null]);
    expect(graph.operations().filter(({ type }) => type.includes('While'))).toEqual([]);
    expect(valueOf(zero[0] as tl.Tensor)).toEqual([[0], [0]]);
  });

  test.each(ways)('through loops and conditionals, %p', (way) => {
    const x = build(() => tl.placeholder('float32', [2]) as tl.Tensor);
    const j = build(() => {
      const [, power] = tl.whileLoop(
        (i: tl.Tensor) => i.less(2),
        (i: tl.Tensor, a: tl.Tensor) => [i.add(1), a.multiply(x)],
        [tl.constant(0, { dtype: 'int32' }) as tl.Tensor, x],
      );
      const isPositive = x.reduceSum().greater(0);
      const y = tl.cond(
        isPositive,
        () => power,
        () => x.negative(),
      );
      return tl.jacobian(y, x, way);
    });
    expect(valueOf(j, new Map([[x, [1, 2]]]))).toEqual([
      [3, 0],
      [0, 12],
    ]);
    const value = valueOf(j, new Map([[x, [-1, -2]]])) as number[][];
    expect(value.flat().map((v) => v + 0)).toEqual([-1, 0, 0, -1]);
  });

  test('uses the gradient that a function says it has', () => {
    const j = build(() => {
      const f = tl.customGradient((x: tl.Tensor) => [x.multiply(x), (dy: tl.Tensor) => dy.multiply(10)] as const);
      const x = tl.constant([1, 2]);
      return tl.jacobian(f(x), x);
    });
    expect(valueOf(j)).toEqual([
      [10, 0],
      [0, 10],
    ]);
  });

  test('can be differentiated again, and is a Jacobian of a Jacobian', () => {
    const j = build(() => {
      const x = tl.constant([1, 2]);
      return tl.jacobian(tl.jacobian(x.pow(3), x)!, x);
    });
    expect(j!.shape).toEqual([2, 2, 2]);
    expect(valueOf(j)).toEqual([
      [
        [6, 0],
        [0, 0],
      ],
      [
        [0, 0],
        [0, 12],
      ],
    ]);
  });

  test('says which operation needs a loop', () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const j = build(() => {
      const x = tl.constant([1, 2, 3]);
      const f = tl.customGradient(
        (a: tl.Tensor) => [a.multiply(1), (dy: tl.Tensor) => dy.multiply(tl.unique(dy).y.reduceSum())] as never,
      ) as unknown as (a: tl.Tensor) => tl.Tensor;
      return tl.jacobian(f(x), x);
    });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]![0]).toMatch(
      /no way to run 'gradients\/IdentityN_grad\/Unique' \(Unique, created at .*jacobian\.spec\.ts/,
    );
    expect(j!.shape).toEqual([3, 3]);
  });
});

describe('batchJacobian', () => {
  test.each(ways)('of rows that depend on their own row, %p', (way) => {
    const x = build(() => tl.placeholder('float32', [null, 2]) as tl.Tensor);
    const j = build(() =>
      tl.batchJacobian(
        x
          .matmul(
            tl.constant([
              [1, 2, 0],
              [3, 4, 1],
            ]),
          )
          .multiply(2),
        x,
        way,
      ),
    );
    expect(j!.shape).toEqual([null, 3, 2]);
    const row = [
      [2, 6],
      [4, 8],
      [0, 2],
    ];
    const two = new Map([[x, [[1, 1], [2, 2]]]]); // prettier-ignore
    expect(valueOf(j, two)).toEqual([row, row]);
  });

  test('null where there is no way, or zeros', () => {
    build(() => {
      const [x, y] = [tl.constant([[1, 2]]), tl.constant([[3]])];
      expect(tl.batchJacobian(y, x)).toBeNull();
      expect(valueOf(tl.batchJacobian(y, x, { unconnectedGradients: 'zero' }))).toEqual([[[0, 0]]]);
    });
  });

  test('numbers of rows that differ are an error, before or at run time', () => {
    build(() => {
      const before = graph.state;
      const [x, y] = [tl.constant([[1, 2]]), tl.placeholder('float32', [3, 1])];
      const state = graph.state;
      expect(state).not.toBe(before);
      expect(() => tl.batchJacobian(y as tl.Tensor, x)).toThrow(tl.ShapeError);
      expect(() => tl.batchJacobian(tl.constant(1), x)).toThrow(/must have rank 1 at least/);
      const [a, b] = [
        tl.placeholder('float32', [null, 1]) as tl.Tensor,
        tl.placeholder('float32', [null, 1]) as tl.Tensor,
      ];
      const j = tl.batchJacobian(a.multiply(b.reduceSum()), b)!;
      expect(() =>
        valueOf(
          j,
          new Map([
            [a, [[1]]],
            [b, [[1], [2]]],
          ]),
        ),
      ).toThrow(/did not hold/);
    });
  });
});

describe('hessians', () => {
  test('one for each x, without cross terms', () => {
    const [hx, hz] = build(() => {
      const [x, z] = [tl.constant([1, 2]), tl.constant([3])];
      return tl.hessians([x.pow(3).reduceSum(), x.multiply(z).reduceSum()], [x, z]);
    });
    expect(valueOf(hx!)).toEqual([
      [6, 0],
      [0, 12],
    ]);
    expect(valueOf(hz!)).toEqual([[0]]);
  });

  test('with cross terms', () => {
    const blocks = build(() => {
      const [x, z, other] = [tl.constant([1, 2]), tl.constant([3]), tl.constant(4)];
      return tl.hessians(x.multiply(z).multiply(z).reduceSum(), [x, z, other], { crossTerms: true });
    });
    expect(valueOf(blocks[0]![1]!)).toEqual([[6], [6]]);
    expect(valueOf(blocks[1]![0]!)).toEqual([[6, 6]]);
    expect(valueOf(blocks[1]![1]!)).toEqual([[6]]);
    expect([blocks[2], blocks[0]![2]]).toEqual([[null, null, null], null]);
  });

  test('zeros for linear functions, null without a way, zeros on request', () => {
    build(() => {
      const [x, z] = [tl.constant([1, 2]), tl.constant([3])];
      const y = x.multiply(2);
      const [linear, none] = tl.hessians(y, [x, z]);
      expect(valueOf(linear!)).toEqual([
        [0, 0],
        [0, 0],
      ]);
      expect(none).toBeNull();
      expect(valueOf(tl.hessians(y, [z], { unconnectedGradients: 'zero' })[0]!)).toEqual([[0]]);
    });
  });
});

describe('bad input leaves the graph as it was', () => {
  const slicesOf = (values: tl.Tensor): tl.IndexedSlices =>
    new tl.IndexedSlices(values, values.graph.operation('i').outputs[0] as tl.Tensor<'int32'>);
  const bad: readonly (readonly [string, (x: tl.Tensor) => unknown, RegExp])[] = [
    [
      'an option',
      (x) => tl.jacobian(x, x, { parallelIteration: 3 } as never),
      /there is no option 'parallelIteration'/,
    ],
    ['iterations', (x) => tl.jacobian(x, x, { parallelIterations: 0 }), /must be a positive integer, not 0/],
    ['a way', (x) => tl.jacobian(x, x, { usePfor: 1 as never }), /'usePfor' must be true or false, not 1/],
    ['a list for y', (x) => tl.jacobian([x] as never, x), /y must be one tensor or variable, not a list/],
    [
      'a nest for x',
      (x) => tl.batchJacobian(x, { x } as never),
      /x must be one tensor or variable, not an object of them/,
    ],
    ['data for xs', (x) => tl.jacobian(x, [1] as never), /it holds the number 1/],
    ['slices', (x) => tl.jacobian(x, slicesOf(x) as never), /toTensor/],
    ['no ys', (x) => tl.hessians([], x), /there are no ys/],
    ['cross terms', (x) => tl.hessians(x, x, { crossTerms: 'yes' as never }), /'crossTerms' must be true or false/],
    [
      'another graph',
      (x) =>
        tl.jacobian(
          x,
          new tl.Graph().asDefault(() => tl.constant(1)),
        ),
      /graph/,
    ],
  ];
  test.each(bad)('%s', (_, call, message) => {
    build(() => {
      const x = tl.constant([1, 2]) as tl.Tensor;
      tl.constant([0, 1], { dtype: 'int32', name: 'i' });
      const { state } = graph;
      let thrown: unknown = null;
      try {
        call(x);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(tl.TapelessError);
      expect((thrown as Error).message).toMatch(message);
      expect(graph.state).toBe(state);
    });
  });

  test('an operation without a gradient on the way', () => {
    build(() => {
      const x = tl.constant([1, 2]);
      const y = tl.preventGradient(x, 'on purpose');
      const { state } = graph;
      expect(() => tl.jacobian(y, x)).toThrow(tl.LookupError);
      expect(() => tl.hessians(y, x)).toThrow(/on purpose/);
      expect(graph.state).toBe(state);
    });
  });
});
