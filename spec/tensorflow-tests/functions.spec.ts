/** TensorFlow's FunctionGradientsTest, of ops/gradients_test.py and of eager/function_gradients_test.py: gradients of, in and through function bodies. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { one } from '../../src/ops/call.js';
import { expectClose } from './support/build.js';
import { grad, int, run } from './support/control-flow.js';

const dense = (dx: tl.Tensor | tl.IndexedSlices | null) => tl.convertToTensor(dx!);
const squarePlus = (x: tl.Tensor, b: tl.Tensor) => tl.square(x).add(b);

describe('of functions', () => {
  /** The gradients of x² + b at 2 and 1, by a function with a registered gradient of its own. */
  const registered = (name: string, rule: (op: tl.Operation, dy: tl.Tensor) => readonly tl.Tensor[]) => {
    tl.registerGradient(name, (op, dy) => rule(op, dy as tl.Tensor));
    return run(() => {
      const [x, b] = [tl.constant([2]), tl.constant([1])];
      const fn = tl.function(squarePlus);
      const y = tl.gradientOverrideMap({ PartitionedCall: name }, () => fn(x, b));
      return tl.gradients(y, [x, b]);
    });
  };

  test('FunctionGradientsTest.testFunctionGradientsWithGradFunc', () => {
    const backward = tl.function((x: tl.Tensor, dy: tl.Tensor) => {
      const doubled = dy.multiply(2);
      return [doubled.multiply(2).multiply(x), doubled] as const;
    });
    const found = registered('FunctionGradientsTest/function', ({ inputs: [x] }, dy) => backward(x!, dy));
    expect(found).toEqual([[[4 * 2], [1 * 2]]]);
  });

  test('FunctionGradientsTest.testFunctionGradientWithRegistration', () => {
    const found = registered('FunctionGradientsTest/rule', ({ inputs: [x] }, dy) => {
      const tripled = dy.multiply(3);
      return [tripled.multiply(x!).multiply(2), tripled];
    });
    expect(found).toEqual([[[4 * 3], [1 * 3]]]);
  });

  test('FunctionGradientsTest.testFunctionGradientWithGradFuncAndRegistration', () => {
    tl.registerGradient('FunctionGradientsTest/twice', (_, dy) => [dy ?? null, dy ?? null]);
    const again = () => tl.registerGradient('FunctionGradientsTest/twice', (_, dy) => [dy ?? null, dy ?? null]);
    expect(again).toThrow(/'FunctionGradientsTest\/twice' has a gradient already/);
  });

  test('FunctionGradientsTest.testGraphGradientVariable', () => {
    const build = () => {
      const v = tl.variable(1);
      const dv = dense(grad(tl.function(() => v.multiply(2))(), v));
      expect(dv.shape).toEqual(v.shape);
      return dv;
    };
    expect(run(build)).toEqual([2]);
  });

  test('FunctionGradientsTest.testSymGradGatherNd', () => {
    const build = () => {
      const c = tl.constant([[2]]);
      const f = tl.function((x: tl.Tensor) => tl.gatherNd(x, [[0]]));
      return dense(grad(f(c), c));
    };
    expect(run(build)).toEqual([[[1]]]);
  });

  test('FunctionGradientsTest.testSymbolicGradientVariableNoneNotZerosLike', () => {
    new tl.Graph().asDefault(() => {
      const [v, x] = [tl.variable(1), tl.constant(1)];
      const y = tl.function((each: tl.Tensor) => {
        v.value();
        return each.multiply(each);
      })(x);
      const [dx, dv] = tl.gradients(y, [x, v]);
      expect(dx).not.toBeNull();
      expect(dv).toBeNull();
    });
  });

  test('FunctionGradientsTest.testGraphLoopGradientInsideSession', () => {
    const build = () => {
      const [n, x] = [tl.constant(2), tl.placeholder('float32', null, { name: 'x' })];
      const f = tl.function(
        () => tl.whileLoop((each) => each.less(10), (each) => [each.multiply(x)], [n], { shapeInvariants: [null] })[0], // prettier-ignore
      );
      return grad(f(), x);
    };
    expect(run(build, { x: 2 })).toEqual([24]);
  });

  test('FunctionGradientsTest.testFunctionHasNoSecondOrderGradient', () => {
    // TensorFlow only wants this to build. Here the op has a second derivative too.
    const build = () => {
      const v = tl.variable(1);
      const loss = tl.function((logits: tl.Tensor) => {
        const inner = tl.function(
          (each: tl.Tensor) =>
            tl.nn.sparseSoftmaxCrossEntropyWithLogits(tl.constant([1], { dtype: 'int32' }), each) as tl.Tensor,
        );
        return inner(tl.reshape(logits.add(v), [1, 2]));
      });
      const logits = tl.constant([1, 2]) as tl.Tensor;
      const first = dense(grad(loss(logits), logits));
      expect(first.shape).toEqual([2]);
      return [first, dense(grad(tl.square(first), logits))];
    };
    const [[first, second]] = run(build) as [[number[], number[]]];
    const p = 1 / (1 + Math.E);
    expectClose(first, [p, -p]);
    const slope = p * (1 - p);
    expectClose(second, [4 * p * slope, -4 * p * slope]);
  });
});

