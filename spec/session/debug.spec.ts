/** TAPELESS_DEBUG and TAPELESS_DUMP: what sessions tell. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tl from '../../src/index.js';
import { debugSettings } from '../../src/session/debug/settings.js';

let said: string[];
beforeEach(() => {
  said = [];
  jest.spyOn(console, 'error').mockImplementation((text: unknown) => void said.push(String(text)));
});
afterEach(() => {
  delete process.env.TAPELESS_DEBUG;
  delete process.env.TAPELESS_DUMP;
  jest.restoreAllMocks();
});

/** Runs y = tanh(2x) for rows of these lengths. */
function runs(lengths: readonly number[], options: tl.SessionOptions = {}): void {
  new tl.Graph().asDefault(() => {
    const x = tl.placeholder('float32', [null], { name: 'x' });
    const y = tl.tanh(x.multiply(2, { name: 'twice' }), { name: 'y' });
    const session = new tl.Session({ threads: 1, ...options });
    for (const length of lengths)
      session.runSync(y, new Map([[x, new tl.NDArray('float32', [length], new Float32Array(length))]]));
  });
}

/** Without numbers that differ from run to run. */
const plain = (text: string): string =>
  text
    .replace(/plan \d+/g, 'plan N')
    .replace(/\d+(\.\d+)? ms/g, 'T ms')
    .replace(/module of .*?;/, 'module of M;');

