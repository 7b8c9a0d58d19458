/** SavedModels on a cluster: their values restored there, our gradients beside their functions, and their own saver. */
import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tl from '../../src/index.js';
import { loadSavedModel, readCheckpoint } from '../../src/interop/index.js';
import { compareSignature, type SignatureValues } from '../interop/support/saved-models.js';
import { useCluster } from './support/cluster.js';

const here = useCluster();
const fixtures = 'spec/fixtures/saved-models';
const folder = mkdtempSync(join(tmpdir(), 'tapeless-saved-models-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(['loss', 'serving_default'])('%s and its gradients are what TensorFlow computed', async (name) => {
  const text = readFileSync(`${fixtures}/module.json`, 'utf8');
  const values = (JSON.parse(text) as { signatures: Record<string, SignatureValues> }).signatures[name]!;
  const model = await loadSavedModel(`${fixtures}/module`);
  expect(await compareSignature(model, name, values, { open: (graph) => here.session(graph) })).toBe(3);
});

test('its own operations save what was changed, which is read here', async () => {
  const model = await loadSavedModel(`${fixtures}/module`);
  const session = here.session(model.graph);
  await model.restore(session);
  const bias = model.variables.find(({ name }) => name === 'bias_2:0')!;
  await session.run(bias.assignAdd([1, 2]));
  const prefix = join(folder, 'variables');
  await session.run('StatefulPartitionedCall_2:0', { 'saver_filename:0': prefix });
  const checkpoint = await readCheckpoint(prefix);
  expect((await checkpoint.tensor('bias/.ATTRIBUTES/VARIABLE_VALUE')).toArray()).toEqual([1.5, 1.5]);
  const before = [...model.checkpoint!.entries.values()].map(({ name, dtype, shape }) => [name, dtype, shape]);
  expect([...checkpoint.entries.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual(before);
  // Here nothing can write files.
  const local = new tl.Session({ graph: model.graph });
  await expect(local.run('StatefulPartitionedCall_2:0', { 'saver_filename:0': prefix })).rejects.toThrow(
    /cannot be run here/,
  );
});

test('parts of a variable, restored there', async () => {
  const model = await loadSavedModel(`${fixtures}/partitioned`);
  const session = here.session(model.graph);
  await model.restore(session);
  const [first, second] = await session.run([...model.variables]);
  const whole = (await model.checkpoint!.tensor('layer/w')).toArray() as number[][];
  expect([...(first!.toArray() as number[][]), ...(second!.toArray() as number[][])]).toEqual(whole);
});
