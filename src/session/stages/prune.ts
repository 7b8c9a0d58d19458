/** Keeps what the fetches and targets need: the closure over data and control edges, cut at the feeds. */
import { functionsNamedIn } from '../../graph/attr.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { FunctionGraph } from '../../graph/function-graph.js';
import type { Operation } from '../../graph/operation.js';
import { ancestors } from '../../graph/order.js';
import { effectsOf } from '../../ops/capture.js';
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
    refuseForeign(operations);
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

/** @throws InvalidArgumentError where there is an op among them, or in a function that they call, that only others can run */
function refuseForeign(operations: readonly Operation[]): void {
  const open = [operations];
  const called = new Set<FunctionGraph>();
  for (let list = open.pop(); list; list = open.pop()) {
    for (const op of list) {
      if (opDef(op.type).effect === 'foreign') throw foreign(op);
      for (const name of functionsNamedIn(op.def.attr)) {
        const body = op.graph.root.function(name).body as FunctionGraph;
        if (called.has(body)) continue;
        called.add(body);
        open.push(ancestors([...body.outputs.map((output) => output.op), ...effectsOf(body)]));
      }
    }
  }
}

function foreign(op: Operation): InvalidArgumentError {
  const where = op.graph instanceof FunctionGraph ? ` in the function '${op.graph.name}'` : '';
  return new InvalidArgumentError(
    `Operation '${op.name}'${where} is of an op that cannot be run here: '${op.type}'. Feed what it gives, or run it where TensorFlow ` +
      "does: new Session({ target: 'grpc://…' }).",
    op.details(),
  );
}

/** One line an operation. */
export function listing(operations: Plan['operations']): string {
  return operations.map((op) => `${op.name} = ${op.type}(${op.def.input.join(', ')})`).join('\n');
}
