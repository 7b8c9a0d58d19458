/** What a function makes that the user hands to another one was created where it says so, not where it is called. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import type { Operation, Tensor } from '../../src/index.js';

type Inner = (x: Tensor) => Tensor;

const counted = (x: Tensor, body: Inner): unknown =>
  tl.whileLoop((i: Tensor) => tl.less(i, 2), (i: Tensor, a: Tensor) => [tl.add(i, 1), body(a)], [tl.constant(0, { dtype: 'int32' }), x]); // prettier-ignore

const takers: readonly [string, (x: Tensor, inner: Inner) => unknown][] = [
  ['cond', (x, inner) => tl.cond(tl.constant(true), () => inner(x), () => x)], // prettier-ignore
  ['cond, the other branch', (x, inner) => tl.cond(tl.constant(true), () => x, () => inner(x))], // prettier-ignore
  ['switchCase', (x, inner) => tl.switchCase(tl.constant(0, { dtype: 'int32' }), [() => inner(x)])],
  ['whileLoop, body', counted],
  ['whileLoop, cond', (x, inner) => tl.whileLoop((a: Tensor) => tl.less(tl.reduceSum(inner(a)), 0), (a: Tensor) => [a], [x])], // prettier-ignore
  ['function', (x, inner) => tl.function(inner)(x)],
  ['mapFn', (x, inner) => tl.mapFn(inner, x)],
  ['foldl', (x, inner) => tl.foldl((a: Tensor, row: Tensor) => tl.add(a, inner(row)), x)],
  ['foldr', (x, inner) => tl.foldr((a: Tensor, row: Tensor) => tl.add(a, inner(row)), x)],
  ['scan', (x, inner) => tl.scan((a: Tensor, row: Tensor) => tl.add(a, inner(row)), x)],
  ['vectorizedMap', (x, inner) => tl.vectorizedMap(inner, x)],
  ['customGradient', (x, inner) => tl.customGradient((z: Tensor) => [inner(z), (dy: Tensor) => dy])(x)],
  ['recomputeGrad', (x, inner) => tl.recomputeGrad(inner)(x)],
  ['a branch in a loop', (x, inner) => counted(x, (a) => tl.cond(tl.constant(true), () => inner(a), () => a))], // prettier-ignore
  ['a loop over rows in a branch', (x, inner) => tl.cond(tl.constant(true), () => tl.mapFn<Tensor, Tensor>(inner, x), () => x)], // prettier-ignore
];

/** All operations of a type, in the graph and in its functions. */
function all(graph: tl.Graph, type: string): readonly Operation[] {
  const bodies = graph.functions().map(({ body }) => body);
  return [graph, ...bodies].flatMap((each) => each.operations()).filter((op) => op.type === type);
}

const lineOf = (error: Error): string => /user-lines\.spec\.ts:\d+/.exec(error.stack!)![0];

describe.each(takers)('%s', (_, taker) => {
  test('the line of each operation', () => {
    const graph = new tl.Graph();
    const lines: string[] = [];
    const inner: Inner = (x) => {
      lines.push(lineOf(new Error()));
      const y = tl.sin(x);
      lines.push(lineOf(new Error()));
      return tl.cos(y);
    };
    graph.asDefault(() => taker(tl.constant([1, 2]) as Tensor, inner));
    const after = (line: string): string => line.replace(/\d+$/, (n) => String(Number(n) + 1));
    for (const [type, line] of [
      ['Sin', lines[0]!],
      ['Cos', lines[1]!],
    ] as const) {
      const found = all(graph, type).map((op) => op.createdAt.replace(/^.*\//, ''));
      expect(found.length).toBeGreaterThan(0);
      expect(new Set(found)).toEqual(new Set([after(line)]));
    }
  });

  test('the line of an error', () => {
    const graph = new tl.Graph();
    let line = '';
    const inner: Inner = (x) => {
      line = lineOf(new Error());
      return tl.matmul(x, x);
    };
    const thrown = (() => {
      try {
        return graph.asDefault(() => taker(tl.constant([1, 2]) as Tensor, inner));
      } catch (error) {
        return error;
      }
    })();
    const { createdAt } = thrown as tl.TapelessError & { createdAt: string };
    expect(createdAt.replace(/^.*:/, '')).toBe(String(Number(line.replace(/^.*:/, '')) + 1));
  });
});

test('what the taker itself makes was created where it is called', () => {
  const graph = new tl.Graph();
  const line = graph.asDefault(() => {
    const x = tl.constant([1, 2]) as Tensor;
    const here = lineOf(new Error());
    tl.mapFn((row: Tensor) => tl.sin(row), x);
    return here;
  });
  const expected = line.replace(/\d+$/, (n) => String(Number(n) + 1));
  const [set, get] = ['TensorListSetItem', 'TensorListGetItem'].map((type) => all(graph, type)[0]!);
  for (const op of [set!, get!, all(graph, 'StatelessWhile')[0]!])
    expect(op.createdAt).toMatch(new RegExp(`${expected}$`));
});
