/** What `explainGradient` says of cuts inside function bodies, of slices, and of gradients that users wrote. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import type { Tensor } from '../../src/index.js';
import { inGraph } from './support.js';

const vector = (): Tensor => tl.placeholder('float32', [3], { name: 'x' });
const either = <T>(a: () => T, b: () => T) => tl.cond(tl.constant(true), a as () => Tensor, b as () => Tensor);
const both = <T>(a: () => T) => either(a, a) as unknown as Tensor[];

function cutOf(build: (x: Tensor) => tl.Explanation): [string | null, string | null, number] {
  return inGraph(() => {
    const { cause, op, path } = build(vector());
    return [cause, op?.name ?? null, path.length];
  });
}

describe('in a body', () => {
  test('it is on the way of the result that y uses', () => {
    const results = (x: Tensor) => [tl.floor(x, { name: 'elsewhere' }), tl.round(x, { name: 'here' })];
    const about = (i: number) => cutOf((x) => tl.explainGradient(both(() => results(x))[i]!, x));
    expect(about(0)).toEqual(['noGradient', 'elsewhere', 3]);
    expect(about(1)).toEqual(['noGradient', 'here', 3]);
    const calls = (i: number) => cutOf((x) => tl.explainGradient(tl.function(results)(x)[i]!, x));
    expect(calls(0)).toEqual(['noGradient', 'elsewhere', 3]);
    expect(calls(1)).toEqual(['noGradient', 'here', 3]);
  });

  test('of several branches, that on which gradient comes furthest', () => {
    const near = (x: Tensor) => () => tl.floor(x, { name: 'near' });
    const far = (x: Tensor) => () => tl.sin(tl.cos(tl.round(x, { name: 'far' })));
    expect(cutOf((x) => tl.explainGradient(either(near(x), far(x)), x))).toEqual(['noGradient', 'far', 5]);
    expect(cutOf((x) => tl.explainGradient(either(far(x), near(x)), x))).toEqual(['noGradient', 'far', 5]);
    const parts = (x: Tensor) => [tl.sin(x), tl.cos(x)] as const;
    const apart = (x: Tensor) => parts(x).map((part, i) => [near, far][i]!(part)) as [() => Tensor, () => Tensor];
    expect(cutOf((x) => tl.explainGradient(either(...apart(x)), x))).toEqual(['noGradient', 'far', 5]);
  });

  test('what lies inside counts where it is compared with ways outside', () => {
    const deep = tl.function((x: Tensor) => tl.sin(tl.cos(tl.tanh(tl.round(x, { name: 'deep' })))));
    const build = (x: Tensor) => tl.addN([deep(x), tl.sin(tl.cos(tl.floor(x, { name: 'shallow' })))]);
    expect(cutOf((x) => tl.explainGradient(build(x), x))).toEqual(['noGradient', 'deep', 7]);
    inGraph(() => {
      const x = vector();
      expect(tl.explainGradient(build(x), x).message).toContain("Other ways end at 'shallow' (noGradient).");
    });
  });

  test('the line is that of the operation', () => {
    inGraph(() => {
      const x = vector();
      const line = Number(/:(\d+):\d+\)?$/m.exec(new Error().stack!.split('\n')[1]!)![1]);
      const y = either(
        () => tl.floor(x),
        () => tl.zerosLike(x),
      );
      expect(tl.explainGradient(y, x).createdAt).toMatch(new RegExp(`explain\\.bodies\\.spec\\.ts:${line + 2}$`));
    });
  });
});

test('slices can be asked about, by their values', () => {
  const slices = (values: Tensor) =>
    new tl.IndexedSlices(values, tl.constant([0, 1, 2], { dtype: 'int32' }), tl.constant([3], { dtype: 'int32' }));
  expect(cutOf((x) => tl.explainGradient(slices(tl.floor(x, { name: 'cut' })), x))).toEqual(['noGradient', 'cut', 1]);
  expect(cutOf((x) => tl.explainGradient(slices(tl.sin(x)), x))).toEqual([null, null, 2]);
  const dense = (x: Tensor) => {
    const source = slices(tl.sin(x));
    return tl.explainGradient(tl.floor(tl.convertToTensor(source), { name: 'cut' }), source);
  };
  expect(cutOf(dense)).toEqual(['noGradient', 'cut', 1]);
});

test.each<[string, (x: Tensor) => Tensor]>([
  ['customGradient', (x) => tl.customGradient((z: Tensor) => [tl.sin(z), () => null])(x)],
  ['recomputeGrad', (x) => tl.recomputeGrad((z: Tensor) => tl.floor(z))(x)],
  ['gradientOverrideMap', (x) => tl.gradientOverrideMap({ Sin: 'Floor' }, () => tl.sin(x))],
])('%s: the message names the gradient function that was given', (_, build) => {
  inGraph(() => {
    const x = vector();
    const { cause, message } = tl.explainGradient(build(x), x);
    expect(cause).toBe('noGradient');
    expect(message).toContain('returns null for that input. Let it return a gradient there.');
  });
});