describe('in functions, of what is outside', () => {
  test('FunctionGradientsTest.testGradientWrtCaptured', () => {
    const build = () => {
      const x = tl.constant(1);
      return tl.function(() => dense(grad(x.multiply(2), x)))();
    };
    expect(run(build)).toEqual([2]);
  });

  test('FunctionGradientsTest.testCapturedResourceVariable', () => {
    const build = () => {
      const v = tl.variable(1);
      return tl.function(() => dense(grad(v.multiply(2), v)))();
    };
    expect(run(build)).toEqual([2]);
  });

  test('FunctionGradientsTest.testCapturedNested', () => {
    const build = () => {
      const [x1, x2] = [tl.constant(1), tl.constant(2)];
      const x3 = x1.multiply(x2);
      const outer = tl.function(() => {
        const outer1 = tl.identity(x1);
        const inner = tl.function(() => {
          const ys = [outer1, x2, x3].map((each) => tl.identity(each) as tl.Tensor);
          return tl.gradients([...ys, x1], [x1, x2]) as [tl.Tensor, tl.Tensor];
        });
        return inner();
      });
      return outer();
    };
    expect(run(build)).toEqual([[4, 2]]);
  });

  test('FunctionGradientsTest.testCapturedFromFunction', () => {
    const build = () => {
      const x = tl.constant(1);
      return tl.function(() => {
        const y = x.multiply(2);
        return tl.function(() => dense(grad(y.multiply(3), y)))();
      })();
    };
    expect(run(build)).toEqual([3]);
  });

  const squared = (v: tl.Variable) => {
    const tape = new tl.GradientTape();
    const y = tape.run(() => v.multiply(v));
    return dense(tape.gradient(y, v));
  };

  test('FunctionGradientsTest.testGraphModeWithGradients', () => {
    const build = () => {
      const v = tl.variable(1, { name: 'v' });
      return tl.function(() => squared(v))();
    };
    expect(run(build)).toEqual([2]);
  });

  test('FunctionGradientsTest.testGraphFunctionWithGradients', () => {
    new tl.Graph().asDefault(() => {
      const v = tl.variable(1, { name: 'v' });
      const step = tl.function(() => squared(v))();
      expect([step.dtype, step.shape]).toEqual(['float32', []]);
      const session = new tl.Session();
      session.runSync(v.initializer);
      expect(session.runSync(step).item()).toBe(2);
    });
  });

  test('FunctionGradientsTest.testDefunCanBeDifferentiatedTwice', () => {
    const build = () => {
      const v = tl.variable(1);
      const f = tl.function(() => v.multiply(v));
      const derivative = () => {
        const tape = new tl.GradientTape();
        const y = tape.run(() => f());
        expect(tape.watchedVariables()).toEqual([v]);
        return tape.gradient(y, v) as tl.Tensor;
      };
      return [derivative(), derivative()];
    };
    expect(run(build)).toEqual([[2, 2]]);
  });
});

