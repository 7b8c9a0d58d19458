/** Gradients that a SavedModel brings along for operations of its own: functions of its library, which stand for what TensorFlow calls custom gradients. */
import type { FunctionGraph } from '../../graph/function-graph.js';
import type { Graph } from '../../graph/graph.js';
import { LookupError } from '../../graph/errors.js';
import type { Operation } from '../../graph/operation.js';
import type { Tensor } from '../../graph/tensor.js';
import { call, convertToTensor } from '../../ops/call.js';
import { recompute } from '../../ops/copy.js';
import type { Gradient, GradientFn } from '../../ops/opdef.js';
import { giveGradient } from '../../ops/own-gradient.js';
import { zerosLike } from '../../ops/rules.js';
import { isStateful } from '../../ops/trace.js';
import type { MetaGraphDef, SavedConcreteFunction } from '../proto/saved_model_pb.js';

/** A function that computes a gradient. */
interface Backward {
  readonly body: FunctionGraph;
  /** What it takes after the gradients of the operation's outputs: tensors by their names beside the operation. */
  readonly captured: readonly string[];
  /** Which of the operation's inputs its outputs are the gradients of. */
  readonly inputs: readonly number[];
}

/** Gives the operations that were imported their gradients. `before` is how many functions the graph had until then. */
export function adoptCustomGradients(meta: MetaGraphDef, graph: Graph, before: number): void {
  const rules = new Map<string, Backward>();
  for (const { gradientFunc, registeredOpType } of meta.graphDef?.library?.registeredGradients ?? []) {
    const body = importedFunction(graph, gradientFunc, before);
    const saved = meta.objectGraphDef?.concreteFunctions[gradientFunc];
    const captured = saved && capturedNames(meta, saved);
    if (body && captured) rules.set(registeredOpType, { body, captured, inputs: differentiatedInputs(saved, body) });
  }
  if (rules.size === 0) return;
  for (const place of [graph, ...graph.functions().map((fn) => fn.body as FunctionGraph)]) {
    for (const op of place.operations()) {
      const attr = op.def.attr['_gradient_op_type'];
      const backward = attr?.kind === 'string' && rules.get(attr.value);
      if (backward) giveGradient(attr, { rule: ruleOf(op, backward), hidden: 0 });
    }
  }
}

/** The function as it is called in the graph: where the name was taken by another, it got a new one. */
function importedFunction(graph: Graph, name: string, before: number): FunctionGraph | null {
  const all = graph.functions();
  const isRenamed = ({ def }: (typeof all)[number]) =>
    new RegExp(`^_\\d+$`).test(def.signature.name.slice(name.length));
  const found =
    all.slice(before).find(({ def }) => def.signature.name === name) ??
    all.slice(before).find((fn) => fn.def.signature.name.startsWith(name) && isRenamed(fn)) ??
    all.find(({ def }) => def.signature.name === name);
  return found ? (found.body as FunctionGraph) : null;
}

/** The tensors that a function was made around; null where it needs anything else of its surroundings. */
function capturedNames(
  { objectGraphDef }: MetaGraphDef,
  { boundInputs }: SavedConcreteFunction,
): readonly string[] | null {
  const names = boundInputs.flatMap((id) => {
    const kind = objectGraphDef?.nodes[id]?.kind;
    return kind?.case === 'capturedTensor' ? [kind.value.name] : [];
  });
  return names.length === boundInputs.length ? names : null;
}

/** The function returns one value for each input, of which those that are nothing have no place among its outputs. */
function differentiatedInputs({ outputSignature }: SavedConcreteFunction, body: FunctionGraph): readonly number[] {
  const kind = outputSignature?.kind;
  const values = kind?.case === 'tupleValue' || kind?.case === 'listValue' ? kind.value.values : [];
  const given = values.flatMap((value, i) => (value.kind.case === 'noneValue' ? [] : [i]));
  return given.length === body.outputs.length ? given : body.outputs.map((_, i) => i);
}

function ruleOf(original: Operation, { body, captured, inputs }: Backward): GradientFn {
  return (op, dys) => {
    // The rule holds for copies of the operation too, which have the same inputs, in other bodies.
    const known = (tensor: Tensor): Tensor | null => op.inputs[original.inputs.indexOf(tensor)] ?? null;
    const around = captured.map((name): Tensor => {
      const tensor = original.graph.tensor(name);
      const value = known(tensor) ?? (op === original ? tensor : recompute(tensor, known));
      if (value) return value;
      throw new LookupError(
        `Operation '${op.name}' (${op.type}) has no gradient here: it takes '${name}', which does not follow from the operation's inputs.`,
        op.details(),
      );
    });
    const gradients = op.outputs.map((y, i) =>
      convertToTensor((dys as readonly (Gradient | null)[])[i] ?? zerosLike(y)),
    );
    const type = isStateful([body]) ? 'StatefulPartitionedCall' : 'PartitionedCall';
    const f = { name: body.name, attr: {} };
    const outputs = call(type, [[...gradients, ...around]], {
      f: f as never,
      Tout: body.outputs.map(({ dtype }) => dtype),
    }).outputs;
    return op.inputs.map((_, i) => outputs[inputs.indexOf(i)] ?? null);
  };
}
