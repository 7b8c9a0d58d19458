/** Every op's record put to the test: shapes, values, and gradients of order 1 and 2, on its samples. */
import { describe, expect, test } from '@jest/globals';
import { isFloating, isComplex, type DType } from '../../src/graph/dtype.js';
import { Graph } from '../../src/graph/graph.js';
import type { NDArray } from '../../src/graph/ndarray.js';
import { formatShape, isCompatible, isFullyDefined } from '../../src/graph/shape.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { gradients } from '../../src/gradients/gradients.js';
import type { RegisteredOp } from '../../src/ops/opdef.js';
import { Session } from '../../src/session/session.js';
import { checkGradients } from '../../src/testing/index.js';
import { allOps, buildSample, knowledges, type Knowledge } from '../tensorflow/support/ops.js';
import { disagreement } from './support/agreement.js';
import { recordedOutputs } from './support/recorded.js';
import { sampleCase, sampleCases, type SampleCase } from './support/samples.js';

const only = process.env.TAPELESS_OPS?.split(',');
const ops = allOps()
  .filter(({ name, samples }) => samples.length > 0 && (!only || only.includes(name)))
  .map((def) => [def.name, def] as const);

const differentiable = (dtype: DType): boolean => isFloating(dtype) || isComplex(dtype);

/** Runs `fn` for each sample; a failure says which it was. */
async function forEachSample(def: RegisteredOp, fn: (sample: SampleCase) => unknown, options?: { wide: boolean }): Promise<void> {
  for (const sample of sampleCases(def, options)) {
    try {
      await fn(sample);
    } catch (error) {
      (error as Error).message = `sample ${sample.key}: ${(error as Error).message}`;
      throw error;
    }
  }
}

interface Outcome {
  readonly outputs: readonly Tensor[];
  readonly values: readonly NDArray[];
}

/** Builds and runs a sample in a graph of its own. */
function outcomeOf(sample: SampleCase, knowledge: Knowledge): Outcome {
  const graph = new Graph();
  const { op, feeds } = graph.asDefault(() => buildSample(sample, knowledge));
  const session = new Session({ graph });
  if (op.outputs.length === 0) {
    session.runSync(op, feeds);
    return { outputs: [], values: [] };
  }
  return { outputs: op.outputs, values: session.runSync([...op.outputs], feeds) };
}

describe('static shape and dtype against the value', () => {
  test.each(ops)('%s', (_, def) =>
    forEachSample(def, (sample) => {
      for (const knowledge of knowledges) {
        const { outputs, values } = outcomeOf(sample, knowledge);
        outputs.forEach(({ dtype, shape }, i) => {
          const value = values[i]!;
          const context = `${knowledge}, output ${i}: `;
          expect(context + dtype).toBe(context + value.dtype);
          const fits = isCompatible(shape, value.shape) ? formatShape(value.shape) : formatShape(shape);
          expect(`${context}inferred ${fits}`).toBe(`${context}inferred ${formatShape(value.shape)}`);
        });
      }
    }),
  );
});

describe('what is known statically does not change the value', () => {
  test.each(ops.filter(([, def]) => def.effect === 'pure'))('%s', (_, def) =>
    forEachSample(def, (sample) => {
      const expected = outcomeOf(sample, 'static shapes').values;
      for (const knowledge of knowledges.slice(1)) {
        outcomeOf(sample, knowledge).values.forEach((value, i) => {
          expect(`${knowledge}, output ${i}: ${disagreement(value, expected[i]!) ?? 'equal'}`).toBe(`${knowledge}, output ${i}: equal`);
        });
      }
    }),
  );
});

describe('values recorded from TensorFlow', () => {
  const recorded = ops.filter(([, def]) => def.samples.some((_, i) => recordedOutputs(sampleCase(def, i).key)));
  if (recorded.length === 0) test.todo('there are no recordings');
  else
    test.each(recorded)('%s', (_, def) =>
      forEachSample(def, (sample) => {
        const expected = recordedOutputs(sample.key);
        if (!expected) return;
        const { values } = outcomeOf(sample, 'static shapes');
        expect(values.length).toBe(expected.length);
        values.forEach((value, i) => {
          expect(`output ${i}: ${disagreement(value, expected[i]!) ?? 'equal'}`).toBe(`output ${i}: equal`);
        });
      }),
    );
});