describe('of higher order', () => {
  const cosines = [Math.cos, (x: number) => -Math.sin(x), (x: number) => -Math.cos(x), Math.sin, Math.cos];
  const at = (x: number) => cosines.map((derivative) => derivative(x));

  test('FunctionGradientsTest.testSymbolicHigherOrder', () => {
    const build = () =>
      cosines.map((_, order) =>
        tl.function((x: tl.Tensor) => {
          let y = tl.function(() => tl.cos(x) as tl.Tensor)();
          for (let i = 0; i < order; i++) y = dense(grad(y, x));
          return y;
        })(tl.constant(1)),
      );
    expectClose(run(build), at(1));
  });

  type Fn = (x: tl.Tensor) => tl.Tensor;
  const derivative =
    (f: Fn): Fn =>
    (x) => {
      const tape = new tl.GradientTape();
      const y = tape.run(() => {
        tape.watch(x);
        return f(x);
      });
      return dense(tape.gradient(y, x));
    };

  test('FunctionGradientsTest.testIteratedGradientsNested', () => {
    const build = () => {
      const x = tl.constant(1);
      let f: Fn = tl.function((each: tl.Tensor) => tl.cos(each) as tl.Tensor);
      let traced = tl.function(f) as Fn;
      return cosines.map((_, order) => {
        if (order > 0) [f, traced] = [derivative(f), tl.function(derivative(traced))];
        return [f(x), traced(x), (tl.function(f) as Fn)(x)];
      });
    };
    expectClose(run(build), at(1).flatMap((each) => [each, each, each])); // prettier-ignore
  });

  test('FunctionGradientsTest.testIteratedGradientsNestedWithVariable', () => {
    const build = () => {
      const v = tl.variable(2);
      let f = tl.function(() => tl.cos(v.value()) as tl.Tensor);
      const next = (before: () => tl.Tensor) => () => {
        const tape = new tl.GradientTape();
        const y = tape.run(before);
        return dense((tape.gradient(y, [...tape.watchedVariables()]) as tl.Tensor[])[0]!);
      };
      return cosines.map((_, order) => {
        if (order > 0) f = next(f);
        return [f(), tl.function(f)()];
      });
    };
    expectClose(run(build), at(2).flatMap((each) => [each, each])); // prettier-ignore
  });

  const persistent = (start: () => { x: tl.Tensor | tl.Variable; y: () => tl.Tensor }) => () => {
    const tape = new tl.GradientTape({ persistent: true });
    return tape.run(() => {
      const { x, y } = start();
      if (x instanceof tl.Tensor) tape.watch(x);
      let last = y();
      return cosines.map((_, order) => {
        if (order > 0) last = dense(tape.gradient(last, x));
        return last;
      });
    });
  };

  test('FunctionGradientsTest.testIteratedGradientsPersistent', () => {
    const build = persistent(() => {
      const x = tl.constant(1);
      return { x, y: () => tl.function((z: tl.Tensor) => tl.cos(z) as tl.Tensor)(x) };
    });
    expectClose(run(build), at(1));
  });

  test('FunctionGradientsTest.testHigherOrderWithVariable', () => {
    const build = persistent(() => {
      const v = tl.variable(1);
      return { x: v, y: () => tl.function(() => tl.cos(v.value()) as tl.Tensor)() };
    });
    expectClose(run(build), at(1));
  });

  test('FunctionGradientsTest.testGradientsChained', () => {
    const build = () => {
      const [x, dy] = [tl.constant(1), tl.constant(2)];
      const f = tl.function((z: tl.Tensor) => tl.cos(z) as tl.Tensor);
      const [inner, outer] = [new tl.GradientTape(), new tl.GradientTape()];
      const y = inner.run(() => {
        inner.watch(x);
        return f(x);
      });
      const g = outer.run(() => {
        outer.watch(dy);
        return dense(inner.gradient(y, x, { outputGradients: dy }));
      });
      return [g, outer.gradient(g, dy)];
    };
    expectClose(run(build), [-2 * Math.sin(1), -Math.sin(1)]);
  });
});

