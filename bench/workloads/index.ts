/** All workloads, in the order of the tables. */
import type { Workload } from '../types.js';
import { convolution } from './convolution.js';
import { hessianVectorProduct, jacobian } from './derivatives.js';
import { chains } from './elementwise.js';
import { expression } from './expression.js';
import { mixture } from './mixture.js';
import { perceptrons } from './perceptron.js';
import { products } from './product.js';
import { regression } from './regression.js';
import { rosenbrock } from './rosenbrock.js';
import { transformer } from './transformer.js';

export const workloads: readonly Workload[] = [
  rosenbrock,
  expression,
  regression,
  ...perceptrons,
  convolution,
  transformer,
  ...chains,
  ...products,
  jacobian,
  hessianVectorProduct,
  mixture,
];
