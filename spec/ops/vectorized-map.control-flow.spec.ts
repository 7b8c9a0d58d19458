/** vectorizedMap of functions that branch, loop and call: as mapFn, whatever differs from row to row. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { atOnce, expectRowwise, knowledges } from './support/vectorized.js';

const int = (value: number) => tl.constant(value, { dtype: 'int32' });
const rows = [
  [1, 2, 3],
  [-1, -2, 1],
  [0, 5, -1],
  [-4, 0, 0],
];
const positive = (x: tl.Tensor) => x.reduceSum().greater(0);

describe('cond', () => {
  test('by each row', () => {
    expectRowwise(
      (x) =>
        tl.cond(
          positive(x),
          () => x.multiply(2),
          () => x.exp().negative(),
        ),
      [rows],
    );
  });

  test('with nests, slices, nulls and what depends on no row', () => {
    expectRowwise(
      (x) => {
        const shared = tl.constant([7, 8]);
        const { a, b, c } = tl.cond(
          positive(x),
          () => ({ a: shared, b: [x.reduceSum(), null], c: tl.gather(x, 0) }),
          () => ({ a: tl.zeros([2]), b: [tl.constant(1), null], c: tl.gather(x, 1) }),
        );
        return [a, b[0], c];
      },
      [rows],
    );
  });

  test('where all rows, or none, take one branch', () => {
    for (const sign of [1, -1]) {
      const all = rows.map((row) => row.map((x) => sign * Math.abs(x) + sign));
      expectRowwise(
        (x) =>
          tl.cond(
            positive(x),
            () => x.sqrt(),
            () => x.square(),
          ),
        [all],
      );
    }
  });

  test('in one another', () => {
    expectRowwise(
      (x, y) =>
        tl.cond(
          positive(x),
          () =>
            tl.cond(
              tl.gather(x, 1).greater(y),
              () => x.add(y),
              () => x.subtract(y),
            ),
          () =>
            tl.cond(
              y.greater(2),
              () => x.multiply(y),
              () => tl.zerosLike(x),
            ),
        ),
      [rows, [3, 1, 4, 2.5]],
    );
  });

  test('by what is the same for all rows', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const p = tl.placeholder('bool', [], { name: 'p' });
      const y = tl.vectorizedMap(
        (x) =>
          tl.cond(
            p,
            () => x.multiply(2),
            () => tl.constant([9, 9, 9]) as tl.Tensor,
          ),
        tl.constant(rows),
      );
      expect(y.shape).toEqual([4, 3]);
      const session = new tl.Session({ graph });
      expect(session.runSync(y, { p: true }).toArray()).toEqual(rows.map((row) => row.map((x) => 2 * x)));
      expect(session.runSync(y, { p: false }).toArray()).toEqual(rows.map(() => [9, 9, 9]));
    });
  });
});

describe('switchCase', () => {
  const branches = (x: tl.Tensor) => [() => x.multiply(10), () => x.negative(), () => x.square()];
  const indices = tl.NDArray.from([0, 2, -1, 7], 'int32');

  test('by an index of each row, the last branch for those out of range', () => {
    expectRowwise((x, i) => tl.switchCase(i as tl.Tensor<'int32'>, branches(x)), [rows, indices]);
    const [found] = atOnce((x, i) => tl.switchCase(i as tl.Tensor<'int32'>, branches(x)), [rows, indices]);
    expect(found!.toArray()).toEqual([[10, 20, 30], [1, 4, 1], [0, 25, 1], [16, 0, 0]]); // prettier-ignore
  });

  test('whose branches need nothing of the row', () => {
    expectRowwise(
      (i) => tl.switchCase(i as tl.Tensor<'int32'>, [() => tl.constant(1), () => tl.constant(2)]),
      [indices],
    );
  });
});

/** Doubles `x` as often as `n` says. */
const doubled = (x: tl.Tensor, n: tl.Tensor): readonly tl.Tensor[] =>
  tl.whileLoop(
    (i) => i.less(n),
    (i, a) => [i.add(1), a.multiply(2)] as const,
    [tl.constant(0, { dtype: n.dtype }) as tl.Tensor, x],
  );

