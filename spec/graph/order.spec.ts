import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { alg, Graph as StructureGraph } from 'graphlib';
import type { NodeDef } from '../../src/graph/attr.js';
import { Graph } from '../../src/graph/graph.js';
import { ancestors, inputNodeName, orderNodes, topologicalOrder } from '../../src/graph/order.js';
import { controlDependencies } from '../../src/graph/scopes.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { constant, identity } from '../../src/ops/definitions/constant.js';
import { add } from '../../src/ops/definitions/math-arithmetic.js';

const node = (name: string, ...input: string[]): NodeDef => ({ name, op: 'Any', input, device: '', attr: {} });

describe('ancestors', () => {
  const g = new Graph();
  const [a, b, c, d] = g.asDefault(() => {
    const first = constant(1, { name: 'a' });
    const second = constant(2, { name: 'b' });
    const sum = controlDependencies([second], () => identity(first, { name: 'c' }));
    return [first, second, sum, add(sum, sum, { name: 'd' })];
  }) as [Tensor, Tensor, Tensor, Tensor];
  const found = (...args: Parameters<typeof ancestors>) => ancestors(...args).map((op) => op.name);

  test('follows data and control inputs, oldest first', () => {
    expect(found([d.op])).toEqual(['a', 'b', 'c', 'd']);
    expect(found([b.op, a.op, b.op])).toEqual(['a', 'b']);
    expect(found([])).toEqual([]);
  });

  test('or only one kind of them', () => {
    expect(found([d.op], { control: false })).toEqual(['a', 'c', 'd']);
    expect(found([c.op], { data: false })).toEqual(['b', 'c']);
  });

  test('stops where it is told to', () => {
    expect(found([d.op], { stopAt: new Set([c.op]) })).toEqual(['c', 'd']);
    expect(found([d.op, a.op], { stopAt: new Set([d.op]) })).toEqual(['a', 'd']);
  });

  test('refuses operations of two graphs', () => {
    const other = new Graph().asDefault(() => constant(1));
    expect(() => ancestors([a.op, other.op])).toThrow('belongs to another graph');
  });

  test('has no depth at which it fails', () => {
    const deep = new Graph();
    const last = deep.asDefault(() => {
      let x: Tensor = constant(1);
      for (let i = 0; i < 50_000; i++) x = identity(x);
      return x;
    });
    expect(ancestors([last.op])).toHaveLength(50_001);
  });
});

describe('topologicalOrder', () => {
  test('leaves an ordered list alone', () => {
    expect([...topologicalOrder(4, (i) => [[], [], [0], [2, 2, 1]][i]!)]).toEqual([0, 1, 2, 3]);
    expect([...topologicalOrder(0, () => [])]).toEqual([]);
  });

  test('puts inputs first, agreeing with graphlib', () => {
    const edges = fc.array(fc.tuple(fc.nat(29), fc.nat(29)), { maxLength: 80 });
    fc.assert(
      fc.property(edges, fc.shuffledSubarray([...Array(30).keys()], { minLength: 30 }), (pairs, place) => {
        // Edges from lower to higher numbers make no circle; places are shuffled.
        const inputs: number[][] = Array.from({ length: 30 }, () => []);
        const oracle = new StructureGraph();
        place.forEach((p) => oracle.setNode(`n${p}`));
        for (const [x, y] of pairs) {
          if (x === y) continue;
          const [from, to] = [place[Math.min(x, y)]!, place[Math.max(x, y)]!];
          inputs[to]!.push(from);
          oracle.setEdge(`n${from}`, `n${to}`);
        }
        expect(alg.isAcyclic(oracle)).toBe(true);
        const order = [...topologicalOrder(30, (i) => inputs[i]!)];
        const position = new Map(order.map((index, at) => [index, at]));
        expect(position.size).toBe(30);
        inputs.forEach((list, i) =>
          list.forEach((input) => expect(position.get(input)!).toBeLessThan(position.get(i)!)),
        );
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  test('names a circle', () => {
    expect(() => topologicalOrder(4, (i) => [[3], [0], [1], [2]][i]!)).toThrow('circle: 1 → 2 → 3 → 0 → 1');
    expect(() => topologicalOrder(3, (i) => [[], [1], [1]][i]!)).toThrow('circle: 1 → 1');
    expect(() => topologicalOrder(100, (i) => [(i + 1) % 100])).toThrow('…');
  });

  test('orders a long reversed chain in no time', () => {
    const count = 300_000;
    const order = topologicalOrder(count, (i) => (i + 1 < count ? [i + 1] : []));
    expect([order[0], order[count - 1]]).toEqual([count - 1, 0]);
  });
});

describe('orderNodes', () => {
  test('understands data, numbered and control inputs, and takes missing ones as given', () => {
    const nodes = [node('d', 'c:1', '^b', 'elsewhere'), node('c', 'a', 'a:2'), node('b'), node('a')];
    expect(orderNodes(nodes).map((n) => n.name)).toEqual(['b', 'a', 'c', 'd']);
    expect(['x', 'x:1', '^x', 's/x:12'].map(inputNodeName)).toEqual(['x', 'x', 'x', 's/x']);
  });

  test('refuses circles and equal names', () => {
    expect(() => orderNodes([node('a', '^b'), node('b', 'a:1')])).toThrow("circle: 'b' → 'a' → 'b'");
    expect(() => orderNodes([node('a'), node('a')])).toThrow("Two nodes are called 'a'");
  });
});
