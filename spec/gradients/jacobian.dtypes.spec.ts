/** Jacobians of and by dtypes other than real floating point. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inGraph } from './support.js';

const valueOf = (tensor: tl.Tensor | null): unknown =>
  new tl.Session({ graph: tensor!.graph }).runSync(tensor!).toArray();

test.each([{}, { usePfor: false }, { parallelIterations: 2 }])(
  'complex, as TensorFlow: conjugates of derivatives, %p',
  (way) => {
    const [whole, rows, none] = inGraph(() => {
      const z = tl.constant([{ re: 1, im: 2 }, { re: 3, im: 0 }]); // prettier-ignore
      const y = z.multiply(z);
      const apart = tl.constant([{ re: 1, im: 1 }]);
      const zero = tl.jacobian(y, apart, { ...way, unconnectedGradients: 'zero' });
      return [tl.jacobian(y, z, way), tl.batchJacobian(y, z, way), zero] as const;
    });
    const [a, b, o] = [{ re: 2, im: -4 }, { re: 6, im: 0 }, { re: 0, im: 0 }]; // prettier-ignore
    expect(valueOf(whole)).toEqual([[a, o], [o, b]]); // prettier-ignore
    expect(valueOf(rows)).toEqual([a, b]);
    expect(valueOf(none)).toEqual([[o], [o]]);
  },
);

test.each(['int32', 'int64', 'uint8', 'bool', 'string'] as const)('of %s is null, or zeros', (dtype) => {
  inGraph(() => {
    const x = tl.constant([1, 2]);
    const y = dtype === 'string' ? tl.constant(['a', 'b']) : tl.cast(x, dtype);
    expect(tl.jacobian(y, x)).toBeNull();
    const zeros = tl.jacobian(y, x, { unconnectedGradients: 'zero' });
    expect(valueOf(zeros)).toEqual([[0, 0], [0, 0]]); // prettier-ignore
  });
});
