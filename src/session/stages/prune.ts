/** Keeps what the fetches and targets need: the closure over data and control edges, cut at the feeds. */
import type { Operation } from '../../graph/operation.js';
import { opDef } from '../../ops/opdef.js';
import type { Plan, Stage } from '../plan.js';

export const prune: Stage = {
  name: 'prune',
  run(plan) {
    const { fetches, targets, feeds } = plan.request;
    const fed = new Set(feeds.map((feed) => feed.tensor));
    const seen = new Set<Operation>();
    const stack: Operation[] = [];
    const need = (op: Operation): void => {
      if (seen.has(op)) return;
      seen.add(op);
      stack.push(op);
    };
    for (const fetch of fetches) if (!fed.has(fetch)) need(fetch.op);
    targets.forEach(need);
    const operations: Operation[] = [];
    for (let op = stack.pop(); op; op = stack.pop()) {
      // A fed source has nothing left to do, even for a control edge.
      if (isFedSource(op, fed)) continue;
      operations.push(op);
      for (const input of op.inputs) if (!fed.has(input)) need(input.op);
      op.controlInputs.forEach(need);
    }
    return { ...plan, operations: operations.sort((a, b) => a.id - b.id) };
  },
  show: (plan) => listing(plan.operations),
};

function isFedSource(op: Operation, fed: ReadonlySet<unknown>): boolean {
  const { effect } = opDef(op.type);
  // What an operation waits for that computes nothing is of no concern to the value that takes its place.
  const waits = op.controlInputs.length > 0 && effect !== 'feed';
  const isSource = op.inputs.length === 0 && !waits && op.outputs.length > 0;
  return isSource && op.outputs.every((output) => fed.has(output)) && effect !== 'write';
}

/** One line an operation. */
export function listing(operations: Plan['operations']): string {
  return operations.map((op) => `${op.name} = ${op.type}(${op.def.input.join(', ')})`).join('\n');
}
