/** Threads share the work of large steps; results are the same bits for any number of them. */
import { afterAll, describe, expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { Graph, Session } from '../../../src/index.js';
import { ModuleBuilder } from '../../../src/session/backends/wasm/assembler/module.js';
import { engine } from '../../../src/session/backends/wasm/engine.js';
import { openPool } from '../../../src/session/backends/wasm/threads/pool.js';

const numbers = (count: number, seed = 1): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((i + seed) * 12.9898) / 2);

type Build = () => { readonly fetches: readonly (tl.Tensor | tl.Operation)[]; readonly feeds: readonly tl.Tensor[] };

const sessions: Session[] = [];
afterAll(() => Promise.all(sessions.map((session) => session.close())));

function results(build: Build, threads: number, runs = 1): readonly string[] {
  const graph = new Graph();
  return graph.asDefault(() => {
    const { fetches, feeds } = build();
    const session = new Session({ graph, threads });
    sessions.push(session);
    session.runSync(tl.globalVariablesInitializer());
    const run = session.makeCallable([...fetches], { feeds: [...feeds] });
    const data = feeds.map(({ shape }, i) =>
      numbers(
        (shape as number[]).reduce((a, b) => a * b, 1),
        i,
      ),
    );
    let found: readonly (tl.NDArray | null)[] = [];
    for (let i = 0; i < runs; i++) found = run.sync(...data);
    return found.map((array) => (array ? Buffer.from((array.data as Float32Array).buffer).toString('base64') : ''));
  });
}

const input = (shape: readonly number[]) => tl.placeholder('float32', shape) as tl.Tensor;
const gradients = (y: tl.Tensor, xs: readonly tl.Tensor[]) => tl.gradients(y, [...xs]) as tl.Tensor[];

const programs: Record<string, Build> = {
  'a long row that is no multiple of a vector': () => {
    const x = input([60_007]);
    const y = tl.tanh(x.multiply(3)).add(tl.exp(x));
    return { fetches: [y, ...gradients(y, [x])], feeds: [x] };
  },
  'rows and their sums': () => {
    const x = input([303, 257]);
    const y = tl.nn.softmax(x.multiply(2));
    const z = tl.reduceSum(tl.square(y), { axis: 1 });
    return { fetches: [y, z, tl.reduceSum(y, { axis: 0 }), ...gradients(z, [x])], feeds: [x] };
  },
  'elements that need the sum of all': () => {
    const x = input([100_000]);
    const y = x.divide(tl.reduceSum(tl.square(x)));
    return { fetches: [y, ...gradients(tl.square(y), [x])], feeds: [x] };
  },
  'products of all kinds': () => {
    const [a, b] = [input([301, 130]), input([130, 207])];
    const [c, d] = [input([6, 70, 90]), input([6, 90, 80])];
    const ab = tl.matmul(a, b);
    const cd = tl.matmul(c, d);
    return {
      fetches: [ab, cd, ...gradients(tl.square(ab), [a, b]), ...gradients(tl.square(cd), [c, d])],
      feeds: [a, b, c, d],
    };
  },
  'a perceptron in training': () => {
    const [x, t] = [input([192, 150]), input([192, 10])];
    const w = tl.variable(tl.constant(numbers(150 * 200), { shape: [150, 200] }));
    const v = tl.variable(tl.constant(numbers(200 * 10), { shape: [200, 10] }));
    const loss = tl.reduceMean(tl.square(tl.matmul(tl.nn.relu(tl.matmul(x, w)), v).subtract(t)));
    return { fetches: [loss, new tl.train.AdamOptimizer(0.01).minimize(loss), w.value()], feeds: [x, t] };
  },
};

describe.each(Object.entries(programs))('%s', (_, build) => {
  test.each([2, 3, 5])('is the same with %d threads', (threads) => {
    // Text of that size is compared, not shown.
    const [found, expected] = [results(build, threads, 4), results(build, 1, 4)];
    expect(found.map((bytes, i) => bytes === expected[i])).toEqual(expected.map(() => true));
  });
});

test('sessions take turns with the pool, and closed ones leave it', async () => {
  const build = programs['products of all kinds']!;
  const expected = results(build, 1);
  for (let i = 0; i < 5; i++) {
    expect(results(build, 2 + (i % 3)).every((bytes, k) => bytes === expected[k])).toBe(true);
    await sessions.pop()!.close();
  }
});

test('threads of the pool take part', () => {
  const module = new ModuleBuilder();
  const type = { params: ['i32', 'i32', 'i32'], results: [] } as const;
  // Each chunk notes its thread, after a while.
  module.export(
    module.define('chunk', type, (code) => {
      const [, chunk, thread] = code.params as [never, never, never];
      const count = code.local('i32');
      code.loop((again) => code.get(count).i32(1).op('i32.add').tee(count).i32(100_000).op('i32.lt_s').brIf(again));
      code.get(chunk).i32(4).op('i32.mul').get(thread).i32(1).op('i32.add').memory('i32.store');
    }),
  );
  const limits = { initial: 1, maximum: 1, shared: true };
  module.importMemory('env', 'memory', limits);
  const memory = new engine!.Memory(limits);
  const compiled = new engine!.Module(module.finish());
  const chunk = new engine!.Instance(compiled, { env: { memory } }).exports['chunk'];
  const joined = openPool(3)!.join(compiled, memory, memory);
  const noted = new Int32Array(memory.buffer, 0, 64);
  const share = joined.share(chunk as never);
  const seen = new Set<number>();
  for (const end = Date.now() + 20_000; seen.size < 3 && Date.now() < end;) {
    noted.fill(0);
    share(0, noted.length);
    noted.forEach((thread) => seen.add(thread));
  }
  joined.leave();
  expect([...seen].sort()).toEqual([1, 2, 3]);
});

test('threads have to be a whole number from 1 on', () => {
  for (const threads of [0, -1, 1.5, NaN, '2'])
    expect(() => new Session({ graph: new Graph(), threads: threads as number })).toThrow(
      /'threads' must be a whole number from 1 on/,
    );
});
