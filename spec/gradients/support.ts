/** What the specs of the backward walk share. */
import * as tl from '../../src/index.js';
import type { GradientOptions } from '../../src/index.js';

/** Runs `build` in a graph of its own. */
export const inGraph = <T>(build: (g: tl.Graph) => T): T => {
  const g = new tl.Graph();
  return g.asDefault(() => build(g));
};

/** Values of gradients, null where null. */
export function values(ys: tl.Tensor | tl.Tensor[], xs: (tl.Tensor | tl.Variable)[], options: GradientOptions = {}) {
  const found = tl.gradients(ys, xs, options);
  const session = new tl.Session({ graph: xs[0]!.graph });
  return found.map((dx) => (dx === null ? null : session.runSync(tl.convertToTensor(dx)).toArray()));
}
