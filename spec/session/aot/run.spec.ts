/** Models built ahead of time compute what sessions compute, and check what they are given. */
import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { copyFileSync, readFileSync } from 'node:fs';
import * as tl from '../../../src/index.js';
import { relaxedSimd } from '../../../src/session/backends/wasm/matmul/relaxed.js';
import { build, entry, literal, play, shown, temporaryFolder, valuesIn } from './support.js';

const folder = temporaryFolder();
const steps = 5;

interface Shown {
  readonly array: string;
  readonly data: readonly string[];
}

/** Bits are equal where the session has no fused multiply-add either. */
function sameValues(found: unknown, expected: unknown): void {
  if (!relaxedSimd()) return expect(found).toEqual(expected);
  const [a, b] = [found, expected] as [Shown, Shown];
  expect([a.array, a.data.length]).toEqual([b.array, b.data.length]);
  a.data.forEach((x, i) => expect(Number(x)).toBeCloseTo(Number(b.data[i]), 4));
}

const optimizers: readonly (readonly [string, () => { minimize(loss: tl.Tensor): tl.Operation }])[] = [
  ['gradient descent', () => new tl.train.GradientDescentOptimizer(0.1)],
  ['momentum', () => new tl.train.MomentumOptimizer(0.1, 0.9)],
  ['RMSProp', () => new tl.train.RMSPropOptimizer(0.01)],
  ['Adam', () => new tl.train.AdamOptimizer(0.01)],
];

test.each(optimizers)(
  '%s: every step as in a session, and another function with the same variables',
  async (kind, make) => {
    const graph = new tl.Graph();
    const model = graph.asDefault(() => {
      const x = tl.placeholder('float32', [null, 6], { name: 'x' });
      const label = tl.placeholder('int64', [null], { name: 'label' });
      const dense = (input: tl.Tensor, from: number, to: number, name: string) => {
        const w = tl.variable(tl.random.normal([from, to], { stddev: 0.5, seed: from }), { name: `${name}/w` });
        return tl.nn.biasAdd(tl.matmul(input, w), tl.variable(tl.zeros([to]), { name: `${name}/b` }));
      };
      const logits = dense(tl.tanh(dense(x, 6, 12, 'hidden')), 12, 4, 'output');
      const loss = tl.reduceMean(tl.nn.sparseSoftmaxCrossEntropyWithLogits(label, logits));
      return { x, label, logits, loss, train: make().minimize(loss), init: tl.globalVariablesInitializer() };
    });
    const { x, label, logits, loss, train } = model;
    const session = new tl.Session({ graph });
    session.runSync(model.init);
    const name = kind.replace(' ', '-');
    build(
      folder.path,
      name,
      graph,
      [
        entry('step', { loss }, { targets: [train], feeds: { x: [x, [8, 6]], label: [label, [8]] } }),
        entry('predict', { logits }, { feeds: { images: [x, [2, 6]] } }),
      ],
      valuesIn(session),
    );
    const batch = tl.NDArray.from(
      Float32Array.from({ length: 48 }, (_, i) => Math.sin(i)),
      'float32',
      [8, 6],
    );
    const labels = tl.NDArray.from(BigInt64Array.from({ length: 8 }, (_, i) => BigInt(i % 4)));
    const two = tl.NDArray.from(batch.data.slice(0, 12), 'float32', [2, 6]);
    const expected: unknown[] = [];
    for (let i = 0; i < steps; i++) {
      expected.push(shown(session.runSync([loss, train] as const, { x: batch, label: labels })[0]));
      expected.push(shown(session.runSync(logits, { x: two })));
    }
    expected.push(...[...valuesIn(session).values()].map(shown));
    const found = await play(
      folder.path,
      `
    import { load } from './${name}.js';
    const model = await load();
    const x = ${literal(batch)}, label = ${literal(labels)}, images = ${literal(two)};
    for (let i = 0; i < ${steps}; i++) {
      tell(model.step({ x, label }).loss);
      tell(model.predict({ images }).logits);
    }
    const names = ${JSON.stringify([...valuesIn(session).keys()])};
    for (const name of names) tell(model.variables.get(name));
    `,
    );
    expect(found).toHaveLength(expected.length);
    found.forEach((value, i) => sameValues(value, expected[i]));
    await session.close();
  },
);

