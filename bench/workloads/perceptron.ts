/** Training steps of the perceptron 784-256-128-10. */
import * as tl from '../../src/index.js';
import { dense, numbers, oneHot, zeros } from '../data.js';
import { workload, type Workload } from '../types.js';

const perceptron = (batch: number, optimizer: 'sgd' | 'adam'): Workload =>
  workload({
    id: `mlp-${batch}-${optimizer}`,
    title: `MLP 784-256-128-10, batch ${batch}, ${optimizer === 'sgd' ? 'SGD' : 'Adam'}`,
    section: 'Training',
    task: { kind: 'training', optimizer, rate: optimizer === 'sgd' ? 0.1 : 0.001 },
    dtype: 'float32',
    tolerance: 1e-3,
    inputs: () => ({ x: numbers([batch, 784], 1), t: oneHot(batch, 10) }),
    weights: () => ({
      w1: dense(784, 256, 2),
      b1: zeros([256]),
      w2: dense(256, 128, 3),
      b2: zeros([128]),
      w3: dense(128, 10, 4),
      b3: zeros([10]),
    }),
    tapeless: ({ x, t, w1, b1, w2, b2, w3, b3 }) => {
      const h1 = tl.nn.relu(tl.matmul(x, w1).add(b1));
      const h2 = tl.nn.relu(tl.matmul(h1, w2).add(b2));
      return tl.reduceMean(tl.nn.softmaxCrossEntropyWithLogits(t, tl.matmul(h2, w3).add(b3)));
    },
    tfjs: {
      f: (tf, { x, t, w1, b1, w2, b2, w3, b3 }) => {
        const h1 = tf.relu(tf.add(tf.matMul(x, w1), b1));
        const h2 = tf.relu(tf.add(tf.matMul(h1, w2), b2));
        return tf.losses.softmaxCrossEntropy(t, tf.add(tf.matMul(h2, w3), b3));
      },
    },
    jaxJs: {
      f: ({ numpy: np, nn }, { x, t, w1, b1, w2, b2, w3, b3 }) => {
        const h1 = nn.relu(np.matmul(x, w1).add(b1));
        const h2 = nn.relu(np.matmul(h1, w2).add(b2));
        return nn.logSoftmax(np.matmul(h2, w3).add(b3), -1).mul(t).sum(-1).mean().neg();
      },
    },
    onnx: 'export',
    jax: `
h1 = jax.nn.relu(v['x'] @ v['w1'] + v['b1'])
h2 = jax.nn.relu(h1 @ v['w2'] + v['b2'])
return -np.mean(np.sum(jax.nn.log_softmax(h2 @ v['w3'] + v['b3']) * v['t'], -1))`,
    torch: `
h1 = F.relu(torch.addmm(v['b1'], v['x'], v['w1']))
h2 = F.relu(torch.addmm(v['b2'], h1, v['w2']))
return F.cross_entropy(torch.addmm(v['b3'], h2, v['w3']), v['t'])`,
  });

export const perceptrons: readonly Workload[] = [
  perceptron(32, 'sgd'),
  perceptron(256, 'sgd'),
  perceptron(32, 'adam'),
  perceptron(256, 'adam'),
];
