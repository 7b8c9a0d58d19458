/** Gradients in functions of one row, and of what vectorizedMap gives. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { atOnce, expectRowwise, expectSame, type RowFunction } from './support/vectorized.js';

const rows = [
  [0.5, 1.2, -0.3],
  [-1.1, 0.7, 0.4],
  [0.2, -0.6, 0.95],
];

afterEach(() => {
  jest.restoreAllMocks();
});

const gradient = (y: tl.Tensor, x: tl.Tensor): tl.Tensor => tl.convertToTensor(tl.gradients(y, x)[0]!);

/** As often as each row says. */
const powers = (x: tl.Tensor, n: tl.Tensor): tl.Tensor =>
  tl.whileLoop(
    (i) => i.less(n),
    (i, a) => [i.add(1), a.multiply(x).tanh().add(x)] as const,
    [tl.constant(0), x],
  )[1];

const bySign = (x: tl.Tensor): tl.Tensor =>
  tl.cond(
    x.reduceSum().greater(0.5),
    () => x.square().multiply(x),
    () => x.sin(),
  );

/** Functions of a row, with what else they take. */
const functions: readonly (readonly [string, RowFunction])[] = [
  ['elementwise', (x: tl.Tensor) => x.tanh().multiply(x.exp())],
  ['a product and a sum', (x: tl.Tensor) => tl.matmul(x.expandDims(1), x.expandDims(0)).reduceSum({ axis: 1 })],
  ['softmax', (x: tl.Tensor) => tl.nn.softmax(x)],
  ['gather', (x: tl.Tensor) => tl.gather(x, [0, 2, 2]).multiply(tl.gather(x, 1))],
  ['cond', bySign],
  ['a loop', (x: tl.Tensor) => powers(x, tl.constant(2))],
  ['scan', (x: tl.Tensor) => tl.scan((a, e) => a.multiply(e).add(e), x)],
  ['mapFn', (x: tl.Tensor) => tl.mapFn((e) => e.multiply(x.reduceSum()), x)],
];

describe('inside', () => {
  test.each(functions)('of each row: %s', (_, fn) => {
    expectRowwise((x) => gradient(fn(x) as tl.Tensor, x), [rows]);
  });

  test.each(functions.slice(0, 5))('of order two of each row: %s', (_, fn) => {
    expectRowwise((x) => gradient(gradient(fn(x) as tl.Tensor, x).square(), x), [rows]);
  });

  test('Jacobians, Hessians and forward mode of each row', () => {
    const fn = (x: tl.Tensor) => x.square().multiply(x.reduceSum());
    expectRowwise((x) => tl.jacobian(fn(x), x), [rows]);
    expectRowwise((x) => tl.hessians(fn(x), x)[0], [rows]);
    expectRowwise((x) => tl.jvp(fn(x), x, x.add(1)), [rows]);
  });

  test('by a tape', () => {
    expectRowwise(
      (x) => {
        const tape = new tl.GradientTape();
        const y = tape.run(() => {
          tape.watch(x);
          return x.pow(3);
        });
        return tape.gradient(y, x);
      },
      [rows],
    );
  });

  test('by variables around it: one gradient for each example', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const w = tl.variable([[1, -2], [0.5, 3], [2, 1]]); // prettier-ignore
      const b = tl.variable([0.1, -0.2]);
      const table = tl.variable([[1, 2], [3, 4]]); // prettier-ignore
      const x = tl.constant(rows) as tl.Tensor;
      const labels = tl.constant([0, 1, 1], { dtype: 'int32' });
      const loss = (row: tl.Tensor, label: tl.Tensor): tl.Tensor => {
        const logits = tl.matmul(row.expandDims(0), w).add(b).add(tl.gather(table, label));
        return tl.nn.sparseSoftmaxCrossEntropyWithLogits(label.expandDims(0), logits).reduceSum();
      };
      const ofRow = ([row, label]: readonly tl.Tensor[]) =>
        tl.gradients(loss(row!, label!), [w, b, table]).map((dw) => tl.convertToTensor(dw!));
      const each = tl.vectorizedMap(ofRow, [x, labels], {
        fallbackToWhileLoop: false,
      }) as unknown as tl.Tensor[];
      const loop = tl.mapFn(ofRow, [x, labels]) as unknown as tl.Tensor[];
      expect(each.map(({ shape }) => shape)).toEqual([[3, 3, 2], [3, 2], [3, 2, 2]]); // prettier-ignore
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expectSame(session.runSync(each), session.runSync(loop));
    });
  });

  test('through a loop that each row leaves at its own time: row by row, which is said', () => {
    const fn = (x: tl.Tensor, n: tl.Tensor) => gradient(powers(x, n), x);
    expectRowwise(fn, [rows, [2, 0, 3]], { loops: true });
    expect(() => atOnce(fn, [rows, [2, 0, 3]])).toThrow(/no way to run 'while' .* everything would run in a loop/s);
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    new tl.Graph().asDefault(() => {
      tl.vectorizedMap(([x, n]) => fn(x!, n!), [tl.constant(rows), tl.constant([1, 2, 3])] as tl.Tensor[]);
    });
    expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
      expect.stringMatching(
        /^vectorizedMap: there is no way to run 'while' .*: everything runs in a loop over the rows/s,
      ),
    ]);
  });

  test('through a branch with a loop in it', () => {
    expectRowwise(
      (x) => {
        const y = tl.cond(
          x.reduceSum().greater(0.5),
          () => powers(x, tl.constant(2)),
          () => x.square(),
        );
        return gradient(y, x);
      },
      [rows],
      { loops: true },
    );
  });
});

