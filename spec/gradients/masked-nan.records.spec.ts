/** Every op that works element by element: what a `where` did not choose contributes nothing, whatever numbers stand there. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { isComplex, isFloating } from '../../src/graph/dtype.js';
import { isFullyDefined, sizeOf, stridesOf } from '../../src/graph/shape.js';
import { allOps } from '../../src/ops/opdef.js';
import { disagreement } from '../ops/support/agreement.js';
import { generator, sampleCases, type SampleCase } from '../ops/support/samples.js';
import { buildSample, type Knowledge } from '../tensorflow/support/ops.js';
import { where } from './masked-nan.support.js';
import { inGraph } from './support.js';

const ops = allOps()
  .filter(({ lower, grad }) => lower.pointwise && typeof grad === 'function')
  .map((def) => [def.name, def] as const);

const differentiable = ({ dtype }: { readonly dtype: tl.DType }) => isFloating(dtype) || isComplex(dtype);

/** `array`, with `poison` for the elements that appear at none of the `live` places of an output of shape `shape`. */
function poisoned(array: tl.NDArray, shape: readonly number[], live: readonly boolean[], poison: number): tl.NDArray {
  const used = new Set<number>();
  const skip = shape.length - array.shape.length;
  const [outer, inner] = [stridesOf(shape), stridesOf(array.shape)];
  live.forEach((isLive, at) => {
    if (!isLive) return;
    const index = shape.map((dim, axis) => Math.floor(at / outer[axis]!) % dim);
    used.add(
      inner.reduce((sum, stride, axis) => sum + stride * (array.shape[axis] === 1 ? 0 : index[axis + skip]!), 0),
    );
  });
  const elements = Array.from({ length: array.size }, (_, i) =>
    used.has(i) ? array.element(i) : isComplex(array.dtype) ? { re: poison, im: 0.5 } : poison,
  );
  return tl.NDArray.from(elements as number[], array.dtype).reshape(array.shape);
}

/** The gradients of order 1 and 2 of a sample whose output passes a `where`. */
function masked(
  sample: SampleCase,
  live: readonly boolean[],
  shape: readonly number[],
  poison: number | null,
  knowledge: Knowledge,
): readonly (tl.NDArray | null)[] {
  return inGraph((graph) => {
    const { op, xs, feeds } = buildSample(sample, knowledge);
    const [y] = op.outputs as [tl.Tensor];
    const inputs = xs.filter(differentiable);
    const maskedNaN = poison === null ? 'tensorflow' : 'safe';
    const mask: tl.Tensor = tl.placeholder('bool', isFullyDefined(y.shape) ? shape : null);
    feeds.set(mask, tl.NDArray.from(live, 'bool').reshape(shape));
    const chosen = where(mask, y, tl.zerosLike(y));
    const first = tl.gradients(chosen, inputs, { gradYs: tl.fill(tl.shape(y), tl.cast(0.75, y.dtype)), maskedNaN });
    const second = tl.gradients(
      first.filter((dx) => dx !== null),
      inputs,
      { gradYs: first.filter((dx) => dx !== null).map((dx) => tl.onesLike(dx as tl.Tensor)), maskedNaN },
    );
    if (poison !== null) {
      for (const x of inputs) feeds.set(x, poisoned(feeds.get(x)!, shape, live, poison));
    }
    const session = new tl.Session({ graph, backend: 'interpret' });
    return [...first, ...second].map((dx) => dx && session.runSync(dx as tl.Tensor, feeds as never));
  });
}

describe.each([NaN, Infinity, -Infinity, 0, -1])('%d where not chosen', (poison) => {
  test.each(ops)('%s', (_, def) => {
    for (const sample of sampleCases(def)) {
      if (sample.sample.notDifferentiable !== undefined) continue;
      const { op } = inGraph(() => buildSample(sample, 'static shapes'));
      const [{ dtype, shape }] = op.outputs as [tl.Tensor];
      if (!isFullyDefined(shape) || sizeOf(shape) === 0 || !differentiable({ dtype })) continue;
      const random = generator(sample.key);
      const live = Array.from({ length: sizeOf(shape) }, (__, i) => i % 3 !== 0 && random() < 0.7);
      const expected = masked(sample, live, shape, null, 'static shapes');
      for (const knowledge of ['static shapes', 'some dims', 'unknown rank'] as const) {
        masked(sample, live, shape, poison, knowledge).forEach((value, i) => {
          const wanted = expected[i]!;
          const difference = value === null || wanted === null ? value === wanted : disagreement(value, wanted);
          const context = `sample ${sample.key}, ${knowledge}, gradient ${i}: `;
          expect(context + (difference === true || difference === null ? 'equal' : String(difference))).toBe(
            `${context}equal`,
          );
        });
      }
    }
  });
});

test('there are many such ops', () => {
  expect(ops.length).toBeGreaterThan(45);
});
