/** Loops in loops, of which the outer one keeps lists of the lists that the inner one keeps; values recorded from TensorFlow 2.21. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

type Body = (b: tl.Tensor<'float64', []>) => tl.Tensor;

/** Two loops of two around three of `step`. */
function nested(x: tl.Tensor, step: Body): tl.Tensor {
  const zero = tl.constant(0, { dtype: 'int32' });
  const inner = (a: tl.Tensor): tl.Tensor =>
    tl.whileLoop(
      (j: tl.Tensor) => j.less(2),
      (j: tl.Tensor, b: tl.Tensor) => [j.add(1), step(b as never)],
      [zero, a],
    )[1];
  return tl.whileLoop(
    (i: tl.Tensor) => i.less(3),
    (i: tl.Tensor, a: tl.Tensor) => [i.add(1), inner(a)],
    [zero, x],
  )[1];
}

function derivatives(orders: number, build: () => readonly [y: tl.Tensor, x: tl.Tensor]): number[] {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const [y, x] = build();
    const session = new tl.Session({ graph });
    let at = y.reduceSum() as tl.Tensor;
    return Array.from({ length: orders }, () => {
      at = tl.reduceSum(tl.gradients(at, x)[0] as tl.Tensor);
      return session.runSync(at).item() as number;
    });
  });
}

describe('nested loops up to order 4', () => {
  const recorded = [6.594885082800507, 65.94885082800506, 738.6271292736567, 9918.707164531961];

  test.each<readonly [string, Body]>([
    ['a choice by elements', (b) => tl.where(b.greater(0.2), b.multiply(b), tl.exp(b))],
    [
      'a branch',
      (b) =>
        tl.cond(
          b.greater(0.2),
          () => b.multiply(b),
          () => tl.exp(b),
        ),
    ],
  ])('keep lists of bools: %s', (_, step) => {
    const found = derivatives(4, () => {
      const x = tl.constant(0.5, { dtype: 'float64' });
      return [nested(x, step), x];
    });
    found.forEach((value, k) => expect(value / recorded[k]!).toBeCloseTo(1, 10));
  });

  test('keep lists of integers', () => {
    const found = derivatives(4, () => {
      const x = tl.constant([0.5, 1, 2], { dtype: 'float64' });
      const zero = tl.constant(0, { dtype: 'int32' });
      const inner = (i: tl.Tensor, a: tl.Tensor): tl.Tensor =>
        tl.whileLoop(
          (j: tl.Tensor) => j.less(2),
          (j: tl.Tensor, k: tl.Tensor, b: tl.Tensor) => [
            j.add(1),
            tl.floormod(k.multiply(k).add(1), 3),
            b.multiply(tl.gather(b, k as never)),
          ],
          [zero, i, a],
        )[2];
      const loop = tl.whileLoop(
        (i: tl.Tensor) => i.less(3),
        (i: tl.Tensor, a: tl.Tensor) => [i.add(1), inner(i, a)],
        [zero, x],
      );
      return [loop[1], x];
    });
    const expected = [9.63360071182251e-6, 0.0008736178278923035, 0.07776708528399467, 6.793399415910244];
    found.forEach((value, k) => expect(value / expected[k]!).toBeCloseTo(1, 10));
  });
});

test.each([1, 2])('vectorizedMap of the derivative of order %i of nested loops is that of each row', (order) => {
  const graph = new tl.Graph();
  graph.asDefault(() => {
    const x = tl.constant([0.5, 0.1], { dtype: 'float64' });
    const derivative = (row: tl.Tensor): tl.Tensor => {
      let at = nested(row, (b) => tl.where(b.greater(0.2), b.multiply(row), tl.sin(b)));
      for (let k = 0; k < order; k++) at = tl.gradients(at, row)[0] as tl.Tensor;
      return at;
    };
    const session = new tl.Session({ graph });
    const together = session.runSync(tl.vectorizedMap(derivative, x)).toArray() as number[];
    const alone = session.runSync(tl.mapFn(derivative, x)).toArray() as number[];
    together.forEach((value, i) => expect(value).toBeCloseTo(alone[i]!, 12));
  });
});
