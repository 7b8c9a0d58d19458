/** A transformer block (128 wide, 4 heads, 64 tokens, batch 8): mean square of its output, gradients of all weights. */
import * as tl from '../../src/index.js';
import type { JaxArray, JaxJs } from '../peers/jax-js-types.js';
import type { Tfjs, TfTensor } from '../peers/tfjs-types.js';
import { dense, filled, numbers, zeros } from '../data.js';
import { workload } from '../types.js';

const [batch, tokens, width, heads] = [8, 64, 128, 4];
const size = width / heads;
const rows = batch * tokens;
const epsilon = 1e-5;
const scale = 1 / Math.sqrt(size);

const weights = () => ({
  g1: filled([width], 1),
  c1: zeros([width]),
  wq: dense(width, width, 2),
  wk: dense(width, width, 3),
  wv: dense(width, width, 4),
  wo: dense(width, width, 5),
  g2: filled([width], 1),
  c2: zeros([width]),
  w1: dense(width, 4 * width, 6),
  b1: zeros([4 * width]),
  w2: dense(4 * width, width, 7),
  b2: zeros([width]),
});

function normalized(x: tl.Tensor, gain: tl.Tensor, shift: tl.Tensor): tl.Tensor {
  const centred = x.subtract(tl.reduceMean(x, { axis: 1, keepDims: true }));
  const variance = tl.reduceMean(tl.square(centred), { axis: 1, keepDims: true });
  return centred
    .divide(tl.sqrt(variance.add(epsilon)))
    .multiply(gain)
    .add(shift);
}

function tfNormalized(tf: Tfjs, x: TfTensor, gain: TfTensor, shift: TfTensor): TfTensor {
  const centred = tf.sub(x, tf.mean(x, 1, true));
  const variance = tf.mean(tf.square(centred), 1, true);
  return tf.add(tf.mul(tf.div(centred, tf.sqrt(tf.add(variance, epsilon))), gain), shift);
}

function jaxNormalized({ numpy: np }: JaxJs, x: JaxArray, gain: JaxArray, shift: JaxArray): JaxArray {
  const centred = x.ref.sub(x.mean(1, { keepdims: true }));
  const variance = np.square(centred.ref).mean(1, { keepdims: true });
  return centred
    .div(np.sqrt(variance.add(epsilon)))
    .mul(gain)
    .add(shift);
}

export const transformer = workload({
  id: 'transformer',
  title: `transformer block (d ${width}, ${heads} heads, ${tokens} tokens, batch ${batch}), gradients`,
  section: 'Networks',
  task: { kind: 'gradient', of: Object.keys(weights()) },
  dtype: 'float32',
  tolerance: 1e-3,
  inputs: () => ({ x: numbers([rows, width], 1) }),
  weights,
  tapeless: ({ x, g1, c1, wq, wk, wv, wo, g2, c2, w1, b1, w2, b2 }) => {
    const h = normalized(x, g1, c1);
    const [q, k, v] = [wq, wk, wv].map((w) =>
      tl.transpose(tl.reshape(tl.matmul(h, w), [batch, tokens, heads, size]), [0, 2, 1, 3]),
    ) as [tl.Tensor, tl.Tensor, tl.Tensor];
    const scores = tl.matmul(q, k, { transposeB: true }).multiply(scale);
    const mixed = tl.matmul(tl.nn.softmax(scores), v);
    const joined = tl.reshape(tl.transpose(mixed, [0, 2, 1, 3]), [rows, width]);
    const y = x.add(tl.matmul(joined, wo));
    const inner = tl.nn.relu(tl.matmul(normalized(y, g2, c2), w1).add(b1));
    return tl.reduceMean(tl.square(y.add(tl.matmul(inner, w2)).add(b2)));
  },
  tfjs: {
    f: (tf, { x, g1, c1, wq, wk, wv, wo, g2, c2, w1, b1, w2, b2 }) => {
      const h = tfNormalized(tf, x, g1, c1);
      const [q, k, v] = [wq, wk, wv].map((w) =>
        tf.transpose(tf.reshape(tf.matMul(h, w), [batch, tokens, heads, size]), [0, 2, 1, 3]),
      ) as [TfTensor, TfTensor, TfTensor];
      const scores = tf.mul(tf.matMul(q, k, false, true), scale);
      const mixed = tf.matMul(tf.softmax(scores), v);
      const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows, width]);
      const y = tf.add(x, tf.matMul(joined, wo));
      const inner = tf.relu(tf.add(tf.matMul(tfNormalized(tf, y, g2, c2), w1), b1));
      return tf.mean(tf.square(tf.add(tf.add(y, tf.matMul(inner, w2)), b2)));
    },
  },
  jaxJs: {
    f: (jax, { x, g1, c1, wq, wk, wv, wo, g2, c2, w1, b1, w2, b2 }) => {
      const { numpy: np, nn } = jax;
      const h = jaxNormalized(jax, x.ref, g1, c1);
      const split = (w: JaxArray) => np.matmul(h.ref, w).reshape([batch, tokens, heads, size]);
      const [q, k, v] = [
        split(wq).transpose([0, 2, 1, 3]),
        split(wk).transpose([0, 2, 3, 1]),
        split(wv).transpose([0, 2, 1, 3]),
      ];
      h.dispose();
      const mixed = np.matmul(nn.softmax(np.matmul(q, k).mul(scale), -1), v);
      const joined = mixed.transpose([0, 2, 1, 3]).reshape([rows, width]);
      const y = x.add(np.matmul(joined, wo));
      const inner = nn.relu(np.matmul(jaxNormalized(jax, y.ref, g2, c2), w1).add(b1));
      return np.square(y.add(np.matmul(inner, w2)).add(b2)).mean();
    },
  },
  onnx: 'export',
  jax: `
def norm(x, gain, shift):
    centred = x - np.mean(x, 1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, 1, keepdims=True) + ${epsilon}) * gain + shift
h = norm(v['x'], v['g1'], v['c1'])
split = lambda w: (h @ w).reshape(${batch}, ${tokens}, ${heads}, ${size}).transpose(0, 2, 1, 3)
q, k, u = split(v['wq']), split(v['wk']), split(v['wv'])
mixed = jax.nn.softmax(q @ np.swapaxes(k, 2, 3) * ${scale}, -1) @ u
y = v['x'] + mixed.transpose(0, 2, 1, 3).reshape(${rows}, ${width}) @ v['wo']
inner = jax.nn.relu(norm(y, v['g2'], v['c2']) @ v['w1'] + v['b1'])
return np.mean((y + inner @ v['w2'] + v['b2'])**2)`,
  torch: `
h = F.layer_norm(v['x'], (${width},), v['g1'], v['c1'], ${epsilon})
split = lambda w: (h @ w).reshape(${batch}, ${tokens}, ${heads}, ${size}).transpose(1, 2)
mixed = F.scaled_dot_product_attention(split(v['wq']), split(v['wk']), split(v['wv']))
y = v['x'] + mixed.transpose(1, 2).reshape(${rows}, ${width}) @ v['wo']
inner = F.relu(F.layer_norm(y, (${width},), v['g2'], v['c2'], ${epsilon}) @ v['w1'] + v['b1'])
return torch.mean((y + inner @ v['w2'] + v['b2'])**2)`,
});
