/** TensorFlow's ops/nn_grad_test.py: derivatives of activations and convolutions against differences. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { filled, gradient, gradientError, inGraph } from './support/build.js';

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

const filters = () => filled([2, 2, 3, 2], 0.5);
const image = () => filled([1, 4, 4, 3], 0.5);
const error = async (of: () => readonly [x: tl.Tensor, y: tl.Tensor]) => {
  const [x, y] = inGraph(of);
  return gradientError(x, y);
};

type Convolution = (x: tl.Tensor, filter: tl.Tensor, strides: readonly number[], padding: 'SAME') => tl.Tensor;

const ofInput = async (convolution: Convolution) => {
  const of = () => {
    const x = image();
    return [x, convolution(x, filters(), [1, 1, 1, 1], 'SAME')] as const;
  };
  expect(await error(of)).toBeLessThan(1e-3);
};
const ofFilter = async (convolution: Convolution) => {
  const of = () => {
    const f = filters();
    return [f, convolution(image(), f, [1, 1, 1, 1], 'SAME')] as const;
  };
  expect(await error(of)).toBeLessThan(1e-3);
};

test('Conv2dOpTest.testConv2dGradWRTInput', () => ofInput(tl.nn.conv2d));
test('Conv2dOpTest.testConv2dGradWRTFilter', () => ofFilter(tl.nn.conv2d));
test('DepthwiseConv2dTest.testDepthwiseConv2dGradWRTInput', () => ofInput(tl.nn.depthwiseConv2d));
test('DepthwiseConv2dTest.testDepthwiseConv2dGradWRTFilter', () => ofFilter(tl.nn.depthwiseConv2d));

// Both of TensorFlow's tests of that name are of the depthwise convolution.
test.each([
  ['Conv2dOpTest.testConv2dBackpropFilterGrad', tl.nn.conv2d],
  ['DepthwiseConv2dTest.testDepthwiseConv2dBackpropFilterGrad', tl.nn.depthwiseConv2d],
] as const)('%s', async (_, convolution) => {
  const gradientOf = (of: 'input' | 'filter') => () => {
    const [x, f] = [image(), filters()];
    const y = convolution(x, f, [1, 1, 1, 1], 'SAME');
    return of === 'input' ? ([f, gradient(y, x)] as const) : ([x, gradient(y, f)] as const);
  };
  expect(await error(gradientOf('input'))).toBeLessThan(1e-3);
  expect(await error(gradientOf('filter'))).toBeLessThan(1e-3);
});
