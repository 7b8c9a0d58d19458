import { describe, expect, test } from '@jest/globals';
import { applyPatches } from 'immer';
import { GraphFinalizedError, InvalidArgumentError, NotFoundError } from '../../src/graph/errors.js';
import { getDefaultGraph, Graph, resetDefaultGraph } from '../../src/graph/graph.js';
import type { Operation } from '../../src/graph/operation.js';
import { colocateWith, controlDependencies, device, gradientOverrideMap, nameScope } from '../../src/graph/scopes.js';
import { countNodes, nodesOf } from '../../src/graph/state.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { one } from '../../src/ops/call.js';
import { constant, identity, placeholder } from '../../src/ops/definitions/constant.js';
import '../../src/ops/definitions/math-arithmetic.js';

const leaf = (name?: string): Tensor => constant(1, name === undefined ? {} : { name });
const copy = (x: Tensor, name?: string): Tensor => identity(x, name === undefined ? {} : { name });
const pair = (a: Tensor, b: Tensor): Tensor => one('AddV2', [a, b]);
const names = (g: Graph): string[] => g.operations().map((op) => op.name);
const controls = (tensor: Tensor): string[] => tensor.op.controlInputs.map((op) => op.name).sort();
const groups = (tensor: Tensor): readonly string[] => tensor.op.colocationGroups();

/** Runs `fn` in a graph of its own. */
function inGraph<T>(fn: (g: Graph) => T): T {
  const g = new Graph();
  return g.asDefault(() => fn(g));
}

