/** Functions with gradients of their own: TensorFlow's tests by their names, and what is ours. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { variablesBetween } from '../../src/gradients/variables-used.js';
import { variableBehind } from '../../src/ops/definitions/variable.js';
import { checkGradients } from '../../src/testing/index.js';
import { inGraph } from './support.js';

type Fetch = tl.Tensor | tl.IndexedSlices | null;

/** Values, once all variables are initialised. */
function run(fetches: readonly Fetch[], feeds: Record<string, tl.TensorData> = {}): unknown[] {
  const session = new tl.Session();
  session.runSync(tl.globalVariablesInitializer());
  return fetches.map((fetch) => fetch && session.runSync(tl.convertToTensor(fetch), feeds).toArray());
}

const grads = (ys: tl.Tensor | tl.Tensor[], xs: (tl.Tensor | tl.Variable)[], options = {}) =>
  tl.gradients(ys, xs, options);
const names = (variables: readonly tl.Variable[]): string[] => variables.map(({ name }) => name);
const value = (t: Fetch): unknown => run([t])[0];

/** A layer as in TensorFlow's tests: `x · w`, with a variable of its own. */
const dense = (x: tl.Tensor, units: number): tl.Tensor =>
  tl.matmul(x, tl.variable(tl.fill([x.shape![1]!, units], 0.5), { name: 'kernel' }));

