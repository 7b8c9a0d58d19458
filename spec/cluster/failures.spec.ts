/** What breaks on clusters, with processes that really end, stop and come back: errors are typed, say what to do, and nothing hangs. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { failure, on, useCluster } from './support/cluster.js';

const here = useCluster();
const patience = { channel: { heartbeatMs: 1000, controlTimeoutMs: 20_000 } };
const forever = { n: 2 ** 31 - 1 };
const line = /failures\.spec\.ts:\d+/;

/** A variable on the parameter server, and a loop of any length on the second worker. */
function model() {
  const v = on('ps', () => tl.variable(5, { name: 'v' }));
  const n = tl.placeholder('int32', [], { name: 'n' });
  const count = (i: tl.Tensor) => i.add(1);
  const loop = on('second', () =>
    tl.whileLoop((i: tl.Tensor) => i.less(n), count, [tl.constant(0, { dtype: 'int32' })]),
  );
  return { v, loop: loop[0] as tl.Tensor };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again until it does not fail because something cannot be reached yet. */
async function settled<T>(ask: () => Promise<T>): Promise<T> {
  for (let i = 0; ; i++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof tl.UnavailableError) || i > 60) throw error;
      await sleep(250);
    }
  }
}

describe('no server', () => {
  test('at the address, until there is one', async () => {
    const g = new tl.Graph();
    const y = g.asDefault(() => tl.constant(1));
    const session = here.session(g, { target: 'grpc://127.0.0.1:1' });
    const start = Date.now();
    for (const attempt of [
      () => session.run(y),
      () => session.listDevices(),
      () => tl.Session.reset('grpc://127.0.0.1:1'),
    ]) {
      const error = await failure(attempt());
      expect(error).toBeInstanceOf(tl.UnavailableError);
      expect(error.message).toMatch(/^(run|listDevices|Session\.reset): the TensorFlow server at grpc:\/\/127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED.*Start it/); // prettier-ignore
    }
    expect(Date.now() - start).toBeLessThan(5000);
  });

  test('of that name', async () => {
    const g = new tl.Graph();
    const session = here.session(g, {
      target: 'grpc://no-such-host.invalid:2222',
      channel: { controlTimeoutMs: 10_000 },
    });
    const error = await failure(session.run(g.asDefault(() => tl.constant(1))));
    expect([tl.UnavailableError, tl.DeadlineExceededError]).toContain(error.constructor);
    expect(error.message).toContain('no-such-host.invalid');
  });

  test('for one of the tasks: the others can do without it', async () => {
    const { cluster } = here;
    cluster.signal('worker', 0, 'SIGKILL');
    const { g, s, parts } = here.open(model, { channel: { controlTimeoutMs: 3000 } });
    const error = await failure(s.run(parts.v.initializer));
    expect([tl.UnavailableError, tl.DeadlineExceededError]).toContain(error.constructor);
    expect(error.message).toMatch(/deviceFilters/);
    const without = here.session(g, { config: { deviceFilters: ['/job:ps', '/job:worker/task:1'] } });
    await without.run(parts.v.initializer);
    expect((await without.run(parts.loop, { n: 7 })).item()).toBe(7);
    expect((await without.listDevices()).map(({ name }) => name).sort()).toEqual([
      '/job:ps/replica:0/task:0/device:CPU:0',
      '/job:worker/replica:0/task:1/device:CPU:0',
    ]);
    await cluster.restart('worker', 0);
    // The very session that could not be made is made now.
    await settled(() => s.run(parts.v.initializer));
  });
});