function capture(fn: () => unknown): Error {
  try {
    fn();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('names', () => {
  test.each<[string[], string[]]>([
    [['a', 'a', 'A'], ['a', 'a_1', 'A_2']],
    [['a', 'a', 'a_1'], ['a', 'a_1', 'a_1_1']],
    [['a_1', 'a', 'a'], ['a_1', 'a', 'a_2']],
    [['A', 'a', 'a'], ['A', 'a_1', 'a_2']],
    [['x/y', 'x', 'X/Y'], ['x/y', 'x', 'X/Y_1']],
    [['1', '0', '1'], ['1', '0', '1_1']],
    [['__proto__1', 'constructor', 'constructor'].slice(1), ['constructor', 'constructor_1']],
  ])('%j become %j', (asked, given) => {
    inGraph((g) => {
      asked.forEach(leaf);
      expect(names(g)).toEqual(given);
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
      expect(g.transact(() => 7)).toEqual({ result: 7, appended: { nodes: [], patches: [] } });
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

  test.each([false, true])('nested: inner patches are exact, also when the state was read midway (%p)', (readMidway) => {
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
  });

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
      one('AddV2', [leaf(), 2]);
      expect(g.operation('AddV2/y').createdAt).toMatch(new RegExp(`:${line}$`));
    });
  });
});

describe('device', () => {
  const placed = (...specs: (string | null)[]): string =>
    inGraph(() => specs.reduceRight<() => Tensor>((fn, spec) => () => device(spec, fn), leaf)().op.device);

  test.each<[(string | null)[], string]>([
    [['/job:ps'], '/job:ps'],
    [['cpu:0'], '/device:CPU:0'],
    [['GPU'], '/device:GPU:*'],
    [['/device:GPU:1'], '/device:GPU:1'],
    [['/job:worker/replica:2', '/task:3'], '/job:worker/replica:2/task:3'],
    [['/job:worker/task:1/device:GPU:0', '/device:CPU:0'], '/job:worker/task:1/device:CPU:0'],
    [['/device:CPU:0', '/job:ps'], '/job:ps/device:CPU:0'],
    [['/job:a', '/job:b'], '/job:b'],
    [['/job:a', null], ''],
    [['/job:a', null, '/task:1'], '/task:1'],
    [['/device:CPU:0/job:ps'], '/job:ps/device:CPU:0'],
    [[''], ''],
    [['/job:a', ''], '/job:a'],
  ])('%j gives %j', (specs, expected) => expect(placed(...specs)).toBe(expected));

  test.each(['bogus!', '/job:', '/task:x', '/device:GPU:0/bogus'])('%j is refused', (spec) => {
    expect(() => placed(spec)).toThrow(InvalidArgumentError);
  });

  test('ends with its block, also when that throws', () => {
    inGraph(() => {
      expect(() => device('/job:a', () => { throw new Error('x'); })).toThrow('x'); // prettier-ignore
      expect(leaf().op.device).toBe('');
    });
  });
});

// The cases of TensorFlow's ColocationGroupTest.
describe('colocation', () => {
  test('basic', () => {
    inGraph(() => {
      const a = leaf('a');
      const b = colocateWith(a, leaf);
      const c = leaf();
      expect([groups(a), groups(b)]).toEqual([['loc:@a'], ['loc:@a']]);
      expect([a.op.hasAttr('_class'), b.op.hasAttr('_class'), c.op.hasAttr('_class')]).toEqual([false, true, false]);
    });
  });

  test('takes the device of its operation, not of the scopes outside', () => {
    inGraph(() => {
      const [a, b] = device('/cpu:0', () => {
        const gpu = device('/device:GPU:0', () => leaf('a'));
        return [gpu, colocateWith(gpu, leaf)];
      }) as [Tensor, Tensor];
      expect(groups(b)).toEqual(['loc:@a']);
      expect([a.op.device, b.op.device]).toEqual(['/device:GPU:0', '/device:GPU:0']);
    });
  });

  test('within the scope of the same device', () => {
    inGraph(() => {
      const found = device('/cpu:0', () => {
        const inner = device('/device:GPU:0', () => {
          const a = leaf('a');
          return [a, colocateWith(a, leaf), leaf()];
        });
        return [...inner, leaf()];
      });
      expect(found.map((t) => t.op.device)).toEqual(['/device:GPU:0', '/device:GPU:0', '/device:GPU:0', '/device:CPU:0']);
      expect(found.map((t) => t.op.hasAttr('_class'))).toEqual([false, true, false, false]);
    });
  });

  test('an operation without a device hides the device scopes outside', () => {
    inGraph(() => {
      const a = leaf('a');
      expect(device('/device:GPU:0', () => colocateWith(a, leaf)).op.device).toBe('');
    });
  });

  test('a device block inside applies unless the operation has a device', () => {
    inGraph(() => {
      const [a, b] = [leaf('a'), device('cpu:1', () => leaf('b'))];
      expect(colocateWith(a, () => device('cpu:0', leaf)).op.device).toBe('/device:CPU:0');
      expect(colocateWith(b, () => device('cpu:0', leaf)).op.device).toBe('/device:CPU:1');
    });
  });

  test('nested: groups are flattened to their roots', () => {
    inGraph(() => {
      const a = leaf('a');
      const b = colocateWith(a, () => leaf('b'));
      const c = colocateWith(b, () => leaf('c'));
      expect([groups(b), groups(c)]).toEqual([['loc:@a'], ['loc:@a']]);
    });
  });

  test('several groups add up, sorted', () => {
    inGraph(() => {
      const [b, a] = [leaf('b'), leaf('a')];
      expect(groups(colocateWith(b, () => colocateWith(a, leaf)))).toEqual(['loc:@a', 'loc:@b']);
      expect(groups(colocateWith(a, () => colocateWith(a, leaf)))).toEqual(['loc:@a']);
    });
  });

  test('ignoreExisting uses the inner operation alone', () => {
    inGraph(() => {
      const [a, b] = [leaf('a'), leaf('b')];
      expect(groups(colocateWith(a, () => colocateWith(b, leaf, { ignoreExisting: true })))).toEqual(['loc:@b']);
    });
  });

  test('null resets colocation and device, and only together with ignoreExisting', () => {
    inGraph(() => {
      const a = device('cpu:0', () => leaf('a'));
      const [b, c] = colocateWith(a, () => [leaf('b'), colocateWith(null, () => leaf('c'), { ignoreExisting: true })]) as [Tensor, Tensor];
      expect([groups(b), groups(c), c.op.device]).toEqual([['loc:@a'], ['loc:@c'], '']);
      expect(() => colocateWith(null, leaf)).toThrow(InvalidArgumentError);
    });
  });

  test('null and then nested', () => {
    inGraph(() => {
      const a = leaf('a');
      const [b, c] = colocateWith(a, () =>
        colocateWith(null, () => [leaf('b'), colocateWith(leaf('d'), () => leaf('c'))], { ignoreExisting: true }),
      ) as [Tensor, Tensor];
      expect([groups(b), groups(c)]).toEqual([['loc:@b'], ['loc:@d']]);
    });
  });
});

// The cases of TensorFlow's ControlDependenciesTest.
describe('control dependencies', () => {
  test('basic: none where an input is, or follows, the control', () => {
    inGraph((g) => {
      const a = leaf('a');
      const [b, c, d, e] = controlDependencies([a], () => {
        const made = leaf('b');
        return [made, copy(a), copy(made), leaf('e')];
      }) as [Tensor, Tensor, Tensor, Tensor];
      expect([b, c, d, e].map(controls)).toEqual([['a'], [], [], ['a']]);
      expect(g.operation('b').def.input).toEqual(['^a']);
      expect(controls(leaf())).toEqual([]);
    });
  });

  test('nested blocks add up, as one block with all of them', () => {
    inGraph(() => {
      const [a, b, c] = [leaf('a'), leaf('b'), leaf('c')];
      const together = controlDependencies([a, b, c], leaf);
      const nested = controlDependencies([a], () => controlDependencies([b], () => controlDependencies([c], leaf)));
      expect([controls(together), controls(nested)]).toEqual([['a', 'b', 'c'], ['a', 'b', 'c']]);
    });
  });

  test('null clears, for its block only', () => {
    inGraph(() => {
      const [a1, a2, a3, a4] = ['a1', 'a2', 'a3', 'a4'].map(leaf) as [Tensor, Tensor, Tensor, Tensor];
      const found = controlDependencies([a1], () =>
        controlDependencies([a2], () => {
          const cleared = controlDependencies(null, () => [
            leaf(),
            controlDependencies([a3], () => controlDependencies([a4], leaf)),
          ]);
          return [...cleared, leaf()];
        }),
      );
      expect(found.map(controls)).toEqual([[], ['a3', 'a4'], ['a1', 'a2']]);
    });
  });

  test('complex', () => {
    inGraph(() => {
      const a = ['a1', 'a2', 'a3', 'a4'].map((name) => leaf(name)) as [Tensor, Tensor, Tensor, Tensor];
      const [b, c, d, e]: Tensor[][] = [[], [], [], []];
      const level = (i: number): void => {
        if (i === 4) return;
        controlDependencies([a[i]!], () => {
          b!.push(pair(a[2], a[3]));
          c!.push(pair(a[0], b![0]!));
          d!.push(pair(b![i]!, c![i]!));
          e!.push(i === 0 ? leaf() : pair(e![i - 1]!, e![i - 1]!));
          level(i + 1);
        });
      };
      level(0);
      expect(b!.map(controls)).toEqual([['a1'], ['a1', 'a2'], ['a1', 'a2'], ['a1', 'a2']]);
      expect(c!.map(controls)).toEqual([[], ['a2'], ['a2', 'a3'], ['a2', 'a3', 'a4']]);
      expect(d!.map(controls)).toEqual([[], [], [], []]);
      expect(e!.map(controls)).toEqual([['a1'], ['a2'], ['a3'], ['a4']]);
    });
  });

  test('repeated dependencies collapse', () => {
    inGraph(() => {
      const a = leaf('a');
      expect(controlDependencies([a, a.op], () => controlDependencies([a], leaf)).op.def.input).toEqual(['^a']);
    });
  });

  test('none beside a data edge', () => {
    inGraph(() => {
      const a = leaf('a');
      expect(controlDependencies([a], () => copy(a)).op.def.input).toEqual(['a']);
    });
  });

  test('an operation of another graph is refused', () => {
    const x = inGraph(() => leaf('x'));
    inGraph(() => expect(() => controlDependencies([leaf(), x], leaf)).toThrow("'x' belongs to another graph"));
  });

  test('what is no operation is refused', () => {
    expect(() => controlDependencies([null as unknown as Operation], leaf)).toThrow('cannot convert null to an operation');
  });
});

describe('gradientOverrideMap', () => {
  test('marks nodes of its types, the innermost block winning', () => {
    inGraph(() => {
      const x = leaf();
      const [a, b] = gradientOverrideMap({ Identity: 'Outer' }, () => [copy(x), gradientOverrideMap({ Identity: 'Inner' }, () => copy(x))]) as [Tensor, Tensor];
      expect([a.op.attr('_gradient_op_type'), b.op.attr('_gradient_op_type')]).toEqual(['Outer', 'Inner']);
      expect(copy(x).op.hasAttr('_gradient_op_type')).toBe(false);
      expect(() => gradientOverrideMap({ Identity: 1 as unknown as string }, leaf)).toThrow(InvalidArgumentError);
    });
  });
});
