/** Sessions: fetches, feeds, pruning, state, order of effects, callables, and errors before anything runs. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

/** A chain of 300,000 operations with its gradient, made once for all that need it. */
let chain: { readonly g: tl.Graph; readonly fetches: [tl.Tensor, tl.Tensor] } | null = null;
function longChain(): NonNullable<typeof chain> {
  if (chain) return chain;
  const g = new tl.Graph();
  const fetches = g.asDefault((): [tl.Tensor, tl.Tensor] => {
    const x = tl.constant(1, { name: 'x' });
    let y: tl.Tensor = x;
    for (let i = 0; i < 300_000; i++) y = y.negative();
    return [y, tl.gradients(y, x)[0] as tl.Tensor];
  });
  expect(tl.printGraph(g).length).toBeGreaterThan(600_000);
  return (chain = { g, fetches });
}

describe.each(['interpret', 'wasm'])('on the backend %s', (backend) => {
  function setup<T>(build: () => T): { g: tl.Graph; s: tl.Session; parts: T } {
    const g = new tl.Graph();
    const parts = g.asDefault(build);
    return { g, s: new tl.Session({ graph: g, backend }), parts };
  }

  describe('fetches', () => {
    test('every kind, in any nest, each computed once', () => {
      const { s, parts } = setup(() => {
        const a = tl.constant([1, 2], { name: 'a' });
        const v = tl.variable(5, { name: 'v' });
        return { a, v, init: tl.globalVariablesInitializer(), r: tl.random.uniform([]) };
      });
      s.runSync(parts.init);
      const result = s.runSync({
        list: [parts.a, ['a:0', 'a']],
        v: parts.v,
        nothing: [],
        op: parts.init,
        r: [parts.r, parts.r],
      });
      expect(result.list[0].toArray()).toEqual([1, 2]);
      expect(result.list[1][0].toArray()).toEqual([1, 2]);
      expect(result.list[1][1]).toBeNull();
      expect(result.v.item()).toBe(5);
      expect(result.op).toBeNull();
      expect(result.r[0].item()).toBe(result.r[1].item());
    });

    test.each<[string, unknown, RegExp]>([
      ['null', null, /Cannot fetch fetches: it is null/],
      ['a number inside', { a: [3] }, /Cannot fetch fetches\.a\[0\]: it is number/],
      ['an unknown name', 'nope:0', /no operation 'nope'/],
      ['an output that is not there', 'a:3', /there is no 'a:3'/],
    ])('%s is refused', (_, fetches, message) => {
      const { s } = setup(() => tl.constant(1, { name: 'a' }));
      expect(() => s.runSync(fetches as never)).toThrow(message);
    });

    test('a tensor of another graph is refused', () => {
      const { s } = setup(() => tl.constant(1));
      const other = setup(() => tl.constant(1)).parts;
      expect(() => s.runSync(other)).toThrow(/another graph/);
    });

    test('results are fresh: changing one changes nothing else', () => {
      const { s, parts } = setup(() => ({ v: tl.variable([1, 2]), init: tl.globalVariablesInitializer() }));
      s.runSync(parts.init);
      const first = s.runSync([parts.v, parts.v]);
      first[0].data[0] = 99;
      expect(first[1].toArray()).toEqual([1, 2]);
      expect(s.runSync(parts.v).toArray()).toEqual([1, 2]);
    });
  });

  describe('feeds', () => {
    test('any tensor can be fed, gradients see it too', () => {
      const { s, parts } = setup(() => {
        const x = tl.constant(1, { name: 'x' });
        const y = tl.square(x);
        const z = tl.square(y);
        return { x, y, dz: tl.gradients(z, x)[0] as tl.Tensor };
      });
      expect(s.runSync(parts.dz, new Map([[parts.y, 10]])).item()).toBe(40);
    });

    test('by name, by operation name, and a fed tensor fetched', () => {
      const { s, parts } = setup(() => {
        const x = tl.placeholder('float32', [null], { name: 'x' });
        return { x, y: x.multiply(2) };
      });
      expect(s.runSync(parts.y, { 'x:0': [1, 2] }).toArray()).toEqual([2, 4]);
      expect(s.runSync(parts.y, { x: new Float32Array([3]) }).toArray()).toEqual([6]);
      expect(s.runSync(parts.x, { x: [7] }).toArray()).toEqual([7]);
    });

    test.each<[string, unknown, new (...args: never[]) => Error, RegExp]>([
      ['unfed', {}, tl.InvalidArgumentError, /must feed a value for placeholder tensor 'x'/],
      ['wrong shape', { x: [[1, 2]] }, tl.ShapeError, /'x:0' has shape \[1, 2\], but the tensor has shape \[\?, 3\]/],
      ['wrong dtype', { x: [['a', 'b', 'c']] }, tl.DTypeError, /"a" is not a value of dtype float32/],
      ['unknown', { z: 1 }, tl.NotFoundError, /Cannot feed 'z'/],
      ['null', { x: null }, tl.InvalidArgumentError, /'x:0' is null/],
      ['ragged', { x: [[1, 2, 3], [1]] }, tl.ShapeError, /ragged/],
      ['twice', { x: [[1, 2, 3]], 'x:0': [[1, 2, 3]] }, tl.InvalidArgumentError, /fed twice/],
    ])('%s', (_, feeds, Kind, message) => {
      const { s, parts } = setup(() => tl.placeholder('float32', [null, 3], { name: 'x' }).multiply(2));
      expect(() => s.runSync(parts, feeds as tl.Feeds)).toThrow(Kind);
      expect(() => s.runSync(parts, feeds as tl.Feeds)).toThrow(message);
    });

    test('integers are not truncated', () => {
      const { s, parts } = setup(() => tl.placeholder('int32', [], { name: 'k' }).add(1));
      expect(() => s.runSync(parts, { k: 1.7 })).toThrow(/1\.7 is not a value of dtype int32/);
      expect(s.runSync(parts, { k: 41 }).item()).toBe(42);
    });

    test('feeding an operation does not remove control edges to it', () => {
      const { s, parts } = setup(() => {
        const v = tl.variable(0, { name: 'v' });
        const p = tl.placeholder('float32', [], { name: 'p' });
        const mid = tl.controlDependencies([v.assignAdd(1)], () => p.multiply(2, { name: 'mid' }));
        const out = tl.controlDependencies([mid], () => tl.constant(5));
        return { v, mid, out, init: tl.globalVariablesInitializer() };
      });
      s.runSync(parts.init);
      expect(() => s.runSync(parts.out, new Map([[parts.mid, 1]]))).toThrow(/placeholder tensor 'p'/);
      expect(s.runSync(parts.out, { 'mid:0': 1, p: 1 }).item()).toBe(5);
    });

    test('what waits for a fed placeholder runs, and what the placeholder waits for need not', () => {
      const { s, parts } = setup(() => {
        const q = tl.placeholder('float32', [], { name: 'q' });
        const p = tl.controlDependencies([q], () => tl.placeholder('float32', [], { name: 'p' }));
        return { p, out: tl.controlDependencies([p], () => tl.constant(5)) };
      });
      expect(s.runSync(parts.out, { p: 1 }).item()).toBe(5);
      expect(() => s.runSync(parts.out, { q: 1 })).toThrow(/placeholder tensor 'p'/);
    });
  });

  describe('state', () => {
    test('each session has its own variables; reading before initialising says what to do', () => {
      const { g, s, parts } = setup(() => ({
        v: tl.variable(1, { name: 'v' }),
        init: tl.globalVariablesInitializer(),
      }));
      expect(() => s.runSync(parts.v)).toThrow(tl.FailedPreconditionError);
      expect(() => s.runSync(parts.v)).toThrow(/variable v:.*initializer/);
      s.runSync(parts.init);
      expect(s.runSync(parts.v).item()).toBe(1);
      const second = new tl.Session({ graph: g, backend });
      expect(() => second.runSync(parts.v)).toThrow(tl.FailedPreconditionError);
    });

    test('reads that depend on nothing come before writes', () => {
      const { s, parts } = setup(() => {
        const v = tl.variable(10, { name: 'v' });
        const step = v.assignAdd(1);
        const read = v.value();
        return { step, read, init: tl.globalVariablesInitializer() };
      });
      s.runSync(parts.init);
      expect(s.runSync([parts.step, parts.read])[1].item()).toBe(10);
      expect(s.runSync(parts.read).item()).toBe(11);
    });

    test('a read inside controlDependencies comes after the write', () => {
      const { s, parts } = setup(() => {
        const v = tl.variable(10);
        const after = tl.controlDependencies([v.assignAdd(1)], () => v.value());
        return { after, init: tl.globalVariablesInitializer() };
      });
      s.runSync(parts.init);
      expect(s.runSync(parts.after).item()).toBe(11);
    });

    test('what is not needed does not run', () => {
      const { s, parts } = setup(() => {
        const v = tl.variable(0);
        v.assignAdd(1);
        return { v, other: tl.constant(1), init: tl.globalVariablesInitializer() };
      });
      s.runSync(parts.init);
      s.runSync(parts.other);
      expect(s.runSync(parts.v).item()).toBe(0);
    });

    test('what a failing run wrote stays, and the error says so', () => {
      const { s, parts } = setup(() => {
        const v = tl.variable(0, { name: 'v' });
        const write = v.assignAdd(1, { name: 'bump' });
        const bad = tl.controlDependencies([write], () =>
          tl.gather(tl.constant([1, 2]), tl.placeholder('int32', [], { name: 'i' })),
        );
        return { v, bad, init: tl.globalVariablesInitializer() };
      });
      s.runSync(parts.init);
      expect(() => s.runSync(parts.bad, { i: 9 })).toThrow(
        /not in \[0, 2\) \[GatherV2 created at .*session\.spec\.ts:\d+\].*already written stays: 'bump/s,
      );
      expect(s.runSync(parts.v).item()).toBe(1);
    });

    test('the graph may grow between runs', () => {
      const { g, s, parts } = setup(() => tl.constant(2));
      expect(s.runSync(parts).item()).toBe(2);
      const later = g.asDefault(() => parts.multiply(3));
      expect(s.runSync(later).item()).toBe(6);
    });
  });

  describe('callables and lifetime', () => {
    test('positional feeds, async and sync', async () => {
      const { s, parts } = setup(() => {
        const x = tl.placeholder('float32', [], { name: 'x' });
        const y = tl.placeholder('float32', [], { name: 'y' });
        return { x, y, z: x.multiply(y) };
      });
      const f = s.makeCallable(parts.z, { feeds: [parts.x, parts.y] });
      expect((await f(3, 4)).item()).toBe(12);
      expect(f.sync(5, 6).item()).toBe(30);
      expect(() => f.sync(1)).toThrow(/takes 2 feeds \(x:0, y:0\), not 1/);
      await expect(f(1, 2, 3)).rejects.toThrow(/not 3/);
    });

    test('a closed session refuses', async () => {
      const { s, parts } = setup(() => tl.constant(1));
      const f = s.makeCallable(parts);
      await s.close();
      await s.close();
      expect(() => s.runSync(parts)).toThrow(tl.FailedPreconditionError);
      expect(() => f.sync()).toThrow(/closed/);
    });

    test('runs queue in the order they were asked for', async () => {
      const { s, parts } = setup(() => ({ v: tl.variable(0), init: tl.globalVariablesInitializer() }));
      const step = s.graph.asDefault(() => parts.v.assignAdd(1));
      await s.run(parts.init);
      await Promise.all([s.run(step), s.run(step), s.run(step)]);
      expect((await s.run(parts.v)).item()).toBe(3);
    });

    test('await using closes', async () => {
      const { g, parts } = setup(() => tl.constant(1));
      const s = new tl.Session({ graph: g, backend });
      await s[Symbol.asyncDispose]();
      expect(() => s.runSync(parts)).toThrow(/closed/);
    });

    test('an empty graph, a bad option, an unknown target', () => {
      expect(() => new tl.Session({ graph: new tl.Graph() }).runSync([])).toThrow(/graph is empty/);
      expect(() => new tl.Session({ grpah: 1 } as never)).toThrow(/no option 'grpah'/);
      expect(() => new tl.Session({ target: 'ftp://x' })).toThrow(tl.NotFoundError);
      expect(() => new tl.Session({ backend: 'gpu' })).toThrow(/no backend 'gpu'/);
    });

    test('a deadline', () => {
      const { s, parts } = setup(() => {
        let x: tl.Tensor = tl.zeros([200, 200]);
        for (let i = 0; i < 200; i++) x = tl.matmul(x, x);
        return x;
      });
      expect(() => s.runSync(parts, {}, { timeoutMs: 5 })).toThrow(tl.DeadlineExceededError);
    });
  });

  test('a chain of 300,000 operations builds, differentiates, prunes, runs and prints', () => {
    const { g, fetches } = longChain();
    const s = new tl.Session({ graph: g, backend });
    expect(s.runSync(fetches).map((v) => v.item())).toEqual([1, 1]);
  });
});
