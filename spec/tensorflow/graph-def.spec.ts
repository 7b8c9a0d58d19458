/** Graphs in both directions: what TensorFlow wrote is differentiated and run here, and what was built here runs there. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tl from '../../src/index.js';
import { decodeGraphDef, encodeGraphDef, formatGraphDef, parseGraphDef } from '../../src/interop/index.js';
import { dtypeInfo } from '../../src/graph/dtype.js';
import { nodeJson } from '../../src/graph/print/json.js';
import { allOps } from '../../src/ops/opdef.js';
import { sampleCases } from '../ops/support/samples.js';
import { arrayDifference, decodeArray } from './support/arrays.js';
import { answerOf, hand, python, type Answer, type Written } from './support/graph-def.js';
import { buildSample } from './support/ops.js';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tapeless-graph-def-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const imported = (bytes: Uint8Array): tl.Graph => {
  const g = new tl.Graph();
  g.asDefault(() => tl.importGraphDef(decodeGraphDef(bytes), { name: '' }));
  return g;
};

describe('graphs that TensorFlow wrote', () => {
  beforeAll(async () => void (await python(['write', folder])), 120_000);
  const read = (name: string) => readFile(join(folder, name));

  test.each(['momentum', 'adam', 'rmsprop', 'loop', 'frozen', 'references'])(
    '%s comes out byte for byte',
    async (name) => {
      const bytes = await read(`${name}.pb`);
      expect(Buffer.from(encodeGraphDef(imported(bytes).toGraphDef())).equals(bytes)).toBe(true);
    },
  );

  test.each(['choice', 'calls'])(
    '%s, whose nodes are in no order of their inputs, with the same nodes',
    async (name) => {
      const bytes = await read(`${name}.pb`);
      const [before, after] = [bytes, encodeGraphDef(imported(bytes).toGraphDef())].map((data) => {
        const { node = [], ...rest } = decodeGraphDef(data);
        return formatGraphDef({ ...rest, node: [...node].sort((a, b) => (a.name! < b.name! ? -1 : 1)) });
      });
      expect(after).toBe(before);
    },
  );

  test.each(['momentum', 'adam', 'rmsprop', 'loop', 'choice', 'calls', 'frozen', 'references'])(
    '%s as text',
    async (name) => {
      const [bytes, text] = [await read(`${name}.pb`), (await read(`${name}.pbtxt`)).toString()];
      expect(formatGraphDef(decodeGraphDef(bytes))).toBe(text);
      expect(formatGraphDef(parseGraphDef(text))).toBe(text);
    },
  );

  const close = (actual: unknown, expected: Written['expected']['y']) =>
    expect(arrayDifference(actual as tl.NDArray, decodeArray(expected), 10)).toBeNull();
  const load = async (name: string) => {
    const todo = JSON.parse((await read(`${name}.json`)).toString()) as Written;
    const g = imported(await read(`${name}.pb`));
    const feeds = Object.fromEntries(Object.entries(todo.feeds).map(([key, value]) => [key, decodeArray(value)]));
    const gradients = g.asDefault(() => tl.gradients(todo.ys.map((y) => g.tensor(y)), todo.xs.map((x) => g.tensor(x)))); // prettier-ignore
    return { todo, g, feeds, gradients };
  };

  test.each(['momentum', 'adam', 'rmsprop'])('%s: our gradients, its optimizer', async (name) => {
    const { todo, g, feeds, gradients } = await load(name);
    await using session = new tl.Session({ graph: g });
    await session.run(todo.init!.map((op) => g.operation(op)));
    const { y, gradients: expected, after } = todo.expected;
    close(await session.run(g.tensor(todo.ys[0]!), feeds), y);
    for (const [i, gradient] of gradients.entries())
      close(await session.run(gradient as tl.Tensor, feeds), expected![i]!);
    await session.run(g.operation(todo.train![0]!), feeds);
    for (const [i, tensor] of todo.after!.entries()) close(await session.run(g.tensor(tensor)), after![i]!);
  });

  test.each(['loop', 'choice', 'calls', 'frozen'])('%s: values and our gradients', async (name) => {
    const { todo, g, feeds, gradients } = await load(name);
    for (const backend of ['wasm', 'interpret'] as const) {
      await using session = new tl.Session({ graph: g, backend });
      close(await session.run(g.tensor(todo.ys[0]!), feeds), todo.expected.y);
      close(await session.run(gradients[0] as tl.Tensor, feeds), todo.expected.dx!);
    }
  });

  test('variables of the first kind are carried, and stand for what is fed', async () => {
    const g = imported(await read('references.pb'));
    const [dw] = g.asDefault(() => tl.gradients(g.tensor('loss:0'), g.tensor('w:0'))) as [tl.Tensor];
    expect([g.operation('w').type, g.tensor('w:0').dtype]).toEqual(['VariableV2', 'float32']);
    await using session = new tl.Session({ graph: g });
    const feeds = { x: [[1, 2, 3]], w: new Float32Array(12) };
    expect((await session.run(dw, feeds)).toArray()).toEqual([1, 2, 3].map((x) => [x, x, x, x]));
    await expect(session.run(dw, { x: [[1, 2, 3]] })).rejects.toThrow("of an op that cannot be run here: 'VariableV2'");
  });
});

describe('graphs of ours', () => {
  /** Every sample of every op, as nodes of one graph. */
  const graph = new tl.Graph();
  const feeds: Record<string, tl.NDArray> = {};
  const fetches: { readonly op: string; readonly tensors: readonly tl.Tensor[]; readonly compared: boolean }[] = [];
  let answer: Answer;
  let model: Answer;

  beforeAll(async () => {
    const samples = allOps().flatMap((def) => sampleCases(def).map((sample) => [def, sample] as const));
    for (const [def, sample] of samples) {
      graph.asDefault(() =>
        tl.nameScope(sample.key.replace(/[^\w/]/g, '_'), () => {
          const built = buildSample(sample, 'static shapes');
          for (const [tensor, value] of built.feeds) feeds[tensor.name] = value;
          const held = built.op.outputs.filter(({ dtype }) => dtype !== 'resource' && dtype !== 'variant');
          if (held.length > 0) fetches.push({ op: sample.key, tensors: held, compared: def.effect === 'pure' });
        }),
      );
    }
    const names = fetches.flatMap(({ tensors }) => tensors.map(({ name }) => name));
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(folder, 'ours'));
    await hand(join(folder, 'ours'), 'ops', graph, feeds, names);
    const trained = trainable();
    await hand(join(folder, 'ours'), 'model', trained.g, trained.feeds, trained.fetches, trained.init);
    await python(['read', join(folder, 'ours')]);
    answer = await answerOf(join(folder, 'ours'), 'ops');
    model = await answerOf(join(folder, 'ours'), 'model');
  }, 300_000);

  /** Variables, a loop, a choice, calls, and gradients through all of them. */
  function trainable() {
    const g = new tl.Graph();
    return g.asDefault(() => {
      const x = tl.placeholder('float32', [2, 2], { name: 'x' });
      const w = tl.variable([[0.5, 0.2], [-0.3, 0.4]], { name: 'w' }); // prettier-ignore
      const square = tl.function((t: tl.Tensor) => tl.multiply(t, t), { name: 'square' });
      const [, y] = tl.whileLoop((i) => tl.less(i, 3), (i, t) => [tl.add(i, 1), tl.tanh(tl.matmul(t, w))], [tl.constant(0, { dtype: 'int32' }), x as tl.Tensor]); // prettier-ignore
      const z = tl.cond(tl.greater(tl.reduceSum(y), 0), () => square(y), () => tl.exp(y)); // prettier-ignore
      const loss = tl.reduceSum(z);
      const [dw, dx] = tl.gradients(loss, [w, x]) as [tl.Tensor, tl.Tensor];
      const words = tl.constant(['é', '\udcff'], { name: 'words' });
      return {
        g,
        feeds: { 'x:0': tl.NDArray.from([[0.1, 0.2], [0.3, 0.4]]) }, // prettier-ignore
        fetches: [loss, dw, dx, words].map(({ name }) => name),
        init: [w.initializer.name],
      };
    });
  }

  test('TensorFlow serialises them to the same bytes, text and JSON', () => {
    for (const { bytes, text, parsed, json } of [answer, model])
      expect({ bytes, text, parsed, json }).toEqual({ bytes: true, text: true, parsed: true, json: true });
  });

  test('a model with loops, choices and calls runs there', async () => {
    const { g, feeds, fetches, init } = trainable();
    await using session = new tl.Session({ graph: g });
    await session.run(g.operation(init[0]!));
    expect(model.errors).toEqual({});
    for (const name of fetches)
      expect(
        arrayDifference(await session.run(g.tensor(name), feeds), decodeArray(model.values[name]!), 10),
      ).toBeNull();
  });

  test('every node gives there what it gives here', async () => {
    await using session = new tl.Session({ graph, backend: 'interpret' });
    const wrong: string[] = [];
    let compared = 0;
    for (const { op, tensors, compared: isCompared } of fetches) {
      for (const tensor of tensors) {
        const error = answer.errors[tensor.name];
        const here = await session.run(tensor, feeds).catch((reason: Error) => reason);
        if (error !== undefined || here instanceof Error) {
          if (error === undefined || !(here instanceof Error)) wrong.push(`${op}: ${error ?? String(here)}`);
          continue;
        }
        if (!isCompared) continue;
        const difference = arrayDifference(here, decodeArray(answer.values[tensor.name]!), 10);
        if (difference) wrong.push(`${op} ${tensor.name}: ${difference}`);
        compared++;
      }
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(400);
  }, 300_000);
});

