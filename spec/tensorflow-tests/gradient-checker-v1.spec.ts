/** TensorFlow's GradientCheckerTest and MiniMNISTTest of ops/gradient_checker_test.py: with placeholders, and points given by feeds. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { checkGradients, computeGradient } from '../../src/testing/index.js';
import { expectClose, filled, gradientError, inGraph, uniforms } from './support/build.js';
import { miniMnist } from './support/mini-mnist.js';

tl.registerGradient('GradientCheckerTest/v1/transposed', (_, dy) => tl.transpose(dy as tl.Tensor));
tl.registerGradient('GradientCheckerTest/v1/nan', (_, dy) => tl.multiply(dy as tl.Tensor, NaN));
const identityWith = (override: string, x: tl.Tensor) =>
  tl.gradientOverrideMap({ Identity: override }, () => tl.identity(x));
/** The first checker's matrices have a row for each element of x. */
const transposed = (matrix: unknown) => (matrix as number[][])[0]!.map((_, i) => (matrix as number[][]).map((row) => row[i])); // prettier-ignore
const complexPoint = () => tl.constant({ re: 11, im: -13 }, { dtype: 'complex64' }) as tl.Tensor;

describe('checker', () => {
  test('GradientCheckerTest.testAddSimple', async () => {
    const [x, y] = inGraph(() => {
      const x1 = tl.placeholder('float32', [2, 3]);
      return [x1, tl.add(x1, filled([2, 3], 3))] as const;
    });
    const feeds = new Map([[x, [[2, 2, 2], [2, 2, 2]]]]); // prettier-ignore
    expect(await gradientError(x, y, { feeds })).toBeLessThan(1e-4);
  });

  test('GradientCheckerTest.testAddCustomized', async () => {
    const [x, y] = inGraph(() => {
      const x2 = filled([2, 3], 3, { dtype: 'float64', name: 'x2' });
      return [x2, tl.add(filled([2, 3], 2, { dtype: 'float64' }), x2)] as const;
    });
    // The constant itself is fed: a point of the check's own.
    const feeds = new Map([[x, [[0, 1, 2], [3, 4, 5]]]]); // prettier-ignore
    expect(await gradientError(x, y, { feeds, delta: 1e-2 })).toBeLessThan(1e-10);
  });

  test('GradientCheckerTest.testGather', async () => {
    const [x, y] = inGraph(() => {
      const params = tl.constant(uniforms(8, 4), { shape: [4, 2] }) as tl.Tensor;
      return [params, tl.gather(params, [1, 3])] as const;
    });
    expect(await gradientError(x, y)).toBeLessThan(1e-4);
  });

  test('GradientCheckerTest.testNestedGather', async () => {
    const [x, y] = inGraph(() => {
      const params = tl.constant(uniforms(16, 5), { shape: [8, 2] }) as tl.Tensor;
      return [params, tl.gather(tl.gather(params, [1, 3, 5, 6]), [0, 2])] as const;
    });
    expect(await gradientError(x, y)).toBeLessThan(1e-4);
  });

  test('GradientCheckerTest.testComplexMul', async () => {
    const [x, y] = inGraph(() => {
      const each = complexPoint();
      return [each, tl.multiply(tl.constant({ re: 5, im: 7 }), each)] as const;
    });
    const { theoretical, numeric } = await computeGradient(x, y);
    const correct = [
      [5, 7],
      [-7, 5],
    ];
    expect(transposed(theoretical.toArray())).toEqual(correct);
    expectClose(transposed(numeric.toArray()), correct, 1e-4);
    expect(await gradientError(x, y)).toBeLessThan(2e-4);
  });

  test('GradientCheckerTest.testComplexConj', async () => {
    const [x, y] = inGraph(() => {
      const each = complexPoint();
      return [each, tl.conj(each)] as const;
    });
    const { theoretical, numeric } = await computeGradient(x, y);
    const correct = [
      [1, 0],
      [0, -1],
    ];
    expectClose(transposed(theoretical.toArray()), correct, 0);
    expectClose(transposed(numeric.toArray()), correct, 2e-5);
    expect(await gradientError(x, y)).toBeLessThan(2e-5);
  });

  const none = tl.NDArray.from(new Float32Array(0), 'float32', [0, 3]);

  test('GradientCheckerTest.testEmptySucceeds', async () => {
    const [x, y] = inGraph(() => {
      const each = tl.placeholder('float32') as tl.Tensor;
      return [each, tl.identity(each)] as const;
    });
    const feeds = new Map([[x, none]]);
    const { theoretical, numeric } = await computeGradient(x, y, { feeds });
    expect([theoretical.shape, numeric.shape]).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(await gradientError(x, y, { feeds })).toBe(0);
  });

  test('GradientCheckerTest.testEmptyFails', async () => {
    const [x, y] = inGraph(() => {
      const each = tl.placeholder('float32') as tl.Tensor;
      return [each, identityWith('GradientCheckerTest/v1/transposed', each)] as const;
    });
    const failing = computeGradient(x, y, { feeds: new Map([[x, none]]) });
    await expect(failing).rejects.toThrow(tl.ShapeError);
    await expect(failing).rejects.toThrow(/the gradient has shape \[3, 0\], and '.*' has shape \[0, 3\]/);
  });

  test('GradientCheckerTest.testNaNGradFails', async () => {
    const [x, y] = inGraph(() => {
      const each = tl.placeholder('float32', [1, 1]) as tl.Tensor;
      return [each, identityWith('GradientCheckerTest/v1/nan', each)] as const;
    });
    const feeds = new Map([[x, [[0.5]]]]);
    expect(await gradientError(x, y, { feeds })).toBeNaN();
    await expect(checkGradients(y, x, { feeds })).rejects.toThrow(/NaN/);
  });
});

describe('a small classifier', () => {
  /** Here the parameters are fed, and the check starts from other values than the constants have. */
  const errorOf = async (parameter: number): Promise<number> => {
    const { parameters, cost } = inGraph(miniMnist);
    const x = parameters[parameter]!;
    const shape = x.shape as readonly number[];
    const data = uniforms(shape.reduce((a, b) => a * b, 1), 60 + parameter); // prettier-ignore
    const feeds = new Map([[x, tl.NDArray.from(Float64Array.from(data), 'float64', [...shape])]]);
    return gradientError(x, cost, { feeds, delta: 1e-5 });
  };

  test('MiniMNISTTest.testInputGradient', async () => expect(await errorOf(0)).toBeLessThan(1e-8));
  test('MiniMNISTTest.testHiddenWeightGradient', async () => expect(await errorOf(1)).toBeLessThan(1e-8));
  test('MiniMNISTTest.testHiddenBiasGradient', async () => expect(await errorOf(2)).toBeLessThan(1e-8));
  test('MiniMNISTTest.testSoftmaxWeightGradient', async () => expect(await errorOf(3)).toBeLessThan(1e-8));
  test('MiniMNISTTest.testSoftmaxBiasGradient', async () => expect(await errorOf(4)).toBeLessThan(1e-8));
});
