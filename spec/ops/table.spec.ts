/** Every op's record put to the test: shapes, values, and gradients of order 1 and 2, on its samples. */
import { describe, expect, test } from '@jest/globals';
import { isFloating, isComplex, type DType } from '../../src/graph/dtype.js';
import { Graph } from '../../src/graph/graph.js';
import type { NDArray } from '../../src/graph/ndarray.js';
import { formatShape, isCompatible, isFullyDefined } from '../../src/graph/shape.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { gradients } from '../../src/gradients/gradients.js';
import { IndexedSlices } from '../../src/ops/indexed-slices.js';
import { type RegisteredOp } from '../../src/ops/opdef.js';
import { Session } from '../../src/session/session.js';
import { allOps, buildSample, knowledges, type Knowledge } from '../tensorflow/support/ops.js';
import { disagreement } from './support/agreement.js';
import { recordedOutputs } from './support/recorded.js';
import { checkOrder, orders } from './support/orders.js';
import { sampleCase, sampleCases, type SampleCase } from './support/samples.js';

const only = process.env.TAPELESS_OPS?.split(',');
const ops = allOps()
  .filter(({ name, samples }) => samples.length > 0 && (!only || only.includes(name)))
  .map((def) => [def.name, def] as const);

const differentiable = (dtype: DType): boolean => isFloating(dtype) || isComplex(dtype);

/** Runs `fn` for each sample; a failure says which it was. */
async function forEachSample(
  def: RegisteredOp,
  fn: (sample: SampleCase) => unknown,
  options?: { wide: boolean },
): Promise<void> {
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
          expect(`${knowledge}, output ${i}: ${disagreement(value, expected[i]!) ?? 'equal'}`).toBe(
            `${knowledge}, output ${i}: equal`,
          );
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

/** Ops whose gradient finite differences cannot see on any sample, and why. */
const uncheckedOps: Readonly<Record<string, string>> = {
  ArgMax: 'its results are integers',
  ArgMin: 'its results are integers',
  FloorDiv: 'its steps have no slope, and its rule gives none',
  MaxPoolGrad: 'it has a gradient with the pool of its image only: orders 2 and 3 of MaxPool are checked',
  MaxPoolGradGrad: 'likewise',
  PreventGradient: 'its gradient is an error',
};

const withRule = ops.filter(([, def]) => typeof def.grad === 'function');

describe('gradients of order 1, 2 and 3 against finite differences', () => {
  const all = allOps().filter(({ name, grad }) => typeof grad === 'function' && (!only || only.includes(name)));
  test.each(all.map((def) => [def.name, def] as const))('%s', async (name, def) => {
    const checked = await checkOrder(def, orders);
    expect(checked > 0).toBe(!(name in uncheckedOps));
  });
});

describe('gradients where little is known statically', () => {
  test.each(withRule.filter(([name]) => !(name in uncheckedOps)))('%s', (_, def) =>
    forEachSample(def, (sample) => {
      const expected = gradientsOf(sample, 'static shapes');
      for (const knowledge of knowledges.slice(1)) {
        gradientsOf(sample, knowledge).forEach((value, i) => {
          const context = `${knowledge}, input ${i}: `;
          const wanted = expected[i]!;
          const difference = value === null || wanted === null ? value === wanted : disagreement(value, wanted);
          expect(`${context}${difference === true || difference === null ? 'equal' : String(difference)}`).toBe(
            `${context}equal`,
          );
        });
      }
    }),
  );
});

/** The gradients of a sample's float inputs, and the gradients of those, with gradYs that are not all alike. */
function gradientsOf(sample: SampleCase, knowledge: Knowledge): readonly (NDArray | null)[] {
  const graph = new Graph();
  return graph.asDefault(() => {
    const { op, xs, feeds } = buildSample(sample, knowledge);
    const inputs = xs.filter((x) => differentiable(x.dtype));
    const first = denseGradients(
      op.outputs.filter((y) => differentiable(y.dtype)),
      inputs,
    );
    const second = denseGradients(
      first.filter((dx) => dx !== null),
      inputs,
    );
    const found = [...first, ...second];
    const values = new Session({ graph }).runSync(
      found.filter((dx) => dx !== null),
      feeds,
    );
    let next = 0;
    return found.map((dx) => (dx === null ? null : values[next++]!));
  });
}

/** Gradients with the ys themselves for gradYs; their static shapes must say as much as those of the xs. */
function denseGradients(ys: readonly Tensor[], xs: readonly Tensor[]): readonly (Tensor | null)[] {
  if (ys.length === 0 || xs.length === 0) return [];
  return gradients(ys, xs, { gradYs: ys }).map((dx, i) => {
    if (dx === null) return null;
    const { shape } = xs[i]!;
    const dense = dx instanceof IndexedSlices ? dx.toTensor() : dx;
    if (
      isCompatible(dense.shape, shape) &&
      (dx instanceof IndexedSlices || isFullyDefined(dense.shape) || !isFullyDefined(shape))
    )
      return dense;
    throw new Error(
      `the static shape of gradient ${i} is ${formatShape(dense.shape)}, of the input ${formatShape(shape)}`,
    );
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

/** Ops that samples cannot drive, and the spec that covers them. */
const withoutSamples: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'AssignAddVariableOp',
      'AssignSubVariableOp',
      'AssignVariableOp',
      'DisableCopyOnRead',
      'ReadVariableOp',
      'ResourceGather',
      'VarHandleOp',
      'VarIsInitializedOp',
      'VariableShape',
    ].map((name) => [name, 'variable.spec.ts']),
  ),
  Placeholder: 'constant.spec.ts',
  ...Object.fromEntries(
    [
      'ResourceApplyAdagrad',
      'ResourceApplyAdam',
      'ResourceApplyCenteredRMSProp',
      'ResourceApplyGradientDescent',
      'ResourceApplyMomentum',
      'ResourceApplyRMSProp',
      'ResourceScatterAdd',
      'ResourceSparseApplyAdagrad',
      'ResourceSparseApplyCenteredRMSProp',
      'ResourceSparseApplyMomentum',
      'ResourceSparseApplyRMSProp',
    ].map((name) => [name, 'training.spec.ts']),
  ),
  ...Object.fromEntries(
    [
      'Case',
      'EmptyTensorList',
      'FakeParam',
      'If',
      'PartitionedCall',
      'StatefulPartitionedCall',
      'StatelessCase',
      'StatelessIf',
      'StatelessWhile',
      'TensorListElementShape',
      'TensorListFromTensor',
      'TensorListGetItem',
      'TensorListLength',
      'TensorListPopBack',
      'TensorListPushBack',
      'TensorListReserve',
      'TensorListResize',
      'TensorListSetItem',
      'TensorListStack',
      'While',
    ].map((name) => [name, 'control-flow.spec.ts']),
  ),
};

test('every other op has samples', () => {
  const bare = allOps().filter(({ samples }) => samples.length === 0);
  expect(bare.map(({ name }) => name)).toEqual(Object.keys(withoutSamples).sort());
});

// Where this fails, `npm run record:tensorflow` records what is missing. Stateful random ops have recordings of their own.
test('every sample is recorded', () => {
  const missing = ops
    .filter(([, def]) => def.effect !== 'random')
    .flatMap(([, def]) => sampleCases(def).filter(({ key }) => !recordedOutputs(key)));
  expect(missing.map(({ key }) => key)).toEqual([]);
});
