/** Whether a kernel is worth the trouble of sharing it among threads. */
import { sizeOf } from '../../../graph/shape.js';
import type { Fused } from './fuse.js';
import { partsOf, type KernelStep } from './program.js';
import type { Expr } from '../../../ops/expr.js';

/** Expression nodes whose computation takes some tens of microseconds, a few lanes at a time. */
const worthwhile = 400_000;
/** Nodes of an expression that are looked at. */
const enough = 200;

/** What the kernel computes, in units of what is just worth sharing. */
export function worthOf({ shape, members }: KernelStep, { deps }: Fused): number {
  const elements = sizeOf(shape);
  let nodes = 0;
  for (const member of members) {
    if (nodes * elements > worthwhile) break;
    nodes += costOf(member.root!, 1, { left: enough });
    // What it computes in the place of loads counts as much as the values that are behind it.
    for (const { loads } of deps.get(member) ?? []) nodes += loads;
  }
  return (nodes * elements) / worthwhile;
}

/** Nodes that are computed for an element, those of a reduction as often as it takes them. */
function costOf(expr: Expr, times: number, budget: { left: number }): number {
  if (budget.left-- <= 0 || expr.kind === 'literal' || expr.kind === 'variable') return 0;
  if (expr.kind === 'load') return times;
  const inside = expr.kind === 'reduce' ? times * sizeOf(expr.over.map(({ extent }) => extent)) : times;
  return partsOf(expr).reduce((sum, part) => sum + costOf(part, inside, budget), inside);
}
