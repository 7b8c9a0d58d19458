import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../src/cli/errors.js';
import { modelOf, type Model } from '../../src/cli/model.js';
import { checkGradientFlags, differentiate, parseFeedFlags, type GradientFlags } from '../../src/cli/options.js';
import * as tl from '../../src/index.js';

let model: Model;
beforeEach(async () => {
  model = await modelOf('model.ts', exported());
});

function exported(): Record<string, unknown> {
  return new tl.Graph().asDefault(() => {
    const x = tl.placeholder('float32', [null, 2], { name: 'x' });
    const { w, y } = tl.nameScope('layer', () => {
      const w = tl.variable([[0.5], [-1]], { name: 'w' });
      return { w, y: tl.matmul(x, w, { name: 'y' }) };
    });
    const hidden = tl.tanh(y, { name: 'hidden' });
    const halves = tl.split(x, 2, { axis: 1, name: 'halves' });
    return {
      x,
      w,
      y,
      loss: tl.reduceSum(hidden, { name: 'total' }),
      parts: { pair: halves, deep: { y } },
      rate: 0.1,
      helper: () => 1,
    };
  });
}

describe('names', () => {
  test.each([
    ['x', 'x:0'],
    ['loss', 'total:0'],
    ['total', 'total:0'],
    ['hidden:0', 'hidden:0'],
    ['parts.pair.1', 'halves:1'],
    ['parts.deep.y', 'layer/y:0'],
    ['halves:1', 'halves:1'],
    ['w', 'layer/w:0'],
    ['layer/w', 'layer/w:0'],
  ])('%s is %s', (name, tensor) => expect(model.value(name, '--ys').name).toBe(tensor));

  test('a variable is found by its name in the graph, and an operation stays one where it is to run', () => {
    expect(model.value('layer/w', '--xs')).toBeInstanceOf(tl.Variable);
    expect(model.item('layer/w/Assign', '--fetch')).toBeInstanceOf(tl.Operation);
    expect(model.variables.map((variable) => variable.handle.op.name)).toEqual(['layer/w']);
  });

  test.each([
    ['los', "--xs: there is no 'los' in model.ts. Did you mean 'loss'"],
    ['hiden', "Did you mean 'hidden'?"],
    ['X', "Did you mean 'x'"],
    ['layer/y:3', "'layer/y' (MatMul) has 1 output; there is no 'layer/y:3'"],
    ['layer/w/Assign', "'layer/w/Assign' is an operation (AssignVariableOp) with no outputs"],
    ['halves', "'halves' is an operation (Split) with several outputs: choose one of halves:0, halves:1"],
    ['helper', "'helper' is a function, and only a default export"],
  ])('%s is not accepted', (name, message) => {
    expect(() => model.value(name, '--xs')).toThrow(UsageError);
    expect(() => model.value(name, '--xs')).toThrow(message);
  });
});

describe('what a module may export', () => {
  const g = new tl.Graph();
  const a = g.asDefault(() => tl.constant(1, { name: 'a' }));

  test.each<[string, Record<string, unknown>, string]>([
    ['a tensor', { a }, 'a'],
    ['a promise', { a: Promise.resolve(a) }, 'a'],
    ['a default object, whose keys are names', { default: { b: a } }, 'b'],
    ['a default function', { default: () => ({ b: a }) }, 'b'],
    ['an asynchronous one', { default: async () => Promise.resolve({ c: a }) }, 'c'],
    ['a single function', { build: () => ({ d: a }) }, 'd'],
    [
      'a function that returns a tensor',
      {
        build: function build() {
          return a;
        },
      },
      'build',
    ],
    ['a graph', { graph: g }, 'a'],
  ])('%s', async (_, exports, name) => {
    const found = await modelOf('m.ts', exports);
    expect([found.graph, found.value(name, '--ys')]).toEqual([g, a]);
  });

  test('nothing, where the default graph was built', async () => {
    tl.resetDefaultGraph();
    await expect(modelOf('m.ts', { n: 1 })).rejects.toThrow('m.ts makes no graph');
    tl.constant(5, { name: 'five' });
    expect((await modelOf('m.ts', { n: 1 })).value('five', '--ys').name).toBe('five:0');
    tl.resetDefaultGraph();
  });

  test('not parts of two graphs', async () => {
    const b = new tl.Graph().asDefault(() => tl.constant(1));
    await expect(modelOf('m.ts', { a, b })).rejects.toThrow('m.ts exports parts of 2 graphs');
  });
});