describe('customGradient, as TensorFlow tests it', () => {
  test('CustomGradientTest.testCustomGradientTrivial', () => {
    inGraph(() => {
      const myIdentity = tl.customGradient((x) => [x, (dy) => [dy.multiply(3)]]);
      const x = tl.constant(3);
      expect(run(grads(myIdentity(myIdentity(x)), [x]))).toEqual([9]);
    });
  });

  test('CustomGradientTest.testCustomGradient', () => {
    inGraph(() => {
      const myMultiply = tl.customGradient((x1, x2) => [
        x1.multiply(x2),
        // In the other order.
        (dy) => [dy.multiply(x1), dy.multiply(x2)],
      ]);
      const [x1, x2] = [tl.constant(3), tl.constant(5)];
      const y = myMultiply(x1, x2);
      expect(run([y, ...grads(y, [x1, x2])])).toEqual([15, 3, 5]);
    });
  });

  test('CustomGradientTest.testCustomGradientClass', () => {
    class Model {
      readonly multiply = tl.customGradient((x1: tl.Tensor, x2: tl.Tensor) => [
        this.product(x1, x2),
        (dy) => [dy.multiply(x1), dy.multiply(x2)],
      ]);

      product(x1: tl.Tensor, x2: tl.Tensor): tl.Tensor {
        return x1.multiply(x2);
      }
    }
    inGraph(() => {
      const [x1, x2] = [tl.constant(3), tl.constant(5)];
      expect(run(grads(new Model().multiply(x1, x2), [x1, x2]))).toEqual([3, 5]);
    });
  });

  test('CustomGradientTest.testCustomGradientErrors', () => {
    inGraph((g) => {
      const f = tl.customGradient((x) => [
        x,
        () => {
          throw new TypeError('x');
        },
      ]);
      const x = tl.constant(1);
      const y = f(x);
      const before = g.state;
      expect(() => tl.gradients(y, x)).toThrow(new TypeError('x'));
      expect(g.state).toBe(before);
    });
  });

  /** `dense` of three units, whose gradient for its kernel is ones. */
  const layer = (shape: readonly number[], seen: (variables: readonly tl.Variable[]) => void) =>
    tl.customGradient((x) => {
      const out = dense(x, 3);
      return [
        out,
        (dy, { variables }) => {
          seen(variables);
          return [grads(out, [x, variables[0]!], { gradYs: dy })[0]!, [tl.ones([...shape])]];
        },
      ];
    });

  test('CustomGradientTest.testCustomGradientWithVariables', () => {
    inGraph(() => {
      const seen: (readonly tl.Variable[])[] = [];
      const x = tl.ones([2, 4]);
      const y = tl.nameScope('f', () => layer([4, 3], (variables) => seen.push(variables))(x));
      const all = tl.globalVariables();
      expect(all).toHaveLength(1);
      const [dx, dw] = grads(y, [x, ...all]);
      expect(seen.map(names)).toEqual([names(all)]);
      expect(value(dx!)).toEqual([
        [1.5, 1.5, 1.5, 1.5],
        [1.5, 1.5, 1.5, 1.5],
      ]);
      expect(value(tl.reduceSum(dw!))).toBe(12);
    });
  });

  test('CustomGradientTest.testCustomGradientWithVariablesNoFalsePositives', () => {
    inGraph(() => {
      const seen: (readonly tl.Variable[])[] = [];
      const f = layer([3, 3], (variables) => seen.push(variables));
      const b = dense(tl.ones([2, 4]), 3);
      const c = dense(b, 3);
      // The variables of these layers are not used in the function.
      const x = dense(b, 3).add(c);
      const y = f(x);
      const all = tl.globalVariables();
      expect(all).toHaveLength(4);
      const results = grads(y, [x, ...all]);
      expect(results).not.toContain(null);
      expect(seen.map(names)).toEqual([[all[3]!.name]]);
      expect(value(tl.reduceSum(results[4]!))).toBe(9);
    });
  });

  test('CustomGradientTest.testCustomGradientWithCapture', () => {
    inGraph(() => {
      const x = tl.constant(3);
      const f = tl.function((y: tl.Tensor) => {
        const myMultiply = tl.customGradient((x1, x2) => [x1.multiply(x2), (dy) => [dy.multiply(x1), dy.multiply(x2)]]);
        return grads(myMultiply(x, y), [y]);
      });
      expect(run(f(tl.constant(5)) as tl.Tensor[])).toEqual([5]);
    });
  });

  test('testCustomGradientVariablesKwonlyArgs', () => {
    inGraph(() => {
      const captured = tl.variable(3);
      const mult = tl.customGradient((x) => [
        x.multiply(captured),
        (dy, { variables }) => {
          expect(variables[0]).toBe(captured);
          expect(variables).toHaveLength(1);
          return [tl.multiply(4, captured).multiply(dy), [tl.multiply(5, x).multiply(dy)]];
        },
      ]);
      const x = tl.variable(6);
      const y = mult(x);
      expect(run([y, ...grads(y, [x, captured])])).toEqual([18, 12, 30]);
    });
  });

  test('CustomGradientTest.testWithNumpyInputs', () => {
    inGraph(() => {
      const f = tl.customGradient((x) => [x, () => null]);
      const data = tl.NDArray.filled('float32', [3, 2], 1);
      expect(value(f(data))).toEqual([
        [1, 1],
        [1, 1],
        [1, 1],
      ]);
      const typed = f(new Float64Array([1, 2]));
      expect([typed.dtype, value(typed)]).toEqual(['float64', [1, 2]]);
    });
  });

  test('CustomGradientTest.testRVGradientsDynamicCond', () => {
    inGraph(() => {
      const alpha = tl.variable([0.25]);
      const conditional = tl.placeholderWithDefault(true, [], { name: 'conditional' });
      const output = tl.cond(
        conditional,
        () => alpha.multiply(2),
        () => alpha.multiply(3),
      );
      const [g] = grads(output, [alpha]);
      expect(run([g!])).toEqual([[2]]);
      expect(run([g!], { conditional: false })).toEqual([[3]]);
    });
  });

  test('CustomGradientTest.testRecursiveCustomGradient', () => {
    inGraph(() => {
      const inner = layer([4, 3], (variables) => expect(variables).toHaveLength(1));
      const outer = tl.customGradient((x) => {
        const out = inner(dense(x, 4));
        return [
          out,
          (dy, { variables }) => {
            expect(variables).toHaveLength(2);
            return [grads(out, [x, ...variables], { gradYs: dy })[0]!, [tl.ones([4, 4]), tl.ones([4, 3])]];
          },
        ];
      });
      const x = tl.ones([2, 4]);
      const y = tl.nameScope('f', () => outer(x));
      const all = tl.globalVariables();
      expect(all).toHaveLength(2);
      const results = grads(y, [x, ...all]);
      expect(results).not.toContain(null);
      expect(value(tl.reduceSum(results[2]!))).toBe(12);
      expect(value(tl.reduceSum(results[1]!))).toBe(16);
    });
  });

  test('CustomGradientTest.testCustomGradientStructuralInputOutput', () => {
    inGraph(() => {
      const f = tl.customGradient((x: { a: tl.Tensor; b: readonly [tl.Tensor, tl.Tensor] }, y: tl.Tensor) => [
        { sum: x.a.add(x.b[0]), rest: [x.b[1].multiply(y), { y }] },
        (dSum, dProduct, dy) => [
          { a: dSum.multiply(2), b: [dProduct.multiply(3), dSum.add(dProduct)] },
          dy.multiply(5),
        ],
      ]);
      const [a, b, c, d] = [1, 2, 3, 4].map((data) => tl.constant(data) as tl.Tensor) as unknown as [
        tl.Tensor,
        tl.Tensor,
        tl.Tensor,
        tl.Tensor,
      ];
      const result = f({ a, b: [b, c] }, d);
      const { sum, rest } = result;
      expect(run([sum, rest[0], rest[1].y])).toEqual([3, 12, 4]);
      expect(run(grads([sum, rest[0], rest[1].y], [a, b, c, d]))).toEqual([2, 3, 2, 5]);
      expect(run(grads(rest[0], [a, b, c, d]))).toEqual([0, 3, 1, 0]);
    });
  });
});

