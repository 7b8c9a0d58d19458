/** TensorFlow's tests of the functional loop (kernel_tests/while_v2_test.py): what it keeps, what it is called, what it knows of shapes. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { one } from '../../src/ops/call.js';
import { grad, int, loop1, run, two } from './support/control-flow.js';

const dense = (dx: tl.Tensor | tl.IndexedSlices | null) => tl.convertToTensor(dx!);
const squaring = (x: tl.Tensor, body = (v: tl.Tensor) => v.multiply(v)) => loop1((v) => v.less(8), body, x);
const always = () => tl.constant(true);
/** The loop behind one of its results. */
const loopOf = (result: tl.Tensor): tl.Operation => result.op.inputs[0]!.op;
const functionName = (op: tl.Operation, attr: string): string => {
  const value = op.attrValue(attr);
  if (value.kind !== 'func') throw new Error(`${attr} is no function`);
  return value.value.name;
};
const bodyOf = (op: tl.Operation): tl.Graph => op.graph.function(functionName(op, 'body')).body;
const pushes = (body: tl.Graph) => body.operations().filter(({ type }) => type === 'TensorListPushBack');
/** The argument of a loop's body that stands for the loop's input `index`. */
const argument = (body: tl.Graph, index: number) =>
  body.operations().filter(({ type }) => type === 'Placeholder')[index]!;

