/** A training step of a small convolutional network on images of 28×28: two convolutions, each with relu and pooling, and a dense layer. */
import * as tl from '../../src/index.js';
import { dense, numbers, oneHot, zeros } from '../data.js';
import { workload } from '../types.js';

const batch = 32;
const features = 7 * 7 * 32;

/** Where images are [batch, channels, height, width], features come in another order than the dense layer's weights. */
const reordered = (module: string, permute: string): string => `
x = v['x'].reshape(${batch}, 1, 28, 28)
h = pool(relu(conv(x, ${permute}(v['f1'], (3, 2, 0, 1))) + v['b1'].reshape(1, 16, 1, 1)))
h = pool(relu(conv(h, ${permute}(v['f2'], (3, 2, 0, 1))) + v['b2'].reshape(1, 32, 1, 1)))
w = ${permute}(v['w'].reshape(7, 7, 32, 10), (2, 0, 1, 3)).reshape(${features}, 10)
y = h.reshape(${batch}, ${features}) @ w + v['b']
return -${module}.mean(${module}.sum(log_softmax(y, -1) * v['t'], -1))`;

export const convolution = workload({
  id: 'cnn',
  title: 'CNN 28×28, conv16-pool-conv32-pool-dense10, batch 32, SGD',
  section: 'Training',
  task: { kind: 'training', optimizer: 'sgd', rate: 0.1 },
  dtype: 'float32',
  tolerance: 1e-3,
  inputs: () => ({ x: numbers([batch, 28, 28, 1], 1), t: oneHot(batch, 10) }),
  weights: () => ({
    f1: numbers([3, 3, 1, 16], 2, 0.5),
    b1: zeros([16]),
    f2: numbers([3, 3, 16, 32], 3, 0.15),
    b2: zeros([32]),
    w: dense(features, 10, 4),
    b: zeros([10]),
  }),
  tapeless: ({ x, t, f1, b1, f2, b2, w, b }) => {
    const layer = (image: tl.Tensor, filter: tl.Tensor, bias: tl.Tensor): tl.Tensor =>
      tl.nn.maxPool2d(tl.nn.relu(tl.nn.conv2d(image, filter, 1, 'SAME').add(bias)), 2, 2, 'VALID');
    const h = tl.reshape(layer(layer(x, f1, b1), f2, b2), [batch, features]);
    return tl.reduceMean(tl.nn.softmaxCrossEntropyWithLogits(t, tl.matmul(h, w).add(b)));
  },
  tfjs: {
    f: (tf, { x, t, f1, b1, f2, b2, w, b }) => {
      const h1 = tf.maxPool(tf.relu(tf.add(tf.conv2d(x, f1, 1, 'same'), b1)), 2, 2, 'valid');
      const h2 = tf.maxPool(tf.relu(tf.add(tf.conv2d(h1, f2, 1, 'same'), b2)), 2, 2, 'valid');
      return tf.losses.softmaxCrossEntropy(t, tf.add(tf.matMul(tf.reshape(h2, [batch, features]), w), b));
    },
  },
  jaxJs: {
    f: ({ numpy: np, nn, lax }, { x, t, f1, b1, f2, b2, w, b }) => {
      const pool = (h: typeof x) => {
        const [n, channels, height, width] = h.shape as [number, number, number, number];
        return np.max(np.max(h.reshape([n, channels, height / 2, 2, width / 2, 2]), 5), 3);
      };
      const layer = (h: typeof x, filter: typeof x, bias: typeof x) =>
        pool(nn.relu(lax.conv(h, filter.transpose([3, 2, 0, 1]), [1, 1], 'SAME').add(bias.reshape([-1, 1, 1]))));
      const h = layer(layer(x.reshape([batch, 1, 28, 28]), f1, b1), f2, b2).reshape([batch, features]);
      const rows = w.reshape([7, 7, 32, 10]).transpose([2, 0, 1, 3]).reshape([features, 10]);
      return nn.logSoftmax(np.matmul(h, rows).add(b), -1).mul(t).sum(-1).mean().neg();
    },
  },
  onnx: 'export',
  jax: `
relu, log_softmax = jax.nn.relu, jax.nn.log_softmax
conv = lambda x, f: jax.lax.conv(x, f, (1, 1), 'SAME')
def pool(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))
${reordered('np', 'np.transpose')}`,
  torch: `
relu, log_softmax = F.relu, F.log_softmax
conv = lambda x, f: F.conv2d(x, f, padding=1)
pool = lambda x: F.max_pool2d(x, 2)
${reordered('torch', 'torch.permute')}`,
});
