/** TensorFlow's tests of the functional conditional (kernel_tests/cond_v2_test.py) against what the branches give by themselves. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { grad, run } from './support/control-flow.js';

type Branch = () => tl.Tensor | readonly tl.Tensor[];

const listOf = (result: tl.Tensor | readonly tl.Tensor[]) => [result].flat();
const numbers = (fetches: readonly (tl.Tensor | tl.IndexedSlices | null)[], feeds: tl.Feeds) => {
  const dense = fetches.map((each) => tl.convertToTensor(each!));
  return new tl.Session({ graph: dense[0]!.graph }).runSync(dense, feeds).map((each) => each.toArray());
};
const x1 = () => tl.constant(1, { name: 'x' });
const y2 = () => tl.constant(2, { name: 'y' });

/**
 * Values and gradients of a conditional, by a scalar predicate and one in a matrix, with respect to each subset of `xs`: those of the branch that
 * runs, with zeros for what only the other one uses.
 */
function checkCond(
  build: (pred: tl.Tensor, second: tl.Tensor) => { trueFn: Branch; falseFn: Branch; xs: [tl.Tensor, tl.Tensor] },
  seconds: readonly boolean[] = [true],
): void {
  const graph = new tl.Graph();
  graph.asDefault(() => {
    const [pred, second] = [
      tl.placeholder('bool', null, { name: 'pred' }),
      tl.placeholder('bool', [], { name: 'second' }),
    ];
    const scalar = tl.reshape(pred, []) as tl.Tensor;
    const { trueFn, falseFn, xs } = build(scalar, second);
    const actual = listOf(tl.cond(pred, trueFn, falseFn, { name: 'actual' }));
    const [x, y] = xs;
    for (const taken of [true, false]) {
      const expected = listOf((taken ? trueFn : falseFn)());
      for (const wanted of [[x], [x, y], [y]]) {
        const direct = tl.gradients(expected, wanted, { unconnectedGradients: 'zero' });
        const found = tl.gradients(actual, wanted);
        expect(found).not.toContain(null);
        for (const value of [taken, [[taken]]]) {
          for (const other of seconds) {
            const feeds = new Map<tl.Tensor, never>([[pred, value as never], [second, other as never]]); // prettier-ignore
            expect(numbers([...actual, ...found], feeds)).toEqual(numbers([...expected, ...direct], feeds));
          }
        }
      }
    }
  });
}

