/** Forward mode over every op record: it is the transpose of the backward pass, and agrees with finite differences. */
import { describe, expect, test } from '@jest/globals';
import { allocate, isTrainable, type DType } from '../../src/graph/dtype.js';
import { writeElement } from '../../src/graph/elements.js';
import { Graph } from '../../src/graph/graph.js';
import { NDArray } from '../../src/graph/ndarray.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { gradients } from '../../src/gradients/gradients.js';
import { jvp } from '../../src/gradients/jvp.js';
import { convertToTensor } from '../../src/ops/call.js';
import { placeholder } from '../../src/ops/definitions/constant.js';
import { Session } from '../../src/session/session.js';
import { generator, sampleCases, type SampleCase } from '../ops/support/samples.js';
import { allOps, buildSample } from '../tensorflow/support/ops.js';

const only = process.env.TAPELESS_OPS?.split(',');
const ops = allOps()
  .filter(
    ({ name, grad, samples }) => typeof grad === 'function' && samples.length > 0 && (!only || only.includes(name)),
  )
  .map((def) => [def.name, def] as const);

/** Ops that are left out, and why. */
const excluded: Readonly<Record<string, string>> = {
  PreventGradient: 'its gradient is an error',
  MaxPoolGrad: 'its rule holds where its second input is the pool of the first only',
  MaxPoolGradGrad: 'likewise',
};

/** Ops whose rule is no transpose of the derivative in every input: finite differences do not apply. */
const ruleOnly: Readonly<Record<string, string>> = {
  SoftmaxCrossEntropyWithLogits: 'labels must add up to 1, and its second output is no function of its own',
  PadV2: 'TensorFlow gives the padding value no gradient',
};

/** Samples whose rule is not linear in the gradient that comes in, and why. */
const notLinear: Readonly<Record<string, string>> = {
  'MulNoNan/3': "TensorFlow's rule leaves out the conjugate: it holds for real numbers",
};

/** The real and imaginary parts of an array's elements. */
function reals(array: NDArray): readonly number[] {
  if (array.dtype.startsWith('complex')) return [...(array.data as Float64Array)];
  return Array.from({ length: array.size }, (_, i) => Number(array.element(i)));
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

function randomLike(dtype: DType, shape: readonly number[], random: () => number): NDArray {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const data = allocate(dtype, size);
  const number = (): number => Math.fround(2 * random() - 1);
  for (let i = 0; i < size; i++)
    writeElement(dtype, data, i, dtype.startsWith('complex') ? { re: number(), im: number() } : number());
  return new NDArray(dtype, shape, data);
}

/** a + h b */
function moved(a: NDArray, b: NDArray, h: number): NDArray {
  const data = (a.data as Float64Array).map((x, i) => x + h * (b.data as Float64Array)[i]!);
  return new NDArray(a.dtype, a.shape, data);
}

interface Setting {
  readonly ys: readonly Tensor[];
  readonly xs: readonly Tensor[];
  readonly feeds: Map<Tensor, NDArray>;
  readonly us: readonly Tensor[];
  readonly vs: readonly Tensor[];
  readonly session: Session;
}

/** The op on its sample, with random directions in its outputs and inputs. */
function setting(sample: SampleCase): Setting | null {
  const graph = new Graph();
  return graph.asDefault(() => {
    const { op, xs, feeds } = buildSample(sample, 'static shapes');
    const ys = op.outputs.filter(({ dtype }) => isTrainable(dtype) && dtype !== 'variant');
    if (ys.length === 0 || xs.length === 0) return null;
    const session = new Session({ graph, backend: 'interpret' });
    const random = generator(sample.key);
    const all = new Map(feeds);
    const along = (tensors: readonly Tensor[], values: readonly NDArray[]): Tensor[] =>
      tensors.map(({ dtype }, i) => {
        const direction = placeholder(dtype, values[i]!.shape);
        all.set(direction, randomLike(dtype, values[i]!.shape, random));
        return direction;
      });
    const us = along(ys, session.runSync([...ys], feeds));
    const vs = along(
      xs,
      xs.map((x) => feeds.get(x)!),
    );
    return { ys, xs, feeds: all, us, vs, session };
  });
}

const precise = (dtype: DType): boolean => dtype === 'float64' || dtype === 'complex128';

function checkTranspose({ ys, xs, feeds, us, vs, session }: Setting): void {
  const backward = gradients(ys, xs, { gradYs: us });
  const forward = jvp(ys, xs, vs);
  // A rule that gives zeros whatever comes in, as that of sign, has a null transpose; a null rule never has another.
  const alone = ys.map((y) => gradients(y, xs, { gradYs: [y] }).some((dx) => dx !== null));
  expect(forward.filter((dy, i) => dy !== null && !alone[i])).toEqual([]);
  const value = (t: Tensor): readonly number[] => reals(session.runSync(t, feeds));
  const inner = (
    gradients: readonly (Parameters<typeof convertToTensor>[0] | null)[],
    directions: readonly Tensor[],
  ): number =>
    gradients.reduce(
      (sum: number, g, i) => (g === null ? sum : sum + dot(value(convertToTensor(g)), value(directions[i]!))),
      0,
    );
  const [down, up] = [inner(backward, vs), inner(forward, us)];
  const tolerance = [...ys, ...xs].every(({ dtype }) => precise(dtype)) ? 1e-9 : 1e-2;
  if (!Number.isFinite(down)) return expect(Number.isFinite(up)).toBe(false);
  expect(Math.abs(down - up)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(down)));
}

function checkDifferences({ ys, xs, feeds, vs, session }: Setting): void {
  const h = 1e-6;
  const at = (step: number): readonly NDArray[] =>
    session.runSync(
      [...ys],
      new Map([...feeds, ...xs.map((x, i) => [x, moved(feeds.get(x)!, feeds.get(vs[i]!)!, step)] as const)]),
    );
  const [plus, minus] = [at(h).map(reals), at(-h).map(reals)];
  jvp(ys, xs, vs, { unconnectedGradients: 'zero' }).forEach((dy, i) => {
    const found = reals(session.runSync(dy as Tensor, feeds));
    found.forEach((x, j) => {
      const wanted = (plus[i]![j]! - minus[i]![j]!) / (2 * h);
      const scale = Math.max(1, Math.abs(wanted), Math.abs(plus[i]![j]!));
      if (!(Math.abs(x - wanted) <= 2e-7 * scale))
        throw new Error(`element ${j} of output ${i} is ${x}, by differences ${wanted}`);
    });
  });
}

describe('⟨u, jvp(v)⟩ = ⟨vjp(u), v⟩, and null where the gradients are', () => {
  test.each(ops.filter(([name]) => !(name in excluded)))('%s', (_, def) => {
    for (const sample of sampleCases(def, { wide: true })) {
      if (sample.key in notLinear) continue;
      const found = setting(sample);
      if (found) withKey(sample, () => checkTranspose(found));
    }
  });
});

describe('the jvp against finite differences', () => {
  test.each(ops.filter(([name]) => !(name in excluded || name in ruleOnly)))('%s', (_, def) => {
    for (const sample of sampleCases(def, { wide: true })) {
      if (sample.sample.notDifferentiable !== undefined) continue;
      const found = setting(sample);
      if (found && [...found.ys, ...found.xs].every(({ dtype }) => precise(dtype)))
        withKey(sample, () => checkDifferences(found));
    }
  });
});

function withKey({ key }: SampleCase, fn: () => void): void {
  try {
    fn();
  } catch (error) {
    (error as Error).message = `sample ${key}: ${(error as Error).message}`;
    throw error;
  }
}
