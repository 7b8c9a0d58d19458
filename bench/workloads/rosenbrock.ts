/** Value and gradient of Rosenbrock's function in ten dimensions: nothing but overhead. */
import * as tl from '../../src/index.js';
import { numbers } from '../data.js';
import { workload } from '../types.js';

export const rosenbrock = workload({
  id: 'rosenbrock',
  title: 'Rosenbrock in R^10, value and gradient',
  section: 'Small functions',
  task: { kind: 'gradient', of: ['x'] },
  dtype: 'float32',
  tolerance: 1e-4,
  inputs: () => ({ x: numbers([10], 1) }),
  weights: () => ({}),
  tapeless: ({ x }) => {
    const [a, b] = [tl.slice(x, [0], [9]), tl.slice(x, [1], [9])];
    const terms = tl.square(b.subtract(tl.square(a))).multiply(100);
    return tl.reduceSum(terms.add(tl.square(a.subtract(1))));
  },
  tfjs: {
    f: (tf, { x }) => {
      const [a, b] = [tf.slice(x, [0], [9]), tf.slice(x, [1], [9])];
      const terms = tf.mul(tf.square(tf.sub(b, tf.square(a))), 100);
      return tf.sum(tf.add(terms, tf.square(tf.sub(a, 1))));
    },
  },
  jaxJs: {
    f: ({ numpy: np }, { x }) => {
      const [a, b] = [x.ref.slice([0, 9]), x.slice([1, 10])];
      const terms = np.square(b.sub(np.square(a.ref))).mul(100);
      return terms.add(np.square(a.sub(1))).sum();
    },
  },
  onnx: 'export',
  jax: `
a, b = v['x'][:-1], v['x'][1:]
return np.sum(100 * (b - a**2)**2 + (a - 1)**2)`,
  torch: `
a, b = v['x'][:-1], v['x'][1:]
return torch.sum(100 * (b - a**2)**2 + (a - 1)**2)`,
});
