/** Forward mode: values, what it is null for, control flow, and what it refuses. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { computeGradient } from '../../src/testing/index.js';
import { inGraph } from './support.js';

type Fetchable = tl.Tensor | tl.IndexedSlices | null | undefined;

const valueOf = (t: Fetchable): unknown => {
  if (!t) return null;
  const session = new tl.Session({ graph: t.graph });
  session.runSync(t.graph.asDefault(() => tl.globalVariablesInitializer()));
  return session.runSync(tl.convertToTensor(t)).toArray();
};

const close = (actual: unknown, expected: readonly number[], tolerance = 1e-6): void => {
  const numbers = [actual].flat(Infinity) as number[];
  expect(numbers.length).toBe(expected.length);
  numbers.forEach((x, i) =>
    expect(Math.abs(x - expected[i]!)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(expected[i]!))),
  );
};

/** A float64 constant. */
const wide = (data: number | number[] | number[][]): tl.Tensor => tl.constant(data, { dtype: 'float64' });

describe('values', () => {
  test('ForwardpropTest.testJVPManual', () => {
    inGraph(() => {
      const x = wide(0.1);
      close(valueOf(tl.jvp(tl.sin(x), [x], [0.2])[0]), [Math.cos(0.1) * 0.2], 1e-12);
    });
  });

  test('several ys and xs', () => {
    inGraph(() => {
      const [a, b, c] = [wide([1, 2]), wide([3, 4]), wide(5)];
      const ys = [a.multiply(b), b.reduceSum(), tl.constant(7), tl.cast(a, 'int32')];
      const found = tl.jvp(ys, [a, b, c], [[1, 10], [100, 1000], 1]); // prettier-ignore
      expect(found.map(valueOf)).toEqual([[103, 2040], 1100, null, null]);
      const zeros = tl.jvp(ys, [a, b, c], [[1, 10], [100, 1000], 1], { unconnectedGradients: 'zero' }); // prettier-ignore
      expect(zeros.map(valueOf)).toEqual([[103, 2040], 1100, 0, [0, 0]]);
      expect(zeros.map((t) => t!.dtype)).toEqual(['float64', 'float64', 'float32', 'int32']);
    });
  });

  test('y is x, and an x is computed from another', () => {
    inGraph(() => {
      const x = wide([1, 2]);
      expect(valueOf(tl.jvp(x, x, [3, 4])[0])).toEqual([3, 4]);
      const y = x.multiply(2);
      expect(valueOf(tl.jvp(y.multiply(x), [x, y], [[1, 1], [10, 10]])[0])).toEqual([14, 28]); // prettier-ignore
      const partial = tl.jvp(y.multiply(x), [x, y], [[1, 1], [10, 10]], { stopGradients: [x, y] }); // prettier-ignore
      expect(valueOf(partial[0])).toEqual([12, 24]);
    });
  });

  test('elu, whose gradient has to be linear in what comes in', () => {
    inGraph(() => {
      const x = wide([-0.5, 0.5]);
      close(valueOf(tl.jvp(tl.nn.elu(x), x, [2, 3])[0]), [2 * Math.exp(-0.5), 3], 1e-12);
    });
  });

  test('variables, and sparse gradients on the way', () => {
    inGraph(() => {
      const table = tl.variable([[1, 2], [3, 4]], { dtype: 'float64' }); // prettier-ignore
      const rows = tl.gather(table.value(), [1, 1]);
      const tangent = wide([[1, 10], [100, 1000]]); // prettier-ignore
      const [dy, dv] = tl.jvp([rows.multiply(rows), table], table, [tangent]);
      expect(valueOf(dy)).toEqual([[600, 8000], [600, 8000]]); // prettier-ignore
      expect(valueOf(dv)).toEqual([[1, 10], [100, 1000]]); // prettier-ignore
    });
  });

  test('slices as ys and as xs', () => {
    inGraph(() => {
      const at = tl.constant([2, 0], { dtype: 'int32' });
      const shape = tl.constant([3, 1], { dtype: 'int32' });
      const x = new tl.IndexedSlices(wide([[2], [3]]), at, shape); // prettier-ignore
      const y = new tl.IndexedSlices(x.values.multiply(x.values), at, shape);
      const tangent = new tl.IndexedSlices(wide([[1], [10]]), at, shape); // prettier-ignore
      const [dy, dense] = tl.jvp([y, x.toTensor()], x, [tangent]);
      expect(dy).toBeInstanceOf(tl.IndexedSlices);
      expect(valueOf((dy as tl.IndexedSlices).values)).toEqual([[4], [60]]);
      expect(valueOf(dense)).toEqual([[10], [0], [1]]);
    });
  });

  test('through a conditional and a loop', () => {
    for (const p of [true, false]) {
      inGraph(() => {
        const x = wide(3);
        const y: tl.Tensor = tl.cond(tl.constant(p), () => x.multiply(x), () => x.multiply(5)); // prettier-ignore
        expect(valueOf(tl.jvp(y, x, 2)[0])).toBe(p ? 12 : 10);
      });
    }
    inGraph(() => {
      const x = wide(3);
      const [, y] = tl.whileLoop(
        (i: tl.Tensor) => i.less(4),
        (i: tl.Tensor, acc: tl.Tensor) => [i.add(1), acc.multiply(x)],
        [tl.constant(0, { dtype: 'int32' }), x],
      ) as readonly tl.Tensor[];
      expect(valueOf(y)).toBe(243);
      expect(valueOf(tl.jvp(y!, x, 2)[0])).toBe(5 * 81 * 2);
    });
  });

  test('complex tensors: the derivative itself, not its conjugate', () => {
    inGraph(() => {
      const z = tl.constant({ re: 1, im: 2 }, { dtype: 'complex128' }) as tl.Tensor;
      const tangent = tl.constant({ re: 0, im: 1 }, { dtype: 'complex128' });
      expect(valueOf(tl.jvp(z.multiply(z), z, tangent)[0])).toEqual({ re: -4, im: 2 });
    });
  });

  test('what the result needs of the backward pass is little: none of it depends on the seeds', () => {
    inGraph((g) => {
      const x = tl.placeholder('float64', [2]);
      const [dy] = tl.jvp(tl.exp(tl.sin(x)), x, [[1, 2]]);
      const seeds = g.operations().filter(({ name, type }) => name.startsWith('jvp/') && type === 'ZerosLike').map(({ outputs }) => outputs[0]!); // prettier-ignore
      const needed = new Set([dy!.op]);
      for (const op of needed) for (const input of op.inputs) needed.add(input.op);
      expect(seeds.filter(({ op }) => needed.has(op))).toEqual([]);
    });
  });
});

