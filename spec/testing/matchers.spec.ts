/** The Jest matchers, from the user's side. */
import { expect, test } from '@jest/globals';
import * as tl from 'tapeless';
import { gradientMatchers } from 'tapeless/testing';

expect.extend(gradientMatchers);

const graph = new tl.Graph();
const { x, right, wrong } = graph.asDefault(() => {
  const x = tl.placeholder('float64', [2], { name: 'x' }) as tl.Tensor;
  tl.registerGradient('MatcherSpecDoubled', (_, dy) => tl.multiply(dy as tl.Tensor, 2));
  const wrong = tl.gradientOverrideMap({ Identity: 'MatcherSpecDoubled' }, () => tl.identity(x));
  return { x, right: tl.exp(x), wrong };
});
const feeds = { x: [1, 2] };

test('correct gradients pass, wrong ones fail with the report', async () => {
  await expect(right).toHaveCorrectGradients([x], { feeds, order: 2 });
  await expect(wrong).not.toHaveCorrectGradients([x], { feeds });
  await expect(expect(wrong).toHaveCorrectGradients([x], { feeds })).rejects.toThrow(
    /disagrees with finite differences[^]*element {3}\[\d\]/,
  );
  await expect(expect(right).not.toHaveCorrectGradients([x], { feeds })).rejects.toThrow(
    /agree with finite differences up to order 1/,
  );
});

test('other errors are not taken for an answer', async () => {
  await expect(expect(right).not.toHaveCorrectGradients([x])).rejects.toThrow(tl.InvalidArgumentError);
});