describe('values and gradients', () => {
  test('WhileV2Test.testReturnSameStructureTrue', () => {
    const build = () => {
      const x = two();
      const result = tl.whileLoop(
        (v) => v.less(8),
        (v) => v.multiply(v),
        [x],
      );
      expect(result).toHaveLength(1);
      return [result, grad(result[0], x)];
    };
    expect(run(build)).toEqual([[[16], 32]]);
  });

  test('WhileV2Test.testCustomGradient', () => {
    const build = () => {
      const x = two();
      const n = tl.constant(1, { name: 'const-n' });
      const m = tl.variable(1);
      const body = tl.customGradient((v: tl.Tensor) => [
        v.multiply(v).multiply(m),
        (dy, _variables) => [dy.multiply(2).multiply(v).multiply(n).multiply(m), [v.multiply(v)]],
      ]);
      const result = squaring(x, body);
      return [result, grad(result, x)];
    };
    expect(run(build)).toEqual([[16, 32]]);
  });

  const timesY = (x: tl.Tensor) => {
    const y = tl.constant(3);
    const [v, w] = tl.whileLoop(
      (each) => each.less(45),
      (each, other) => [each.multiply(other), other],
      [x, y],
    );
    return [v, w, grad([v, w], x)];
  };

  test('WhileV2Test.testMultipleLoopVarsBasic', () => {
    expect(run(() => timesY(tl.constant(5)))).toEqual([[45, 3, 9]]);
  });

  test('WhileV2Test.testMultipleLoopNonscalarCond', () => {
    expect(run(() => timesY(tl.constant([[5]])))).toEqual([[[[45]], 3, [[9]]]]);
  });

  test('WhileV2Test.testMultipleLoopVars', () => {
    const build = () => {
      const [x, y] = [tl.constant(5), tl.constant(3)];
      const [v, w] = tl.whileLoop(
        (each) => each.less(45),
        (each, other) => [each.multiply(other), each.add(other)],
        [x, y],
      );
      const of = (z: tl.Tensor) => [grad(v, z), grad(w, z), grad([v, w], z)];
      return [v, w, of(x), of(y)];
    };
    expect(run(build)).toEqual([[120, 23, [39, 4, 43], [55, 6, 61]]]);
  });

  test('WhileV2Test.testCaptureExternalTensorInCond', () => {
    const build = () => {
      const [x, y] = [two(), tl.constant(1)];
      const result = loop1(
        (v) => v.add(y).less(9),
        (v) => v.multiply(3),
        x,
      );
      return [result, grad(result, x)];
    };
    expect(run(build)).toEqual([[18, 9]]);
  });

  test('WhileV2Test.testCaptureExternalTensorInBody', () => {
    const build = () => {
      const [x, y] = [two(), tl.constant(3)];
      const result = squaring(x, (v) => v.multiply(y));
      return [result, grad(result, x)];
    };
    expect(run(build)).toEqual([[18, 9]]);
  });

  test('WhileV2Test.testIdentityNodeInBody', () => {
    const build = () => {
      const x = two();
      const result = squaring(x, (v) => tl.square(tl.identity(tl.identity(v))));
      return [result, grad(result, x)];
    };
    expect(run(build)).toEqual([[16, 32]]);
  });

  test('WhileV2Test.testWhileAndTensorArray', () => {
    const build = () => {
      const param = two();
      const result = tl.mapFn((x) => tl.multiply(x, param) as tl.Tensor, tl.constant([1, 2, 3, 4, 5, 6]));
      return [result, grad(result, param)];
    };
    expect(run(build)).toEqual([[[2, 4, 6, 8, 10, 12], 21]]);
  });

  test('WhileV2Test.testNestedWhileWithLegacyDefun', () => {
    const build = () => {
      const n = tl.constant(3);
      const inner = tl.function((count: tl.Tensor, v: tl.Tensor) => [count.subtract(1), v.multiply(n)] as const);
      const [, sum] = tl.whileLoop(
        (i) => i.greaterEqual(0),
        (i, before) => {
          const [, power] = tl.whileLoop(
            (count) => count.greater(0),
            (count, v) => inner(count, v),
            [i, tl.constant(1)],
          );
          return [i.subtract(1), before.add(power)];
        },
        [tl.constant(5), tl.constant(0)],
      );
      return [sum, grad(sum, n)];
    };
    expect(run(build)).toEqual([[364, 547]]);
  });

  test('WhileV2Test.testExternalColocationGrad', () => {
    const build = () => {
      const [outside, x] = [two(), two()];
      const result = squaring(x, (v) => tl.colocateWith(outside, () => v.multiply(v)));
      return [result, grad(result, x)];
    };
    expect(run(build)).toEqual([[16, 32]]);
  });

  test('WhileV2Test.testExternalControlDependencies', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const v = tl.variable(1);
      const session = new tl.Session({ graph });
      session.runSync(v.initializer);
      const increment = v.assignAdd(1);
      const [i] = tl.whileLoop(
        (each) => each.less(1),
        (each) => [tl.controlDependencies([increment], () => each.add(1))],
        [int(0)],
      );
      session.runSync(i.op);
      expect(session.runSync(v).item()).toBe(2);
    });
  });

  test('WhileV2Test.testVerifyInputOutputTypesMatch', () => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const x = tl.constant(1);
      const build = () =>
        tl.whileLoop(
          (v) => v.less(10),
          (v) => [tl.cast(v, 'float16').add(1)],
          [x],
        );
      const { state } = graph;
      expect(build).toThrow(tl.DTypeError);
      expect(build).toThrow(/is float32 at first and float16 after an iteration/);
      expect(graph.state).toBe(state);
    });
  });
});

