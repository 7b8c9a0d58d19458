/** Elementwise mathematics while the graph is built: static shapes, errors, and the nodes that gradients append. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import type { DType, Shape, Tensor } from '../../src/index.js';

type F = (x: Tensor, y: Tensor) => Tensor;

const inGraph = <T>(build: () => T): T => new tl.Graph().asDefault(build);

describe('static shapes', () => {
  test.each<[string, Shape, Shape, Shape]>([
    ['two unknown ranks', null, null, null],
    ['one unknown rank', null, [2, 3], null],
    ['an unknown dimension against 1', [null, 3], [1, 3], [null, 3]],
    ['an unknown dimension against another number', [null, 3], [4, 3], [4, 3]],
    ['two unknown dimensions', [null], [null], [null]],
    ['a scalar', [], [2, null], [2, null]],
    ['an empty tensor', [0, 2], [1, 1], [0, 2]],
  ])('of a sum: %s', (_title, a, b, expected) => {
    inGraph(() => {
      const x = tl.placeholder('float32', a as number[]) as Tensor;
      const y = tl.placeholder('float32', b as number[]) as Tensor;
      for (const z of [tl.add(x, y), tl.squaredDifference(y, x), tl.where(tl.less(x, y), x, y)])
        expect(z.shape).toEqual(expected);
    });
  });

  test('of addN that turn out to differ are an error of the run', () => {
    const g = new tl.Graph();
    g.asDefault(() => {
      const x = tl.placeholder('float32', null, { name: 'x' }) as tl.Tensor;
      const sum = tl.addN([x, tl.constant([1, 2, 3]) as tl.Tensor]);
      const session = new tl.Session({ graph: g });
      expect(() => session.runSync(sum, { x: [1] })).toThrow(
        /AddN 'AddN': all inputs must have one shape, not \[1\] and \[3\]/,
      );
      expect(session.runSync(sum, { x: [1, 1, 1] }).toArray()).toEqual([2, 3, 4]);
    });
  });
  test('of addN are what is known of all terms', () => {
    inGraph(() => {
      const terms = [tl.placeholder('float32', [null, 3]), tl.placeholder('float32', [2, null])] as Tensor[];
      expect(tl.addN(terms).shape).toEqual([2, 3]);
    });
  });

  test('of select are those of the branches', () => {
    inGraph(() => {
      const x = tl.placeholder('float32', [null, 3]) as Tensor;
      const y = tl.placeholder('float32', [2, null]) as Tensor;
      expect(tl.select(tl.placeholder('bool', [2]), x, y).shape).toEqual([2, 3]);
      expect(tl.select(tl.placeholder('bool'), x, x).shape).toEqual([null, 3]);
      expect(tl.select(tl.placeholder('bool', [5, null]), x, x).shape).toEqual([5, 3]);
    });
  });
});

describe('errors', () => {
  const x = (dtype: DType, shape: Shape) => tl.placeholder(dtype, shape as number[], { name: 'x' }) as Tensor;
  const y = (dtype: DType, shape: Shape) => tl.placeholder(dtype, shape as number[], { name: 'y' }) as Tensor;
  test.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      'shapes that do not broadcast',
      () => tl.add(x('float32', [2, 3]), y('float32', [4])),
      tl.ShapeError,
      /AddV2 'Add'.*'x:0' .*\[2, 3\].*'y:0' .*\[4\]/,
    ],
    [
      'dtypes that differ',
      () => tl.multiply(x('float32', [2]), y('float64', [2])),
      tl.DTypeError,
      /'y:0'.*float32 is needed.*cast\(x, 'float32'\)/,
    ],
    ['a dtype that the op does not take', () => tl.tanh(x('int32', [2])), tl.DTypeError, /Tanh.*int32 is not accepted/],
    ['data that the dtype cannot hold', () => tl.add(x('int32', [2]), 1.5), tl.DTypeError, /1\.5/],
    ['logic on numbers', () => tl.logicalAnd(x('float32', [2]), true), tl.DTypeError, /bool is needed/],
    [
      'terms of different shapes',
      () => tl.addN([x('float32', [2]), y('float32', [3])]),
      tl.ShapeError,
      /one shape.*'x:0'.*'y:0'/,
    ],
    ['no terms at all', () => tl.addN([]), tl.InvalidArgumentError, /'N' must be at least 1/],
    [
      'branches of different shapes',
      () => tl.select(true, x('float32', [2]), y('float32', [3])),
      tl.ShapeError,
      /must have one shape/,
    ],
    [
      'a condition that chooses no rows',
      () => tl.select(y('bool', [3]), x('float32', [2, 3]), x('float32', [2, 3])),
      tl.ShapeError,
      /vector of rows/,
    ],
    [
      'bounds larger than what they clip',
      () => tl.clipByValue(x('float32', [3]), y('float32', [2, 3]), 1),
      tl.ShapeError,
      /would broadcast/,
    ],
  ])('%s', (_title, build, kind, message) => {
    const graph = new tl.Graph();
    const failure = graph.asDefault(() => {
      try {
        return build();
      } catch (error) {
        return error;
      }
    });
    expect(failure).toBeInstanceOf(kind);
    expect((failure as Error).message).toMatch(message);
    // Only the placeholders are there.
    expect(graph.operations().filter(({ type }) => type !== 'Placeholder')).toEqual([]);
  });
});

describe('what is emitted', () => {
  const appended = (f: (x: Tensor, y: Tensor) => Tensor, a: Shape, b: Shape): string[] =>
    inGraph(() => {
      const xs = [tl.placeholder('float32', a as number[]), tl.placeholder('float32', b as number[])] as [
        Tensor,
        Tensor,
      ];
      const z = f(...xs);
      const before = z.graph.version;
      tl.gradients(z, xs);
      const nodes = z.graph.operations().slice(before);
      return nodes
        .filter(({ name }) => name.includes('_grad/'))
        .map(({ type, name }) => `${type} ${name.split('_grad/')[1]}`);
    });

  test.each<[string, F, Shape, Shape, string[]]>([
    ['a sum of one shape passes its gradient on', tl.add, [2, 3], [2, 3], []],
    ['a product of one shape', tl.multiply, [2], [2], ['Mul Mul', 'Mul Mul_1']],
    [
      'a repeated operand is summed over axes known beforehand',
      tl.add,
      [2, 3],
      [3],
      ['Const Shape', 'Const Shape_1', 'Const Sum/reduction_indices', 'Sum Sum', 'Reshape Reshape'],
    ],
    [
      'or over axes found when it runs',
      tl.subtract,
      [null],
      [3],
      [
        'Neg Neg',
        'Shape Shape',
        'Const Shape_1',
        'BroadcastGradientArgs BroadcastGradientArgs',
        'Sum Sum',
        'Reshape Reshape',
        'Sum Sum_1',
        'Reshape Reshape_1',
      ],
    ],
    [
      'a small constant of zeros',
      tl.maximum,
      [2],
      [2],
      [
        'Const zeros_like',
        'GreaterEqual GreaterEqual',
        'SelectV2 SelectV2',
        'SelectV2 SelectV2_1',
        'Const Shape',
        'Const Shape_1',
      ],
    ],
  ])('%s', (_title, f, a, b, expected) => {
    expect(appended(f, a, b)).toEqual(expected);
  });

  test('functions that have nothing to do return their operand', () => {
    inGraph(() => {
      const x = tl.constant([1]) as Tensor;
      const before = x.graph.version;
      for (const same of [tl.cast(x, 'float32'), tl.real(x), tl.conj(x), tl.addN([x])]) expect(same).toBe(x);
      expect(x.graph.version).toBe(before);
    });
  });

  test('data takes the dtype of the tensor beside it, in either position', () => {
    inGraph(() => {
      const x = tl.placeholder('int64', [2]);
      expect([tl.add(x, 1), tl.add(1, x), x.multiply(2)].map((z) => z.dtype)).toEqual(['int64', 'int64', 'int64']);
      expect(tl.add(1, 2).dtype).toBe('float32');
    });
  });
});