describe('values and gradients are those of the branch', () => {
  test('CondV2Test.testBasic', () => {
    checkCond(() => {
      const [x, y] = [x1(), y2()];
      return { trueFn: () => x.multiply(2), falseFn: () => y.multiply(3), xs: [x, y] };
    });
  });

  test('CondV2Test.testMultipleOutputs', () => {
    checkCond(() => {
      const [x, y] = [x1(), tl.constant(3, { name: 'y' })];
      return { trueFn: () => [x.multiply(y), y], falseFn: () => [x, y.multiply(3)], xs: [x, y] };
    });
  });

  test('CondV2Test.testBasic2', () => {
    checkCond(() => {
      const [x, y] = [x1(), y2()];
      return { trueFn: () => x.multiply(y).multiply(2), falseFn: () => tl.constant(2), xs: [x, y] };
    });
  });

  test('CondV2Test.testDefunInCond', () => {
    checkCond(() => {
      const [x, y] = [x1(), y2()];
      const fn = () => tl.function(() => x.multiply(y).multiply(2))();
      return { trueFn: fn, falseFn: () => tl.constant(2), xs: [x, y] };
    });
  });

  test('CondV2Test.testNestedDefunInCond', () => {
    checkCond(() => {
      const [x, y] = [x1(), y2()];
      const nested = () => tl.function(() => x.multiply(y).multiply(2))();
      return { trueFn: () => tl.constant(2), falseFn: () => tl.function(nested)(), xs: [x, y] };
    });
  });

  test('CondV2Test.testDoubleNestedDefunInCond', () => {
    checkCond(() => {
      const [x, y] = [x1(), y2()];
      const innermost = () => tl.function(() => x.multiply(y).multiply(2))();
      const nested = () => tl.function(innermost)();
      return { trueFn: () => tl.function(nested)(), falseFn: () => tl.constant(2), xs: [x, y] };
    });
  });

  test('CondV2Test.testNestedCond', () => {
    checkCond((pred) => {
      const [x, y] = [x1(), y2()];
      const falseFn = () =>
        tl.cond(
          pred,
          () => x.multiply(y).multiply(2),
          () => x.multiply(5),
        );
      return { trueFn: () => tl.constant(2), falseFn, xs: [x, y] };
    });
  });

  test('CondV2Test.testNestedCondBothBranches', () => {
    checkCond((pred) => {
      const [x, y] = [x1(), y2()];
      const inner = (a: () => tl.Tensor, b: () => tl.Tensor) => () => tl.cond(pred, a, b);
      return {
        trueFn: inner(
          () => x.add(y),
          () => x.multiply(x),
        ),
        falseFn: inner(
          () => x.subtract(y),
          () => y.multiply(y),
        ),
        xs: [x, y],
      };
    });
  });

  test('CondV2Test.testDoubleNestedCond', () => {
    checkCond(
      (pred, second) => {
        const [x, y] = [x1(), y2()];
        const innermost = () =>
          tl.cond(
            pred,
            () => x.multiply(y).multiply(2),
            () => x.multiply(10),
          );
        const falseFn = () => tl.cond(second, innermost, () => x.multiply(5));
        return { trueFn: () => tl.constant(2), falseFn, xs: [x, y] };
      },
      [true, false],
    );
  });

  test('CondV2Test.testNoInputs', () => {
    const build = () =>
      tl.cond(
        tl.placeholder('bool', [], { name: 'p' }),
        () => tl.constant(1),
        () => tl.constant(2),
      );
    expect(run(build, { p: true }, { p: false })).toEqual([1, 2]);
  });
});