describe('tapes and functions', () => {
  test.each(['float32', 'float64'] as const)('WhileV2Test.testGradientTapeResourceVariable %s', (dtype) => {
    const build = () => {
      const v = tl.variable(tl.constant(1, { dtype }));
      return tl.function(() => {
        const tape = new tl.GradientTape();
        const x = tape.run(() => {
          const [, last] = tl.whileLoop(
            (i) => i.less(2),
            (i, each) => [i.add(1), each.multiply(v)],
            [int(0), tl.constant(2, { dtype }) as tl.Tensor],
          );
          return last;
        });
        return tape.gradient(x, v) as tl.Tensor;
      })();
    };
    expect(run(build)).toEqual([4]);
  });

  test('WhileV2Test.testGradientTape', () => {
    const build = () => {
      const x = two();
      const tape = new tl.GradientTape();
      const y = tape.run(() => {
        tape.watch(x);
        return loop1(
          (v) => v.less(4),
          (v) => v.multiply(v),
          x,
        );
      });
      return tape.gradient(y, x);
    };
    expect(run(build)).toEqual([4]);
  });

  /** Loops in a function, from 2 on: what each multiplies by, and up to what. In TensorFlow, those that read the same variable have control edges. */
  const inFunction = (
    loops: Record<string, (v: tl.Tensor) => tl.Tensor>,
    types: Record<string, string>,
    values: number[],
  ) => {
    const graph = new tl.Graph();
    graph.asDefault(() => {
      const results = tl.function(() =>
        Object.entries(loops).map(([name, body], i) => {
          const limit = name === 'while_stateless' || i % 2 === 1 ? 16 : 4;
          return tl.whileLoop((v) => v.less(limit), body, [two()], { name })[0];
        }),
      )();
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expect(session.runSync(results).map((each) => each.item())).toEqual(values);
    });
    const found = graph.functions().flatMap(({ body }) => body.operations().filter(({ name }) => name in types));
    expect(Object.fromEntries(found.map(({ name, type }) => [name, type]))).toEqual(types);
    expect(found.flatMap(({ controlInputs }) => controlInputs)).toEqual([]);
  };

  test('WhileV2Test.testMultipleWhileLoopsWithFunc', () => {
    const square = (v: tl.Tensor) => v.multiply(v);
    const types = { while_1: 'StatelessWhile', while_2: 'StatelessWhile' };
    inFunction({ while_1: square, while_2: square }, types, [4, 16]);
  });

  test('WhileV2Test.testMultipleWhileLoopsWithDeps', () => {
    new tl.Graph().asDefault(() => {
      const graph = tl.getDefaultGraph();
      const x = tl.variable(2);
      const results = tl.function(() => [
        tl.whileLoop((v) => v.less(4), (v) => v.multiply(x), [two()], { name: 'while_1' })[0],
        tl.whileLoop((v) => v.less(16), (v) => v.multiply(x).multiply(x), [two()], { name: 'while_2' })[0],
      ])(); // prettier-ignore
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expect(session.runSync(results).map((each) => each.item())).toEqual([4, 32]);
      const types = graph.functions().flatMap(({ def }) => def.nodeDef.filter(({ op }) => op.endsWith('While')));
      expect(types.map(({ op }) => op)).toEqual(['While', 'While']);
    });
  });

  test('WhileV2Test.testMultipleWhileLoopsWithVarsDeps', () => {
    new tl.Graph().asDefault(() => {
      const graph = tl.getDefaultGraph();
      const [x1, x2] = [tl.variable(2), tl.variable(3)];
      const loop = (name: string, limit: number, body: (v: tl.Tensor) => tl.Tensor) =>
        tl.whileLoop((v) => v.less(limit), body, [two()], { name })[0];
      const results = tl.function(() => [
        loop('while_1', 4, (v) => v.multiply(x1)),
        loop('while_2', 16, (v) => v.multiply(x1).multiply(x1)),
        loop('while_3', 4, (v) => v.multiply(x2)),
        loop('while_4', 16, (v) => v.multiply(x2).multiply(x2)),
        loop('while_stateless', 16, (v) => v.multiply(v)),
      ])();
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expect(session.runSync(results).map((each) => each.item())).toEqual([4, 32, 6, 18, 16]);
      const nodes = graph.functions().flatMap(({ def }) => def.nodeDef.filter(({ op }) => op.endsWith('While')));
      expect(nodes.map(({ op }) => op)).toEqual(['While', 'While', 'While', 'While', 'StatelessWhile']);
    });
  });
});