describe('the variables between inputs and outputs', () => {
  const dependent = (build: (x: tl.Tensor) => tl.Tensor, input: () => tl.Tensor = () => tl.constant(2)) => {
    const x = input();
    return names([...variablesBetween([x], [build(x)])]);
  };

  test('GetDependentVariablesTest.testNoVariables', () => {
    inGraph(() => {
      expect(dependent((x) => tl.identity(x).add(5))).toEqual([]);
    });
  });

  test('GetDependentVariablesTest.testVariablesOutside', () => {
    inGraph(() => {
      const v = tl.variable(tl.constant(100));
      expect(dependent((x) => tl.identity(x).add(5).add(v))).toEqual([v.name]);
    });
  });

  test('GetDependentVariablesTest.testVariableSamePrefix', () => {
    inGraph(() => {
      const zeros = tl.variable(0, { name: 'my_variable' });
      const ones = tl.variable(1, { name: 'my_variable_ones' });
      expect(dependent((x) => tl.identity(x).add(5).add(zeros).add(ones)).sort()).toEqual(names([zeros, ones]));
    });
  });

  test('GetDependentVariablesTest.testVariablesOutsideButDSeparated', () => {
    inGraph(() => {
      const v = tl.variable(tl.constant(100));
      const input = () => tl.identity(v).multiply(5);
      expect(dependent((x) => tl.identity(x).add(5), input)).toEqual([]);
    });
  });

  test('GetDependentVariablesTest.testVariablesOutsideAndNonDifferentiable', () => {
    inGraph(() => {
      const v = tl.variable(tl.fill([5], 100));
      expect(
        dependent((x) =>
          tl
            .identity(x)
            .add(5)
            .add(tl.onesLike(v.value().less(0)).cast('float32')),
        ),
      ).toEqual([]);
      expect(dependent((x) => tl.identity(x).add(tl.onesLike(v)))).toEqual([]);
    });
  });

  test('GetDependentVariablesTest.testGetVariableByName', () => {
    inGraph((g) => {
      const v = tl.variable(tl.constant(100), { name: 'v' });
      expect(variableBehind(g.tensor(v.name))).toBe(v);
    });
  });

  test('GetDependentVariablesTest.testVariablesOutsideAndNonTrainable', () => {
    inGraph(() => {
      const trainable = tl.variable(tl.fill([5], 100));
      const fixed = tl.variable(tl.fill([5], 100), { trainable: false });
      expect(dependent(() => tl.add(trainable, fixed))).toEqual([trainable.name]);
    });
  });

  test('GetDependentVariablesTest.testVariablesOutsideAndCustomGradient', () => {
    inGraph(() => {
      const v = tl.variable(tl.fill([5], 100));
      const myOnesLike = tl.customGradient((x) => [tl.onesLike(x), (dy) => tl.identity(dy)]);
      expect(dependent((x) => tl.identity(x).add(5).add(myOnesLike(v)))).toEqual([v.name]);
    });
  });
});

