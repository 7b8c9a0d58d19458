/** Jacobians of and by complex numbers, integers, and what is no number. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inGraph } from './support.js';

let graph: tl.Graph;
beforeEach(() => {
  graph = new tl.Graph();
});

const build = <T>(fn: () => T): T => graph.asDefault(fn);
const valueOf = (tensor: tl.Tensor | null): unknown =>
  new tl.Session({ graph: tensor!.graph }).runSync(tensor!).toArray();

/** All the ways there are, which must agree. */
const ways = [{}, { usePfor: false }, { parallelIterations: 1 }] as const;

describe('jacobian', () => {
  // Recorded from TensorFlow 2.21, whose convention is the conjugate of the derivative.
  test.each(ways)('complex numbers on either side, %p', (way) => {
    const [ofComplex, ofReal, byReal] = build(() => {
      const z = tl.constant(
        [
          { re: 1, im: 2 },
          { re: 3, im: -1 },
        ],
        { dtype: 'complex128' },
      );
      const x = tl.constant([1, 2], { dtype: 'float64' });
      const square = z.multiply(z);
      return [
        tl.jacobian(square, z, way),
        tl.jacobian(tl.real(square), z, way),
        tl.jacobian(tl.complex(x, x.multiply(x)), x, way),
      ];
    });
    const expected = [
      [
        { re: 2, im: -4 },
        { re: 0, im: 0 },
      ],
      [
        { re: 0, im: 0 },
        { re: 6, im: 2 },
      ],
    ];
    expect(valueOf(ofComplex)).toEqual(expected);
    expect(valueOf(ofReal)).toEqual(expected);
    expect(valueOf(byReal)).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  test('64-bit integers: units by themselves, zeros on request', () => {
    const [self, zeros] = build(() => {
      const n = tl.constant([1n, 2n]);
      return [tl.jacobian(n, n), tl.jacobian(tl.constant(1), n, { unconnectedGradients: 'zero' })];
    });
    expect(valueOf(self)).toEqual([
      [1n, 0n],
      [0n, 1n],
    ]);
    expect(valueOf(zeros)).toEqual([0n, 0n]);
  });

  test('of linear functions of complex numbers: a Hessian of zeros', () => {
    const [hessian] = build(() => {
      const z = tl.constant([{ re: 1, im: 2 }], { dtype: 'complex128' });
      return tl.hessians(tl.real(z.multiply(3)), z);
    });
    expect(valueOf(hessian!)).toEqual([[{ re: 0, im: 0 }]]);
  });
});

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