describe('what a loop keeps of its iterations', () => {
  const invariant = () => {
    const v = tl.constant(5, { name: 'v' });
    const result = loop1(always, (x) => v.multiply(x), tl.constant(1), { maximumIterations: 5 });
    return { v, result, op: loopOf(result) };
  };

  test.each(['WhileV2Test.testDoNotAccumulateInvariantsV1', 'WhileV2Test.testDoNotAccumulateInvariantsV2'])(
    '%s',
    (name) => {
      const graph = new tl.Graph();
      graph.asDefault(() => {
        const build = () => {
          const { v, result } = invariant();
          return dense(grad(result, v));
        };
        // The second by a function's body.
        const dv = name.endsWith('V1') ? build() : tl.function(build)();
        expect(new tl.Session({ graph }).runSync(dv).item()).toBe(5 * 5 ** 4);
        const forward = graph.functions().find(({ def }) => def.signature.name.includes('while_body'))!;
        expect(pushes(forward.body)).toHaveLength(1);
      });
    },
  );

  test('WhileV2Test.testDoNotOutputLoopCounterAsIntermediate', () => {
    new tl.Graph().asDefault(() => {
      const { op } = invariant();
      const body = bodyOf(op);
      const counter = argument(body, 0);
      expect(counter.name).toContain('loop_counter');
      expect(pushes(body).filter(({ inputs }) => inputs[1]!.op === counter)).toEqual([]);
    });
  });

  test('WhileV2Test.testDoNotOutputLoopInvariantAsIntermediate', () => {
    new tl.Graph().asDefault(() => {
      const { op, v } = invariant();
      const index = op.inputs.indexOf(v);
      expect(index).toBeGreaterThan(0);
      const body = bodyOf(op);
      const captured = argument(body, index);
      expect(pushes(body).filter(({ inputs }) => inputs[1]!.op === captured)).toEqual([]);
    });
  });

  test('WhileV2Test.testDoNotAccumulateConstNodes', () => {
    new tl.Graph().asDefault(() => {
      const start = two();
      const result = squaring(start, (v) => v.multiply(2));
      const before = pushes(bodyOf(loopOf(result)));
      tl.gradients(result, start);
      const pushed = pushes(bodyOf(loopOf(result))).map(({ inputs }) => inputs[1]!.op.type);
      expect(pushed).toHaveLength(before.length);
      expect(pushed).not.toContain('Const');
      expect(pushed.length).toBeLessThanOrEqual(1);
    });
  });

  const emptyList = () => one('EmptyTensorList', [new Int32Array(0), -1], { element_dtype: 'float32' });
  const pushed = (list: tl.Tensor, x: tl.Tensor) => one('TensorListPushBack', [list, x], { element_dtype: 'float32' });
  const withList = (more: boolean) => {
    const graph = new tl.Graph();
    return graph.asDefault(() => {
      const x = two();
      const [result] = tl.whileLoop(
        (each) => each.less(5),
        (each, list) => {
          const longer = pushed(list, each);
          return [tl.pow(each, 2), more ? pushed(longer, tl.constant(100)) : longer];
        },
        [x, emptyList()],
      );
      const body = bodyOf(loopOf(result));
      const start = argument(body, loopOf(result).inputs.indexOf(x));
      const own = pushes(body).filter(({ inputs }) => inputs[1]!.op === start).length;
      const [value, dx] = new tl.Session({ graph }).runSync([result, dense(grad(result, x))]);
      expect([value.item(), dx.item()]).toEqual([16, 32]);
      return own;
    });
  };

  test('WhileV2Test.testLoopWithTensorListPushBack', () => {
    expect(withList(true)).toBe(2);
  });

  test('WhileV2Test.testDuplicateAccumulator', () => {
    // TensorFlow takes the user's list for its own, as it holds the same; here the loop keeps one of its own beside it, and only one.
    expect(withList(false)).toBe(2);
  });

  test.each([
    ['[]', []],
    ['[null]', [null]],
    ['[2]', [2]],
    ['unknown', null],
  ] as const)('WhileV2Test.testAccumulatorElementShape %s', (_, shape) => {
    new tl.Graph().asDefault(() => {
      const [x, y] = [tl.placeholder('float32', shape), tl.placeholder('float32', shape)] as [tl.Tensor, tl.Tensor];
      const [result] = tl.whileLoop(
        (v) => tl.reduceAll(v.less(8)) as tl.Tensor,
        (v, u) => [tl.pow(v, u), u],
        [x, y],
      );
      const accumulated = (op: tl.Operation) => pushes(bodyOf(op)).map(({ inputs }) => inputs[1]!.shape);
      expect(accumulated(loopOf(result))).toContainEqual(shape);
      const dx = dense(grad(result, x));
      expect(dx.shape).toEqual(shape);
      const backward = tl.getDefaultGraph().operations().filter(({ type }) => type === 'StatelessWhile')[1]!; // prettier-ignore
      expect(accumulated(backward)).toContainEqual(shape);
      expect(dense(grad(dx, x)).shape).toEqual(shape);
    });
  });

  test('WhileV2Test.testForwardPassRewrite', () => {
    new tl.Graph().asDefault(() => {
      const x = tl.constant(1, { name: 'x' });
      const result = loop1(
        (v) => v.less(10),
        (v) => v.multiply(2),
        x,
      );
      const op = loopOf(result);
      expect(op.type).toBe('StatelessWhile');
      // What the gradient needs is kept from the start: differentiating does not change the loop, which may have run.
      const { length } = op.outputs;
      const { def } = op;
      for (let i = 0; i < 2; i++) tl.gradients(result, x);
      expect([op.outputs.length, op.def]).toEqual([length, def]);
      expect(length).toBeLessThanOrEqual(4);
    });
  });
});

