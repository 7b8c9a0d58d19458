import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

// In a process of its own: jest has a module system of its own, through which none of Node's hooks go.
const driver = `
  import { loadModule } from ${JSON.stringify(pathToFileURL(join(process.cwd(), 'scripts/model-loader.js')).href)};
  const [mode, ...paths] = process.argv.slice(2);
  const results = {};
  for (const path of paths) {
    results[path] = await loadModule(path, { check: mode === 'check' }).catch(({ name, message }) => ({ name, message }));
  }
  console.log(JSON.stringify(results));
`;

const model = (helper: string) => `
import { one } from './${helper}';
import * as os from 'node:os';

interface Named {
  name: string;
}
enum Four { value = 4 }
const named: Named = { name: 'w' };
export const loss: number = one + Four.value;
export const w: string = named.name + os.EOL;
export const line = new Error().stack!.split('\\n')[1]!.match(/model\\.\\w+:\\d+/)![0];
`;
const helper = 'export const one: number = 1;\n';

const files: Record<string, string> = {
  'esm/package.json': '{ "type": "module" }',
  'cjs/package.json': '{}',
  ...Object.fromEntries(
    ['esm', 'cjs'].flatMap((folder) =>
      ['ts', 'mts', 'cts'].flatMap((extension) => [
        [`${folder}/model.${extension}`, model(`helper.${extension.replace('ts', 'js')}`)],
        [`${folder}/helper.${extension}`, helper],
      ]),
    ),
  ),
  'esm/plain.js': 'export const loss = 5; export default 7;',
  'cjs/plain.js': 'module.exports = { loss: 5 };',
  'cjs/default.ts': 'export const loss = 5; export default 7;',
  'esm/default.ts': 'export default { loss: 5 };',
  'esm/syntax.ts': 'export const a = (;',
  'cjs/syntax.ts': 'export const a = (;',
  'esm/script.js': 'export const a = (;',
  'esm/importer.ts': "import './syntax.js';",
  'esm/types.ts': "export const loss: number = 'text';",
  'esm/throws.ts': "throw new RangeError('from the model');",
};

let folder: string;
let loaded: Record<string, Record<string, unknown>>;
let checked: Record<string, Record<string, unknown>>;

async function load(mode: 'transpile' | 'check', paths: readonly string[]): Promise<typeof loaded> {
  const args = [join(folder, 'driver.mjs'), mode, ...paths];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as typeof loaded;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tapeless-load-'));
  for (const [name, text] of Object.entries({ ...files, 'driver.mjs': driver })) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const models = Object.keys(files).filter((name) => !/package|helper/.test(name));
  loaded = await load('transpile', [...models, 'missing.ts', 'esm']);
  checked = await load('check', ['esm/model.ts', 'cjs/model.ts', 'esm/plain.js', 'esm/types.ts', 'esm/script.js']);
});

afterAll(() => rm(folder, { recursive: true }));

describe('loadModule', () => {
  test.each(['esm', 'cjs'].flatMap((kind) => ['ts', 'mts', 'cts'].map((extension) => [kind, extension])))(
    'in a package of type %s loads model.%s, and stack traces name its own lines',
    (kind, extension) => {
      expect(loaded[`${kind}/model.${extension}`]).toEqual({ loss: 5, w: 'w\n', line: `model.${extension}:12` });
    },
  );

  test('loads JavaScript', () => {
    expect(loaded['esm/plain.js']).toEqual({ loss: 5, default: 7 });
    expect(loaded['cjs/plain.js']).toMatchObject({ loss: 5 });
  });

  test('finds the names of a default export, however deep CommonJS hides it', () => {
    expect(loaded['cjs/default.ts']).toEqual({ loss: 5, default: 7 });
    expect(loaded['esm/default.ts']).toEqual({ loss: 5, default: { loss: 5 } });
  });

  test.each([
    ['esm/syntax.ts', 'esm/syntax.ts does not compile:\nesm/syntax.ts(1,19): error TS1109: Expression expected.'],
    ['cjs/syntax.ts', 'cjs/syntax.ts does not compile:\ncjs/syntax.ts(1,19): error TS1109: Expression expected.'],
    ['esm/script.js', 'esm/script.js does not compile:\nesm/script.js(1,19): error TS1109: Expression expected.'],
    ['esm/importer.ts', 'esm/importer.ts does not compile:\nesm/syntax.ts(1,19): error TS1109: Expression expected.'],
    ['missing.ts', 'cannot find the model missing.ts'],
    ['esm', 'cannot find the model esm'],
  ])('refuses %s', (path, message) => {
    expect(loaded[path]).toEqual({ name: 'ModelLoadError', message });
  });

  test('passes on what the model itself throws', () => {
    expect(loaded['esm/throws.ts']).toEqual({ name: 'RangeError', message: 'from the model' });
  });

  test('checks types only when asked', () => {
    expect(loaded['esm/types.ts']).toEqual({ loss: 'text' });
    expect(checked['esm/types.ts']?.['message']).toContain("error TS2322: Type 'string' is not assignable");
    expect(checked['esm/script.js']?.['message']).toContain('error TS1109');
    expect(checked['esm/plain.js']).toEqual(loaded['esm/plain.js']);
    for (const path of ['esm/model.ts', 'cjs/model.ts']) expect(checked[path]).toEqual(loaded[path]);
  });
});
