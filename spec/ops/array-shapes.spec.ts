/** Static shapes of the array ops, from operands that are partly known. */
import { describe, expect, test } from '@jest/globals';
import type { DType } from '../../src/graph/dtype.js';
import { Graph } from '../../src/graph/graph.js';
import type { Shape } from '../../src/graph/shape.js';
import type { Tensor } from '../../src/graph/tensor.js';
import * as tl from '../../src/ops/definitions/index.js';
import { item } from '../../src/ops/indexing.js';

/** A float32 placeholder of that static shape. */
const ph = (shape: Shape, dtype: DType = 'float32'): Tensor => tl.placeholder(dtype, shape);
/** An int32 placeholder: a number that is not known. */
const unknown = (): Tensor => ph([], 'int32');

function inGraph<T>(fn: () => T): T {
  return new Graph().asDefault(fn);
}

type Case = readonly [name: string, make: () => Tensor, shape: Shape];

describe('static shapes', () => {
  const cases: readonly Case[] = [
    ['reshape: -1 from known elements', () => tl.reshape(ph([2, 3, 4]), [-1, 6]), [4, 6]],
    ['reshape: -1 from unknown elements', () => tl.reshape(ph([null, 4]), [-1, 2]), [null, 2]],
    ['reshape: one entry not known', () => tl.reshape(ph([6]), [unknown(), 2]), [3, 2]],
    ['reshape: two entries not known', () => tl.reshape(ph([6]), [unknown(), unknown()]), [null, null]],
    ['reshape: -1 and 0 elements', () => tl.reshape(ph([0, 2]), [0, -1]), [0, null]],
    ['reshape: to the shape of another', () => tl.reshape(ph([6]), tl.shape(ph([null, 3]))), [2, 3]],
    ['reshape: shape of unknown length', () => tl.reshape(ph([6]), ph([null], 'int32')), null],
    ['reshape: shape of known length', () => tl.reshape(ph([6]), ph([2], 'int32')), [null, null]],
    ['reshape: unknown rank', () => tl.reshape(ph(null), [2, -1]), [2, null]],
    ['expandDims', () => tl.expandDims(ph([null, 3]), -2), [null, 1, 3]],
    ['expandDims: unknown axis', () => tl.expandDims(ph([2]), unknown()), [null, null]],
    ['expandDims: unknown rank', () => tl.expandDims(ph(null), 0), null],
    ['squeeze: all', () => tl.squeeze(ph([1, 2, 1])), [2]],
    ['squeeze: depends on an unknown size', () => tl.squeeze(ph([1, null])), null],
    ['squeeze: given axes of unknown size', () => tl.squeeze(ph([null, 3]), { axis: 0 }), [3]],
    ['ensureShape', () => tl.ensureShape(ph([null, 3]), [2, null]), [2, 3]],
    ['ensureShape: unknown rank', () => tl.ensureShape(ph(null), [2, null]), [2, null]],
    ['transpose', () => tl.transpose(ph([2, null, 3])), [3, null, 2]],
    ['transpose: negative axes', () => tl.transpose(ph([2, null, 3]), [-1, 0, 1]), [3, 2, null]],
    ['transpose: unknown permutation', () => tl.transpose(ph([2, 3]), ph([2], 'int32')), [null, null]],
    ['transpose: unknown rank', () => tl.transpose(ph(null)), null],
    [
      'transpose: back and forth',
      () => tl.transpose(tl.transpose(ph([2, 3, 4]), [2, 0, 1]), tl.invertPermutation([2, 0, 1])),
      [2, 3, 4],
    ],
    ['reverse', () => tl.reverse(ph([2, null]), [1]), [2, null]],
    ['concat', () => tl.concat([ph([2, null]), ph([3, 4])], 0), [5, 4]],
    ['concat: an unknown size', () => tl.concat([ph([null, 4]), ph([3, null])], 0), [null, 4]],
    ['concat: unknown axis', () => tl.concat([ph([2, 3]), ph([2, 3])], unknown()), [null, null]],
    ['concat: an unknown rank', () => tl.concat([ph(null), ph([3, 4])], -1), [3, null]],
    ['stack', () => tl.stack([ph([null, 3]), ph([2, null])], { axis: -1 }), [2, 3, 2]],
    ['stack: unknown ranks', () => tl.stack([ph(null), ph(null)]), null],
    ['unstack', () => tl.unstack(ph([2, null]))[1]!, [null]],
    ['unstack: given number', () => tl.unstack(ph([null, 3]), { num: 2 })[1]!, [3]],
    ['split', () => tl.split(ph([null, 6]), 3, { axis: 1 })[0]!, [null, 2]],
    ['split: unknown size', () => tl.split(ph([null, 6]), 3)[0]!, [null, 6]],
    ['split: unknown axis', () => tl.split(ph([4, 6]), 2, { axis: unknown() })[0]!, [null, null]],
    ['split: sizes with a rest', () => tl.split(ph([2, 6]), [1, -1, 2], { axis: -1 })[1]!, [2, 3]],
    ['split: an unknown size among the sizes', () => tl.split(ph([6]), [unknown(), 2])[1]!, [2]],
    ['slice', () => tl.slice(ph([5, null]), [1, 2], [-1, 3]), [4, 3]],
    ['slice: rest of an unknown size', () => tl.slice(ph([5, null]), [1, 2], [-1, -1]), [4, null]],
    ['slice: partly known size', () => tl.slice(ph([5, 6]), [0, 0], [unknown(), 2]), [null, 2]],
    ['slice: unknown rank', () => tl.slice(ph(null), [0, 0], [2, -1]), [2, null]],
    ['stridedSlice', () => tl.stridedSlice(ph([5, 6]), [1, -1], [4, 0], [2, -2]), [2, 3]],
    ['stridedSlice: unknown size', () => tl.stridedSlice(ph([null, 6]), [0, 1], [2, 3]), [null, 2]],
    [
      'stridedSlice: masks',
      () => tl.stridedSlice(ph([5, 6]), [1, 1], [1, 1], [1, 1], { beginMask: 1, endMask: 2 }),
      [1, 5],
    ],
    ['stridedSlice: fewer entries than axes', () => tl.stridedSlice(ph([5, 6, 7]), [1], [3], [1]), [2, 6, 7]],
    ['stridedSlice: ellipsis, new axis, index', () => item(ph([5, 6, 7]), '...', null, 0), [5, 6, 1]],
    ['stridedSlice: new axis after the ellipsis', () => item(ph([5, null]), 0, '...', null), [null, 1]],
    ['stridedSlice: index not known', () => item(ph([null, 4]), unknown(), { step: 2 }), [2]],
    ['stridedSlice: bound not known', () => item(ph([5, 4]), { stop: unknown() }), [null, 4]],
    ['stridedSlice: unknown rank', () => item(ph(null), 0), null],
    [
      'pad',
      () =>
        tl.pad(ph([2, null]), [
          [1, 2],
          [0, 1],
        ]),
      [5, null],
    ],
    ['pad: unknown paddings', () => tl.pad(ph([2, 3]), ph([2, 2], 'int32')), [null, null]],
    ['pad: unknown rank', () => tl.pad(ph(null), [[1, 2]]), [null]],
    ['tile', () => tl.tile(ph([2, null]), [3, 2]), [6, null]],
    ['tile: nothing of an unknown size', () => tl.tile(ph([2, null]), [unknown(), 0]), [null, 0]],
    ['broadcastTo: partly known', () => tl.broadcastTo(ph([1, 3]), [unknown(), unknown(), 3]), [null, null, 3]],
    ['broadcastTo: a size that is not 1 stays', () => tl.broadcastTo(ph([3]), [2, unknown()]), [2, 3]],
    ['fill', () => tl.fill([2, unknown()], 1), [2, null]],
    ['fill: unknown length', () => tl.fill(ph([null], 'int32'), 1), null],
    ['zeros: mixed', () => tl.zeros([2, tl.size(ph([null]))]), [2, null]],
    ['range: constants', () => tl.range(3, 10, 2), [4]],
    ['range: downwards', () => tl.range(3, -1, -2), [2]],
    ['range: of a known size', () => tl.range(0, tl.size(ph([2, 3]))), [6]],
    ['range: unknown limit', () => tl.range(unknown()), [null]],
    ['range: floating', () => tl.range(0, 1, 0.1), [10]],
    ['oneHot', () => tl.oneHot(ph([null, 2], 'int32'), 5, { axis: 1 }), [null, 5, 2]],
    ['oneHot: unknown depth', () => tl.oneHot([1, 2], unknown()), [2, null]],
    ['gather', () => tl.gather(ph([5, null]), ph([2, 3], 'int32')), [2, 3, null]],
    ['gather: along an axis', () => tl.gather(ph([5, 6]), ph([null], 'int32'), { axis: -1 }), [5, null]],
    [
      'gather: batch dimensions',
      () => tl.gather(ph([null, 6, 7]), ph([3, 4], 'int32'), { axis: 1, batchDims: 1 }),
      [null, 4, 7],
    ],
    ['gather: unknown axis', () => tl.gather(ph([5, 6]), [0, 1], { axis: unknown() }), [null, null]],
    ['gather: scalar index', () => tl.gather(ph([5, 6]), 1), [6]],
    ['gatherNd', () => tl.gatherNd(ph([5, 6, 7]), ph([null, 2], 'int32')), [null, 7]],
    ['gatherNd: unknown depth', () => tl.gatherNd(ph([5, 6]), ph([3, null], 'int32')), null],
    ['scatterNd', () => tl.scatterNd([[0], [1]], ph([2, 3]), [4, 3]), [4, 3]],
    ['unsortedSegmentSum', () => tl.unsortedSegmentSum(ph([4, null]), ph([4], 'int32'), 3), [3, null]],
    [
      'unsortedSegmentSum: unknown number',
      () => tl.unsortedSegmentSum(ph([4, 5]), ph([4], 'int32'), unknown()),
      [null, 5],
    ],
    ['cumsum', () => tl.cumsum(ph([2, null])), [2, null]],
    ['shape', () => tl.shape(ph([2, null])), [2]],
    ['shape: unknown rank', () => tl.shape(ph(null)), [null]],
    ['size and rank', () => tl.stack([tl.size(ph(null)), tl.rank(ph(null))]), [2]],
  ];
  test.each(cases)('%s', (_, make, shape) => inGraph(() => expect(make().shape).toEqual(shape)));
});