describe('inside functions', () => {
  const both = [true, false].flatMap((outer) => [true, false].map((inner) => ({ outer, inner })));
  /** The gradients of a conditional in a conditional, whatever surrounds the building of either. */
  const gradientsOf = (around: (build: () => tl.Tensor[]) => tl.Tensor[], insideToo: boolean) => () => {
    const [outer, inner] = [
      tl.placeholder('bool', [], { name: 'outer' }),
      tl.placeholder('bool', [], { name: 'inner' }),
    ];
    const [x, y] = [x1(), y2()];
    const nested = () =>
      tl.cond(
        inner,
        () => x.multiply(y).multiply(2),
        () => x.multiply(5),
      );
    const make = () => tl.cond(outer, () => tl.constant(2), nested);
    const made = insideToo ? null : make();
    return around(() => tl.gradients(made ?? make(), [x, y]).map((each) => tl.convertToTensor(each!)));
  };
  const once = (build: () => tl.Tensor[]) => tl.function(build)();
  const expected = [[0, 0], [0, 0], [4, 2], [5, 0]]; // prettier-ignore

  test('CondV2Test.testGradientFromInsideDefun', () => {
    expect(run(gradientsOf(once, false), ...both)).toEqual(expected);
  });

  test('CondV2Test.testGradientFromInsideNestedDefun', () => {
    const twice = (build: () => tl.Tensor[]) => once(() => once(build));
    expect(run(gradientsOf(twice, false), ...both)).toEqual(expected);
  });

  test('CondV2Test.testBuildCondAndGradientInsideDefun', () => {
    expect(run(gradientsOf(once, true), ...both)).toEqual(expected);
  });

  const named = (graph: tl.Graph, name: string): tl.Operation =>
    [graph, ...graph.functions().map(({ body }) => body)]
      .flatMap((each) => each.operations())
      .find((op) => op.name === name)!;
  const choice = (pred: boolean, a: () => tl.Tensor, b: () => tl.Tensor, name: string) =>
    tl.cond(tl.constant(pred), a, b, { name });
  const number = (value: number) => () => tl.constant(value);

  /** What a function returns, and what types its conditionals have. */
  const check = (fn: () => tl.Tensor[], values: number[], call: string, types: Record<string, string>): void => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const outputs = tl.function(fn)();
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expect(session.runSync(outputs).map((each) => each.item())).toEqual(values);
      expect(graph.operations().filter(({ type }) => type.endsWith('PartitionedCall')).map(({ type }) => type)).toEqual([call]); // prettier-ignore
      for (const [name, type] of Object.entries(types)) expect([name, named(graph, name).type]).toEqual([name, type]);
      expect(Object.keys(types).flatMap((name) => named(graph, name).controlInputs)).toEqual([]);
    });
  };

  test('CondV2Test.testFuncCond', () => {
    const fn = () => {
      choice(true, number(0), number(1), 'cond_1');
      return [choice(false, number(0), number(1), 'cond_2')];
    };
    check(fn, [1], 'PartitionedCall', { cond_1: 'StatelessIf', cond_2: 'StatelessIf' });
  });

  test('CondV2Test.testFuncCondFunc', () => {
    const fn = () => {
      choice(true, number(1), number(2), 'cond_1');
      return [choice(true, () => tl.function(number(3), { name: 'inner' })(), number(4), 'cond_2')];
    };
    const graph = new tl.Graph();
    graph.asDefault(() => tl.function(fn)());
    const calls = graph
      .functions()
      .flatMap(({ def }) => def.nodeDef.filter(({ op }) => op.endsWith('PartitionedCall')));
    expect(calls.map(({ op }) => op)).toEqual(['PartitionedCall']);
    check(fn, [3], 'PartitionedCall', { cond_1: 'StatelessIf', cond_2: 'StatelessIf' });
  });

  // TensorFlow adds control edges between conditionals that use a variable, in the order of its functions. Here reads need no order.
  const variables = (read: (v: tl.Variable) => tl.Tensor, more: Record<string, string>, extra: number[]) => () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const [v1, v2] = [tl.variable(2), tl.variable(4)];
      const outputs = tl.function(() => {
        choice(true, () => v1.value(), number(0), 'cond_1');
        const second = choice(false, number(0), () => read(v1), 'cond_2');
        choice(true, () => v2.value(), number(0), 'cond_3');
        const fourth = choice(false, number(0), () => read(v2), 'cond_4');
        return [second, fourth, ...extra.map((each) => choice(false, number(5), number(each), 'stateless_cond'))];
      })();
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expect(session.runSync(outputs).map((each) => each.item())).toEqual([2, 4, ...extra]);
      const types = { cond_1: 'If', cond_2: 'If', cond_3: 'If', cond_4: 'If', ...more };
      for (const [name, type] of Object.entries(types)) expect([name, named(graph, name).type]).toEqual([name, type]);
      const calls = graph.operations().filter(({ type }) => type.endsWith('PartitionedCall'));
      expect(calls.map(({ type }) => type)).toEqual(['StatefulPartitionedCall']);
    });
    return graph;
  };

  test('CondV2Test.testFuncCondWithVariable', () => {
    variables((v) => v.value(), { stateless_cond: 'StatelessIf' }, [6])();
  });

  test('CondV2Test.testFuncCondFuncWithVariable', () => {
    const graph = variables((v) => tl.function(() => v.value())(), {}, [])();
    const inBodies = graph
      .functions()
      .flatMap(({ def }) => def.nodeDef.filter(({ op }) => op.endsWith('PartitionedCall')));
    expect(inBodies.map(({ op }) => op)).toEqual(['StatefulPartitionedCall', 'StatefulPartitionedCall']);
  });

  test('CondV2Test.testGradientTapeOfCondWithResourceVariableInFunction', () => {
    const build = () => {
      const v = tl.variable(2);
      return tl.function(() => {
        const tape = new tl.GradientTape();
        const y = tape.run(() =>
          choice(
            true,
            () => tl.pow(v, 3),
            () => v.value(),
            'cond',
          ),
        );
        return tape.gradient(y, v) as tl.Tensor;
      })();
    };
    expect(run(build)).toEqual([12]);
  });

  const slicesAndNulls = (nulls: number) => () =>
    tl.function(() => {
      const slices = (value: number) =>
        new tl.IndexedSlices(tl.constant([value]), tl.range(1), tl.constant([1], { dtype: 'int32' }));
      const branch = (value: number) => () => (nulls === 1 ? [slices(value), null] : [null, null, null, slices(value)]);
      const result = tl.cond(tl.constant(true), branch(1), branch(2)) as (tl.IndexedSlices | null)[];
      expect(result.filter((each) => each === null)).toHaveLength(nulls);
      return tl.convertToTensor(result.find((each) => each !== null)!);
    })();

  test('CondV2Test.testReturnsIndexedSlicesAndNones', () => expect(run(slicesAndNulls(1))).toEqual([[1]]));
  test('CondV2Test.testReturnsNonesAndIndexedSlices', () => expect(run(slicesAndNulls(3))).toEqual([[1]]));

  const squaresOfPositive = () =>
    tl.mapFn(
      (each) =>
        tl.cond(
          each.greater(0),
          () => tl.square(each),
          () => each,
        ),
      tl.range(-5, 5),
    );
  const squares = [-5, -4, -3, -2, -1, 0, 1, 4, 9, 16];

  test('CondV2Test.testCondAndTensorArray', () => expect(run(squaresOfPositive)).toEqual([squares]));
  test('CondV2Test.testCondAndTensorArrayInDefun', () =>
    expect(run(() => tl.function(squaresOfPositive)())).toEqual([squares]));
});

