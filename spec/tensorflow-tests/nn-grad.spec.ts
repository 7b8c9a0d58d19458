/** TensorFlow's ops/nn_grad_test.py: second derivatives of activations against differences. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { gradient, gradientError, inGraph } from './support/build.js';

const inputs = [
  [-2, -1, 1, 3],
  [5, 7, 8, 9],
];
const dys = [
  [3, 1, -1, -2],
  [9, 8, 7, 6],
];

test('Relu6OpTest.testRelu6GradGrad', async () => {
  const [x, dx] = inGraph(() => {
    const each = tl.constant(inputs) as tl.Tensor;
    return [each, gradient(tl.nn.relu6(each), each)] as const;
  });
  const feeds = new Map([[x, [[-3.5, -1.5, 2, 4], [4.5, 7.5, 8.5, 11]]]]); // prettier-ignore
  expect(await gradientError(x, dx, { feeds })).toBeLessThan(1e-4);
});

/** The gradient of an activation, with respect to its input or to the gradient that came in. */
const secondOrder = async (activation: (x: tl.Tensor) => tl.Tensor, of: 'input' | 'gradYs') => {
  const [x, dx] = inGraph(() => {
    const [each, dy] = [tl.constant(inputs) as tl.Tensor, tl.constant(dys) as tl.Tensor];
    return [of === 'input' ? each : dy, gradient(activation(each), each, { gradYs: [dy] })] as const;
  });
  expect(await gradientError(x, dx)).toBeLessThan(1e-4);
};

test('EluGradOpTest.testEluGradGradWRTgrad_ys', () => secondOrder((x) => tl.nn.elu(x), 'gradYs'));
test('EluGradOpTest.testEluGradGradWRTinputs', () => secondOrder((x) => tl.nn.elu(x), 'input'));
test('SeluGradOpTest.testSeluGradGradWRTgrad_ys', () => secondOrder((x) => tl.nn.selu(x), 'gradYs'));
test('SeluGradOpTest.testSeluGradGradWRTinputs', () => secondOrder((x) => tl.nn.selu(x), 'input'));
