/** Sessions of one cluster: what they share and what not, how they grow, runs in parts, large tensors, and what they are told. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { linkOf } from '../../src/interop/cluster/config.js';
import { MasterClient, methods } from '../../src/interop/cluster/master-client.js';
import { MasterSession } from '../../src/interop/cluster/master-session.js';
import { failure, on, useCluster } from './support/cluster.js';

const here = useCluster();

const counter = (name: string) => () => {
  const v = on('ps', () => tl.variable(1, { name }));
  return { v, add: v.assignAdd(1) };
};
const value = async (s: tl.Session, fetch: tl.Variable | tl.Tensor) => (await s.run(fetch)).item();

describe('variables', () => {
  test('are shared by two clients, of any graphs that call them the same, through any master, and outlive sessions', async () => {
    const one = here.open(counter('shared'));
    const two = here.open(counter('shared'), { target: here.cluster.target('worker', 1) });
    await one.s.run(one.parts.v.initializer);
    expect(await value(two.s, two.parts.v)).toBe(1);
    await Promise.all([one, two, one, two].map(({ s, parts }) => s.run(parts.add.op)));
    expect(await value(one.s, one.parts.v)).toBe(5);
    await Promise.all([one.s.close(), two.s.close()]);
    const later = here.open(counter('shared'));
    expect(await value(later.s, later.parts.v)).toBe(5);
  });

  test('are not shared where the session is isolated', async () => {
    const alone = { config: { isolateSessionState: true } };
    const [one, two, open] = [
      here.open(counter('own'), alone),
      here.open(counter('own'), alone),
      here.open(counter('own')),
    ];
    for (const { s, parts } of [one, two]) await s.run(parts.v.initializer);
    await one.s.run(one.parts.add.op);
    expect([await value(one.s, one.parts.v), await value(two.s, two.parts.v)]).toEqual([2, 1]);
    expect(await failure(open.s.run(open.parts.v))).toBeInstanceOf(tl.FailedPreconditionError);
  });

  test('are those of their place: a name on another task is another variable', async () => {
    const at = (task: 'first' | 'second', start: number) => () =>
      on(task, () => tl.variable(start, { name: 'placed' }));
    const [one, two] = [here.open(at('first', 1)), here.open(at('second', 2))];
    for (const { s, parts } of [one, two]) await s.run(parts.initializer);
    expect([await value(one.s, one.parts), await value(two.s, two.parts)]).toEqual([1, 2]);
  });

  test('go when the cluster is reset, and its sessions with them', async () => {
    const { g, s, parts } = here.open(counter('reset'));
    await s.run(parts.v.initializer);
    await tl.Session.reset(here.cluster.target('ps'));
    const lost = await failure(s.run(parts.v));
    expect([lost.code, lost.message]).toEqual(['ABORTED', expect.stringMatching(/was reset.*make a new Session/s)]);
    expect(await failure(here.session(g).run(parts.v))).toBeInstanceOf(tl.FailedPreconditionError);
    await expect(tl.Session.reset('local')).rejects.toThrow(/local sessions share nothing/);
    await expect(tl.Session.reset(here.cluster.target('ps'), { container: [] } as never)).rejects.toThrow(
      /no option 'container'/,
    );
  });
});

describe('a growing graph', () => {
  test('many times, each with nodes and functions, in several sessions', async () => {
    const { g, s, parts } = here.open(() => tl.placeholder('float32', [], { name: 'x' }));
    const other = here.session(g, { target: here.cluster.target('worker') });
    let y: tl.Tensor = parts;
    for (let i = 1; i <= 12; i++) {
      const task = i % 2 ? 'first' : 'second';
      const before = y;
      const more = (): tl.Tensor => tl.cond(before.greater(0), () => before.add(1), () => before); // prettier-ignore
      y = g.asDefault(() => on(task, more));
      expect((await s.run(y, { x: 1 })).item()).toBe(1 + i);
      if (i % 4 === 0) expect((await other.run(y, { x: -1 })).item()).toBe(-1);
    }
  });

  test('that somebody else extends: a version mismatch', async () => {
    const { cluster } = here;
    const link = linkOf(cluster.target('ps'), {});
    const g = new tl.Graph();
    const y = g.asDefault(() => tl.constant(1, { name: 'a' }));
    const session = new MasterSession(g, link, {});
    const run = (fetch: tl.Tensor) =>
      session.run({ graph: g, fetches: [fetch], targets: [], feeds: [] }, [], { deadline: Infinity, trace: null });
    expect((await run(y))[0]!.item()).toBe(1);
    const client = new MasterClient(link.address, {});
    const graphDef = { node: [{ name: 'b', op: 'NoOp' }] };
    const message = { sessionHandle: session.handle, graphDef, currentGraphVersion: 0n };
    await client.call(methods.extendSession, message, { deadline: Date.now() + 5000 });
    client.close();
    const error = await failure(run(g.asDefault(() => y.add(1))));
    expect(error).toBeInstanceOf(tl.AbortedError);
    expect(error.message).toMatch(
      /has another graph for this session .*\(Current version is 1 but caller expected 0.*\) Make a new Session/s,
    );
    await session.close();
  });
});

describe('runs in parts', () => {
  const build = () => {
    const input = (name: string): tl.Tensor => tl.placeholder('float32', [], { name });
    const [a, b, c] = [input('a'), input('b'), input('c')];
    const random = on('first', () => tl.random.uniform([]));
    const ab = on('second', () => tl.add(a, b));
    return { a, b, c, random, ab, abc: ab.multiply(c).add(random) };
  };

  test('go on where they stopped', async () => {
    const { s, parts } = here.open(build);
    const { a, b, c, random, ab, abc } = parts;
    for (let i = 0; i < 2; i++) {
      const handle = await s.partialRunSetup([ab, abc, random], [a, b, c]);
      const first = await s.partialRun(handle, { ab, random }, { a: 1, b: 2 });
      expect(first.ab.item()).toBe(3);
      const [last, fed] = await s.partialRun(handle, [abc, c], { c: 10 }, { timeoutMs: 10_000 }); // prettier-ignore
      expect(last.item()).toBeCloseTo(30 + (first.random.item() as number), 5);
      expect(fed.item()).toBe(10);
      expect(await failure(s.partialRun(handle, abc))).toBeInstanceOf(tl.InvalidArgumentError);
    }
  });

  test('refuse what was not declared or cannot be computed yet', async () => {
    const { s, parts } = here.open(build);
    const handle = await s.partialRunSetup([parts.abc, parts.ab], [parts.a, parts.b, parts.c]);
    const attempts: readonly [() => Promise<unknown>, RegExp][] = [
      [() => s.partialRun(handle, parts.random), /random.*not specified in partial_run_setup/is],
      [() => s.partialRun(handle, parts.abc, { a: 1 }), /can't be computed from the feeds/],
      [() => s.partialRun('nonsense', parts.ab), /Must run .*setup/i],
      [() => s.partialRun(7 as never, parts.ab), /what partialRunSetup gave/],
      [() => s.partialRunSetup([new tl.Graph().asDefault(() => tl.constant(1))]), /another graph/],
    ];
    for (const [attempt, message] of attempts) {
      const error = await failure(attempt());
      expect([error.constructor, error.message]).toEqual([tl.InvalidArgumentError, expect.stringMatching(message)]);
    }
    const local = new tl.Session({ graph: s.graph });
    await expect(local.partialRunSetup([parts.ab])).rejects.toThrow(
      /needs a cluster: a local run is made in one piece/,
    );
    await expect(local.partialRun('h', parts.ab)).rejects.toThrow(/needs a cluster/);
  });
});

describe('large things', () => {
  test('50 MB there and back', async () => {
    const { s, parts } = here.open(() => {
      const x = tl.placeholder('float32', [null], { name: 'x' });
      return on('second', () => x.negative());
    });
    const x = new Float32Array(50e6 / 4).map((_, i) => i % 1013);
    const { data } = await s.run(parts, { x });
    expect(data.length).toBe(x.length);
    expect(data.every((y, i) => y === -x[i]!)).toBe(true);
  }, 60_000);

  test('a constant of 20 MB in the graph, and 20,000 nodes', async () => {
    const { s, parts } = here.open(() => {
      const big = tl.constant(new Float32Array(5e6).fill(0.5), { shape: [5000, 1000] });
      let y: tl.Tensor = tl.reduceSum(big);
      for (let i = 0; i < 20_000; i++) y = y.negative();
      return y;
    });
    expect((await s.run(parts)).item()).toBe(2.5e6);
  }, 60_000);

  test('an error whose message is long', async () => {
    const name = 'n'.repeat(20_000);
    const { s, parts } = here.open(() => tl.placeholder('float32', [], { name }).negative());
    const { code, nodeName } = await failure(s.run(parts));
    expect([code, nodeName?.length]).toEqual(['INVALID_ARGUMENT', name.length]);
    // What a callable fails with comes in the trailers of its call, where servers cut it off.
    const cut = await failure(s.makeCallable(parts)());
    expect([cut.code, cut.message.length > 100]).toEqual(['INVALID_ARGUMENT', true]);
  });
});

describe('what a run says', () => {
  test('steps of every task, what they sent each other, and the graphs they ran', async () => {
    const { s, parts } = here.open(() => {
      const x = on('first', () => tl.random.uniform([100, 10], { seed: 1, name: 'x' }));
      const y = on('second', () => tl.matmul(x, x, { transposeB: true, name: 'y' }));
      return on('ps', () => tl.reduceSum(y, { name: 'z' }));
    });
    const trace = new tl.RunMetadata();
    const transfers = () => trace.stepStats.filter(({ kind }) => kind === 'transfer');
    // Servers drop what comes too late to be noted.
    for (let i = 0; i < 20 && transfers().length < 2; i++)
      await s.run(parts, {}, { trace, outputPartitionGraphs: true });
    const device = (task: string) => `/job:${task}/device:CPU:0`.replace('/task', '/replica:0/task');
    expect(transfers().map(({ from, device: to, bytes }) => [from, to, bytes])).toEqual([
      [device('worker/task:0'), device('worker/task:1'), 4000],
      [device('worker/task:1'), device('ps/task:0'), 40_000],
    ]);
    const product = trace.stepStats.find(({ name }) => name === 'y')!;
    expect(product).toMatchObject({
      kind: 'operation',
      ops: ['y'],
      bytes: 40_000,
      device: device('worker/task:1'),
      depth: 0,
    });
    const graphs = trace.partitionGraphs.map(({ node }) => node!.map(({ op }) => op));
    expect(graphs).toHaveLength(3);
    expect(graphs.flat().filter((op) => op === '_Send' || op === '_HostSend').length).toBeGreaterThanOrEqual(3);
    const events = (JSON.parse(trace.generateChromeTraceFormat()) as { traceEvents: { ph: string; args: { name?: string } }[] }).traceEvents; // prettier-ignore
    const processes = events.filter(({ ph }) => ph === 'M').map(({ args }) => args.name);
    expect(processes.sort()).toEqual([device('ps/task:0'), device('worker/task:0'), device('worker/task:1')]);
    await s.run(parts, {}, { trace });
    expect(trace.partitionGraphs).toEqual([]);
  });

  test('partition graphs need a trace, and a cluster', async () => {
    const { g, s, parts } = here.open(() => tl.constant(1));
    await expect(s.run(parts, {}, { outputPartitionGraphs: true })).rejects.toThrow(/needs a 'trace'/);
    const local = new tl.Session({ graph: g });
    const options = { trace: new tl.RunMetadata(), outputPartitionGraphs: true };
    await expect(local.run(parts, {}, options)).rejects.toThrow(/is for clusters/);
  });
});

test('handles stay where they are', async () => {
  const { s, parts } = here.open(counter('held'));
  for (const attempt of [s.run(parts.v.handle), s.run(parts.v, new Map([[parts.v.handle, 1]]))]) {
    const error = await failure(attempt);
    expect([error.code, error.nodeName]).toEqual(['DTYPE', 'held']);
    expect(error.message).toMatch(/such values do not leave their server/);
  }
});

describe('what a session is told', () => {
  test('reaches the master', async () => {
    const { g, s, parts } = here.open(() => tl.add(1, 2), {
      config: {
        deviceCount: { CPU: 1 },
        interOpParallelismThreads: 2,
        intraOpParallelismThreads: 1,
        deviceFilters: ['/job:worker/task:1', '/job:ps'],
        graphOptions: { optimizerOptions: { optLevel: 'L0' }, rewriteOptions: { disableMetaOptimizer: true } },
      },
    });
    expect((await s.run(parts)).item()).toBe(3);
    expect((await s.listDevices()).map(({ name }) => name)).not.toContainEqual(
      expect.stringContaining('worker/replica:0/task:0'),
    );
    // What a server refuses in it comes back as it says it.
    const clusterDef = { ps: here.cluster.addresses['ps']!, worker: here.cluster.addresses['worker']! };
    const error = await failure(here.session(g, { config: { clusterDef } }).run(parts));
    expect(error).toBeInstanceOf(tl.TapelessError);
    expect(error.message).toContain(clusterDef.worker[1]);
  });

  test('the devices of a local session', async () => {
    const session = new tl.Session({ graph: new tl.Graph() });
    expect((await session.listDevices()).map(({ deviceType }) => deviceType)).toEqual(['CPU']);
  });
});
