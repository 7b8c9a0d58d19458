/** Loading SavedModels: those that TensorFlow wrote, and what is wrong with others. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import * as tl from '../../src/index.js';
import { loadSavedModel } from '../../src/interop/index.js';
import { DataType } from '../../src/interop/proto/graph_pb.js';
import { SavedModelSchema, type MetaGraphDef } from '../../src/interop/proto/saved_model_pb.js';
import { textPieces } from '../../src/interop/text/format.js';
import { arrayDifference, decodeArray } from '../tensorflow/support/arrays.js';
import { writeIndex, type Encoded } from './support/checkpoints.js';
import { compareSignature, type SignatureValues } from './support/saved-models.js';

const fixtures = 'spec/fixtures/saved-models';
const expected = <T>(name: string): T => JSON.parse(readFileSync(`${fixtures}/${name}.json`, 'utf8')) as T;
const folder = mkdtempSync(join(tmpdir(), 'tapeless-saved-model-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A copy of a recorded model, with a graph that is changed, or without its variables. */
function changed(
  name: string,
  of: string,
  change: (graph: MetaGraphDef) => void,
  options = { variables: true },
): string {
  const path = join(folder, name);
  const model = fromBinary(SavedModelSchema, readFileSync(`${fixtures}/${of}/saved_model.pb`));
  change(model.metaGraphs[0]!);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'saved_model.pb'), toBinary(SavedModelSchema, model));
  if (options.variables) cpSync(`${fixtures}/${of}/variables`, join(path, 'variables'), { recursive: true });
  return path;
}

describe('a model of TensorFlow 2', () => {
  const path = `${fixtures}/module`;

  test('its signatures and variables', async () => {
    const model = await loadSavedModel(path);
    expect(model.tags).toEqual(['serve']);
    expect(Object.keys(model.signatures)).toEqual(['loss', 'serving_default']);
    const { inputs, outputs, methodName } = model.signatures['loss']!;
    expect(methodName).toBe('tensorflow/serving/predict');
    expect(Object.entries(inputs).map(([key, { name, shape }]) => [key, name, shape])).toEqual([
      ['t', 'loss_t:0', [null, 2]],
      ['x', 'loss_x:0', [null, 3]],
    ]);
    expect(Object.keys(outputs)).toEqual(['output_0']);
    const variables = model.variables.map(({ name, dtype, shape, trainable }) => [name, dtype, shape, trainable]);
    expect(variables).toEqual([
      ['bias:0', 'int64', [], false],
      ['bias_1:0', 'float32', [1], false],
      ['bias_2:0', 'float32', [2], true],
      ['kernel:0', 'float32', [3, 2], true],
    ]);
    expect(model.initializer?.type).toBe('NoOp');
    expect(model.trainableVariables.map(({ name }) => name)).toEqual(['bias_2:0', 'kernel:0']);
    expect(model.graph.asDefault(() => tl.trainableVariables())).toEqual(model.trainableVariables);
  });

  test.each(['loss', 'serving_default'])('%s, and its gradients', async (name) => {
    const values = expected<{ signatures: Record<string, SignatureValues> }>('module').signatures[name]!;
    const model = await loadSavedModel(path);
    expect(await compareSignature(model, name, values)).toBe(3);
  });

  test('can be trained: variables that are new are initialized, those that are loaded keep what they have', async () => {
    const model = await loadSavedModel(path);
    const session = new tl.Session({ graph: model.graph });
    await model.restore(session);
    const { inputs, outputs } = model.signatures['loss']!;
    const feeds = new Map([
      [inputs['x']!, [[0.1, 0.2, -0.3]]],
      [inputs['t']!, [[0.5, -0.5]]],
    ]);
    const loss = outputs['output_0']!;
    const before = (await session.run(loss, feeds)).item() as number;
    const [train, init] = model.graph.asDefault(() => {
      const step = new tl.train.AdamOptimizer(0.05).minimize(loss);
      return [step, tl.globalVariablesInitializer()];
    });
    await session.run(init);
    expect((await session.run(loss, feeds)).item()).toBe(before);
    for (let i = 0; i < 50; i++) await session.run(train, feeds);
    expect((await session.run(loss, feeds)).item()).toBeLessThan(before / 10);
    await session.close();
  });

  test('twice in one graph, each with variables of its own', async () => {
    const graph = new tl.Graph();
    const models = [await loadSavedModel(path, { graph, name: 'm' }), await loadSavedModel(path, { graph, name: 'm' })];
    const [first, second] = models.map(({ variables }) => variables.at(-1)!) as [tl.Variable, tl.Variable];
    expect([first.name, second.name]).toEqual(['m/kernel:0', 'm_1/kernel:0']);
    const session = new tl.Session({ graph });
    for (const model of models) await model.restore(session);
    await session.run(second.assign([[0, 0], [0, 0], [0, 0]])); // prettier-ignore
    expect((await session.run(first)).toArray()).toEqual([[1, 2], [3, 4], [5, 6]]); // prettier-ignore
    const values = expected<{ signatures: Record<string, SignatureValues> }>('module').signatures['loss']!;
    expect(await compareSignature(models[0]!, 'loss', values)).toBe(3);
  });

  test('without values in a session its variables have none', async () => {
    const { graph, signatures } = await loadSavedModel(path);
    const { inputs, outputs } = signatures['serving_default']!;
    const run = new tl.Session({ graph }).run(outputs, new Map([[inputs['x']!, [[1, 2, 3]]]]));
    await expect(run).rejects.toThrow(tl.FailedPreconditionError);
  });
});

