/** The compiling backend against the interpreter, on every sample of every op record and with everything known or nothing. */
import { describe, expect, test } from '@jest/globals';
import { Graph } from '../../../src/graph/graph.js';
import type { NDArray } from '../../../src/graph/ndarray.js';
import { Session } from '../../../src/session/session.js';
import { disagreement } from '../../ops/support/agreement.js';
import { sampleCases } from '../../ops/support/samples.js';
import { allOps, buildSample, type Knowledge } from '../../tensorflow/support/ops.js';

const ops = allOps().filter(({ samples, effect }) => samples.length > 0 && effect !== 'random');
const knowledges: readonly Knowledge[] = ['static shapes', 'unknown rank'];

function outcome(run: () => readonly NDArray[]): readonly NDArray[] | string {
  try {
    return run();
  } catch (error) {
    return (error as Error).message;
  }
}

describe.each(knowledges)('every sample, %s', (knowledge) => {
  test.each(ops.map((def) => [def.name, def] as const))('%s', (_, def) => {
    for (const sample of sampleCases(def)) {
      const graph = new Graph();
      const { op, feeds } = graph.asDefault(() => buildSample(sample, knowledge));
      const [expected, found] = ['interpret', 'wasm'].map((backend) =>
        outcome(() => new Session({ graph, backend }).runSync([...op.outputs], feeds)),
      ) as [readonly NDArray[] | string, readonly NDArray[] | string];
      if (typeof expected === 'string' || typeof found === 'string') {
        expect(found).toBe(expected);
        continue;
      }
      const differences = found.map((value, i) => disagreement(value, expected[i]!));
      expect({ sample: sample.key, differences }).toEqual({ sample: sample.key, differences: found.map(() => null) });
    }
  });
});
