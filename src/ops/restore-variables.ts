/** Variables of graphs whose nodes came from elsewhere. */
import type { Graph } from '../graph/graph.js';
import type { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import { Variable, variableOf } from './definitions/variable.js';
import { handleType } from './handles.js';

/** The nodes of a variable. */
export interface VariableNodes {
  readonly handle: Tensor<'resource', []>;
  readonly initialValue: Tensor;
  /** What assigns the initial value. */
  readonly initializer: Operation;
  readonly fetchable: Tensor;
  readonly trainable: boolean;
  readonly restored: boolean;
}

/** Makes the variable that nodes are of; they are known as its from then on. */
export function variableFrom(nodes: VariableNodes): Variable {
  const { dtype, shape } = handleType(nodes.handle) ?? nodes.initialValue;
  const variable = new Variable({ ...nodes, dtype, shape, constraint: null, after: null });
  variableOf.set(nodes.handle.op, variable);
  return variable;
}

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
    variableFrom({ handle, initialValue, initializer, fetchable, trainable: trainable.has(name), restored: false });
  }
}
