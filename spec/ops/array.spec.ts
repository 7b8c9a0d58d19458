/** Array ops: what the op table cannot check: values with a twist, emission, sparse gradients. */
import { describe, expect, test } from '@jest/globals';
import type { DType } from '../../src/graph/dtype.js';
import { Graph } from '../../src/graph/graph.js';
import type { NestedArray } from '../../src/graph/ndarray.js';
import type { Shape } from '../../src/graph/shape.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { gradients } from '../../src/gradients/gradients.js';
import * as tl from '../../src/ops/definitions/index.js';
import { IndexedSlices } from '../../src/ops/indexed-slices.js';
import { item } from '../../src/ops/indexing.js';
import { Session } from '../../src/session/session.js';

/** A float32 placeholder of that static shape. */
const ph = (shape: Shape, dtype: DType = 'float32'): Tensor => tl.placeholder(dtype, shape);
/** An int32 placeholder: a number that is not known. */
const unknown = (): Tensor => ph([], 'int32');

function inGraph<T>(fn: () => T): T {
  return new Graph().asDefault(fn);
}

function run(fn: () => Tensor): NestedArray {
  const graph = new Graph();
  const y = graph.asDefault(fn);
  return new Session({ graph }).runSync(y).toArray();
}

describe('values', () => {
  test.each<readonly [string, () => Tensor, NestedArray]>([
    ['range counts in its dtype', () => tl.range(0, 1, 0.25), [0, 0.25, 0.5, 0.75]],
    ['range of integers is int32', () => tl.range(4), [0, 1, 2, 3]],
    ['range of bigints is int64', () => tl.range(3n, 0n, -1n), [3n, 2n, 1n]],
    [
      'oneHot leaves out what lies outside',
      () => tl.oneHot([0, 3, -1], 2, { onValue: 5, offValue: 1 }),
      [
        [5, 1],
        [1, 1],
        [1, 1],
      ],
    ],
    ['oneHot follows its values', () => tl.oneHot([1], 2, { onValue: true }), [[false, true]]],
    ['oneHot of bool', () => tl.oneHot([1], 2, { dtype: 'bool' }), [[false, true]]],
    [
      'gatherNd that passes over bad indices',
      () => tl.gatherNd([1, 2], [[1], [7]], { badIndicesPolicy: 'IGNORE' }),
      [2, 0],
    ],
    ['scatterNd adds', () => tl.scatterNd([[1], [1], [0]], tl.constant([1, 2, 4]), [3]), [4, 3, 0]],
    [
      'unsortedSegmentSum drops negative ids',
      () =>
        tl.unsortedSegmentSum(
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
          [1, -1, 1],
          3,
        ),
      [
        [0, 0],
        [6, 8],
        [0, 0],
      ],
    ],
    [
      'cumprod of complex numbers',
      () =>
        tl.cumprod(
          tl.constant([
            { re: 0, im: 1 },
            { re: 0, im: 1 },
          ]),
        ),
      [
        { re: 0, im: 1 },
        { re: -1, im: 0 },
      ],
    ],
    [
      'cumsum wraps around',
      () => tl.cumsum(tl.constant([2147483647, 1], { dtype: 'int32' })),
      [2147483647, -2147483648],
    ],
    [
      'strings can be joined and picked',
      () => tl.gather(tl.concat([tl.constant(['a', 'b']), ['c']], 0), [2, 0]),
      ['c', 'a'],
    ],
    ['pad of strings', () => tl.pad(tl.constant(['a']), [[1, 0]]), ['', 'a']],
    ['pad with a value', () => tl.pad([1], [[1, 1]], { constantValues: 9 }), [9, 1, 9]],
    ['a mixed list keeps its dtype', () => tl.stack([tl.constant(1n), 2]), [1n, 2n]],
    [
      'conjugate transpose',
      () => tl.transpose(tl.constant([[{ re: 1, im: 2 }]]), undefined, { conjugate: true }),
      [[{ re: 1, im: -2 }]],
    ],
    ['concat of one', () => tl.concat([[1, 2]], 0), [1, 2]],
    ['concat with empty pieces', () => tl.concat([tl.zeros([0, 2]), [[1, 2]], tl.zeros([0, 2])], 0), [[1, 2]]],
    ['whole slices backwards', () => item(tl.constant([1, 2, 3, 4]), { step: -2 }), [4, 2]],
    [
      'concatOffset',
      () =>
        tl.stack(
          tl.concatOffset(1, [
            [2, 3],
            [2, 5],
          ]),
        ),
      [
        [0, 0],
        [0, 3],
      ],
    ],
  ])('%s', (_, make, expected) => expect(run(make)).toEqual(expected));
});

