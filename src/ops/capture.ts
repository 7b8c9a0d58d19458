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

/** Operations with an effect on one resource, oldest first; those at the end may have been taken back. */
interface Effects {
  readonly all: Operation[];
  readonly writes: Operation[];
}

/** Those of each function body, by where the handle of the resource comes from; null for effects on none. */
const effectsIn = new WeakMap<Graph, Map<Tensor | null, Effects>>();

function effectsOn(graph: Graph, handle: Tensor | null): Effects {
  let ofGraph = effectsIn.get(graph);
  if (!ofGraph) effectsIn.set(graph, (ofGraph = new Map<Tensor | null, Effects>()));
  let effects = ofGraph.get(handle);
  if (!effects) ofGraph.set(handle, (effects = { all: [], writes: [] }));
  for (const list of [effects.all, effects.writes]) while (list.length > 0 && !graph.holds(list.at(-1)!)) list.pop();
  return effects;
}

function isOrdered(graph: Graph, effect: Effect): boolean {
  return (effect === 'read' || effect === 'write') && graph instanceof FunctionGraph;
}

/**
 * What an operation with that effect has to wait for in a function body: there, effects on one resource happen in the order in
 * which they were written down (as TensorFlow's automatic control dependencies have it). Elsewhere the user says.
 */
export function effectsBefore(graph: Graph, effect: Effect, inputs: readonly Tensor[]): readonly Operation[] {
  if (!isOrdered(graph, effect)) return [];
  const before = new Set<Operation>();
  for (const handle of resourcesOf(inputs)) {
    const { all, writes } = effectsOn(graph, handle);
    const last = writes.at(-1);
    if (effect === 'write') for (let i = all.length - 1; i >= 0 && all[i] !== last; i--) before.add(all[i]!);
    if (last) before.add(last);
  }
  return [...before].sort((a, b) => b.id - a.id);
}

/** Notes an operation that has just been made, for those after it. */
export function noteEffect(op: Operation, effect: Effect): void {
  if (op.inputs.length === 0 || !isOrdered(op.graph, effect)) return;
  for (const handle of resourcesOf(op.inputs)) {
    const { all, writes } = effectsOn(op.graph, handle);
    all.push(op);
    if (effect === 'write') writes.push(op);
  }
}

/** The resources that an operation on these has to do with; null where there are none. */
function resourcesOf(inputs: readonly Tensor[]): ReadonlySet<Tensor | null> {
  const handles = inputs.filter(({ dtype }) => dtype === 'resource').map(originOf);
  return new Set(handles.length > 0 ? handles : [null]);
}

/** The operations of a body that run for their effect. */
export function effectsOf(body: Graph): readonly Operation[] {
  return body.operations().filter((op) => opDef(op.type).effect === 'write');
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
