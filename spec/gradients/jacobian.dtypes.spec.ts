/** Jacobians of and by complex numbers, integers, and what is no number. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

let graph: tl.Graph;
beforeEach(() => {
  graph = new tl.Graph();
});

const build = <T>(fn: () => T): T => graph.asDefault(fn);
const valueOf = (tensor: tl.Tensor | null): unknown => new tl.Session({ graph }).runSync(tensor!).toArray();

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

  test.each([
    ['bool', true],
    ['string', 'yes'],
  ] as const)('%s targets are an error, and leave the graph as it was', (dtype, value) => {
    build(() => {
      const x = tl.constant([1, 2]);
      const y = tl.constant(value, { name: 'y' });
      const { state } = graph;
      const message = `jacobian: y, 'y:0' (Const, ${dtype}[]), is ${dtype}: only numbers have derivatives.`;
      expect(() => tl.jacobian(y, x)).toThrow(new tl.DTypeError(message));
      expect(graph.state).toBe(state);
    });
  });
});
