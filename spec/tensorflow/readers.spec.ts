/** Graphs of ours in the readers that others have: Netron's application and TensorBoard's graphs page, from their packages. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { dtypes } from '../../src/graph/dtype.js';
import * as tl from '../../src/index.js';
import { encodeGraphDef } from '../../src/interop/index.js';

const python = process.env.TAPELESS_PYTHON ?? 'python';
const script = (name: string) => fileURLToPath(new URL(`readers/${name}`, import.meta.url));
const execute = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'tapeless-readers-'));
afterAll(() => rmSync(folder, { recursive: true }));

function lines<T>(text: string): T[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** A step of training: variables, gradients beside what they are of, an optimizer, devices. */
function training(): void {
  const x = tl.placeholder('float32', [null, 3], { name: 'x' });
  const t = tl.placeholder('int64', [null], { name: 'label' });
  const logits = tl.device('/job:worker/task:1/device:CPU:0', () =>
    tl.nameScope('layer', () => {
      const w = tl.variable(tl.random.normal([3, 4], { seed: 1 }), { name: 'w' });
      return tl.nn.biasAdd(tl.matmul(x, w), tl.variable(tl.zeros([4]), { name: 'b' }));
    }),
  );
  const loss = tl.reduceMean(tl.nn.sparseSoftmaxCrossEntropyWithLogits(t, logits), { name: 'loss' });
  new tl.train.AdamOptimizer(0.1).minimize(loss, { name: 'train', colocateGradientsWithOps: true });
}

/** Functions of the library: a loop, a conditional, a call, and what differentiates them. */
function flow(): void {
  const x = tl.placeholder('float32', [2], { name: 'x' });
  const cube = tl.function((v: tl.Tensor) => v.multiply(v).multiply(v), { name: 'cube' });
  const [y] = tl.whileLoop(
    (v) => tl.less(tl.reduceSum(v), 10),
    (v) => [
      tl.cond(
        tl.greater(tl.reduceSum(v), 1),
        () => v.multiply(2),
        () => cube(v),
      ),
    ],
    [x],
  );
  tl.gradients(tl.identity(y, { name: 'y' }), x);
}

/** A constant of every dtype, and attributes of every kind. */
function values(): void {
  const numbers = dtypes.filter(({ kind }) => ['float', 'int', 'complex'].includes(kind));
  for (const { name } of numbers) tl.constant([0, 1, 2], { dtype: name, name });
  tl.constant(['text', '', 'ä\0\n"'], { name: 'string' });
  tl.constant([true, false], { name: 'bool' });
  const image = tl.placeholder('float32', [null, 8, 8, 1], { name: 'image' });
  tl.nn.conv2d(image, tl.zeros([3, 3, 1, 2]), 1, 'SAME', { name: 'convolution' });
  tl.ensureShape(image, null, { name: 'any' });
  tl.controlDependencies([image.op], () => tl.noOp({ name: 'after' }));
}

/** All of it, in scopes of their own. */
function together(): void {
  for (const build of [training, flow, values]) tl.nameScope(build.name, build);
}

const models = Object.entries({ training, flow, values, together }).map(([name, build]) => {
  const graph = new tl.Graph();
  graph.asDefault(build);
  const path = join(folder, `${name}.pb`);
  writeFileSync(path, encodeGraphDef(graph.toGraphDef()));
  return { name, graph, path };
});
const files = models.map(({ path }) => path);

/** What a node is, but for the values of its attributes. */
interface Described {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  readonly attributes: readonly string[];
}

function ours(graph: tl.Graph): Described[] {
  return graph.operations().map(({ def }) => ({
    name: def.name,
    type: def.op,
    inputs: def.input,
    attributes: Object.keys(def.attr).sort(),
  }));
}

interface NetronNode {
  readonly name: string;
  readonly type: string;
  readonly known: boolean;
  readonly inputs: readonly string[];
  readonly controls: readonly string[];
  readonly constants: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
}

interface NetronGraph {
  readonly name: string;
  readonly nodes: readonly NetronNode[];
}

