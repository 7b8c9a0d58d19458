/** Loops: a body called as long as a condition holds, each time with what it gave the time before. */
import type { FunctionGraph } from '../../graph/function-graph.js';
import { controlDependencies } from '../../graph/scopes.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { call, one } from '../call.js';
import { captured } from '../capture.js';
import { emptyList, pushBack } from '../definitions/tensor-list.js';
import { handleType } from '../handles.js';
import type { AttrInput } from '../opdef.js';
import { argumentFor, dtypesOf, isStateful, outputAttrs, register } from '../trace.js';
import { shareCaptures } from './branches.js';
import { neededByGradient } from './intermediates.js';

export interface LoopParts {
  /** Takes the loop variables, gives whether to go on. */
  readonly cond: FunctionGraph;
  /** Takes the loop variables, gives them anew: first how often it ran and how often it may. */
  readonly body: FunctionGraph;
  /** What the loop variables are at first. */
  readonly inputs: readonly Tensor[];
  /** The static shapes that hold in every iteration. */
  readonly shapes: readonly Shape[];
  readonly parallelIterations: number;
  /** Whether the loop will be differentiated: it then keeps what its gradient needs of every iteration. */
  readonly backProp: boolean;
  readonly name?: string;
}

/**
 * A loop over variables, which are followed by what cond and body capture (the same in every iteration), and by lists in which every
 * iteration leaves what the gradient will need. @returns what the variables are in the end, each behind an Identity
 */
export function callLoop({
  cond,
  body,
  inputs,
  shapes,
  parallelIterations,
  backProp,
  name,
}: LoopParts): readonly Tensor[] {
  const captures = shareCaptures([cond, body]);
  body.setOutputs([...body.outputs, ...captures.map((tensor) => captured(body, tensor))]);
  const originals = body.outputs.length;
  const { site } = body.outer.scope;
  const add = () => accumulate(cond, body, inputs[1]!);
  const lists = backProp ? cond.withScope({ site }, () => body.withScope({ site }, add)) : [];
  const all = [...inputs, ...captures, ...lists];
  const functions = [cond, body].map((graph) => ({ name: register(graph), attr: {} }));
  const attrs: Record<string, AttrInput> = {
    T: dtypesOf(all),
    cond: functions[0] as never,
    body: functions[1] as never,
    output_shapes: [...shapes, ...captures.map(({ shape }) => shape), ...lists.map(() => [])],
    parallel_iterations: parallelIterations,
    ...outputAttrs(all),
    _num_original_outputs: { kind: 'int', value: BigInt(originals) },
    _lower_using_switch_merge: { kind: 'bool', value: true },
  };
  const controls = [...new Set([...cond.controlCaptures, ...body.controlCaptures])];
  const type = isStateful([cond, body]) ? 'While' : 'StatelessWhile';
  const make = () => call(type, [all], attrs, name === undefined ? {} : { name });
  const op = controls.length > 0 ? controlDependencies(controls, make) : make();
  return op.outputs.slice(0, inputs.length).map((output) => one('Identity', [output]));
}

/** Makes every iteration push what the gradient needs onto lists, which become loop variables. */
function accumulate(cond: FunctionGraph, body: FunctionGraph, limit: Tensor): readonly Tensor[] {
  // The counter follows from that of the backward loop, and what is captured is the same in every iteration.
  const free = new Set([body.inputs[0]!, ...body.inputs.filter((input, i) => body.outputs[i] === input)]);
  const kept = keptByLoop(body).filter((tensor) => !free.has(tensor));
  const lists = kept.map((tensor) => emptyList(tensor, limit));
  const pushed = lists.map((list, i) => {
    const spec = argumentFor(list, 'accumulator');
    cond.completing(() => cond.addInput(spec));
    return body.completing(() => pushBack(body.addInput(spec), kept[i]!));
  });
  body.setOutputs([...body.outputs, ...pushed]);
  return lists;
}

/** The tensors of a loop's body that its gradient looks at. */
export function keptByLoop(body: FunctionGraph): readonly Tensor[] {
  return [...new Set([...neededByGradient(body), ...withoutPath(body)])];
}

/** Variables of a shape not known whose old value the new one does not depend on: their zero gradients need it. */
function withoutPath(body: FunctionGraph): readonly Tensor[] {
  const open = body.inputs.filter((input, i) => {
    const shape = handleType(input)?.shape ?? input.shape;
    if (input.dtype === 'resource' || input.dtype === 'variant' || body.outputs[i] === input) return false;
    return shape === null || shape.includes(null);
  });
  if (open.length === 0) return [];
  const used = new Set(body.outputs.map(({ op }) => op));
  for (const op of used) for (const { op: source } of op.inputs) used.add(source);
  return open.filter(({ op }) => !used.has(op));
}
