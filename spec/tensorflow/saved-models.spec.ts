/** What TensorFlow and Keras write, read here: checkpoints, SavedModels and graphs of functions; values and gradients are TensorFlow's. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tl from '../../src/index.js';
import { decodeGraphDef, loadSavedModel, parseGraphDef, readCheckpoint } from '../../src/interop/index.js';
import { encoded, expectedIn, type Encoded } from '../interop/support/checkpoints.js';
import { compareSignature, type SignatureValues } from '../interop/support/saved-models.js';
import { arrayDifference, decodeArray } from './support/arrays.js';

const python = process.env.TAPELESS_PYTHON ?? 'python';
const folder = mkdtempSync(join(tmpdir(), 'tapeless-saved-models-'));
const answer = <T>(name: string): T => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as T;

beforeAll(async () => {
  const run = (script: string, ...args: string[]) =>
    promisify(execFile)(python, [fileURLToPath(new URL(script, import.meta.url)), ...args]);
  await run('checkpoints.py', join(folder, 'checkpoints'));
  await run('saved_models.py', folder);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

function same(ours: tl.NDArray, theirs: Encoded, what: string, tolerance = 1): void {
  expect([what, arrayDifference(ours, decodeArray(theirs), tolerance)]).toEqual([what, null]);
}

test.each(['everything', 'sliced', 'many', 'variables'])('the checkpoint %s', async (name) => {
  const path = join(folder, 'checkpoints');
  const values = expectedIn(path)[name]!;
  const checkpoint = await readCheckpoint(join(path, name));
  for (const [tensor, value] of Object.entries(values))
    expect([tensor, encoded(await checkpoint.tensor(tensor))]).toEqual([tensor, value]);
  expect(checkpoint.entries.size).toBeGreaterThanOrEqual(name === 'many' ? 6000 : Object.keys(values).length);
});

describe('SavedModels', () => {
  test.each([
    ['module', 'serving_default', 3, 1],
    ['module', 'loss', 3, 1],
    ['branching', 'serving_default', 1, 1],
    ['custom', 'serving_default', 1, 1],
    ['keras', 'serving_default', 16, 20],
  ])('%s, %s: what it computes, and the gradients by its variables', async (name, signature, count, tolerance) => {
    const values = answer<{ signatures: Record<string, SignatureValues>; checkpoint: Record<string, Encoded> }>(name);
    const model = await loadSavedModel(join(folder, name));
    for (const [key, value] of Object.entries(values.checkpoint))
      expect([key, encoded(await model.checkpoint!.tensor(key))]).toEqual([key, value]);
    expect(await compareSignature(model, signature, values.signatures[signature]!, { tolerance })).toBe(count);
  });

  test('the weights of a Keras model are trained here', async () => {
    const model = await loadSavedModel(join(folder, 'keras'));
    const { inputs, outputs } = model.signatures['serving_default']!;
    const [x, y] = [Object.values(inputs)[0]!, Object.values(outputs)[0]!];
    const [loss, train, init] = model.graph.asDefault(() => {
      const wanted = tl.constant([[1, 0, 0], [0, 1, 0]]); // prettier-ignore
      const error = tl.reduceMean(tl.squaredDifference(y, wanted));
      const step = new tl.train.AdamOptimizer(0.01).minimize(error, { varList: [...model.trainableVariables] });
      return [error, step, tl.globalVariablesInitializer()];
    });
    const session = new tl.Session({ graph: model.graph });
    await session.run(init);
    await model.restore(session);
    const feeds = new Map([[x, tl.NDArray.from(Float32Array.from({ length: 256 }, (_, i) => Math.sin(i)), 'float32', [2, 8, 8, 2])]]); // prettier-ignore
    const before = (await session.run(loss, feeds)).item() as number;
    for (let i = 0; i < 60; i++) await session.run(train, feeds);
    expect((await session.run(loss, feeds)).item()).toBeLessThan(before / 4);
    await session.close();
  });

  test('a training graph of version 1, in text: our gradients, and its own step', async () => {
    const values = answer<{
      inputs: Record<string, Encoded>;
      outputs: Record<string, Encoded>;
      gradients: Record<string, Encoded>;
      values: Record<string, Encoded>;
      after: Record<string, Encoded>;
      'step after': number;
    }>('training');
    const model = await loadSavedModel(join(folder, 'training'), { tags: ['train'] });
    const trained = Object.keys(values.values);
    expect(model.trainableVariables.map(({ handle }) => handle.op.name)).toEqual(trained);
    expect(model.variables).toHaveLength(12);
    const session = new tl.Session({ graph: model.graph });
    await model.restore(session);
    const feeds = Object.fromEntries(Object.entries(values.inputs).map(([name, value]) => [name, decodeArray(value)]));
    const { outputs } = model.signatures['predict']!;
    const dxs = tl.gradients(outputs['loss']!, [...model.trainableVariables]) as tl.Tensor[];
    const results = await session.run(
      { outputs: { ...outputs }, dxs, variables: [...model.trainableVariables] },
      feeds,
    );
    for (const [key, value] of Object.entries(values.outputs)) same(results.outputs[key]!, value, key);
    trained.forEach((name, i) => {
      same(results.dxs[i]!, values.gradients[name]!, `gradient by ${name}`);
      same(results.variables[i]!, values.values[name]!, name);
    });
    await session.run('train', feeds);
    const after = await session.run([...model.trainableVariables]);
    trained.forEach((name, i) => same(after[i]!, values.after[name]!, `${name} after a step`));
    const step = model.variables.find(({ name }) => name === 'global_step:0')!;
    expect(Number((await session.run(step)).item())).toBe(values['step after']);
    await session.close();
  });
});

describe("a Keras model's function as a graph", () => {
  interface Graphs {
    readonly x: Encoded;
    readonly dy: Encoded;
    readonly y: Encoded;
    readonly dx: Encoded;
    readonly frozen: { readonly x: string; readonly y: string };
    readonly called: { readonly x: string; readonly y: string };
    readonly variables: Readonly<Record<string, { readonly value: Encoded; readonly gradient: Encoded }>>;
  }
  const tolerance = 20;
  const read = (name: string) => {
    const bytes = readFileSync(join(folder, 'graphs', name));
    return name.endsWith('.pb') ? decodeGraphDef(bytes) : parseGraphDef(bytes.toString());
  };

  test.each(['frozen.pb', 'frozen.pbtxt'])('%s: its functions inlined, its variables constants', async (name) => {
    const values = answer<Graphs>('graphs');
    const graph = new tl.Graph();
    const elements = [values.frozen.x, values.frozen.y];
    const [x, y] = graph.asDefault(() => tl.importGraphDef(read(name), { name: '', returnElements: elements })) as [tl.Tensor, tl.Tensor]; // prettier-ignore
    const [dx] = tl.gradients(y, x, { gradYs: graph.asDefault(() => tl.constant(decodeArray(values.dy))) }) as [
      tl.Tensor,
    ];
    const [ours, gradient] = await new tl.Session({ graph }).run([y, dx], new Map([[x, decodeArray(values.x)]]));
    same(ours, values.y, 'y', tolerance);
    same(gradient, values.dx, 'dx', tolerance);
  });

  test.each(['called.pb', 'called.pbtxt'])('%s: its functions called, its variables given', async (name) => {
    const values = answer<Graphs>('graphs');
    const graph = new tl.Graph();
    await graph.asDefault(async () => {
      const theirs = Object.entries(values.variables);
      const variables = theirs.map(([, { value }]) => tl.variable(decodeArray(value)));
      const inputMap = Object.fromEntries(theirs.map(([input], i) => [input, variables[i]!.handle]));
      const options = { name: 'model', inputMap, returnElements: [values.called.x, values.called.y] };
      const [x, y] = tl.importGraphDef(read(name), options) as [tl.Tensor, tl.Tensor];
      const dxs = tl.gradients(y, [x, ...variables], {
        gradYs: graph.asDefault(() => tl.constant(decodeArray(values.dy))),
      }) as tl.Tensor[];
      const init = tl.globalVariablesInitializer();
      const session = new tl.Session();
      await session.run(init);
      const [ours, dx, ...gradients] = await session.run([y, ...dxs], new Map([[x, decodeArray(values.x)]]));
      same(ours, values.y, 'y', tolerance);
      same(dx!, values.dx, 'dx', tolerance);
      theirs.forEach(([input, { gradient }], i) => same(gradients[i]!, gradient, `gradient by ${input}`, tolerance));
    });
  });
});
