/** A step of gradient descent on a linear regression, of the size of the California housing data with a column of ones. */
import * as tl from '../../src/index.js';
import { numbers } from '../data.js';
import { workload } from '../types.js';

const rows = 20640;

export const regression = workload({
  id: 'regression',
  title: 'linear regression, 20640×9, SGD',
  section: 'Training',
  task: { kind: 'training', optimizer: 'sgd', rate: 0.5 },
  dtype: 'float32',
  tolerance: 5e-4,
  inputs: () => ({ x: numbers([rows, 9], 1), t: numbers([rows, 1], 2) }),
  weights: () => ({ w: numbers([9, 1], 3) }),
  tapeless: ({ x, t, w }) => tl.reduceMean(tl.square(tl.matmul(x, w).subtract(t))),
  tfjs: { f: (tf, { x, t, w }) => tf.mean(tf.square(tf.sub(tf.matMul(x, w), t))) },
  jaxJs: { f: ({ numpy: np }, { x, t, w }) => np.square(np.matmul(x, w).sub(t)).mean() },
  onnx: 'export',
  jax: `return np.mean((v['x'] @ v['w'] - v['t'])**2)`,
  torch: `return torch.mean((v['x'] @ v['w'] - v['t'])**2)`,
});
