/**
 * Gradient of the log-likelihood of a Gaussian mixture, in float64, with the inverse covariances as triangular factors: a diagonal
 * `exp(q)` and what of `l` is below it.
 */
import * as tl from '../../src/index.js';
import { doubles } from '../data.js';
import { workload, type Values } from '../types.js';

const [d, k, n] = [10, 25, 1000];

const below: Values = {
  shape: [d, d],
  data: Float64Array.from({ length: d * d }, (_, i) => (i % d < Math.floor(i / d) ? 1 : 0)),
};

export const mixture = workload({
  id: 'mixture',
  title: 'Gaussian mixture log-likelihood, gradient, float64 (d 10, k 25, n 1000)',
  section: 'Statistics',
  task: { kind: 'gradient', of: ['alpha', 'mu', 'q', 'l'] },
  dtype: 'float64',
  tolerance: 1e-9,
  inputs: () => ({ x: doubles([n, d], 1, 2), below }),
  weights: () => ({
    alpha: doubles([k], 2),
    mu: doubles([k, 1, d], 3),
    q: doubles([k, 1, d], 4, 0.5),
    l: doubles([k, d, d], 5, 0.5),
  }),
  tapeless: ({ x, below, alpha, mu, q, l }) => {
    const centred = x.subtract(mu);
    const scaled = tl
      .exp(q)
      .multiply(centred)
      .add(tl.matmul(centred, l.multiply(below), { transposeB: true }));
    const square = tl.reduceSum(tl.square(scaled), { axis: 2 }).multiply(0.5);
    const terms = tl.expandDims(alpha.add(tl.reduceSum(q, { axis: [1, 2] })), 1).subtract(square);
    const prior = tl.reduceSum(tl.exp(q.multiply(2))).add(tl.reduceSum(tl.square(l.multiply(below))));
    return tl
      .reduceSum(tl.reduceLogsumexp(terms, { axis: 0 }))
      .subtract(tl.reduceLogsumexp(alpha).multiply(n))
      .add(prior.multiply(0.5));
  },
  tfjs: { unable: 'it has no float64' },
  jaxJs: {
    f: ({ numpy: np, nn }, { x, below, alpha, mu, q, l }) => {
      const centred = x.sub(mu);
      const lower = l.mul(below);
      const scaled = np
        .exp(q.ref)
        .mul(centred.ref)
        .add(np.matmul(centred, lower.ref.transpose([0, 2, 1])));
      const square = np.square(scaled).sum(2).mul(0.5);
      const terms = alpha.ref
        .add(q.ref.sum([1, 2]))
        .reshape([k, 1])
        .sub(square);
      const prior = np.exp(q.mul(2)).sum().add(np.square(lower).sum());
      return nn.logsumexp(terms, 0).sum().sub(nn.logsumexp(alpha, 0).mul(n)).add(prior.mul(0.5));
    },
  },
  onnx: 'export',
  jax: `
centred = v['x'] - v['mu']
lower = v['l'] * v['below']
scaled = np.exp(v['q']) * centred + centred @ np.swapaxes(lower, 1, 2)
terms = (v['alpha'] + np.sum(v['q'], (1, 2)))[:, None] - 0.5 * np.sum(scaled**2, 2)
prior = np.sum(np.exp(2 * v['q'])) + np.sum(lower**2)
lse = jax.scipy.special.logsumexp
return np.sum(lse(terms, 0)) - ${n} * lse(v['alpha']) + 0.5 * prior`,
  torch: `
centred = v['x'] - v['mu']
lower = v['l'] * v['below']
scaled = torch.exp(v['q']) * centred + centred @ lower.transpose(1, 2)
terms = (v['alpha'] + torch.sum(v['q'], (1, 2)))[:, None] - 0.5 * torch.sum(scaled**2, 2)
prior = torch.sum(torch.exp(2 * v['q'])) + torch.sum(lower**2)
return torch.sum(torch.logsumexp(terms, 0)) - ${n} * torch.logsumexp(v['alpha'], 0) + 0.5 * prior`,
});
