/** Products of Hessians with vectors. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inGraph } from './support.js';

const valueOf = (t: tl.Tensor | tl.IndexedSlices | null | undefined): unknown => {
  if (!t) return null;
  const session = new tl.Session({ graph: t.graph });
  session.runSync(t.graph.asDefault(() => tl.globalVariablesInitializer()));
  return session.runSync(tl.convertToTensor(t)).toArray();
};

/** Symmetric and antisymmetric parts, so that a missing transpose shows. */
const matrix = [
  [1, 2, -3],
  [0.5, -1, 4],
  [2, 0.25, 3],
];
const symmetric = matrix.map((row, i) => row.map((a, j) => a + matrix[j]![i]!));
const times = (m: number[][], v: number[]): number[] => m.map((row) => row.reduce((sum, a, j) => sum + a * v[j]!, 0));

test('HessianVectorProductTest.testHessianVectorProduct', () => {
  inGraph(() => {
    const v = [0.5, -2, 1];
    const x = tl.constant([1, 2, 3]);
    const y = x
      .reshape([1, 3])
      .matmul(tl.constant(matrix))
      .matmul(x.reshape([3, 1]));
    const [hv] = tl.hessianVectorProduct(y, [x], [tl.constant(v)]);
    expect(hv!.shape).toEqual([3]);
    expect(valueOf(hv)).toEqual(times(symmetric, v));
  });
});

describe('values', () => {
  test('cross terms between xs', () => {
    inGraph(() => {
      const [a, b] = [tl.constant(2), tl.constant(3)];
      const y = a.multiply(a).multiply(b); // Hessian [[2b, 2a], [2a, 0]]
      expect(tl.hessianVectorProduct(y, [a, b], [10, 1]).map(valueOf)).toEqual([64, 40]);
      expect(tl.hessianVectorProduct([y, y], [a, b], [10, 1]).map(valueOf)).toEqual([128, 80]);
    });
  });

  test('the vs are constants', () => {
    inGraph(() => {
      const x = tl.constant(2);
      const cube = x.multiply(x).multiply(x);
      expect(valueOf(tl.hessianVectorProduct(cube, x, x)[0])).toBe(24);
    });
  });

  test('null where the gradient does not depend on x, or zeros', () => {
    inGraph(() => {
      const [a, b, c] = [tl.constant([1, 2]), tl.constant([3, 4]), tl.constant(5)];
      const y = a.multiply(a).add(b);
      const vs = [[1, 1], [1, 1], 1];
      expect(tl.hessianVectorProduct(y, [a, b, c], vs).map(valueOf)).toEqual([[2, 2], null, null]);
      expect(tl.hessianVectorProduct(y, [a, b, c], vs, { unconnectedGradients: 'zero' }).map(valueOf)).toEqual([
        [2, 2],
        [0, 0],
        0,
      ]);
      expect(tl.hessianVectorProduct(b, b, [[1, 1]])).toEqual([null]);
    });
  });

  test('variables, and sparse gradients', () => {
    inGraph(() => {
      const table = tl.variable([[1, 2], [3, 4], [5, 6]]); // prettier-ignore
      const rows = tl.gather(table.value(), [0, 2, 0]);
      const y = rows.multiply(rows).multiply(rows);
      const [hv] = tl.hessianVectorProduct(y, table, [[[1, 1], [9, 9], [1, 10]]]); // prettier-ignore
      expect(valueOf(hv)).toEqual([[12, 24], [0, 0], [30, 360]]); // prettier-ignore
    });
  });

  test('stopGradients hold for both gradients', () => {
    inGraph(() => {
      const x = tl.constant(3);
      const s = tl.square(x);
      const y = x.multiply(x).multiply(s);
      expect(valueOf(tl.hessianVectorProduct(y, x, 1)[0])).toBe(108);
      expect(valueOf(tl.hessianVectorProduct(y, x, 1, { stopGradients: [s] })[0])).toBe(18);
    });
  });

  test('it is the Hessian, column by column', () => {
    inGraph(() => {
      const x = tl.constant([0.5, 1.5], { dtype: 'float64' });
      const y = tl.sin(x.reduceProd()).multiply(tl.exp(x).reduceSum());
      const [dx] = tl.gradients(y, x) as [tl.Tensor];
      for (const [i, v] of [
        [1, 0],
        [0, 1],
      ].entries()) {
        // prettier-ignore
        const hv = valueOf(tl.hessianVectorProduct(y, x, [v])[0]);
        const column = valueOf(tl.gradients(dx, x, { gradYs: [v] })[0]);
        expect([i, hv]).toEqual([i, column]);
      }
    });
  });

  test('all of it is in one name scope', () => {
    inGraph((g) => {
      const x = tl.constant(3);
      const y = x.multiply(x);
      const before = g.version;
      tl.hessianVectorProduct(y, x, 1, { name: 'hvp' });
      const names = g.operations().slice(before).map(({ name }) => name); // prettier-ignore
      expect(names.filter((name) => !name.startsWith('hvp/'))).toEqual([]);
    });
  });
});

describe('what is refused, and leaves the graph as it was', () => {
  /** x: [1, 2], wide: the same in float64, y: x², dead: x where gradients are forbidden. */
  interface Given {
    readonly x: tl.Tensor;
    readonly wide: tl.Tensor;
    readonly y: tl.Tensor;
    readonly dead: tl.Tensor;
  }
  const product = tl.hessianVectorProduct;
  const cases: Readonly<Record<string, [(given: Given) => unknown, RegExp]>> = {
    'too few vs': [({ x, y, wide }) => product(y, [x, wide], [x]), /vs must have 2 entries/],
    'too many vs': [({ x, y }) => product(y, [x], [x, x]), /vs must have one entry/],
    'a missing v': [({ x, y }) => product(y, [x], [null]), /vs\[0\] is missing: xs and vs must have the same length/],
    'no vs': [({ x, y }) => product(y, [x], null), /vs\[0\] is missing/],
    'a v of another shape': [({ x, y }) => product(y, x, [[1, 2, 3]]), /vs\[0\] has shape \[3\]/],
    'a v of another dtype': [({ x, y, wide }) => product(y, x, wide), /vs\[0\] is float64/],
    'a bad option': [({ x, y }) => product(y, x, x, { gradYs: [x] } as object), /there is no option 'gradYs'/],
    'an x that is none': [({ y }) => product(y, [3 as never], [3]), /xs must be a tensor.*it holds the number 3/],
    'another graph': [
      ({ x, y }) =>
        product(
          y,
          new tl.Graph().asDefault(() => tl.constant([1, 2])),
          x,
        ),
      /belong to different graphs/,
    ],
    'an op that forbids gradients': [({ x, dead }) => product(dead, x, x), /explicitly disabled/],
  };
  test.each(Object.entries(cases))('%s', (_, [call, message]) => {
    inGraph((g) => {
      const x = tl.constant([1, 2]);
      const given: Given = { x, wide: tl.cast(x, 'float64'), y: tl.square(x), dead: tl.preventGradient(x, 'no') };
      const before = g.state;
      expect(() => call(given)).toThrow(message);
      expect(g.state).toBe(before);
    });
  });
});
