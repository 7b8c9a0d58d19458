/** The variables of graphs that came without collections, as GraphDefs do. */
import type { Graph } from '../../graph/graph.js';
import type { Operation } from '../../graph/operation.js';
import { restoreVariables } from '../../ops/restore-variables.js';

/**
 * Puts the variables of `graph` into its collection: handles with a name of their own, an initialiser and a read beside them, as `variable`
 * and TensorFlow's `get_variable` make them.
 */
export function collectVariables(graph: Graph): void {
  const known = new Set(graph.collection('variables'));
  for (const op of graph.operations())
    if (isVariable(graph, op) && !known.has(op.name)) graph.addToCollection('variables', op.name);
  restoreVariables(graph);
}

function isVariable(graph: Graph, { name, inputs, outputs, def }: Operation): boolean {
  const [handle] = outputs;
  if (inputs.length > 0 || outputs.length !== 1 || handle?.dtype !== 'resource' || !def.attr['shared_name'])
    return false;
  return (
    graph.find(`${name}/Assign`)?.inputs[0] === handle &&
    graph.find(`${name}/Read/ReadVariableOp`)?.inputs[0] === handle
  );
}
