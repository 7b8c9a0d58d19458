/** Optimizers called wrongly. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

test('gradients and variables that do not go together are named', () => {
  const graph = new tl.Graph();
  graph.asDefault(() => {
    const w = tl.variable([[1, 2]], { name: 'w' });
    const counts = tl.variable([1, 2], { name: 'counts', dtype: 'int32' });
    const whole = tl.constant([[1, 2]], { dtype: 'int32', name: 'whole' });
    const at = tl.constant([0], { dtype: 'int32' });
    const before = graph.state;
    for (const optimizer of [new tl.train.GradientDescentOptimizer(0.1), new tl.train.AdagradOptimizer(0.1)]) {
      const message = "applyGradients: the gradient 'whole:0' is int32, its variable 'w:0' float32.";
      expect(() => optimizer.applyGradients([[whole, w]])).toThrow(message);
      expect(() => optimizer.applyGradients([[new tl.IndexedSlices(whole, at), w]])).toThrow(message);
      expect(() => optimizer.applyGradients([[[1, 2], counts]])).toThrow(
        "applyGradients: 'counts:0' is int32: such variables cannot be trained.",
      );
    }
    expect(graph.state).toBe(before);
  });
});

test('a learning rate that is no number is called what it is', () => {
  expect(() => new tl.train.GradientDescentOptimizer(NaN)).toThrow(/'learningRate' must be .* not NaN\.$/);
});
