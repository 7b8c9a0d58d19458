/** Twenty elementwise operations on a million numbers, their sum, and its gradient. */
import * as tl from '../../src/index.js';
import { numbers } from '../data.js';
import { workload, type Workload } from '../types.js';

const indices = [...Array(20).keys()];

/** In `tanhs` of the steps the operation is tanh, which needs arithmetic and not only memory. */
const chain = (id: string, title: string, isTanh: (i: number) => boolean): Workload =>
  workload({
    id,
    title,
    section: 'Elementwise',
    task: { kind: 'gradient', of: ['x'] },
    dtype: 'float32',
    // Some libraries add a million numbers one after another.
    tolerance: 2e-3,
    inputs: () => ({ x: numbers([1_000_000], 1) }),
    weights: () => ({}),
    tapeless: ({ x }) =>
      tl.reduceSum(
        indices.reduce((y, i) => {
          if (isTanh(i)) return tl.tanh(y);
          return i % 2 === 0 ? y.multiply(1.1) : y.add(0.1);
        }, x),
      ),
    tfjs: {
      f: (tf, { x }) =>
        tf.sum(
          indices.reduce((y, i) => {
            if (isTanh(i)) return tf.tanh(y);
            return i % 2 === 0 ? tf.mul(y, 1.1) : tf.add(y, 0.1);
          }, x),
        ),
    },
    jaxJs: {
      f: ({ numpy: np }, { x }) =>
        indices
          .reduce((y, i) => {
            if (isTanh(i)) return np.tanh(y);
            return i % 2 === 0 ? y.mul(1.1) : y.add(0.1);
          }, x)
          .sum(),
    },
    onnx: 'export',
    jax: python('np', isTanh),
    torch: python('torch', isTanh),
  });

const python = (module: string, isTanh: (i: number) => boolean): string =>
  [
    "y = v['x']",
    ...indices.map((i) => `y = ${isTanh(i) ? `${module}.tanh(y)` : i % 2 === 0 ? 'y * 1.1' : 'y + 0.1'}`),
    `return ${module}.sum(y)`,
  ].join('\n');

export const chains: readonly Workload[] = [
  chain('elementwise', '20 cheap ops on 1e6, sum, gradient', () => false),
  chain('elementwise-tanh', 'the same with five tanh', (i) => i % 4 === 3),
];
