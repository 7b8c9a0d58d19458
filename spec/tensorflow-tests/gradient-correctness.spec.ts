/** TensorFlow's GradientCorrectnessTest (kernel_tests/gradient_correctness_test.py). */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose, gradient, inGraph, value } from './support/build.js';

const integers = (data: number | number[]) => tl.constant(data, { dtype: 'int32' }) as tl.Tensor;
const float = (k: tl.Tensor) => tl.cast(k, 'float32');
const isNull = (y: tl.Tensor, x: tl.Tensor) => expect(tl.gradients(y, x)).toEqual([null]);

test('GradientCorrectnessTest.testMultipleOutputChainedGradients', () => {
  inGraph(() => {
    const x = tl.constant(1);
    const yexp = tl.exp(x);
    const [dx] = tl.gradients([yexp, tl.log(yexp)], [x]);
    expectClose(value(dx!), 1 + Math.E);
  });
});

test('GradientCorrectnessTest.testIdentityGradient', () => {
  inGraph(() => {
    const x = tl.constant(3);
    expect(value(gradient(x, x))).toBe(1);
  });
});

test('GradientCorrectnessTest.testIntegerIdentityGradient', () => {
  inGraph(() => {
    const x = integers(3);
    const dx = gradient(x, x);
    expect([dx.dtype, value(dx)]).toEqual(['int32', 1]);
  });
});

test('GradientCorrectnessTest.testGradientWithIntegerPath', () => {
  inGraph(() => {
    const x = tl.constant([3.9, 4.1]);
    const k = float(tl.cast(x, 'int32'));
    expect(value(gradient(x.multiply(k), x))).toEqual([3, 4]);
  });
});

test('GradientCorrectnessTest.testNoIntegerGradient1', () => {
  inGraph(() => {
    const x = tl.constant([3.9, 4.1]);
    const k = float(tl.cast(x, 'int32'));
    isNull(k.multiply(k), x);
  });
});

test('GradientCorrectnessTest.testNoIntegerGradient2', () => {
  inGraph(() => {
    const k = integers([3, 4]);
    const x = float(k);
    isNull(x.multiply(x), k);
  });
});

test('GradientCorrectnessTest.testNoIntegerGradient3', () => {
  inGraph(() => {
    const k = integers([3, 4]);
    isNull(k.multiply(k), k);
  });
});

test('GradientCorrectnessTest.testNoIntegerGradient4', () => {
  inGraph(() => {
    const k = integers([3, 4]);
    isNull(k.multiply(k).multiply(k), k);
  });
});

test('GradientCorrectnessTest.testNoIntegerGradient5', () => {
  inGraph(() => {
    const k = integers([3, 4]);
    const m = k.multiply(k);
    isNull(m.multiply(m), k);
  });
});

test('GradientCorrectnessTest.testNoIntegerGradient6', () => {
  inGraph(() => {
    const k = integers(3);
    const x = float(k);
    for (const y of [k.multiply(k), x.multiply(x), tl.square(k), tl.square(x)]) isNull(y, k);
  });
});
