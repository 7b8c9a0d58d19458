/** A Jacobian and a Hessian-vector product of the perceptron 100-128-100. */
import * as tl from '../../src/index.js';
import { dense, numbers } from '../data.js';
import { workload } from '../types.js';

const weights = () => ({
  w1: dense(100, 128, 2),
  b1: numbers([128], 3, 0.1),
  w2: dense(128, 100, 4),
  b2: numbers([100], 5, 0.1),
});

export const jacobian = workload({
  id: 'jacobian',
  title: 'Jacobian 100×100 of MLP 100-128-100',
  section: 'Derivatives of vectors and of second order',
  task: { kind: 'jacobian', of: 'x' },
  dtype: 'float32',
  tolerance: 1e-4,
  inputs: () => ({ x: numbers([1, 100], 1) }),
  weights,
  tapeless: ({ x, w1, b1, w2, b2 }) => tl.matmul(tl.tanh(tl.matmul(x, w1).add(b1)), w2).add(b2),
  tfjs: {
    f: (tf, { x, w1, b1, w2, b2 }) => tf.add(tf.matMul(tf.tanh(tf.add(tf.matMul(x, w1), b1)), w2), b2),
  },
  jaxJs: {
    f: ({ numpy: np }, { x, w1, b1, w2, b2 }) => np.matmul(np.tanh(np.matmul(x, w1).add(b1)), w2).add(b2),
  },
  onnx: 'export',
  jax: `return np.tanh(v['x'] @ v['w1'] + v['b1']) @ v['w2'] + v['b2']`,
  torch: `return torch.tanh(v['x'] @ v['w1'] + v['b1']) @ v['w2'] + v['b2']`,
});

export const hessianVectorProduct = workload({
  id: 'hvp',
  title: 'Hessian-vector product of that MLP, batch 32',
  section: 'Derivatives of vectors and of second order',
  task: { kind: 'hessianVectorProduct', of: ['w1', 'b1', 'w2', 'b2'], along: ['d1', 'e1', 'd2', 'e2'] },
  dtype: 'float32',
  tolerance: 1e-3,
  inputs: () => ({
    x: numbers([32, 100], 1),
    t: numbers([32, 100], 6),
    d1: numbers([100, 128], 7),
    e1: numbers([128], 8),
    d2: numbers([128, 100], 9),
    e2: numbers([100], 10),
  }),
  weights,
  tapeless: ({ x, t, w1, b1, w2, b2 }) =>
    tl.reduceMean(
      tl.square(
        tl
          .matmul(tl.tanh(tl.matmul(x, w1).add(b1)), w2)
          .add(b2)
          .subtract(t),
      ),
    ),
  tfjs: {
    f: (tf, { x, t, w1, b1, w2, b2 }) =>
      tf.mean(tf.square(tf.sub(tf.add(tf.matMul(tf.tanh(tf.add(tf.matMul(x, w1), b1)), w2), b2), t))),
  },
  jaxJs: {
    f: ({ numpy: np }, { x, t, w1, b1, w2, b2 }) =>
      np
        .square(
          np
            .matmul(np.tanh(np.matmul(x, w1).add(b1)), w2)
            .add(b2)
            .sub(t),
        )
        .mean(),
  },
  onnx: 'export',
  jax: `return np.mean((np.tanh(v['x'] @ v['w1'] + v['b1']) @ v['w2'] + v['b2'] - v['t'])**2)`,
  torch: `return torch.mean((torch.tanh(v['x'] @ v['w1'] + v['b1']) @ v['w2'] + v['b2'] - v['t'])**2)`,
});
