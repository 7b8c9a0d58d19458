/** Gradients and training on a cluster as here: the same cases on both targets, spread over the tasks of the cluster. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { useBenches } from './support/benches.js';
import { on } from './support/cluster.js';

const benches = useBenches();
const floats = (values: tl.NDArray) => [...(values.data as Float32Array)];

describe.each(benches)('%s: gradients', (_, bench) => {
  test('of both orders, through tasks', async () => {
    const { s, parts } = bench.open(() => {
      const x = tl.placeholder('float64', [2, 3], { name: 'x' });
      const w = on('ps', () => tl.variable(tl.constant([[1], [-2], [0.5]], { dtype: 'float64' }), { name: 'w' }));
      const y = on('first', () => tl.reduceSum(tl.tanh(tl.matmul(x, w))));
      const [dw] = tl.gradients(y, [w], { colocateGradientsWithOps: true }) as [tl.Tensor];
      const [d2w] = tl.gradients(on('second', () => tl.reduceSum(tl.square(dw))), [w], { gateGradients: true }) as [tl.Tensor]; // prettier-ignore
      return { w, dw, d2w, h: tl.hessians(y, [w])[0] as tl.Tensor };
    });
    await s.run(parts.w.initializer);
    const x = [[0.1, 0.2, 0.3], [-0.4, 0.5, 0.6]]; // prettier-ignore
    const [dw, d2w, h] = (await s.run([parts.dw, parts.d2w, parts.h], { x })).map(
      (value) => value.data as Float64Array,
    );
    // By hand: t = tanh(xw), dw = xᵀ(1 - t²), H = -2 Σ t (1 - t²) x xᵀ, d|dw|² = 2 H dw.
    const rows = x.map((row) => [row, Math.tanh(row[0]! - 2 * row[1]! + 0.5 * row[2]!)] as const);
    const expected = [0, 1, 2].map((i) => rows.reduce((sum, [row, t]) => sum + row[i]! * (1 - t * t), 0));
    const H = [0, 1, 2].map((i) => [0, 1, 2].map((j) => rows.reduce((sum, [row, t]) => sum - 2 * t * (1 - t * t) * row[i]! * row[j]!, 0))); // prettier-ignore
    expected.forEach((value, i) => expect(dw![i]).toBeCloseTo(value, 12));
    H.flat().forEach((value, i) => expect(h![i]).toBeCloseTo(value, 12));
    H.forEach((row, i) =>
      expect(d2w![i]).toBeCloseTo(2 * row.reduce((sum, value, j) => sum + value * expected[j]!, 0), 12),
    );
  });

  test('of conditionals and loops, of both orders', async () => {
    const { s, parts } = bench.open(() => {
      const x = tl.placeholder('float64', [], { name: 'x' });
      const p = tl.placeholder('bool', [], { name: 'p' });
      const power = on('first', () =>
        tl.whileLoop(
          (i: tl.Tensor) => i.less(3),
          (i: tl.Tensor, y: tl.Tensor) => [i.add(1), y.multiply(x)],
          [tl.constant(0, { dtype: 'int32' }), x] as tl.Tensor[],
        ),
      )[1]!;
      const chosen = tl.cond(p, () => power.multiply(2), () => x.multiply(5)) as tl.Tensor; // prettier-ignore
      const [d] = tl.gradients(chosen, [x]) as [tl.Tensor];
      return [chosen, d, tl.gradients(d, [x])[0] ?? tl.constant(0)] as tl.Tensor[];
    });
    const at = async (p: boolean) => (await s.run(parts, { x: 2, p })).map((value) => value.item());
    expect(await at(true)).toEqual([32, 64, 96]);
    expect(await at(false)).toEqual([10, 5, 0]);
  });

  test('custom ones, stopped ones, recomputed ones, and functions over rows', async () => {
    const { s, parts } = bench.open(() => {
      const x = tl.placeholder('float32', [2], { name: 'x' });
      const clipped = tl.customGradient((t: tl.Tensor) => {
        return [tl.square(t), (dy: tl.Tensor) => tl.clipByValue(dy, -1, 1)];
      })(x);
      const again = tl.recomputeGrad((t: tl.Tensor) => tl.sin(t).multiply(t))(x);
      const rows: tl.Tensor = tl.vectorizedMap((t: tl.Tensor) => tl.exp(t).multiply(t), x);
      const ys = [clipped.multiply(10), tl.stopGradient(x).multiply(x), again, rows];
      return ys.map((y) => tl.gradients(y, [x])[0] as tl.Tensor);
    });
    const x = [0.5, -1];
    const results = (await s.run(parts, { x })).map(floats);
    const expected = [
      () => 1,
      (v: number) => v,
      (v: number) => Math.sin(v) + v * Math.cos(v),
      (v: number) => Math.exp(v) * (1 + v),
    ];
    expected.forEach((f, i) => x.forEach((v, j) => expect(results[i]![j]).toBeCloseTo(f(v), 5)));
  });

  test('random numbers are the same for the same seeds, anew in each session', async () => {
    const build = () => [
      tl.random.uniform([5], { seed: 3 }),
      on('first', () => tl.random.uniform([4], { minval: 0, maxval: 100, dtype: 'int32', seed: 9 })),
      on('second', () => tl.random.statelessUniform([3], { seed: [1, 2] })),
    ];
    const local = new tl.Graph();
    const session = new tl.Session({ graph: local });
    const wanted = local.asDefault(build);
    const { s, parts } = bench.open(build);
    for (let i = 0; i < 2; i++)
      expect((await s.run(parts)).map((value) => value.toArray())).toEqual(
        session.runSync(wanted).map((value) => value.toArray()),
      );
    await session.close();
  });
});

describe('training', () => {
  const optimizers = {
    descent: () => new tl.train.GradientDescentOptimizer(0.1),
    momentum: () => new tl.train.MomentumOptimizer(0.05, 0.9),
    adam: () => new tl.train.AdamOptimizer(0.05),
    adagrad: () => new tl.train.AdagradOptimizer(0.2),
    rmsprop: () => new tl.train.RMSPropOptimizer(0.02),
  };
  test.each(Object.keys(optimizers) as (keyof typeof optimizers)[])(
    '%s: losses are those of the local run',
    async (name) => {
      const curves: number[][] = [];
      for (const [, bench] of benches) {
        const { s, parts } = bench.open(() => {
          const ids = tl.placeholder('int32', [4], { name: 'ids' });
          const y = tl.placeholder('float32', [4, 1], { name: 'y' });
          const table = on('ps', () => tl.variable(tl.random.uniform([6, 3], { seed: 1 }), { name: 'table' }));
          const w = on('ps', () => tl.variable(tl.random.uniform([3, 1], { seed: 2 }), { name: 'w' }));
          const rows = on('ps', () => table.sparseRead(ids));
          const error = on('first', () => tl.matmul(tl.tanh(rows), w).subtract(y));
          const loss = on('second', () => tl.reduceMean(tl.square(error)));
          const step = optimizers[name]().minimize(loss, { colocateGradientsWithOps: true });
          return { loss, step, init: tl.globalVariablesInitializer() };
        });
        await s.run(parts.init);
        const curve: number[] = [];
        for (let i = 0; i < 8; i++) {
          const feeds = { ids: [i % 6, (i * 5) % 6, 2, 2], y: [[1], [0], [0.5], [i / 8]] };
          curve.push((await s.run([parts.loss, parts.step], feeds))[0].item() as number);
        }
        curves.push(curve);
      }
      const [local, cluster] = curves;
      local!.forEach((loss, i) => expect(Math.abs(cluster![i]! - loss)).toBeLessThanOrEqual(2e-6 * Math.max(1, loss)));
      expect(new Set(local).size).toBe(8);
    },
  );
});
