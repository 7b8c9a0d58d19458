/** The functions of TensorFlow's `tf.nn`: this module is the namespace `nn`. */
export * from './nn-activation.js';
export * from './nn-bias.js';
export * from './nn-cross-entropy.js';
export * from './nn-softmax.js';
export * from './nn-conv.js';
export * from './nn-conv-depthwise.js';
export * from './nn-gelu.js';
export * from './nn-pool-average.js';
export * from './nn-pool-max.js';
export type { ConvolutionOptions, ImageFormat, ImageOptions, Padding, PerAxis } from '../image-calls.js';
