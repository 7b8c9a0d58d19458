/** The small classifier of TensorFlow's MiniMNISTTest, by whose gradients both of its gradient checkers are tested. */
import * as tl from '../../../src/index.js';
import { normals, uniforms } from './build.js';

const [batch, inputs, features, classes] = [3, 16, 32, 10];

/** The parameters, in the order of the tests, and the cost. */
export function miniMnist(): { readonly parameters: readonly tl.Tensor[]; readonly cost: tl.Tensor } {
  const matrix = (name: string, data: readonly number[], shape: readonly number[]) =>
    tl.constant([...data], { dtype: 'float64', shape: [...shape], name }) as tl.Tensor;
  const scaled = (count: number, seed: number, fan: number) => normals(count, seed).map((x) => x / Math.sqrt(fan));
  const input = matrix('inp', uniforms(batch * inputs, 1), [batch, inputs]);
  const hiddenWeight = matrix('hidden_weight', scaled(inputs * features, 2, inputs), [inputs, features]);
  const hiddenBias = matrix('hidden_bias', uniforms(features, 3), [features]);
  const softmaxWeight = matrix('softmax_weight', scaled(features * classes, 4, features), [features, classes]);
  const softmaxBias = matrix('softmax_bias', uniforms(classes, 5), [classes]);
  const raw = matrix('raw_labels', uniforms(batch * classes, 6), [batch, classes]);
  const labels = tl.divide(raw, tl.reduceSum(raw, { axis: 1, keepDims: true }));
  const hidden = tl.nn.relu(tl.nn.biasAdd(tl.matmul(input, hiddenWeight), hiddenBias));
  const logits = tl.nn.biasAdd(tl.matmul(hidden, softmaxWeight), softmaxBias);
  return {
    parameters: [input, hiddenWeight, hiddenBias, softmaxWeight, softmaxBias],
    cost: tl.nn.softmaxCrossEntropyWithLogits(labels, logits),
  };
}
