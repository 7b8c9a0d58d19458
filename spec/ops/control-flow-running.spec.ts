/** Conditionals, loops and functions: effects, running, and functions of the library. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

const int = (value: number) => tl.constant(value, { dtype: 'int32' });

function inGraph<T>(build: (graph: tl.Graph) => T): T {
  const graph = new tl.Graph();
  return graph.asDefault(() => build(graph));
}

function valuesOf(build: () => readonly (tl.Tensor | tl.IndexedSlices | null)[], feeds: tl.Feeds = {}): unknown[] {
  return inGraph((graph) => {
    const dense = build().map((tensor) => tensor && tl.convertToTensor(tensor));
    const init = tl.globalVariablesInitializer();
    const session = new tl.Session({ graph });
    session.runSync(init);
    return dense.map((tensor) => tensor && session.runSync(tensor, feeds).toArray());
  });
}

describe('effects', () => {
  test('assignments in a branch happen only if it runs, in the order they are written', () => {
    inGraph((graph) => {
      const v = tl.variable(1);
      const p = tl.placeholder('bool', [], { name: 'p' });
      const y = tl.cond(
        p,
        () => {
          v.assignAdd(1);
          v.assign(v.multiply(10));
          return v.value();
        },
        () => v.value(),
      );
      const session = new tl.Session({ graph });
      session.runSync(v.initializer);
      expect(session.runSync(y, { p: false }).item()).toBe(1);
      expect(session.runSync(y, { p: true }).item()).toBe(20);
      expect(session.runSync(y, { p: true }).item()).toBe(210);
    });
  });

  test('assignments in a loop happen in every iteration', () => {
    inGraph((graph) => {
      const v = tl.variable(0);
      const loop = tl.whileLoop(
        (i) => i.less(4),
        (i) => {
          v.assignAdd(2);
          return [i.add(1)];
        },
        [int(0)],
      );
      const session = new tl.Session({ graph });
      session.runSync(v.initializer);
      session.runSync(loop[0]);
      expect(session.runSync(v).item()).toBe(8);
    });
  });

  test('a variable made in a branch belongs to the program', () => {
    inGraph((graph) => {
      const y = tl.cond(
        tl.constant(true),
        () => tl.variable(3, { name: 'inside' }).multiply(2),
        () => tl.constant(0),
      );
      expect(tl.trainableVariables().map((v) => v.name)).toEqual(['cond/inside:0']);
      const session = new tl.Session({ graph });
      session.runSync(tl.globalVariablesInitializer());
      expect(session.runSync(y).item()).toBe(6);
    });
  });
});

describe('running', () => {
  test('loop variables that nothing needs are not computed', () => {
    inGraph((graph) => {
      const x = tl.placeholder('float32', [], { name: 'x' });
      // The second variable would fail from the second iteration on.
      const [y] = tl.whileLoop(
        (a) => a.less(50),
        (a, b) => [a.multiply(2), tl.gather(b, a.cast('int32')).reshape([1]).add([0, 0])],
        [x, tl.constant([1, 2, 3, 4, 5])],
        { shapeInvariants: [[], [null]], backProp: false },
      );
      expect(new tl.Session({ graph }).runSync(y, { x: 7 }).item()).toBe(56);
    });
  });

  test('a long loop keeps nothing of its iterations unless a gradient asks', () => {
    inGraph((graph) => {
      const x = tl.constant(1);
      const [, y] = tl.whileLoop(
        (i) => i.less(20_000),
        (i, a) => [i.add(1), a.multiply(1)],
        [int(0), x],
      );
      const [dx] = tl.gradients(y, x);
      const session = new tl.Session({ graph });
      expect(session.runSync(y).item()).toBe(1);
      expect(session.runSync(dx as tl.Tensor).item()).toBe(1);
    });
  });

  test('maximumIterations', () => {
    const loop = (limit: number) => () => {
      const x = tl.constant(3);
      const [y] = tl.whileLoop(
        () => tl.constant(true),
        (a) => [a.multiply(2)],
        [x],
        { maximumIterations: limit },
      );
      return [y, ...tl.gradients(y, x)];
    };
    expect(valuesOf(loop(4))).toEqual([48, 16]);
    expect(valuesOf(loop(0))).toEqual([3, 1]);
  });

  test('an endless loop ends at its deadline', () => {
    inGraph((graph) => {
      const [y] = tl.whileLoop(
        () => tl.constant(true),
        (a) => [a.add(1)],
        [tl.constant(0)],
      );
      expect(() => new tl.Session({ graph }).runSync(y, {}, { timeoutMs: 30 })).toThrow(tl.DeadlineExceededError);
    });
  });

  test('an error inside a body says where its operation was created', () => {
    inGraph((graph) => {
      const i = tl.placeholder('int32', [], { name: 'i' });
      const y = tl.cond(
        tl.constant(true),
        () => tl.gather(tl.constant([1, 2]), i),
        () => tl.constant(0),
      );
      expect(() => new tl.Session({ graph }).runSync(y, { i: 5 })).toThrow(
        /GatherV2 created at .*control-flow-running\.spec\.ts/,
      );
    });
  });
});

describe('functions', () => {
  test('are traced once for each kind of argument', () => {
    inGraph((graph) => {
      let calls = 0;
      const square = tl.function((x: tl.Tensor) => {
        calls++;
        return x.multiply(x);
      });
      const [a, b, c] = [square(tl.constant(3)), square(tl.constant(4)), square(tl.constant([1, 2]))];
      expect(calls).toBe(2);
      expect(graph.functions().length).toBe(2);
      const session = new tl.Session({ graph });
      expect(session.runSync([a, b, c]).map((v) => v.toArray())).toEqual([9, 16, [1, 4]]);
    });
  });

  test('calls share a body, and so do their gradients compute alike', () => {
    const build = () => {
      const w = tl.variable([2]);
      const f = tl.function((x: tl.Tensor) => ({ y: x.multiply(w).multiply(x) }));
      const x = tl.constant([3]);
      const { y } = f(f(x).y);
      return [y, ...tl.gradients(y, [x, w])];
    };
    // y = w (w x²)² = w³ x⁴
    expect(valuesOf(build)).toEqual([[648], [8 * 4 * 27], [3 * 4 * 81]]);
  });
});
