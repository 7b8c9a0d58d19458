import { test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inGraph } from './support.js';
test('try', () => {
  const cases: Record<string, (x: tl.Tensor) => tl.Tensor> = {
    log: (x) => tl.log(x), sqrt: (x) => tl.sqrt(x), div: (x) => tl.divide(1, x), recip: (x) => tl.reciprocal(x),
    pow: (x) => tl.pow(x, 0.5), xlogx: (x) => tl.multiply(x, tl.log(x)), logsqrt: (x) => tl.log(tl.sqrt(x)),
    log1pneg: (x) => tl.log1p(x.subtract(1)), reshape: (x) => tl.reshape(tl.reshape(tl.log(x), [3, 1]), [3]),
    slice: (x) => tl.concat([tl.log(x).slice([0], [2]), tl.log(x).slice([2], [1])], 0),
    rev: (x) => tl.transpose(tl.expandDims(tl.log(x), { axis: 0 } as never)).reshape([3]),
  };
  for (const [name, f] of Object.entries(cases)) for (const shape of [[3], [null], null] as const) {
    inGraph((g) => {
      const x = tl.placeholder('float32', shape as never) as tl.Tensor;
      const y = tl.where(x.greater(0) as never, f(x) as never, tl.multiply(x, 3) as never);
      const row: unknown[] = [name, JSON.stringify(shape)];
      const s = new tl.Session({ graph: g });
      for (const maskedNaN of ['safe', 'tensorflow'] as const) {
        const n0 = g.version;
        const [dx] = tl.gradients(y, x, { maskedNaN });
        const n1 = g.version;
        const [d2] = tl.gradients(dx as tl.Tensor, x, { maskedNaN });
        row.push(maskedNaN, n1 - n0, g.version - n1, s.runSync(dx as tl.Tensor, new Map([[x, [0, -1, 2]]]) as never).toArray(), d2 && s.runSync(d2 as tl.Tensor, new Map([[x, [0, -1, 2]]]) as never).toArray());
      }
      console.log(row.join(' | '));
    });
  }
});
