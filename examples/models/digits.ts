/** A 64-64-10 network for 8×8 handwritten digits, and a step of gradient descent, for the command line. */
import * as tl from '../../src/index.js';

export const x = tl.placeholder('float32', [null, 64], { name: 'x' });
export const label = tl.placeholder('int64', [null], { name: 'label' });

const hidden = tl.nn.relu(dense(x, 64, 64, 'hidden'));
export const logits = dense(hidden, 64, 10, 'output');
export const digit = tl.argmax(logits, { axis: 1, name: 'digit' });
export const loss = tl.reduceMean(tl.nn.sparseSoftmaxCrossEntropyWithLogits(label, logits), { name: 'loss' });
export const train = new tl.train.GradientDescentOptimizer(0.5).minimize(loss, { name: 'train' });

function dense(input: tl.Tensor, from: number, to: number, name: string): tl.Tensor {
  return tl.nameScope(name, () => {
    const limit = Math.sqrt(6 / (from + to));
    const w = tl.variable(tl.random.uniform([from, to], { minval: -limit, maxval: limit, seed: from }), { name: 'w' });
    const b = tl.variable(tl.zeros([to]), { name: 'b' });
    return tl.nn.biasAdd(tl.matmul(input, w), b);
  });
}