describe('higher orders', () => {
  test('ForwardpropTest.testHigherOrderPureForward', () => {
    const expected = [1.1 ** 3.5, 3.5 * 1.1 ** 2.5, 3.5 * 2.5 * 1.1 ** 1.5, 3.5 * 2.5 * 1.5 * 1.1 ** 0.5];
    inGraph(() => {
      const x = wide(1.1);
      let y: tl.Tensor = x.pow(3.5);
      for (const [order, value] of expected.entries()) {
        if (order > 0) y = tl.jvp(y, x, 1)[0] as tl.Tensor;
        close(valueOf(y), [value], 1e-12);
      }
    });
  });

  test('ForwardpropTest.testNumericHigherOrder', async () => {
    const g = new tl.Graph();
    const { x, ys } = g.asDefault(() => {
      const x = wide([[2, 3], [1, 4]]); // prettier-ignore
      const pointwise = tl.sin(x).multiply(tl.tan(x));
      const f = pointwise.add(pointwise.reduceSum()).reduceProd({ axis: 1 });
      const ys = [f];
      for (let order = 1; order < 3; order++) ys.push(tl.gradients(ys.at(-1)!, x)[0] as tl.Tensor);
      return { x, ys };
    });
    for (const y of ys) {
      const { theoretical, numeric } = await computeGradient(x, y, {});
      const size = y.shape!.reduce<number>((product, dim) => product * dim!, 1);
      const columns = g.asDefault(() =>
        [0, 1, 2, 3].map((i) => {
          const unit = tl.constant([0, 1, 2, 3].map((j) => (i === j ? 1 : 0)), { shape: [2, 2], dtype: 'float64' }); // prettier-ignore
          return [valueOf(tl.jvp(y, x, unit)[0])].flat(Infinity) as number[];
        }),
      );
      expect(theoretical.shape).toEqual([size, 4]);
      const transposed = (jacobian: tl.NDArray): number[] =>
        columns.flatMap((column, i) => column.map((_, j) => Number(jacobian.data[4 * j + i])));
      close(columns, transposed(theoretical), 1e-9);
      close(columns, transposed(numeric), 1e-3);
    }
  });

  test('ForwardpropTest.testHVPCorrectness', () => {
    inGraph(() => {
      const xs = [wide([0.5, -1.5]), wide([2, 0.25])];
      const vs = [wide([1, 2]), wide([-3, 0.5])];
      const y = tl.sin(xs[0]!.multiply(xs[1]!)).reduceProd().add(tl.exp(xs[0]!).reduceSum());
      const reference = tl.hessianVectorProduct(y, xs, vs).map(valueOf);
      const grads = tl.gradients(y, xs) as tl.Tensor[];
      const forwardOverBackward = tl.jvp(grads, xs, vs).map(valueOf);
      const forward = tl.jvp(y, xs, vs)[0]!;
      const backwardOverForward = tl.gradients(forward, xs).map(valueOf);
      for (const [i, hv] of reference.entries()) {
        close(forwardOverBackward[i], hv as number[], 1e-12);
        close(backwardOverForward[i], hv as number[], 1e-12);
      }
    });
  });

  test('ForwardpropTest.testVariablesHVP', () => {
    inGraph(() => {
      const w = tl.variable([[0.5, -0.25, 1], [0.75, 0.1, -1]], { dtype: 'float64' }); // prettier-ignore
      const b = tl.variable([0.1, 0.2, 0.3], { dtype: 'float64' });
      const u = tl.variable([[1], [-0.5], [2]], { dtype: 'float64' });
      const input = wide([[-0.5, 1], [0.5, -1]]); // prettier-ignore
      const hidden = tl.nn.relu(input.matmul(w.value()).add(b));
      const loss = hidden.matmul(u.value()).subtract(wide([[-1], [2]])).square().reduceSum(); // prettier-ignore
      const variables = tl.trainableVariables();
      const vector = tl.gradients(loss, variables) as tl.Tensor[];
      const forwardOverBack = tl.jvp(tl.gradients(loss, variables) as tl.Tensor[], variables, vector);
      const backOverBack = tl.hessianVectorProduct(loss, variables, vector);
      expect(variables.length).toBe(3);
      for (const [i, hv] of backOverBack.entries())
        close(valueOf(forwardOverBack[i]), [valueOf(hv)].flat(Infinity) as number[], 1e-12);
    });
  });

  test('ForwardpropTest.testBackwardOverForward', () => {
    inGraph(() => {
      const c = wide(1);
      const tape = new tl.GradientTape();
      const tangent = tape.run(() => {
        tape.watch(c);
        return tl.jvp(tl.cos(c), c, 0.1)[0]!;
      });
      close(valueOf(tape.gradient(tangent, c)), [-0.1 * Math.cos(1)], 1e-12);
    });
  });

  test('HessianTests.testHessian1D', () => {
    inGraph(() => {
      const matrix = [[1, 2, -3], [0.5, -1, 4], [2, 0.25, 3]]; // prettier-ignore
      const mat = tl.variable(matrix, { dtype: 'float64' });
      const x = wide([0.5, -1, 2]);
      const y = x
        .reshape([3, 1])
        .multiply(mat)
        .multiply(x.reshape([1, 3]))
        .reduceSum();
      const [dx] = tl.gradients(y, x) as [tl.Tensor];
      const rows = [0, 1, 2].map((i) =>
        valueOf(
          tl.jvp(
            dx,
            x,
            [0, 1, 2].map((j) => (i === j ? 1 : 0)),
          )[0],
        ),
      );
      expect(rows).toEqual(matrix.map((row, i) => row.map((a, j) => a + matrix[j]![i]!)));
    });
  });

  test('HessianTests.testHessianOfVariables', () => {
    inGraph(() => {
      const kernel = tl.variable([[0.5], [-0.25]], { dtype: 'float64' });
      const bias = tl.variable([0.1], { dtype: 'float64' });
      const out = wide([[-0.5, 1], [0.5, -1]]).matmul(kernel.value()).add(bias); // prettier-ignore
      const loss = out.subtract(wide([[-1], [2]])).square().reduceSum(); // prettier-ignore
      const gradients = tl.gradients(loss, [kernel, bias]) as tl.Tensor[];
      const units = [[[[1], [0]], [0]], [[[0], [1]], [0]], [[[0], [0]], [1]]]; // prettier-ignore
      const hessian = units.map((unit) => tl.jvp(gradients, [kernel, bias], unit, { unconnectedGradients: 'zero' }).flatMap((t) => [valueOf(t)].flat(Infinity) as number[])); // prettier-ignore
      expect(hessian.map((row) => row.length)).toEqual([3, 3, 3]);
      // 2 Xᵀ X, with a column of ones for the bias.
      close(hessian, [1, -2, 0, -2, 4, 0, 0, 0, 4], 1e-12);
    });
  });
});

