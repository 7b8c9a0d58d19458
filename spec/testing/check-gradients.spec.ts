/** checkGradients: what passes, what fails and how it is reported. */
import { describe, expect, test } from '@jest/globals';
import * as tl from 'tapeless';
import { checkGradients, GradientCheckError } from 'tapeless/testing';

/** Runs `fn` in a graph of its own. */
function inGraph<T>(fn: (graph: tl.Graph) => T): T {
  const graph = new tl.Graph();
  return graph.asDefault(() => fn(graph));
}

async function failure(promise: Promise<unknown>): Promise<GradientCheckError> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GradientCheckError);
  return error as GradientCheckError;
}

// Registered for the whole file: gradients that are wrong on purpose.
tl.registerGradient('SpecTripled', (_, dy) => tl.multiply(dy as tl.Tensor, 3));
tl.registerGradient('SpecWrongAtOne', (op, dy) =>
  tl.multiply(
    dy as tl.Tensor,
    tl.constant(
      [
        [1, 1],
        [1, 1.01],
      ],
      { dtype: op.inputs[0]!.dtype },
    ),
  ),
);
tl.registerGradient('SpecNaN', (_, dy) => tl.multiply(dy as tl.Tensor, NaN));
tl.registerGradient('SpecNone', () => null);
tl.registerGradient('SpecSquareConstant', (op, dy) =>
  tl.multiply(dy as tl.Tensor, tl.stopGradient(tl.multiply(op.inputs[0]!, 2))),
);
const overridden = (x: tl.Tensor, name: string, type = 'Identity'): tl.Tensor =>
  tl.gradientOverrideMap({ [type]: name }, () => (type === 'Square' ? tl.square(x) : tl.identity(x)));