describe('Netron', () => {
  const opened = netron();

  async function netron() {
    const places = 'import netron, os; print(os.path.dirname(netron.__file__))';
    const { stdout: place } = await execute(python, ['-c', places]);
    const { stdout } = await execute(process.execPath, [script('netron.mjs'), place.trim(), ...files], {
      maxBuffer: 1 << 26,
    });
    return lines<{ format: string; graphs: NetronGraph[]; complaints: string[] }>(stdout);
  }

  test.each(models.map((model, i) => [model.name, i] as const))('shows all of %s', async (_, i) => {
    const { format, graphs, complaints } = (await opened)[i]!;
    const { graph } = models[i]!;
    expect(complaints).toEqual([]);
    expect(format).toBe('TensorFlow Graph');
    const nodes = graphs[0]!.nodes.map(({ name, type, inputs, controls, attributes }) => ({
      name,
      type,
      // It calls inputs by the names that TensorFlow's ops have for them, and leaves :0 out.
      inputs: [...inputs.map((text) => text.replace(/^[^=]*=/, '')), ...controls.map((control) => `^${control}`)],
      attributes: Object.keys(attributes).sort(),
    }));
    const constants = new Set(graphs[0]!.nodes.flatMap((node) => node.constants));
    expect(nodes).toEqual(ours(graph).filter(({ name }) => !constants.has(name)));
    expect(nodes.length + constants.size).toBe(graph.version);
    const names = graphs[0]!.nodes.flatMap(({ inputs }) => inputs.map((text) => text.split('=')[0]!));
    expect(names.filter((name) => /^\d*$/.test(name))).toEqual([]);
    const unknown = graphs[0]!.nodes.filter((node) => !node.known && node.inputs.length > 0);
    expect(unknown.map(({ type }) => type)).toEqual([]);
    expect(graphs.slice(1).map(({ name }) => name)).toEqual(graph.functions().map(({ def }) => def.signature.name));
  });

  test('shows values as they are', async () => {
    const nodes = new Map((await opened)[2]!.graphs[0]!.nodes.map((node) => [node.name, node.attributes]));
    expect(nodes.get('convolution')).toMatchObject({ T: 'float32', padding: 'SAME', strides: '1,1,1,1' });
    expect(nodes.get('image')).toMatchObject({ dtype: 'float32', shape: '[?,8,8,1]' });
    expect(nodes.get('complex128')).toMatchObject({ dtype: 'complex<float64>' });
  });
});

interface Board {
  readonly offered: boolean;
  readonly complaints: readonly string[];
  readonly nodes: readonly { name: string; op: string; inputs: string[]; device: string; attributes: string[] }[];
  readonly functions: readonly string[];
}

describe('TensorBoard', () => {
  const logdir = join(folder, 'logs');
  const served = execute(python, [script('tensorboard.py'), logdir, ...files], { maxBuffer: 1 << 26 });

  test.each(models.map((model, i) => [model.name, i] as const))('gives its page all of %s', async (_, i) => {
    const board = lines<Board>((await served).stdout)[i]!;
    const { graph } = models[i]!;
    expect([board.offered, board.complaints]).toEqual([true, []]);
    expect(board.nodes.map(({ name, op, inputs, attributes }) => ({ name, type: op, inputs, attributes }))).toEqual(
      ours(graph),
    );
    expect(board.nodes.map(({ device }) => device)).toEqual(graph.operations().map((op) => op.device));
    expect(board.functions).toEqual(graph.functions().map(({ def }) => def.signature.name));
  });

  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  // .ci/run installs a browser.
  const withBrowser = existsSync(executablePath) || process.env.CI ? test : test.skip;

  withBrowser(
    'draws it',
    async () => {
      await served;
      const { name, graph } = models.at(-1)!;
      const logs = join(logdir, `${name}.pb`);
      const flags = ['--logdir', logs, '--host', '127.0.0.1', '--port', '0', '--load_fast', 'false'];
      const board = spawn(python, ['-m', 'tensorboard.main', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
      const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
      try {
        const page = await browser.newPage();
        const complaints: string[] = [];
        page.on('pageerror', (error) => complaints.push(String(error)));
        page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
        await page.goto(`${await address(board)}#graphs`);
        const drawn = await drawnNodes(page);
        const tops = new Set(graph.operations().map((op) => op.name.split('/')[0]!));
        const library = graph.functions().map(({ def }) => `__function_library__${def.signature.name}`);
        expect(complaints).toEqual([]);
        expect([...library, ...tops].filter((top) => !drawn.includes(top))).toEqual([]);
      } finally {
        await browser.close();
        board.kill('SIGKILL');
        await once(board, 'exit');
      }
    },
    60_000,
  );
});

/** Where the server says that it listens. */
async function address(board: ChildProcess): Promise<string> {
  const said: string[] = [];
  for await (const line of createInterface({ input: board.stderr! })) {
    said.push(line);
    const [, url] = /TensorBoard .* at (http:\S+)/.exec(line) ?? [];
    if (url) {
      board.stderr!.resume();
      return url;
    }
  }
  throw new Error(`TensorBoard did not start:\n${said.join('\n')}`);
}

/** In the page: the names of what is drawn. Its parts are in shadow trees. */
const drawn = `(() => {
  const pending = [document.documentElement];
  for (const node of pending) pending.push(...(node.shadowRoot ? [node.shadowRoot] : []), ...node.children);
  return pending.filter((node) => node.matches?.('g.node')).map((node) => node.dataset.name);
})()`;

/** The names of what the page has drawn, once it has drawn something and changes no more. */
async function drawnNodes(page: Page): Promise<readonly string[]> {
  let before = -1;
  for (;;) {
    const names = await page.evaluate<string[]>(drawn);
    if (names.length > 0 && names.length === before) return names;
    before = names.length;
    await page.waitForTimeout(1000);
  }
}
