/** Keeps what the fetches and targets need: the closure over data and control edges, cut at the feeds. */
import { functionsNamedIn } from '../../graph/attr.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { FunctionGraph } from '../../graph/function-graph.js';
import type { Operation } from '../../graph/operation.js';
import { ancestors } from '../../graph/order.js';
import { effectsOf } from '../../ops/capture.js';
import type { Tensor } from '../../graph/tensor.js';
import { opDef, type OpView } from '../../ops/opdef.js';
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
    refuseForeign(operations, fetches);
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

/**
 * @param results what is wanted of the operations, besides what they take of each other
 * @throws InvalidArgumentError where there is an op among them, or in what is wanted of a function that they call, that only others can run
 */
function refuseForeign(operations: readonly Operation[], results: readonly Tensor[]): void {
  const open = [{ operations, results }];
  const seen = new Set<string>();
  for (let part = open.pop(); part; part = open.pop()) {
    const wanted = new Set([...part.results, ...part.operations.flatMap((op) => op.inputs)]);
    for (const op of part.operations) {
      if (opDef(op.type).effect === 'foreign') throw foreign(op);
      const indices = op.outputs.flatMap((output, i) => (wanted.has(output) ? [i] : []));
      for (const body of bodiesOf(op)) {
        const outputs = isLoop(op) ? body.outputs : indices.flatMap((i) => body.outputs[i] ?? []);
        const key = `${body.name} ${outputs.map(({ name }) => name).join()}`;
        if (seen.has(key)) continue;
        seen.add(key);
        const roots = [...outputs.map((output) => output.op), ...effectsOf(body)];
        open.push({ operations: ancestors(roots), results: outputs });
      }
    }
  }
}

function bodiesOf(op: Operation): readonly FunctionGraph[] {
  return functionsNamedIn(op.def.attr).map((name) => op.graph.root.function(name).body as FunctionGraph);
}

/** Whether what a function gives goes into it again, so that all of it may matter. */
function isLoop(op: Operation): boolean {
  const { lower } = opDef(op.type);
  return typeof lower === 'function' || lower.flow?.(op as OpView).kind === 'loop';
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
