/** TensorFlow's BatchJacobianTest, of the Jacobians of rows that a tape gives. */
import { describe, expect, jest, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inGraph, value, values } from './support/build.js';
import { watched, type Way } from './support/tapes.js';

const inLoop = { usePfor: false };

const matrix = (data: readonly (readonly number[])[]): tl.Tensor => tl.constant(data);

/** The Jacobian of the rows of x² y. */
function batchJacobian(way: Way): tl.Tensor {
  const [x, y] = [matrix([[1, 2], [3, 4]]), matrix([[3, 4], [5, 6]])]; // prettier-ignore
  const [tape, z] = watched([x], () => x.multiply(x).multiply(y));
  return tape.batchJacobian(z, x, way);
}

function check(found: tl.Tensor): void {
  expect(found.shape).toEqual([2, 2, 2]);
  expect((value(found) as number[][][]).flat(2)).toEqual([6, 0, 0, 16, 30, 0, 0, 48]);
}

const inFunction = (way: Way): tl.Tensor => tl.function(() => batchJacobian(way))();

test('BatchJacobianTest.testPfor', () => inGraph(() => check(batchJacobian({}))));
test('BatchJacobianTest.testWhileLoop', () => inGraph(() => check(batchJacobian(inLoop))));
test('BatchJacobianTest.testPforDefun', () => inGraph(() => check(inFunction({}))));
test('BatchJacobianTest.testWhileLoopDefun', () => inGraph(() => check(inFunction(inLoop))));

// TensorFlow asks it of eager tensors only: a graph can be differentiated in a loop by a tape that is used once.
test('BatchJacobianTest.testPersistentTape', () => {
  inGraph(() => {
    const x = matrix([[1, 2]]);
    const [tape, y] = watched([x], () => x.multiply(x), {});
    const j = tape.batchJacobian(y, x, inLoop);
    expect((value(j) as number[][][]).flat(2)).toEqual([2, 0, 0, 4]);
    expect(() => tape.batchJacobian(y, x, inLoop)).toThrow(/persistent/);
  });
});

describe('shapes that do not fit', () => {
  /** Nothing is made, and the tape can still be used: TensorFlow's errors are ShapeErrors here. */
  function isRefused(xShape: readonly number[], yOf: (x: tl.Tensor) => tl.Tensor, message: RegExp): void {
    inGraph((graph) => {
      const x = tl.random.uniform(xShape) as tl.Tensor;
      const [tape, y] = watched([x], () => yOf(x), {});
      const { state } = graph;
      expect(() => tape.batchJacobian(y, x)).toThrow(tl.ShapeError);
      expect(() => tape.batchJacobian(y, x)).toThrow(message);
      expect(graph.state).toBe(state);
    });
  }

  test('BatchJacobianTest.testBadShape', () =>
    isRefused([2, 3], (x) => tl.concat([x, x], 0), /the same first dimension: .* has 4 rows, .* has 2/s));
  test('BatchJacobianTest.testBadInputRank', () =>
    isRefused([2], () => tl.random.uniform([2, 2]), /source, .*\[2\]\), must have rank 2 at least/s));
  test('BatchJacobianTest.testBadOutputRank', () =>
    isRefused([2, 2], () => tl.random.uniform([2]), /target, .*\[2\]\), must have rank 2 at least/s));
});

// TensorFlow raises an error for an operation that it cannot run on all rows at once; here it runs in a loop, and that is said.
test('BatchJacobianTest.testPforException', () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  try {
    inGraph((graph) => {
      const v = tl.variable([-1]);
      const f = tl.customGradient((x) => [
        tl.identity(x),
        (dy) => tl.controlDependencies([v.assign(tl.random.uniform([1]))], () => tl.onesLike(dy)),
      ]);
      const x = matrix([[1], [2]]);
      const [tape, y] = watched([x], () => f(x));
      const j = tape.batchJacobian(y, x);
      expect(warn).toHaveBeenCalledTimes(1);
      expect(warn).toHaveBeenCalledWith(expect.stringMatching(/no way to run '.*' \(AssignVariableOp, .*in a loop/s));
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expect(session.runSync(j).toArray()).toEqual([[[1]], [[1]]]);
      expect((session.runSync(v).toArray() as number[])[0]).toBeGreaterThanOrEqual(0);
    });
  } finally {
    warn.mockRestore();
  }
});

test('BatchJacobianTest.test_parallel_iterations', () => {
  inGraph(() => {
    const [x, w] = [matrix([[1, 2], [3, 4]]), matrix([[1, 2, 3, 4], [5, 6, 7, 8]])]; // prettier-ignore
    const [tape, y] = watched([x], () => tl.matmul(x, w));
    const [two, three] = values([2, 3].map((parallelIterations) => tape.batchJacobian(y, x, { parallelIterations })));
    expect(two).toEqual(three);
    const row = [[1, 5], [2, 6], [3, 7], [4, 8]]; // prettier-ignore
    expect(two).toEqual([row, row]);
  });
});

test.each([true, false])('BatchJacobianTest.test_degenerate_shape, in a function: %p', (useFunction) => {
  inGraph((graph) => {
    for (const usePfor of [true, false]) {
      const build = (x: tl.Tensor): tl.Tensor => {
        const [tape, y] = watched([x], () => x.pow(2));
        return tape.batchJacobian(y, x, { usePfor });
      };
      const f = useFunction ? tl.function(build) : build;
      const j = f(tl.zeros([1, 0]));
      expect(new tl.Session({ graph }).runSync(j).shape).toEqual([1, 0, 0]);
    }
  });
});
