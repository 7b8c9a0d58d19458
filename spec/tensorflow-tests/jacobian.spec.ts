/** TensorFlow's JacobianTest, of the Jacobians that a tape gives, and a Jacobian in a gradient of BackpropTest. */
import { expect, jest, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose, inGraph, value, values } from './support/build.js';
import { watched, type Way } from './support/tapes.js';

const inLoop = { usePfor: false };

/** The Jacobian of x² y by both, and what it is. */
function jacobian(way: Way): readonly (readonly [found: tl.Tensor, answer: readonly number[]])[] {
  const [x, y] = [tl.constant([1, 2]), tl.constant([3, 4])] as readonly tl.Tensor[];
  const [tape, z] = watched([x!, y!], () => x!.multiply(x!).multiply(y!));
  const [byX, byY] = tape.jacobian(z, [x!, y!], way) as readonly tl.Tensor[];
  return [
    [byX!, [6, 0, 0, 16]],
    [byY!, [1, 0, 0, 4]],
  ];
}

function check(found: ReturnType<typeof jacobian>): void {
  const results = values(found.map(([tensor]) => tensor));
  found.forEach(([tensor, answer], i) => {
    expect(tensor.shape).toEqual([2, 2]);
    expect((results[i] as number[][]).flat()).toEqual(answer);
  });
}

/** The same in the body of a function. */
function inFunction(way: Way): ReturnType<typeof jacobian> {
  const answers: (readonly number[])[] = [];
  const f = tl.function(() => jacobian(way).map(([found, answer]) => (answers.push(answer), found)));
  return (f() as readonly tl.Tensor[]).map((found, i) => [found, answers[i]!]);
}

test('JacobianTest.testPfor', () => inGraph(() => check(jacobian({}))));
test('JacobianTest.testWhileLoop', () => inGraph(() => check(jacobian(inLoop))));
test('JacobianTest.testPforDefun', () => inGraph(() => check(inFunction({}))));
test('JacobianTest.testWhileLoopDefun', () => inGraph(() => check(inFunction(inLoop))));

// TensorFlow asks it of eager tensors only: a graph can be differentiated in a loop by a tape that is used once.
test('JacobianTest.testPersistentTape', () => {
  inGraph(() => {
    const x = tl.constant([1, 2]) as tl.Tensor;
    const once = () => watched([x], () => x.multiply(x), {});
    const [tape, y] = once();
    const j = tape.jacobian(y, x, inLoop)!;
    expect(value(j)).toEqual([
      [2, 0],
      [0, 4],
    ]);
    expect(() => tape.jacobian(y, x, inLoop)).toThrow(tl.FailedPreconditionError);
    expect(() => tape.jacobian(y, x)).toThrow(/persistent/);
  });
});

// TensorFlow raises an error for an operation that it cannot run on all rows at once; here it runs in a loop, and that is said.
test('JacobianTest.testPforException', () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  try {
    inGraph((graph) => {
      const v = tl.variable([-1]);
      const f = tl.customGradient((x) => [
        tl.identity(x),
        (dy) => tl.controlDependencies([v.assign(tl.random.uniform([1]))], () => tl.onesLike(dy)),
      ]);
      const x = tl.constant([1, 2]) as tl.Tensor;
      const [tape, y] = watched([x], () => f(x));
      const j = tape.jacobian(y, x)!;
      expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
        expect.stringMatching(
          /^vectorizedMap: there is no way to run '.*AssignVariableOp' \(AssignVariableOp, .*loop/s,
        ),
      ]);
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expect(session.runSync(j).toArray()).toEqual([
        [1, 1],
        [1, 1],
      ]);
      // It was run: the variable has another value, one of those drawn.
      expect((session.runSync(v).toArray() as number[])[0]).toBeGreaterThanOrEqual(0);
    });
  } finally {
    warn.mockRestore();
  }
});

test('JacobianTest.test_parallel_iterations', () => {
  inGraph(() => {
    const x = tl.constant([
      [1, 2],
      [3, 4],
    ]) as tl.Tensor;
    const [tape, y] = watched([x], () => tl.matmul(x, x));
    const [all, two, three, loop] = values([
      tape.jacobian(y, x),
      tape.jacobian(y, x, { parallelIterations: 2 }),
      tape.jacobian(y, x, { parallelIterations: 3 }),
      tape.jacobian(y, x, { parallelIterations: 2, usePfor: false }),
    ]);
    expect([two, three, loop]).toEqual([all, all, all]);
  });
});

test('JacobianTest.test_nested_jacobian', () => {
  inGraph(() => {
    const x = tl.ones([10, 2]) as tl.Tensor;
    const [outer, dy] = watched(
      [x],
      () => {
        const [inner, y] = watched([x], () => x.square().reduceSum(), {});
        return inner.jacobian(y, x)!;
      },
      {},
    );
    const second = outer.batchJacobian(dy, x);
    expect(second.shape).toEqual([10, 2, 2]);
    const block = [
      [2, 0],
      [0, 2],
    ];
    expectClose(
      value(second),
      Array.from({ length: 10 }, () => block),
    );
  });
});

test('JacobianTest.test_indexed_slices', () => {
  inGraph(() => {
    const x = tl.random.uniform([3, 2], { seed: 2 }) as tl.Tensor;
    const [tape, y] = watched([x], () => tl.gather(x, [0, 2]));
    const [one, other] = values([tape.jacobian(y, x), tape.jacobian(y, x, inLoop)]);
    expect(one).toEqual(other);
    expect((one as number[][][][]).flat(3).map((e, i) => (e === 0 ? null : i))).toEqual(
      Array.from({ length: 24 }, (_, i) => ([0, 7, 16, 23].includes(i) ? i : null)),
    );
  });
});

test('BackpropTest.testJacobianCustomGradient', () => {
  inGraph(() => {
    const [a, b, c] = [1, 2, 3].map((start, i) => tl.variable(start, { name: 'abc'[i]! })) as readonly tl.Variable[];
    const polynomial = (x: tl.Tensor) => x.multiply(a!).multiply(x).add(x.multiply(b!)).add(c!) as tl.Tensor;
    const x = tl.constant([1, 2, 3]) as tl.Tensor;
    const f = tl.function((x: tl.Tensor) => {
      const own = tl.customGradient(() => {
        const gradient: tl.GradientFunction = (dy, { variables }) => {
          const [tape, y] = watched(variables, () => polynomial(x));
          const byVariable = variables.map((v) => dy.multiply(tape.jacobian(y, v)!).reduceSum().multiply(2));
          return [[], byVariable];
        };
        return [polynomial(x), gradient] as const;
      });
      return own();
    });
    const [tape, y] = watched([a!, b!, c!], () => f(x));
    expect(tape.gradient(y, x)).toBeNull();
    // Twice what they are: the gradient that was given was used.
    expect(values(tape.gradient(y, [a!, b!, c!]) as readonly tl.Tensor[])).toEqual([28, 12, 6]);
    expectClose(value(y), [6, 11, 18]);
  });
});
