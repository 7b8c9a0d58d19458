/** What a master is asked: names, deadlines, graphs and prepared runs; what becomes of what it answers. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { failure, master, model, session } from './support.js';

const tensor = (...values: number[]) => ({
  dtype: 1,
  tensorShape: { dim: [{ size: BigInt(values.length) }] },
  floatVal: values,
});

describe('a run', () => {
  test('asks for canonical names, each once, under an id of its own, and finds results by name', async () => {
    const m = await master({
      runStep: () => ({ tensor: [{ name: 'halves:1', tensor: tensor(2) }, { name: 'halves:0', tensor: tensor(1) }] }), // prettier-ignore
    });
    const { g, x, a, b, act } = model();
    const s = session(g, m.target);
    for (let i = 0; i < 2; i++) {
      const result = await s.run({ a, again: [a, 'halves:1'], b, act, x }, { x: [1, 2] });
      expect(result.a.toArray()).toEqual([1]);
      expect(result.again.map((value) => value.toArray())).toEqual([[1], [2]]);
      expect([result.b.toArray(), result.act, result.x.toArray()]).toEqual([[2], null, [1, 2]]);
      expect(result.a.data).not.toBe(result.again[0].data);
    }
    const [first, second] = m.asked('runStep');
    expect(first).toMatchObject({
      sessionHandle: 'session',
      fetch: ['halves:0', 'halves:1'],
      target: ['act'],
      storeErrorsInResponseBody: true,
    });
    expect(first!.feed.map(({ name }) => name)).toEqual(['x:0']);
    expect(first!.requestId).toBeGreaterThan(0n);
    expect(second!.requestId).not.toBe(first!.requestId);
  });

  test('of what is fed alone asks nobody', async () => {
    const m = await master();
    const { g, x } = model();
    const s = session(g, m.target);
    expect((await s.run([x, x], { x: [3] })).map((value) => value.toArray())).toEqual([[3], [3]]);
    expect(await s.run([])).toEqual([]);
    expect(m.calls).toEqual([]);
  });

  test('has no deadline unless it is given one; other calls have', async () => {
    const m = await master();
    const { g, act } = model();
    const s = session(g, m.target, { channel: { controlTimeoutMs: 5000 } });
    await s.run(act);
    await s.run(act, {}, { timeoutMs: 2000 });
    await s.close();
    expect(m.calls.map(({ method }) => method)).toEqual(['createSession', 'runStep', 'runStep', 'closeSession']);
    const times = m.calls.map(({ timeMs }) => timeMs);
    expect(times[0]).toBeGreaterThan(2000);
    expect(times[0]).toBeLessThanOrEqual(5000);
    expect(times[1]).toBe(Infinity);
    expect(times[2]).toBeLessThanOrEqual(2000);
    expect(times[3]).toBeLessThanOrEqual(5000);
  });

  test.each<[number, new (...args: never[]) => Error, string]>([
    [1, tl.CancelledError, 'CANCELLED'],
    [2, tl.InternalError, 'INTERNAL'],
    [3, tl.InvalidArgumentError, 'INVALID_ARGUMENT'],
    [5, tl.NotFoundError, 'NOT_FOUND'],
    [6, tl.InvalidArgumentError, 'INVALID_ARGUMENT'],
    [7, tl.PermissionDeniedError, 'PERMISSION_DENIED'],
    [8, tl.OutOfMemoryError, 'OUT_OF_MEMORY'],
    [9, tl.FailedPreconditionError, 'FAILED_PRECONDITION'],
    [10, tl.AbortedError, 'ABORTED'],
    [11, tl.InvalidArgumentError, 'INVALID_ARGUMENT'],
    [12, tl.UnimplementedError, 'UNIMPLEMENTED'],
    [13, tl.InternalError, 'INTERNAL'],
    [15, tl.InternalError, 'INTERNAL'],
    [16, tl.PermissionDeniedError, 'PERMISSION_DENIED'],
    [77, tl.InternalError, 'INTERNAL'],
  ])('fails with status %i as that says, about the node that it names', async (code, Kind, name) => {
    const text = 'It is so.\n\t [[{{node halves}}]]';
    const m = await master({ runStep: () => ({ statusCode: code, statusErrorMessage: text }) });
    const { g, a } = model();
    const error = await failure(session(g, m.target).run(a, { x: [1, 2] }));
    expect(error).toBeInstanceOf(Kind);
    expect([error.code, error.op, error.nodeName]).toEqual([name, 'Split', 'halves']);
    expect(error.message).toMatch(
      /^It is so\.\n\t \[\[\{\{node halves\}\}\]\] \['halves' \(Split\), created at .*support\.ts:\d+\]$/,
    );
    expect(error.createdAt).toMatch(/support\.ts:\d+$/);
  });

  test('fails in the body that the message names, not at a node of the same name elsewhere', async () => {
    const g = new tl.Graph();
    const y = g.asDefault(() => {
      const x = tl.constant(1, { name: 'same' });
      return tl.cond(tl.constant(true), () => tl.negative(x, { name: 'same' }), () => x); // prettier-ignore
    });
    const body = g.functions().find((fn) => fn.body.find('same'))!.def.signature.name;
    for (const [text, op] of [
      [`{{function_node ${body}}}`, 'Neg'],
      ['', 'Const'],
    ] as const) {
      // prettier-ignore
      const m = await master({ runStep: () => ({ statusCode: 3, statusErrorMessage: `${text} {{node same}} is bad` }) });
      expect((await failure(session(g, m.target).run(y))).op).toBe(op);
    }
  });

  test('in parts that was not declared asks nobody', async () => {
    const m = await master();
    const { g, a } = model();
    const error = await failure(session(g, m.target).partialRun('handle', a));
    expect([error.code, error.message]).toEqual(['INVALID_ARGUMENT', expect.stringMatching(/partialRunSetup does it/)]);
    expect(m.calls).toEqual([]);
  });

  test('that is larger than its channel takes', async () => {
    const m = await master();
    const { g, x, a } = model();
    const options = { 'grpc.max_send_message_length': 1000 };
    const s = session(g, m.target, { channel: { options } });
    const error = await failure(s.run(a, new Map([[x, new Float32Array(1000)]])));
    expect([error.code, error.message]).toEqual(['OUT_OF_MEMORY', expect.stringMatching(/larger than 1000.*The channel's options limit/s)]); // prettier-ignore
    expect((await s.run(a, { x: [1, 2] })).toArray()).toBe(0);
  });

  test('whose answer lacks a fetch is an error', async () => {
    const m = await master({ runStep: () => ({ tensor: [] }) });
    const { g, a } = model();
    expect((await failure(session(g, m.target).run(a))).message).toBe("run: the master sent no value for 'halves:0'.");
  });
});

describe('the graph', () => {
  test('is sent once: whole at first, then what came since, where a run needs any of it', async () => {
    const m = await master();
    const { g, act, a } = model();
    const s = session(g, m.target);
    await s.run(act);
    const more: tl.Tensor = g.asDefault(() => tl.cond(tl.constant(true), () => a, () => a.negative(), { name: 'choice' })); // prettier-ignore
    await s.run(act);
    expect(m.asked('extendSession')).toEqual([]);
    await s.run(more, { x: [1, 2] });
    await s.run(more, { x: [1, 2] });
    const late = g.asDefault(() => tl.constant(1, { name: 'late' }));
    await s.run(late);
    const [created] = m.asked('createSession');
    expect(created!.graphDef!.node.map(({ name }) => name)).toEqual(['x', 'halves/split_dim', 'halves', 'act']);
    const extended = m.asked('extendSession');
    expect(extended.map(({ currentGraphVersion }) => currentGraphVersion)).toEqual([0n, 1n]);
    const names = [created!, ...extended].flatMap(({ graphDef }) => graphDef!.node.map(({ name }) => name));
    expect(names).toEqual(g.operations().map(({ name }) => name));
    expect(extended[0]!.graphDef!.library!.function).toHaveLength(2);
    expect(extended[1]!.graphDef).toMatchObject({ node: [{ name: 'late' }] });
    expect(extended[1]!.graphDef!.library).toBeUndefined();
  });

  test('that was not taken is sent again', async () => {
    let refusals = 2;
    const m = await master({
      createSession: () => (refusals-- > 0 ? { code: 14, details: 'not yet' } : { sessionHandle: 'late' }),
    });
    const { g, act } = model();
    const s = session(g, m.target);
    for (let i = 0; i < 2; i++) expect((await failure(s.run(act))).message).toMatch(/cannot be reached: not yet/);
    await s.run(act);
    expect(m.asked('createSession').map(({ graphDef }) => graphDef!.node.length)).toEqual([4, 4, 4]);
    expect(m.asked('runStep').map(({ sessionHandle }) => sessionHandle)).toEqual(['late']);
  });

  test('goes with what the session is told', async () => {
    const m = await master();
    const { g, act } = model();
    const config: tl.SessionConfig = {
      deviceCount: { CPU: 2, GPU: 0 },
      intraOpParallelismThreads: 3,
      interOpParallelismThreads: 4,
      placementPeriod: 5,
      deviceFilters: ['/job:ps', '/job:worker/task:0'],
      allowSoftPlacement: true,
      logDevicePlacement: true,
      operationTimeoutInMs: 6000,
      isolateSessionState: true,
      shareClusterDevicesInSession: true,
      clusterDef: { ps: ['a:1'], worker: { 3: 'b:2' } },
      graphOptions: {
        enableRecvScheduling: true,
        buildCostModel: 7,
        buildCostModelAfter: 8,
        inferShapes: true,
        placePrunedGraph: true,
        enableBfloat16Sendrecv: true,
        timelineStep: 9,
        optimizerOptions: {
          doCommonSubexpressionElimination: true,
          doConstantFolding: true,
          maxFoldedConstantInBytes: 10,
          doFunctionInlining: true,
          optLevel: 'L0',
          globalJitLevel: 'on2',
          cpuGlobalJit: true,
        },
        rewriteOptions: {
          constantFolding: 'off',
          dependencyOptimization: 'on',
          loopOptimization: 'aggressive',
          functionOptimization: 'off',
          arithmeticOptimization: 'off',
          remapping: 'default',
          disableMetaOptimizer: true,
        },
      },
    };
    await session(g, m.target, { config }).run(act);
    expect(m.asked('createSession')[0]!.config).toMatchObject({
      ...config,
      operationTimeoutInMs: 6000n,
      clusterDef: { job: [{ name: 'ps', tasks: { 0: 'a:1' } }, { name: 'worker', tasks: { 3: 'b:2' } }] }, // prettier-ignore
      graphOptions: {
        ...config.graphOptions,
        buildCostModel: 7n,
        buildCostModelAfter: 8n,
        optimizerOptions: { ...config.graphOptions!.optimizerOptions, maxFoldedConstantInBytes: 10n, optLevel: -1, globalJitLevel: 2 }, // prettier-ignore
        rewriteOptions: { constantFolding: 2, dependencyOptimization: 1, loopOptimization: 3, remapping: 0, disableMetaOptimizer: true }, // prettier-ignore
      },
    });
  });
});

describe('callables', () => {
  test('are prepared once, with positional feeds; those unused longest are given back', async () => {
    let next = 0n;
    const makeCallable = () => ({ handle: next++ });
    const m = await master({
      makeCallable,
      runCallable: ({ feed }) => ({ fetch: feed.length > 0 ? [feed[0]!] : [tensor(1)] }),
    });
    const { g, x, a } = model();
    const s = session(g, m.target);
    const f = s.makeCallable([a, x], { feeds: [x] });
    for (const value of [5, 6])
      expect((await f([value, value])).map((array) => array.toArray())).toEqual([[value, value], [value, value]]); // prettier-ignore
    expect(m.asked('makeCallable')).toMatchObject([{ options: { feed: ['x:0'], fetch: ['halves:0'], target: [] } }]);
    const many = Array.from({ length: 64 }, () => s.makeCallable(a));
    for (const each of many) await each();
    await s.run(a);
    expect(m.asked('releaseCallable').map(({ handle }) => handle)).toEqual([0n]);
    expect(m.asked('makeCallable')).toHaveLength(65);
    await many[63]!();
    expect(m.asked('makeCallable')).toHaveLength(65);
    await f([1, 2]);
    expect(m.asked('makeCallable')).toHaveLength(66);
    const ids = m.asked('runCallable').map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('that could not be prepared are prepared again', async () => {
    let refusals = 1;
    const m = await master({ makeCallable: () => (refusals-- > 0 ? { code: 3, details: "Node 'act' is bad" } : { handle: 7n }), runCallable: () => ({}) }); // prettier-ignore
    const { g, act } = model();
    const f = session(g, m.target).makeCallable(act);
    expect((await failure(f())).nodeName).toBe('act');
    expect(await f()).toBeNull();
    expect(m.asked('runCallable').map(({ handle }) => handle)).toEqual([7n]);
  });
});
