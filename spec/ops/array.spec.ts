/** Array ops: what the op table cannot check: error texts, run-time errors, values with a twist, emission. */
import { describe, expect, test } from '@jest/globals';
import type { DType } from '../../src/graph/dtype.js';
import { DTypeError, InvalidArgumentError, ShapeError } from '../../src/graph/errors.js';
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

describe('errors at construction', () => {
  type Failure = readonly [name: string, make: () => unknown, kind: new (message: string) => Error, text: RegExp];
  const failures: readonly Failure[] = [
    [
      'reshape: number of elements',
      () => tl.reshape(ph([2, 3]), [4]),
      ShapeError,
      /Reshape 'Reshape': the elements do not fit the shape \[4\]: 'Placeholder:0' \(Placeholder, float32\[2, 3\]\)/,
    ],
    ['reshape: no whole number', () => tl.reshape(ph([2, 3]), [4, -1]), ShapeError, /do not fit the shape/],
    [
      'expandDims: axis',
      () => tl.expandDims(ph([2]), 2),
      InvalidArgumentError,
      /ExpandDims 'ExpandDims': axis 2 is not in \[-2, 2\)/,
    ],
    [
      'squeeze: size',
      () => tl.squeeze(ph([2, 1]), { axis: 0 }),
      ShapeError,
      /cannot squeeze axis 0: its size is 2, not 1/,
    ],
    ['ensureShape', () => tl.ensureShape(ph([2]), [3]), ShapeError, /the shape is not \[3\]/],
    ['transpose: length', () => tl.transpose(ph([2, 3]), [0]), ShapeError, /an entry for each axis/],
    [
      'transpose: no permutation',
      () => tl.transpose(ph([2, 3]), [1, 1]),
      InvalidArgumentError,
      /\[1, 1\] is not a permutation/,
    ],
    ['reverse: twice', () => tl.reverse(ph([2, 3]), [0, -2]), InvalidArgumentError, /axis 0 is given more than once/],
    [
      'concat: shapes',
      () => tl.concat([ph([2, 3]), ph([3, 3])], 1),
      ShapeError,
      /the shapes do not fit together: .*\[2, 3\]\) and .*\[3, 3\]/,
    ],
    ['concat: ranks', () => tl.concat([ph([2, 3]), ph([3])], 0), ShapeError, /do not fit together/],
    ['concat: scalars', () => tl.concat([ph([]), ph([])], 0), ShapeError, /scalars cannot be concatenated: use stack/],
    ['concat: axis', () => tl.concat([ph([2]), ph([2])], 1), InvalidArgumentError, /axis 1 is not in \[-1, 1\)/],
    ['concat: dtypes', () => tl.concat([ph([2]), ph([2], 'int32')], 0), DTypeError, /ConcatV2 'concat': 'values'/],
    ['stack: shapes', () => tl.stack([ph([2]), ph([3])]), ShapeError, /must have the same shape/],
    [
      'unstack: unknown number',
      () => tl.unstack(ph([null, 2])),
      InvalidArgumentError,
      /size of axis 0 of 'Placeholder:0' is not known: pass num/,
    ],
    [
      'unstack: axis',
      () => tl.unstack(ph([2]), { axis: 1 }),
      InvalidArgumentError,
      /axis 1 of 'Placeholder:0' is not in \[-1, 1\)/,
    ],
    ['unstack: wrong number', () => tl.unstack(ph([3]), { num: 2 }), ShapeError, /axis 0 has size 3, not 2/],
    [
      'split: uneven',
      () => tl.split(ph([5]), 2),
      InvalidArgumentError,
      /axis of size 5 cannot be split into 2 equal parts/,
    ],
    ['split: sum of the sizes', () => tl.split(ph([5]), [1, 2]), InvalidArgumentError, /\[1, 2\] do not add up to 5/],
    ['split: two rests', () => tl.split(ph([5]), [-1, -1]), InvalidArgumentError, /only one may be -1/],
    [
      'slice: outside',
      () => tl.slice(ph([3]), [2], [2]),
      InvalidArgumentError,
      /the slice \[2, 4\) of axis 0 does not lie in \[0, 3\)/,
    ],
    ['slice: negative begin', () => tl.slice(ph([3]), [-1], [1]), InvalidArgumentError, /begin\[0\] is -1/],
    [
      'stridedSlice: index',
      () => item(ph([3]), 3),
      InvalidArgumentError,
      /index 3 of axis 0 is out of bounds for size 3/,
    ],
    [
      'stridedSlice: stride',
      () => tl.stridedSlice(ph([3]), [0], [1], [0]),
      InvalidArgumentError,
      /strides\[0\] must not be 0/,
    ],
    ['stridedSlice: too many indices', () => item(ph([3]), 0, 0), ShapeError, /2 indices for 1 axes/],
    [
      'pad: rows',
      () =>
        tl.pad(ph([3]), [
          [1, 1],
          [0, 0],
        ]),
      ShapeError,
      /a row for each axis/,
    ],
    ['pad: negative', () => tl.pad(ph([3]), [[-1, 1]]), InvalidArgumentError, /must not be negative/],
    ['tile: multiples', () => tl.tile(ph([3]), [1, 2]), ShapeError, /an entry for each axis/],
    ['broadcastTo', () => tl.broadcastTo(ph([3]), [2]), ShapeError, /does not broadcast to \[2\]/],
    ['broadcastTo: smaller rank', () => tl.broadcastTo(ph([1, 3]), [3]), ShapeError, /does not broadcast/],
    ['fill: no scalar', () => tl.fill([2], [1, 2]), ShapeError, /the value must be a scalar/],
    ['fill: negative', () => tl.fill([-2], 1), InvalidArgumentError, /-2 in the shape \[-2\] is negative/],
    ['zeros: negative', () => tl.zeros([-2]), InvalidArgumentError, /-2 in the shape \[-2\] is negative/],
    ['range: step', () => tl.range(0, 3, 0), InvalidArgumentError, /needs a step that is not 0/],
    ['range: direction', () => tl.range(3, 0), InvalidArgumentError, /a step of 1 does not lead from 3 to 0/],
    ['oneHot: depth', () => tl.oneHot([0], -1), InvalidArgumentError, /depth -1 is negative/],
    ['gather: scalar', () => tl.gather(ph([]), [0]), ShapeError, /nothing to gather from a scalar/],
    [
      'gather: batch dimensions',
      () => tl.gather(ph([2, 3]), ph([4, 1], 'int32'), { batchDims: 1, axis: 1 }),
      ShapeError,
      /first 1 dimensions/,
    ],
    [
      'gather: indices',
      () => tl.gather(ph([2, 3]), tl.constant([0.5])),
      DTypeError,
      /float32 is not accepted for 'Tindices'/,
    ],
    [
      'gatherNd: depth',
      () => tl.gatherNd(ph([2]), [[0, 0]]),
      InvalidArgumentError,
      /2 indices are too many for a tensor of rank 1/,
    ],
    [
      'scatterNd: updates',
      () => tl.scatterNd([[0]], ph([1, 2]), [4, 3]),
      ShapeError,
      /a slice of the shape for each index/,
    ],
    [
      'unsortedSegmentSum: shapes',
      () => tl.unsortedSegmentSum(ph([4]), ph([3], 'int32'), 3),
      ShapeError,
      /must begin with that of segment_ids/,
    ],
    ['cumsum: axis', () => tl.cumsum(ph([4]), { axis: 1 }), InvalidArgumentError, /axis 1 is not in \[-1, 1\)/],
  ];
  test.each(failures)('%s', (_, make, kind, text) =>
    inGraph(() => {
      expect(make).toThrow(text);
      expect(make).toThrow(kind);
    }),
  );

  test('nothing stays behind', () => {
    const graph = new Graph();
    const x = graph.asDefault(() => ph([2, 3]));
    const before = graph.state;
    expect(() => tl.reshape(x, [4])).toThrow(ShapeError);
    expect(graph.state).toBe(before);
  });
});