describe('what is emitted', () => {
  const nodes = (make: () => unknown): readonly string[] => {
    const graph = new Graph();
    graph.asDefault(make);
    return graph.operations().map(({ name, type }) => `${name} ${type}`);
  };
  test.each<readonly [string, () => unknown, readonly string[]]>([
    ['small zeros', () => tl.zeros([2, 3]), ['zeros Const']],
    ['large zeros', () => tl.zeros([200, 30]), ['zeros/shape_as_tensor Const', 'zeros/Const Const', 'zeros Fill']],
    [
      'zeros of a computed shape',
      () => tl.ones(ph([2], 'int32')),
      ['Placeholder Placeholder', 'ones/Const Const', 'ones Fill'],
    ],
    [
      'zeros of a scalar shape',
      () => tl.ones(ph([], 'int32')),
      ['Placeholder Placeholder', 'ones/Reshape/shape Const', 'ones/Reshape Reshape', 'ones/Const Const', 'ones Fill'],
    ],
    ['zerosLike of a known shape', () => tl.zerosLike(ph([2])), ['Placeholder Placeholder', 'zeros_like Const']],
    [
      'zerosLike of an unknown shape',
      () => tl.zerosLike(ph([null])),
      ['Placeholder Placeholder', 'zeros_like ZerosLike'],
    ],
    [
      'zerosLike of another dtype',
      () => tl.zerosLike(ph([null]), { dtype: 'int32' }),
      ['Placeholder Placeholder', 'zeros_like/Shape Shape', 'zeros_like/Const Const', 'zeros_like Fill'],
    ],
    ['onesLike of an unknown shape', () => tl.onesLike(ph([null])), ['Placeholder Placeholder', 'ones_like OnesLike']],
    ['size of a known shape', () => tl.size(ph([2, 3])), ['Placeholder Placeholder', 'Size Const']],
    ['size with a zero', () => tl.size(ph([0, null])), ['Placeholder Placeholder', 'Size Const']],
    [
      'stack of data',
      () =>
        tl.stack([
          [1, 2],
          [3, 4],
        ]),
      ['stack Const'],
    ],
    ['stack of a mix', () => tl.stack([ph([]), 2]), ['Placeholder Placeholder', 'stack/1 Const', 'stack Pack']],
    [
      'a mixed shape',
      () => tl.reshape(ph([null]), [unknown(), 1]),
      [
        'Placeholder Placeholder',
        'Placeholder_1 Placeholder',
        'Reshape/shape/1 Const',
        'Reshape/shape Pack',
        'Reshape Reshape',
      ],
    ],
    [
      'oneHot',
      () => tl.oneHot([1], 2),
      [
        'one_hot/on_value Const',
        'one_hot/off_value Const',
        'one_hot/indices Const',
        'one_hot/depth Const',
        'one_hot OneHot',
      ],
    ],
  ])('%s', (_, make, expected) => expect(nodes(make)).toEqual(expected));

  test('constants go to the graph of the tensor, not to the default one', () => {
    const graph = new Graph();
    const x = graph.asDefault(() => ph([2]));
    inGraph(() => {
      for (const y of [
        tl.shape(x),
        tl.size(x),
        tl.rank(x),
        tl.zerosLike(x),
        tl.onesLike(x),
        tl.concat([x], 0),
        tl.split(x, [1, 1])[0]!,
      ]) {
        expect(y.graph).toBe(graph);
      }
    });
  });
});

describe('sparse gradients', () => {
  test('gather along axis 0 gives slices, and gather along axis 1 does not', () => {
    inGraph(() => {
      const x = ph([3, 2]);
      const [rows] = gradients(tl.gather(x, [2, 0]), [x]);
      expect(rows).toBeInstanceOf(IndexedSlices);
      const slices = rows as IndexedSlices;
      expect([slices.values.shape, slices.indices.shape, slices.shape]).toEqual([[2, 2], [2], [3, 2]]);
      expect(gradients(tl.gather(x, [1, 0], { axis: 1 }), [x])[0]).not.toBeInstanceOf(IndexedSlices);
    });
  });

  test.each([0, 1])('slices pass through concat along axis %i as slices', (axis) => {
    const graph = new Graph();
    const { dense, feeds } = graph.asDefault(() => {
      const a = tl.placeholder('float32', [2, 2]);
      const b = tl.placeholder('float32', [2, 2]);
      const y = tl.gather(tl.concat([a, b], axis), axis === 0 ? [3, 0, 3] : [1, 1, 0]);
      const found = gradients(y, [a, b]);
      expect(found.every((dx) => dx instanceof IndexedSlices)).toBe(true);
      return {
        dense: found.map((dx) => (dx as IndexedSlices).toTensor()),
        feeds: new Map([
          [
            a,
            [
              [0, 0],
              [0, 0],
            ],
          ],
          [
            b,
            [
              [0, 0],
              [0, 0],
            ],
          ],
        ]),
      };
    });
    const values = new Session({ graph }).runSync(dense, feeds).map((value) => value.toArray());
    expect(values).toEqual(
      axis === 0
        ? [
            [
              [1, 1],
              [0, 0],
            ],
            [
              [0, 0],
              [2, 2],
            ],
          ]
        : [
            [
              [1, 1],
              [2, 2],
            ],
            [
              [1, 1],
              [2, 2],
            ],
          ],
    );
  });

  test('concat needs a known axis for slices', () => {
    inGraph(() => {
      const [a, b] = [ph([2, 2]), ph([2, 2])];
      const y = tl.gather(tl.concat([a, b], unknown()), [0]);
      expect(() => gradients(y, [a, b])).toThrow(/needs an axis that is known statically/);
    });
  });

  test('a negative batchDims needs the rank of the indices', () => {
    inGraph(() => {
      const x = ph([2, 3]);
      const y = tl.gather(x, ph(null, 'int32'), { batchDims: -1, axis: 1 });
      expect(() => gradients(y, [x])).toThrow(/no gradient for a negative batch_dims/);
    });
  });
});

describe('static types', () => {
  test('literal shapes are carried', () => {
    inGraph(() => {
      const x = tl.placeholder('float64', [2, 3]);
      const types: [
        Tensor<'float64', [6]>,
        Tensor<'float64', [null, 2]>,
        Tensor<'float64', [3, 2]>,
        Tensor<'int32', [2, 2]>,
        Tensor<'float32', [4]>,
      ] = [
        tl.reshape(x, [6]),
        tl.reshape(x, [-1, 2]),
        tl.transpose(x),
        tl.zeros([2, 2], { dtype: 'int32' }),
        tl.ones([4]),
      ];
      expect(types.map(({ shape }) => shape)).toEqual([[6], [3, 2], [3, 2], [2, 2], [4]]);
    });
  });
});
