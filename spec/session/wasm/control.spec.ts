/** Loops, choices and calls in compiled plans: part of the module, and they compute what the interpreter does. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { fusedProgram } from '../../../src/session/backends/wasm/pipeline.js';
import { showProgram } from '../../../src/session/backends/wasm/show.js';
import { compile } from '../../../src/session/pipeline.js';
import { parseFeeds } from '../../../src/session/feeds.js';
import { disagreement } from '../../ops/support/agreement.js';

type Some = tl.Tensor;
const int = (x: number): Some => tl.constant(x, { dtype: 'int32' });
const double = (x: number | readonly number[]): Some => tl.constant(x as number, { dtype: 'float64' });
const placeholder = (shape: readonly number[], dtype: tl.DType = 'float64'): Some =>
  tl.placeholder(dtype, shape as never, { name: 'x' });
/** A loop over a counter and others, for `n` iterations. */
const counted = (
  n: number,
  body: (i: Some, ...vars: Some[]) => readonly Some[],
  vars: readonly Some[],
  options: tl.WhileLoopOptions = {},
): readonly Some[] =>
  (
    tl.whileLoop(
      ((i: Some) => tl.less(i, n)) as never,
      ((i: Some, ...rest: Some[]) => [i.add(1), ...body(i, ...rest)]) as never,
      [int(0), ...vars] as never,
      options,
    ) as readonly Some[]
  ).slice(1);

function steps(fetches: readonly Some[], feeds: tl.Feeds): string {
  const { graph } = fetches[0]!;
  const fed = [...parseFeeds(graph, feeds)].map(([tensor, { shape }]) => ({ tensor, shape }));
  const request = { graph, fetches, targets: [], feeds: fed };
  return showProgram(fusedProgram(compile(request), request));
}

const newton = (x: Some): readonly Some[] => counted(100, (_, y) => [y.add(x.divide(y)).multiply(0.5)], [x]);

describe('steps', () => {
  test('a loop', () => {
    const y = new tl.Graph().asDefault(() => newton(placeholder([])));
    expect(steps(y, { x: 2 })).toBe(
      [
        'while:2 int32[] := {Const:0}',
        'while:3 float64[] := x:0',
        'loop while',
        '  Less:0 bool[] = kernel[]',
        '  while Less:0',
        '  Add:0 int32[] = kernel[]',
        '  Mul:0 float64[] = kernel[]  ; truediv:0, Add_1:0',
        '  while:2 int32[] := Add:0',
        '  while:3 float64[] := Mul:0',
        'again',
      ].join('\n'),
    );
  });

  test('a choice: what both branches use is computed once, before it', () => {
    const y = new tl.Graph().asDefault(() => {
      const x = placeholder([2]);
      const s = tl.sin(x);
      return [tl.cond(tl.reduceSum(x).greater(1), () => s.multiply(2), () => s.negative())]; // prettier-ignore
    });
    expect(steps(y, { x: [1, 2] })).toBe(
      [
        'Sin:0 float64[2] = kernel[2]',
        'Greater:0 bool[] = kernel[]  ; Sum:0',
        'if Greater:0',
        '  Mul:0 float64[2] = kernel[2]',
        '  cond:0 float64[2] := Mul:0',
        'else',
        '  Neg:0 float64[2] = kernel[2]',
        '  cond:0 float64[2] := Neg:0',
        'end',
      ].join('\n'),
    );
  });

  test('a call is what it calls', () => {
    const y = new tl.Graph().asDefault(() => {
      const f = tl.function((x: Some) => tl.exp(x).add(1));
      return [f(placeholder([3])).multiply(2)];
    });
    expect(steps(y, { x: [1, 2, 3] })).toBe('Mul:0 float64[3] = kernel[3]  ; Exp:0, Add:0');
  });
});

