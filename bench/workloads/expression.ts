/** Value and gradient of an expression of three scalars. */
import * as tl from '../../src/index.js';
import { numbers } from '../data.js';
import { workload } from '../types.js';

export const expression = workload({
  id: 'expression',
  title: 'x·y + sin(x·z) + z·exp(−y²), value and gradient',
  section: 'Small functions',
  task: { kind: 'gradient', of: ['x', 'y', 'z'] },
  dtype: 'float32',
  tolerance: 1e-4,
  inputs: () => ({ x: numbers([], 1), y: numbers([], 2), z: numbers([], 3) }),
  weights: () => ({}),
  tapeless: ({ x, y, z }) =>
    x
      .multiply(y)
      .add(tl.sin(x.multiply(z)))
      .add(z.multiply(tl.exp(tl.negative(tl.square(y))))),
  tfjs: {
    f: (tf, { x, y, z }) =>
      tf.add(tf.add(tf.mul(x, y), tf.sin(tf.mul(x, z))), tf.mul(z, tf.exp(tf.mul(tf.square(y), -1)))),
  },
  jaxJs: {
    f: ({ numpy: np }, { x, y, z }) =>
      x.ref
        .mul(y.ref)
        .add(np.sin(x.mul(z.ref)))
        .add(z.mul(np.exp(np.square(y).neg()))),
  },
  onnx: 'export',
  jax: `return v['x'] * v['y'] + np.sin(v['x'] * v['z']) + v['z'] * np.exp(-v['y']**2)`,
  torch: `return v['x'] * v['y'] + torch.sin(v['x'] * v['z']) + v['z'] * torch.exp(-v['y']**2)`,
});