describe('gradients that are right', () => {
  test.each(['float32', 'float64'] as const)('%s, placeholders and variables, both orders', async (dtype) => {
    const { loss, x, w, feeds } = inGraph(() => {
      const x = tl.placeholder(dtype, [null, 3]);
      const w = tl.variable(
        [
          [0.1, -0.2],
          [0.4, 0.5],
          [-0.3, 0.7],
        ],
        { dtype, name: 'w' },
      );
      const loss = tl.reduceMean(tl.square(tl.tanh(tl.matmul(x as tl.Tensor, w as never))));
      return {
        loss,
        x,
        w,
        feeds: new Map([
          [
            x,
            [
              [1, 2, -1],
              [0.5, -0.5, 1.5],
            ],
          ],
        ]),
      };
    });
    const report = await checkGradients(loss, [x, w], { feeds, order: 2 });
    expect(report.inputs.map(({ input, order, elements }) => [input, order, elements])).toEqual([
      [`'${x.name}'`, 1, 6],
      ["'w:0'", 1, 6],
      [`'${x.name}'`, 2, 6],
      ["'w:0'", 2, 6],
      [expect.stringMatching(/^gradYs\[0\] of 'Mean:0'/), 2, 1],
    ]);
    // Functions in float32 are evaluated in float64, their gradients are not.
    for (const { tolerance, step } of report.inputs) {
      expect(tolerance).toBeCloseTo(dtype === 'float64' ? 3.03e-6 : 3.45e-4, 6);
      expect(step).toBeCloseTo(6.06e-6, 8);
    }
    expect(report.maxError).toBeLessThan(dtype === 'float64' ? 1e-6 : 1e-4);
  });

  test('float32 with kinks all around', async () => {
    const { loss, xs } = inGraph(() => {
      const noise = (shape: number[], salt: number) =>
        tl.reshape(
          tl.sin(tl.multiply(tl.range(0, shape[0]! * shape[1]!, 1, { dtype: 'float32' }), salt)),
          shape,
        ) as tl.Tensor;
      const w = tl.variable(noise([20, 30], 12.7), { name: 'w' });
      const b = tl.variable(noise([1, 30], 3.3), { name: 'b' });
      const hidden = tl.nn.relu(tl.add(tl.matmul(noise([40, 20], 7.1), w as never), b as never));
      return { loss: tl.reduceMean(tl.square(hidden)), xs: [w, b] };
    });
    const report = await checkGradients(loss, xs, { order: 2 });
    expect(report.maxError).toBeLessThan(1e-4);
  });

  test('a kink that is close, but not at the point', async () => {
    const { y, x } = inGraph(() => {
      const x = tl.constant([1e-6, -1e-6], { dtype: 'float64' }) as tl.Tensor;
      return { x, y: tl.nn.relu(x) };
    });
    await checkGradients(y, x);
    await failure(checkGradients(y, x, { delta: 1e-5 }));
  });

  test.each(['float16', 'bfloat16', 'complex64'] as const)('%s', async (dtype) => {
    const { y, x } = inGraph(() => {
      const x = tl.constant([0.5, -1.25, 2], { dtype }) as tl.Tensor;
      return { x, y: tl.multiply(tl.exp(x), x) };
    });
    await checkGradients(y, x, { order: 2 });
  });

  test('a large input is looked at along one direction', async () => {
    const { y, x } = inGraph(() => {
      const x = tl.fill([40, 40], 0.5);
      return { x, y: tl.reduceSum(tl.exp(x)) };
    });
    const report = await checkGradients(y, x, { seed: 3 });
    expect(report.inputs).toMatchObject([{ elements: 0, order: 1 }]);
    expect(report.seed).toBe(3);
  });

  test('several ys, complex ones among them', async () => {
    const { ys, x } = inGraph(() => {
      const x = tl.constant(
        [
          { re: 1, im: 2 },
          { re: -0.5, im: 0.25 },
        ],
        { dtype: 'complex128' },
      ) as tl.Tensor;
      return { x, ys: [tl.multiply(x, x), tl.negative(x)] as tl.Tensor[] };
    });
    const report = await checkGradients(ys, [x], { order: 2 });
    expect(report.inputs[0]!.elements).toBe(4);
  });

  test('an intermediate tensor, and one below another', async () => {
    const { y, xs } = inGraph(() => {
      const a = tl.constant([0.5, 1.5], { dtype: 'float64' }) as tl.Tensor;
      const b = tl.sin(a) as tl.Tensor;
      return { y: tl.multiply(tl.multiply(b, b), a), xs: [a, b] };
    });
    await expect(checkGradients(y, xs, { order: 2 })).resolves.toMatchObject({ order: 2 });
  });

  test('empty tensors and an x that makes no difference', async () => {
    const { y, xs } = inGraph(() => {
      const empty = tl.placeholder('float64', [0, 2]) as tl.Tensor;
      const other = tl.constant([1, 2], { dtype: 'float64' }) as tl.Tensor;
      return { y: [tl.exp(empty), tl.reduceSum(empty)] as tl.Tensor[], xs: [empty, other] };
    });
    const report = await checkGradients(y, xs, { feeds: new Map([[xs[0]!, new Float64Array(0)]]), order: 2 });
    expect(report.maxError).toBe(0);
  });

  test('sparse gradients', async () => {
    const { y, table } = inGraph(() => {
      const table = tl.variable(
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
        { dtype: 'float64' },
      );
      return { table, y: tl.square(table.sparseRead([2, 0, 2])) };
    });
    await checkGradients(y, [table], { order: 2 });
  });

  test('random numbers are the same in every run', async () => {
    const { y, x } = inGraph(() => {
      const x = tl.constant([1, 2, 3], { dtype: 'float64' }) as tl.Tensor;
      return { x, y: tl.multiply(x, tl.random.uniform([3], { dtype: 'float64' })) };
    });
    await checkGradients(y, [x], { order: 2 });
  });

  test('writes of a run do not reach the next', async () => {
    const { y, v } = inGraph(() => {
      const v = tl.variable([1, 2], { dtype: 'float64' });
      const read = v.value() as tl.Tensor;
      const step = tl.controlDependencies([read.op], () => v.assignAdd([10, 10]));
      return { v, y: tl.controlDependencies([step], () => tl.multiply(read, read)) };
    });
    await checkGradients(y, [v]);
  });
});

