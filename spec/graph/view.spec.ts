import { describe, expect, test } from '@jest/globals';
import { alg, json } from 'graphlib';
import { Graph } from '../../src/graph/graph.js';
import type { Operation } from '../../src/graph/operation.js';
import { controlDependencies, nameScope } from '../../src/graph/scopes.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { graphView, GraphView, parentScope } from '../../src/graph/view.js';
import { constant, identity } from '../../src/ops/definitions/constant.js';
import { add, multiply } from '../../src/ops/definitions/math-arithmetic.js';

const names = (ops: readonly Operation[]): string[] => ops.map((op) => op.name);

function sample(): Graph {
  const g = new Graph();
  g.asDefault(() => {
    const ten = constant(1, { name: '10' });
    const two = constant(2, { name: '2' });
    nameScope('layer', () => {
      const square = multiply(ten, ten, { name: 'square' });
      nameScope('inner', () => {
        const three = constant(3, { name: 'sum/y' });
        controlDependencies([two], () => add(square, three, { name: 'sum' }));
      });
    });
    constant(0, { name: 'alone' });
  });
  return g;
}

describe('graphView', () => {
  test('is the same object until the graph grows', () => {
    const g = sample();
    const view = graphView(g);
    expect(graphView(g)).toBe(view);
    g.asDefault(() => constant(1));
    expect(graphView(g)).not.toBe(view);
    expect(graphView(g).operations).toHaveLength(view.operations.length + 1);
  });

  test('comes back with the state after a transaction that failed', () => {
    const g = sample();
    const view = graphView(g);
    const fail = () =>
      g.transact(() => {
        g.asDefault(() => constant(1));
        expect(graphView(g).operations).toHaveLength(7);
        throw new Error('no');
      });
    expect(fail).toThrow('no');
    expect(graphView(g)).toBe(view);
  });

  test('empty graphs have empty views', () => {
    expect(graphView(new Graph()).components()).toEqual([]);
    expect(graphView(new Graph()).scopeChildren()).toEqual({ scopes: [], operations: [] });
  });

  test('knows neighbours, in order of edges and with integer-like names', () => {
    const g = sample();
    const view = graphView(g);
    const at = (name: string) => g.operation(name);
    expect(names(view.predecessors(at('layer/inner/sum')))).toEqual(['layer/square', 'layer/inner/sum/y', '2']);
    expect(names(view.successors(at('10')))).toEqual(['layer/square']);
    expect(names(view.neighbours(at('layer/square')))).toEqual(['10', 'layer/inner/sum']);
    expect(view.structure.nodes().filter((key) => key.startsWith('op:'))).toEqual(
      names(g.operations()).map((n) => `op:${n}`),
    );
  });

  test('keeps both edges where an operation takes a tensor twice', () => {
    const g = sample();
    const edges = graphView(g).edgesInto(g.operation('layer/square'));
    expect(edges.map(({ from, edge }) => [from.name, 'input' in edge && edge.input])).toEqual([['10', 0], ['10', 1]]); // prettier-ignore
    const [, , control] = graphView(g).edgesInto(g.operation('layer/inner/sum'));
    expect(control!.edge).toEqual({ control: true });
  });

  test('knows components, also of chains that recursion could not walk', () => {
    expect(graphView(sample()).components().map(names)).toEqual([
      ['10', '2', 'layer/square', 'layer/inner/sum/y', 'layer/inner/sum'],
      ['alone'],
    ]);
    const deep = new Graph();
    deep.asDefault(() => {
      let x: Tensor = constant(1);
      for (let i = 0; i < 20_000; i++) x = identity(x);
    });
    expect(
      graphView(deep)
        .components()
        .map((c) => c.length),
    ).toEqual([20_001]);
  });

  test('nests name scopes; an operation with operands below its name is among them', () => {
    const g = sample();
    const view = graphView(g);
    const children = (scope?: string) => {
      const { scopes, operations } = view.scopeChildren(scope);
      return [scopes, names(operations)];
    };
    expect(children()).toEqual([['layer'], ['10', '2', 'alone']]);
    expect(children('layer')).toEqual([['layer/inner'], ['layer/square']]);
    expect(children('layer/inner')).toEqual([['layer/inner/sum'], []]);
    expect(children('layer/inner/sum')).toEqual([[], ['layer/inner/sum/y', 'layer/inner/sum']]);
    expect(children('nowhere')).toEqual([[], []]);
    expect(view.scopeOf(g.operation('layer/square'))).toBe('layer');
    expect(view.scopeOf(g.operation('10'))).toBe('');
  });

  test("offers graphlib's algorithms and JSON", () => {
    const g = sample();
    const { structure } = graphView(g);
    expect(alg.isAcyclic(structure as never)).toBe(true);
    const written = json.write(structure as never) as { nodes: unknown[]; edges: unknown[] };
    expect([written.nodes.length, written.edges.length]).toEqual([9, 5]);
  });

  test('of some operations leaves out what comes from elsewhere', () => {
    const g = sample();
    const view = new GraphView([g.operation('layer/square'), g.operation('layer/inner/sum')]);
    expect(names(view.predecessors(g.operation('layer/inner/sum')))).toEqual(['layer/square']);
    expect(names(view.predecessors(g.operation('layer/square')))).toEqual([]);
  });
});

test('parentScope', () => expect(['a', 'a/b', 'a/b/c', ''].map(parentScope)).toEqual(['', 'a', 'a/b', '']));
