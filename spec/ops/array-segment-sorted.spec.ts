/** Segments of rows in ascending order: shapes, errors, rows that are missing, ties. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

const functions = [
  ['segmentSum', tl.segmentSum],
  ['segmentMin', tl.segmentMin],
  ['segmentMax', tl.segmentMax],
] as const;

const inGraph = <T>(fn: () => T): T => new tl.Graph().asDefault(fn);
const run = (y: tl.Tensor, feeds: tl.Feeds = {}): unknown =>
  new tl.Session({ graph: y.graph }).runSync(y, feeds).toArray();

describe.each(functions)('%s', (_, segment) => {
  const ph = (shape: tl.Shape): tl.Tensor => tl.placeholder('float32', shape);

  test('how many segments there are is not known statically', () => {
    inGraph(() => {
      expect(segment(ph([4, 3]), [0, 0, 1, 1]).shape).toEqual([null, 3]);
      expect(segment(ph(null), [0, 0, 1, 1]).shape).toBeNull();
    });
  });

  test('a segment without rows has zeros, and no rows give no segments', () => {
    inGraph(() => {
      expect(run(segment(tl.constant([[3], [5]]), [1, 3]))).toEqual([[0], [3], [0], [5]]);
      expect(run(segment(tl.fill([0, 2], 1), tl.constant([], { dtype: 'int32' })))).toEqual([]);
    });
  });

  test.each<readonly [string, () => unknown, string]>([
    ['a scalar', () => segment(tl.constant(1), [0]), 'data must have an axis'],
    ['ids of rank 2', () => segment(ph([2]), [[0, 1]]), 'segment_ids must have rank 1'],
    ['too few ids', () => segment(ph([3]), [0, 1]), 'data must have a row for each of segment_ids'],
  ])('%s at construction', (_title, make, message) => {
    inGraph(() => {
      const { state } = tl.getDefaultGraph();
      expect(make).toThrow(tl.ShapeError);
      expect(make).toThrow(message);
      expect(state.nodes.length).toBe(0);
    });
  });

  test.each([
    ['a negative id', [-1, 0, 1], 'segment_ids[0] = -1 is negative'],
    ['ids that descend', [0, 2, 1], 'segment_ids must ascend: [2] = 1 comes after 2'],
    ['too few ids', [0, 1], 'must have a row for each of segment_ids, of shape [2]'],
  ] as const)('%s at run time', (_title, ids, message) => {
    inGraph(() => {
      const places = tl.placeholder('int32', [null], { name: 'ids' });
      const y = segment(tl.constant([1, 2, 3]), places);
      expect(() => run(y, { ids })).toThrow(message);
    });
  });
});

test('only sums of complex numbers and no extrema of bools', () => {
  inGraph(() => {
    const z = tl.constant([{ re: 1, im: 2 }, { re: 3, im: -1 }]); // prettier-ignore
    expect(run(tl.segmentSum(z, [0, 0]))).toEqual([{ re: 4, im: 1 }]);
    expect(() => tl.segmentMin(z, [0, 0])).toThrow(tl.DTypeError);
    expect(() => tl.segmentMax(tl.constant([true]), [0])).toThrow(tl.DTypeError);
  });
});

test.each([
  ['segmentMin', tl.segmentMin, [1, 1, 4, 3], [5, 5, 0, 0, 7]],
  ['segmentMax', tl.segmentMax, [4, 4, 1, 3], [5, 5, 0, 0, 7]],
] as const)(
  '%s shares its gradient among ties, and a segment without rows takes none',
  (_, segment, head, expected) => {
    inGraph(() => {
      const x = tl.constant([...head, 9]) as tl.Tensor;
      const y = segment(x, [0, 0, 0, 0, 2]).multiply([10, 100, 7]);
      expect(run(tl.gradients(y, x)[0] as tl.Tensor)).toEqual(expected);
    });
  },
);

test('NaN is the extremum wherever it stands, and 64-bit integers keep every digit', () => {
  inGraph(() => {
    expect(run(tl.segmentMax(tl.constant([NaN, 1, 2, NaN]), [0, 0, 1, 1]))).toEqual([NaN, NaN]);
    const big = [2n ** 62n, 2n ** 62n + 1n];
    expect(run(tl.segmentMax(tl.constant(big, { dtype: 'int64' }), [0, 0]))).toEqual([2n ** 62n + 1n]);
  });
});
