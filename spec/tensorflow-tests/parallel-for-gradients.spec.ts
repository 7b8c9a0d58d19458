/** TensorFlow's GradientsTest of ops/parallel_for: Jacobians of all rows at once are those of a loop, and right. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose, inGraph, value, values } from './support/build.js';
import { sameValues } from './support/models.js';

const atOnce = {};
const inLoop = { usePfor: false };
const ways = [atOnce, inLoop] as const;

/** The gradient of each element of a matrix, on top of each other. */
const elementByElement = (y: tl.Tensor, x: tl.Tensor): tl.Tensor =>
  tl.stack(
    [0, 1].map((i) => tl.stack([0, 1].map((j) => tl.gradients(tl.gather(tl.gather(y, i), j), x)[0] as tl.Tensor))),
  );

/** Diagonal matrices, of the vectors in the last axis of `x`. */
const diagonals = (x: tl.Tensor, size: number): tl.Tensor => x.expandDims(-1).multiply(tl.oneHot(tl.range(size), size));

test('GradientsTest.test_no_path', () => {
  inGraph(() => {
    for (const way of ways) {
      const [x, y] = [tl.constant([[1]]), tl.constant([[2]])];
      expect(tl.jacobian(y, x, way)).toBeNull();
      expect(tl.batchJacobian(y, x, way)).toBeNull();
    }
  });
});

describe('jacobian', () => {
  test('GradientsTest.test_jacobian_fixed_shape', () => {
    inGraph(() => {
      // Drawn once in every run: all four are of the same numbers.
      const x = tl.random.uniform([2, 2], { seed: 1 }) as tl.Tensor;
      const y = tl.matmul(x, x, { transposeA: true }) as tl.Tensor;
      const answer = elementByElement(y, x);
      for (const way of ways) {
        const j = tl.jacobian(y, x, way)!;
        expect(j.shape).toEqual([2, 2, 2, 2]);
        sameValues([answer], [j]);
      }
    });
  });

  test('GradientsTest.test_jacobian_unknown_shape', () => {
    inGraph(() => {
      const x = tl.placeholder('float32', [null, null], { name: 'x' }) as tl.Tensor;
      const y = tl.matmul(x, x, { transposeA: true }) as tl.Tensor;
      const feeds = { x: [[1, 2], [3, 4]] }; // prettier-ignore
      const [answer, ...found] = values([elementByElement(y, x), ...ways.map((way) => tl.jacobian(y, x, way))], feeds);
      for (const j of found) expect(j).toEqual(answer);
    });
  });

  test('GradientsTest.test_jacobian_scan_shape', () => {
    inGraph(() => {
      const x = tl.random.uniform([3, 4]) as tl.Tensor;
      const elems = tl.random.uniform([6]) as tl.Tensor;
      const y = tl.scan((a: tl.Tensor, e: tl.Tensor) => a.add(e), elems, { initializer: x });
      expect(y.shape).toEqual([6, 3, 4]);
      for (const way of ways) expect(tl.jacobian(y, x, way)!.shape).toEqual([6, 3, 4, 3, 4]);
    });
  });

  test('GradientsTest.test_jacobian_while_loop_shape', () => {
    inGraph(() => {
      const x = tl.random.uniform([3, 4]) as tl.Tensor;
      const [, last] = tl.whileLoop(
        (i) => i.greater(5),
        (i, a) => [i.add(1), a.add(i)] as const,
        [tl.constant(0) as tl.Tensor, x],
      );
      const y = tl.slice(last, [0, 0], [2, 3]);
      for (const way of ways) {
        const j = tl.jacobian(y, x, way)!;
        expect(j.shape).toEqual([2, 3, 3, 4]);
        const found = (value(j) as number[][][][]).flat(3);
        expect(found).toEqual(found.map((_, at) => ([0, 13, 26, 40, 53, 66].includes(at) ? 1 : 0)));
      }
    });
  });

  // TensorFlow's test is of `parallel_iterations` 2 and 3; here these are portions, and those that do not divide four are tried as well.
  test('GradientsTest.test_jacobian_parallel_iterations', () => {
    inGraph(() => {
      const x = tl.constant([[1, 2], [3, 4]]) as tl.Tensor; // prettier-ignore
      const y = tl.matmul(x, x) as tl.Tensor;
      const js = [1, 2, 3, 4, 5].map((parallelIterations) => tl.jacobian(y, x, { parallelIterations }));
      const [all, ...found] = values([tl.jacobian(y, x), ...js]);
      for (const j of found) expect(j).toEqual(all);
    });
  });

  test('GradientsTest.test_indexed_slice', () => {
    inGraph(() => {
      const x = tl.random.uniform([3, 2], { seed: 4 }) as tl.Tensor;
      const y = tl.gather(x, [0, 2]);
      const [one, other] = values(ways.map((way) => tl.jacobian(y, x, way)));
      expect(one).toEqual(other);
      const unit = (row: number, column: number) =>
        [0, 1, 2].map((i) => [0, 1].map((j) => +(i === row && j === column)));
      expect(one).toEqual([0, 2].map((row) => [0, 1].map((column) => unit(row, column))));
    });
  });
});

