/** TensorFlow's ops/math_grad_test.py: gradients of arithmetic against differences, and at points where care is needed. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose, gradient, gradientError, inGraph, normals, uniforms, value, values } from './support/build.js';

type Unary = (x: tl.Tensor) => tl.Tensor;
const float64 = (shape: readonly number[], seed: number) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tl.constant(normals(size, seed), { dtype: 'float64', shape: [...shape] }) as tl.Tensor;
};
/** The error of the gradient of `fn` at a constant. */
const errorAt = (
  data: tl.TensorData,
  fn: Unary,
  options: { dtype?: 'float32' | 'float64' | 'complex64' | 'complex128' } = {},
) => {
  const [x, y] = inGraph(() => {
    const at = tl.constant(data, options) as tl.Tensor;
    return [at, fn(at)] as const;
  });
  return gradientError(x, y);
};
/** Where TensorFlow's checker starts unless it is told: anywhere between 0 and 1. */
const anywhere = (count: number) => uniforms(count, 11);

describe('differences, sizes and extremes', () => {
  test('SquaredDifferenceOpTest.testGrad', async () => {
    for (const [left, right] of [
      [
        [1, 2, 3, 2],
        [3, 2],
      ],
      [
        [2, 4],
        [3, 2, 4],
      ],
    ] as const) {
      // prettier-ignore
      const [a, b, y] = inGraph(() => {
        const operands = [float64(left, 1), float64(right, 2)] as const;
        return [...operands, tl.squaredDifference(...operands)] as const;
      });
      expect(await gradientError(a, y, { delta: 1e-3 })).toBeLessThan(1e-10);
      expect(await gradientError(b, y, { delta: 1e-3 })).toBeLessThan(1e-10);
    }
  });

  test('AbsOpTest.testComplexAbs', async () => {
    const biased = (seed: number, bias: number, sigma: number) =>
      normals(9, seed).map((x) => sigma * x + Math.sign(x) * bias);
    for (const [limit, bias, sigma] of [
      [2e-5, 0.1, 1],
      [100, 0, 0.1],
    ] as const) {
      // prettier-ignore
      expect(await errorAt(biased(7, bias, sigma), (x) => tl.abs(x) as tl.Tensor)).toBeLessThan(limit);
      const imaginary = biased(8, bias, sigma);
      const complex = biased(7, bias, sigma).map((re, i) => ({ re, im: imaginary[i]! }));
      const error = await errorAt(complex, (x) => tl.abs(x), { dtype: 'complex64' });
      expect(error).toBeLessThan(limit);
    }
  });

  test('MinOrMaxGradientTest.testMinGradient', async () => {
    expect(await errorAt([1], (x) => tl.reduceMin(tl.concat([x, x], 0)))).toBeLessThan(1e-4);
  });

  test('MinOrMaxGradientTest.testMaxGradient', async () => {
    expect(await errorAt([1], (x) => tl.reduceMax(tl.concat([x, x], 0)))).toBeLessThan(1e-4);
  });

  test('MaximumOrMinimumGradientTest.testMaximumGradient', async () => {
    expect(await errorAt(anywhere(4), (x) => tl.maximum(x, 0.5) as tl.Tensor)).toBeLessThan(1e-4);
    inGraph(() => {
      const x = tl.constant([1, 2, 3, 4]);
      expect(value(gradient(tl.maximum(x, 3) as tl.Tensor, x))).toEqual([0, 0, 1, 1]);
    });
  });

  test('MaximumOrMinimumGradientTest.testMinimumGradient', async () => {
    expect(await errorAt(anywhere(4), (x) => tl.minimum(x, 0.5) as tl.Tensor)).toBeLessThan(1e-4);
    inGraph(() => {
      const x = tl.constant([1, 2, 3, 4]);
      expect(value(gradient(tl.minimum(x, 2) as tl.Tensor, x))).toEqual([1, 1, 0, 0]);
    });
  });
});

describe('products', () => {
  const matrix = [[1, 2], [3, 4]]; // prettier-ignore
  const complex = [
    [{ re: 1, im: 3 }, { re: 2, im: -1 }],
    [{ re: 0, im: 3 }, { re: 4, im: 0 }],
  ]; // prettier-ignore

  test('ProdGradientTest.testProdGradient', async () => {
    expect(await errorAt(matrix, (x) => tl.reduceProd(x))).toBeLessThan(1e-4);
  });

  test('ProdGradientTest.testProdGradientForNegativeAxis', async () => {
    expect(await errorAt(matrix, (x) => tl.reduceProd(x, { axis: -1 }))).toBeLessThan(1e-4);
  });

  test('ProdGradientTest.testProdGradientComplex', async () => {
    for (const dtype of ['complex64', 'complex128'] as const)
      expect(await errorAt(complex, (x) => tl.reduceProd(x), { dtype })).toBeLessThan(1e-4);
  });

  test('ProdGradientTest.testProdGradientForNegativeAxisComplex', async () => {
    for (const dtype of ['complex64', 'complex128'] as const)
      expect(await errorAt(complex, (x) => tl.reduceProd(x, { axis: -1 }), { dtype })).toBeLessThan(1e-4);
  });
});