describe('signatures of ops', () => {
  interface Arg {
    readonly name: string;
    readonly type?: string;
    readonly type_attr?: string;
    readonly number_attr?: string;
    readonly type_list_attr?: string;
  }
  interface Registered {
    readonly input_arg?: readonly Arg[];
    readonly output_arg?: readonly Arg[];
    readonly attr?: readonly { readonly name: string; readonly type: string; readonly default_value?: object; readonly minimum?: string }[]; // prettier-ignore
  }
  let registered: { readonly [op: string]: Registered };
  beforeAll(async () => {
    registered = JSON.parse(await python([], JSON.stringify(allOps().map(({ name }) => name)))) as typeof registered;
  }, 60_000);

  test('arguments and attributes are those of TensorFlow, by name, type and default', () => {
    const wrong: string[] = [];
    for (const { name, parsed } of allOps()) {
      const theirs = registered[name];
      if (!theirs) {
        wrong.push(`${name} is no op of TensorFlow's`);
        continue;
      }
      const argument = ({ name: arg, type, count }: (typeof parsed.inputs)[number]) =>
        ['fixed' in type ? dtypeInfo(type.fixed).enumName : 'attr' in type ? type.attr : `list ${type.list}`, count ?? '', arg].join(' '); // prettier-ignore
      const their = ({ name: arg, type, type_attr, number_attr, type_list_attr }: Arg) =>
        [type_list_attr ? `list ${type_list_attr}` : (type_attr ?? type), number_attr ?? '', arg].join(' ');
      const compare = (what: string, a: unknown, b: unknown) => {
        if (JSON.stringify(a) !== JSON.stringify(b)) wrong.push(`${name} ${what}: ${JSON.stringify(a)}, TensorFlow ${JSON.stringify(b)}`); // prettier-ignore
      };
      compare('inputs', parsed.inputs.map(argument), (theirs.input_arg ?? []).map(their));
      compare('outputs', parsed.outputs.map(argument), (theirs.output_arg ?? []).map(their));
      const ours = parsed.attrs.map(({ name: attr, kind, list }) => `${attr}: ${list ? `list(${kind})` : kind}`).sort();
      compare('attrs', ours, (theirs.attr ?? []).map(({ name: attr, type }) => `${attr}: ${type}`).sort());
      for (const attr of theirs.attr ?? []) {
        const own = parsed.attrOf.get(attr.name);
        if (!own) continue;
        const node = { name: 'n', op: name, input: [], device: '', attr: own.default ? { a: own.default } : {} };
        const value = (nodeJson(node) as { attr?: { a: unknown } }).attr?.a ?? null;
        const default_ = attr.default_value ? (JSON.parse(JSON.stringify(attr.default_value).replaceAll('unknown_rank', 'unknownRank')) as object) : null; // prettier-ignore
        compare(`default of ${attr.name}`, value, default_);
      }
    }
    expect(wrong).toEqual([]);
  });
});