describe('whileLoop', () => {
  test('as often for all rows', () => {
    expectRowwise((x) => doubled(x, int(3)), [rows]);
    expectRowwise((x) => doubled(x, int(0)), [rows]);
  });

  test('as often as each row says, some never', () => {
    expectRowwise((x, n) => doubled(x, n), [rows, tl.NDArray.from([3, 0, 1, 5], 'int32')]);
    expectRowwise((x, n) => doubled(x, n), [rows, tl.NDArray.from([0, 0, -1, 0], 'int32')]);
  });

  test('until a condition on what the row has become', () => {
    expectRowwise(
      (x) =>
        tl.whileLoop(
          (a) => a.square().reduceSum().less(100),
          (a, n) => [a.multiply(1.5).add(0.25), n.add(1)] as const,
          [x, tl.constant(0)],
        ),
      [rows],
    );
  });

  test('with a limit, variables that never change, and a branch in each iteration', () => {
    expectRowwise(
      (x, n) =>
        tl.whileLoop(
          (i, _, b) => i.less(n.add(b)),
          (i, a, b) => [
            i.add(1),
            tl.cond(
              i.floormod(2).equal(0),
              () => a.add(x),
              () => a.multiply(a),
            ),
            b,
          ],
          [tl.constant(0), x, tl.constant(1)],
          { maximumIterations: 3 },
        ),
      [rows, [0, 5, 1, 2]],
    );
  });

  test('in one another, both as often as each row says', () => {
    expectRowwise(
      (x, n) =>
        tl.whileLoop(
          (i) => i.less(n),
          (i, a) => [i.add(1), doubled(a, i)[1]!.add(1)] as const,
          [tl.constant(0), x],
        ),
      [rows, [2, 0, 3, 1]],
    );
  });

  test('over shapes that grow', () => {
    expectRowwise(
      (x) =>
        tl.whileLoop(
          (i) => i.less(2),
          (i, a) => [i.add(1), tl.concat([a, x], 0)] as const,
          [int(0), x],
          { shapeInvariants: [[], [null]] },
        )[1],
      [rows],
    );
  });
});

describe('mapFn, scan and folds', () => {
  const matrices = [
    [[1, 2], [3, 4], [5, 6]],
    [[-1, 2], [0, 4], [5, -6]],
  ]; // prettier-ignore

  test('over what a row has', () => {
    expectRowwise((m) => tl.mapFn((x) => x.multiply(x.reduceSum()), m), [matrices]);
    expectRowwise((m) => tl.scan((a, x) => a.multiply(2).add(x), m), [matrices]);
    expectRowwise((m) => tl.scan((a, x) => a.multiply(x).tanh(), m, { reverse: true }), [matrices]);
    expectRowwise((m) => [tl.foldl((a, x) => a.subtract(x), m), tl.foldr((a, x) => a.subtract(x), m)], [matrices]);
  });

  test('over what is the same for all rows', () => {
    const shared = () => tl.constant([1, 2, 3]) as tl.Tensor;
    expectRowwise((x) => tl.mapFn((c) => x.multiply(c), shared()), [rows]);
    expectRowwise((x) => tl.scan((a, c) => a.multiply(c), shared(), { initializer: x }), [rows]);
  });

  test('in a branch that some rows take, and in a loop', () => {
    const sums = (m: tl.Tensor) => tl.mapFn((x) => x.reduceSum(), m);
    expectRowwise(
      (m) =>
        tl.cond(
          tl.gatherNd(m, [0, 0]).greater(0),
          () => sums(m),
          () => sums(m.negative()).multiply(10),
        ),
      [matrices],
    );
    expectRowwise(
      (m, n) =>
        tl.whileLoop(
          (i) => i.less(n),
          (i, a) => [i.add(1), tl.scan((b, x) => b.add(x), a)] as const,
          [tl.constant(0), m],
        ),
      [matrices, [2, 0]],
    );
  });

  test('with a branch or a loop of its own in each step', () => {
    expectRowwise(
      (m) =>
        tl.mapFn(
          (x) =>
            tl.cond(
              positive(x),
              () => x,
              () => doubled(x, int(2))[1]!,
            ),
          m,
        ),
      [matrices],
    );
    expectRowwise((m) => tl.mapFn((x) => doubled(x, x.reduceSum())[1], m), [matrices]);
  });
});

describe('functions', () => {
  test('called for each row', () => {
    const cube = tl.function((x: tl.Tensor) => x.multiply(x).multiply(x), { name: 'cube' });
    expectRowwise((x) => cube(x), [rows]);
    expectRowwise(
      (x) =>
        tl.cond(
          positive(x),
          () => cube(x),
          () => cube(x.add(1)),
        ),
      [rows],
    );
  });
});

test.each(knowledges)('no rows take every branch, and no turn of a loop: %s', (known) => {
  const none = tl.NDArray.filled('float32', [0, 3], 0);
  const found = atOnce(
    (x) => [
      tl.cond(
        positive(x),
        () => x,
        () => x.negative(),
      ),
      doubled(x, x.reduceSum())[1],
      doubled(x, int(2))[1],
      tl.scan((a, e) => a.add(e), x),
      tl.switchCase(x.reduceSum().cast('int32'), [() => x, () => x.multiply(2)]),
    ],
    [none],
    known,
  );
  expect(found.map((value) => value!.shape)).toEqual([[0, 3], [0, 3], [0, 3], [0, 3], [0, 3]]); // prettier-ignore
});
