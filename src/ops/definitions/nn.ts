/** The functions of TensorFlow's `tf.nn`: this module is the namespace `nn`. */
export * from './nn-activation.js';
export * from './nn-bias.js';
export * from './nn-cross-entropy.js';
export * from './nn-softmax.js';
