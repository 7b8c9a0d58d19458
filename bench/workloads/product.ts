/** Matrix products. */
import * as tl from '../../src/index.js';
import { numbers } from '../data.js';
import { workload, type Workload } from '../types.js';

const product = (n: number): Workload =>
  workload({
    id: `matmul-${n}`,
    title: `MatMul ${n}³`,
    section: 'Matrix products',
    task: { kind: 'values' },
    dtype: 'float32',
    tolerance: 1e-4,
    flops: 2 * n ** 3,
    inputs: () => ({ a: numbers([n, n], 1), b: numbers([n, n], 2) }),
    weights: () => ({}),
    tapeless: ({ a, b }) => tl.matmul(a, b),
    tfjs: { f: (tf, { a, b }) => tf.matMul(a, b) },
    jaxJs: { f: ({ numpy: np }, { a, b }) => np.matmul(a, b) },
    onnx: 'export',
    jax: `return v['a'] @ v['b']`,
    torch: `return v['a'] @ v['b']`,
  });

export const products: readonly Workload[] = [product(512), product(1024)];