/** What there is no compiled code for stays on the host. */
const programs: Readonly<Record<string, () => readonly Some[]>> = {
  'variables that change places': () => {
    const x = placeholder([2]);
    return counted(3, (_, a, b, c) => [b, c, a.add(1)], [x, x.multiply(2), x.multiply(3)]);
  },
  'an old value that is moved there and back': () => {
    const x = placeholder([2]);
    return counted(3, (_, a) => [a.add(x), tl.reverse(tl.reverse(a, [0]), [0])], [x, x]);
  },
  'the same elements before, in and after loops and branches': () => {
    const x = placeholder([2]);
    const twice = (y: Some): Some => tl.exp(y).multiply(2);
    const [y] = counted(2, (_, h) => [twice(h).subtract(twice(x))], [x]);
    const z = tl.cond(tl.reduceSum(y!).greater(0), () => twice(y!).add(1), () => twice(y!).subtract(1)); // prettier-ignore
    return [twice(x), twice(y!), z];
  },
  'loops in loops, with choices': () => {
    const x = placeholder([2]);
    const choose = (j: Some, z: Some): Some => tl.cond(tl.equal(j, 1), () => z.multiply(2), () => z.add(tl.tanh(x))); // prettier-ignore
    const inner = (n: Some, y: Some): Some =>
      (
        tl.whileLoop(
          ((j: Some) => tl.less(j, n)) as never,
          ((j: Some, z: Some) => [j.add(1), choose(j, z)]) as never,
          [int(0), y] as never,
          { backProp: false },
        ) as readonly Some[]
      )[1]!;
    return counted(5, (i, y) => [inner(i, y)], [x], { backProp: false });
  },
  'a loop that does not run': () => counted(0, (_, y) => [tl.exp(y)], [placeholder([2])]),
  'choices of several, also out of range': () => {
    const x = placeholder([2]);
    const at = tl.cast(tl.reduceSum(x), 'int32');
    const branches: readonly (() => Some)[] = [() => x.multiply(2), () => tl.exp(x), () => tl.reverse(x, [0])];
    return [0, -3, -2, -1, 4].map((i) => tl.switchCase(at.add(i), branches));
  },
  'gradients of a choice': () => {
    const x = placeholder([2]);
    const branch = (y: Some, t: Some) => tl.cond(t, () => tl.sin(y).multiply(y), () => tl.exp(y)); // prettier-ignore
    const y = branch(branch(x, tl.reduceSum(x).greater(2)), tl.reduceSum(x).less(2));
    return [y, ...(tl.gradients(y, x) as Some[])];
  },
  'steps that the host runs, in a loop': () => {
    const x = placeholder([2]);
    return counted(3, (_, y) => [y.add(tl.reduceSum(tl.unique(y).y)), tl.unique(x).y.reshape([2])], [x, x]);
  },
  'products in a loop': () => {
    const x = tl.reshape(placeholder([2]), [1, 2]);
    const w = double([0.1, 0.2, 0.3, 0.4]).reshape([2, 2]);
    return counted(4, (_, h) => [tl.tanh(tl.matmul(h, w)).add(x)], [x]);
  },
  'gradients of a loop, counted by its condition': () => {
    const x = placeholder([2]);
    const [y] = counted(4, (_, h) => [tl.sin(h).multiply(h)], [x]);
    return [y!, ...(tl.gradients(y!, x) as Some[])];
  },
  'gradients of a loop that ends early': () => {
    const x = placeholder([2]);
    const [y] = tl.whileLoop(
      ((h: Some) => tl.reduceSum(h).less(100)) as never,
      ((h: Some) => [tl.square(h).add(x)]) as never,
      [x] as never,
      { maximumIterations: 20 },
    ) as readonly Some[];
    return [y!, ...(tl.gradients(y!, x) as Some[])];
  },
  'gradients of a recurrent network': () => {
    const x = tl.reshape(placeholder([2]), [2, 1, 1]).multiply(double([1, 2, 3, 4]).reshape([2, 2]));
    const w = double([0.1, -0.2, 0.3, 0.4]).reshape([2, 2]);
    const [h] = counted(2, (i, before) => [tl.tanh(tl.matmul(before, w).add(tl.gather(x, i)))], [
      tl.zeros([2, 2], { dtype: 'float64' }),
    ]);
    return [h!, ...(tl.gradients(h!, [x, w]) as Some[])];
  },
  'gradients of a loop with a choice': () => {
    const x = placeholder([2]);
    const choose = (i: Some, h: Some): Some => tl.cond(tl.equal(i, 1), () => tl.exp(h), () => tl.sin(h).multiply(x)); // prettier-ignore
    const [y] = counted(3, (i, h) => [choose(i, h)], [x]);
    return [y!, ...(tl.gradients(y!, x) as Some[])];
  },
  'rows, and gradients of what is made of them': () => {
    const x = tl.reshape(placeholder([2]), [2, 1]).multiply(double([1, 2, 3]));
    const y: Some = tl.mapFn((row: Some) => tl.reduceSum(row).multiply(row), x);
    return [y, ...(tl.gradients(y, x) as Some[])];
  },
  'what adds up over rows, from both ends, and gradients of it': () => {
    const x = tl.reshape(placeholder([2]), [2, 1]).multiply(double([1, 2, 3]));
    const y: Some = tl.scan((sum: Some, row: Some) => tl.sin(sum).multiply(row), x);
    const z: Some = tl.scan((sum: Some, row: Some) => tl.sin(sum).multiply(row), x, { reverse: true });
    return [y, z, ...(tl.gradients(y.add(z), x) as Some[])];
  },
  'an index out of range in a loop': () => {
    const x = placeholder([2]);
    return counted(5, (i, y) => [y.add(tl.gather(x, i))], [double(0)], { backProp: false });
  },
  'a division by zero in a branch': () => {
    const x = tl.cast(placeholder([2]), 'int32');
    return [tl.cond(tl.reduceSum(x).greater(0), () => tl.floordiv(x, x.subtract(1)), () => x)]; // prettier-ignore
  },
};

