import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installPackage, runNode, tapeless, type Outcome } from './support.js';

const spoken = 'the model speaks\n';
const gradientFlags = ['--ys', 'loss', '--xs', 'w,b'];
const feeds = ['--feed', 'x=[[1,2],[3,4]]', '--feed', 'target=[[0],[1]]'];

let folder: string;
const run = (...args: string[]): Promise<Outcome> => tapeless(folder, ...args);
/** What went to standard error besides what the model prints. */
const complaint = ({ err }: Outcome): string => err.replace(spoken, '');

beforeAll(async () => {
  folder = await installPackage();
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('help', () => {
  test('says what there is, with examples', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    for (const word of ['dump', 'check', 'run', 'explain', 'stats', 'build', 'MODEL', 'Examples:', 'Exit codes'])
      expect(out).toContain(word);
    const version = (JSON.parse(await readFile('package.json', 'utf8')) as { version: string }).version;
    expect(await run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  test.each(['dump', 'check', 'run', 'explain', 'stats', 'build'])('%s has its own', async (command) => {
    const { code, out } = await run(command, '--help');
    expect([code, /Examples?:/.test(out), out.includes('--verbose')]).toEqual([0, true, true]);
  });
});

describe('dump', () => {
  test('text is a line a node, and the model speaks to standard error only', async () => {
    const { code, out, err } = await run('dump', 'regression.ts');
    expect([code, err]).toEqual([0, spoken]);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toBe('x = Placeholder() -> float32[?, 2]');
    expect(lines).toContain('prediction = Tanh(layer/y) -> float32[?, 1]');
    expect(lines.every((line) => / = \w+\(/.test(line))).toBe(true);
    expect(out).not.toContain('\u001b');
  });

  test('--only-gradients gives what was appended, and where the gradients are', async () => {
    const { out } = await run('dump', 'regression.ts', ...gradientFlags, '--only-gradients');
    const [first, second, ...nodes] = out.trimEnd().split('\n');
    expect(first).toMatch(/^# d\(loss\) \/ d\(w\) = gradients\/layer\/MatMul_grad\/MatMul_1:0$/);
    expect(second).toMatch(/^# d\(loss\) \/ d\(b\) = gradients\/layer\/y_grad\//);
    expect(nodes.length).toBeGreaterThan(10);
    expect(nodes.every((line) => line.startsWith('+ gradients/'))).toBe(true);
    expect(out).toContain('~prediction');
    expect(out).toMatch(
      /^\+ gradients\/prediction_grad\/TanhGrad = TanhGrad\(prediction, \S+\) -> float32\[\?, 1\] ~prediction$/m,
    );
  });

  test('a null gradient is said, with what to do', async () => {
    const result = await run('dump', 'regression.ts', '--ys', 'rounded', '--xs', 'w', '--only-gradients');
    expect(result.code).toBe(0);
    expect(result.out).toContain('# d(rounded) / d(w) = null');
    expect(complaint(result)).toContain('tapeless explain regression.ts --ys rounded --xs w');
  });

  test('json is a GraphDef', async () => {
    const { out } = await run('dump', 'regression.ts', '--format', 'json');
    const { node } = JSON.parse(out) as { node: { name: string; op: string }[] };
    expect(node[0]).toMatchObject({ name: 'x', op: 'Placeholder' });
  });

  test('dot and mermaid', async () => {
    expect((await run('dump', 'regression.ts', '-f', 'dot')).out).toMatch(
      /^digraph [\s\S]*subgraph "cluster_layer" \{[\s\S]*\}\n$/,
    );
    expect((await run('dump', 'regression.ts', '-f', 'mermaid')).out).toMatch(
      /^flowchart TB\n[\s\S]*subgraph s0 \["layer"\]/,
    );
  });

  test('svg goes by the name of the file, and shows colours, clusters, dtypes and shapes', async () => {
    const { code, out } = await run('dump', 'regression.ts', ...gradientFlags, '-o', 'graph.svg');
    expect([code, out]).toEqual([0, '']);
    const svg = await readFile(join(folder, 'graph.svg'), 'utf8');
    for (const part of [
      '<svg',
      '#dbeafe',
      '#ffe4c7',
      '>gradients</text>',
      'float32[?, 1]',
      'stroke-dasharray',
      '>TanhGrad</text>',
    ]) {
      expect(svg).toContain(part);
    }
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('large pictures collapse scopes, and say so', async () => {
    const result = await run('dump', 'regression.ts', ...gradientFlags, '--max-nodes', '20', '-f', 'svg');
    expect(complaint(result)).toMatch(/^Of \d+ operations, name scopes are drawn as single boxes\.\n$/);
    expect(result.out).toContain('name scopes are drawn as single boxes');
  });

  test('html is one page that needs nothing else', async () => {
    const { out } = await run('dump', 'regression.ts', ...gradientFlags, '-f', 'html');
    expect(out).toMatch(/^<!doctype html>/);
    expect(out).toContain('<svg');
    expect(out.replace(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/(src|href)="?http|@import/);
  });

  test.each([
    [['--format', 'xml'], "--format is text, json, pb, pbtxt, dot, svg, html, mermaid, not 'xml'"],
    [['--only-gradients'], '--only-gradients needs --ys and --xs'],
    [['--color-by', 'mood'], "not 'mood'"],
    [['--max-nodes', 'many'], 'whole number'],
    [['-o', 'nowhere/graph.txt'], 'cannot write nowhere/graph.txt'],
    [['--colour'], "unknown option '--colour'"],
  ])('%j is bad use', async (flags, message) => {
    const result = await run('dump', 'regression.ts', ...flags);
    expect([result.code, result.out]).toEqual([2, '']);
    expect(complaint(result)).toContain(message);
  });

  test('a file that cannot be replaced stays as it was', async () => {
    await mkdir(join(folder, 'taken.txt'));
    const result = await run('dump', 'regression.ts', '-o', 'taken.txt');
    expect(result.code).toBe(2);
    expect((await readdir(folder)).filter((name) => name.includes('.tmp'))).toEqual([]);
  });
});

describe('run', () => {
  test('prints values for people', async () => {
    const { code, out } = await run(
      'run',
      'regression.ts',
      '--init',
      ...feeds,
      '--fetch',
      'w,layer/b,layer/y:0,parts.sum',
    );
    expect([code, out]).toEqual([
      0,
      'w: float32[2, 1]\n  [[0.5]\n   [ -1]]\nlayer/b: float32[1]\n  [0.25]\nlayer/y:0: float32[2, 1]\n  [[-1.25]\n   [-2.25]]\nparts.sum: float32[] = 10\n',
    ]);
  });

  test('and as JSON, of every dtype, from a function that builds the model', async () => {
    const { code, out } = await run('run', 'factory.ts', '--fetch', 'cube,flags,words,big,step', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      cube: [1, 8, 27],
      flags: [false, false, true],
      words: ['x', 'y "z"'],
      big: ['9007199254740993', 1],
      step: null,
    });
  });

  test.each([
    [['--fetch', 'los'], "there is no 'los' in regression.ts. Did you mean 'loss'?"],
    [['--fetch', 'loss', '--init'], "must feed a value for placeholder tensor 'x'"],
    [['--fetch', 'w'], 'give --init'],
    [[], "required option '--fetch <names>'"],
  ])('%j is refused in one line', async (flags, message) => {
    const result = await run('run', 'regression.ts', ...flags);
    expect([result.code, result.out]).toEqual([2, '']);
    expect(complaint(result)).toContain(message);
    expect(complaint(result).trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('check', () => {
  test('passes a right gradient, to order 2', async () => {
    const { code, out } = await run(
      'check',
      'regression.ts',
      ...gradientFlags,
      ...feeds,
      '--order',
      '2',
      '--seed',
      '3',
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^loss: correct \(seed 3\)\n {2}order 1 .*layer\/w:0/);
    expect(out).toContain('order 2');
  });

  test('fails a wrong one with the report and exit code 1', async () => {
    const { code, out, err } = await run('check', 'wrong.ts', '--ys', 'y', '--xs', 'x');
    expect(code).toBe(1);
    for (const part of ['y: wrong', 'element', 'expected', 'got', 'step']) expect(out).toContain(part);
    expect(err).toBe('error: the gradients of 1 of 1 ys differ from finite differences\n');
    const json = await run('check', 'wrong.ts', '--ys', 'y', '--xs', 'x', '--json');
    expect([json.code, (JSON.parse(json.out) as { ok: boolean }).ok]).toEqual([1, false]);
  });
});

describe('explain', () => {
  test('tells connected from not, where and why', async () => {
    const { code, out } = await run('explain', 'regression.ts', '--ys', 'loss,rounded', '--xs', 'w');
    expect(code).toBe(0);
    expect(out).toContain('loss → w: connected');
    expect(out).toMatch(/rounded → w: not connected \(noGradient\)\n.*Floor.*regression\.ts:\d+/);
    const json = await run(
      'explain',
      'regression.ts',
      '--ys',
      'loss',
      '--xs',
      'w',
      '--stop-gradients',
      'prediction',
      '--json',
    );
    expect(JSON.parse(json.out)).toMatchObject({ connected: false, cause: 'stopGradients', op: 'prediction' });
  });
});

describe('stats', () => {
  test('counts', async () => {
    const found = JSON.parse((await run('stats', 'regression.ts', ...gradientFlags, '--json')).out) as Record<
      string,
      unknown
    >;
    expect(found).toMatchObject({
      components: 1,
      variables: [{ name: 'layer/w', dtype: 'float32', shape: '[2, 1]', trainable: true }, { name: 'layer/b' }],
      types: { Placeholder: 2, VarHandleOp: 2, TanhGrad: 1 },
    });
    expect(found['backward']).toBeGreaterThan(10);
    expect((found['forward'] as number) + (found['backward'] as number)).toBe(found['operations']);
    expect((await run('stats', 'factory.ts')).out).toMatch(
      /^operations +8 \(8 forward, 0 backward\)\n[\s\S]*constants +\d+ bytes/,
    );
  });
});

describe('models that do not work', () => {
  const write = (name: string, text: string) => writeFile(join(folder, name), text);

  test.each([
    ['missing.ts', null, 'cannot find the model missing.ts'],
    ['graph.pb', 'x', 'graph.pb: this is no GraphDef'],
    ['empty.pbtxt', '# nothing', 'empty.pbtxt has no nodes'],
    ['graph.pbtxt', 'node {\n  nam: "x" }', "graph.pbtxt: line 2, column 3: a NodeDef has no field 'nam'"],
    ['graph.json', '{"nodes": []}', 'graph.json: this is no GraphDef in JSON'],
    ['missing.pb', null, "there is no file 'missing.pb'"],
    ['syntax.ts', 'export const a = (;', 'does not compile'],
    ['throws.ts', "\nthrow new Error('from the model');", /^error: from the model \[thrown at .*\/throws\.ts:2\]\n$/],
    [
      'rejects.ts',
      "\nexport default async () => {\n  await null;\n  const nothing = JSON.parse('null');\n  return nothing.loss;\n};",
      /Cannot read .* \[thrown at .*\/rejects\.ts:5\]\n$/,
    ],
    [
      'misspelt.ts',
      "import * as tl from 'tapeless';\nconst x = tl.constant(1);\ntl.gradients(x, x, { gradYS: [x] } as never);",
      /gradYS.*\[thrown at .*\/misspelt\.ts:3\]\n$/,
    ],
    ['object.ts', "throw { reason: 'none',\n  list: [1] };", "error: { reason: 'none', list: [ 1 ] }\n"],
    ['text.ts', "throw 'two\\nlines';", 'error: two (1 more line with --verbose)\n'],
    [
      'shape.ts',
      "import * as tl from 'tapeless';\ntl.matmul(tl.placeholder('float32', [2, 3]), tl.placeholder('float32', [4, 5]) as never);",
      'shape.ts:2',
    ],
  ])('%s', async (name, text, message) => {
    if (text !== null) await write(name, text);
    const result = await run('dump', name);
    expect([result.code, result.out]).toEqual([2, '']);
    expect(result.err).toMatch(message);
    expect(result.err.trimEnd().split('\n')).toHaveLength(1);
  });

  test('--verbose adds the whole message and the stack', async () => {
    await write('deep.ts', "function inner(): never { throw new Error('from the model\\nsecond line'); }\ninner();");
    const { code, err } = await run('dump', 'deep.ts', '--verbose');
    expect(code).toBe(2);
    expect(err).toMatch(/error: from the model\nsecond line\n\s+at inner \(.*deep\.ts:1/);
    expect((await run('dump', 'deep.ts')).err).toMatch(
      /^error: from the model \[thrown at .*\/deep\.ts:1\] \(1 more line with --verbose\)\n$/,
    );
  });

  test('a model that imports another copy of the package is told so', async () => {
    const other = join(folder, 'other');
    await cp(join(folder, 'node_modules'), join(other, 'node_modules'), { recursive: true });
    await writeFile(join(other, 'package.json'), '{ "type": "module" }');
    await writeFile(join(other, 'model.ts'), "import * as tl from 'tapeless';\nexport const c = tl.constant(1);");
    const { code, err } = await run('dump', 'other/model.ts');
    expect([code, err]).toEqual([2, expect.stringContaining("'c' comes from another copy of tapeless")]);
  });
});

test('unknown commands and options name the near one, on the same line', async () => {
  const { code, err } = await run('dmp', 'regression.ts');
  expect([code, err]).toEqual([2, "error: unknown command 'dmp' (Did you mean dump?)\n"]);
  expect((await run('explain', 'regression.ts', '--ys', 'loss', '--xs', 'w', '--stopgradients', 'x')).err).toBe(
    "error: unknown option '--stopgradients' (Did you mean --stop-gradients?)\n",
  );
  expect((await run()).code).toBe(2);
});

test('a reader that stops early is no error', async () => {
  await writeFile(
    join(folder, 'long.ts'),
    "import * as tl from 'tapeless';\nfor (let i = 0; i < 20000; i++) tl.constant(i);\nexport const last = tl.constant(0);",
  );
  const script = `node node_modules/tapeless/dist/cli/main.js dump long.ts | head -1`;
  await writeFile(
    join(folder, 'pipe.mjs'),
    `import { execSync } from 'node:child_process';\nprocess.stdout.write(execSync(${JSON.stringify(script)}, { stdio: ['ignore', 'pipe', 'inherit'] }));`,
  );
  expect(await runNode(folder, ['pipe.mjs'])).toEqual({
    code: 0,
    out: 'Const = Const() -> float32[] value=0\n',
    err: '',
  });
});

test('runs from the sources', async () => {
  const args = [
    '--import',
    './scripts/register-ts-node.js',
    'src/cli/main.ts',
    'run',
    'spec/cli/fixtures/factory.ts',
    '--fetch',
    'cube',
  ];
  expect(await runNode(process.cwd(), args)).toEqual({ code: 0, out: 'cube: float64[3]\n  [ 1,  8, 27]\n', err: '' });
}, 120_000);
