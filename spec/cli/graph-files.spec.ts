/** The commands on graphs of TensorFlow's, in every form that they come in. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeGraphDef, encodeGraphDef, formatGraphDef, readGraphDef } from '../../src/interop/index.js';
import { installPackage, tapeless, type Outcome } from './support.js';

const written = 'loop-and-choice.pbtxt';
const feeds = ['--feed', 'x=[[0.1,0.2],[0.3,0.4]]', '--feed', 'n=2'];
const gradient = ['--ys', 'Identity', '--xs', 'x'];

let folder: string;
const run = (...args: string[]): Promise<Outcome> => tapeless(folder, ...args);

beforeAll(async () => {
  folder = await installPackage();
  await copyFile(join('spec/interop/fixtures', written), join(folder, written));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the same graph in each form, from one to the next', async () => {
  for (const [from, to] of [
    [written, 'a.pb'],
    ['a.pb', 'a.json'],
    ['a.json', 'a.pbtxt'],
  ] as const)
    expect(await run('dump', from, '-o', to)).toEqual({ code: 0, out: '', err: '' });
  expect(await readFile(join(folder, 'a.pbtxt'), 'utf8')).toBe(await readFile(join(folder, written), 'utf8'));
}, 60_000);

test('forms on standard output', async () => {
  const { out } = await run('dump', written, '--format', 'pbtxt');
  expect(out).toBe(await readFile(join(folder, written), 'utf8'));
  await run('dump', written, ...gradient, '-o', 'b.pb');
  const def = decodeGraphDef(await readFile(join(folder, 'b.pb')));
  expect(def.node!.length).toBeGreaterThan(20);
  const parts = ['dump', written, ...gradient, '--only-gradients', '-o', 'parts.pb'];
  await run(...parts);
  const part = await readGraphDef(join(folder, 'parts.pb'));
  expect(part.node!.map(({ name }) => name)).toEqual(def.node!.slice(-part.node!.length).map(({ name }) => name));
  expect(part.node!.every(({ name }) => name!.startsWith('gradients/'))).toBe(true);
}, 60_000);

test('run: nodes go by their names, and one of a single output by its own', async () => {
  const { code, out } = await run('run', written, '--fetch', 'Identity,while:2', ...feeds, '--json');
  expect(code).toBe(0);
  const values = JSON.parse(out) as { Identity: number; 'while:2': number[][] };
  const sum = values['while:2'].flat().reduce((total, value) => total + (2 * value) ** 2, 0);
  expect(values.Identity).toBeCloseTo(sum, 4);
}, 60_000);

test('gradients through loops and choices that TensorFlow wrote agree with finite differences', async () => {
  const { code, out } = await run('check', written, ...gradient, ...feeds);
  expect([code, out]).toEqual([0, expect.stringMatching(/^Identity: correct/)]);
}, 60_000);

test('explain, stats and build', async () => {
  expect((await run('explain', written, ...gradient)).out).toMatch(/^Identity → x: connected/);
  expect((await run('stats', written)).out).toMatch(/operations +17 /);
  const { code, err } = await run('build', written, '--fetch', 'Identity', '--feed', 'x=2,2', '--feed', 'n=', '-o', 'built'); // prettier-ignore
  expect([code, err]).toEqual([0, '']);
}, 60_000);

describe('a graph with a node that cannot be run here', () => {
  test('is carried, and the node fed', async () => {
    const def = {
      node: [
        { name: 'x', op: 'Foreign', attr: { T: { value: { case: 'type', value: 1 } as const } } },
        { name: 'y', op: 'Square', input: ['x'], attr: { T: { value: { case: 'type', value: 1 } as const } } },
      ],
    };
    const { writeFile } = await import('node:fs/promises');
    await writeFile(join(folder, 'foreign.pb'), encodeGraphDef(def));
    expect((await run('run', 'foreign.pb', '--fetch', 'y', '--feed', 'x=3')).out).toBe('y: float32[] = 9\n');
    const { code, err } = await run('run', 'foreign.pb', '--fetch', 'y');
    expect(code).toBe(2);
    expect(err).toMatch(
      /^error: Operation 'x' is of an op that cannot be run here: 'Foreign'.* \[created at foreign.pb\]\n$/,
    );
    expect((await run('dump', 'foreign.pb', '-f', 'pbtxt')).out).toBe(formatGraphDef({ ...def, versions: { producer: 2474 } })); // prettier-ignore
  }, 60_000);
});
