/** Builds models into folders of their own, and runs their loaders in plain Node, which forbids code from strings and knows no tapeless. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { AheadOfTime, type AheadFiles, type EntryRequest } from '../../../src/session/aot/index.js';

export interface EntryOptions {
  readonly targets?: readonly tl.Operation[];
  readonly feeds?: Readonly<Record<string, readonly [tl.Tensor, readonly number[]]>>;
}

export function entry(
  name: string,
  fetches: Readonly<Record<string, tl.Tensor | tl.Variable>>,
  { targets = [], feeds = {} }: EntryOptions = {},
): EntryRequest {
  const tensors = Object.entries(fetches).map(([key, fetch]) => {
    return [key, fetch instanceof tl.Variable ? fetch.fetchable : fetch] as const;
  });
  const fed = Object.entries(feeds).map(([key, [tensor, shape]]) => [key, { tensor, shape }] as const);
  return { name, fetches: new Map(tensors), targets, feeds: new Map(fed) };
}

/** The values of all variables of the graph that a session holds. */
export function valuesIn(session: tl.Session): ReadonlyMap<string, tl.NDArray> {
  const variables = session.graph.asDefault(() => tl.globalVariables());
  const values = variables.length > 0 ? session.runSync([...variables]) : [];
  return new Map(variables.map((variable, i) => [variable.handle.op.name, values[i]!]));
}

/** A folder for the specs of a file, removed behind them. */
export function temporaryFolder(): { readonly path: string } {
  const folder = { path: '' };
  beforeAll(() => {
    folder.path = mkdtempSync(join(tmpdir(), 'tapeless-ahead-'));
    writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }');
  });
  afterAll(() => rmSync(folder.path, { recursive: true, force: true }));
  return folder;
}

export function build(
  folder: string,
  name: string,
  graph: tl.Graph,
  entries: readonly EntryRequest[],
  initial: ReadonlyMap<string, tl.NDArray> = new Map(),
): AheadFiles {
  const files = new AheadOfTime(graph, entries).files(name, initial);
  writeFileSync(join(folder, `${name}.wasm`), files.wasm);
  writeFileSync(join(folder, `${name}.js`), files.loader);
  writeFileSync(join(folder, `${name}.d.ts`), files.types);
  return files;
}

/** What scripts of `play` have besides their own: typed arrays and errors are carried over. */
const helpers = `
const carried = (key, value) => {
  if (ArrayBuffer.isView(value)) return { array: value.constructor.name, data: [...value].map(String) };
  return value instanceof Error ? { error: value.name, message: value.message } : value;
};
const tell = (value) => console.log(JSON.stringify(value, carried));
const attempt = async (f) => { try { return await f(); } catch (error) { return error; } };
`;

/** Runs `script`, a module in `folder`, and gives what it \`tell\`s: of typed arrays and errors, what `helpers` make of them. */
export async function play(folder: string, script: string): Promise<readonly unknown[]> {
  const file = join(folder, `script-${Math.random().toString(36).slice(2)}.js`);
  writeFileSync(file, `${helpers}${script}`);
  const args = ['--disallow-code-generation-from-strings', file];
  const child = spawn(process.execPath, args, { cwd: folder, env: { PATH: process.env['PATH'], NODE_OPTIONS: '' } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown); // prettier-ignore
}

/** How `play` shows a typed array that holds `array`. */
export function shown(array: tl.NDArray): unknown {
  const data = array.data as Float32Array;
  return { array: data.constructor.name, data: Array.from(data, String) };
}

/** An expression for a typed array that holds `array`. */
export function literal(array: tl.NDArray): string {
  const data = array.data as Float32Array;
  const big = array.dtype === 'int64' ? 'n' : '';
  return `${data.constructor.name}.of(${Array.from(data, (x) => `${x}${big}`).join()})`;
}