describe('customGradient', () => {
  test('one IdentityN carries the gradient; names stay free for others', () => {
    inGraph((g) => {
      const f = tl.customGradient((x) => [tl.sin(x), (dy) => dy]);
      const [a, b] = [f(tl.constant(1)), f(tl.constant(2))];
      expect([a.op.type, a.op.name, b.op.name]).toEqual(['IdentityN', 'IdentityN', 'IdentityN_1']);
      expect([a, b].map((t) => t.op.attr('_gradient_op_type'))).toEqual(['CustomGradient-0', 'CustomGradient-1']);
      expect(a.op.inputs.map(({ name }) => name)).toEqual(['Sin:0', 'Const:0']);
      expect(tl.identity(a).op.name).toBe('Identity_2');
      expect(g.operation('Sin').createdAt).toMatch(/custom-gradient\.spec\.ts/);
    });
  });

  test('higher orders differentiate what the gradient function made', async () => {
    await inGraph(async () => {
      const x = tl.placeholder('float64', [3], { name: 'x' });
      const f = tl.customGradient((t) => [tl.cos(t), (dy) => dy.multiply(tl.sin(t))]);
      const [first] = grads(f(x), [x]) as [tl.Tensor];
      const [second] = grads(first, [x]) as [tl.Tensor];
      const data = [0.5, -1, 2];
      expect(new tl.Session().runSync(second, { x: data }).toArray()).toEqual(data.map(Math.cos));
      const right = tl.customGradient((t) => [tl.exp(t), (dy) => dy.multiply(tl.exp(t))]);
      await checkGradients(right(x).multiply(x), [x], { feeds: { x: data }, order: 3 });
    });
  });

  test('null says that no gradient flows; data is a gradient; a nest in another key order is put in place', () => {
    inGraph(() => {
      const [a, b] = [tl.constant([1, 2]), tl.constant(3)];
      const f = tl.customGradient((x: { a: tl.Tensor; b: tl.Tensor }) => [
        x.a.multiply(x.b),
        (dy) => ({ b: null, a: dy.multiply(7) }),
      ]);
      expect(run(grads(f({ a, b }), [a, b]))).toEqual([[7, 7], null]);
      const g = tl.customGradient((x, y) => [x.add(y), () => [new Float32Array([4, 5]), 6]]);
      expect(run(grads(g(a, b), [a, b]))).toEqual([[4, 5], 6]);
    });
  });

  test('results that nothing uses get zeros, those without gradient null', () => {
    inGraph(() => {
      const seen: unknown[] = [];
      const f = tl.customGradient((x) => [
        [x.multiply(2), x.multiply(3), x.greater(0)],
        (...dys) => {
          seen.push(...dys.map((dy: tl.Tensor | null) => dy && dy.op.type));
          return tl.add(dys[0]!, dys[1]!);
        },
      ]);
      const x = tl.constant([1, 2]);
      const [, second, positive] = f(x);
      expect(run([...grads(second, [x]), positive])).toEqual([
        [1, 1],
        [true, true],
      ]);
      expect(seen).toEqual(['ZerosLike', 'Fill', null]);
    });
  });

  test('sparse gradients arrive dense', () => {
    inGraph(() => {
      const f = tl.customGradient((x) => [x.multiply(1), (dy) => dy.multiply(2)]);
      const x = tl.constant([[1], [2], [3]]);
      const [dx] = grads(tl.gather(f(x), [2, 2]), [x]);
      expect(value(dx!)).toEqual([[0], [0], [4]]);
    });
  });

  test('variables come by name, and may get none; those passed as arguments are arguments', () => {
    inGraph(() => {
      const [z, a, arg] = ['z', 'a', 'arg'].map((name) => tl.variable(2, { name })) as unknown as [
        tl.Variable,
        tl.Variable,
        tl.Variable,
      ];
      const fixed = tl.variable(5, { trainable: false });
      const f = tl.customGradient((x) => [
        x.multiply(z).multiply(a).multiply(fixed),
        (dy, { variables }) => {
          expect(names(variables)).toEqual(['a:0', 'z:0']);
          return [dy, [dy.multiply(3), null]];
        },
      ]);
      const y = f(arg);
      expect(y.op.inputs.slice(2).map(({ op }) => op.inputs[0])).toEqual([a.handle, z.handle]);
      expect(run(grads(y, [arg, a, z, fixed]))).toEqual([1, 3, null, null]);
    });
  });

  test('variables read in the branches of a cond are found', () => {
    inGraph(() => {
      const v = tl.variable(2);
      const p = tl.placeholder('bool', [], { name: 'p' });
      const f = tl.customGradient((x) => [
        tl.cond(
          p,
          () => x.multiply(v),
          () => x,
        ),
        (dy, { variables }) => [dy, variables.map(() => dy.multiply(9))],
      ]);
      const x = tl.constant(3);
      expect(run(grads(f(x), [x, v]), { p: false })).toEqual([1, 9]);
    });
  });

  test('in the bodies of a cond, a loop and a function', () => {
    inGraph(() => {
      const scale = tl.constant(2);
      const f = tl.customGradient((x) => {
        const inside = x.multiply(scale);
        return [inside, (dy) => dy.multiply(inside)];
      });
      const x = tl.constant(3);
      const branch = tl.cond(
        tl.placeholderWithDefault(true, []),
        () => f(x),
        () => x,
      );
      const [, loop] = tl.whileLoop(
        (i) => i.less(2),
        (i, v) => [i.add(1), f(v as tl.Tensor)],
        [tl.constant(0, { dtype: 'int32' }), x],
      );
      const called = tl.function((t: tl.Tensor) => f(t))(x);
      // 2x, whose gradient is said to be 2x; twice: 4x, with gradient 2x · 4x.
      expect(run([...grads(branch, [x]), ...grads(loop as tl.Tensor, [x]), ...grads(called, [x])])).toEqual([6, 72, 6]);
    });
  });

  test('on a tape', () => {
    inGraph(() => {
      const f = tl.customGradient((x) => [tl.round(x), (dy) => dy.multiply(3)]);
      const x = tl.constant(1.5);
      const tape = new tl.GradientTape();
      const y = tape.run(() => {
        tape.watch(x);
        return f(x).multiply(2);
      });
      expect(value(tape.gradient(y, x) as tl.Tensor)).toBe(6);
    });
  });

  test('an outer override of IdentityN does not reach it', () => {
    inGraph(() => {
      const f = tl.customGradient((x) => [tl.identityN([x])[0], (dy) => dy.multiply(3)]);
      const x = tl.constant(1);
      const y = tl.gradientOverrideMap({ IdentityN: 'somebody else' }, () => f(x));
      expect(run(grads(y, [x]))).toEqual([3]);
      expect(y.op.inputs[0]!.op.attr('_gradient_op_type')).toBe('somebody else');
    });
  });

  test('what has the text of the attribute but not its function is told so', () => {
    inGraph(() => {
      const x = tl.constant(1);
      tl.customGradient((t) => [t.add(1), (dy) => dy])(x);
      const [y] = tl.gradientOverrideMap({ IdentityN: 'CustomGradient-0' }, () => tl.identityN([x]));
      expect(() => tl.gradients(y, x)).toThrow(tl.LookupError);
      expect(() => tl.gradients(y, x)).toThrow(/JavaScript function, which does not come along/);
    });
  });

  test('gradPassThrough keeps what the function computes and passes gradients on', () => {
    inGraph(() => {
      const [a, b] = [tl.constant([1.4]), tl.constant([2.6])];
      const f = tl.gradPassThrough((x: { a: tl.Tensor }, y: tl.Tensor) => ({
        first: tl.floor(y),
        second: tl.round(x.a),
      }));
      const { first, second } = f({ a }, b);
      expect(run([first, second])).toEqual([[2], [1]]);
      expect(run(grads([first.multiply(3), second], [a, b]))).toEqual([[3], [1]]);
      expect(() => tl.gradPassThrough((x) => [x, x])(a)).toThrow(
        /as many tensors as it takes; it takes 1 and returns 2/,
      );
      const shrunk = tl.gradPassThrough((x) => tl.reduceSum(x))(tl.constant([1, 2]));
      expect(() => tl.gradients(shrunk, shrunk.op.inputs[1]!)).toThrow(tl.ShapeError);
    });
  });

  test('GradPassThroughTest.test_gradients_v1', () => {
    inGraph(() => {
      const x = tl.variable(1, { name: 'x' });
      const z = tl.variable(3, { name: 'z' });
      // An assignment is not differentiable.
      expect(grads(x.assign(tl.square(z)).value(), [z])).toEqual([null]);
      const y = tl.gradPassThrough((v) => x.assign(v))(tl.square(z));
      expect(run([y, ...grads(y, [z])])).toEqual([9, 6]);
      // Variables used inside get no gradient.
      expect(grads(tl.gradPassThrough((v) => tl.multiply(x, v))(z), [x])).toEqual([null]);
    });
  });
});

