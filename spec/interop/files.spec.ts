/** GraphDefs in files, in the form that the name says. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tl from '../../src/index.js';
import { encodeGraphDef, parseGraphDef, readGraphDef, writeGraphDef } from '../../src/interop/index.js';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tapeless-files-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));
const path = (name: string) => join(folder, name);

function model(): tl.GraphDef {
  const g = new tl.Graph();
  g.asDefault(() => {
    const x = tl.placeholder('float32', [null, 300_000], { name: 'x' });
    const large = tl.constant(Float32Array.from({ length: 300_000 }, (_, i) => i), { name: 'large' }); // prettier-ignore
    const y = tl.add(x, large);
    tl.cond(tl.constant(true), () => y, () => tl.negative(y)); // prettier-ignore
    for (let i = 0; i < 2000; i++) tl.constant(Float32Array.from({ length: 200 }, (_, k) => i + k)); // prettier-ignore
  });
  return g.toGraphDef();
}

test.each(['a.pb', 'a.pbtxt', 'a.json'])(
  '%s',
  async (name) => {
    const def = model();
    await writeGraphDef(path(name), def);
    const read = await readGraphDef(path(name));
    expect(Buffer.from(encodeGraphDef(read)).equals(encodeGraphDef(def))).toBe(true);
    if (name.endsWith('.pb')) expect((await readFile(path(name))).equals(encodeGraphDef(def))).toBe(true);
    const g = new tl.Graph();
    g.asDefault(() => tl.importGraphDef(read, { name: '' }));
    expect(Buffer.from(encodeGraphDef(g.toGraphDef())).equals(encodeGraphDef(def))).toBe(true);
    expect((await readdir(folder)).filter((file) => file.includes('.tmp'))).toEqual([]);
  },
  60_000,
);

test('large contents are written as any others are', () => {
  const content = Uint8Array.from({ length: 70_000 }, (_, i) => i);
  const tensor = { dtype: 4, tensorShape: { dim: [{ size: 70_000n }] }, tensorContent: content };
  const attr = {
    T: { value: { case: 'type', value: 4 } },
    value: { value: { case: 'tensor', value: tensor } },
  } as const;
  const node = { name: 'é', op: 'Const', input: ['^a'], device: '/cpu:0', attr };
  const bytes = Buffer.from(encodeGraphDef({ node: [node] }));
  const short = Buffer.from(encodeGraphDef({ node: [{ ...node, attr: { ...attr, value: { value: { case: 'tensor', value: { ...tensor, tensorContent: content.subarray(0, 60_000) } } } } }] })); // prettier-ignore
  expect(bytes.length - short.length).toBe(10_000);
  expect(bytes.subarray(bytes.length - 70_000).equals(content)).toBe(true);
  // All lengths are of three bytes: up to there nothing but their numbers differs.
  expect([...bytes.subarray(0, -70_000)].filter((byte, i) => byte !== short[i]).length).toBeLessThanOrEqual(15);
});

describe('refused', () => {
  test.each<[string, Uint8Array | string, string]>([
    ['cut.pb', Uint8Array.of(10, 5, 10, 1), 'it ends in the middle of field 1, at byte 4'],
    ['field.pb', Uint8Array.of(0x82, 1, 0), 'it has a field 16'],
    ['kind.pb', Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0), 'field 1 is of another kind'],
    ['node.pb', Uint8Array.of(10, 2, 10, 5), 'this is no GraphDef: node 0: '],
    ['varint.pb', new Uint8Array(12).fill(255), 'a number does not end'],
    ['text.pbtxt', 'node {', 'line 1, column 7: '],
    ['text.json', '{', 'this is no GraphDef in JSON: '],
    ['fields.json', '{"nodes":[]}', 'this is no GraphDef in JSON: '],
  ])('%s', async (name, content, message) => {
    await writeFile(path(name), content);
    const reading = readGraphDef(path(name));
    await expect(reading).rejects.toThrow(tl.InvalidArgumentError);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(path(name));
  });

  test('a file that is not there, and a name that says nothing', async () => {
    await expect(readGraphDef(path('none.pb'))).rejects.toThrow(tl.NotFoundError);
    await expect(readGraphDef('graph')).rejects.toThrow(
      "'graph' does not say what it is: names end in .pb, .pbtxt, .json.",
    );
    await expect(writeGraphDef('graph.txt', {})).rejects.toThrow(tl.InvalidArgumentError);
  });

  test('what cannot be written leaves what was there', async () => {
    await writeGraphDef(path('kept.pb'), parseGraphDef('node { name: "x" op: "NoOp" }'));
    await expect(
      writeGraphDef(path('kept.pb'), { node: [{ name: 'x', op: 'NoOp' }, null as never] }),
    ).rejects.toThrow();
    expect((await readGraphDef(path('kept.pb'))).node).toHaveLength(1);
    expect((await readdir(folder)).filter((file) => file.includes('.tmp'))).toEqual([]);
  });
});
