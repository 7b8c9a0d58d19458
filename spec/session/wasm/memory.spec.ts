/** How much memory compiled plans take: values whose lives do not meet share it, and recomputing is not undone. */
import { expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { PlainLayout } from '../../../src/session/backends/wasm/layout.js';
import { fusedProgram, toModule } from '../../../src/session/backends/wasm/pipeline.js';
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
