/** What a call appended, as text to read and as JSON to send. */
import type { AppendedData } from '../appended.js';
import { dataInputs, outputSpecs, type BodyDef, type OutputSpec } from '../body.js';
import { dtypeInfo } from '../dtype.js';
import { formatShape } from '../shape.js';
import type { ArgumentDef, FunctionDef } from '../state.js';
import { functionLines } from './functions.js';
import { exactNodeJson, shapeJson, type Json } from './json.js';
import { nodeLine } from './text.js';

/** What the JSON says it is. */
export const appendedFormat = 'tapeless.appended/1';

/** A line with a `+` for everything that was added, one with a `~` for a tensor of whose shape more is known since. */
export function appendedLines(data: AppendedData): string[] {
  const { nodes, outputs, forwardOf, uses, refined, bodies, collections } = data;
  const specs = outputSpecs(nodes, outputs);
  for (const use of uses) specs.set(use.name.replace(/:0$/, ''), use);
  return [
    ...nodes.map((def, i) => {
      const inputs = dataInputs(def).flatMap((input) => specs.get(input) ?? []);
      return `+ ${nodeLine({ def, inputs, outputs: outputs[i]!, forward: forwardOf[i]! })}`;
    }),
    ...refined.map(([tensor, shape]) => `~ ${tensor} ${formatShape(shape)}`),
    ...collections.map(([collection, name]) => `+ ${collection}: ${name}`),
    ...bodies.flatMap((body) => functionLines(body).map((line) => `+ ${line}`)),
  ];
}

/** All there is to it; nodes and attributes as in TensorFlow's GraphDef. */
export function appendedJson(data: AppendedData): Json {
  const { nodes, forwardOf, outputs, functions, bodies, collections, names, uses, refined, start } = data;
  return {
    format: appendedFormat,
    start: { nodes: start.nodes, functions: start.functions, collections: start.collections },
    node: nodes.map((node) => exactNodeJson(node)),
    forwardOf: forwardOf as Json,
    outputs: outputs.map(outputsJson),
    function: bodies.map((body, i) => functionJson(functions[i]!, body)),
    collections,
    names,
    uses: uses.map((use) => ({ name: use.name, op: use.op, ...outputJson(use) })),
    refined: refined.map(([tensor, shape]) => [tensor, shapeJson(shape)]),
  };
}

/** A definition and its body: they have the nodes in common, but spell inputs each in their way. */
function functionJson(def: FunctionDef, body: BodyDef): Json {
  const { signature, nodeDef, ret, controlRet } = def;
  const args = (list: readonly ArgumentDef[]) =>
    list.map(({ name, type, op }) => ({ name, type: dtypeInfo(type).enumName, op }));
  const { outer, nodes, outputs, forwardOf, inputs, captures, results } = body;
  return {
    signature: { ...signature, inputArg: args(signature.inputArg), outputArg: args(signature.outputArg) },
    ret,
    controlRet,
    spelled: nodeDef.map(({ input }) => input),
    outer,
    node: nodes.map((node) => exactNodeJson(node)),
    outputs: outputs.map(outputsJson),
    forwardOf: forwardOf as Json,
    inputs,
    captures,
    results,
  };
}

function outputsJson(outputs: readonly OutputSpec[]): Json {
  return outputs.map(outputJson);
}

function outputJson({ dtype, shape }: OutputSpec): { readonly [key: string]: Json } {
  return { dtype: dtypeInfo(dtype).enumName, shape: shapeJson(shape) };
}
