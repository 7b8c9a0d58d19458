/**
 * Calls that came from elsewhere do not give what their gradients look at in their bodies: TensorFlow adds that when it differentiates. Here a
 * node never changes; the call is made a second time, of bodies that give it all.
 */
import { functionsNamedIn } from '../../graph/attr.js';
import { LookupError } from '../../graph/errors.js';
import type { FunctionGraph } from '../../graph/function-graph.js';
import type { Operation } from '../../graph/operation.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { convertToTensor, one } from '../call.js';
import { captured } from '../capture.js';
import { copyOperation } from '../copy.js';
import { constantValue } from '../known.js';
import { opDef, type Gradient, type OpView } from '../opdef.js';
import { argumentFor, bodyOf, trace } from '../trace.js';
import { callBranches, type Choice } from './branches.js';
import { neededByGradient } from './intermediates.js';
import { callLoop, keptByLoop } from './loops.js';
import { originalOutputs } from './results-of-call.js';

/**
 * `op`, or another call of the same on the same inputs whose further outputs are what the gradient needs, and the gradients of its outputs:
 * of those of `op`, it has the ones that gradients come to.
 */
export function completeChoice(
  op: OpView,
  dys: readonly (Gradient | null)[],
  bodies: readonly FunctionGraph[],
  choice: Choice,
): readonly [OpView, readonly (Gradient | null)[]] {
  if (bodies.every(givesAll)) return [op, dys];
  const wanted = dys.flatMap((dy, i) => (dy ? [i] : []));
  if (wanted.length === 0) return [op, dys];
  const inputs = op.inputs.slice(choice.operands.length);
  const copies = bodies.map((body) => copyBody(op, body, inputs, wanted.map((i) => body.outputs[i]!))); // prettier-ignore
  const outputs = callBranches(choice, copies, wanted.length, inputs, { name: `${lastPart(op)}_again` });
  return [outputs[0]!.op.inputs[0]!.op as OpView, wanted.map((i) => dys[i]!)];
}

/** How many variables of a loop that is completed come before those that it had. */
export const countersOfLoop = 2;

/** `op`, or another loop on the same inputs, after a counter and its limit, that keeps what the gradient needs. */
export function completeLoop(op: OpView): OpView {
  const [cond, body] = [bodyOf(op, 'cond'), bodyOf(op, 'body')];
  if (counts(op, body) && keepsAll(op, body)) return op;
  const counter = convertToTensor(0, 'int32', 'loop_counter');
  const inputs = [counter, convertToTensor(-1, 'int32', 'maximum_iterations'), ...op.inputs];
  const shapes = inputs.map(({ shape }, i): Shape =>
    i < countersOfLoop ? shape : body.inputs[i - countersOfLoop]!.shape,
  );
  const copies = [cond, body].map((graph) => copyBody(op, graph, inputs, graph.outputs, shapes));
  const outputs = callLoop({
    cond: copies[0]!,
    body: copies[1]!,
    inputs,
    shapes,
    parallelIterations: op.intAttr('parallel_iterations'),
    backProp: true,
    name: `${lastPart(op)}_again`,
  });
  return outputs[0]!.op.inputs[0]!.op as OpView;
}

function lastPart(op: Operation): string {
  return op.name.split('/').at(-1)!;
}

/** Whether the first two variables of a loop are how often it ran and how often it may, as those of TensorFlow's `while_v2` are. */
function counts(op: OpView, body: FunctionGraph): boolean {
  const [counter, limit] = body.inputs;
  const [next] = body.outputs;
  if (!counter || !limit || !next || next.op.type !== 'AddV2' || body.outputs[1] !== limit) return false;
  const isOne = next.op.inputs[0] === counter && constantValue(next.op.inputs[1]!)?.element(0) === 1;
  return isOne && counter.dtype === 'int32' && limit.dtype === 'int32' && constantValue(op.inputs[0])?.element(0) === 0;
}

/** Whether a loop leaves what its gradient looks at in lists, which come after its own variables. */
function keepsAll(op: OpView, body: FunctionGraph): boolean {
  const originals = originalOutputs(op);
  const lists = body.outputs.slice(originals).map((list) => list.op.inputs[1]);
  const there = new Set([...lists, body.inputs[0], ...body.inputs.filter((input, i) => body.outputs[i] === input)]);
  return keptByLoop(body).every((tensor) => there.has(tensor));
}

function givesAll(body: FunctionGraph): boolean {
  const there = new Set([...body.inputs, ...body.outputs]);
  return neededByGradient(body).every((tensor) => there.has(tensor));
}

/** A body that computes the same, for arguments like `inputs`; in a loop, after the counter and the limit. */
function copyBody(
  op: Operation,
  body: FunctionGraph,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  shapes?: readonly Shape[],
): FunctionGraph {
  const specs = inputs.map((input, i) =>
    argumentFor(input, input.op.name.split('/').at(-1), shapes?.[i] ?? input.shape),
  );
  const skipped = shapes ? countersOfLoop : 0;
  const { body: copy } = trace(`${body.name}_again`, op.graph.receiver, specs, (args, self) => {
    const made = new Map(body.inputs.map((input, i) => [input, args[skipped + i]!]));
    for (const inner of computing(op, body, outputs)) {
      const copied = self.withScope({ device: inner.device }, () => copyOperation(inner, inner.inputs.map((input) => made.get(input)!))); // prettier-ignore
      inner.outputs.forEach((output, i) => made.set(output, copied.outputs[i]!));
    }
    const results = outputs.map((output) => captured(self, made.get(output)!));
    const goesOn = shapes && body === bodyOf(op, 'body');
    self.setOutputs(goesOn ? [one('AddV2', [args[0]!, 1]), args[1]!, ...results] : results);
  });
  return copy;
}

/**
 * The operations that compute what a body returns.
 * @throws LookupError where one of them does more, and cannot be run a second time
 */
function computing(op: Operation, body: FunctionGraph, outputs: readonly Tensor[]): readonly Operation[] {
  const args = new Set(body.inputs.map((input) => input.op));
  const found = new Set(outputs.map((output) => output.op).filter((inner) => !args.has(inner)));
  for (const inner of found) for (const input of inner.inputs) if (!args.has(input.op)) found.add(input.op);
  const operations = [...found].sort((a, b) => a.id - b.id);
  for (const inner of operations) {
    const bodies = functionsNamedIn(inner.def.attr).map((name) => op.graph.root.function(name).body as FunctionGraph);
    if (bodies.length > 0) bodies.forEach((nested) => computing(op, nested, nested.outputs));
    else if (!canRepeat(inner))
      throw new LookupError(
        `The gradient of '${op.name}' (${op.type}) looks at values inside the function '${body.name}' that the call does not give. It ` +
          `would have to run again for them, and cannot: '${inner.name}' (${inner.type}) in it does more than compute.`,
        op.details(),
      );
  }
  return operations;
}

/** Whether running an operation again gives the same: a read must not come after what writes. */
function canRepeat(op: Operation): boolean {
  const { effect } = opDef(op.type);
  if (effect !== 'read') return effect === 'pure';
  return op.controlInputs.every((control) => opDef(control.type).effect !== 'write');
}