describe('errors of customGradient leave nothing behind', () => {
  const identity = tl.customGradient((x) => [x, (dy) => dy]);

  test.each<[string, (x: tl.Tensor) => unknown, RegExp]>([
    ['no function', () => tl.customGradient(3 as never), /takes a function/],
    ['no pair', (x) => tl.customGradient((t) => t.add(1) as never)(x), /must return \[ys, gradient\]/],
    [
      'no gradient function',
      (x) => tl.customGradient((t) => [t.add(1), 2] as never)(x),
      /must return \[ys, gradient\]/,
    ],
    ['a promise', (x) => tl.customGradient((async (t: tl.Tensor) => [t, () => t]) as never)(x), /synchronously/],
    ['no results', (x) => tl.customGradient((_: tl.Tensor) => [[], () => null])(x), /at least one tensor/],
    [
      'a null result',
      (x) => tl.customGradient((t) => [[t.add(1), null], (dy) => dy])(x),
      /result 1 must be a tensor, not null/,
    ],
    [
      'a ragged result',
      (x) => tl.customGradient((t) => [[t, Symbol('s')] as never, (dy) => dy])(x),
      /result 1 is no tensor/,
    ],
    ['a null argument', () => identity(null as never), /argument 0 must be a tensor, not null/],
    ['an operation', (x) => identity(x.op as never), /argument 0 must be a tensor, not the operation 'x'/],
    [
      'results of another graph',
      (x) => tl.customGradient((_: tl.Tensor) => [inGraph(() => tl.constant(1)), (dy) => dy])(x),
      /belongs to another graph/,
    ],
    [
      'a function that throws',
      (x) =>
        tl.customGradient((t) => {
          t.add(1);
          throw new RangeError('my own');
        })(x),
      /my own/,
    ],
    [
      'a gradient function that takes no variables',
      (x) => {
        const v = tl.variable(1, { name: 'v' });
        return tl.customGradient((t) => [t.multiply(v), (dy) => dy])(x);
      },
      /uses the variable 'v:0', so its gradient function must take, after the gradient of the results, a parameter \{ variables \}/,
    ],
  ])('%s', (_, build, message) => {
    inGraph((g) => {
      const x = tl.constant(1, { name: 'x' });
      const before = g.state;
      const failing = () => g.transact(() => build(x));
      expect(failing).toThrow(message);
      expect(g.state).toBe(before);
      expect(identity(x).op.attr('_gradient_op_type')).toBe('CustomGradient-0');
    });
  });

  test.each<[string, (x: tl.Tensor, v: tl.Variable) => tl.Tensor, new (...args: never[]) => Error, RegExp]>([
    [
      'too many',
      (x) => tl.customGradient((t) => [t.add(1), (dy) => [dy, dy]])(x),
      tl.InvalidArgumentError,
      /returns 2 for its 1 input\./,
    ],
    [
      'too few',
      (x) => tl.customGradient((t, u) => [t.add(u), (dy) => dy])(x, x),
      tl.InvalidArgumentError,
      /returns 1 for its 2 inputs/,
    ],
    [
      'nothing',
      (x) => tl.customGradient((t) => [t.add(1), (() => undefined) as never])(x),
      tl.InvalidArgumentError,
      /what is no gradient/,
    ],
    [
      'a wrong shape',
      (x) => tl.customGradient((t) => [t.add(1), () => tl.ones([2])])(x),
      tl.ShapeError,
      /has shape \[2\] for input 1/,
    ],
    [
      'a wrong dtype',
      (x) => tl.customGradient((t) => [t.add(1), (dy) => dy.cast('float64')])(x),
      tl.DTypeError,
      /gives float64 for input 1/,
    ],
    [
      'no list for the variables',
      (x, v) => tl.customGradient((t) => [t.multiply(v), (...args) => args[0]!])(x),
      tl.InvalidArgumentError,
      /uses the variable 'v:0', so the gradient function of 'IdentityN' \(created at .*custom-gradient\.spec\.ts.*\) must return \[dxs, dvariables\]/,
    ],
    [
      'too few for the variables',
      (x, v) => tl.customGradient((t) => [t.multiply(v), (dy, { variables }) => [dy, variables.slice(1)]])(x),
      tl.InvalidArgumentError,
      /returns 0 for 1 variables/,
    ],
  ])('gradients: %s', (_, build, Kind, message) => {
    inGraph((g) => {
      const x = tl.constant(1, { name: 'x' });
      const y = build(x, tl.variable(2, { name: 'v' }));
      const before = g.state;
      expect(() => tl.gradients(y, x)).toThrow(Kind);
      expect(() => tl.gradients(y, x)).toThrow(message);
      expect(g.state).toBe(before);
    });
  });
});