test('the same in text', async () => {
  const path = changed('text', 'module', () => undefined);
  const model = fromBinary(SavedModelSchema, readFileSync(join(path, 'saved_model.pb')));
  rmSync(join(path, 'saved_model.pb'));
  writeFileSync(join(path, 'saved_model.pbtxt'), [...textPieces(SavedModelSchema, model)].join(''));
  const [text, binary] = await Promise.all([path, `${fixtures}/module`].map((from) => loadSavedModel(from)));
  expect(text!.graph.toGraphDef()).toEqual(binary!.graph.toGraphDef());
  const values = expected<{ signatures: Record<string, SignatureValues> }>('module').signatures['loss']!;
  expect(await compareSignature(text!, 'loss', values)).toBe(3);
  writeFileSync(join(path, 'saved_model.pbtxt'), 'meta_graphs {');
  await expect(loadSavedModel(path)).rejects.toThrow(`${path}/saved_model.pbtxt is damaged, or no SavedModel: `);
});

describe('a model of TensorFlow 1', () => {
  const path = `${fixtures}/partitioned`;
  const values = expected<{
    x: Encoded;
    loss: Encoded;
    whole: Encoded;
    variables: Record<string, { value: Encoded; gradient: Encoded }>;
  }>('partitioned');

  test('parts of a variable, which the checkpoint has as one tensor', async () => {
    const model = await loadSavedModel(path);
    expect(model.variables.map(({ name }) => name)).toEqual(['layer/w/part_0:0', 'layer/w/part_1:0']);
    expect(arrayDifference(await model.checkpoint!.tensor('layer/w'), decodeArray(values.whole))).toBeNull();
    const session = new tl.Session({ graph: model.graph });
    await model.restore(session);
    const { inputs, outputs } = model.signatures['predict']!;
    const loss = model.graph.asDefault(() => tl.reduceSum(tl.sigmoid(outputs['y']!)));
    const parts = [...model.variables];
    const feeds = new Map([[inputs['x']!, decodeArray(values.x)]]);
    const gradients = tl.gradients(loss, parts) as tl.Tensor[];
    const results = await session.run({ loss, parts, gradients }, feeds);
    expect(arrayDifference(results.loss, decodeArray(values.loss))).toBeNull();
    parts.forEach(({ handle }, i) => {
      const { value, gradient } = values.variables[handle.op.name]!;
      expect(arrayDifference(results.parts[i]!, decodeArray(value))).toBeNull();
      expect(arrayDifference(results.gradients[i]!, decodeArray(gradient))).toBeNull();
    });
  });

  test('what it runs first has run: its own variables have values', async () => {
    const model = await loadSavedModel(path);
    const session = new tl.Session({ graph: model.graph });
    await model.restore(session);
    expect((await session.run('count/Read/ReadVariableOp:0')).item()).toBe(0);
  });

  test('the graph is chosen by all of its tags', async () => {
    expect((await loadSavedModel(path, { tags: ['gpu', 'serve'] })).tags).toEqual(['gpu', 'serve']);
    await expect(loadSavedModel(path, { tags: ['gpu'] })).rejects.toThrow(
      new tl.NotFoundError(
        `${path} has no graph with the tags ['gpu']. It has ['serve'] and ['serve', 'gpu']: choose with { tags }.`,
      ),
    );
  });
});

