/** What local sessions say to what only clusters do, and the registry of targets. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { openTarget, registerTarget, resetTarget } from '../../src/session/targets/registry.js';

const local = () => {
  const graph = new tl.Graph();
  const y = graph.asDefault(() => tl.constant(1, { name: 'y' }));
  return { y, session: new tl.Session({ graph }) };
};

test('what is for clusters is refused, and says so', async () => {
  const { y, session } = local();
  const trace = new tl.RunMetadata();
  await expect(session.partialRunSetup([y])).rejects.toThrow(
    'partialRunSetup needs a cluster: a local run is made in one piece',
  );
  await expect(session.partialRun('h', y)).rejects.toThrow('partialRun needs a cluster');
  await expect(session.run(y, {}, { trace, outputPartitionGraphs: true })).rejects.toThrow(/is for clusters/);
  expect(() => session.runSync(y, {}, { trace, outputPartitionGraphs: true })).toThrow(/is for clusters/);
  await expect(session.run(y, {}, { outputPartitionGraphs: true })).rejects.toThrow(/needs a 'trace'/);
  await expect(session.run(y, {}, { outputPartitionGraphs: 1 as never })).rejects.toThrow(/must be true or false/);
  await expect(tl.Session.reset('local')).rejects.toThrow(/local sessions share nothing/);
  for (const options of [{ config: {} }, { channel: {} }])
    expect(() => new tl.Session({ graph: session.graph, ...options })).toThrow(/is for a cluster; give its target/);
  expect([trace.stepStats, trace.partitionGraphs]).toEqual([[], []]);
});

test('there is one device, until the session is closed', async () => {
  const session = new tl.Session({ graph: new tl.Graph() });
  expect(await session.listDevices()).toMatchObject([{ name: '/job:localhost/replica:0/task:0/device:CPU:0', deviceType: 'CPU' }]); // prettier-ignore
  await session.close();
  await expect(session.listDevices()).rejects.toThrow(tl.FailedPreconditionError);
});

test('a target is known by the scheme of its URL', async () => {
  const seen: unknown[] = [];
  registerTarget('test', {
    open: (url, options) => {
      seen.push([url, options.config]);
      return openTarget('local', { graph: options.graph });
    },
    reset: async (url, { containers }) => void seen.push([url, containers]),
  });
  const { y } = local();
  const session = new tl.Session({ graph: y.graph, target: 'test://here', config: { allowSoftPlacement: true } });
  expect((await session.run(y)).item()).toBe(1);
  await resetTarget('test://here', { containers: ['c'] });
  expect(seen).toEqual([['test://here', { allowSoftPlacement: true }], ['test://here', ['c']]]); // prettier-ignore
  const all = /no target '.*'\. There is local, grpc:\/\/…, grpcs:\/\/…, test:\/\/…\./;
  for (const target of ['nowhere', 'ftp://x:1', ''])
    expect(() => new tl.Session({ graph: y.graph, target })).toThrow(all);
  await expect(tl.Session.reset('ftp://x:1')).rejects.toThrow(all);
  expect(() => new tl.Session({ graph: y.graph, target: 7 as never })).toThrow(/'target' must be a string, not number/);
});
