/** What `run` promises holds on a cluster as it does here: the same cases on both targets, spread over the tasks of the cluster. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { useBenches } from './support/benches.js';
import { failure, on } from './support/cluster.js';

const benches = useBenches();

describe.each(benches)('%s: fetches', (_, bench) => {
  test('every kind, in any nest, each computed once', async () => {
    const { s, parts } = bench.open(() => {
      const a = on('first', () => tl.constant([1, 2], { name: 'a' }));
      const v = on('ps', () => tl.variable(5, { name: 'v' }));
      return { a, v, init: tl.globalVariablesInitializer(), r: on('second', () => tl.random.uniform([])) };
    });
    await s.run(parts.init);
    const result = await s.run({
      list: [parts.a, ['a:0', 'a']],
      v: parts.v,
      nothing: [],
      op: parts.init,
      r: [parts.r, parts.r],
    });
    expect(result.list[0].toArray()).toEqual([1, 2]);
    expect(result.list[1][0].toArray()).toEqual([1, 2]);
    expect(result.list[1][1]).toBeNull();
    expect([result.v.item(), result.op, result.nothing]).toEqual([5, null, []]);
    expect(result.r[0].item()).toBe(result.r[1].item());
    result.r[0].data[0] = 7;
    expect(result.r[1].item()).not.toBe(7);
  });

  test('slices', async () => {
    const { s, parts } = bench.open(() => {
      const table = on('ps', () => tl.placeholder('float32', [3, 2], { name: 'table' }));
      const rows = on('first', () => tl.gather(table, [2, 0, 2]));
      return tl.gradients(tl.reduceSum(tl.square(rows)), [table])[0] as tl.IndexedSlices;
    });
    const table = [[1, 2], [3, 4], [5, 6]]; // prettier-ignore
    const { values, indices, denseShape } = await s.run(parts, { table });
    expect([values.toArray(), indices.toArray()]).toEqual([[[10, 12], [2, 4], [10, 12]], [2, 0, 2]]); // prettier-ignore
    expect(denseShape?.toArray()).toEqual([3, 2]);
  });

  test('nothing, and only operations', async () => {
    const { s, parts } = bench.open(() => {
      const v = tl.variable(1, { name: 'v' });
      return { v, add: v.assignAdd(1).op };
    });
    expect(await s.run([])).toEqual([]);
    await s.run(parts.v.initializer);
    expect(await s.run({ a: parts.add, b: [parts.add] })).toEqual({ a: null, b: [null] });
    expect((await s.run(parts.v)).item()).toBe(2);
  });
});

describe.each(benches)('%s: feeds', (_, bench) => {
  test('any tensor can be fed, gradients see it too', async () => {
    const { s, parts } = bench.open(() => {
      const x = tl.constant(1, { name: 'x' });
      const y = on('first', () => tl.square(x, { name: 'y' }));
      const z = on('second', () => tl.square(y));
      return { x, y, z, dz: tl.gradients(z, x)[0] as tl.Tensor };
    });
    expect((await s.run(parts.dz, new Map([[parts.y, 10]]))).item()).toBe(40);
    expect((await s.run(parts.z, { x: 3 })).item()).toBe(81);
    const fed = await s.run([parts.y, parts.y, parts.z], { 'y:0': 5 });
    expect(fed.map((value) => value.item())).toEqual([5, 5, 25]);
  });

  test('one output of several, a read of a variable, and what nothing needs', async () => {
    const { s, parts } = bench.open(() => {
      const v = tl.variable([1, 2], { name: 'v' });
      const [a, b] = tl.split(tl.constant([1, 2, 3, 4]), 2) as tl.Tensor[];
      return { a: a!, v, read: v.value(), sum: tl.add(a!, b!), unused: tl.placeholder('float32', []) };
    });
    const feeds = new Map<tl.Tensor, tl.TensorData>([[parts.a, [10, 20]], [parts.read, [7, 8]], [parts.unused, 1]]); // prettier-ignore
    expect((await s.run([parts.sum, parts.read], feeds)).map((value) => value.toArray())).toEqual([[13, 24], [7, 8]]); // prettier-ignore
  });

  const values: readonly (readonly [tl.DType, tl.TensorData, unknown?])[] = [
    ['float32', [[1.5, -0, Infinity], [NaN, 1e-45, 3.4e38]]], // prettier-ignore
    ['float64', [Math.PI, -Number.MIN_VALUE]],
    ['float16', [1, -65504, 6e-8], [1, -65504, 5.960464477539063e-8]],
    ['bfloat16', [1, -3.140625, 1e38], [1, -3.140625, 9.969209968386869e37]],
    ['int8', [-128, 127]],
    ['int16', [-32768, 32767]],
    ['int32', [-(2 ** 31), 2 ** 31 - 1]],
    ['int64', [-(2n ** 63n), 2n ** 63n - 1n]],
    ['uint8', [0, 255]],
    ['uint16', [0, 65535]],
    ['uint32', [0, 2 ** 32 - 1]],
    ['uint64', [0n, 2n ** 64n - 1n]],
    ['bool', [true, false, true]],
    ['string', ['', 'grün ✓', '𝒙\0y', 'x'.repeat(10_000)]],
    [
      'complex64',
      [
        { re: 1, im: -2 },
        { re: 0, im: 0.5 },
      ],
    ],
    ['complex128', [{ re: Math.E, im: Number.EPSILON }]],
  ];
  test.each(values)('%s through another task', async (dtype, value, expected = value) => {
    const { s, parts } = bench.open(() => {
      const shapes = [null, [], [0, 3]].map((shape) => tl.placeholder(dtype, shape as never) as tl.Tensor);
      return { shapes, through: shapes.map((x) => on('second', () => tl.identity(on('first', () => tl.identity(x))))) };
    });
    const empty = tl.NDArray.from([], dtype, [0, 3]);
    const scalar = (value as readonly (readonly number[])[]).flat()[0]!;
    const feeds = new Map<tl.Tensor, tl.TensorData>(parts.shapes.map((x, i) => [x, [value, scalar, empty][i]!]));
    const [many, one, none] = await s.run(parts.through, feeds);
    expect(many!.toArray()).toEqual(tl.NDArray.from(expected as tl.TensorData, dtype).toArray());
    expect([one!.shape, one!.toArray()]).toEqual([[], (expected as unknown[]).flat()[0]]);
    expect([none!.shape, none!.dtype]).toEqual([[0, 3], dtype]);
  });
});

describe.each(benches)('%s: state and order', (_, bench) => {
  test('variables keep what runs assign', async () => {
    const { s, parts } = bench.open(() => {
      const v = on('ps', () => tl.variable([1, 2], { name: 'v' }));
      const w = on('second', () => tl.variable(tl.constant([10n, 20n]), { name: 'w' }));
      return { v, w, step: v.assignAdd([1, 1]), set: w.assign([2n ** 40n, 1n]), init: tl.globalVariablesInitializer() };
    });
    expect(await failure(s.run(parts.v))).toBeInstanceOf(tl.FailedPreconditionError);
    await s.run(parts.init);
    expect((await s.run(parts.step)).toArray()).toEqual([2, 3]);
    await s.run([parts.step.op, parts.set]);
    expect((await s.run([parts.v, parts.w])).map((value) => value.toArray())).toEqual([[3, 4], [2n ** 40n, 1n]]); // prettier-ignore
  });

  test('control dependencies order runs across tasks, and what is not needed does not run', async () => {
    const { s, parts } = bench.open(() => {
      const v = on('ps', () => tl.variable(10, { name: 'v' }));
      v.assignAdd(100);
      const after = tl.controlDependencies([v.assignAdd(1)], () => on('ps', () => v.value()));
      const later = tl.controlDependencies([after], () => on('first', () => tl.constant(5)));
      return { v, after, later, other: tl.constant(1), init: tl.globalVariablesInitializer() };
    });
    await s.run(parts.init);
    await s.run(parts.other);
    expect((await s.run(parts.after)).item()).toBe(11);
    expect((await s.run(parts.later)).item()).toBe(5);
    expect((await s.run(parts.v)).item()).toBe(12);
  });

  test('feeding an operation does not remove control edges to it', async () => {
    const { s, parts } = bench.open(() => {
      const v = tl.variable(0, { name: 'v' });
      const p = tl.placeholder('float32', [], { name: 'p' });
      const mid = tl.controlDependencies([v.assignAdd(1)], () => p.multiply(2, { name: 'mid' }));
      const out = tl.controlDependencies([mid], () => tl.constant(5));
      return { v, mid, out, init: tl.globalVariablesInitializer() };
    });
    await s.run(parts.init);
    const error = await failure(s.run(parts.out, new Map([[parts.mid, 1]])));
    expect(error).toBeInstanceOf(tl.InvalidArgumentError);
    expect([error.nodeName, error.message]).toEqual(['p', expect.stringContaining("placeholder tensor 'p'")]);
    expect((await s.run(parts.out, { 'mid:0': 1, p: 1 })).item()).toBe(5);
  });

  test('runs queue in the order they were asked for', async () => {
    const { s, parts } = bench.open(() => {
      const v = tl.variable(1, { name: 'v' });
      return { v, steps: [v.assign(v.multiply(3)), v.assignAdd(2)] };
    });
    await s.run(parts.v.initializer);
    const results = await Promise.all([0, 1, 0, 1].map((i) => s.run(parts.steps[i]!)));
    expect(results.map((value) => value.item())).toEqual([3, 5, 15, 17]);
  });

  test('what a failing run wrote stays', async () => {
    const { s, parts } = bench.open(() => {
      const v = tl.variable(0, { name: 'v' });
      const write = v.assignAdd(1, { name: 'bump' });
      const bad = tl.controlDependencies([write], () =>
        on('second', () =>
          tl.gather(tl.constant([1, 2]), tl.placeholder('int32', [], { name: 'i' }), { name: 'pick' }),
        ),
      );
      return { v, bad, init: tl.globalVariablesInitializer() };
    });
    await s.run(parts.init);
    const error = await failure(s.run(parts.bad, { i: 9 }));
    expect(error).toBeInstanceOf(tl.InvalidArgumentError);
    expect([error.op, error.nodeName, error.createdAt]).toEqual(['GatherV2', 'pick', expect.stringMatching(/targets\.spec\.ts:\d+$/)]); // prettier-ignore
    expect(error.message).toMatch(/9 is not in \[0, 2\)[^]*created at .*targets\.spec\.ts:\d+/);
    expect((await s.run(parts.v)).item()).toBe(1);
  });

  test('the graph may grow between runs, and so may its functions', async () => {
    const { g, s, parts } = bench.open(() => tl.placeholder('float32', [], { name: 'x' }));
    expect((await s.run(parts, { x: 2 })).item()).toBe(2);
    for (const times of [2, 3]) {
      const more = g.asDefault(() => tl.whileLoop((i: tl.Tensor) => i.less(100), (i: tl.Tensor) => i.multiply(times), [parts])); // prettier-ignore
      expect((await s.run(more, { x: 2 }))[0].item()).toBe(times === 2 ? 128 : 162);
      const [d] = g.asDefault(() => tl.gradients(more, parts));
      expect((await s.run(d as tl.Tensor, { x: 2 })).item()).toBe(times === 2 ? 64 : 81);
    }
  });

  test('callables', async () => {
    const { g, s, parts } = bench.open(() => {
      const x = tl.placeholder('float32', [null], { name: 'x' });
      const y = on('first', () => tl.placeholder('float32', [], { name: 'y' }));
      const v = on('ps', () => tl.variable(0, { name: 'v' }));
      return { x, y, v, z: on('second', () => x.multiply(y)), step: v.assignAdd(y) };
    });
    const { x, y, v, z, step } = parts;
    await s.run(v.initializer);
    const f = s.makeCallable({ z, x, all: [z, step.op] }, { feeds: [x, y] });
    for (const k of [2, 3]) {
      const { z: product, x: same, all } = await f([3, 4], k);
      expect([product.toArray(), same.toArray(), all[1]]).toEqual([[3 * k, 4 * k], [3, 4], null]);
    }
    expect((await s.run(v)).item()).toBe(5);
    const h = s.makeCallable(g.asDefault(() => z.negative()), { feeds: [y, x] }); // prettier-ignore
    expect((await h(2, [1])).toArray()).toEqual([-2]);
    await expect(h(1)).rejects.toThrow(/takes 2 feeds \(y:0, x:0\), not 1/);
    const bad = s.makeCallable(g.asDefault(() => tl.gather(x, tl.cast(y, 'int32'), { name: 'pick' })), { feeds: [x, y] }); // prettier-ignore
    const error = await failure(bad([1], 3));
    expect([error.code, error.nodeName]).toEqual(['INVALID_ARGUMENT', 'pick']);
    expect((await bad([1, 5], 1)).item()).toBe(5);
  });

  test('a closed session refuses', async () => {
    const { s, parts } = bench.open(() => tl.constant(1));
    const f = s.makeCallable(parts);
    await f();
    await s.close();
    await s.close();
    for (const late of [s.run(parts), f(), s.listDevices()])
      expect(await failure(late)).toBeInstanceOf(tl.FailedPreconditionError);
  });

  test('a deadline ends a run, and not its session', async () => {
    const { s, parts } = bench.open(() => {
      const n = tl.placeholder('int32', [], { name: 'n' });
      const loop = () => tl.whileLoop((i: tl.Tensor) => i.less(n), (i: tl.Tensor) => i.add(1), [tl.constant(0, { dtype: 'int32' })]); // prettier-ignore
      return on('first', loop)[0];
    });
    const start = Date.now();
    expect(await failure(s.run(parts, { n: 2 ** 31 - 1 }, { timeoutMs: 300 }))).toBeInstanceOf(
      tl.DeadlineExceededError,
    );
    expect(Date.now() - start).toBeLessThan(10_000);
    expect((await s.run(parts, { n: 3 }, { timeoutMs: 10_000 })).item()).toBe(3);
  });

  test('a trace has the steps', async () => {
    const { s, parts } = bench.open(() => {
      const x = tl.placeholder('float32', [20, 20], { name: 'x' });
      return on('second', () =>
        tl.matmul(
          on('first', () => tl.tanh(x)),
          x,
          { name: 'y' },
        ),
      );
    });
    const trace = new tl.RunMetadata();
    const feeds = { x: new Float32Array(400).fill(0.5) };
    await s.run(parts, feeds, { trace });
    const { stepStats, durationMs } = trace;
    expect(stepStats.flatMap(({ ops }) => ops)).toContain('y');
    let start = 0;
    for (const step of stepStats) {
      expect(step.startMs).toBeGreaterThanOrEqual(start);
      expect(step.startMs + step.durationMs).toBeLessThanOrEqual(durationMs + 1e-6);
      start = step.startMs;
    }
    const { traceEvents } = JSON.parse(trace.generateChromeTraceFormat()) as {
      traceEvents: { ph: string; name: string }[];
    };
    expect(traceEvents.filter(({ ph }) => ph === 'X').map(({ name }) => name)).toEqual(
      stepStats.map(({ name }) => name),
    );
    expect((await s.run(parts, feeds)).toArray()).toEqual((await s.run(parts, feeds, { trace })).toArray());
  });
});

describe.each(benches)('%s: what does not fit is refused before anything runs', (_, bench) => {
  const build = () => {
    const v = tl.variable(0, { name: 'v' });
    const x = tl.placeholder('float32', [null, 3], { name: 'x' });
    const y = tl.controlDependencies([v.assignAdd(1)], () => x.multiply(2, { name: 'y' }));
    return { v, y };
  };
  const fit = [[1, 2, 3]];
  const attempts: readonly (readonly [string, unknown, unknown, new (...args: never[]) => Error, RegExp])[] = [
    ['a fetch of null', null, {}, tl.InvalidArgumentError, /Cannot fetch fetches: it is null/],
    ['a number', { a: [3] }, {}, tl.InvalidArgumentError, /Cannot fetch fetches\.a\[0\]: it is number/],
    ['an unknown name', ['y:0', 'nope:0'], { x: fit }, tl.NotFoundError, /no operation 'nope'/],
    ['an output that is not there', 'y:3', { x: fit }, tl.NotFoundError, /there is no 'y:3'/],
    ['a wrong shape', 'y:0', { x: [[1, 2]] }, tl.ShapeError, /'x:0' has shape \[1, 2\], but the tensor has shape \[\?, 3\]/], // prettier-ignore
    ['a wrong dtype', 'y:0', { x: [['a', 'b', 'c']] }, tl.DTypeError, /"a" is not a value of dtype float32/],
    ['a feed of nothing there', 'y:0', { x: fit, z: 1 }, tl.NotFoundError, /Cannot feed 'z'/],
    ['a feed of null', 'y:0', { x: null }, tl.InvalidArgumentError, /'x:0' is null/],
    ['two feeds of one', 'y:0', { x: fit, 'x:0': fit }, tl.InvalidArgumentError, /fed twice/],
    ['no time', 'y:0', { x: fit }, tl.DeadlineExceededError, /the time given is 0 ms/],
  ];
  test.each(attempts)('%s', async (what, fetches, feeds, Kind, message) => {
    const { s, parts } = bench.open(build);
    await s.run(parts.v.initializer);
    const options = what === 'no time' ? { timeoutMs: 0 } : {};
    const error = await failure(s.run(fetches as string, feeds as tl.Feeds, options));
    expect(error).toBeInstanceOf(Kind);
    expect(error.message).toMatch(message);
    expect((await s.run(parts.v)).item()).toBe(0);
  });

  test('tensors of other graphs, and unfed placeholders', async () => {
    const { s, parts } = bench.open(build);
    const other = bench.open(() => tl.constant(1)).parts;
    expect((await failure(s.run(other))).message).toMatch(/another graph/);
    expect((await failure(s.run(parts.y, new Map([[other, 1]])))).message).toMatch(/another graph/);
    await s.run(parts.v.initializer);
    const error = await failure(s.run(parts.y));
    expect([error.code, error.nodeName]).toEqual(['INVALID_ARGUMENT', 'x']);
    expect(error.message).toMatch(
      /You must feed a value for placeholder tensor 'x' with dtype float[^]*created at .*targets\.spec\.ts:\d+/,
    );
  });
});