describe('what is wrong', () => {
  const nothing = () => undefined;

  test.each([
    [
      'no directory',
      'spec/nothing',
      'There is no spec/nothing. A SavedModel is a directory with a saved_model.pb or saved_model.pbtxt.',
    ],
    [
      'a file',
      `${fixtures}/module/saved_model.pb`,
      'is a file. A SavedModel is a directory: give the one that saved_model.pb is in.',
    ],
    [
      'another directory',
      fixtures,
      `${fixtures} is no SavedModel: it has neither saved_model.pb nor saved_model.pbtxt.`,
    ],
  ])('%s', async (_, path, message) => {
    await expect(loadSavedModel(path)).rejects.toThrow(tl.NotFoundError);
    await expect(loadSavedModel(path)).rejects.toThrow(message);
  });

  test('a damaged file', async () => {
    const path = join(folder, 'damaged');
    mkdirSync(path);
    const bytes = readFileSync(`${fixtures}/module/saved_model.pb`);
    writeFileSync(join(path, 'saved_model.pb'), bytes.subarray(0, 5000));
    await expect(loadSavedModel(path)).rejects.toThrow(tl.InvalidArgumentError);
    await expect(loadSavedModel(path)).rejects.toThrow(`${path}/saved_model.pb is damaged, or no SavedModel: `);
    writeFileSync(join(path, 'saved_model.pb'), '');
    await expect(loadSavedModel(path)).rejects.toThrow(`${path}/saved_model.pb has no graph`);
  });

  test('options', async () => {
    const load = (options: object) => loadSavedModel(`${fixtures}/module`, options);
    await expect(load({ tag: 'serve' })).rejects.toThrow("loadSavedModel: there is no option 'tag'.");
    await expect(load({ tags: 'serve' })).rejects.toThrow("'tags' must be a list of tags");
    await expect(load({ graph: 1 })).rejects.toThrow("'graph' must be a Graph");
    await expect(load({ name: 'a b' })).rejects.toThrow("'a b' is not a valid node name");
  });

  test('a graph that does not fit leaves the graph as it was', async () => {
    const graph = new tl.Graph();
    const { state } = graph;
    const path = changed('unfit', 'module', ({ signatureDef }) => {
      const info = signatureDef['loss']!.outputs['output_0']!;
      info.encoding = { case: 'name', value: 'nothing:0' };
    });
    await expect(loadSavedModel(path, { graph })).rejects.toThrow("no operation 'nothing'");
    expect(graph.state).toBe(state);
  });

  test('no values', async () => {
    const path = changed('valueless', 'module', nothing, { variables: false });
    const model = await loadSavedModel(path);
    const session = new tl.Session({ graph: model.graph });
    await expect(model.restore(session)).rejects.toThrow(
      new tl.NotFoundError(`${path} has no values of its variables: there is no ${path}/variables/variables.index.`),
    );
  });

  test('a session of another graph', async () => {
    const model = await loadSavedModel(`${fixtures}/module`);
    const other = new tl.Session({ graph: new tl.Graph() });
    await expect(model.restore(other)).rejects.toThrow('restore: the session runs another graph than the one');
  });

  test.each<[string, Parameters<typeof writeIndex>[2], string]>([
    [
      'dtype',
      [[keyOf('bias'), { dtype: DataType.DT_DOUBLE, dims: [2] }]],
      "holds float32, and the checkpoint PREFIX has float64 [2] under 'bias/.ATTRIBUTES/VARIABLE_VALUE'.",
    ],
    [
      'foreign dtype',
      [[keyOf('bias'), { dtype: DataType.DT_QINT8, dims: [2] }]],
      'and the checkpoint PREFIX has qint8 [2]',
    ],
    [
      'shape',
      [[keyOf('bias'), { dtype: DataType.DT_FLOAT, dims: [3] }]],
      'has the shape [2], and the checkpoint PREFIX has float32 [3]',
    ],
    [
      'name',
      [[keyOf('other'), { dtype: DataType.DT_FLOAT, dims: [2] }]],
      "is not in the checkpoint PREFIX: it has no 'bias/.ATTRIBUTES/VARIABLE_VALUE'.",
    ],
  ])('values of another %s, before anything is assigned', async (name, entries, message) => {
    const path = changed(name, 'module', nothing, { variables: false });
    const prefix = `${path}/variables/variables`;
    mkdirSync(`${path}/variables`);
    const others = ['kernel', 'scale', 'unused'].map((other) => [keyOf(other), written[other]!] as const);
    writeIndex(prefix, { numShards: 1 }, [...entries, ...others]);
    const model = await loadSavedModel(path);
    const session = new tl.Session({ graph: model.graph });
    await expect(model.restore(session)).rejects.toThrow(message.replace('PREFIX', prefix));
    await expect(model.restore(session)).rejects.toThrow("The variable 'bias_2' ");
    const isThere = await session.run(model.variables.map((variable) => variable.isInitialized()));
    expect(isThere.map((value) => value.item())).toEqual([false, false, false, false]);
  });
});

function keyOf(name: string): string {
  return `${name}/.ATTRIBUTES/VARIABLE_VALUE`;
}

const written: Readonly<Record<string, { dtype: DataType; dims: readonly number[] }>> = {
  kernel: { dtype: DataType.DT_FLOAT, dims: [3, 2] },
  scale: { dtype: DataType.DT_FLOAT, dims: [1] },
  unused: { dtype: DataType.DT_INT64, dims: [] },
};
