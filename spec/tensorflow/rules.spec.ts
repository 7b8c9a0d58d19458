/** Every gradient rule against TensorFlow's: the same nodes and the same values, at order 1 and 2. */
import { describe, expect, test } from '@jest/globals';
import { isTrainable } from '../../src/graph/dtype.js';
import { Graph } from '../../src/graph/graph.js';
import { NDArray } from '../../src/graph/ndarray.js';
import type { RegisteredOp } from '../../src/ops/opdef.js';
import { sizeOf } from '../../src/graph/shape.js';
import { Tensor } from '../../src/graph/tensor.js';
import { placeholder } from '../../src/ops/definitions/constant.js';
import { Session } from '../../src/session/session.js';
import { generator, sampleCases, type SampleCase } from '../ops/support/samples.js';
import { BothFailed, compareWithTensorFlow, TensorFlowFailed } from './support/compare.js';
import { allOps, buildSample, knowledges, type Knowledge } from './support/ops.js';
import type { Recorder, Result } from './support/recorder.js';
import { useTensorFlow } from './support/cases.js';

const notes = new Set<string>();
/** The exceptions that were needed. */
const used = new Set<string>();

useTensorFlow(() => [...notes]);

const only = process.env.TAPELESS_OPS?.split(',');
const rules = allOps().filter(
  ({ name, grad, samples }) => typeof grad === 'function' && samples.length > 0 && (!only || only.includes(name)),
);

/** Samples that TensorFlow itself cannot differentiate, at least where less is known, and why. */
const refused: Readonly<Record<string, string>> = {
  'ConcatV2/1': 'its rule mixes an int64 axis with an int32 rank',
  'Conv2D/5': 'its kernels have no gradients of groups on CPU',
  'Max/1': 'its rule mixes int64 axes with int32 positions where the shape is unknown',
  'MaxPool/3': 'its kernel has no gradient of windows of channels on CPU',
  'MaxPoolGrad/2': 'its rule does not know explicit paddings',
  'PreventGradient/0': 'that is what the op is for',
};

/** Samples of whose second derivatives only the values are compared, and why. */
const valuesOnly: Readonly<Record<string, string>> = {
  'SoftmaxCrossEntropyWithLogits/2':
    'TensorFlow takes an unknown size for that of the other operand, although it broadcasts',
};

/** Ops whose rule is not TensorFlow's on purpose, with the calls whose nodes are TensorFlow's all the same. */
const rulesOfOurOwn: Readonly<Record<string, readonly number[]>> = {
  // TensorFlow divides by elements that may be 0.
  Cumprod: [],
  // Its rule is TensorFlow's, but goes through Cumprod.
  Prod: [0],
  // TensorFlow's is not linear in the gradient: it divides by it.
  EuclideanNorm: [],
  // TensorFlow divides by the number of rows of segments that have none.
  SegmentMax: [],
  SegmentMin: [],
};

/** Samples for which TensorFlow's derivatives are wrong from some order on: they hold a zero, or a segment without rows. */
const wrongThereFrom: Readonly<Record<string, number>> = {
  'Cumprod/3': 1,
  'Prod/3': 2,
  'SegmentMax/4': 2,
  'SegmentMin/4': 2,
};

/** float64 where all of the op can be: a default of float32 would contradict wider inputs. */
function widens({ parsed }: RegisteredOp): boolean {
  return !parsed.attrs.some(
    ({ kind, default: value }) => kind === 'type' && ['float32', 'complex64'].includes(value?.value as string),
  );
}

describe.each(rules.map((def) => [def.name, def] as const))('%s', (_, def) => {
  const rows = sampleCases(def, { wide: widens(def) }).flatMap((sample) =>
    knowledges.map((knowledge) => [sample.key, knowledge, sample] as const),
  );
  test.each(rows.filter(([, knowledge, sample]) => differs(knowledge, sample)))(
    '%s, %s',
    async (_key, knowledge, sample) => {
      const values = forward(sample);
      const compare = async (order: 1 | 2): Promise<unknown> => {
        const known = order === 1 || knowledge === 'static shapes' || !(sample.key in valuesOnly) || [0];
        const nodes = rulesOfOurOwn[def.name] ?? known;
        const betterKnown = (message: string) => notes.add(`${sample.key}, ${knowledge}, other nodes: ${message}`);
        const build = (recorder: Recorder) => differentiate(recorder, sample, knowledge, values, order);
        return compareWithTensorFlow(build, { nodes, betterKnown }).catch((error: unknown) => error);
      };
      const wrongFrom = wrongThereFrom[sample.key] ?? Infinity;
      if (wrongFrom <= 1) return;
      let outcome = await compare(wrongFrom <= 2 ? 1 : 2);
      if (isRefusal(outcome)) {
        notes.add(`${sample.key}, order 2: ${outcome.message.slice(0, 300)}`);
        outcome = await compare(1);
      }
      if (isRefusal(outcome)) {
        notes.add(`${sample.key}, order 1: ${outcome.message.slice(0, 300)}`);
        expect(Object.keys(refused)).toContain(sample.key);
        used.add(sample.key);
      } else if (outcome instanceof Error) throw outcome;
    },
  );
});

