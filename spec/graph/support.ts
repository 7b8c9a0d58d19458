/** What the graph specs build with. */
import { Graph } from '../../src/graph/graph.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { constant, identity } from '../../src/ops/definitions/constant.js';
import { add } from '../../src/ops/definitions/math-arithmetic.js';

export const leaf = (name?: string): Tensor => constant(1, name === undefined ? {} : { name });
export const copy = (x: Tensor, name?: string): Tensor => identity(x, name === undefined ? {} : { name });
export const pair = (a: Tensor, b: Tensor): Tensor => add(a, b);
export const names = (g: Graph): string[] => g.operations().map((op) => op.name);

/** Runs `fn` in a graph of its own. */
export function inGraph<T>(fn: (g: Graph) => T): T {
  const g = new Graph();
  return g.asDefault(() => fn(g));
}