describe('names and shapes', () => {
  test('WhileV2Test.testDefaultName', () => {
    const make = () =>
      loopOf(
        tl.whileLoop(
          (i) => i.less(3),
          (i) => [i.add(1)],
          [int(0)],
        )[0],
      );
    const parts = (op: tl.Operation) => [op.name, functionName(op, 'cond'), functionName(op, 'body')];
    const named = (name: string) => {
      const prefix = name.replaceAll('/', '_');
      return [name, expect.stringMatching(`^${prefix}_cond_?\\d*$`), expect.stringMatching(`^${prefix}_body_?\\d*$`)];
    };
    new tl.Graph().asDefault(() => expect(parts(make())).toEqual(named('while')));
    new tl.Graph().asDefault(() => {
      const found = tl.nameScope('foo', () => [make(), make()]).map(parts);
      expect(found).toEqual([named('foo/while'), named('foo/while_1')]);
    });
  });

  /** The shapes that the body of a loop sees; what is made of `[5, ...shape]`, a tensor outside, must be known there. */
  const known = (shape: number[], start: number[], body: (dims: tl.Tensor, u: tl.Tensor) => tl.Tensor) => {
    new tl.Graph().asDefault(() => {
      const dims = tl.constant(shape, { dtype: 'int32' });
      const seen: unknown[] = [];
      const [, last] = tl.whileLoop(
        (i) => i.less(3),
        (i, u) => {
          const next = body(tl.concat([tl.constant([5], { dtype: 'int32' }), dims], 0), u);
          seen.push(next.shape);
          return [i.add(1), next];
        },
        [int(0), tl.zeros(start) as unknown as tl.Tensor],
      );
      expect(seen).toEqual([start]);
      expect(new tl.Session().runSync(last).shape).toEqual(start);
    });
  };

  test.each(['normal', 'uniform'] as const)('WhileV2Test.testRandomOpsShape %s', (kind) => {
    known([3], [5, 3], (dims) => tl.random[kind](dims as never));
  });

  test('WhileV2Test.testReshapeShape', () => {
    known([3, 4], [5, 3, 4], (dims, u) => {
      const flat = tl.reshape(u, [-1]) as tl.Tensor;
      expect(flat.shape).toEqual([60]);
      return tl.reshape(flat, dims as never);
    });
  });

  test.each(['zeros', 'ones', 'fill'] as const)('WhileV2Test.testFillOpsShape %s', (kind) => {
    known([3, 4], [5, 3, 4], (dims) => {
      if (kind === 'fill') return tl.fill(dims as never, 1);
      return tl[kind](dims as never);
    });
  });
});