function isRefusal(outcome: unknown): outcome is Error {
  return outcome instanceof BothFailed || outcome instanceof TensorFlowFailed;
}

/** Whether a variant is another graph than that of static shapes. */
function differs(knowledge: Knowledge, { inputs, given }: SampleCase): boolean {
  const arrays = inputs.flatMap((input, i) =>
    (input instanceof NDArray ? [input] : input).map((array) => ({ array, given: given[i]! })),
  );
  const isFixed = (entry: { array: NDArray; given: boolean }) => entry.given && !isTrainable(entry.array.dtype);
  if (knowledge === 'static shapes') return true;
  if (knowledge === 'unknown values') return arrays.some(isFixed);
  if (knowledge === 'some dims')
    return (
      arrays.some((entry) => !isFixed(entry) && entry.array.shape.length > 1) ||
      (arrays.length > 1 && arrays.some((entry) => !isFixed(entry) && entry.array.shape.length > 0))
    );
  if (knowledge === 'unknown dims') return arrays.some((entry) => !isFixed(entry) && entry.array.shape.length > 0);
  return arrays.some((entry) => !isFixed(entry));
}

/** The outputs, for their shapes. */
function forward(sample: SampleCase): readonly NDArray[] {
  const graph = new Graph();
  return graph.asDefault(() => {
    const { op, feeds } = buildSample(sample, 'static shapes');
    return new Session({ graph }).runSync(op.outputs, feeds);
  });
}

function differentiate(
  { gradients }: Recorder,
  sample: SampleCase,
  knowledge: Knowledge,
  values: readonly NDArray[],
  order: 1 | 2,
): { feeds: Map<Tensor, NDArray>; fetches: Tensor[] } {
  const { op, xs, feeds } = buildSample(sample, knowledge);
  const seed = (y: Tensor, shape: readonly number[], name: string): Tensor => {
    const dy = placeholder(y.dtype, y.shape, { name }) as Tensor;
    feeds.set(dy, randomArray(y.dtype, shape, `${sample.key}/${name}`));
    return dy;
  };
  const ys = op.outputs.filter((y) => isTrainable(y.dtype));
  const dys = ys.map((y, i) => seed(y, values[y.index]!.shape, `dy_${i}`));
  const dxs = gradients(ys, xs, { gradYs: dys });
  if (order === 2) {
    const dense = dxs
      .map((dx, i) => [valuesOf(dx), i] as const)
      .filter((entry): entry is readonly [Tensor, number] => entry[0] !== null);
    const shape = (dx: Tensor, i: number) => (dxs[i] === dx ? feeds.get(xs[i]!)!.shape : sliceShape(dx, feeds));
    const ddxs = dense.map(([dx, i]) => seed(dx, shape(dx, i), `ddx_${i}`));
    if (dense.length > 0)
      gradients(
        dense.map(([dx]) => dx),
        [...xs, ...dys],
        { gradYs: ddxs },
      );
  }
  return { feeds, fetches: op.outputs.filter((y) => y.dtype !== 'resource' && y.dtype !== 'variant') };
}

/** Slices are differentiated by their values. */
function valuesOf(dx: Result): Tensor | null {
  return dx === null || dx instanceof Tensor ? dx : dx.values;
}

/** The shape of a sparse gradient's values. */
function sliceShape(values: Tensor, feeds: ReadonlyMap<Tensor, NDArray>): readonly number[] {
  return new Session({ graph: values.graph }).runSync(values, feeds).shape;
}

function randomArray(dtype: Tensor['dtype'], shape: readonly number[], key: string): NDArray {
  const random = generator(key);
  const number = () => (Math.floor(random() * 2048) * 2 + 1 - 2048) / 1024;
  const complex = dtype === 'complex64' || dtype === 'complex128';
  const items = Array.from({ length: sizeOf(shape) }, () => (complex ? { re: number(), im: number() } : number()));
  return NDArray.from(items, dtype, shape);
}

test('there are rules to compare, and no needless exceptions', () => {
  expect(rules.length).toBeGreaterThan(0);
  const listed = Object.keys(refused).filter((key) => rules.some(({ name }) => key.startsWith(`${name}/`)));
  expect([...used].sort()).toEqual(listed.sort());
});
