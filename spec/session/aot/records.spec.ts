/** Every op whose samples compile ahead of time computes the bits that a session computes. */
import { expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { relaxedSimd } from '../../../src/session/backends/wasm/matmul/relaxed.js';
import { arrayDifference } from '../../tensorflow/support/arrays.js';
import { sampleCases } from '../../ops/support/samples.js';
import { allOps, buildSample } from '../../tensorflow/support/ops.js';
import { build, entry, play, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const ops = allOps().filter(({ samples, effect }) => samples.length > 0 && effect !== 'random');
const refusals = /cannot be compiled ahead of time|compiled code holds/;

interface Case {
  readonly sample: string;
  readonly feeds: Readonly<Record<string, unknown>>;
  readonly expected: readonly tl.NDArray[] | null;
}

function carried(array: tl.NDArray): readonly [string, string] {
  const { constructor, buffer, byteOffset, byteLength } = array.data as Float32Array;
  return [constructor.name, Buffer.from(buffer, byteOffset, byteLength).toString('base64')];
}

/** Builds what compiles of the samples as m0, m1 … */
function buildAll(): readonly Case[] {
  const cases: Case[] = [];
  for (const def of ops) {
    for (const sample of sampleCases(def)) {
      const graph = new tl.Graph();
      const { op, feeds } = graph.asDefault(() => buildSample(sample, 'static shapes'));
      if (op.outputs.length === 0) continue;
      const given = new Map([...feeds].map(([tensor, data]) => [tensor, tl.NDArray.from(data, tensor.dtype)]));
      const named = [...given].map(([tensor, array], i) => [`f${i}`, [tensor, array.shape]] as const);
      const outputs = Object.fromEntries(op.outputs.map((output, i) => [`o${i}`, output]));
      try {
        build(folder.path, `m${cases.length}`, graph, [entry('run', outputs, { feeds: Object.fromEntries(named) })]);
      } catch (error) {
        if (error instanceof tl.TapelessError && refusals.test(error.message)) continue;
        throw error;
      }
      let expected: readonly tl.NDArray[] | null = null;
      try {
        expected = new tl.Session({ graph }).runSync([...op.outputs], feeds);
      } catch {
        // It fails in both.
      }
      const shown = [...given.values()].map((array, i) => [`f${i}`, carried(array)] as const);
      cases.push({ sample: `${def.name} ${sample.key}`, feeds: Object.fromEntries(shown), expected });
    }
  }
  return cases;
}

test('samples of op records', async () => {
  const cases = buildAll();
  expect(new Set(cases.map(({ sample }) => sample.split(' ')[0])).size).toBeGreaterThan(130);
  const results = (await play(
    folder.path,
    `
    const all = ${JSON.stringify(cases.map(({ feeds }) => feeds))};
    const arrayOf = ([type, text]) => new globalThis[type](Uint8Array.from(Buffer.from(text, 'base64')).buffer);
    const textOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength).toString('base64');
    for (const [i, feeds] of all.entries()) {
      const { run } = await (await import('./m' + i + '.js')).load();
      const given = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, arrayOf(value)]));
      const results = await attempt(() => run(given));
      tell(results instanceof Error ? results.message : Object.values(results).map(textOf));
    }
    `,
  )) as readonly (string | readonly string[])[];
  expect(results).toHaveLength(cases.length);
  cases.forEach(({ sample, expected }, i) => {
    const found = results[i]!;
    if (!expected || typeof found === 'string') return expect([sample, typeof found]).toEqual([sample, expected ? 'object' : 'string']); // prettier-ignore
    expected.forEach((value, k) => {
      if (!relaxedSimd()) return expect([sample, found[k]]).toEqual([sample, carried(value)[1]]);
      const bytes = Uint8Array.from(Buffer.from(found[k]!, 'base64'));
      const data = new (value.data.constructor as Float32ArrayConstructor)(bytes.buffer);
      expect(arrayDifference(new tl.NDArray(value.dtype, value.shape, data), value, 100)).toBeNull();
    });
  });
});
