/** What building in function bodies costs and leaves behind: effects keep their order, and failures take back all they did. */
import { describe, expect, test } from '@jest/globals';
import {
  add,
  cond,
  constant,
  controlDependencies,
  getDefaultGraph,
  Graph,
  gradients,
  less,
  multiply,
  tanh,
  variable,
  whileLoop,
  type Operation,
  type Tensor,
} from '../../src/index.js';

const inGraph = (fn: () => void) => () => new Graph().asDefault(fn);

/** Runs `build` in a body of its own. */
function inBody(build: () => void): void {
  cond(
    constant(true),
    () => {
      build();
      return 1;
    },
    () => 0,
  );
}

const failing = (build: () => void): void => {
  expect(() =>
    getDefaultGraph().transact(() => {
      build();
      throw new Error('no');
    }),
  ).toThrow('no');
};

const names = (ops: readonly Operation[]): string[] => ops.map(({ name }) => name);

describe('effects in a body', () => {
  test(
    'reads wait for the last write, writes for that and all reads since, and other variables for neither',
    inGraph(() => {
      const [v, w] = [variable(1, { name: 'v' }), variable(1, { name: 'w' })];
      inBody(() => {
        const first = v.value().op;
        const second = v.value().op;
        const write = v.assign(2).op;
        const other = w.value().op;
        const third = v.value().op;
        const last = v.assignAdd(1).op;
        expect(names(first.controlInputs)).toEqual([]);
        expect(names(second.controlInputs)).toEqual([]);
        expect(names(other.controlInputs)).toEqual([]);
        const assign = third.controlInputs;
        expect(assign).toHaveLength(1);
        expect(new Set(assign[0]!.controlInputs)).toEqual(new Set([first, second]));
        expect(assign[0]).toBe(write);
        const update = last.graph.operations().find((op) => op.type === 'AssignAddVariableOp')!;
        // An assignment is followed by a read, of what it gives.
        expect(names(update.controlInputs)).toEqual([third.name, 'ReadVariableOp_2', write.name]);
        expect(other.name).toBe('ReadVariableOp_3');
      });
    }),
  );

  test(
    'nothing waits for what was taken back',
    inGraph(() => {
      const v = variable(1, { name: 'v' });
      inBody(() => {
        const write = v.assign(2).op;
        failing(() => v.assign(3));
        const [only, ...others] = v.value().op.controlInputs;
        expect(others).toEqual([]);
        expect(only).toBe(write);
      });
    }),
  );
});

test(
  'a body does not wait for operations outside that only a part taken back waited for',
  inGraph(() => {
    const [kept, lost] = [constant(1, { name: 'kept' }), constant(2, { name: 'lost' })];
    inBody(() => {
      controlDependencies([kept], () => constant(3));
      failing(() => controlDependencies([lost], () => constant(4)));
    });
    const call = getDefaultGraph()
      .operations()
      .find(({ type }) => type.endsWith('If'))!;
    expect(names(call.controlInputs)).toEqual(['kept']);
  }),
);

test(
  'arguments captured or put into order by a part taken back are gone',
  inGraph(() => {
    const [a, b] = [constant(1, { name: 'a' }), constant(2, { name: 'b' })];
    inBody(() => {
      const x = tanh(a);
      failing(() => multiply(x, b));
      add(x, constant(1));
    });
    const call = getDefaultGraph()
      .operations()
      .find(({ type }) => type.endsWith('If'))!;
    expect(names(call.inputs.slice(1).map(({ op }) => op))).toEqual(['a']);
  }),
);

describe('bodies of many operations take linear time', () => {
  const chain = (x: Tensor, n: number): Tensor => {
    let y = x;
    for (let i = 0; i < n; i++) y = tanh(y);
    return y;
  };

  test(
    'in a branch, with what the gradient needs',
    inGraph(() => {
      const x = constant(1);
      const y = cond(
        constant(true),
        () => chain(x, 15_000),
        () => x,
      );
      expect(gradients(y, x)[0]).not.toBeNull();
    }),
  );

  test(
    'in a loop, with the lists that the gradient needs',
    inGraph(() => {
      const x = constant(1);
      const [, y] = whileLoop((i) => less(i, 2), (i, z) => [add(i, 1), chain(z, 8_000)], [constant(0), x]); // prettier-ignore
      expect(gradients(y, x)[0]).not.toBeNull();
    }),
  );

  test(
    'with a read of a variable for every other one',
    inGraph(() => {
      const [x, v] = [constant(1), variable(1)];
      const build = (): Tensor => {
        let y: Tensor = x;
        for (let i = 0; i < 10_000; i++) y = add(y, v.value());
        return y;
      };
      cond(constant(true), build, () => x);
    }),
  );
});
