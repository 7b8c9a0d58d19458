/** TensorFlow's ops/math_grad_test.py: norms, extrema of segments, and neighbouring numbers. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose, gradientError, inGraph, value, values } from './support/build.js';

const dtypes = ['float32', 'float64'] as const;
type Unary = (x: tl.Tensor) => tl.Tensor;

/** The error of the gradient of `fn` at a constant, in the worse of two dtypes. */
async function worstError(data: tl.TensorData, fn: Unary): Promise<number> {
  const errors = dtypes.map((dtype) => {
    const [x, y] = inGraph(() => {
      const at = tl.constant(data, { dtype }) as tl.Tensor;
      return [at, fn(at)] as const;
    });
    return gradientError(x, y);
  });
  const [single, double] = await Promise.all(errors);
  return Number.isNaN(single! + double!) ? NaN : Math.max(single!, double!);
}

describe('Euclidean norms', () => {
  const norm =
    (options: { axis?: number; keepDims?: boolean } = {}): Unary =>
    (x) =>
      tl.reduceEuclideanNorm(x, options);
  const matrix = [[-3, 5], [7, 11]]; // prettier-ignore
  const cube = [matrix, [[13, 17], [19, 23]]]; // prettier-ignore

  test.each<readonly [string, tl.TensorData, Unary, number]>([
    ['EuclideanNormGradientTest.testBasic', [3], norm(), 1e-3],
    ['EuclideanNormGradientTest.testNegative', [-3], norm(), 1e-3],
    ['EuclideanNormGradientTest.testKeepdims', [3], norm({ keepDims: true }), 1e-3],
    ['EuclideanNormGradientTest.testGradientChain', [3], (x) => norm()(x).multiply(5), 1e-3],
    ['EuclideanNormGradientTest.testTwoElements', [3, -4], norm(), 1e-3],
    ['EuclideanNormGradientTest.test2D_1', matrix, norm(), 1e-3],
    ['EuclideanNormGradientTest.test2D_2', matrix, norm({ axis: 0 }), 1e-3],
    ['EuclideanNormGradientTest.test2D_3', matrix, norm({ axis: 1 }), 1e-3],
    ['EuclideanNormGradientTest.test2D_4', [[3], [4]], norm({ axis: 1 }), 1e-3],
    ['EuclideanNormGradientTest.test3D_1', cube, norm(), 2e-3],
    ['EuclideanNormGradientTest.test3D_2', cube, norm({ axis: 0 }), 2e-3],
    ['EuclideanNormGradientTest.test3D_3', cube, norm({ axis: 1 }), 3e-3],
    ['EuclideanNormGradientTest.test3D_4', cube, norm({ axis: 2 }), 2e-3],
  ])('%s', async (_, data, fn, limit) => {
    expect(await worstError(data, fn)).toBeLessThan(limit);
  });

  const gradientAt = (data: readonly number[], dtype: 'float32' | 'float64'): unknown =>
    inGraph(() => {
      const tape = new tl.GradientTape();
      const x = tl.constant([...data], { dtype }) as tl.Tensor;
      const y = tape.run(() => {
        tape.watch(x);
        return norm()(x);
      });
      return value(tape.gradient(y, x));
    });

  test('EuclideanNormGradientTest.testNegativeZero', () => {
    for (const dtype of dtypes) expect(gradientAt([1, -0], dtype)).toEqual([1, -0]);
  });

  test('EuclideanNormGradientTest.testZeros', () => {
    for (const dtype of dtypes) expect(gradientAt([0, -0], dtype)).toEqual([NaN, NaN]);
  });
});

describe('extrema of segments', () => {
  const errorOf = (data: readonly number[], ids: readonly number[], fn: typeof tl.segmentMin, tied = false) => {
    const [x, y] = inGraph(() => {
      const at = tl.constant([...data]) as tl.Tensor;
      const rows = tied ? tl.concat([at, at], 0) : at;
      return [at, fn(rows, tl.constant([...ids], { dtype: 'int64' }))] as const;
    });
    return gradientError(x, y);
  };

  test('SegmentMinOrMaxGradientTest.testSegmentMinGradient', async () => {
    expect(await errorOf([1, 2, 3], [0, 0, 1], tl.segmentMin)).toBeLessThan(1e-4);
  });

  test('SegmentMinOrMaxGradientTest.testSegmentMaxGradient', async () => {
    expect(await errorOf([1, 2, 3], [0, 0, 1], tl.segmentMax)).toBeLessThan(1e-4);
  });

  test('SegmentMinOrMaxGradientTest.testSegmentMinGradientWithTies', async () => {
    expect(await errorOf([1], [0, 0], tl.segmentMin, true)).toBeLessThan(1e-4);
  });

  test('SegmentMinOrMaxGradientTest.testSegmentMaxGradientWithTies', async () => {
    expect(await errorOf([1], [0, 0], tl.segmentMax, true)).toBeLessThan(1e-4);
  });
});

describe('neighbouring numbers', () => {
  /** Both gradients of nextafter, by a tape. */
  const bothGradients = (make: (number: number) => tl.Tensor): readonly unknown[] => {
    const tape = new tl.GradientTape();
    const [x1, x2] = [make(0.1), make(3.1)];
    const y = tape.run(() => {
      tape.watch([x1, x2]);
      return tl.nextafter(x1, x2);
    });
    return values(tape.gradient(y, [x1, x2]));
  };

  test('NextAfterTest.testBasic', () => {
    for (const dtype of dtypes) {
      const found = inGraph(() => bothGradients((number) => tl.constant(number, { dtype })));
      expectClose(found, [1, 0]);
    }
  });

  test('NextAfterTest.testDynamicShapes', () => {
    for (const dtype of dtypes) {
      const unknown = (number: number) => tl.placeholderWithDefault(tl.constant(number, { dtype }), null) as tl.Tensor;
      expectClose(inGraph(() => bothGradients(unknown)), [1, 0]); // prettier-ignore
    }
  });

  test('NextAfterTest.testWithGradientChecker', async () => {
    const towards = (x: tl.Tensor) => tl.nextafter(x, [2, 2, 2, 2, 2]) as tl.Tensor;
    expect(await worstError([-1, 0, 1, 2, 3], towards)).toBeLessThan(1e-3);
  });

  test('NextAfterTest.testBroadcastingWithGradientChecker', async () => {
    expect(await worstError([-1, 0, 1, 2, 3], (x) => tl.nextafter(x, [2]) as tl.Tensor)).toBeLessThan(1e-3);
  });
});
