/** TensorFlow's tests of functional loops and functions, by their names and with their numbers. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { grad, int, loop1, run } from './support/control-flow.js';

describe('while_v2', () => {
  test.each(['WhileV2Test.testSingleLoopVar', 'WhileV2Test.testDoubleDerivative'])('%s', () => {
    const build = () => {
      const x = tl.constant(2);
      const r = loop1(
        (v) => v.less(8),
        (v) => v.multiply(v),
        x,
      );
      const first = grad(r, x) as tl.Tensor;
      return [r, first, grad(first, x)];
    };
    expect(run(build)).toEqual([[16, 32, 48]]);
  });

  test('WhileV2Test.testMultipleWhileLoops', () => {
    const build = () => {
      const x = tl.constant(2);
      const r1 = loop1(
        (v) => v.less(4),
        (v) => v.multiply(v),
        x,
      );
      const r2 = loop1(
        (v) => v.less(16),
        (v) => v.multiply(v),
        r1,
      );
      const first = grad(r2, x) as tl.Tensor;
      return [first, grad(first, x)];
    };
    expect(run(build)).toEqual([[32, 48]]);
  });

  test('WhileV2Test.testNestedWhile', () => {
    const build = () => {
      const n = tl.constant(3);
      const m = 5;
      const [sum] = tl.whileLoop(
        (_, i) => i.lessEqual(m),
        (sum, i) => {
          const [power] = tl.whileLoop(
            (_, j) => j.less(i),
            (p, j) => [p.multiply(n), j.add(1)],
            [tl.constant(1), int(0)],
          );
          return [sum.add(power), i.add(1)];
        },
        [tl.constant(0), int(0)],
      );
      return [sum, grad(sum, n)];
    };
    expect(run(build)).toEqual([[364, 547]]);
  });
});

describe('functions', () => {
  const f = (x: tl.Tensor, b: tl.Tensor) => tl.square(x).add(b);

  test('FunctionGradientsTest.testFunctionGradientsBasic', () => {
    const build = () => {
      const [x, b] = [tl.constant([2]), tl.constant([1])];
      const y = tl.function(f)(x, b);
      return tl.gradients(y, [x, b]) as tl.Tensor[];
    };
    expect(run(build)).toEqual([[[4], [1]]]);
  });

  test('FunctionGradientsTest.testFunctionGradientsComposition', () => {
    const build = () => {
      const [x, b1, b2] = [tl.constant([2]), tl.constant([1]), tl.constant([1])];
      const fn = tl.function(f);
      return tl.gradients(fn(fn(x, b1), b2), [x, b1]) as tl.Tensor[];
    };
    expect(run(build)).toEqual([[[40], [10]]]);
  });

  test('FunctionGradientsTest.testGradientOfCaptured', () => {
    const build = () => {
      const x = tl.constant(1);
      const y = x.multiply(2);
      return tl.function(() => grad(y, x) as tl.Tensor)();
    };
    expect(run(build)).toEqual([2]);
  });
});
