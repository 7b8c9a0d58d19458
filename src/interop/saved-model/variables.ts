/** The variables of a SavedModel: where its nodes, collections and objects say what they are. */
import { fromBinary } from '@bufbuild/protobuf';
import type { Graph } from '../../graph/graph.js';
import type { Operation } from '../../graph/operation.js';
import { colocateWith, nameScope } from '../../graph/scopes.js';
import type { Tensor } from '../../graph/tensor.js';
import { call, one } from '../../ops/call.js';
import { placeholder } from '../../ops/definitions/constant.js';
import type { Variable } from '../../ops/definitions/variable.js';
import { handleType } from '../../ops/handles.js';
import { variableFrom } from '../../ops/restore-variables.js';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import {
  TrackableObjectGraphSchema,
  VariableDefSchema,
  type MetaGraphDef,
  type VariableDef,
} from '../proto/saved_model_pb.js';
import { restoredVariables, type Stored } from './restored.js';

/** A variable, and what the checkpoint has of it; null where it is not saved. */
export interface SavedVariable {
  readonly variable: Variable;
  readonly stored: Stored | null;
}

/** Under this key a checkpoint of version 2 has the objects that its tensors belong to. */
const objectsKey = '_CHECKPOINTABLE_OBJECT_GRAPH';

/** The keys of the variables that optimizers are to change, of version 2. */
export async function trainableKeys(meta: MetaGraphDef, checkpoint: Checkpoint | null): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  const objects = meta.objectGraphDef?.nodes ?? [];
  if (!checkpoint?.entries.has(objectsKey) || objects.length === 0) return keys;
  const [bytes] = await checkpoint.strings(objectsKey);
  // Both number the objects alike.
  fromBinary(TrackableObjectGraphSchema, bytes!).nodes.forEach(({ attributes }, i) => {
    const kind = objects[i]?.kind;
    if (kind?.case === 'variable' && kind.value.trainable)
      for (const { checkpointKey } of attributes) keys.add(checkpointKey);
  });
  return keys;
}

/** Makes variables of the nodes of `meta` that are in `graph` under `prefix`, and of those that have no initial value, assignments of what is fed. */
export function variablesOf(
  meta: MetaGraphDef,
  graph: Graph,
  prefix: string,
  trainable: ReadonlySet<string>,
): readonly SavedVariable[] {
  const stored = restoredVariables(meta);
  const defs = new Map([...variableDefs(meta, 'variables')].map((def) => [def.variableName.replace(/:0$/, ''), def]));
  const changed = new Set(variableDefs(meta, 'trainable_variables').map(({ variableName }) => variableName));
  const handles = (meta.graphDef?.node ?? []).filter(({ name }) => stored.has(name) || defs.has(name));
  return handles.flatMap(({ name }) => {
    const op = graph.operation(`${prefix}${name}`);
    const handle = op.outputs[0];
    // What version 1 calls a reference variable has no handle, and is carried like any unknown op.
    if (handle?.dtype !== 'resource' || !handleType(handle)) return [];
    const kept = stored.get(name) ?? null;
    const def = defs.get(name);
    const isTrainable = def ? changed.has(def.variableName) : kept !== null && trainable.has(kept.key);
    const nodes = def ? initialized(def, graph, prefix) : fed(op, graph);
    const variable = variableFrom({
      ...nodes,
      handle: handle as Tensor<'resource', []>,
      trainable: isTrainable,
      restored: !def,
    });
    graph.addToCollection('variables', op.name);
    if (isTrainable) graph.addToCollection('trainable_variables', op.name);
    return [{ variable, stored: kept }];
  });
}

function variableDefs({ collectionDef }: MetaGraphDef, collection: string): readonly VariableDef[] {
  const kind = collectionDef[collection]?.kind;
  return kind?.case === 'bytesList' ? kind.value.value.map((bytes) => fromBinary(VariableDefSchema, bytes)) : [];
}

interface VariableNodes {
  readonly initialValue: Tensor;
  readonly initializer: Operation;
  readonly fetchable: Tensor;
}

/** The nodes that version 1 names. */
function initialized(
  { initialValueName, initializerName, snapshotName }: VariableDef,
  graph: Graph,
  prefix: string,
): VariableNodes {
  return {
    initialValue: graph.tensor(`${prefix}${initialValueName}`),
    initializer: graph.operation(`${prefix}${initializerName}`),
    fetchable: graph.tensor(`${prefix}${snapshotName}`),
  };
}

/** Version 2 has a read at most: here is an assignment of what is fed. */
function fed(op: Operation, graph: Graph): VariableNodes {
  const handle = op.outputs[0]!;
  const { dtype, shape } = handleType(handle)!;
  const build = (): VariableNodes =>
    nameScope(`${op.name}/Restore/`, () => {
      const initialValue = placeholder(dtype, shape, { name: 'value' });
      const initializer = call('AssignVariableOp', [handle, initialValue]);
      const read = graph.find(`${op.name}/Read/ReadVariableOp`)?.outputs[0];
      return { initialValue, initializer, fetchable: read ?? one('ReadVariableOp', [handle], { dtype }) };
    });
  return graph.asDefault(() => graph.withScope({ controllers: [], device: '' }, () => colocateWith(op, build)));
}
