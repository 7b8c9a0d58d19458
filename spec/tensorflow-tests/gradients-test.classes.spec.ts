/** The small classes of TensorFlow's ops/gradients_test.py: stopping, preventing, complex ys, slices made dense. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { filled, inGraph, uniforms, value, values } from './support/build.js';

test('StopGradientTest.testStopGradient', () => {
  inGraph(() => {
    const x = filled([100, 32], 1, { name: 'in' });
    expect(tl.gradients(tl.stopGradient(x), x)).toEqual([null]);
  });
});

test('PreventGradientTest.testPreventGradient', () => {
  inGraph(() => {
    const x = filled([100, 32], 1, { name: 'in' });
    const y = tl.preventGradient(x);
    expect(() => tl.gradients(y, x)).toThrow(tl.LookupError);
    expect(() => tl.gradients(y, x)).toThrow(/explicitly disabled/);
  });
});

test('OnlyRealGradientsTest.testRealOnly', () => {
  inGraph(() => {
    const x = tl.constant({ re: 7, im: 3 }, { dtype: 'complex64' });
    const y = tl.square(x);
    expect(() => tl.gradients(y, x)).toThrow(tl.DTypeError);
    expect(() => tl.gradients(y, x)).toThrow(/complex64.*gradYs/s);
  });
});

describe('IndexedSlices', () => {
  const shape = [4, 4, 4, 4];
  /** All the rows of a tensor, as slices. */
  const asSlices = (dense: tl.Tensor, dtype: 'int32' | 'int64' = 'int32') => {
    const rows = tl.cast(tl.range(4), dtype);
    return new tl.IndexedSlices(dense, rows, tl.shape(dense));
  };
  const random = (seed: number) => tl.constant(uniforms(256, seed), { shape }) as tl.Tensor;

  test('IndexedSlicesToTensorTest.testIndexedSlicesToTensor', () => {
    inGraph(() => {
      const dense = random(1);
      const slices = asSlices(dense);
      const [before, shapeOfIt, after] = values([dense, slices.denseShape, tl.multiply(slices, 1)]);
      expect(shapeOfIt).toEqual(shape);
      expect(after).toEqual(before);
    });
  });

  test('IndexedSlicesToTensorTest.testIndexedSlicesToTensorList', () => {
    inGraph(() => {
      const dense = [1, 2, 3].map(random);
      const [expected, found] = values([tl.stack(dense), tl.stack(dense.map((each) => asSlices(each)))]);
      expect(found).toEqual(expected);
    });
  });

  test('IndexedSlicesToTensorTest.testInt64Indices', () => {
    inGraph(() => {
      const dense = random(4);
      const slices = asSlices(dense, 'int64');
      expect(slices.indices.dtype).toBe('int64');
      expect(value(tl.multiply(slices, 1))).toEqual(value(dense));
    });
  });
});