describe('results', () => {
  test('CondV2Test.testExternalControlDependencies', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const v = tl.variable(1);
      const session = new tl.Session({ graph });
      session.runSync(v.initializer);
      const increment = v.assignAdd(1);
      const y = tl.cond(
        tl.placeholderWithDefault(false, null),
        () => tl.controlDependencies([increment], () => tl.constant(1)),
        () => tl.constant(2),
      );
      expect(session.runSync(y).item()).toBe(2);
      // What a branch waits for runs whichever branch does.
      expect(session.runSync(v).item()).toBe(2);
    });
  });

  test('CondV2Test.testStructuredOutputs', () => {
    const build = () => {
      const [x, y] = [tl.constant(1), tl.constant(3)];
      return tl.cond(
        tl.constant(false),
        () => [[x.multiply(y)], y] as const,
        () => [[x], y.multiply(3)] as const,
      );
    };
    expect(run(build)).toEqual([[[1], 9]]);
  });

  test('CondV2Test.testRaisesOutputStructuresMismatch', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const [x, y] = [tl.constant(1), tl.constant(3)];
      const pred = tl.constant(false);
      const { state } = graph;
      const mismatch = () =>
        tl.cond(
          pred,
          () => [x.multiply(y), y],
          () => [[x], y.multiply(3)] as never,
        );
      expect(mismatch).toThrow(tl.InvalidArgumentError);
      expect(mismatch).toThrow(/structure/);
      expect(graph.state).toBe(state);
    });
  });

  test('CondV2Test.testSecondDerivative', () => {
    const build = () => {
      const x = tl.constant(3);
      const y = tl.cond(
        tl.placeholder('bool', [], { name: 'p' }),
        () => tl.pow(x, 3),
        () => x,
      );
      const dx = grad(y, x) as tl.Tensor;
      return [dx, grad(dx, x)];
    };
    expect(run(build, { p: true }, { p: false })).toEqual([
      [27, 18],
      [1, 0],
    ]);
  });

  /** The number of outputs of a conditional before its gradient is taken, after, and after that again. */
  const outputsOf = (trueFn: (x: tl.Tensor, y: tl.Tensor) => tl.Tensor): number[] => {
    const graph = new tl.Graph();
    return graph.asDefault(() => {
      const [x, y] = [x1(), tl.constant(1)];
      const output = tl.cond(
        tl.constant(true),
        () => trueFn(x, y),
        () => x,
      );
      const { op } = output.op.inputs[0]!;
      expect(op.type).toBe('StatelessIf');
      return [0, 1, 2].map((again) => {
        if (again > 0) tl.gradients(output, x);
        return op.outputs.length;
      });
    });
  };

  test('CondV2Test.testForwardPassRewrite', () => {
    // What the gradient needs, y + 1, is an output from the start: nothing is rewritten.
    expect(outputsOf((x, y) => x.multiply(y.add(1)))).toEqual([2, 2, 2]);
  });

  test('CondV2Test.testDoNotAccumulateConstants', () => {
    expect(outputsOf((x) => x.multiply(2))).toEqual([1, 1, 1]);
  });

  test('CondV2Test.testDefaultName', () => {
    const names = (scope: string | null, name?: string) => {
      const graph = new tl.Graph();
      const make = () =>
        tl.cond(
          tl.constant(true),
          () => x1(),
          () => tl.constant(1),
          name === undefined ? {} : { name },
        ).op.inputs[0]!.op;
      const ops = graph.asDefault(() => (scope === null ? [make()] : tl.nameScope(scope, () => [make(), make()])));
      return ops.map((op) => {
        const branch = (attr: string) => {
          const value = op.attrValue(attr);
          return value.kind === 'func' ? value.value.name : '';
        };
        return [op.name, branch('then_branch'), branch('else_branch')];
      });
    };
    expect(names(null)).toEqual([['cond', expect.stringMatching(/^cond_true_?\d*$/), expect.stringMatching(/^cond_false_?\d*$/)]]); // prettier-ignore
    expect(names('foo')).toEqual([
      ['foo/cond', expect.stringMatching(/^foo_cond_true_?\d*$/), expect.stringMatching(/^foo_cond_false_?\d*$/)],
      ['foo/cond_1', expect.stringMatching(/^foo_cond_1_true_?\d*$/), expect.stringMatching(/^foo_cond_1_false_?\d*$/)],
    ]);
  });
});

