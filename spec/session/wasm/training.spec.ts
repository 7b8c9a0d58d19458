/** Variables in compiled plans: optimizers train as on the interpreter, and what is read before a change is what was there before it. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { disagreement } from '../../ops/support/agreement.js';

const { train } = tl;
type Optimizer = { minimize(loss: tl.Tensor): tl.Operation };
const optimizers: readonly (readonly [string, () => Optimizer])[] = [
  ['gradient descent', () => new train.GradientDescentOptimizer(0.1)],
  ['momentum', () => new train.MomentumOptimizer(0.1, 0.9)],
  ['Nesterov momentum', () => new train.MomentumOptimizer(0.1, 0.9, { useNesterov: true })],
  ['Adagrad', () => new train.AdagradOptimizer(0.1)],
  ['RMSProp', () => new train.RMSPropOptimizer(0.1, { momentum: 0.5 })],
  ['centered RMSProp', () => new train.RMSPropOptimizer(0.1, { momentum: 0.5, centered: true })],
  ['Adam', () => new train.AdamOptimizer(0.1)],
];

/** The variables after each of three steps. */
function trained(make: () => Optimizer, backend: string, sparse: boolean): readonly tl.NDArray[] {
  const graph = new tl.Graph();
  const parts = graph.asDefault(() => {
    const w = tl.variable([[0.5, -1, 2], [1, 0.25, -0.5]], { name: 'w', dtype: 'float64' }); // prettier-ignore
    const b = tl.variable([0.1, 0.2, 0.3], { name: 'b', dtype: 'float64' });
    const x = sparse ? tl.gather(w, [1, 0, 1]) : tl.matmul(tl.constant([[1, 2], [3, -1]], { dtype: 'float64' }), w); // prettier-ignore
    const loss = tl.reduceMean(tl.square(tl.tanh(tl.add(x, b))));
    return { step: make().minimize(loss), init: tl.globalVariablesInitializer(), all: tl.globalVariables() };
  });
  const session = new tl.Session({ graph, backend });
  session.runSync(parts.init);
  return [0, 1, 2].flatMap(() => {
    session.runSync(parts.step);
    return session.runSync([...parts.all]);
  });
}

describe.each(optimizers)('%s', (_, make) => {
  test.each([false, true])('as on the interpreter, sparse gradients: %p', (sparse) => {
    const [expected, found] = ['interpret', 'wasm'].map((backend) => trained(make, backend, sparse));
    expect(found!.map((value, i) => disagreement(value, expected![i]!))).toEqual(found!.map(() => null));
  });
});

describe.each(['interpret', 'wasm'])('contents of variables, %s', (backend) => {
  function session<T>(build: () => T): { readonly parts: T; readonly s: tl.Session } {
    const graph = new tl.Graph();
    const parts = graph.asDefault(build);
    const s = new tl.Session({ graph, backend });
    s.runSync(graph.asDefault(() => tl.globalVariablesInitializer()));
    return { parts, s };
  }

  test('a read is what was there, also where it is used after a change', () => {
    const { parts, s } = session(() => {
      const v = tl.variable([1, 2, 3], { name: 'v' });
      const before = v.value();
      const change = tl.controlDependencies([before.op], () => v.assign(tl.reverse(before, [0]).multiply(10)));
      const late = tl.controlDependencies([change as never], () => [before.add(0.5), v.value()] as const);
      return { before, late };
    });
    const { before, late } = s.runSync(parts);
    expect(before.toArray()).toEqual([1, 2, 3]);
    expect((late[0] as tl.NDArray).toArray()).toEqual([1.5, 2.5, 3.5]);
    expect((late[1] as tl.NDArray).toArray()).toEqual([30, 20, 10]);
  });

  test('two changes in a run, and one swap', () => {
    const { parts, s } = session(() => {
      const [a, b] = [tl.variable([1, 2], { name: 'a' }), tl.variable([3, 4], { name: 'b' })];
      const [x, y] = [a.value(), b.value()];
      const swap = tl.controlDependencies([x.op, y.op], () => tl.group(a.assign(y) as never, b.assign(x) as never));
      const once = a.assignAdd([1, 1]) as never;
      const twice = tl.controlDependencies([once], () => a.assignAdd([10, 10]));
      return { a, b, swap, twice: twice as never };
    });
    s.runSync(parts.swap);
    expect(s.runSync([parts.a, parts.b]).map((value) => value.toArray())).toEqual([[3, 4], [1, 2]]); // prettier-ignore
    s.runSync(parts.twice);
    expect(s.runSync(parts.a).toArray()).toEqual([14, 15]);
  });

  test('a check that fails leaves what would change after it', () => {
    const { parts, s } = session(() => {
      const v = tl.variable([1, 2], { name: 'v' });
      const i = tl.placeholder('int32', [], { name: 'i' });
      const checked = tl.gather([1, 2], i);
      const change = tl.controlDependencies([checked.op], () => v.assignAdd([5, 5]));
      return { v, change: tl.group(change, checked.op) };
    });
    expect(() => s.runSync(parts.change, { i: 9 })).toThrow(/not in \[0, 2\)/);
    expect(s.runSync(parts.v).toArray()).toEqual([1, 2]);
    s.runSync(parts.change, { i: 1 });
    expect(s.runSync(parts.v).toArray()).toEqual([6, 7]);
  });

  test('plans see what other plans have changed, and each other’s arrays never change', () => {
    const { parts, s } = session(() => {
      const v = tl.variable([1, 2], { name: 'v' });
      return { v, twice: v.value().multiply(2), step: v.assignAdd([1, 1]) as never };
    });
    const first = s.runSync(parts.v);
    for (let k = 1; k <= 3; k++) {
      s.runSync(parts.step);
      expect(s.runSync(parts.twice).toArray()).toEqual([2 * (1 + k), 2 * (2 + k)]);
    }
    expect(first.toArray()).toEqual([1, 2]);
  });

  test('in loops and branches, where the session keeps them', () => {
    const { parts, s } = session(() => {
      const v = tl.variable([1, 2], { name: 'v' });
      const [, total] = tl.whileLoop(
        (i) => i.less(3),
        (i, t) => [i.add(1), t.add(v)],
        [tl.constant(0, { dtype: 'int32' }), tl.constant([0, 0])],
      );
      return { v, total, step: v.assignAdd([1, 1]) as never };
    });
    expect(s.runSync(parts.total).toArray()).toEqual([3, 6]);
    s.runSync(parts.step);
    expect(s.runSync(parts.total).toArray()).toEqual([6, 9]);
  });
});