const withRule = ops.filter(([, def]) => typeof def.grad === 'function');

describe('gradients of order 1 and 2 against finite differences', () => {
  test.each(withRule)('%s', async (_, def) => {
    await forEachSample(
      def,
      async (sample) => {
        if (sample.sample.notDifferentiable !== undefined) return;
        const graph = new Graph();
        const { op, xs, feeds } = graph.asDefault(() => buildSample(sample, 'static shapes'));
        const ys = op.outputs.filter((y) => differentiable(y.dtype));
        const inputs = xs.filter((x) => differentiable(x.dtype));
        if (ys.length > 0 && inputs.length > 0) await checkGradients(ys, inputs, { feeds, order: 2 });
      },
      { wide: true },
    );
  });
});

describe('gradients where little is known statically', () => {
  test.each(withRule)('%s', (_, def) =>
    forEachSample(def, (sample) => {
      if (sample.sample.notDifferentiable !== undefined) return;
      const expected = gradientsOf(sample, 'static shapes');
      for (const knowledge of knowledges.slice(1)) {
        gradientsOf(sample, knowledge).forEach((value, i) => {
          const context = `${knowledge}, input ${i}: `;
          const wanted = expected[i]!;
          const difference = value === null || wanted === null ? value === wanted : disagreement(value, wanted);
          expect(`${context}${difference === true || difference === null ? 'equal' : String(difference)}`).toBe(`${context}equal`);
        });
      }
    }),
  );
});

/** The gradients of a sample's float inputs, with gradients of its outputs that are not all alike. */
function gradientsOf(sample: SampleCase, knowledge: Knowledge): readonly (NDArray | null)[] {
  const graph = new Graph();
  return graph.asDefault(() => {
    const { op, xs, feeds } = buildSample(sample, knowledge);
    const ys = op.outputs.filter((y) => differentiable(y.dtype));
    const inputs = xs.filter((x) => differentiable(x.dtype));
    if (ys.length === 0 || inputs.length === 0) return [];
    const session = new Session({ graph });
    const gradYs = session.runSync(ys, feeds);
    const found = gradients(ys, inputs, { gradYs });
    found.forEach((dx, i) => {
      const shape = inputs[i]!.shape;
      if (dx && !(isCompatible(dx.shape, shape) && (isFullyDefined(dx.shape) || !isFullyDefined(shape)))) {
        throw new Error(`the static shape of gradient ${i} is ${formatShape(dx.shape)}, of the input ${formatShape(shape)}`);
      }
    });
    const dense = found.map((dx) => dx && ('toTensor' in dx ? dx.toTensor() : dx));
    const values = session.runSync(dense.filter((dx) => dx !== null), feeds);
    let next = 0;
    return dense.map((dx) => (dx === null ? null : values[next++]!));
  });
}

describe('no gradient flows where the record says so', () => {
  test.each(ops.filter(([, def]) => typeof def.grad !== 'function'))('%s', (_, def) =>
    forEachSample(def, (sample) => {
      const graph = new Graph();
      graph.asDefault(() => {
        const { op, xs } = buildSample(sample, 'static shapes');
        const ys = op.outputs.filter((y) => differentiable(y.dtype));
        const inputs = xs.filter((x) => differentiable(x.dtype));
        if (ys.length === 0 || inputs.length === 0) return;
        const found = gradients(ys, inputs, { gradYs: ys });
        expect(found).toEqual(inputs.map(() => null));
      });
    }),
  );
});

/** Ops whose gradient finite differences cannot see on any sample, and why. */
const uncheckedOps: Readonly<Record<string, string>> = {
  PreventGradient: 'its gradient is an error',
};

describe('every op with a gradient rule has a sample that finite differences apply to', () => {
  test.each(withRule.filter(([name]) => !(name in uncheckedOps)))('%s', (_, def) => {
    expect(def.samples.some(({ notDifferentiable }) => notDifferentiable === undefined)).toBe(true);
  });
});