describe('a server is lost', () => {
  test('a worker, in the middle of a step, and it is back', async () => {
    const { g, s, parts } = here.open(model, patience);
    await s.run(parts.v.initializer);
    const run = failure(s.run(parts.loop, forever));
    await sleep(300);
    here.cluster.signal('worker', 1, 'SIGKILL');
    const error = await run;
    expect(error).toBeInstanceOf(tl.UnavailableError);
    expect(error.message).toMatch(/\/job:worker\/replica:0\/task:1, a task of the cluster of grpc:.* is gone: [^]*What the run had done is not known.*new Session/); // prettier-ignore
    // What is elsewhere is still there.
    expect((await s.run(parts.v)).item()).toBe(5);
    expect(await failure(s.run(parts.loop, { n: 1 }))).toBeInstanceOf(tl.UnavailableError);
    await here.cluster.restart('worker', 1);
    const lost = await failure(settled(() => s.run(parts.loop, { n: 3 })));
    expect(lost).toBeInstanceOf(tl.AbortedError);
    expect(lost.message).toMatch(/no longer has this session: .*started anew.*make a new Session/s);
    const fresh = here.session(g);
    const results = await fresh.run([parts.loop, parts.v], { n: 3 });
    expect(results.map((value) => value.item())).toEqual([3, 5]);
  });

  test('the master, in the middle of a step, and it is back without its sessions and variables', async () => {
    const { g, s, parts } = here.open(model, patience);
    await s.run(parts.v.initializer);
    const run = failure(s.run(parts.loop, forever));
    await sleep(300);
    here.cluster.signal('ps', 0, 'SIGKILL');
    const error = await run;
    expect(error).toBeInstanceOf(tl.UnavailableError);
    expect(error.message).toMatch(
      /^run: the TensorFlow server at grpc:.* is gone: .*What the run had done is not known\. .*new Session/,
    );
    const start = Date.now();
    expect(await failure(s.run(parts.v))).toBeInstanceOf(tl.UnavailableError);
    expect(Date.now() - start).toBeLessThan(5000);
    await here.cluster.restart('ps', 0);
    const lost = await failure(settled(() => s.run(parts.v)));
    expect(lost).toBeInstanceOf(tl.AbortedError);
    expect(lost.message).toMatch(
      /Session \w+ is not found.*make a new Session, and initialize or restore the variables/s,
    );
    const fresh = here.session(g);
    const uninitialized = await failure(fresh.run(parts.v));
    expect(uninitialized).toBeInstanceOf(tl.FailedPreconditionError);
    expect(uninitialized.message).toMatch(/variable v[^]*created at .*failures\.spec\.ts:\d+\] Run its initializer/);
    await fresh.run(parts.v.initializer);
    expect((await fresh.run(parts.v)).item()).toBe(5);
  });

  test('without a word: it stops, and its connections stay', async () => {
    const { g, s, parts } = here.open(model, patience);
    await s.run(parts.v.initializer);
    const run = failure(s.run(parts.loop, forever));
    await sleep(300);
    here.cluster.signal('ps', 0, 'SIGSTOP');
    try {
      const error = await run;
      expect(error).toBeInstanceOf(tl.UnavailableError);
      expect(error.message).toMatch(/has not answered for 2000 ms.*heartbeatMs/);
      const silent = here.session(g, { channel: { controlTimeoutMs: 1000 } });
      const late = await failure(silent.run(parts.v));
      expect(late).toBeInstanceOf(tl.DeadlineExceededError);
      expect(late.message).toMatch(/A master waits for all tasks of its cluster.*controlTimeoutMs/);
      expect(await failure(s.run(parts.v, {}, { timeoutMs: 500 }))).toBeInstanceOf(tl.DeadlineExceededError);
    } finally {
      here.cluster.signal('ps', 0, 'SIGCONT');
    }
    expect((await s.run(parts.v)).item()).toBe(5);
  });

  test('a worker, without a word: its master waits, and a deadline does not', async () => {
    const { s, parts } = here.open(model, patience);
    await s.run(parts.v.initializer);
    here.cluster.signal('worker', 1, 'SIGSTOP');
    try {
      const error = await failure(s.run(parts.loop, { n: 5 }, { timeoutMs: 2000 }));
      expect(error).toBeInstanceOf(tl.DeadlineExceededError);
      expect((await s.run(parts.v)).item()).toBe(5);
    } finally {
      here.cluster.signal('worker', 1, 'SIGCONT');
    }
    expect((await s.run(parts.loop, { n: 6 })).item()).toBe(6);
  });

  test('a step that is long but alive outlasts many heartbeats', async () => {
    const { s, parts } = here.open(model, { channel: { heartbeatMs: 300 } });
    const error = await failure(s.run(parts.loop, forever, { timeoutMs: 3000 }));
    expect(error).toBeInstanceOf(tl.DeadlineExceededError);
  });

  test('closing a session of a server that is gone is no error', async () => {
    const { s, parts } = here.open(model, patience);
    await s.run(parts.v.initializer);
    here.cluster.signal('ps', 0, 'SIGKILL');
    await s.close();
    await s.close();
    expect(await failure(s.run(parts.v))).toBeInstanceOf(tl.FailedPreconditionError);
    await here.cluster.restart('ps', 0);
  });
});

describe('deadlines', () => {
  test('of the session, where a run gives none, and of runs that wait', async () => {
    const { s, parts } = here.open(model, { config: { operationTimeoutInMs: 400 } });
    const error = await failure(s.run(parts.loop, forever));
    expect(error).toBeInstanceOf(tl.DeadlineExceededError);
    const first = failure(s.run(parts.loop, forever, { timeoutMs: 600 }));
    const second = failure(s.run(parts.loop, { n: 1 }, { timeoutMs: 100 }));
    expect(await first).toBeInstanceOf(tl.DeadlineExceededError);
    expect((await second).message).toMatch(/the time given was over/);
    expect((await s.run(parts.loop, { n: 2 })).item()).toBe(2);
  });
});

