/** Convolutions and pools where the table specs have no samples: other layouts, dilations, groups, ties, and bad arguments. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { checkGradients } from '../../src/testing/index.js';
import { expectClose, normals, value } from '../tensorflow-tests/support/build.js';

const { nn } = tl;
const image = (...shape: number[]) =>
  tl.constant(
    normals(
      shape.reduce((a, b) => a * b, 1),
      5,
    ),
    { shape, dtype: 'float64' },
  ) as tl.Tensor;
const filter = (...shape: number[]) =>
  tl.constant(
    normals(
      shape.reduce((a, b) => a * b, 1),
      9,
    ),
    { shape, dtype: 'float64' },
  ) as tl.Tensor;
const first = (x: tl.Tensor) => tl.transpose(x, [0, 3, 1, 2]);
const last = (x: tl.Tensor) => tl.transpose(x, [0, 2, 3, 1]);
const inGraph = <T>(build: () => T): T => new tl.Graph().asDefault(build);
const compared = (a: tl.Tensor, b: tl.Tensor) => expectClose(value(a), value(b), 1e-12);

type Pad = readonly (readonly [number, number])[];
const around: Pad = [[0, 0], [1, 2], [0, 1], [0, 0]]; // prettier-ignore
const aroundFirst: Pad = [[0, 0], [0, 0], [1, 2], [0, 1]]; // prettier-ignore

describe('channels first is channels last, transposed', () => {
  test('convolutions and their gradients', () =>
    inGraph(() => {
      const [x, w] = [image(2, 5, 4, 3), filter(3, 2, 3, 4)];
      const y = nn.conv2d(x, w, [2, 1], around, { dilations: [1, 2] });
      const xc = first(x);
      const yc = nn.conv2d(xc, w, [2, 1], aroundFirst, { dilations: [1, 2], dataFormat: 'NCHW' });
      compared(last(yc), y);
      const [dx, dw] = tl.gradients(y, [x, w]) as tl.Tensor[];
      const [dxc, dwc] = tl.gradients(yc, [xc, w]) as tl.Tensor[];
      compared(last(dxc!), dx!);
      compared(dwc!, dw!);
    }));

  test('depthwise convolutions and their gradients', () =>
    inGraph(() => {
      const [x, w] = [image(1, 5, 4, 3), filter(2, 3, 3, 2)];
      const y = nn.depthwiseConv2d(x, w, 2, 'SAME');
      const xc = first(x);
      const yc = nn.depthwiseConv2d(xc, w, 2, 'SAME', { dataFormat: 'NCHW' });
      compared(last(yc), y);
      const [dx, dw] = tl.gradients(y, [x, w]) as tl.Tensor[];
      const [dxc, dwc] = tl.gradients(yc, [xc, w]) as tl.Tensor[];
      compared(last(dxc!), dx!);
      compared(dwc!, dw!);
    }));

  test('pools and their gradients', () =>
    inGraph(() => {
      const x = image(2, 5, 4, 3);
      for (const pool of [nn.maxPool2d, nn.avgPool2d] as const) {
        const y = pool(x, [3, 2], [2, 1], 'SAME');
        const xc = first(x);
        const yc = pool(xc, [3, 2], [2, 1], 'SAME', { dataFormat: 'NCHW' });
        compared(last(yc), y);
        compared(
          last((tl.gradients(tl.square(yc), xc) as tl.Tensor[])[0]!),
          (tl.gradients(tl.square(y), x) as tl.Tensor[])[0]!,
        );
      }
    }));
});

describe('gradients of order 1 and 2 against finite differences', () => {
  test.each([
    [
      'dilations',
      () => {
        const [x, w] = [image(1, 6, 5, 2), filter(2, 3, 2, 2)];
        return [nn.conv2d(x, w, 1, 'SAME', { dilations: [2, 1] }), x, w];
      },
    ],
    [
      'strides and dilations',
      () => {
        const [x, w] = [image(1, 7, 5, 1), filter(2, 2, 1, 2)];
        return [nn.conv2d(x, w, [3, 2], 'VALID', { dilations: 2 }), x, w];
      },
    ],
    [
      'groups',
      () => {
        const [x, w] = [image(1, 3, 3, 4), filter(2, 2, 2, 4)];
        return [nn.conv2d(x, w, 1, 'SAME'), x, w];
      },
    ],
    [
      'channels first',
      () => {
        const [x, w] = [image(1, 2, 3, 4), filter(2, 2, 2, 3)];
        return [nn.conv2d(x, w, 2, 'SAME', { dataFormat: 'NCHW' }), x, w];
      },
    ],
    [
      'depthwise dilations',
      () => {
        const [x, w] = [image(1, 5, 4, 2), filter(2, 2, 2, 2)];
        return [nn.depthwiseConv2d(x, w, 1, 'VALID', { dilations: [2, 1] }), x, w];
      },
    ],
    [
      'a pool with paddings of its own',
      () => {
        const x = image(1, 4, 5, 2);
        return [nn.maxPool2d(tl.square(x), [2, 3], 2, around), x];
      },
    ],
    [
      'a pool of channels',
      () => {
        const x = image(1, 2, 2, 6);
        return [nn.maxPool2d(tl.square(x), [1, 1, 1, 3], [1, 1, 1, 3], 'VALID'), x];
      },
    ],
    [
      'gelu',
      () => {
        const x = image(4);
        return [nn.gelu(x), x];
      },
    ],
    [
      'approximate gelu',
      () => {
        const x = image(4);
        return [nn.gelu(x, { approximate: true }), x];
      },
    ],
  ] as const)('%s', async (_, build) => {
    // prettier-ignore
    const [y, ...xs] = inGraph<readonly tl.Tensor[]>(build);
    await checkGradients(y!, xs, { order: 2 });
  });
});

test('a transposed convolution is the gradient of the convolution', () =>
  inGraph(() => {
    const [x, w] = [image(1, 5, 4, 2), filter(3, 3, 2, 3)];
    const y = nn.conv2d(x, w, 2, 'SAME');
    const dy = image(1, 3, 2, 3);
    const up = nn.conv2dTranspose(dy, w, [1, 5, 4, 2], 2);
    expect([up.op.name, up.op.type]).toEqual(['conv2d_transpose', 'Conv2DBackpropInput']);
    compared(up, (tl.gradients(y, x, { gradYs: [dy] }) as tl.Tensor[])[0]!);
  }));

test('of equal elements the first is taken, row by row; NaN and the padding are less than any number', () =>
  inGraph(() => {
    const x = tl.constant([
      [
        [[2], [1]],
        [[2], [2]],
      ],
    ]) as tl.Tensor;
    const y = nn.maxPool2d(x, 2, 2, 'VALID');
    expect(value((tl.gradients(y, x) as tl.Tensor[])[0]!)).toEqual([
      [
        [[1], [0]],
        [[0], [0]],
      ],
    ]);
    const odd = tl.constant([
      [
        [[-1], [NaN]],
        [[-3], [-2]],
      ],
    ]) as tl.Tensor;
    expect(value(nn.maxPool2d(odd, 2, 2, 'VALID'))).toEqual([[[[-1]]]]);
    expect(value(nn.maxPool2d(odd, 3, 1, 'SAME'))).toEqual([
      [
        [[-1], [-1]],
        [[-1], [-1]],
      ],
    ]);
    const none = tl.constant([[[[-Infinity]]]]) as tl.Tensor;
    expect(value(nn.maxPool2d(none, 2, 1, 'SAME'))).toEqual([[[[-Infinity]]]]);
  }));

test('gelu as TensorFlow gives it', () =>
  inGraph(() => {
    const x = tl.constant([-3, -1, 0, 1, 3]) as tl.Tensor;
    expectClose(value(nn.gelu(x)), [-0.00404951, -0.15865529, 0, 0.8413447, 2.9959507], 1e-6);
    expectClose(value(nn.gelu(x, { approximate: true })), [-0.00363752, -0.15880796, 0, 0.841192, 2.9963627], 1e-6);
    expect(() => nn.gelu(tl.constant([1, 2], { dtype: 'int32' }))).toThrow('gelu: features must be floats, not int32.');
  }));

describe('mistakes are named before anything is made', () => {
  const x = () => tl.placeholder('float32', [1, 4, 4, 2]) as tl.Tensor;
  const w = () => tl.placeholder('float32', [3, 3, 2, 4]) as tl.Tensor;
  test.each<readonly [string, () => unknown, string]>([
    ['rank of images', () => nn.conv2d(tl.ones([4, 4, 2]), w(), 1, 'SAME'), 'images must have rank 4'],
    ['rank of filters', () => nn.conv2d(x(), tl.ones([3, 3, 2]), 1, 'SAME'), 'the filter must have rank 4'],
    [
      'channels',
      () => nn.conv2d(x(), tl.ones([3, 3, 3, 4]), 1, 'SAME'),
      '2 input channels are no multiple of the 3 that the filter has',
    ],
    ['groups', () => nn.conv2d(x(), tl.ones([3, 3, 1, 3]), 1, 'SAME'), '3 output channels do not go into 2 groups'],
    [
      'a filter too large',
      () => nn.conv2d(x(), tl.ones([5, 3, 2, 1]), 1, 'VALID'),
      'a window of 5 does not fit into 4 elements along axis 1',
    ],
    [
      'strides',
      () => nn.conv2d(x(), w(), [1, 1, 1], 'SAME'),
      'conv2d: strides must be one number, two or four, not 3.',
    ],
    ['no strides', () => nn.conv2d(x(), w(), 0, 'SAME'), 'strides must be positive, not 0'],
    [
      'strides of the batch',
      () => nn.conv2d(x(), w(), [2, 1, 1, 1], 'SAME'),
      'strides must be 1 along the batch and the channels, not [2, 1, 1, 1]',
    ],
    ['dilations', () => nn.conv2d(x(), w(), 1, 'SAME', { dilations: -1 }), 'dilations must be positive, not -1'],
    [
      'padding',
      () => nn.conv2d(x(), w(), 1, 'FULL' as 'SAME'),
      "conv2d: padding must be 'SAME', 'VALID' or four pairs of numbers.",
    ],
    [
      'paddings of channels',
      () =>
        nn.conv2d(x(), w(), 1, [
          [0, 0],
          [0, 0],
          [0, 0],
          [1, 0],
        ]),
      'must be 0 along the batch and the channels',
    ],
    [
      'negative paddings',
      () =>
        nn.conv2d(x(), w(), 1, [
          [0, 0],
          [-1, 0],
          [0, 0],
          [0, 0],
        ]),
      'must not be negative',
    ],
    [
      'layout',
      () => nn.conv2d(x(), w(), 1, 'SAME', { dataFormat: 'HWCN' as 'NHWC' }),
      "dataFormat must be 'NHWC' or 'NCHW', not 'HWCN'",
    ],
    [
      'a gradient of another shape',
      () => nn.conv2dBackpropInput([1, 4, 4, 2], w(), tl.ones([1, 3, 4, 4]), 1, 'SAME'),
      'the gradient of the output does not have the shape of the output',
    ],
    [
      'sizes',
      () => nn.conv2dBackpropFilter(x(), [3, 3, 2], tl.ones([1, 4, 4, 4]), 1, 'SAME'),
      'sizes must have 4 values',
    ],
    [
      'depthwise channels',
      () => nn.depthwiseConv2d(x(), tl.ones([3, 3, 1, 4]), 1, 'SAME'),
      'there are 2 input channels, and the filter is for 1',
    ],
    [
      'windows',
      () => nn.maxPool2d(x(), [1, 2, 3], 1, 'SAME'),
      'maxPool2d: ksize must be one number, two or four, not 3.',
    ],
    [
      'windows of the batch',
      () => nn.maxPool2d(x(), [2, 1, 1, 1], 1, 'SAME'),
      'ksize must be 1 along the batch, not [2, 1, 1, 1]',
    ],
    [
      'a mean of channels',
      () => nn.avgPool2d(x(), [1, 1, 1, 2], 1, 'SAME'),
      'ksize must be 1 along the batch and the channels',
    ],
    [
      'paddings of a mean',
      () => nn.avgPool2d(x(), 2, 1, [[0, 0]] as unknown as 'SAME'),
      "avgPool2d: padding must be 'SAME' or 'VALID'",
    ],
  ])('%s', (_, call, message) =>
    // prettier-ignore
    inGraph(() => {
      const graph = tl.getDefaultGraph();
      const run = (): unknown => graph.transact(call);
      const before = graph.state;
      expect(run).toThrow(message);
      expect(graph.state).toBe(before);
    }),
  );
});
