/** Random programs and their gradients: compiled, they compute what the interpreter computes. */
import { describe, expect, test } from '@jest/globals';
import { Graph } from '../../../src/graph/graph.js';
import type { NDArray } from '../../../src/graph/ndarray.js';
import { Tensor } from '../../../src/graph/tensor.js';
import { Session } from '../../../src/session/session.js';
import { arrayDifference } from '../../tensorflow/support/arrays.js';
import { generate } from '../../tensorflow/support/fuzz-generate.js';
import { buildProgram } from '../../tensorflow/support/fuzz-build.js';
import { printProgram } from '../../tensorflow/support/fuzz-print.js';
import { Recorder } from '../../tensorflow/support/recorder.js';

const count = Number(process.env.TAPELESS_FUZZ ?? 300);
const first = Number(process.env.TAPELESS_FUZZ_SEED ?? 1);

type Built = ReturnType<typeof buildProgram> & { readonly graph: Graph; readonly recorder: Recorder };

/** What a program's tensors and gradients are on a backend. */
function outcome({ graph, recorder, feeds, init, tensors }: Built, backend: string): readonly NDArray[] | string {
  const results = recorder.calls.flatMap(({ results: all }) =>
    all.flatMap((result) => {
      if (result === null) return [];
      return result instanceof Tensor ? [result] : [result.values, result.indices];
    }),
  );
  const session = new Session({ graph, backend });
  session.runSync(init);
  try {
    return session.runSync(
      [...tensors, ...results].filter(({ dtype }) => dtype !== 'resource'),
      feeds,
    );
  } catch (error) {
    return (error as Error).message;
  }
}

function built(seed: number): Built | null {
  const graph = new Graph();
  const recorder = new Recorder(graph);
  try {
    return { ...graph.asDefault(() => buildProgram(generate(seed), recorder, 'p')), graph, recorder };
  } catch {
    return null;
  }
}

describe('programs', () => {
  test(`${first} to ${first + count - 1}`, () => {
    let compared = 0;
    for (let seed = first; seed < first + count; seed++) {
      const program = built(seed);
      if (!program) continue;
      const [expected, found] = ['interpret', 'wasm'].map((backend) => outcome(program, backend));
      if (typeof expected === 'string' || typeof found === 'string') {
        expect({ seed, found }).toEqual({ seed, found: expected });
        continue;
      }
      // Errors add up over a program, and what is wide may come of what is narrow.
      const factor = (value: NDArray) => (value.dtype === 'float64' || value.dtype === 'complex128' ? 1e7 : 100);
      const different = found!
        .map((value, i) => arrayDifference(value, expected![i]!, factor(value)))
        .filter((line) => line !== null);
      if (different.length > 0)
        throw new Error(`Program ${seed}: ${different.join('\n')}\n${printProgram(generate(seed))}`);
      compared++;
    }
    expect(compared).toBeGreaterThan(count / 2);
  }, 120_000);
});
