/** What makes operations in function bodies what they are outside: outer tensors become arguments, effects keep their order. */
import { FunctionGraph } from '../graph/function-graph.js';
import type { Graph } from '../graph/graph.js';
import type { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import { handleAttrs } from './handles.js';
import { opDef, type Effect } from './opdef.js';

/** `tensor` as a tensor of `graph`: an argument of it where it is a function body around which `tensor` lives. */
export function captured(graph: Graph, tensor: Tensor): Tensor {
  return tensor.graph === graph || !(graph instanceof FunctionGraph)
    ? tensor
    : graph.capture(tensor, handleAttrs([tensor]));
}

/**
 * What an operation with that effect has to wait for in a function body: there, effects on one resource happen in the order in
 * which they were written down (as TensorFlow's automatic control dependencies have it). Elsewhere the user says.
 */
export function effectsBefore(graph: Graph, effect: Effect, inputs: readonly Tensor[]): readonly Operation[] {
  if (effect === 'pure' || effect === 'random' || !(graph instanceof FunctionGraph)) return [];
  const handles = handlesAmong(inputs);
  const before = new Set<Operation>();
  const open = new Set<Tensor | null>(handles.length > 0 ? handles : [null]);
  for (let id = graph.version - 1; id >= 0 && open.size > 0; id--) {
    const op = graph.at(id);
    const other = op.inputs.length === 0 ? 'pure' : opDef(op.type).effect;
    if (other === 'pure' || other === 'random' || (effect === 'read' && other === 'read')) continue;
    const touched = handlesAmong(op.inputs);
    for (const handle of touched.length > 0 ? touched : [null]) {
      if (!open.has(handle)) continue;
      before.add(op);
      if (other === 'write') open.delete(handle);
    }
  }
  return [...before];
}

/** The operations of a body that run for their effect. */
export function effectsOf(body: Graph): readonly Operation[] {
  return body.operations().filter((op) => opDef(op.type).effect === 'write');
}

function handlesAmong(inputs: readonly Tensor[]): Tensor[] {
  return inputs.filter(({ dtype }) => dtype === 'resource').map(originOf);
}

/** Where a handle comes from, through operations that pass it on. */
export function originOf(handle: Tensor): Tensor {
  let origin = handle;
  for (
    let source = origin.op.inputs[origin.index];
    source?.dtype === 'resource';
    source = origin.op.inputs[origin.index]
  )
    origin = source;
  return origin;
}
