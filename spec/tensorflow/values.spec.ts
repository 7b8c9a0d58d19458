/** Every op's value and static shape against TensorFlow's, on the samples of its record. */
import { describe, expect, test } from '@jest/globals';
import { formatShape, mergeShapes, type Shape } from '../../src/graph/shape.js';
import { sampleCases } from '../ops/support/samples.js';
import { compareWithTensorFlow } from './support/compare.js';
import { allOps, buildSample, knowledges } from './support/ops.js';
import { useTensorFlow } from './support/cases.js';
import { tensorFlow } from './support/worker.js';

useTensorFlow(() => (better.length > 0 ? ['Static shapes known better than by TensorFlow:', ...better] : []));

const better: string[] = [];

/** Samples whose static shape TensorFlow gets wrong, and why. */
const wrongThere: Readonly<Record<string, string>> = {
  'SoftmaxCrossEntropyWithLogits/2': 'it takes an unknown size for that of the other operand, although it broadcasts',
};

const only = process.env.TAPELESS_OPS?.split(',');
const ops = allOps().filter(({ name, samples }) => samples.length > 0 && (!only || only.includes(name)));

describe.each(ops.map((def) => [def.name, def] as const))('%s', (_, def) => {
  test.each(sampleCases(def).map((sample) => [sample.key, sample] as const))('%s', async (_key, sample) => {
    for (const knowledge of knowledges) {
      let outputs: readonly { readonly name: string; readonly shape: Shape }[] = [];
      const { answer } = await compareWithTensorFlow(
        () => {
          const { op, feeds } = buildSample(sample, knowledge);
          outputs = op.outputs;
          return { feeds, fetches: op.outputs };
        },
        { values: knowledge === 'static shapes' },
      );
      // A shape may be known better here than in TensorFlow, never worse.
      const shapes = (of: readonly (Shape | undefined)[]) =>
        `${knowledge}: ${of.map((shape) => (shape === undefined ? 'contradiction' : formatShape(shape))).join(', ')}`;
      const ours = outputs.map(({ shape }) => shape);
      const theirs = outputs.map(({ name }) => answer.shapes![name]!);
      if (knowledge === 'some dims' && sample.key in wrongThere) continue;
      expect(shapes(ours)).toBe(shapes(ours.map((shape, i) => mergeShapes(shape, theirs[i]!))));
      if (shapes(ours) !== shapes(theirs)) better.push(`${sample.key}, ${shapes(ours)}, TensorFlow ${shapes(theirs)}`);
    }
  });
});

test('TensorFlow is the version that is reproduced', async () => {
  expect(await tensorFlow().version()).toBe('2.21.0');
});