describe('gradient flags', () => {
  test('say everything that gradients takes', () => {
    const { appended, results } = differentiate(model, {
      ys: ['loss', 'y'],
      xs: ['w', 'x', 'parts.pair.0'],
      gradYs: ['-', 'layer/y'],
      aggregationMethod: 'experimentalTree',
      gateGradients: true,
      colocate: true,
      stopGradients: ['hidden'],
      unconnectedGradients: 'zero',
    });
    expect(results.map(({ x, gradient }) => [x, gradient === null])).toEqual([['w', false], ['x', false], ['parts.pair.0', false]]); // prettier-ignore
    expect(appended.some((op) => op.colocationGroups().includes('loc:@layer/y'))).toBe(true);
    expect(appended.some((op) => op.type === 'TanhGrad')).toBe(false);
    expect(appended[0]!.id).toBe(model.graph.version - appended.length);
  });

  test('slices are what they are, as ys and as xs', async () => {
    const sparse = await modelOf(
      'm.ts',
      new tl.Graph().asDefault(() => {
        const values = tl.placeholder('float32', [2, 3], { name: 'values' });
        const rows = new tl.IndexedSlices(values, tl.constant([0, 4], { dtype: 'int32' }));
        return { rows, sum: tl.reduceSum(tl.square(values)) };
      }),
    );
    const [byRows] = differentiate(sparse, { ys: ['sum'], xs: ['rows'] }).results;
    expect(byRows!.gradient).toBeInstanceOf(tl.IndexedSlices);
    const [ofRows] = differentiate(sparse, { ys: ['rows'], xs: ['values'] }).results;
    expect(ofRows!.gradient!.shape).toEqual([2, 3]);
  });

  test('say nothing where there are none', () =>
    expect(differentiate(model, {})).toEqual({ appended: [], diff: null, results: [] }));

  test.each<[GradientFlags, string]>([
    [{ ys: ['loss'] }, '--ys needs --xs'],
    [{ xs: ['w'] }, '--xs needs --ys'],
    [{ gateGradients: true }, 'gradient options need --ys and --xs'],
    [{ ys: ['loss'], xs: ['w'], aggregationMethod: 'toString' }, "not 'toString'"],
    [{ ys: ['loss'], xs: ['w'], unconnectedGradients: 'nan' }, "not 'nan'"],
  ])('%j is refused', (flags, message) => expect(() => checkGradientFlags(flags)).toThrow(message));

  test('a failure adds nothing', () => {
    const before = model.graph.state;
    expect(() => differentiate(model, { ys: ['loss'], xs: ['w'], gradYs: ['-', '-'] })).toThrow('gradYs');
    expect(model.graph.state).toBe(before);
  });
});

describe('feeds', () => {
  const folder = mkdtemp(join(tmpdir(), 'tapeless-feeds-'));
  afterAll(async () => rm(await folder, { recursive: true }));
  const fed = async (...flags: string[]) =>
    new Map([...(await parseFeedFlags(model, flags))].map(([tensor, data]) => [tensor.name, data]));

  test('are JSON, or files of it', async () => {
    const path = join(await folder, 'a=b.json');
    await writeFile(path, '[[5, 6]]');
    expect(await fed('x=[[1,2]]', 'hidden=0.5')).toEqual(new Map<string, unknown>([['x:0', [[1, 2]]], ['hidden:0', 0.5]])); // prettier-ignore
    expect(await fed(`x=@${path}`)).toEqual(new Map([['x:0', [[5, 6]]]]));
  });

  test('or arrays of NumPy', async () => {
    const path = join(await folder, 'x.npy');
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }".padEnd(117) + '\n';
    const mark = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
    await writeFile(path, Buffer.concat([mark, Buffer.from(header), Buffer.from(Float32Array.of(5, 6).buffer)]));
    expect((await fed(`x=@${path}`)).get('x:0')).toEqual(tl.NDArray.from([[5, 6]]));
  });

  test.each([
    [['x'], '--feed takes name=value'],
    [['=1'], '--feed takes name=value'],
    [['x=[1,'], "--feed x: '[1,' is not JSON"],
    [['x=@missing.npy'], 'cannot read missing.npy'],
    [['w=[1]'], "'w' is a variable"],
    [['x=1', 'x:0=1'], "'x:0' is fed twice"],
    [['z=1'], "there is no 'z'"],
  ])('%j is refused', async (flags, message) => {
    await expect(parseFeedFlags(model, flags)).rejects.toThrow(UsageError);
    await expect(parseFeedFlags(model, flags)).rejects.toThrow(message);
  });
});
