/** The commands on SavedModel directories. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { installPackage, tapeless, type Outcome } from './support.js';

let folder: string;
const run = (...args: string[]): Promise<Outcome> => tapeless(folder, ...args);
const feeds = ['--feed', 'loss.inputs.x=[[1,0,0]]', '--feed', 'loss.inputs.t=[[0,0]]'];
const gradient = ['--ys', 'loss.outputs.output_0', '--xs', 'kernel,bias_2'];

beforeAll(async () => {
  folder = await installPackage();
  for (const name of ['module', 'partitioned'])
    await cp(join('spec/fixtures/saved-models', name), join(folder, name), { recursive: true });
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('run: signatures by name, variables with the values that were saved', async () => {
  const { code, out, err } = await run('run', 'module', '--fetch', 'loss.outputs.output_0,kernel', ...feeds, '--json');
  expect([code, err]).toEqual([0, '']);
  const values = JSON.parse(out) as Record<string, unknown>;
  expect(values['kernel']).toEqual([[1, 2], [3, 4], [5, 6]]); // prettier-ignore
  expect(values['loss.outputs.output_0']).toBeCloseTo((Math.tanh(0.75) ** 2 + Math.tanh(0) ** 2) / 2, 5);
}, 60_000);

test('stats, dump, check and explain', async () => {
  expect((await run('stats', 'module')).out).toMatch(/variables +4\n {2}bias: int64\[\] \(not trainable\)\n/);
  const dumped = await run('dump', 'module', ...gradient, '--only-gradients');
  expect(dumped.out).toContain('d(loss.outputs.output_0) / d(kernel) = gradients/');
  const checked = await run('check', 'module', ...gradient, ...feeds);
  expect([checked.code, checked.out]).toEqual([0, expect.stringMatching(/^loss.outputs.output_0: correct/)]);
  const explained = await run('explain', 'module', '--ys', 'loss.outputs.output_0', '--xs', 'kernel');
  expect(explained.out).toMatch(/^loss.outputs.output_0 → kernel: connected/);
}, 60_000);

test('build: the saved values go into the module', async () => {
  const feed = 'serving_default.inputs.x=1,3';
  const built = await run('build', 'module', '--fetch', 'serving_default.outputs.y', '--feed', feed, '-o', 'built');
  expect([built.code, built.err]).toEqual([0, '']);
  expect(built.out).toMatch(/29 of them values/);
}, 60_000);

test('one of several graphs by its tags', async () => {
  const { out } = await run('stats', 'partitioned', '--tags', 'serve,gpu');
  expect(out).toMatch(/variables +2\n {2}layer\/w\/part_0: float64\[2, 2\]\n/);
  const unknown = await run('stats', 'partitioned', '--tags', 'gpu');
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain("has no graph with the tags ['gpu']. It has ['serve'] and ['serve', 'gpu']");
  const other = await run('stats', 'regression.ts', '--tags', 'gpu');
  expect(other.code).toBe(2);
  expect(other.err).toContain('--tags chooses a graph of a SavedModel directory, and regression.ts is none');
}, 60_000);
