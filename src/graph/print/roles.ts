/** Which nodes of a graph compute gradients. */
import type { Graph } from '../graph.js';
import type { Operation } from '../operation.js';

/**
 * The operations that a gradient pass appended: those that carry a forward operation, and the seeds, sums and gates
 * beside them, known by the scope they share.
 */
export function backwardOperations(graph: Graph): ReadonlySet<Operation> {
  const operations = graph.operations();
  const passes = new Set<string>();
  for (const op of operations) {
    const scope = gradientScope(op);
    if (scope !== null) passes.add(scope);
  }
  const backward = new Set<Operation>();
  for (const op of operations) if (op.forwardOp !== null || isInside(op.name, passes)) backward.add(op);
  return backward;
}

/** The scope of the pass that made `op`: what stands before `<forward op>_grad/` in its name. */
function gradientScope(op: Operation): string | null {
  if (op.forwardOp === null) return null;
  const end = op.name.lastIndexOf(`${op.forwardOp.name}_grad/`);
  return end > 0 ? op.name.slice(0, end) : null;
}

function isInside(name: string, passes: ReadonlySet<string>): boolean {
  for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
    if (passes.has(name.slice(0, slash + 1))) return true;
  }
  return false;
}