describe('of functions that call functions, by tape and by gradients', () => {
  const by = {
    tape: (f: (x: tl.Tensor) => tl.Tensor, x: tl.Tensor) => {
      const tape = new tl.GradientTape();
      const y = tape.run(() => {
        tape.watch(x);
        return f(x);
      });
      return dense(tape.gradient(y, x));
    },
    gradients: (f: (x: tl.Tensor) => tl.Tensor, x: tl.Tensor) => dense(grad(f(x), x)),
  };
  const plus = () => tl.function((a: tl.Tensor, b: tl.Tensor) => a.add(b));
  /** x (x + b), three calls deep. */
  const middle = () => {
    const innermost = plus();
    const inner = tl.function((a: tl.Tensor, b: tl.Tensor) => innermost(a, b));
    return tl.function((a: tl.Tensor, b: tl.Tensor) => a.multiply(inner(a, b)));
  };
  const five = () => tl.constant(5);

  test('FunctionGradientsTest.testDefunCondGradient', () => {
    const build = () => {
      const f = tl.function((x: tl.Tensor) =>
        tl.cond(
          x.greater(0.5),
          () => x.multiply(2),
          () => x.multiply(3),
        ),
      );
      return by.tape(f, tl.constant(1));
    };
    expect(run(build)).toEqual([2]);
  });

  test('FunctionGradientsTest.testGraphLoopGradient', () => {
    const build = () => {
      const f = tl.function(
        (x: tl.Tensor) =>
          tl.whileLoop(
            (_, i) => i.less(2),
            (each, i) => [each.multiply(2), i.add(1)],
            [x, int(0)],
          )[0],
      );
      return by.tape(f, tl.constant(1));
    };
    expect(run(build)).toEqual([4]);
  });

  test('FunctionGradientsTest.testNestedDifferentiableFunction', () => {
    const build = () => {
      const inner = tl.function((a: tl.Tensor, b: tl.Tensor) => a.multiply(a.add(b)));
      return by.tape(
        tl.function((x: tl.Tensor) => inner(x, tl.constant(1))),
        five(),
      );
    };
    expect(run(build)).toEqual([11]);
  });

  test('FunctionGradientsTest.testDeeplyNestedDifferentiableFunction', () => {
    const build = () => {
      const fn = middle();
      return by.tape(
        tl.function((x: tl.Tensor) => fn(x, tl.constant(1))),
        five(),
      );
    };
    expect(run(build)).toEqual([11]);
  });

  test('FunctionGradientsTest.testDeeplyNestedDifferentiableFunctionTFGradientInDefun', () => {
    const build = () => {
      const fn = middle();
      return tl.function((x: tl.Tensor) => by.gradients((each) => fn(each, tl.constant(1)), x))(five());
    };
    expect(run(build)).toEqual([11]);
  });

  test('FunctionGradientsTest.testDeeplyNestedDifferentiableFunctionTFGradientInNestedDefun', () => {
    const build = () => {
      const fn = middle();
      const almost = tl.function((x: tl.Tensor) => by.gradients((each) => fn(each, tl.constant(1)), x));
      return tl.function((x: tl.Tensor) => almost(x))(five());
    };
    expect(run(build)).toEqual([11]);
  });

  test('FunctionGradientsTest.testDeeplyNestedDifferentiableFunctionTFGradientInMultNestedDefun', () => {
    const build = () => {
      const fn = middle();
      const almost = tl.function((x: tl.Tensor) => by.gradients((each) => fn(each, tl.constant(1)), x));
      const outer = tl.function((x: tl.Tensor) => almost(x));
      return tl.function((x: tl.Tensor) => outer(x))(five());
    };
    expect(run(build)).toEqual([11]);
  });

  test('FunctionGradientsTest.testDeeplyNestedDifferentiableFunctionWithVariable', () => {
    const build = () => {
      const [v, fn] = [tl.variable(tl.constant(1)), middle()];
      return by.tape(
        tl.function((x: tl.Tensor) => fn(x, v.value())),
        five(),
      );
    };
    expect(run(build)).toEqual([11]);
  });

  test('FunctionGradientsTest.testDeeplyNestedDifferentiableFunctionWithVariableMultipleTFGrads', () => {
    new tl.Graph().asDefault(() => {
      const v = tl.variable(3);
      const session = new tl.Session();
      session.runSync(v.initializer);
      const inner = plus();
      const fn = tl.function((a: tl.Tensor, b: tl.Tensor) => a.multiply(inner(a, b)));
      const outer = tl.function((x: tl.Tensor) => fn(x, v.value()));
      const value = (tensor: tl.Tensor) => session.runSync(tensor).item();
      const [x, y] = [five(), tl.constant(4)];
      expect([value(outer(x)), value(by.gradients(outer, x))]).toEqual([40, 13]);
      expect([value(outer(x)), value(fn(v.value(), x)), value(by.gradients(outer, x))]).toEqual([40, 24, 13]);
      expect(value(by.gradients(outer, y))).toBe(11);
      session.runSync(v.assign(tl.constant(1.5)));
      expect(value(by.gradients(outer, y))).toBe(9.5);
      expect(value(by.gradients((each) => inner(each, v.value()), y))).toBe(1);
    });
  });

  test('FunctionGradientsTest.testDifferentiableFunctionNoneOutputs', () => {
    const build = () => {
      const first = tl.function((x: tl.Tensor) => [x, null] as const);
      const second = tl.function((a: tl.Tensor) => [null, a.multiply(a)] as const);
      expect(second(five())[0]).toBeNull();
      return [by.tape((x) => first(x)[0], tl.constant(0)), by.tape((x) => second(x)[1], five()), second(five())[1]];
    };
    expect(run(build)).toEqual([[1, 10, 25]]);
  });

  test('FunctionGradientsTest.testNestedDifferentiableFunctionNoneOutputs', () => {
    const build = () => {
      const foo = tl.function(
        (a: tl.Tensor, b: tl.Tensor) => [null, a.multiply(a.add(b)), null, a.multiply(2)] as const,
      );
      const bar = tl.function((x: tl.Tensor) => foo(x, tl.constant(1)));
      const x = five();
      const tape = new tl.GradientTape({ persistent: true });
      const [none1, r1, none2, r2] = tape.run(() => {
        tape.watch(x);
        return bar(x);
      });
      expect([none1, none2]).toEqual([null, null]);
      return [r1, r2, tape.gradient(r1, x), tape.gradient(r2, x)];
    };
    expect(run(build)).toEqual([[30, 10, 11, 2]]);
  });
});

test('TensorListGradientsTest.testDefaultGradYs', () => {
  const build = () => {
    const pushed = (list: tl.Tensor, x: tl.Tensor) =>
      one('TensorListPushBack', [list, x], { element_dtype: 'float32' });
    const a = tl.constant(1);
    const list = pushed(one('EmptyTensorList', [new Int32Array(0), -1], { element_dtype: 'float32' }), a);
    const [da] = tl.gradients(list, a, { gradYs: [pushed(list, tl.constant(5))] });
    return da;
  };
  expect(run(build)).toEqual([5]);
});
