/** The namespace `train`: optimizers and the global step (TensorFlow `tf.compat.v1.train`). */
export { AdagradOptimizer, type AdagradOptions } from './adagrad.js';
export { AdamOptimizer, type AdamOptions } from './adam.js';
export { createGlobalStep, getGlobalStep, getOrCreateGlobalStep, type GlobalStepOptions } from './global-step.js';
export { GradientDescentOptimizer } from './gradient-descent.js';
export type { Hyperparameter } from './hyperparameters.js';
export { MomentumOptimizer, type MomentumOptions } from './momentum.js';
export { Optimizer } from './optimizer.js';
export type {
  ApplyGradientsOptions,
  ComputeGradientsOptions,
  GateGradients,
  GradientAndVariable,
  MinimizeOptions,
  OptimizerOptions,
} from './options.js';
export { RMSPropOptimizer, type RMSPropOptions } from './rmsprop.js';