test('loops and choices, gradients of them, and changes of variables in them', async () => {
  const graph = new tl.Graph();
  const { x, fetches, v } = graph.asDefault(() => {
    const x = tl.placeholder('float64', [2], { name: 'x' });
    const v = tl.variable([1, 2], { name: 'v', dtype: 'float64' });
    const step = (h: tl.Tensor): tl.Tensor => tl.cond(tl.reduceSum(h).greater(1), () => tl.sin(h).multiply(x), () => tl.exp(h)); // prettier-ignore
    const y = tl.whileLoop((i) => tl.less(i, 4), (i, h) => [i.add(1), step(h)], [tl.constant(0, { dtype: 'int32' }), x as tl.Tensor])[1]; // prettier-ignore
    const changed = tl.whileLoop((i) => tl.less(i, 3), (i) => tl.controlDependencies([v.assignAdd(x).op], () => [i.add(1)]), [tl.constant(0, { dtype: 'int32' })])[0]; // prettier-ignore
    const after = tl.controlDependencies([changed.op], () => v.value().add(0));
    return { x, v, fetches: { y, dx: tl.gradients(y, x)[0] as tl.Tensor, after } };
  });
  const session = new tl.Session({ graph });
  session.runSync(v.initializer);
  build(folder.path, 'control', graph, [entry('run', fetches)], valuesIn(session));
  const expected = session.runSync(fetches, new Map([[x, tl.NDArray.from([0.5, -1], 'float64')]]));
  const script = `
    import { load } from './control.js';
    tell((await load()).run({ x: Float64Array.of(0.5, -1) }));
  `;
  const [found] = (await play(folder.path, script)) as [Record<string, unknown>];
  for (const [key, value] of Object.entries(expected)) expect([key, found[key]]).toEqual([key, shown(value)]);
});

test('all dtypes, feeds that nothing computes with, constants, reshapes, and variables before and after a change', async () => {
  const graph = new tl.Graph();
  const { feeds, fetches, v } = graph.asDefault(() => {
    const d = tl.placeholder('float64', [3], { name: 'd' });
    const i = tl.placeholder('int32', [2, 2], { name: 'i' });
    const l = tl.placeholder('int64', [], { name: 'l' });
    const b = tl.placeholder('bool', [4], { name: 'b' });
    const v = tl.variable([1.5, 2.5], { name: 'v' });
    const before = v.value();
    const change = tl.controlDependencies([before.op], () => v.assignAdd([1, 1]));
    return {
      v,
      feeds: { d, i, l, b },
      fetches: {
        exp: tl.exp(d),
        product: tl.matmul(i, i),
        next: tl.add(l, 1n),
        not: tl.logicalNot(b),
        same: b,
        flat: tl.reshape(i, [4]),
        constant: tl.constant([[1, 2]], { dtype: 'float64' }),
        equal: tl.constant([1, 2], { dtype: 'float64' }),
        zeros: tl.zeros([2]),
        nothing: tl.zeros([0, 3]),
        before,
        after: tl.identity(change),
      },
    };
  });
  const session = new tl.Session({ graph });
  session.runSync(v.initializer);
  build(folder.path, 'kinds', graph, [entry('run', fetches), entry('look', { v })], valuesIn(session));
  const given = {
    d: tl.NDArray.from([0, 1, -2], 'float64'),
    i: tl.NDArray.from([[1, 2], [3, 2_000_000_000]], 'int32'), // prettier-ignore
    l: tl.NDArray.from(2n ** 62n, 'int64'),
    b: tl.NDArray.from([true, false, false, true]),
  };
  const expected = session.runSync(
    fetches,
    new Map(Object.entries(feeds).map(([key, tensor]) => [tensor, given[key as 'd']])),
  );
  const [found, looked, reused] = (await play(
    folder.path,
    `
    import { load } from './kinds.js';
    const model = await load();
    const feeds = { ${Object.entries(given)
      .map(([key, array]) => `${key}: ${literal(array)}`)
      .join()} };
    tell(model.run(feeds));
    tell(model.look());
    const own = new Float64Array(3);
    const results = model.run({ ...feeds, b: Uint8Array.of(7, 0, 0, 255) }, { exp: own });
    tell([results.exp === own, own, results.same, model.variables.get('v'), (await load()).variables.get('v')]);
    `,
  )) as [Record<string, unknown>, unknown, unknown];
  for (const [key, value] of Object.entries(expected)) expect([key, found[key]]).toEqual([key, shown(value)]);
  expect(Object.keys(found)).toEqual(Object.keys(fetches));
  expect(looked).toEqual({ v: shown(tl.NDArray.from([2.5, 3.5])) });
  expect(reused).toEqual([
    true,
    shown(expected.exp),
    shown(expected.same),
    shown(tl.NDArray.from([3.5, 4.5])),
    shown(tl.NDArray.from([1.5, 2.5])),
  ]);
});

