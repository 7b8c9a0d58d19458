/** Variables: the nodes they are made of, what assignments give, and their errors. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { call, one } from '../../src/ops/call.js';

function inGraph<T>(build: () => T): { graph: tl.Graph; parts: T; session: tl.Session } {
  const graph = new tl.Graph();
  return { graph, parts: graph.asDefault(build), session: new tl.Session({ graph }) };
}
const nodes = (graph: tl.Graph): string[] =>
  graph.operations().map(({ def }) => `${def.op} ${def.name}(${def.input.join(', ')})`);

describe('making one', () => {
  test('TensorFlow’s nodes, in its order', () => {
    const { graph, parts: v } = inGraph(() => tl.variable([1, 2], { name: 'v' }));
    expect(nodes(graph)).toEqual([
      'Const v/Initializer/initial_value()',
      'VarHandleOp v()',
      'VarIsInitializedOp v/IsInitialized/VarIsInitializedOp(v)',
      'AssignVariableOp v/Assign(v, v/Initializer/initial_value)',
      'ReadVariableOp v/Read/ReadVariableOp(v)',
    ]);
    const { attr } = v.op.def;
    expect(attr['shared_name']).toEqual({ kind: 'string', value: 'v' });
    expect(attr['debug_name']).toEqual({ kind: 'string', value: 'v/' });
    expect(attr['shape']).toEqual({ kind: 'shape', value: [2] });
    expect(graph.operations().map((op) => op.def.attr['_class']?.value)).toEqual([
      ['loc:@v'],
      ['loc:@v'],
      undefined,
      undefined,
      undefined,
    ]);
    expect([v.name, v.dtype, v.shape, v.trainable, v.initializer.name]).toEqual([
      'v:0',
      'float32',
      [2],
      true,
      'v/Assign',
    ]);
  });

  test('from a tensor, from a function, twice under one name', () => {
    const { graph } = inGraph(() => {
      const ones = tl.constant([1, 1], { name: 'ones' });
      tl.variable(ones, { name: 'a' });
      tl.variable(() => tl.constant([2], { name: 'two' }), { name: 'a' });
      tl.variable(0, { dtype: 'int64' });
    });
    expect(nodes(graph).filter((node) => /^(Const|VarHandleOp|AssignVariableOp)/.test(node))).toEqual([
      'Const ones()',
      'VarHandleOp a()',
      'AssignVariableOp a/Assign(a, ones)',
      'Const a_1/Initializer/two()',
      'VarHandleOp a_1()',
      'AssignVariableOp a_1/Assign(a_1, a_1/Initializer/two)',
      'Const Variable/Initializer/initial_value()',
      'VarHandleOp Variable()',
      'AssignVariableOp Variable/Assign(Variable, Variable/Initializer/initial_value)',
    ]);
    expect(graph.operation('a_1').attr('shared_name')).toBe('a_1');
  });

  test('waits for nothing, and is placed where the scope says but for its initial value', () => {
    const { graph } = inGraph(() => {
      const first = tl.noOp({ name: 'first' });
      tl.controlDependencies([first], () => tl.device('/job:ps/device:CPU:0', () => tl.variable([1], { name: 'v' })));
    });
    expect(graph.operations().flatMap(({ controlInputs }) => controlInputs)).toEqual([]);
    expect(graph.operation('v').device).toBe('/job:ps/device:CPU:0');
    expect(graph.operation('v/Assign').device).toBe('/job:ps/device:CPU:0');
    expect(graph.operation('v/Initializer/initial_value').device).toBe('');
  });

  test('a failure leaves nothing behind', () => {
    const { graph } = inGraph(() => undefined);
    const before = graph.state;
    expect(() =>
      graph.asDefault(() =>
        tl.variable(() => {
          throw new Error('no');
        }),
      ),
    ).toThrow('no');
    expect(() => graph.asDefault(() => tl.variable(1.5, { dtype: 'int32' }))).toThrow(tl.DTypeError);
    expect(() =>
      graph.transact(() =>
        graph.asDefault(() => {
          tl.variable(1);
          throw new Error('late');
        }),
      ),
    ).toThrow('late');
    expect(graph.state).toBe(before);
    expect(graph.asDefault(() => tl.globalVariables())).toEqual([]);
  });

  test('collections and the initializer', () => {
    const { graph, parts, session } = inGraph(() => {
      const v = tl.variable([1, 2], { name: 'v' });
      const step = tl.variable(7, { name: 'step', dtype: 'int64', trainable: false });
      return {
        v,
        step,
        all: tl.globalVariables(),
        trained: tl.trainableVariables(),
        init: tl.globalVariablesInitializer(),
      };
    });
    expect(parts.all).toEqual([parts.v, parts.step]);
    expect(parts.trained).toEqual([parts.v]);
    expect(graph.state.collections).toEqual({ variables: ['v', 'step'], trainable_variables: ['v'] });
    expect(nodes(graph).at(-1)).toBe('NoOp init(^v/Assign, ^step/Assign)');
    expect(session.runSync(parts.init)).toBeNull();
    expect(session.runSync([parts.v, parts.step]).map((value) => value.toArray())).toEqual([[1, 2], 7n]);
  });

  test('in a function body they are those of the graph around it', () => {
    const seen: (readonly tl.Variable[])[] = [];
    const { parts: v } = inGraph(() => {
      const v = tl.variable(1);
      tl.function(() => {
        seen.push(tl.globalVariables(), tl.trainableVariables());
        return v.value();
      })();
      return v;
    });
    expect(seen).toEqual([[v], [v]]);
  });
});

describe('using one', () => {
  const ready = <T>(initial: number[], build: (v: tl.Variable<'float32', [number]>) => T) => {
    const made = inGraph(() => {
      const v = tl.variable(initial, { name: 'v' });
      return { v, init: tl.globalVariablesInitializer(), rest: build(v) };
    });
    made.session.runSync(made.parts.init);
    return made;
  };

  test('assignments give the new value, and build as in TensorFlow', () => {
    const { graph, parts, session } = ready(
      [1, 2],
      (v) => [v.assign([3, 4]), v.assignAdd([1, 1]), v.assignSub([10, 20])] as const,
    );
    expect(nodes(graph).slice(6)).toEqual([
      'Const Const()',
      'AssignVariableOp AssignVariableOp(v, Const)',
      'ReadVariableOp ReadVariableOp(v, ^AssignVariableOp)',
      'Const Const_1()',
      'AssignAddVariableOp AssignAddVariableOp(v, Const_1)',
      'ReadVariableOp ReadVariableOp_1(v, ^AssignAddVariableOp)',
      'Const Const_2()',
      'AssignSubVariableOp AssignSubVariableOp(v, Const_2)',
      'ReadVariableOp ReadVariableOp_2(v, ^AssignSubVariableOp)',
    ]);
    const [assign, add, sub] = parts.rest;
    expect(session.runSync(assign).toArray()).toEqual([3, 4]);
    expect(session.runSync(add).toArray()).toEqual([4, 5]);
    expect(session.runSync(sub).toArray()).toEqual([-6, -15]);
    expect(session.runSync(parts.v).toArray()).toEqual([-6, -15]);
    expect(add.op.name).toBe('AssignAddVariableOp');
    expect(graph.operation('AssignVariableOp').attr('validate_shape')).toBe(true);
  });

  test('a training step by hand', () => {
    const { parts, session } = ready([1, 2], (v) => v.assign(v.subtract(tl.constant([0.5, 0.5]))));
    for (const expected of [
      [0.5, 1.5],
      [0, 1],
    ])
      expect(session.runSync(parts.rest).toArray()).toEqual(expected);
  });

  test('what comes after an assignment sees it; assignments in a row happen in a row', () => {
    const { graph, parts, session } = ready([1], (v) => {
      const added = v.assignAdd([1]);
      return {
        doubled: added.multiply(2),
        chained: v.assign([10]).assignAdd([5]),
        after: tl.controlDependencies([added], () => v.value()),
      };
    });
    expect(nodes(graph)).toContain('Const Const_2(^AssignVariableOp)');
    expect(session.runSync(parts.rest.doubled).toArray()).toEqual([4]);
    expect(session.runSync(parts.rest.chained).toArray()).toEqual([15]);
    expect(session.runSync(parts.rest.after).toArray()).toEqual([16]);
  });

  test('it has the methods of tensors: each use is a read of its own', () => {
    const { graph, parts, session } = ready([1, 2], (v) => v.multiply(2).add(v));
    expect(session.runSync(parts.rest).toArray()).toEqual([3, 6]);
    expect(graph.operations().filter(({ type }) => type === 'ReadVariableOp')).toHaveLength(3);
  });

  test('sessions keep values apart, and hand out copies', () => {
    const { graph, parts, session } = ready([1, 2], (v) => v.assignAdd([1, 1]));
    const value = session.runSync(parts.v);
    value.data[0] = 99;
    expect(session.runSync(parts.rest).toArray()).toEqual([2, 3]);
    expect(() => new tl.Session({ graph }).runSync(parts.v)).toThrow(tl.FailedPreconditionError);
  });

  test.each<[tl.DType, tl.TensorData, tl.TensorData, unknown]>([
    ['float16', [0.1], [0.2], [0.2998046875]],
    ['float32', [0.1], [0.2], [Math.fround(Math.fround(0.1) + Math.fround(0.2))]],
    ['float64', [0.1], [0.2], [0.1 + 0.2]],
    ['int32', [2147483647], [1], [-2147483648]],
    ['int64', [2n ** 62n], [2n ** 62n], [-(2n ** 63n)]],
    ['uint8', [250], [10], [4]],
    ['complex64', [{ re: 1, im: 2 }], [{ re: 3, im: 4 }], [{ re: 4, im: 6 }]],
  ])('adds in %s', (dtype, initial, delta, expected) => {
    const { parts, session } = inGraph(() => {
      const v = tl.variable(tl.constant(initial, { dtype }));
      return { v, added: v.assignAdd(delta) };
    });
    session.runSync(parts.v.initializer);
    expect(session.runSync(parts.added).toArray()).toEqual(expected);
  });

  test('rows without the rest, the shape, and whether it is there', () => {
    const { parts, session } = inGraph(() => {
      const v = tl.variable(
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
        { name: 'v' },
      );
      const i = tl.placeholder('int32', [null]);
      return { v, i, rows: v.sparseRead(i), there: v.isInitialized(), shape: one('VariableShape', [v.handle]) };
    });
    expect(session.runSync(parts.there).item()).toBe(false);
    session.runSync(parts.v.initializer);
    expect(session.runSync(parts.there).item()).toBe(true);
    expect(parts.rows.shape).toEqual([null, 2]);
    expect(parts.rows.op.name).toBe('Gather');
    expect(session.runSync(parts.rows, new Map([[parts.i, [2, 0, 2]]])).toArray()).toEqual([
      [5, 6],
      [1, 2],
      [5, 6],
    ]);
    expect(session.runSync(parts.shape).toArray()).toEqual([3, 2]);
    expect(() => session.runSync(parts.rows, new Map([[parts.i, [0, 3]]]))).toThrow(
      /indices\[1\] = 3 is not in \[0, 3\)/,
    );
  });

  test('an unknown shape: it may change, and is checked only as far as it is declared', () => {
    const { parts, session } = inGraph(() => {
      const x = tl.placeholder('float32', [null, 2]);
      const v = tl.variable(x, { name: 'v' });
      return { x, v, again: v.assign(x), added: v.assignAdd(x) };
    });
    session.runSync(parts.v.initializer, new Map([[parts.x, [[1, 2]]]]));
    expect(
      session.runSync(
        parts.again,
        new Map([
          [
            parts.x,
            [
              [1, 2],
              [3, 4],
            ],
          ],
        ]),
      ).shape,
    ).toEqual([2, 2]);
    expect(() => session.runSync(parts.added, new Map([[parts.x, [[1, 2]]]]))).toThrow(
      /cannot update variable v of shape \[2, 2\] using a tensor of shape \[1, 2\]/,
    );
  });
});

describe('errors', () => {
  test.each<[string, (v: tl.Variable) => unknown, typeof tl.ShapeError | typeof tl.DTypeError, RegExp]>([
    [
      'another shape',
      (v) => v.assign([1, 2, 3]),
      tl.ShapeError,
      /cannot assign 'Const:0' \(Const, float32\[3\]\) to the variable 'v:0': its shape is \[2\]/,
    ],
    ['a shape that would broadcast', (v) => v.assignAdd(1), tl.ShapeError, /its shape is \[2\]/],
    ['another dtype', (v) => v.assign(tl.constant([1, 2], { dtype: 'int32' })), tl.DTypeError, /not of dtype float32/],
    [
      'another dtype, raw',
      (v) => call('AssignVariableOp', [v.handle, tl.constant([1, 2], { dtype: 'int32' })]),
      tl.DTypeError,
      /holds float32, not int32/,
    ],
    [
      'a read of another dtype',
      (v) => one('ReadVariableOp', [v.handle], { dtype: 'float64' }),
      tl.DTypeError,
      /holds float32, not float64/,
    ],
  ])('%s', (_, build, Kind, message) => {
    const { graph, parts: v } = inGraph(() => tl.variable([1, 2], { name: 'v' }));
    expect(() => graph.asDefault(() => build(v))).toThrow(Kind);
    expect(() => graph.asDefault(() => build(v))).toThrow(message);
  });

  test('bools do not add up, scalars have no rows', () => {
    const { graph, parts } = inGraph(() => ({ b: tl.variable([true]), s: tl.variable(1) }));
    expect(() => graph.asDefault(() => parts.b.assignAdd([true]))).toThrow(
      /variables of dtype bool have no arithmetic/,
    );
    expect(() => graph.asDefault(() => parts.s.sparseRead([0]))).toThrow(/a scalar variable has no rows/);
  });

  test('reading before initializing names the variable and says what to do', () => {
    const { parts, session } = inGraph(() => {
      const v = tl.variable([1, 2], { name: 'w' });
      return { v, added: v.assignAdd([1, 1]) };
    });
    for (const fetch of [parts.v, parts.added]) {
      expect(() => session.runSync(fetch)).toThrow(tl.FailedPreconditionError);
      expect(() => session.runSync(fetch)).toThrow(/variable w: .*[Rr]un the initializer first/);
    }
  });
});

test.each(['wasm', 'interpret'])('how TensorFlow is to keep a value changes nothing: %s', (backend) => {
  const { graph, parts } = inGraph(() => {
    const v = tl.variable([1, 2], { name: 'v' });
    const op = call('DisableCopyOnRead', [v.handle]);
    return { v, op, read: tl.controlDependencies([op], () => v.value()) };
  });
  const session = new tl.Session({ graph, backend });
  expect(() => session.runSync(parts.op)).toThrow(tl.FailedPreconditionError);
  session.runSync(parts.v.initializer);
  expect(session.runSync(parts.op)).toBeNull();
  expect(session.runSync(parts.read).toArray()).toEqual([1, 2]);
  const [dv] = tl.gradients(parts.read.multiply(3), parts.v);
  expect(session.runSync(dv as tl.Tensor).toArray()).toEqual([3, 3]);
});
