/** vectorizedMap: the loop it falls back to, and bad input. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { valuesOf } from './support/vectorized.js';

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
const matrix = (): tl.Tensor => tl.constant(rows);

describe('an op without a batching rule', () => {
  const uniques = (x: tl.Tensor) => [tl.unique(x).y.reduceSum(), tl.unique(x.add(1)).y.reduceMax()];
  const warnings = () => jest.spyOn(console, 'warn').mockImplementation(() => undefined);

  const said = (name: string, type: string, what: string): unknown =>
    expect.stringMatching(
      `no way to run '${name}' \\(${type}, created at .*vectorized-map\\.errors\\.spec\\.ts.*: ${what} in a loop`,
    );

  test('runs in a loop, which is said once for each operation', () => {
    const warn = warnings();
    build(() => {
      const v = tl.variable(0);
      const y = tl.vectorizedMap((x) => {
        const writes = [1, 2].map((factor) => v.assignAdd(x.reduceSum().multiply(factor)).op);
        return tl.controlDependencies(writes, () => x.add(v.value()));
      }, matrix());
      expect(valueOf(y)).toEqual(rows.map((row) => row.map((x) => x + 63)));
      const names = graph.operations().filter(({ type }) => type === 'AddV2');
      expect(names).toHaveLength(1);
    });
    const names = warn.mock.calls.map(([text]) => String(text));
    expect(names).toEqual(
      ['AssignAddVariableOp', 'AssignAddVariableOp_1'].map((name) => said(name, 'AssignAddVariableOp', 'it runs')),
    );
  });

  test('takes everything along where its results cannot be stacked: their shapes differ', () => {
    const warn = warnings();
    build(() => {
      const x = tl.constant([[1, 1, 3], [4, 5, 6]]); // prettier-ignore
      expect(valuesOf(graph, tl.vectorizedMap(uniques, x)).map((value) => value!.toArray())).toEqual([[4, 15], [4, 7]]); // prettier-ignore
    });
    expect(warn.mock.calls.map(([text]) => String(text))).toEqual([said('Unique', 'Unique', 'everything runs')]);
  });

  test('runs in a loop in a loop', () => {
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    build(() => {
      const y = tl.vectorizedMap(
        (x) => tl.vectorizedMap((z) => tl.unique(z).y.reduceSum(), tl.stack([x, x.add(1)])),
        matrix(),
      );
      expect(valueOf(y)).toEqual([[6, 9], [15, 18]]); // prettier-ignore
    });
  });

  test('is said once even where it is tried many times', () => {
    const warn = warnings();
    build(() => {
      tl.vectorizedMap(
        (x) =>
          tl.whileLoop(
            (a) => a.reduceSum().less(10),
            (a) => [a.add(tl.unique(a).y.reduceSum())],
            [x],
          ),
        matrix(),
      );
    });
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test('is not said on request, and is an error on request', () => {
    const warn = warnings();
    build(() => {
      const x = matrix();
      const y = tl.vectorizedMap((row) => tl.unique(row).y.reduceSum(), x, { warn: false });
      expect(valueOf(y)).toEqual([6, 15]);
      expect(warn).not.toHaveBeenCalled();
      const { state } = graph;
      const strict = { fallbackToWhileLoop: false };
      expect(() => tl.vectorizedMap(uniques, x, strict)).toThrow(tl.InvalidArgumentError);
      expect(() => tl.vectorizedMap(uniques, x, strict)).toThrow(
        /no way to run 'Unique' \(Unique, .*fallbackToWhileLoop/s,
      );
      expect(graph.state).toBe(state);
    });
  });
});

describe('bad input leaves the graph as it was', () => {
  const same = (x: unknown): unknown => x;
  /** What the calls below take besides. */
  const others = () => ({
    scalar: tl.constant(1),
    three: tl.zeros([3]),
    none: tl.zeros([0, 2]),
    foreign: new tl.Graph().asDefault(() => tl.constant([1, 2])),
  });
  type Call = (x: tl.Tensor, given: ReturnType<typeof others>) => unknown;
  const invalid = tl.InvalidArgumentError;
  const thrower = (): never => {
    throw new RangeError('mine');
  };
  const bad: readonly (readonly [string, Call, new (...args: never[]) => Error, RegExp])[] = [
    ['no function', (x) => tl.vectorizedMap(3 as never, x), invalid, /fn must be a function/],
    ['no elems', () => tl.vectorizedMap(same, []), invalid, /no tensors in elems/],
    ['null among elems', (x) => tl.vectorizedMap(same, [x, null]), invalid, /leaf 1 of elems is null/],
    ['a scalar', (_, { scalar }) => tl.vectorizedMap(same, scalar), invalid, /is a scalar and has no rows/],
    ['data', () => tl.vectorizedMap(same, [1, 2]), invalid, /is a scalar and has no rows/],
    ['an object', (x) => tl.vectorizedMap(same, [x, new Map()]), invalid, /what is no tensor/],
    ['other rows', (x, { three }) => tl.vectorizedMap(same, [x, three]), tl.ShapeError, /has 2 rows, others have 3/],
    ['none and some', (x, { none }) => tl.vectorizedMap(same, [x, none]), tl.ShapeError, /has 0 rows, others have 2/],
    ['an option', (x) => tl.vectorizedMap(same, x, { warm: true } as never), invalid, /'warm'/],
    ['a choice', (x) => tl.vectorizedMap(same, x, { warn: 1 as never }), invalid, /true or false, not 1/],
    ['a result', (x) => tl.vectorizedMap(() => new Date(), x), invalid, /returns what is no tensor/],
    ['a promise', (x) => tl.vectorizedMap(async (row) => row, x), invalid, /fn must be synchronous/],
    ['another graph', (x, { foreign }) => tl.vectorizedMap(same, [x, foreign]), invalid, /different graphs/],
    ['a foreign result', (x, { foreign }) => tl.vectorizedMap(() => foreign, x), invalid, /another graph/],
    ['shapes that do not fit', (x) => tl.vectorizedMap((row) => row.add([1, 2]), x), tl.ShapeError, /Add/],
    ['what fn throws', (x) => tl.vectorizedMap(thrower, x), RangeError, /^mine$/],
    [
      'what fn throws after some operations',
      (x) => tl.vectorizedMap((row) => [tl.variable(1), row.exp(), thrower()], x),
      RangeError,
      /^mine$/,
    ],
  ];
  test.each(bad)('%s', (_, call, type, message) => {
    build(() => {
      const [x, more] = [matrix(), others()];
      const { state, version } = graph;
      let thrown: unknown = null;
      try {
        call(x, more);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(type);
      expect((thrown as Error).message).toMatch(message);
      expect([graph.state === state, graph.version]).toEqual([true, version]);
      expect(tl.vectorizedMap((row) => row, x)).toBe(x);
    });
  });

  test('a tensor of a row is not there outside', () => {
    build(() => {
      let leaked: tl.Tensor | null = null;
      tl.vectorizedMap((x) => (leaked = x.add(1)), matrix());
      const { state } = graph;
      expect(() => leaked!.add(1)).toThrow(/inside the function body|finished/);
      expect(graph.state).toBe(state);
    });
  });

  test('a tape that is recording goes on recording', () => {
    build(() => {
      const x = matrix();
      const tape = new tl.GradientTape({ persistent: true });
      const y = tape.run(() => {
        tape.watch(x);
        expect(() => tl.vectorizedMap(() => { throw new RangeError('mine'); }, x)).toThrow(/mine/); // prettier-ignore
        return tl.vectorizedMap((row) => row.square(), x);
      });
      expect(valueOf(tape.gradient(y, x) as tl.Tensor)).toEqual(rows.map((row) => row.map((e) => 2 * e)));
    });
  });
});