describe('failures', () => {
  test('say what a session says, and which changes stay', async () => {
    const graph = new tl.Graph();
    const parts = graph.asDefault(() => {
      const at = tl.placeholder('int32', [2], { name: 'at' });
      const by = tl.placeholder('int32', [], { name: 'by' });
      const v = tl.variable([1, 2, 3], { name: 'v' });
      const change = v.assignAdd([1, 1, 1]);
      const picked = tl.controlDependencies([change as never], () =>
        tl.gather(tl.constant([5, 6, 7]), at, { name: 'pick' }),
      );
      return { at, v, picked, ratio: tl.floordiv(tl.constant(7, { dtype: 'int32' }), by, { name: 'ratio' }) };
    });
    const session = new tl.Session({ graph });
    session.runSync(parts.v.initializer);
    const entries = [entry('pick', { picked: parts.picked }), entry('divide', { ratio: parts.ratio })];
    build(folder.path, 'failing', graph, entries, valuesIn(session));
    const complaint = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        return (error as Error).message.replace(/ \[\w+ created at [^\]]*\]/, '');
      }
      throw new Error('It did not fail.');
    };
    const expected = [
      complaint(() => session.runSync(parts.picked, { at: [1, 7] })),
      complaint(() => session.runSync(parts.ratio, { by: 0 })),
    ];
    expect(expected[0]).toContain("GatherV2 'pick'");
    const found = await play(
      folder.path,
      `
      import { load } from './failing.js';
      const model = await load();
      tell(await attempt(() => model.pick({ at: Int32Array.of(1, 7) })));
      tell(await attempt(() => model.divide({ by: Int32Array.of(0) })));
      tell(model.variables.get('v'));
      tell(model.pick({ at: Int32Array.of(0, 2) }).picked);
      tell(model.divide({ by: Int32Array.of(-2) }).ratio);
      `,
    );
    expect(found).toEqual([
      ...expected.map((message) => ({ error: 'RangeError', message })),
      shown(session.runSync(parts.v)),
      shown(tl.NDArray.from([5, 7])),
      shown(tl.NDArray.from([-4], 'int32')),
    ]);
  });

  test('what is given is checked before anything is changed', async () => {
    const graph = new tl.Graph();
    const { x, sum } = graph.asDefault(() => {
      const x = tl.placeholder('float32', [2], { name: 'x' });
      return { x, sum: tl.variable([0, 0], { name: 'total' }).assignAdd(x) };
    });
    build(folder.path, 'checks', graph, [entry('add', { sum: tl.identity(sum) }, { feeds: { x: [x, [2]] } })]);
    const [messages, total] = (await play(
      folder.path,
      `
      import { load } from './checks.js';
      const model = await load();
      const x = Float32Array.of(1, 2);
      tell(await Promise.all([
        () => model.add(), () => model.add(null), () => model.add({ x: [1, 2] }), () => model.add({ x: new Float64Array(2) }),
        () => model.add({ x: new Float32Array(3) }), () => model.add({ x, y: x }), () => model.add({ x }, { sum: new Float32Array(1) }),
        () => model.add({ x }, { total: x }), () => model.variables.set('total', new Float32Array(3)),
        () => model.variables.set('w', x), () => model.variables.get('w'),
      ].map(attempt)));
      tell(model.variables.get('total'));
      `,
    )) as [readonly { message: string }[], unknown];
    const wanted = "add: the feed 'x' must be a Float32Array of length 2 (float32 [2]), but is ";
    expect(messages.map(({ message }) => message)).toEqual([
      `${wanted}missing.`,
      'add: feeds are given as an object by name, but got null.',
      `${wanted}an object (Array).`,
      `${wanted}a Float64Array of length 2.`,
      `${wanted}a Float32Array of length 3.`,
      "add: there is no feed 'y'; there are: x.",
      "add: the output 'sum' must be a Float32Array of length 2 (float32 [2]), but is a Float32Array of length 1.",
      "add: there is no output 'total'; there are: sum.",
      "The variable 'total' must be a Float32Array of length 2 (float32 [2]), but is a Float32Array of length 3.",
      "There is no variable 'w'; there are: total.",
      "There is no variable 'w'; there are: total.",
    ]);
    expect(total).toEqual(shown(tl.NDArray.from([0, 0])));
  });
});