describe('shapes that are computed stay known', () => {
  test.each<Case>([
    ['by arithmetic on a shape', () => tl.zeros(item(tl.shape(ph([2, 3])), { start: 1 })), [3]],
    ['through concat', () => tl.fill(tl.concat([[2], tl.shape(ph([null, 3]))], 0), 0), [2, null, 3]],
    ['through gather', () => tl.fill(tl.gather(tl.shape(ph([4, null, 3])), [2, 0, 1]), 0), [3, 4, null]],
    [
      'through pack and reshape',
      () => tl.fill(tl.reshape(tl.stack([tl.shape(ph([2, null])), [3, 4]]), [-1]), 0),
      [2, null, 3, 4],
    ],
    [
      'through expandDims and squeeze',
      () => tl.fill(tl.squeeze(tl.expandDims(tl.shape(ph([2, null])), 0)), 0),
      [2, null],
    ],
    ['through a stack of paddings', () => tl.pad(ph([2, 3]), tl.stack([[1, 1], tl.shape(ph([4, 5]))])), [4, 12]],
    ['through range', () => tl.transpose(ph([2, 3, 4]), tl.range(2, -1, -1)), [4, 3, 2]],
  ])('%s', (_, make, shape) => inGraph(() => expect(make().shape).toEqual(shape)));
});