describe('batchJacobian', () => {
  test('GradientsTest.test_batch_jacobian_bad_shapes', () => {
    inGraph((graph) => {
      const [x, y] = [tl.random.uniform([2, 2]), tl.random.uniform([3, 2])] as readonly tl.Tensor[];
      const { state } = graph;
      expect(() => tl.batchJacobian(y!, x!)).toThrow(tl.ShapeError);
      expect(() => tl.batchJacobian(y!, x!)).toThrow(
        /y and x must have the same first dimension: .* has 3 rows, .* has 2\./s,
      );
      expect(graph.state).toBe(state);
    });
  });

  test.each(ways)('GradientsTest.test_batch_jacobian_bad_unknown_shapes, %j', (way) => {
    inGraph(() => {
      const x = tl.placeholder('float32', null, { name: 'x' }) as tl.Tensor;
      const y = tl.concat([x, x], 0);
      const j = tl.batchJacobian(y, x, way);
      const feeds = { x: [[1, 2], [3, 4]] }; // prettier-ignore
      expect(() => value(j, feeds)).toThrow(tl.InvalidArgumentError);
      expect(() => value(j, feeds)).toThrow(/did not hold/);
    });
  });

  test('GradientsTest.test_batch_jacobian_fixed_shape', () => {
    inGraph(() => {
      const x = tl.random.uniform([2, 3, 5], { seed: 3 }) as tl.Tensor;
      const flat = tl.reshape(x.multiply(2), [2, 15]) as tl.Tensor;
      const answer = tl.reshape(diagonals(flat, 15), [2, 3, 5, 3, 5]) as tl.Tensor;
      for (const way of ways) {
        const j = tl.batchJacobian(x.multiply(x), x, way)!;
        expect(j.shape).toEqual([2, 3, 5, 3, 5]);
        sameValues([answer], [j]);
      }
    });
  });

  test('GradientsTest.test_batch_jacobian_unknown_shape', () => {
    inGraph(() => {
      const x = tl.placeholder('float32', null, { name: 'x' }) as tl.Tensor;
      const y = x.multiply(x);
      for (const j of values(
        ways.map((way) => tl.batchJacobian(y, x, way)),
        { x: [[1, 2], [3, 4]] }, // prettier-ignore
      )) {
        expect(j).toEqual([
          [
            [2, 0],
            [0, 4],
          ],
          [
            [6, 0],
            [0, 8],
          ],
        ]);
      }
    });
  });

  test('GradientsTest.test_batch_jacobian_parallel_iterations', () => {
    inGraph(() => {
      const x = tl.constant([[1, 2], [3, 4]]) as tl.Tensor; // prettier-ignore
      const w = [[1, 2, 3, 4], [5, 6, 7, 8]]; // prettier-ignore
      const y = tl.matmul(x, w) as tl.Tensor;
      const js = [1, 2, 3, 4, 5].map((parallelIterations) => tl.batchJacobian(y, x, { parallelIterations }));
      for (const j of values(js)) {
        const row = w[0]!.map((_, i) => w.map((column) => column[i]!));
        expectClose(j, [row, row]);
      }
    });
  });
});
