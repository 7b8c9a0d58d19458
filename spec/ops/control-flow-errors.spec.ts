/** Conditionals, loops and functions: what is wrong is said, and leaves nothing behind. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

interface Given {
  readonly x: tl.Tensor;
  readonly p: tl.Tensor;
  readonly i: tl.Tensor<'int32'>;
  readonly pair: tl.Tensor;
  readonly single: tl.Tensor;
}

const either = (p: unknown, a: () => unknown, b: () => unknown): unknown => tl.cond(p as never, a as never, b as never);
const loop = (body: (a: tl.Tensor) => unknown, start: readonly tl.Tensor[], options = {}): unknown =>
  tl.whileLoop((a) => a.less(1), body, start, options);
const fail = (): never => {
  throw new Error('mine');
};

const cases: readonly (readonly [string, (given: Given) => unknown, RegExp])[] = [
  [
    'a JavaScript predicate',
    ({ x }) =>
      either(
        true,
        () => x,
        () => x,
      ),
    /use an if statement/,
  ],
  [
    'results of other structure',
    ({ x, p }) =>
      either(
        p,
        () => [x, x],
        () => x,
      ),
    /structure/,
  ],
  [
    'results of other dtypes',
    ({ x, p }) =>
      either(
        p,
        () => x,
        () => x.cast('int32'),
      ),
    /dtypes must agree/,
  ],
  [
    'a predicate that is no scalar',
    ({ x, pair }) =>
      either(
        pair,
        () => x,
        () => x,
      ),
    /must be a scalar/,
  ],
  ['a branch that throws', ({ x, p }) => either(p, () => x, fail), /mine/],
  [
    'a branch that is asynchronous',
    ({ x, p }) =>
      either(
        p,
        async () => x,
        () => x,
      ),
    /cond: the true function must be synchronous, and returns a promise/,
  ],
  [
    'a condition that is asynchronous',
    ({ x }) => tl.whileLoop((async (a: tl.Tensor) => a.less(1)) as never, (a) => [a], [x]),
    /whileLoop: cond must be synchronous, and returns a promise/,
  ],
  ['a body that is asynchronous', ({ x }) => loop(async (a) => [a], [x]), /whileLoop: body must be synchronous/],
  [
    'a function over rows that is asynchronous',
    ({ pair }) => tl.mapFn(async (row: tl.Tensor) => row, pair),
    /mapFn: fn must be synchronous/,
  ],
  ['a branch that is no function', ({ x, p }) => either(p, x as never, () => x), /must be a function/],
  ['no branches', ({ i }) => tl.switchCase(i, []), /at least one/],
  ['a loop variable of another dtype', ({ x }) => loop((a) => [a.cast('float64')], [x]), /float64 after an iteration/],
  ['a loop variable of another shape', ({ x }) => loop((a) => [tl.stack([a, a])], [x]), /shapeInvariants/],
  ['a body with too few results', ({ x }) => loop((a) => [a], [x, x]), /structure/],
  [
    'a condition that is no bool',
    ({ x }) =>
      tl.whileLoop(
        (a) => a,
        (a) => [a],
        [x],
      ),
    /must give a bool/,
  ],
  ['no loop variables', () => loop(() => [], []), /at least one variable/],
  ['a negative limit', ({ x }) => loop((a) => [a], [x], { maximumIterations: -2 }), /at least 0/],
  ['a misspelt option', ({ x }) => loop((a) => [a], [x], { maxIterations: 2 }), /maxIterations/],
  ['shape invariants for other variables', ({ x }) => loop((a) => [a], [x], { shapeInvariants: [] }), /0 entries/],
  [
    'a shape invariant that excludes the start',
    ({ pair }) => loop((a) => [a], [pair], { shapeInvariants: [[3]] }),
    /excludes/,
  ],
  ['a scalar without rows', ({ x }) => tl.mapFn((row) => row, x), /scalar/],
  ['different numbers of rows', ({ pair, single }) => tl.mapFn((rows) => rows[0], [pair, single]), /rows/],
  ['a fold of nothing', () => tl.foldl((a) => a, tl.zeros([0])), /initializer/],
  [
    'a function that returns no tensor',
    ({ x }) => (tl.function((() => fail) as never) as unknown as typeof loop)(x as never, []),
    /no tensor/,
  ],
];

describe('errors leave nothing behind', () => {
  test.each(cases)('%s', (name, build, message) => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const given: Given = {
        x: tl.placeholder('float32', [], { name: 'x' }),
        p: tl.placeholder('bool', []),
        i: tl.placeholder('int32', []),
        pair: tl.placeholder('float32', [2]),
        single: tl.placeholder('float32', [1]),
      };
      const before = graph.state;
      expect(() => build(given)).toThrow(message);
      if (!name.startsWith('a fold')) expect(graph.state).toBe(before);
      expect(graph.functions()).toEqual([]);
      for (const taken of ['cond', 'while', 'map']) expect(tl.identity(given.x, { name: taken }).op.name).toBe(taken);
    });
  });

  test('a tensor of a body does not serve outside', () => {
    new tl.Graph().asDefault(() => {
      let inner: tl.Tensor | undefined;
      const x = tl.constant(1);
      tl.cond(
        tl.constant(true),
        () => (inner = x.multiply(2)),
        () => x,
      );
      expect(() => inner!.add(1)).toThrow(/body|finalized/);
      expect(() => x.add(inner!)).toThrow(tl.InvalidArgumentError);
    });
  });
});