describe('errors at run time', () => {
  const late = (data: readonly number[] | number): Tensor => tl.placeholder('int32', Array.isArray(data) ? [null] : []);
  const failing = (fn: (index: Tensor) => Tensor, data: readonly number[] | number): (() => unknown) => {
    const graph = new Graph();
    return () =>
      graph.asDefault(() => {
        const index = late(data);
        return new Session({ graph }).runSync(fn(index), new Map([[index, data]]));
      });
  };
  test.each<readonly [string, () => unknown, RegExp]>([
    ['gather', failing((i) => tl.gather([1, 2, 3], i), [0, 5]), /GatherV2.*indices\[1\] = 5 is not in \[0, 3\)/],
    ['gather: negative', failing((i) => tl.gather([1, 2, 3], i), [-1]), /indices\[0\] = -1 is not in \[0, 3\)/],
    ['gatherNd', failing((i) => tl.gatherNd([1, 2, 3], tl.expandDims(i, 1)), [0, 3]), /3 is not in \[0, 3\)/],
    [
      'scatterNd',
      failing((i) => tl.scatterNd(tl.expandDims(i, 1), tl.constant([1]), [3]), [3]),
      /index 0 = \[3\] does not lie in the shape \[3\]/,
    ],
    [
      'unsortedSegmentSum',
      failing((i) => tl.unsortedSegmentSum([1, 2], i, 2), [0, 2]),
      /segment_ids\[1\] = 2 is not in \[0, 2\)/,
    ],
    ['reshape', failing((i) => tl.reshape([1, 2, 3], i), [2]), /do not fit the shape \[2\]/],
    [
      'reshape: two unknown',
      failing((i) => tl.reshape([1, 2, 3], i), [-1, -1]),
      /only one entry of the shape may be -1/,
    ],
    [
      'stridedSlice',
      failing((i) => item(tl.constant([1, 2, 3]), i), 3),
      /index 3 of axis 0 is out of bounds for size 3/,
    ],
    ['invertPermutation', failing((i) => tl.invertPermutation(i), [0, 0]), /\[0, 0\] is not a permutation/],
    ['fill', failing((i) => tl.fill(i, 1), [-1]), /-1 in the shape \[-1\] is negative/],
    ['range', failing((i) => tl.range(0, 3, i), 0), /needs a step that is not 0/],
    ['tile', failing((i) => tl.tile([1], i), [-1]), /\[-1\] is no list of multiples/],
    ['split', failing((i) => tl.split([1, 2, 3], i, { num: 2 })[0]!, [1, 1]), /do not add up to 3/],
    ['squeeze', failing((i) => tl.squeeze(i, { axis: 0 }), [1, 2]), /its size is 2, not 1/],
    ['ensureShape', failing((i) => tl.ensureShape(i, [3]), [1, 2]), /shape \[2\] is not of shape \[3\]/],
    ['concat', failing((i) => tl.concat([tl.reshape(i, [1, -1]), [[1, 2]]], 0), [1]), /do not fit together/],
  ])('%s', (_, fails, text) => expect(fails).toThrow(text));
});

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