describe('gradients that are wrong', () => {
  test('the report names the input, the element, the numbers and the order', async () => {
    const { y, x } = inGraph(() => {
      const x = tl.placeholder('float64', [2, 2], { name: 'x' }) as tl.Tensor;
      return { x, y: overridden(x, 'SpecWrongAtOne') };
    });
    const error = await failure(
      checkGradients(y, [x], {
        feeds: {
          x: [
            [1, 2],
            [3, 4],
          ],
        },
      }),
    );
    expect(error).toMatchObject({
      code: 'GRADIENT_CHECK',
      input: "'x:0'",
      element: '[1, 1]',
      order: 1,
      op: 'Placeholder',
      nodeName: 'x',
    });
    expect(error).toBeInstanceOf(tl.TapelessError);
    expect(error.got / error.expected).toBeCloseTo(1.01, 6);
    expect(error.relativeError).toBeCloseTo(0.0099, 4);
    expect(error.mismatches).toHaveLength(1);
    expect(error.message).toMatch(
      /^The gradient of 'Identity:0' with respect to 'x:0' disagrees with finite differences \(order 1\)\.\n/,
    );
    for (const part of [
      /element {3}\[1, 1\]/,
      /expected {2}-?\d/,
      /got {7}-?\d/,
      /step [\d.e-]+/,
      /created at .*check-gradients\.spec\.ts:\d+/,
    ]) {
      expect(error.message).toMatch(part);
    }
  });

  test('float32, in an element of a large input', async () => {
    const { y, x } = inGraph(() => {
      const x = tl.fill([10, 10], 1) as tl.Tensor;
      const part = overridden(tl.slice(x, [3, 4], [1, 2]), 'SpecTripled');
      return { x, y: [tl.exp(x), part] as tl.Tensor[] };
    });
    const error = await failure(checkGradients(y, [x]));
    expect(error.element).toMatch(/^\[3, [45]\]$/);
  });

  test('at order 2 only', async () => {
    const { y, x } = inGraph(() => {
      const x = tl.constant([1, 2], { dtype: 'float64' }) as tl.Tensor;
      return { x, y: overridden(x, 'SpecSquareConstant', 'Square') };
    });
    await checkGradients(y, [x]);
    const error = await failure(checkGradients(y, [x], { order: 2 }));
    expect(error).toMatchObject({ order: 2, got: 0 });
  });

  test('null where it makes a difference; all failing inputs are listed', async () => {
    const { y, xs } = inGraph(() => {
      const xs = [1, 2, 3].map((value) => tl.constant([value], { dtype: 'float64' }) as tl.Tensor);
      return {
        xs,
        y: [overridden(xs[0]!, 'SpecNone'), overridden(xs[1]!, 'SpecTripled'), tl.exp(xs[2]!)] as tl.Tensor[],
      };
    });
    const error = await failure(checkGradients(y, xs));
    expect(error).toMatchObject({ input: "'Const:0'", got: 0, relativeError: expect.closeTo(1, 6) });
    expect(error.mismatches.map(({ input }) => input)).toEqual(["'Const:0'", "'Const_1:0'"]);
    expect(error.message).toContain("also      'Const_1:0'[0]: expected");
  });

  test('NaN in the gradient, and in y', async () => {
    const { y, x, log } = inGraph(() => {
      const x = tl.constant([1, -1], { dtype: 'float64' }) as tl.Tensor;
      return { x, y: overridden(x, 'SpecNaN'), log: tl.log(x) };
    });
    expect((await failure(checkGradients(y, x))).relativeError).toBeNaN();
    expect((await failure(checkGradients(log, x))).message).toContain("'Log:0' itself is not finite at this point");
  });

  test('a kink is pointed out', async () => {
    const { y, x } = inGraph(() => {
      const x = tl.constant(0, { dtype: 'float64' }) as tl.Tensor;
      return { x, y: tl.maximum(x, 0) };
    });
    const error = await failure(checkGradients(y, x));
    expect(error.message).toMatch(
      /note {6}the difference to the left is -?0, to the right -?[\d.]+: a kink or a jump may be near/,
    );
    expect(error.message).toContain('element   the scalar');
  });

  test('tolerance and delta are the user’s', async () => {
    const { y, x } = inGraph(() => {
      const x = tl.constant(
        [
          [1, 2],
          [3, 4],
        ],
        { dtype: 'float64' },
      ) as tl.Tensor;
      return { x, y: overridden(x, 'SpecWrongAtOne') };
    });
    const report = await checkGradients(y, x, { tolerance: 0.02, delta: 0.125 });
    expect(report.inputs[0]).toMatchObject({ step: 0.125, tolerance: 0.02 });
    expect(report.maxError).toBeCloseTo(0.0099, 4);
  });
});