describe('loading', () => {
  test('by address, URL, response, bytes and module; what was saved is restored elsewhere', async () => {
    const graph = new tl.Graph();
    const { v, next } = graph.asDefault(() => {
      const v = tl.variable([1, 2], { name: 'v' });
      return { v, next: v.assign(tl.multiply(v, 3)) };
    });
    const initial = new Map([['v', tl.NDArray.from([1, 2])]]);
    const { loader, wasm } = build(folder.path, 'loading', graph, [entry('next', {}, { targets: [next.op] })], initial);
    expect(loader).not.toMatch(/\beval\b|\bFunction\b|^\s*import |\brequire\b/m);
    expect(wasm.length).toBeLessThan(1000);
    // Another build of the same shape, with another layout.
    build(folder.path, 'other', graph, [entry('next', { v }, { targets: [next.op] })], initial);
    copyFileSync(join(folder.path, 'loading.js'), join(folder.path, 'mixed.js'));
    const [found, restored, mistakes] = (await play(
      folder.path,
      `
      import { load } from './loading.js';
      import { readFileSync } from 'node:fs';
      const url = new URL('./loading.wasm', import.meta.url);
      const bytes = readFileSync(url);
      const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
      const module = new WebAssembly.Module(bytes);
      const sources = [undefined, './loading.wasm', url, url.href, bytes, buffer, module, new Response(bytes), Promise.resolve(new Response(bytes))];
      const models = [];
      for (const source of sources) models.push(await load(source));
      models.forEach((model, i) => { for (let k = 0; k < i; k++) model.next(); });
      tell(models.map((model) => model.variables.get('v')[0]));
      const copy = await load();
      for (const name of models[2].variables.names) copy.variables.set(name, models[2].variables.get(name));
      copy.next();
      tell(copy.variables.get('v'));
      const wrong = [5, {}, null, './missing.wasm', new Response('', { status: 404 }), bytes.subarray(0, 50), './other.wasm', new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))];
      tell(await Promise.all(wrong.map((source) => attempt(() => load(source)))));
      `,
    )) as [unknown, unknown, readonly { message: string }[]];
    expect(found).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => 3 ** i));
    expect(restored).toEqual(shown(tl.NDArray.from([27, 54])));
    const together = 'loading.wasm was not built together with this loader: take both from one build.';
    expect(mistakes.map(({ message }) => message)).toEqual([
      'load takes an address, a Response, bytes or a WebAssembly.Module, but got 5.',
      'load takes an address, a Response, bytes or a WebAssembly.Module, but got an object (Object).',
      'load takes an address, a Response, bytes or a WebAssembly.Module, but got null.',
      expect.stringMatching(/ENOENT.*missing\.wasm/),
      'Cannot load loading.wasm: HTTP 404.',
      expect.stringContaining('WebAssembly.compile()'),
      together,
      together,
    ]);
    expect(readFileSync(join(folder.path, 'loading.d.ts'), 'utf8')).toContain('next(feeds?: NextFeeds');
  });
});
