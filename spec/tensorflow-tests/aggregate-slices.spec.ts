/** TensorFlow's tests of sums of sparse gradients, by their names. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

/** The gradients that reach `x` along the given ways, summed. */
function summed(ways: (x: tl.Variable) => readonly tl.Tensor[]): unknown {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const x = tl.variable([[1, 2], [3, 4], [5, 6]]); // prettier-ignore
    const [dx] = tl.gradients(ways(x), x);
    if (!dx) return null;
    const session = new tl.Session({ graph });
    session.runSync(x.initializer);
    if (!(dx instanceof tl.IndexedSlices)) return { dense: session.runSync(dx).toArray() };
    const { values, indices } = session.runSync(dx);
    return { values: values.toArray(), indices: indices.toArray() };
  });
}

const rows = (x: tl.Variable, indices: number[]): tl.Tensor => x.sparseRead(indices);

describe('sums of gradients', () => {
  test('AggregateIndexedSlicesGradientsTest.testNoGradients', () => {
    expect(summed(() => [tl.constant(1)])).toBeNull();
  });

  test('AggregateIndexedSlicesGradientsTest.testOneGradient', () => {
    expect(summed((x) => [rows(x, [2])])).toEqual({ values: [[1, 1]], indices: [2] });
  });

  test('AggregateIndexedSlicesGradientsTest.testMultipleGradients', () => {
    expect(summed((x) => [rows(x, [2, 0]), rows(x, [0]).multiply(3)])).toEqual({
      values: [[1, 1], [1, 1], [3, 3]], // prettier-ignore
      indices: [2, 0, 0],
    });
  });

  test('AggregateIndexedSlicesGradientsTest.testMultipleGradientsWithNones', () => {
    expect(summed((x) => [rows(x, [1]), tl.stopGradient(rows(x, [0])), rows(x, [2])])).toEqual({
      values: [[1, 1], [1, 1]], // prettier-ignore
      indices: [1, 2],
    });
  });

  test('AggregateIndexedSlicesGradientsTest.testMixedTensorAndIndexedSlices', () => {
    expect(summed((x) => [rows(x, [1]), x.multiply(2)])).toEqual({
      dense: [[2, 2], [3, 3], [2, 2]], // prettier-ignore
    });
  });
});
