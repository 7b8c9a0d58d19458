/** computeGradient: Jacobians with rows for y and columns for x. */
import { expect, test } from '@jest/globals';
import * as tl from 'tapeless';
import { computeGradient } from 'tapeless/testing';

function inGraph<T>(fn: (graph: tl.Graph) => T): T {
  const graph = new tl.Graph();
  return graph.asDefault(() => fn(graph));
}

test('a row for each element of y, a column for each of x', async () => {
  const { graph, x, y } = inGraph((graph) => {
    const x = tl.placeholder('float64', [1, 3], { name: 'x' }) as tl.Tensor;
    return {
      graph,
      x,
      y: tl.matmul(
        x,
        tl.constant(
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
          { dtype: 'float64' },
        ),
      ),
    };
  });
  const { state } = graph;
  const { theoretical, numeric } = await computeGradient(x, y, { feeds: { x: [[1, 1, 1]] } });
  expect(theoretical.toArray()).toEqual([
    [1, 3, 5],
    [2, 4, 6],
  ]);
  expect(numeric.shape).toEqual([2, 3]);
  numeric.data.forEach((value, i) => expect(value).toBeCloseTo(theoretical.data[i]!, 8));
  expect(graph.state).toBe(state);
});

test('a complex element is two real ones', async () => {
  const { x, y } = inGraph(() => {
    const x = tl.constant([{ re: 3, im: 2 }], { dtype: 'complex128' }) as tl.Tensor;
    return { x, y: tl.multiply(x, x) };
  });
  const { theoretical, numeric } = await computeGradient(x, y);
  expect(theoretical.toArray()).toEqual([
    [6, -4],
    [4, 6],
  ]);
  numeric.data.forEach((value, i) => expect(value).toBeCloseTo(theoretical.data[i]!, 8));
});

test('a variable, sparse rows, float32 with a delta', async () => {
  const { v, y } = inGraph(() => {
    const v = tl.variable(
      [
        [1, 2],
        [3, 4],
      ],
      { name: 'v' },
    );
    return { v, y: v.sparseRead([1, 1]) };
  });
  const { theoretical, numeric } = await computeGradient(v, y, { delta: 1 / 1024 });
  const expected = [
    [0, 0, 1, 0],
    [0, 0, 0, 1],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ];
  expect(theoretical.toArray()).toEqual(expected);
  expect(numeric.toArray()).toEqual(expected);
});

test('an x that y does not depend on has zeros; empty tensors have empty Jacobians', async () => {
  const { x, other, empty, y } = inGraph(() => {
    const x = tl.constant([1, 2], { dtype: 'float64' }) as tl.Tensor;
    const empty = tl.slice(x, [0], [0]);
    return { x, other: tl.constant([3], { dtype: 'float64' }), empty, y: tl.exp(x) };
  });
  expect((await computeGradient(other, y)).theoretical.toArray()).toEqual([[0], [0]]);
  expect((await computeGradient(other, y)).numeric.toArray()).toEqual([[0], [0]]);
  expect((await computeGradient(x, empty)).theoretical.shape).toEqual([0, 2]);
  expect((await computeGradient(empty, empty)).numeric.shape).toEqual([0, 0]);
});

test('integer operands and lists are refused', async () => {
  const { n, y } = inGraph(() => ({
    n: tl.constant([1], { dtype: 'int32' }),
    y: tl.constant([1]),
  }));
  await expect(computeGradient(n, y)).rejects.toThrow(/^computeGradient: xs\[0\], 'Const:0', is int32/);
  await expect(computeGradient([y] as never, y)).rejects.toThrow(tl.InvalidArgumentError);
});
