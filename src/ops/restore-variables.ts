/** Variables of graphs whose nodes came from elsewhere. */
import type { Graph } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import { Variable, variableOf } from './definitions/variable.js';

/** Makes the variables in the collections of `graph` that have nodes alone. Their constraints, which are functions, are gone. */
export function restoreVariables(graph: Graph): void {
  const trainable = new Set(graph.collection('trainable_variables'));
  for (const name of graph.collection('variables')) {
    const op = graph.operation(name);
    const initializer = graph.find(`${name}/Assign`);
    const fetchable = graph.find(`${name}/Read/ReadVariableOp`)?.outputs[0];
    const initialValue = initializer?.inputs[1];
    if (variableOf.has(op) || !initializer || !initialValue || !fetchable) continue;
    const handle = op.outputs[0] as Tensor<'resource', []>;
    const { dtype, shape } = initialValue;
    const parts = { handle, dtype, shape, trainable: trainable.has(name), initialValue, initializer, fetchable };
    variableOf.set(op, new Variable({ ...parts, constraint: null, after: null }));
  }
}
