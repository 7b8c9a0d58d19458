/** Rows added up where data says, compiled: as the interpreter does it, and wrong indices are found before anything is written. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as tl from '../../../src/index.js';
import { Graph, Session } from '../../../src/index.js';
import { fusedProgram } from '../../../src/session/backends/wasm/pipeline.js';
import { showProgram } from '../../../src/session/backends/wasm/show.js';
import { compile } from '../../../src/session/pipeline.js';

const backends = ['wasm', 'interpret'];
const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i + 1));

test('sums by segment are the interpreter’s, bit for bit', () => {
  const dtypes = fc.constantFrom<tl.DType>('float32', 'float64', 'int32', 'int64');
  const cases = fc.record({
    data: dtypes,
    ids: fc.constantFrom<tl.DType>('int32', 'int64'),
    rows: fc.integer({ min: 0, max: 9 }),
    width: fc.integer({ min: 1, max: 11 }),
    segments: fc.integer({ min: 1, max: 6 }),
    seed: fc.integer({ min: 0, max: 1000 }),
  });
  fc.assert(
    fc.property(cases, ({ data, ids, rows, width, segments, seed }) => {
      const graph = new Graph();
      const { x, at, y, dx } = graph.asDefault(() => {
        const x = tl.placeholder(data, [rows, width]) as tl.Tensor;
        const at = tl.placeholder(ids, [rows]) as tl.Tensor;
        const y = tl.unsortedSegmentSum(x, at, segments);
        return { x, at, y, dx: data.startsWith('float') ? (tl.gradients(tl.square(y), x)[0] as tl.Tensor) : y };
      });
      const values = Array.from({ length: rows * width }, (_, i) => Math.round(Math.sin(i + seed) * 1e6) / 1e3);
      const feeds = new Map([
        [x, tl.NDArray.from(data.startsWith('float') ? values : values.map(Math.round), data, [rows, width])],
        [
          at,
          tl.NDArray.from(
            Array.from({ length: rows }, (_, i) => ((i * 7 + seed) % (segments + 2)) - 2),
            ids,
            [rows],
          ),
        ],
      ]);
      const [ours, reference] = backends.map((backend) =>
        new Session({ graph, backend }).runSync([y, dx], feeds).map((array) => array.toArray()),
      );
      expect(ours).toEqual(reference);
    }),
    { numRuns: 60, seed: 20 },
  );
});

/** A table of embeddings in training: the rows that were looked up change, the others stay. */
function training(backend: string, optimizer: () => { minimize(loss: tl.Tensor): tl.Operation }) {
  const graph = new Graph();
  return graph.asDefault(() => {
    const table = tl.variable(tl.constant(numbers(50 * 6), { shape: [50, 6] }), { name: 'table' });
    const at = tl.placeholder('int32', [null]) as tl.Tensor;
    const loss = tl.reduceSum(tl.square(table.sparseRead(at)));
    const step = optimizer().minimize(loss);
    const session = new Session({ graph, backend });
    session.runSync(tl.globalVariablesInitializer());
    return {
      table,
      session,
      run: (indices: number[]) => session.runSync([loss, step, table], new Map([[at, indices]])),
    };
  });
}

test.each([
  ['gradient descent', () => new tl.train.GradientDescentOptimizer(0.1)],
  ['Adam', () => new tl.train.AdamOptimizer(0.1)],
])('a table of embeddings trains alike under %s', (_, optimizer) => {
  const [ours, reference] = backends.map((backend) => training(backend, optimizer));
  for (const indices of [[3, 1, 3], [49, 0, 7, 7, 7], [2]]) {
    const [a, b] = [ours!.run(indices), reference!.run(indices)];
    const worst = [...a[2].data].reduce((most, value, i) => Math.max(most, Math.abs(value - b[2].data[i]!)), 0);
    expect(worst).toBeLessThan(1e-6);
  }
});

test.each(backends)('%s: an index out of range is an error, and the table stays as it was', (backend) => {
  const { table, session, run } = training(backend, () => new tl.train.GradientDescentOptimizer(0.1));
  const before = session.runSync(table).toArray();
  expect(() => run([1, 50])).toThrow(/indices\[1\] = 50 is not in \[0, 50\)/);
  expect(() => run([-1])).toThrow(/indices\[0\] = -1 is not in \[0, 50\)/);
  expect(session.runSync(table).toArray()).toEqual(before);
  run([1]);
  expect(session.runSync(table).toArray()).not.toEqual(before);
});

test.each(backends)('%s: a segment out of range is named by its place', (backend) => {
  const graph = new Graph();
  graph.asDefault(() => {
    const at = tl.placeholder('int64', [2, 2]) as tl.Tensor;
    const sums = tl.unsortedSegmentSum(tl.ones([2, 2, 3]), at, 4);
    const session = new Session({ graph, backend });
    const wrong = tl.NDArray.from(BigInt64Array.from([0n, 1n, 4n, 2n]), 'int64', [2, 2]);
    expect(() => session.runSync(sums, new Map([[at, wrong]]))).toThrow(/segment_ids\[1, ?0\] = 4 is not in \[0, 4\)/);
    const right = tl.NDArray.from(BigInt64Array.from([0n, 1n, -(2n ** 40n), 1n]), 'int64', [2, 2]);
    expect(session.runSync(sums, new Map([[at, right]])).toArray()).toEqual([
      [1, 1, 1],
      [2, 2, 2],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
});

test('a step of a table is compiled whole', () => {
  const graph = new Graph();
  graph.asDefault(() => {
    const table = tl.variable(tl.constant(numbers(12), { shape: [4, 3] }), { name: 'table' });
    const at = tl.placeholder('int32', [5]) as tl.Tensor;
    const loss = tl.reduceSum(tl.square(table.sparseRead(at)));
    const step = new tl.train.GradientDescentOptimizer(0.1).minimize(loss);
    const request = { graph, fetches: [loss], targets: [step], feeds: [{ tensor: at, shape: [5] }] };
    const text = showProgram(fusedProgram(compile(request), request));
    expect(text).not.toContain('host');
    expect(text).toMatch(/= scatter\(table/);
  });
});
