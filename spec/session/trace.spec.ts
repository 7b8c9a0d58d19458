/** What runs say about their steps. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

interface ChromeEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur: number;
  readonly args: { readonly ops: readonly string[]; readonly bytes: number };
}

const traced = (build: () => tl.Tensor, backend: string): tl.RunMetadata =>
  new tl.Graph().asDefault(() => {
    const trace = new tl.RunMetadata();
    new tl.Session({ backend, threads: 1 }).runSync(build(), {}, { trace });
    return trace;
  });

const ones = () => tl.random.uniform([20, 20], { seed: 1, name: 'r' });

describe.each(['wasm', 'interpret'])('on %s', (backend) => {
  test('steps follow each other within the run', () => {
    const trace = traced(() => tl.matmul(ones(), tl.tanh(ones()), { name: 'y' }), backend);
    const { stepStats, durationMs } = trace;
    expect(stepStats.length).toBeGreaterThanOrEqual(3);
    let end = 0;
    for (const step of stepStats) {
      expect(step.startMs).toBeGreaterThanOrEqual(end);
      expect(step.durationMs).toBeGreaterThanOrEqual(0);
      end = step.startMs + step.durationMs;
    }
    expect(end).toBeLessThanOrEqual(durationMs);
    const last = stepStats.at(-1)!;
    expect(last.ops).toEqual(['y']);
    expect([last.bytes, last.depth]).toEqual([1600, 0]);
    expect(last.kind).toBe(backend === 'wasm' ? 'matmul' : 'operation');
  });

  test('steps of bodies lie within the step that runs them', () => {
    const trace = traced(
      () =>
        (
          tl.whileLoop(
            (i: tl.Tensor) => i.less(3),
            // A variable changes its shape.
            (i: tl.Tensor, y: tl.Tensor) => [i.add(1).add(tl.reduceSum(y), { name: 'more' }), tl.concat([y, y], 0)],
            [tl.constant(0), tl.zeros([1])],
            { shapeInvariants: [[], [null]] },
          ) as tl.Tensor[]
        )[0]!,
      backend,
    );
    const outer = trace.stepStats.filter(({ depth }) => depth === 0);
    const inner = trace.stepStats.filter(({ depth }) => depth === 1);
    expect(inner.length).toBeGreaterThanOrEqual(6);
    const { startMs, durationMs } = outer.reduce((a, b) => (a.durationMs > b.durationMs ? a : b));
    for (const step of inner) {
      expect(step.startMs).toBeGreaterThanOrEqual(startMs);
      expect(step.startMs + step.durationMs).toBeLessThanOrEqual(startMs + durationMs);
    }
  });

  test('each run starts anew, and results are those without a trace', async () => {
    await new tl.Graph().asDefault(async () => {
      const x = tl.placeholder('float32', [3], { name: 'x' });
      const y = tl.square(x).add(1, { name: 'y' });
      const session = new tl.Session({ backend });
      const trace = new tl.RunMetadata();
      expect([trace.stepStats, trace.durationMs]).toEqual([[], 0]);
      const counts: number[] = [];
      for (let i = 0; i < 3; i++) {
        const result = await session.run(y, { x: [1, 2, 3] }, { trace, timeoutMs: 10_000 });
        expect(result.toArray()).toEqual(session.runSync(y, { x: [1, 2, 3] }).toArray());
        counts.push(trace.stepStats.length);
      }
      expect(new Set(counts).size).toBe(1);
      await session.close();
    });
  });

  test('a run that fails leaves the steps it came to', () => {
    new tl.Graph().asDefault(() => {
      const x = tl.placeholder('int32', [], { name: 'x' });
      const y = tl.gather(tl.constant([1, 2]), x, { name: 'y' }) as tl.Tensor;
      const session = new tl.Session({ backend });
      const trace = new tl.RunMetadata();
      expect(() => session.runSync(y, { x: 5 }, { trace })).toThrow(tl.InvalidArgumentError);
      expect(trace.stepStats.at(-1)!.ops).toContain('y');
      session.runSync(y, { x: 1 }, { trace });
      expect(trace.stepStats.every(({ depth }) => depth === 0)).toBe(true);
    });
  });

  test('in the format of Chrome', () => {
    const trace = traced(() => tl.exp(ones(), { name: 'y' }), backend);
    const { traceEvents } = JSON.parse(trace.generateChromeTraceFormat()) as { traceEvents: readonly ChromeEvent[] };
    expect(traceEvents.map(({ name, ph, args }) => [name, ph, args.ops])).toEqual(
      trace.stepStats.map(({ name, ops }) => [name, 'X', ops]),
    );
    traceEvents.forEach(({ ts, dur }, i) => {
      expect(ts).toBeCloseTo(trace.stepStats[i]!.startMs * 1000, 6);
      expect(dur).toBeCloseTo(trace.stepStats[i]!.durationMs * 1000, 6);
    });
  });
});

test('a kernel names all operations in it', () => {
  const trace = traced(() => tl.tanh(ones().multiply(2, { name: 'twice' }), { name: 'y' }), 'wasm');
  expect(trace.stepStats.at(-1)).toMatchObject({ kind: 'kernel', name: 'y:0', ops: ['twice', 'y'], bytes: 1600 });
});

test('what is no RunMetadata is refused', () => {
  new tl.Graph().asDefault(() => {
    const y = tl.constant(1);
    for (const trace of [true, {}, 'full'])
      expect(() => new tl.Session().runSync(y, {}, { trace: trace as never })).toThrow(
        "run: 'trace' must be a RunMetadata, which the run fills: { trace: new RunMetadata() }.",
      );
  });
});