describe('what is refused, and leaves the graph as it was', () => {
  interface Given {
    readonly x: tl.Tensor;
    readonly wide: tl.Tensor;
    readonly y: tl.Tensor;
    readonly v: tl.Variable;
    readonly dead: tl.Tensor;
  }
  const { jvp } = tl;
  const cases: Readonly<Record<string, [(given: Given) => unknown, RegExp]>> = {
    'too few tangents': [({ x, y, wide }) => jvp(y, [x, wide], [x]), /tangents must have 2 entries/],
    'too many tangents': [({ x, y }) => jvp(y, x, [x, x]), /tangents must have one entry/],
    'a missing tangent': [({ x, y, wide }) => jvp(y, [x, wide], [null, wide]), /tangents\[0\] is missing/],
    'a scalar for a vector': [({ x, y }) => jvp(y, x, 1), /tangents\[0\] has shape \[\], but .* has shape \[2\]/],
    'a tangent of another dtype': [({ x, y, wide }) => jvp(y, x, wide), /tangents\[0\] is float64/],
    'an x twice': [({ x, y }) => jvp(y, [x, x], [x, x]), /xs\[1\], .* occurs twice: .* Add the tangents up/],
    'a variable twice': [({ y, v }) => jvp(y, [v, v], [1, 1]), /occurs twice/],
    'a bad option': [({ x, y }) => jvp(y, x, x, { gradYs: [] } as object), /there is no option 'gradYs'/],
    'a bad choice': [({ x, y }) => jvp(y, x, x, { unconnectedGradients: 'null' as 'none' }), /unconnectedGradients/],
    'a y that is none': [({ x }) => jvp('y' as never, x, x), /ys must be a tensor.*it holds the string "y"/],
    'another graph': [
      ({ x, y }) =>
        jvp(
          y,
          new tl.Graph().asDefault(() => tl.constant([1, 2])),
          x,
        ),
      /belong to different graphs/,
    ],
    'an op that forbids gradients': [({ x, dead }) => jvp(dead, x, x), /explicitly disabled/],
  };
  test.each(Object.entries(cases))('%s', (_, [call, message]) => {
    inGraph((g) => {
      const x = tl.constant([1, 2]);
      const given: Given = {
        x,
        wide: tl.cast(x, 'float64'),
        y: tl.square(x),
        v: tl.variable(1),
        dead: tl.preventGradient(x, 'no'),
      };
      const before = g.state;
      expect(() => call(given)).toThrow(message);
      expect(g.state).toBe(before);
    });
  });
});
