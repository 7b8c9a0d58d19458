/** TensorFlow's TupleTest, GroupTestCase and WithDependenciesTestCase: operations that happen together. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose, inGraph } from './support/build.js';

/** `tensor`, after the operations: TensorFlow's internal `with_dependencies`. */
const withDependencies = (dependencies: readonly (tl.Operation | tl.Tensor)[], tensor: tl.Tensor) =>
  tl.controlDependencies(dependencies, () => tl.identity(tensor));

describe('tuple', () => {
  test.each([true, false])('TupleTest.testTensors, the first one: %s', (first) => {
    inGraph((graph) => {
      const added = (initial: number, more: number) => {
        const v = tl.variable([initial]);
        return [v, tl.controlDependencies([v.initializer], () => v.value()).add(more)] as const;
      };
      const [[v1, add1], [v2, add2]] = [added(1, 2), added(10, 20)];
      const [t1, none, t2] = tl.tuple([add1, null, add2]);
      expect(none).toBeNull();
      const session = new tl.Session({ graph });
      for (const v of [v1, v2]) expect(() => session.runSync(v)).toThrow(tl.FailedPreconditionError);
      // Asking for one of them initialises the other's variable.
      expect(session.runSync(first ? t1 : t2).toArray()).toEqual([first ? 3 : 30]);
      expect(session.runSync(first ? v2 : v1).toArray()).toEqual([first ? 10 : 1]);
    });
  });

  test.each([true, false])('TupleTest.testIndexedSlices, the first one: %s', (first) => {
    inGraph((graph) => {
      const rows = (plus: number) => [[0, 1], [10, 11], [20, 21]].map((row) => row.map((x) => x + plus)); // prettier-ignore
      const sparse = (initial: number[][]) => {
        const v = tl.variable(initial);
        const values = tl.controlDependencies([v.initializer], () => v.value());
        return [v, new tl.IndexedSlices(values, tl.constant([1], { dtype: 'int32' }))] as const;
      };
      const [[v1, s1], [v2, s2]] = [sparse(rows(0)), sparse(rows(0.1))];
      const [g1, g2] = tl.tuple([s1, s2]).map(({ values, indices }) => tl.gather(values, indices));
      const session = new tl.Session({ graph });
      for (const v of [v1, v2]) expect(() => session.runSync(v)).toThrow(tl.FailedPreconditionError);
      expectClose(session.runSync(first ? g1! : g2!).toArray(), [first ? [10, 11] : [10.1, 11.1]]);
      expectClose(session.runSync(first ? v2 : v1).toArray(), rows(first ? 0.1 : 0));
    });
  });

  test('TupleTest.testAcceptTensorsAsControlInputs', () => {
    inGraph((graph) => {
      const v = tl.variable(0);
      const [t] = tl.tuple([tl.constant(0)], { controlInputs: [v.assign(tl.constant(1))] });
      const session = new tl.Session({ graph });
      session.runSync(v.initializer);
      session.runSync(t);
      expect(session.runSync(v).item()).toBe(1);
    });
  });
});

describe('group', () => {
  const zero = (name: string) => tl.constant(0, { name, dtype: 'int32' }).op;
  /** Name, type, inputs and device of every node. */
  const nodes = (build: () => void) =>
    inGraph((graph) => {
      build();
      return graph.operations().map(({ def }) => [def.name, def.op, def.input.join(' '), def.device].join(' | '));
    });

  test('GroupTestCase.testGroup_NoDevices', () => {
    const found = nodes(() => void tl.group(...['a', 'b', 'c'].map(zero), { name: 'root' }));
    expect(found).toEqual(['a | Const |  | ', 'b | Const |  | ', 'c | Const |  | ', 'root | NoOp | ^a ^b ^c | ']);
  });

  test('GroupTestCase.testGroup_OneDevice', () => {
    const found = nodes(() => {
      const ops = tl.device('/task:0', () => ['a', 'b'].map(zero));
      tl.group(...ops, { name: 'root' });
    });
    expect(found).toEqual(['a | Const |  | /task:0', 'b | Const |  | /task:0', 'root | NoOp | ^a ^b | /task:0']);
  });

  test('GroupTestCase.testGroup_MultiDevice', () => {
    const found = nodes(() => {
      const ops = [
        ...tl.device('/task:0', () => ['a', 'b'].map(zero)),
        ...tl.device('/task:1', () => ['c', 'd'].map(zero)),
      ];
      tl.device('/task:2', () => tl.group(...ops, { name: 'root' }));
    });
    expect(found.slice(4)).toEqual([
      'root/NoOp | NoOp | ^a ^b | /task:0',
      'root/NoOp_1 | NoOp | ^c ^d | /task:1',
      'root | NoOp | ^root/NoOp ^root/NoOp_1 | /task:2',
    ]);
  });

  test('GroupTestCase.testPassingList', () => {
    const found = nodes(() => void tl.group(['a', 'b'].map(zero), { name: 'root' }));
    expect(found.at(-1)).toBe('root | NoOp | ^a ^b | ');
  });

  test('GroupTestCase.testPassingNonTensors', () => {
    inGraph((graph) => {
      const { state } = graph;
      expect(() => tl.group(1 as never, 2 as never)).toThrow(tl.TapelessError);
      expect(graph.state).toBe(state);
    });
  });
});

describe('controlDependencies around an identity', () => {
  const counted = (dependenciesOf: (increment: tl.Operation, constant: tl.Tensor) => (tl.Operation | tl.Tensor)[]) =>
    inGraph((graph) => {
      const counter = tl.variable(0, { name: 'my_counter' });
      const increment = counter.assignAdd(1);
      const op = increment instanceof tl.Operation ? increment : (increment as { op: tl.Operation }).op;
      const seven = withDependencies(dependenciesOf(op, tl.constant(42)), tl.constant(7));
      const session = new tl.Session({ graph });
      session.runSync(counter.initializer);
      return [counter, seven, counter].map((fetch) => session.runSync(fetch as tl.Tensor).item());
    });

  test('WithDependenciesTestCase.testTupleDependencies', () => {
    expect(counted((increment, constant) => [increment, constant])).toEqual([0, 7, 1]);
  });

  test('WithDependenciesTestCase.testListDependencies', () => {
    expect(counted((increment, constant) => [constant, increment])).toEqual([0, 7, 1]);
  });
});