describe('what a master refuses', () => {
  test('a device that is not there: the node, and its line', async () => {
    const { s, parts } = here.open(() =>
      tl.device('/job:worker/task:7', () => tl.constant(1, { name: 'far' }).negative({ name: 'away' })),
    );
    const error = await failure(s.run(parts));
    expect(error).toBeInstanceOf(tl.InvalidArgumentError);
    expect(['far', 'away']).toContain(error.nodeName);
    expect(error.createdAt).toMatch(line);
    expect(error.message).toMatch(
      /Cannot assign a device for operation [^]*created at .*failures\.spec\.ts:\d+\] session\.listDevices\(\).*allowSoftPlacement/,
    );
    const names = (await s.listDevices()).map(({ name, deviceType }) => [name, deviceType]);
    expect(names).toContainEqual(['/job:worker/replica:0/task:1/device:CPU:0', 'CPU']);
    const gpu = here.open(() => tl.device('/job:worker/task:1/device:GPU:0', () => tl.constant(1, { name: 'fast' })));
    expect((await failure(gpu.s.run(gpu.parts))).nodeName).toBe('fast');
    const soft = here.session(gpu.g, { config: { allowSoftPlacement: true } });
    expect((await soft.run(gpu.parts)).item()).toBe(1);
  });

  test('a colocation that cannot be, as TensorFlow makes it for a dense read', async () => {
    const build = () => {
      const table = on('ps', () => tl.variable(tl.ones([4, 2]), { name: 'table' }));
      const rows = on('first', () => tl.gather(table, [1, 1]));
      const [d] = tl.gradients(tl.reduceSum(rows), [table], { colocateGradientsWithOps: true });
      return { table, d: tl.convertToTensor(d!) };
    };
    const { g, s, parts } = here.open(build);
    const error = await failure(s.run(parts.table.initializer));
    expect(error).toBeInstanceOf(tl.InvalidArgumentError);
    expect(error.message).toMatch(/Cannot colocate nodes[^]*created at .*failures\.spec\.ts:\d+.*allowSoftPlacement/);
    const soft = here.session(g, { config: { allowSoftPlacement: true } });
    await soft.run(parts.table.initializer);
    expect((await soft.run(parts.d)).toArray()).toEqual([[0, 0], [2, 2], [0, 0], [0, 0]]); // prettier-ignore
  });

  test('one that came later: what was there before still runs', async () => {
    const { g, s, parts } = here.open(() => tl.constant(2));
    expect((await s.run(parts)).item()).toBe(2);
    const bad = g.asDefault(() => tl.device('/job:nowhere', () => tl.constant(3, { name: 'nowhere' })));
    for (let i = 0; i < 2; i++) {
      const error = await failure(s.run(bad));
      expect([error.code, error.nodeName]).toEqual(['INVALID_ARGUMENT', 'nowhere']);
      expect((await s.run(parts)).item()).toBe(2);
    }
  });

  test('what fails in a body: the operation that calls it', async () => {
    const { s, parts } = here.open(() => {
      const x = tl.placeholder('int32', [2], { name: 'x' });
      const body = (i: tl.Tensor) => tl.gather(x, i, { name: 'pick' }).add(1);
      return on('first', () =>
        tl.whileLoop((i: tl.Tensor) => i.less(10), body, [tl.constant(0, { dtype: 'int32' })]),
      )[0];
    });
    expect((await s.run(parts, { x: [0, 30] })).item()).toBe(31);
    const error = await failure(s.run(parts, { x: [5, 0] }));
    expect(error).toBeInstanceOf(tl.InvalidArgumentError);
    expect(error.message).toMatch(/6 is not in \[0, 2\)[^]*created at .*failures\.spec\.ts:\d+/);
  });

  test('options that are no cluster’s', () => {
    const graph = new tl.Graph();
    const target = here.cluster.target('ps');
    const refused = (options: object, message: string | RegExp) => expect(() => new tl.Session({ graph, target, ...options })).toThrow(message); // prettier-ignore
    refused({ threads: 2 }, "'threads' is for local targets");
    refused({ backend: 'wasm' }, "'backend' is for local targets");
    refused({ target: 'grpc://host' }, 'not of the form grpc://host:port');
    expect(() => new tl.Session({ graph, config: {} })).toThrow(/'config' is for a cluster/);
    expect(() => here.session(graph).runSync([])).toThrow(/graph is empty/);
    const y = graph.asDefault(() => tl.constant(1));
    expect(() => here.session(graph).runSync(y)).toThrow('runSync needs a local target; use run.');
  });
});
