/** The option stopGradients against a graph rebuilt with stopGradient, for every subset of four tensors. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inGraph, values } from './support.js';

describe('stopGradients equals rebuilding with stopGradient', () => {
  const subsets = Array.from({ length: 16 }, (_, bits) => [0, 1, 2, 3].filter((i) => bits & (1 << i)));
  /** a, b = [a]-dependent, c = a·b …: stopped either by the option or in the graph. */
  const makeGraph = (stop: readonly number[]) => {
    const maybe = (i: number, t: tl.Tensor) => (stop.includes(i) ? tl.stopGradient(t) : t);
    const a = tl.constant(3, { name: 'a' });
    const a1 = maybe(0, a);
    const b = tl.addN([a1, tl.constant(1)]);
    const b1 = maybe(1, b);
    const c = tl.addN([a1, b1]);
    const c1 = maybe(2, c);
    const d = tl.addN([b1, c1]);
    const d1 = maybe(3, d);
    return { tensors: [a, b, c, d], a, y: tl.addN([a1, b1, c1, d1]) };
  };

  test.each(subsets.map((stop) => [stop]))('%j', (stop) => {
    for (const wanted of subsets.filter((s) => s.length > 0)) {
      inGraph(() => {
        const plain = makeGraph([]);
        const stopped = makeGraph(stop);
        const xs = (g: { tensors: tl.Tensor[] }) => wanted.map((i) => g.tensors[i]!);
        // An x that is stopped in the graph still gets what arrives at the stopped copy.
        const byOption = values(plain.y, xs(plain), {
          stopGradients: stop.map((i) => plain.tensors[i]!),
          unconnectedGradients: 'zero',
        });
        const byGraph = wanted.map((i) =>
          stop.includes(i) ? null : values(stopped.y, [stopped.tensors[i]!], { unconnectedGradients: 'zero' })[0],
        );
        byGraph.forEach((value, k) => value !== null && expect(byOption[k]).toEqual(value));
      });
    }
  });
});