function outcome(graph: tl.Graph, fetches: readonly Some[], backend: string): readonly tl.NDArray[] | string {
  try {
    return new tl.Session({ graph, backend }).runSync([...fetches], { x: [1, 2] });
  } catch (error) {
    return (error as Error).message;
  }
}

describe('compiled, as interpreted', () => {
  test.each(Object.keys(programs))('%s', (name) => {
    const graph = new tl.Graph();
    const fetches = graph.asDefault(programs[name]!);
    const [expected, found] = ['interpret', 'wasm'].map((backend) => outcome(graph, fetches, backend));
    if (typeof expected === 'string' || typeof found === 'string') expect(found).toBe(expected);
    else expect(found!.map((value, i) => disagreement(value, expected![i]!))).toEqual(found!.map(() => null));
    expect(steps(fetches, { x: [1, 2] })).not.toMatch(/host \w*(While|If|Case|Call)\(/);
  });
});

/** What comes of some runs, one after another, and what the variables hold then. */
function history(
  backend: string,
  build: () => { readonly run: readonly Some[]; readonly all: readonly tl.Variable[] },
) {
  const graph = new tl.Graph();
  const { run, all, init } = graph.asDefault(() => ({ ...build(), init: tl.globalVariablesInitializer() }));
  const session = new tl.Session({ graph, backend });
  session.runSync(init);
  return [1, -2, 3].map((x) => {
    let results: readonly tl.NDArray[] | string;
    try {
      results = session.runSync([...run], { x: [x, 2] });
    } catch (error) {
      results = (error as Error).message;
    }
    const values = (arrays: readonly tl.NDArray[] | string) =>
      typeof arrays === 'string' ? arrays : arrays.map((array) => array.toArray());
    return [values(results), values(session.runSync(all.map((v) => v.value())))];
  });
}

const state: Readonly<
  Record<string, () => { readonly run: readonly Some[]; readonly all: readonly tl.Variable[]; readonly onHost?: true }>
> = {
  'an assignment in a branch': () => {
    const x = placeholder([2]);
    const v = tl.variable([10, 20], { dtype: 'float64', name: 'v' });
    const before = v.value().multiply(1);
    const done = tl.cond(tl.reduceSum(x).greater(1), () => v.assignAdd(x), () => v.value().negative()); // prettier-ignore
    const after = tl.controlDependencies([done.op], () => v.value().add(0));
    return { run: [before, done, after], all: [v] };
  },
  'assignments in both branches': () => {
    const x = placeholder([2]);
    const v = tl.variable([10, 20], { dtype: 'float64', name: 'v' });
    const set = (k: number) => () => v.assign(tl.reverse(v.value(), [0]).multiply(k));
    const done = tl.cond(tl.reduceSum(x).greater(1), set(2), set(3));
    return { run: [done], all: [v] };
  },
  'assignments in a loop, of what was assigned before': () => {
    const x = placeholder([2]);
    const v = tl.variable([10, 20], { dtype: 'float64', name: 'v' });
    const w = tl.variable([1, 2], { dtype: 'float64', name: 'w' });
    const before = v.value();
    const [y] = counted(
      3,
      (_, sum) => {
        const moved = v.assign(tl.reverse(v.value(), [0]).add(x));
        return [sum.add(tl.controlDependencies([w.assignAdd(moved as never).op], () => w.value().multiply(2)))];
      },
      [x],
      { backProp: false },
    );
    return { run: [before, y!, tl.controlDependencies([y!.op], () => v.value().add(w.value()))], all: [v, w] };
  },
  'what was assigned before a failure stays': () => {
    const x = placeholder([2]);
    const v = tl.variable([0, 0], { dtype: 'float64', name: 'v' });
    const [y] = counted(
      4,
      (i, sum) => {
        const done = v.assignAdd(x);
        return [tl.controlDependencies([done.op], () => sum.add(tl.gather(x, i)))];
      },
      [double(0)],
      { backProp: false },
    );
    return { run: [y!], all: [v] };
  },
};

describe('variables', () => {
  test.each(Object.keys(state))('%s', (name) => {
    const [expected, found] = ['interpret', 'wasm'].map((backend) => history(backend, state[name]!));
    expect(found).toEqual(expected);
    const { run } = new tl.Graph().asDefault(state[name]!);
    expect(steps(run, { x: [1, 2] })).not.toMatch(/host /);
  });

  test('one that holds nothing, where a branch that is not taken reads it', () => {
    const [expected, found] = ['interpret', 'wasm'].map((backend) => {
      const graph = new tl.Graph();
      const { done, v } = graph.asDefault(() => {
        const x = placeholder([2]);
        const held = tl.variable([10, 20], { dtype: 'float64', name: 'v' });
        const set = () => held.assign(x);
        return { v: held, done: tl.cond(tl.reduceSum(x).greater(0), set, () => held.assignAdd(x)) };
      });
      const session = new tl.Session({ graph, backend });
      const attempt = (x: readonly number[]): unknown => {
        try {
          return session.runSync(done, { x }).toArray();
        } catch (error) {
          return (error as Error).name;
        }
      };
      return [[-1, 0], [1, 2], [-1, 0], [-1, 0]].map(attempt).concat([session.runSync(v.value()).toArray()]); // prettier-ignore
    });
    expect(found).toEqual(expected);
  });
});

test('a loop without end stops in time', () => {
  const graph = new tl.Graph();
  const y = graph.asDefault(() => counted(1e9, (_, sum) => [sum.add(1)], [double(0)], { backProp: false })[0]!);
  const session = new tl.Session({ graph, backend: 'wasm' });
  expect(() => session.runSync(y, {}, { timeoutMs: 30 })).toThrow(/took too long: it stopped before/);
});
