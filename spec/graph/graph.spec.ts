import { describe, expect, test } from '@jest/globals';
import { applyPatches } from 'immer';
import { GraphFinalizedError, InvalidArgumentError, NotFoundError } from '../../src/graph/errors.js';
import { getDefaultGraph, Graph, resetDefaultGraph } from '../../src/graph/graph.js';
import { controlDependencies, nameScope } from '../../src/graph/scopes.js';
import { countNodes, nodesOf } from '../../src/graph/state.js';
import { constant, identity, placeholder } from '../../src/ops/definitions/constant.js';
import { add } from '../../src/ops/definitions/math-arithmetic.js';
import { copy, inGraph, leaf, names, pair } from './support.js';

function capture(fn: () => unknown): Error {
  try {
    fn();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
describe('names', () => {
  test.each([
    ['a a A', 'a a_1 A_2'],
    ['a a a_1', 'a a_1 a_1_1'],
    ['a_1 a a', 'a_1 a a_2'],
    ['A a a', 'A a_1 a_2'],
    ['x/y x X/Y', 'x/y x X/Y_1'],
    ['1 0 1', '1 0 1_1'],
    ['constructor valueOf constructor', 'constructor valueOf constructor_1'],
  ])('%s become %s', (asked, given) => {
    inGraph((g) => {
      for (const name of asked.split(' ')) leaf(name);
      expect(names(g)).toEqual(given.split(' '));
    });
  });

  test.each(['_a', 'a b', '', '-a', 'a:0', '^a', 'ä', 'a\n'])('%j is refused', (name) => {
    inGraph((g) => {
      expect(() => leaf(name)).toThrow(InvalidArgumentError);
      expect(g.version).toBe(0);
    });
  });

  test('a leading underscore is allowed inside a scope', () => {
    inGraph(() => expect(nameScope('s', () => leaf('_a')).op.name).toBe('s/_a'));
  });

  test('scopes are unique too, and a trailing slash re-enters one', () => {
    inGraph((g) => {
      nameScope('s', (scope) => {
        leaf('a');
        nameScope('t', () => leaf('a'));
        return nameScope(scope, () => leaf('a'));
      });
      nameScope('s', () => leaf('a'));
      nameScope('S', () => leaf('a'));
      nameScope('s/', () => leaf('b'));
      leaf('s');
      expect(names(g)).toEqual(['s/a', 's/t/a', 's/a_1', 's_1/a', 'S_2/a', 's/b', 's_3']);
    });
  });

  test('many equal names take linear time', () => {
    inGraph((g) => {
      for (let i = 0; i < 20_000; i++) leaf();
      expect(g.operations().at(-1)!.name).toBe('Const_19999');
    });
  });

  test('operations and tensors are found by name', () => {
    inGraph((g) => {
      const x = nameScope('layer', () => leaf('x'));
      expect(g.operation('layer/x')).toBe(x.op);
      expect(g.tensor('layer/x:0')).toBe(x);
      expect(() => g.operation('layer/x:0')).toThrow("'layer/x:0' names a tensor, not an operation");
      expect(() => g.tensor('layer/x')).toThrow("its first output is 'layer/x:0'");
      expect(() => g.tensor('layer/x:1')).toThrow(NotFoundError);
      expect(() => g.operation('x')).toThrow("Did you mean 'layer/x'?");
    });
  });
});

describe('state', () => {
  test('is frozen, immutable, and the same object until something is added', () => {
    inGraph((g) => {
      leaf('a');
      const first = g.state;
      expect(g.state).toBe(first);
      expect(Object.isFrozen(first) && Object.isFrozen(first.nodes[0]![0]![0]!.attr)).toBe(true);
      leaf('b');
      expect(g.state).not.toBe(first);
      expect([...nodesOf(first)].map((node) => node.name)).toEqual(['a']);
      expect([...nodesOf(g.state)].map((node) => node.name)).toEqual(['a', 'b']);
    });
  });

  test.each([1, 63, 64, 65, 4096, 4097, 9000])('%d nodes, read at every step or once, are the same', (count) => {
    const once = inGraph((g) => {
      for (let i = 0; i < count; i++) leaf(`n${i}`);
      return g.state;
    });
    const often = inGraph((g) => {
      for (let i = 0; i < count; i++) {
        leaf(`n${i}`);
        if (i % 37 === 0 || i < 200) expect(countNodes(g.state)).toBe(i + 1);
      }
      return g.state;
    });
    expect(often.nodes.map((blocks) => blocks.map((block) => block.length))).toEqual(
      once.nodes.map((blocks) => blocks.map((block) => block.length)),
    );
    expect([...nodesOf(often)].map((node) => node.name)).toEqual([...nodesOf(once)].map((node) => node.name));
  });
});

describe('transact', () => {
  test.each([0, 1, 63, 64, 100, 5000])('its patches lead exactly from before to after, from %d nodes on', (count) => {
    inGraph((g) => {
      for (let i = 0; i < count; i++) leaf();
      const before = g.state;
      const { result, appended } = g.transact(() => {
        const x = leaf('x');
        g.addToCollection('things', 'x');
        return copy(x, 'y');
      });
      expect(result.op.name).toBe('y');
      expect(appended.nodes.map((node) => node.name)).toEqual(['x', 'y']);
      expect(applyPatches(before, [...appended.patches])).toEqual(g.state);
      expect(g.collection('things')).toEqual(['x']);
      expect(countNodes(before)).toBe(count);
    });
  });

  test('an empty one changes nothing', () => {
    inGraph((g) => {
      leaf();
      const before = g.state;
      expect(g.transact(() => 7)).toMatchObject({
        result: 7,
        appended: { nodes: [], patches: [], inversePatches: [] },
      });
      expect(g.state).toBe(before);
    });
  });

  test('a failure leaves state, names, counters, scopes and collections as they were', () => {
    inGraph((g) => {
      const x = placeholder('float32', null, { name: 'x' });
      leaf('a');
      leaf('a');
      const before = g.state;
      const scope = g.scope;
      const fail = () =>
        g.transact(() =>
          nameScope('s', () =>
            controlDependencies([x], () => {
              for (let i = 0; i < 200; i++) leaf('a');
              g.addToCollection('things', 'a');
              g.refineShape(x, [2]);
              void g.state; // seals in the middle
              leaf('b');
              throw new Error('no');
            }),
          ),
        );
      expect(fail).toThrow('no');
      expect(g.state).toBe(before);
      expect(g.version).toBe(3);
      expect(g.scope).toBe(scope);
      expect(x.shape).toBeNull();
      expect(g.collection('things')).toEqual([]);
      expect(() => g.operation('s/a')).toThrow(NotFoundError);
      expect([leaf('a').op.name, nameScope('s', () => leaf('a')).op.name]).toEqual(['a_2', 's/a']);
      expect(leaf('z').op.controlInputs).toEqual([]);
    });
  });

  test('nested: the inner failure takes back the inner part only', () => {
    inGraph((g) => {
      const before = g.state;
      const { appended } = g.transact(() => {
        leaf('a');
        expect(() =>
          g.transact(() => {
            leaf('a');
            throw new Error('inner');
          }),
        ).toThrow('inner');
        leaf('a');
      });
      expect(names(g)).toEqual(['a', 'a_1']);
      expect(applyPatches(before, [...appended.patches])).toEqual(g.state);
    });
  });

  test('nested: the outer failure takes back both', () => {
    inGraph((g) => {
      leaf('a');
      const before = g.state;
      const fail = () =>
        g.transact(() => {
          g.transact(() => leaf('a'));
          throw new Error('outer');
        });
      expect(fail).toThrow('outer');
      expect(g.state).toBe(before);
      expect(leaf('a').op.name).toBe('a_1');
    });
  });

  test.each([false, true])(
    'nested: inner patches are exact, also when the state was read midway (%p)',
    (readMidway) => {
      inGraph((g) => {
        for (let i = 0; i < 70; i++) leaf();
        g.transact(() => {
          leaf('outer');
          g.addToCollection('things', 'outer');
          const { appended } = g.transact(() => {
            leaf('inner');
            g.addToCollection('things', 'inner');
            if (readMidway) void g.state;
            leaf('inner');
            g.addToCollection('others', 'inner_1');
          });
          const before = inGraph((same) => {
            for (let i = 0; i < 70; i++) leaf();
            leaf('outer');
            same.addToCollection('things', 'outer');
            return same.state;
          });
          expect(appended.nodes.map((node) => node.name)).toEqual(['inner', 'inner_1']);
          const after = applyPatches(before, [...appended.patches]);
          expect(after.collections).toEqual({ things: ['outer', 'inner'], others: ['inner_1'] });
          expect([...nodesOf(after)].slice(70).map((node) => node.name)).toEqual(['outer', 'inner', 'inner_1']);
        });
      });
    },
  );

  test('a mid-transaction read of the state keeps the patches of the whole', () => {
    inGraph((g) => {
      leaf('a');
      const before = g.state;
      const { appended } = g.transact(() => {
        leaf('b');
        g.addToCollection('things', 'b');
        void g.state;
        leaf('c');
        g.addToCollection('things', 'c');
      });
      expect(appended.nodes.map((node) => node.name)).toEqual(['b', 'c']);
      expect(applyPatches(before, [...appended.patches])).toEqual(g.state);
      expect(g.collection('things')).toEqual(['b', 'c']);
    });
  });

  test('an asynchronous function is refused and leaves nothing', () => {
    inGraph((g) => {
      expect(() => g.transact(async () => Promise.resolve(leaf()))).toThrow('synchronous');
      expect(g.version).toBe(0);
    });
  });
});

describe('finalize', () => {
  test('forbids nodes and scopes, names the node, and changes nothing', () => {
    inGraph((g) => {
      leaf('a');
      g.finalize();
      const before = g.state;
      const error = capture(() => leaf('b'));
      expect(error).toBeInstanceOf(GraphFinalizedError);
      expect(error.message).toContain("'b'");
      expect(() => nameScope('s', () => 1)).toThrow(GraphFinalizedError);
      expect(g.state).toBe(before);
      expect(g.finalized).toBe(true);
    });
  });
});

describe('the default graph', () => {
  test('is the innermost asDefault, then a global one that can be replaced', () => {
    const global = getDefaultGraph();
    const [outer, inner] = [new Graph(), new Graph()];
    outer.asDefault(() => {
      expect(inner.asDefault(getDefaultGraph)).toBe(inner);
      expect(() => inner.asDefault(() => { throw new Error('x'); })).toThrow('x'); // prettier-ignore
      expect(getDefaultGraph()).toBe(outer);
      expect(resetDefaultGraph).toThrow(InvalidArgumentError);
    });
    expect(getDefaultGraph()).toBe(global);
    resetDefaultGraph();
    expect(getDefaultGraph()).not.toBe(global);
  });

  test('an operand decides against it', () => {
    const g = new Graph();
    const x = g.asDefault(() => leaf('x'));
    inGraph((other) => {
      expect(copy(x).graph).toBe(g);
      expect(() => pair(x, leaf())).toThrow('different graphs');
      expect(other.version).toBe(1);
    });
  });
});

describe('createdAt', () => {
  test("is the file and line of the user's own call", () => {
    inGraph(() => {
      const line = Number(/graph\.spec\.ts:(\d+)/.exec(new Error().stack!)![1]);
      const x = constant(1);
      const y = x.graph.transact(() => nameScope('s', () => identity(constant(2)))).result;
      expect(x.op.createdAt).toMatch(new RegExp(`/spec/graph/graph\\.spec\\.ts:${line + 1}$`));
      expect(y.op.createdAt).toMatch(new RegExp(`/spec/graph/graph\\.spec\\.ts:${line + 2}$`));
    });
  });

  test('is the outer call for the constants a call makes of data', () => {
    inGraph((g) => {
      const line = Number(/graph\.spec\.ts:(\d+)/.exec(new Error().stack!)![1]) + 1;
      add(leaf(), 2);
      expect(g.operation('Add/y').createdAt).toMatch(new RegExp(`:${line}$`));
    });
  });
});
