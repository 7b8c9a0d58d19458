/** What is known of values before anything runs. */
import { describe, expect, test } from '@jest/globals';
import { Graph } from '../../src/graph/graph.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { one } from '../../src/ops/call.js';
import { constantShape, constantValue } from '../../src/ops/known.js';
import {
  cast,
  concat,
  constant,
  fill,
  floordiv,
  gather,
  identity,
  maximum,
  placeholder,
  range,
  reduceProd,
  select,
  size,
  slice,
  stack,
  stridedSlice,
  zeros,
} from '../../src/ops/definitions/index.js';

const inGraph = (body: () => void) => () => new Graph().asDefault(body);
const valueOf = (t: Pick<Tensor, 'op' | 'index'>) => constantValue(t as Tensor)?.toArray() ?? null;
const shapeNode = (x: Tensor, out_type = 'int32') => one('Shape', [x], { out_type });
const int = (data: number | readonly number[]) => constant(data as number, { dtype: 'int32' }) as Tensor;

describe('constants', () => {
  test(
    'of every dtype and size',
    inGraph(() => {
      expect(valueOf(constant([[1.5, 2]]))).toEqual([[1.5, 2]]);
      expect(valueOf(constant('text'))).toBe('text');
      expect(valueOf(constant([1n]))).toEqual([1n]);
      const large = constant(new Float32Array(1000)) as Tensor;
      expect(constantValue(large)?.size).toBe(1000);
      expect(constantValue(large)).toBe(constantValue(large));
      expect(valueOf(constant([], { dtype: 'int32' }))).toEqual([]);
    }),
  );

  test(
    'not of what is only known to a run',
    inGraph(() => {
      expect(valueOf(placeholder('int32', [2]))).toBeNull();
      expect(valueOf(identity(placeholder('int32', [])))).toBeNull();
      expect(valueOf(one('Tanh', [constant(1)]))).toBeNull();
    }),
  );
});

describe('integer arithmetic', () => {
  test(
    'through any pure op with a lowering',
    inGraph(() => {
      const v = int([2, 3, 4]);
      expect(valueOf(identity(v))).toEqual([2, 3, 4]);
      expect(valueOf(concat([v, int([5])], 0))).toEqual([2, 3, 4, 5]);
      expect(valueOf(stack([int(1), int(2)]))).toEqual([1, 2]);
      expect(valueOf(maximum(v, int(3)))).toEqual([3, 3, 4]);
      expect(valueOf(floordiv(v, int([1, 1, 2])))).toEqual([2, 3, 2]);
      expect(valueOf(gather(v, int([2, 0])))).toEqual([4, 2]);
      expect(valueOf(reduceProd(v))).toBe(24);
      expect(valueOf(stridedSlice(v, [-1], [0], [-1]))).toEqual([4, 3]);
      expect(valueOf(slice(v, [1], [2]))).toEqual([3, 4]);
      expect(valueOf(range(int(3)))).toEqual([0, 1, 2]);
      expect(valueOf(fill([2], int(7)))).toEqual([7, 7]);
      expect(valueOf(cast(constant([1.9, -1.9]), 'int32'))).toEqual([1, -1]);
      expect(valueOf(cast(v, 'int64'))).toEqual([2n, 3n, 4n]);
      expect(valueOf(select(constant([true, false, true]), v, int([0, 0, 0])))).toEqual([2, 0, 4]);
    }),
  );

  test(
    'stays open where a run would fail, or where it would be long',
    inGraph(() => {
      expect(valueOf(floordiv(int([1]), int([0])))).toBeNull();
      expect(valueOf(gather(int([1, 2]), int([5])))).toBeNull();
      expect(valueOf(reduceProd(constant(new Int32Array(1e6))))).toBeNull();
      expect(valueOf(identity(constant(new Int32Array(65))))).toBeNull();
    }),
  );

  test(
    'of a deep chain',
    inGraph(() => {
      let t = int(0);
      for (let i = 0; i < 20_000; i++) t = one('AddV2', [t, int(1)]);
      expect(valueOf(t)).toBe(20_000);
    }),
  );
});

describe('shapes', () => {
  test(
    'of a tensor with unknown dimensions are known in part',
    inGraph(() => {
      const x = placeholder('float32', [null, 3]) as Tensor;
      const shape = shapeNode(x);
      expect(constantValue(shape)).toBeNull();
      expect(constantShape(shape)).toEqual([null, 3]);
      expect(constantShape(shapeNode(x, 'int64'))).toEqual([null, 3]);
      const joined: Tensor = concat([int([2]), shape], 0);
      expect(constantShape(joined)).toEqual([2, null, 3]);
      expect(valueOf(stridedSlice(shape, [1], [2], [1], { shrinkAxisMask: 1 }))).toBe(3);
      expect(valueOf(stridedSlice(shape, [0], [1], [1], { shrinkAxisMask: 1 }))).toBeNull();
      expect(valueOf(gather(shape, int([1])))).toEqual([3]);
      expect(valueOf(one('Size', [x]))).toBeNull();
      expect(valueOf(one('Rank', [x]))).toBe(2);
      expect(valueOf(reduceProd(shape))).toBeNull();
      expect(constantShape(one('Mul', [shape, int([0, 2])]))).toEqual([0, 6]);
      const rows: Tensor = stridedSlice(shape, [0], [1], [1], { shrinkAxisMask: 1 });
      const dims: Tensor = stack([rows, int(5)]);
      expect(constantShape(dims)).toEqual([null, 5]);
    }),
  );

  test(
    'of known dimensions are known',
    inGraph(() => {
      const x = zeros([2, 3]) as Tensor;
      expect(valueOf(shapeNode(x))).toEqual([2, 3]);
      expect(valueOf(one('Size', [x]))).toBe(6);
      expect(valueOf(size(x))).toBe(6);
    }),
  );

  test(
    'spelled out by vectors of which little is known',
    inGraph(() => {
      expect(constantShape(int([4, -1]))).toEqual([4, null]);
      expect(constantShape(placeholder('int32', [2]) as Tensor)).toEqual([null, null]);
      expect(constantShape(placeholder('int32', [null]) as Tensor)).toBeNull();
      expect(constantShape(placeholder('int32', null) as Tensor)).toBeNull();
      expect(constantShape(shapeNode(placeholder('float32', null) as Tensor))).toBeNull();
      expect(constantShape(int(-1))).toBeNull();
      expect(constantShape(constant([], { dtype: 'int32' }) as Tensor)).toEqual([]);
    }),
  );
});
