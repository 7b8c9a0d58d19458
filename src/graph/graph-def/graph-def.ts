/** A graph, or what came into it since, as TensorFlow's GraphDef. */
import type { NodeDef } from '../attr.js';
import { dtypeInfo } from '../dtype.js';
import type { Graph } from '../graph.js';
import type { ArgumentDef, FunctionDef, GraphState } from '../state.js';
import { attrsProto, sortedRecord } from './attr.js';
import type { ArgProto, FunctionProto, GraphDef, NodeProto } from './messages.js';

export function nodeProto({ name, op, input, device, attr, carried }: NodeDef): NodeProto {
  return { name, op, input, device, attr: attrsProto(attr), ...carried };
}

function argProto({ name, type }: ArgumentDef): ArgProto {
  return { name, type: dtypeInfo(type).enumValue };
}

export function functionProto({ signature, nodeDef, ret, controlRet, argAttr, source }: FunctionDef): FunctionProto {
  if (source) return source;
  const { name, inputArg, outputArg, controlOutput, isStateful } = signature;
  return {
    signature: {
      name,
      inputArg: inputArg.map(argProto),
      outputArg: outputArg.map(argProto),
      controlOutput,
      isStateful,
    },
    nodeDef: nodeDef.map(nodeProto),
    ret: sortedRecord(Object.keys(ret), (result) => ret[result]!),
    controlRet: sortedRecord(Object.keys(controlRet), (output) => controlRet[output]!),
    argAttr: Object.fromEntries(
      argAttr.flatMap((attrs, i) => (Object.keys(attrs).length > 0 ? [[i, { attr: attrsProto(attrs) }]] : [])),
    ),
  };
}

/** The version of TensorFlow's graphs from which on they have functions. */
const functionsConsumer = 12;

/** The GraphDef of nodes and functions. */
export function graphDefOf(
  nodes: readonly NodeDef[],
  functions: readonly FunctionDef[],
  versions: GraphState['versions'],
): GraphDef {
  return {
    node: nodes.map(nodeProto),
    ...(functions.length > 0 && { library: { function: functions.map(functionProto) } }),
    versions: {
      producer: versions.producer,
      minConsumer: functions.length > 0 ? Math.max(versions.minConsumer, functionsConsumer) : versions.minConsumer,
    },
  };
}

/** Where in a graph an export begins. */
export interface ExportStart {
  /** How many operations, and functions of the library, were there before. */
  readonly nodes: number;
  readonly functions: number;
}

/** What came into `graph` since `start`; by default, all there is. Nodes stand in the order in which they were made. */
export function exportGraph(graph: Graph, { nodes, functions }: ExportStart = { nodes: 0, functions: 0 }): GraphDef {
  const operations = graph.operations().slice(nodes);
  return graphDefOf(
    operations.map((op) => op.def),
    graph.functions().slice(functions).map((fn) => fn.def), // prettier-ignore
    graph.state.versions,
  );
}