describe('TAPELESS_DEBUG', () => {
  test('off, nothing is said', () => {
    for (const value of [undefined, '', '0']) {
      if (value !== undefined) process.env.TAPELESS_DEBUG = value;
      runs([3]);
    }
    expect(said).toEqual([]);
  });

  test('1: a line for each compilation, and why', () => {
    process.env.TAPELESS_DEBUG = '1';
    runs([3, 3, 4, 3]);
    const size = (bytes: number) =>
      `3 ops in 1 steps (1 kernel); ${bytes} bytes for values, 0 bytes of constants, a module of M; compiled in T ms`;
    expect(said.map(plain)).toEqual([
      'tapeless: one thread: threads is 1',
      `tapeless: plan N: y:0 of x:0[3]: ${size(128)} (new fetches)`,
      `tapeless: plan N: y:0 of x:0[4]: ${size(128)} (new shapes of feeds)`,
    ]);
  });

  test('what fell out of the cache is compiled again', () => {
    process.env.TAPELESS_DEBUG = '1';
    runs([...Array.from({ length: 17 }, (_, i) => i + 1), 1]);
    expect(said.at(-1)).toContain('y:0 of x:0[1]:');
    expect(said.at(-1)).toMatch(/\(evicted before\)$/);
    said = [];
    new tl.Graph().asDefault(() => {
      const ys = Array.from({ length: 65 }, (_, i) => tl.constant(i).add(1, { name: `y${i}` }));
      const session = new tl.Session({ threads: 1 });
      for (const y of [...ys, ys[0]!]) session.runSync(y);
      session.runSync(ys[64]!, new Map([[ys[64]!.op.inputs[0]!, 2]]));
    });
    expect(said.at(-2)).toMatch(/: y0:0: .*\(evicted before\)$/);
    expect(said.at(-1)).toMatch(/: y64:0 of .*\(new feeds\)$/);
  });

  test('2: times of steps at the end of each run', () => {
    process.env.TAPELESS_DEBUG = '2';
    runs([3, 3]);
    const run = /^tapeless: y:0 ran for [\d.]+ ms\n +[\d.]+ ms +\d+ % {2}kernel y:0 \(2 ops, 12 bytes\)$/;
    expect(said.filter((text) => run.test(text)).length).toBe(2);
  });

  test('3: expressions', () => {
    process.env.TAPELESS_DEBUG = '3';
    runs([3]);
    expect(said.find((text) => text.includes(', fuse:'))).toContain('twice:0 float32 = mul(x:0, {twice/y:0})\n');
    expect(said.some((text) => text.includes('(module'))).toBe(false);
  });

  test('4: WebAssembly', () => {
    process.env.TAPELESS_DEBUG = '4';
    runs([3]);
    expect(said.find((text) => text.includes(', emit:'))).toContain('(func $kernel0 ');
  });

  test('bodies of functions, and the interpreter', () => {
    process.env.TAPELESS_DEBUG = '2';
    for (const backend of ['wasm', 'interpret']) {
      said = [];
      new tl.Graph().asDefault(() => {
        // One whose variables change shape.
        const [last] = tl.whileLoop(
          (i: tl.Tensor) => i.less(3),
          (i: tl.Tensor, y: tl.Tensor) => [i.add(1).add(tl.reduceSum(y)), tl.concat([y, y], 0)],
          [tl.constant(0), tl.zeros([1])],
          { shapeInvariants: [[], [null]] },
        ) as tl.Tensor[];
        new tl.Session({ backend, threads: 1 }).runSync(last!);
      });
      expect(said.some((text) => text.endsWith('(a function body)'))).toBe(true);
      expect(said.at(-1)).toMatch(/ 3 times \(/);
    }
    expect(said[0]).toMatch(/ operations, interpreted; compiled in /);
  });

  test('anything else is refused', () => {
    for (const value of ['5', '-1', 'on', '1.5']) {
      process.env.TAPELESS_DEBUG = value;
      expect(() => new tl.Session({ graph: new tl.Graph() })).toThrow(`TAPELESS_DEBUG is '${value}'; it must be 1 `);
    }
  });
});

describe('where there is no environment', () => {
  test('properties of globalThis', () => {
    expect(debugSettings({})).toBeNull();
    expect(debugSettings({ TAPELESS_DEBUG: 2 })).toEqual({ level: 2, dump: null });
    expect(debugSettings({ TAPELESS_DEBUG: '3', process: { env: {} } })).toEqual({ level: 3, dump: null });
    expect(debugSettings({ TAPELESS_DEBUG: 3, process: { env: { TAPELESS_DEBUG: '1' } } })).toEqual({
      level: 1,
      dump: null,
    });
    expect(() => debugSettings({ TAPELESS_DEBUG: true })).toThrow("TAPELESS_DEBUG is 'true'");
    expect(() => debugSettings({ TAPELESS_DUMP: 1 })).toThrow('TAPELESS_DUMP must be the name of a folder, not 1.');
  });
});

describe('TAPELESS_DUMP', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tapeless-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('a folder for each compiled plan, with a file for each stage and the module', () => {
    process.env.TAPELESS_DUMP = join(folder, 'deep', 'er');
    runs([3, 4]);
    runs([3], { backend: 'interpret' });
    expect(said).toEqual([]);
    const plans = readdirSync(process.env.TAPELESS_DUMP).sort();
    expect(plans.map((name) => name.replace(/^\d+/, 'N'))).toEqual([
      'N-y_0_of_x_0_3_',
      'N-y_0_of_x_0_4_',
      'N-y_0_of_x_0',
    ]);
    const files = (plan: string) => readdirSync(join(process.env.TAPELESS_DUMP!, plan)).sort();
    const compiled = [
      '1-prune.txt',
      '2-order.txt',
      '3-lower.txt',
      '4-simplify.txt',
      '5-fuse.txt',
      '6-band.txt',
      '7-memory.txt',
      '8-emit.wasm',
      '8-emit.wat',
    ];
    expect(plans.map(files)).toEqual([compiled, compiled, ['1-prune.txt', '2-order.txt', '3-assign-slots.txt']]);
    const read = (file: string) => readFileSync(join(process.env.TAPELESS_DUMP!, plans[1]!, file), 'utf8');
    expect(read('1-prune.txt')).toBe('twice/y = Const()\ntwice = Mul(x, twice/y)\ny = Tanh(twice)\n');
    expect(read('5-fuse.txt')).toContain('y:0 float32[4] = kernel[4]');
    expect(read('8-emit.wat')).toContain('(module\n');
  });

  test('a folder that cannot be', () => {
    writeFileSync(join(folder, 'file'), '');
    process.env.TAPELESS_DUMP = join(folder, 'file', 'below');
    expect(() => new tl.Session({ graph: new tl.Graph() })).toThrow(/^TAPELESS_DUMP: '.*below' cannot be written: /);
  });
});
