/** Errors of the array ops, at construction and at run time. */
import { describe, expect, test } from '@jest/globals';
import type { DType } from '../../src/graph/dtype.js';
import { DTypeError, InvalidArgumentError, ShapeError } from '../../src/graph/errors.js';
import { Graph } from '../../src/graph/graph.js';
import type { Shape } from '../../src/graph/shape.js';
import type { Tensor } from '../../src/graph/tensor.js';
import * as tl from '../../src/ops/definitions/index.js';
import { item } from '../../src/ops/indexing.js';
import { Session } from '../../src/session/session.js';

/** A float32 placeholder of that static shape. */
const ph = (shape: Shape, dtype: DType = 'float32'): Tensor => tl.placeholder(dtype, shape);

function inGraph<T>(fn: () => T): T {
  return new Graph().asDefault(fn);
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
      'dynamicStitch',
      failing((i) => tl.dynamicStitch([0, 1], [tl.constant([1, 2], { dtype: 'int32' }), i]), [1, 2, 3]),
      /data 1 is of shape \[3\], not \[2\] as its indices and the first data ask for/,
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