describe('customGradient inside', () => {
  const doubledGradient = tl.customGradient((x: tl.Tensor) => [
    x.square(),
    (dy: tl.Tensor) => dy.multiply(x).multiply(4).add(dy.reduceSum().multiply(x)),
  ]) as unknown as (x: tl.Tensor) => tl.Tensor;

  test('is that of each row, in the function and out of it', () => {
    expectRowwise((x) => [doubledGradient(x), gradient(doubledGradient(x), x)], [rows]);
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const x = tl.constant(rows) as tl.Tensor;
      const [one, other] = [tl.vectorizedMap(doubledGradient, x), tl.mapFn(doubledGradient, x)];
      const session = new tl.Session({ graph });
      const second = [one, other].map((y) => gradient(gradient(y, x).square(), x));
      expectSame([session.runSync(gradient(one, x))], [session.runSync(gradient(other, x))]);
      expectSame([session.runSync(second[0]!)], [session.runSync(second[1]!)]);
    });
  });

  test('can be taken again after it has failed', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      let fails = true;
      const f = tl.customGradient((x: tl.Tensor) => [
        x.multiply(2),
        (dy: tl.Tensor) => {
          const shared = dy.add(tl.constant([1, 2, 3]));
          if (fails) throw new RangeError('not yet');
          return [shared];
        },
      ]) as unknown as (x: tl.Tensor) => tl.Tensor;
      const x = tl.constant(rows) as tl.Tensor;
      const constantRow = tl.customGradient((x: tl.Tensor) => [x, () => tl.constant([1, 2, 3])]) as unknown as typeof f;
      const y = tl.vectorizedMap((row) => f(constantRow(row)), x);
      const { state } = graph;
      expect(() => tl.gradients(y, x)).toThrow(RangeError);
      expect(graph.state).toBe(state);
      fails = false;
      const dx = gradient(y, x);
      expect(new tl.Session({ graph }).runSync(dx).toArray()).toEqual(rows.map(() => [1, 2, 3]));
    });
  });

  test('by variables', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const w = tl.variable(3, { name: 'w' });
      const f = tl.customGradient((x: tl.Tensor) => [
        x.multiply(w),
        (dy, { variables }) => [dy.multiply(2), variables.map((v) => dy.reduceSum().multiply(v))],
      ]) as unknown as (x: tl.Tensor) => tl.Tensor;
      const x = tl.constant(rows) as tl.Tensor;
      const [dx, dw] = tl.gradients(tl.vectorizedMap(f, x), [x, w]);
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expect(session.runSync([dx!, dw!] as tl.Tensor[]).map((value) => value.toArray())).toEqual([
        rows.map((row) => row.map(() => 2)),
        27,
      ]);
    });
  });
});

describe('of what it gives', () => {
  const outer: readonly (readonly [string, RowFunction])[] = [
    ...functions,
    ['a loop of each row', (x) => powers(x, tl.where(tl.gather(x, 0).greater(0), 2, 1))],
    ['switchCase of each row', (x) => tl.switchCase(tl.gather(x, 1).cast('int32'), [() => x.exp(), () => x.square()])],
    ['a gradient', (x) => gradient(x.pow(3), x)],
    ['a branch of a loop', (x) => tl.cond(tl.gather(x, 0).greater(0), () => powers(x, tl.constant(2)), () => x)],
  ]; // prettier-ignore

  test.each(outer)('of order one and two against differences: %s', (_, fn) => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const x = tl.placeholder('float64', [3, 3], { name: 'x' }) as unknown as tl.Tensor;
      const y = tl.vectorizedMap(fn, x as never, { fallbackToWhileLoop: false });
      const weights = tl.range(1, y.shape!.reduce<number>((a, b) => a * b!, 1) + 1).cast('float64');
      const loss = y.multiply(tl.reshape(weights.sin(), y.shape as number[])).reduceSum();
      const first = gradient(loss, x);
      const second = gradient(first.multiply(tl.constant(rows, { dtype: 'float64' })).reduceSum(), x);
      const session = new tl.Session({ graph });
      const at = (fetch: tl.Tensor, move = 0, i = 0): Float64Array => {
        const data = Float64Array.from(rows.flat());
        data[i]! += move;
        return session.runSync(fetch, { x: new tl.NDArray('float64', [3, 3], data) }).data as Float64Array;
      };
      const h = 1e-5;
      const differences = (f: tl.Tensor, dot: readonly number[]): number[] =>
        rows.flat().map((_, i) => {
          const [plus, minus] = [at(f, h, i), at(f, -h, i)];
          return dot.reduce((sum, factor, k) => sum + (factor * (plus[k]! - minus[k]!)) / (2 * h), 0);
        });
      const close = (found: Float64Array, expected: readonly number[]): void =>
        found.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6 * (1 + Math.abs(value))));
      close(at(first), differences(loss, [1]));
      close(at(second), differences(first, rows.flat()));
    });
  });

  test('by what is captured: a sum over rows', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const [x, c] = [tl.constant(rows), tl.constant([1, 2, 3])] as tl.Tensor[];
      const y = tl.vectorizedMap((row) => row.multiply(c!), x!);
      const dc = gradient(y, c!);
      const sums = rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0));
      const found = new tl.Session({ graph }).runSync(dc).toArray() as number[];
      found.forEach((value, i) => expect(value).toBeCloseTo(sums[i]!, 5));
    });
  });
});