describe('divisions', () => {
  const around = [-3, -2, -1, 0, 1, 2];

  test('FloorModGradientTest.testFloorModGradient', async () => {
    expect(await errorAt([131], (x) => tl.floormod(x, [17]) as tl.Tensor)).toBeLessThan(1e-4);
  });

  test('DivNoNanGradientTest.testBasicGradient', async () => {
    const error = await errorAt(anywhere(6), (x) => tl.divideNoNan(x, tl.abs(x).add(1)));
    expect(error).toBeLessThan(1e-4);
    inGraph(() => {
      const x = tl.constant(around) as tl.Tensor;
      const found = value(gradient(tl.divideNoNan(x, tl.abs(x).add(1)), x));
      expectClose(found, around.map((each) => 1 / (1 + Math.abs(each)) ** 2)); // prettier-ignore
    });
  });

  test('DivNoNanGradientTest.testGradientWithDenominatorIsZero', () => {
    inGraph(() => {
      const [x, y] = [tl.constant(around), tl.constant(around.map(() => 0))];
      const found = values(tl.gradients(tl.divideNoNan(x, y), [x, y]));
      expectClose(found.map((each) => (each as number[]).map(Math.abs)), [around.map(() => 0), around.map(() => 0)]); // prettier-ignore
    });
  });

  test('MulNoNanGradientTest.testBasicGradient', async () => {
    const error = await errorAt(anywhere(6), (x) => tl.multiplyNoNan(x, tl.abs(x).add(1)));
    expect(error).toBeLessThan(1e-4);
    inGraph(() => {
      const x = tl.constant(around) as tl.Tensor;
      const found = value(gradient(tl.multiplyNoNan(x, tl.abs(x).add(1)), x));
      expectClose(found, around.map((each) => 1 + 2 * Math.abs(each))); // prettier-ignore
    });
  });

  test('MulNoNanGradientTest.testGradientWithRhsIsZero', () => {
    inGraph(() => {
      const data = [0, 1, NaN, Infinity, -Infinity];
      const [x, y] = [tl.constant(data), tl.constant(data.map(() => 0))];
      const [dx, dy] = values(tl.gradients(tl.multiplyNoNan(x, y), [x, y]));
      expect([dx, dy]).toEqual([data.map(() => 0), data]);
    });
  });
});

const halves = { float16: 2e-3, float32: 1e-6, float64: 1e-12 } as const;
type Half = keyof typeof halves;

/** Both gradients of `fn` at (x, y), in three dtypes. */
const bothAt = (fn: (x: tl.Tensor, y: tl.Tensor) => tl.Tensor, x: number, y: number, expected: readonly number[]) => {
  for (const [dtype, tolerance] of Object.entries(halves) as [Half, number][]) {
    inGraph(() => {
      const [a, b] = [tl.constant(x, { dtype }) as tl.Tensor, tl.constant(y, { dtype }) as tl.Tensor];
      const found = tl.gradients(fn(a, b), [a, b]);
      expect(found.map((each) => each!.dtype)).toEqual([dtype, dtype]);
      expectClose(values(found).map((each) => (each as number) + 0), expected, tolerance); // prettier-ignore
    });
  }
};

describe('products with a logarithm, and quotients, that a zero rules', () => {
  const xlogy = (x: tl.Tensor, y: tl.Tensor) => tl.xlogy(x, y) as tl.Tensor;
  const xdivy = (x: tl.Tensor, y: tl.Tensor) => tl.xdivy(x, y) as tl.Tensor;
  const xlog1py = (x: tl.Tensor, y: tl.Tensor) => tl.xlog1py(x, y) as tl.Tensor;

  test('XlogyTest.testNonZeroValuesGrad', () => bothAt(xlogy, 0.1, 3.1, [Math.log(3.1), 0.1 / 3.1]));
  test('XlogyTest.testZeroXGrad', () => bothAt(xlogy, 0, 3.1, [0, 0]));
  test('XlogyTest.testZeroYGrad', () => bothAt(xlogy, 0.1, 0, [-Infinity, Infinity]));
  test('XlogyTest.testZeroXYGrad', () => bothAt(xlogy, 0, 0, [0, 0]));

  test('Xlog1pyTest.testNonZeroValuesGrad', () => bothAt(xlog1py, 0.1, 3.1, [Math.log1p(3.1), 0.1 / 4.1]));
  test('Xlog1pyTest.testZeroXGrad', () => bothAt(xlog1py, 0, 3.1, [0, 0]));
  test('Xlog1pyTest.testNegOneYGrad', () => bothAt(xlog1py, 0.1, -1, [-Infinity, Infinity]));
  test('Xlog1pyTest.testZeroXNegOneYGrad', () => bothAt(xlog1py, 0, -1, [0, 0]));

  test('XdivyTest.testNonZeroValuesGrad', () => bothAt(xdivy, 0.1, 3.1, [1 / 3.1, -0.1 / 3.1 ** 2]));
  test('XdivyTest.testZeroXGrad', () => bothAt(xdivy, 0, 3.1, [0, 0]));
  test('XdivyTest.testZeroYGrad', () => bothAt(xdivy, 0.1, 0, [Infinity, -Infinity]));
  test('XdivyTest.testZeroXYGrad', () => bothAt(xdivy, 0, 0, [0, 0]));
});

describe('powers', () => {
  test('PowGradTest.test_zero_grad_tf_gradients', () => {
    inGraph(() => {
      const x = tl.constant([-1, 0, 1]);
      expect(value(gradient(tl.pow(x, 2) as tl.Tensor, x))).toEqual([-2, 0, 2]);
    });
  });

  test('PowGradTest.test_zero_grad_tape', () => {
    inGraph((graph) => {
      const tape = new tl.GradientTape();
      const x = tl.constant([-1, 0, 1]) as tl.Tensor;
      const y = tape.run(() => {
        tape.watch(x);
        return tl.pow(x, 2);
      });
      expect(value(tape.gradient(y, x))).toEqual([-2, 0, 2]);
      // No operation computes a NaN or an infinity on the way.
      const all = graph.operations().flatMap(({ outputs }) => outputs);
      const numbers = values(all.filter(({ dtype }) => dtype === 'float32')).flat(Infinity) as number[];
      expect(numbers.filter((each) => !Number.isFinite(each))).toEqual([]);
    });
  });
});
