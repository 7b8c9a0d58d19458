/** TensorFlow's GradientCheckerTest and MiniMNISTTest of ops/gradient_checker_v2_test.py: rows for y, columns for x. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { computeGradient } from '../../src/testing/index.js';
import { expectClose, filled, gradient, gradientError, inGraph, uniforms } from './support/build.js';
import { miniMnist } from './support/mini-mnist.js';

tl.registerGradient('GradientCheckerTest/transposed', (_, dy) => tl.transpose(dy as tl.Tensor));
tl.registerGradient('GradientCheckerTest/nan', (_, dy) => tl.multiply(dy as tl.Tensor, NaN));
const identityWith = (override: string, x: tl.Tensor) =>
  tl.gradientOverrideMap({ Identity: override }, () => tl.identity(x));
const counting = (shape: readonly number[], dtype: 'float32' | 'float64' = 'float32') =>
  tl.constant(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
    { shape: [...shape], dtype },
  ) as tl.Tensor;
const complex = (seed: number) => {
  const [re, im] = uniforms(2, seed) as [number, number];
  return tl.constant({ re, im }, { dtype: 'complex64' }) as tl.Tensor;
};
const empty = (shape: readonly number[]) => tl.constant([], { shape: [...shape], dtype: 'float32' }) as tl.Tensor;

describe('checker', () => {
  test('GradientCheckerTest.testAddSimple', async () => {
    const [x, y] = inGraph(() => {
      const x1 = filled([2, 3], 2);
      return [x1, tl.add(x1, filled([2, 3], 3))] as const;
    });
    expect(await gradientError(x, y)).toBeLessThan(1e-4);
  });

  test('GradientCheckerTest.testAddCustomized', async () => {
    const [x, y] = inGraph(() => {
      const x2 = counting([2, 3], 'float64');
      return [x2, tl.add(filled([2, 3], 2, { dtype: 'float64' }), x2)] as const;
    });
    expect(await gradientError(x, y, { delta: 1e-2 })).toBeLessThan(1e-10);
  });

  test('GradientCheckerTest.testGather', async () => {
    const [x, y] = inGraph(() => {
      const params = counting([4, 2]);
      return [params, tl.gather(params, [1, 3])] as const;
    });
    expect(await gradientError(x, y)).toBeLessThan(1e-4);
  });

  test('GradientCheckerTest.testNestedGather', async () => {
    const [x, y] = inGraph(() => {
      const params = counting([8, 2]);
      return [params, tl.gather(tl.gather(params, [1, 3, 5, 6]), [0, 2])] as const;
    });
    expect(await gradientError(x, y)).toBeLessThan(1e-4);
  });

  test('GradientCheckerTest.testComplexMul', async () => {
    const [x, y] = inGraph(() => {
      const each = complex(1);
      return [each, tl.multiply(tl.constant({ re: 5, im: 7 }), each)] as const;
    });
    const { theoretical, numeric } = await computeGradient(x, y);
    const correct = [
      [5, -7],
      [7, 5],
    ];
    expect(theoretical.toArray()).toEqual(correct);
    expectClose(numeric.toArray(), correct, 1e-4);
    expect(await gradientError(x, y)).toBeLessThan(3e-4);
  });

  test('GradientCheckerTest.testComplexConj', async () => {
    const [x, y] = inGraph(() => {
      const each = complex(2);
      return [each, tl.conj(each)] as const;
    });
    const { theoretical, numeric } = await computeGradient(x, y);
    const correct = [
      [1, 0],
      [0, -1],
    ];
    expectClose(theoretical.toArray(), correct, 0);
    expectClose(numeric.toArray(), correct, 2e-5);
    expect(await gradientError(x, y)).toBeLessThan(2e-5);
  });

  test('GradientCheckerTest.testEmptySucceeds', async () => {
    const [x, y] = inGraph(() => {
      const each = empty([0, 3]);
      return [each, tl.identity(each)] as const;
    });
    const { theoretical, numeric } = await computeGradient(x, y);
    expect([theoretical.shape, numeric.shape]).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(await gradientError(x, y)).toBe(0);
  });

  test('GradientCheckerTest.testEmptyMatMul', async () => {
    const [a, b, y] = inGraph(() => {
      const operands = [empty([0, 3]), tl.constant(uniforms(12, 3), { shape: [3, 4] }) as tl.Tensor] as const;
      return [...operands, tl.matmul(...operands)] as const;
    });
    for (const [x, columns] of [
      [a, 0],
      [b, 12],
    ] as const) {
      // prettier-ignore
      const { theoretical, numeric } = await computeGradient(x, y);
      expect([theoretical.shape, numeric.shape]).toEqual([
        [0, columns],
        [0, columns],
      ]);
      expect(await gradientError(x, y)).toBe(0);
    }
  });

  test('GradientCheckerTest.testEmptyFails', async () => {
    const [x, y] = inGraph(() => {
      const each = empty([0, 3]);
      return [each, identityWith('GradientCheckerTest/transposed', each)] as const;
    });
    // Static shapes tell before anything runs.
    const failing = computeGradient(x, y);
    await expect(failing).rejects.toThrow(tl.ShapeError);
    await expect(failing).rejects.toThrow(/\[3, 0\].*\[0, 3\]|\[0, 3\].*\[3, 0\]/s);
  });

  test('GradientCheckerTest.testNaNGradFails', async () => {
    const [x, y] = inGraph(() => {
      const each = tl.constant(uniforms(1, 4), { shape: [1, 1] }) as tl.Tensor;
      return [each, identityWith('GradientCheckerTest/nan', each)] as const;
    });
    const error = await gradientError(x, y);
    expect(error).toBeNaN();
    expect(() => expect(error).toBeLessThan(1)).toThrow(/toBeLessThan/);
  });

  test('GradientCheckerTest.testGradGrad', async () => {
    const [x, y] = inGraph(() => {
      const each = tl.constant(2) as tl.Tensor;
      return [each, gradient(tl.square(tl.square(each)), each)] as const;
    });
    const { theoretical, numeric } = await computeGradient(x, y);
    expect(theoretical.toArray()).toEqual([[48]]);
    expectClose(numeric.toArray(), [[48]], 1e-4);
  });
});

describe('a small classifier', () => {
  const errorOf = async (parameter: number): Promise<number> => {
    const { parameters, cost } = inGraph(miniMnist);
    return gradientError(parameters[parameter]!, cost, { delta: 1e-5 });
  };

  test('MiniMNISTTest.testInputGradient', async () => expect(await errorOf(0)).toBeLessThan(1e-8));
  test('MiniMNISTTest.testHiddenWeightGradient', async () => expect(await errorOf(1)).toBeLessThan(1e-8));
  test('MiniMNISTTest.testHiddenBiasGradient', async () => expect(await errorOf(2)).toBeLessThan(1e-8));
  test('MiniMNISTTest.testSoftmaxWeightGradient', async () => expect(await errorOf(3)).toBeLessThan(1e-8));
  test('MiniMNISTTest.testSoftmaxBiasGradient', async () => expect(await errorOf(4)).toBeLessThan(1e-8));
});
