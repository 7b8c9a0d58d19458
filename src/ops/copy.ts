/** Operations made again on other tensors. */
import { FunctionGraph } from '../graph/function-graph.js';
import type { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import { call } from './call.js';
import { opDef, type AttrInput } from './opdef.js';
import { byArgument } from './signature.js';

/** An operation like `op` on `inputs`, with the same attributes but for `changes`. */
export function copyOperation(
  op: Operation,
  inputs: readonly Tensor[],
  changes: Readonly<Record<string, AttrInput>> = {},
): Operation {
  const { parsed } = opDef(op.type);
  const attrs: Record<string, AttrInput> = {};
  for (const [name, attr] of Object.entries(op.def.attr)) {
    if (name !== '_class') attrs[name] = name.startsWith('_') ? attr : (attr.value as AttrInput);
  }
  Object.assign(attrs, changes);
  const operands = byArgument(parsed.inputs, op.def.attr, inputs);
  return call(op.type, operands, attrs, { name: op.name.split('/').at(-1)! });
}

function isArgument(op: Operation): boolean {
  return op.graph instanceof FunctionGraph && op.outputs.length === 1 && op.graph.positionOf(op.outputs[0]!) >= 0;
}

/**
 * `tensor` computed again where operations are made now, from tensors that `known` already has there.
 * @param known a tensor of the present graph that holds the value; null where it must be computed
 * @returns null where an operation on the way does more than compute, or an argument is not known
 */
export function recompute(tensor: Tensor, known: (t: Tensor) => Tensor | null): Tensor | null {
  const found = new Map<Tensor, Tensor>();
  const open = new Set([tensor.op]);
  for (const op of open) {
    if (opDef(op.type).effect !== 'pure' || isArgument(op)) return null;
    for (const input of op.inputs) {
      if (found.has(input) || open.has(input.op)) continue;
      const value = known(input);
      if (value) found.set(input, value);
      else open.add(input.op);
    }
  }
  for (const op of [...open].sort((a, b) => a.id - b.id)) {
    const copy = copyOperation(
      op,
      op.inputs.map((input) => found.get(input)!),
    );
    op.outputs.forEach((output, i) => found.set(output, copy.outputs[i]!));
  }
  return found.get(tensor)!;
}
