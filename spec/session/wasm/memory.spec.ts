/** How much memory compiled plans take: values whose lives do not meet share it, and recomputing is not undone. */
import { expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { place, type Placed } from '../../../src/session/backends/wasm/emit.js';
import { PlainLayout } from './plain-layout.js';
import { outputsOf, sizeInMemory } from '../../../src/session/backends/wasm/memory.js';
import { fusedProgram, toModule } from '../../../src/session/backends/wasm/pipeline.js';
import { holderOf, type Value } from '../../../src/session/backends/wasm/program.js';
import { compile } from '../../../src/session/pipeline.js';

const size = 2_000;
const bytes = 4 * size;

function memoryOf(fetches: readonly tl.Tensor[], x: tl.Tensor): number {
  const request = { graph: x.graph, fetches, targets: [], feeds: [{ tensor: x, shape: x.shape as readonly number[] }] };
  const fused = fusedProgram(compile(request), request);
  const layout = new PlainLayout();
  toModule.run(fused, { layout, memory: { initial: 1 }, threads: 1, relaxed: false, progress: 0 });
  return layout.size;
}

test('a chain of products takes as much as two of its values', () => {
  const graph = new tl.Graph();
  graph.asDefault(() => {
    const x = tl.placeholder('float32', [20, 20]);
    let y: tl.Tensor = x;
    for (let i = 0; i < 50; i++) y = tl.matmul(y, y);
    expect(memoryOf([y], x)).toBeLessThan(4 * 20 * 20 * 4 + 8192);
  });
});

test('recomputeGrad lowers the peak of a compiled step', () => {
  const step = (wrap: (f: (x: tl.Tensor) => tl.Tensor) => (x: tl.Tensor) => tl.Tensor) =>
    new tl.Graph().asDefault(() => {
      const x = tl.placeholder('float32', [size], { name: 'x' }) as tl.Tensor;
      const w = tl.constant(1.1);
      const block = (v: tl.Tensor): tl.Tensor => {
        let y = v;
        for (let i = 0; i < 8; i++) y = tl.sin(tl.tanh(y).multiply(w)).add(tl.reduceMean(y));
        return y;
      };
      let y = x;
      for (let i = 0; i < 16; i++) y = wrap(block)(y);
      return { memory: memoryOf([tl.gradients(y, x)[0] as tl.Tensor], x), dx: tl.gradients(y, x)[0] as tl.Tensor };
    });
  const plain = step((f) => f);
  const again = step((f) => tl.recomputeGrad(f));
  expect(plain.memory / again.memory).toBeGreaterThan(3);
  expect(plain.memory).toBeGreaterThan(100 * bytes);
  const [expected, found] = [plain, again].map(({ dx }) =>
    new tl.Session({ graph: dx.graph }).runSync(dx, { x: new Float32Array(size).fill(0.5) }).toArray(),
  );
  expect(found).toEqual(expected);
});

/** Bytes that are alive at once at most, if every value had its place from the step that makes it to the last one that reads it. */
function lowerBound({ plan }: Placed): number {
  const { fused, storage, memory } = plan;
  const placed = [...memory.addressOf.keys()].filter((value) => !storage.has(value));
  const fetched = new Set(fused.fetches.map(holderOf));
  const made = new Map(fused.steps.flatMap((step, i) => outputsOf(step).map((value) => [value, i] as const)));
  const read = new Map<Value, number>();
  fused.reads.forEach((values, i) => values.forEach((value) => read.set(value, i)));
  const alive = fused.steps.map(() => 0);
  for (const value of placed) {
    const from = made.get(value) ?? 0;
    const to = fetched.has(value) ? alive.length - 1 : Math.max(read.get(value) ?? from, from);
    for (let i = from; i <= to; i++) alive[i]! += sizeInMemory(value);
  }
  return Math.max(...alive) + plan.scratch;
}

test.each([
  ['a perceptron', [64, 100, 80, 60, 10], () => new tl.train.AdamOptimizer(0.01)],
  [
    'a deep one',
    [32, ...Array.from({ length: 24 }, (_, i) => 40 + ((i * 13) % 50))],
    () => new tl.train.GradientDescentOptimizer(0.01),
  ],
])('a training step of %s takes at most a tenth more than what is alive at once', (_, sizes, optimizer) => {
  const graph = new tl.Graph();
  graph.asDefault(() => {
    const x = tl.placeholder('float32', [sizes[0]!, sizes[1]!]) as tl.Tensor;
    let h = x;
    sizes.slice(1, -1).forEach((rows, i) => {
      const w = tl.variable(tl.constant(0.01, { shape: [rows, sizes[i + 2]!] }));
      h = tl.tanh(tl.matmul(h, w).add(tl.variable(tl.constant(0, { shape: [sizes[i + 2]!] }))));
    });
    const loss = tl.reduceMean(tl.square(tl.nn.softmax(h)));
    const request = {
      graph,
      fetches: [loss],
      targets: [optimizer().minimize(loss)],
      feeds: [{ tensor: x, shape: x.shape as number[] }],
    };
    const placed = place(fusedProgram(compile(request), request), {
      layout: new PlainLayout(),
      memory: { initial: 1 },
      threads: 1,
      relaxed: false,
      progress: 0,
    });
    expect(placed.plan.memory.size).toBeLessThanOrEqual(1.1 * lowerBound(placed));
    expect(placed.plan.memory.size).toBeGreaterThanOrEqual(lowerBound(placed));
  });
});