describe('colocation and devices inside branches', () => {
  const groups: string[][] = [];
  const devices: string[] = [];
  const three = () => {
    const c = tl.constant(3);
    groups.push([...c.op.colocationGroups()]);
    devices.push(c.op.device);
    return c;
  };
  const inBranches = (branch: () => tl.Tensor) => {
    const y = tl.cond(tl.constant(true), branch, branch);
    expect(new tl.Session().runSync(y).item()).toBe(3);
  };
  const fresh = (build: (a: tl.Tensor, b: tl.Tensor) => void) => {
    groups.length = 0;
    devices.length = 0;
    new tl.Graph().asDefault(() => build(tl.constant([2], { name: 'a' }), tl.constant([2], { name: 'b' })));
  };

  test('CondV2ColocationGroupAndDeviceTest.testColocateWithBeforeCond', () => {
    fresh((a, b) => {
      tl.colocateWith(a, () => inBranches(three));
      expect(groups).toEqual([['loc:@a'], ['loc:@a']]);
      tl.colocateWith(a, () => tl.colocateWith(b, () => inBranches(three)));
      expect(groups.slice(2)).toEqual([['loc:@a', 'loc:@b'], ['loc:@a', 'loc:@b']]); // prettier-ignore
    });
  });

  test('CondV2ColocationGroupAndDeviceTest.testColocateWithInAndOutOfCond', () => {
    fresh((a, b) => {
      const d = tl.colocateWith(a, () => {
        inBranches(() => tl.colocateWith(b, three));
        return tl.constant([2], { name: 'd' });
      });
      expect(groups).toEqual([['loc:@a', 'loc:@b'], ['loc:@a', 'loc:@b']]); // prettier-ignore
      expect(d.op.colocationGroups()).toEqual(['loc:@a']);
    });
  });

  test('CondV2ColocationGroupAndDeviceTest.testDeviceBeforeCond', () => {
    fresh(() => {
      // As TensorFlow 2.21 has it: the device around the conditional holds in its branches.
      tl.device('/device:CPU:0', () => inBranches(three));
      expect(devices).toEqual(['/device:CPU:0', '/device:CPU:0']);
    });
  });

  test('CondV2ColocationGroupAndDeviceTest.testDeviceInAndOutOfCond', () => {
    fresh(() => {
      const d = tl.device('/device:CPU:0', () => {
        inBranches(() => tl.device('/device:CPU:1', three));
        return tl.constant(4);
      });
      expect(devices).toEqual(['/device:CPU:1', '/device:CPU:1']);
      expect(d.op.device).toBe('/device:CPU:0');
    });
  });
});
