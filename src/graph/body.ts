/** Function bodies as data: all it takes to build them again elsewhere. */
import type { NodeDef } from './attr.js';
import type { DType } from './dtype.js';
import type { FunctionGraph } from './function-graph.js';
import type { Graph } from './graph.js';
import type { GraphFunction } from './ledger.js';
import type { Operation } from './operation.js';
import type { Shape } from './shape.js';

/** What is known of an output. */
export interface OutputSpec {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A function body. A function definition has its nodes too, but not what is known of their shapes, nor what was captured. */
export interface BodyDef {
  readonly name: string;
  /** The function in whose body it was built; null where that was in none. */
  readonly outer: string | null;
  /** In the order in which they were made, those that stand for arguments among them. */
  readonly nodes: readonly NodeDef[];
  readonly outputs: readonly (readonly OutputSpec[])[];
  /** For each of the nodes, the operation whose gradient it helps to compute, after the function that it is in; or null. */
  readonly forwardOf: readonly (readonly [fn: string | null, op: string] | null)[];
  /** The nodes that stand for the arguments, in order. */
  readonly inputs: readonly string[];
  /** The arguments that stand for tensors outside, and those tensors: in the body of `outer`, or the graph. */
  readonly captures: readonly (readonly [input: string, outside: string])[];
  /** The tensors that it returns. */
  readonly results: readonly string[];
}

/** The outputs of an operation as data. */
export function specsOf({ outputs }: Operation): readonly OutputSpec[] {
  return outputs.map(({ dtype, shape }) => ({ dtype, shape }));
}

/** A function of the library as data. */
export function bodyDefOf(fn: GraphFunction): BodyDef {
  const body = fn.body as FunctionGraph;
  const operations = body.operations();
  return {
    name: body.name,
    outer: functionName(body.outer),
    nodes: operations.map((op) => op.def),
    outputs: operations.map(specsOf),
    forwardOf: operations.map(
      ({ forwardOp }) => forwardOp && ([functionName(forwardOp.graph), forwardOp.name] as const),
    ),
    inputs: body.inputs.map(({ op }) => op.name),
    captures: body.inputs.flatMap((input) => {
      const outside = body.capturedBy(input);
      return outside ? [[input.op.name, outside.name] as const] : [];
    }),
    results: body.outputs.map(({ name }) => name),
  };
}

/** The function whose body a graph is; null for a program's own graph. */
function functionName(graph: Graph): string | null {
  return graph.root === graph ? null : (graph as FunctionGraph).name;
}

/** The tensors that go into a node, as it spells them. */
export function dataInputs({ input }: NodeDef): readonly string[] {
  return input.filter((text) => !text.startsWith('^'));
}

/** What is known of the outputs of nodes, by the names that inputs are spelled by. */
export function outputSpecs(
  nodes: readonly NodeDef[],
  outputs: readonly (readonly OutputSpec[])[],
): Map<string, OutputSpec> {
  const specs = new Map<string, OutputSpec>();
  nodes.forEach(({ name }, i) =>
    outputs[i]!.forEach((output, k) => specs.set(k === 0 ? name : `${name}:${k}`, output)),
  );
  return specs;
}
