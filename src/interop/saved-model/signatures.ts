/** The signatures of a SavedModel, as tensors of the graph that it was imported into. */
import type { Graph } from '../../graph/graph.js';
import type { Operation } from '../../graph/operation.js';
import type { Tensor } from '../../graph/tensor.js';
import type { MetaGraphDef, TensorInfo } from '../proto/saved_model_pb.js';

/** What a SavedModel computes under a name: tensors to feed and to fetch, by their keys. */
export interface Signature {
  readonly inputs: { readonly [key: string]: Tensor };
  readonly outputs: { readonly [key: string]: Tensor };
  /** What it is for, such as `tensorflow/serving/predict`. */
  readonly methodName: string;
}

/** Signatures of this name name an operation, and are no functions. */
const initializing = '__saved_model_init_op';
const operations = new Set([initializing, '__saved_model_train_op']);

export function signaturesIn({ signatureDef }: MetaGraphDef, graph: Graph, prefix: string): Record<string, Signature> {
  const tensors = (infos: { readonly [key: string]: TensorInfo }): Record<string, Tensor> =>
    Object.fromEntries(
      sorted(infos).flatMap(([key, info]) =>
        namesOf(key, info).map(([part, name]) => [part, graph.tensor(`${prefix}${name}`)]),
      ),
    );
  const signatures = sorted(signatureDef).filter(([name]) => !operations.has(name));
  return Object.fromEntries(
    signatures.map(([name, { inputs, outputs, methodName }]) => [
      name,
      Object.freeze({ inputs: tensors(inputs), outputs: tensors(outputs), methodName }),
    ]),
  );
}

const sorted = <T>(map: { readonly [key: string]: T }): [string, T][] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));

/** The tensors of an argument: several where it is sparse, or made of parts. */
function namesOf(key: string, { encoding }: TensorInfo): [key: string, name: string][] {
  if (encoding.case === 'name') return [[key, encoding.value]];
  if (encoding.case === 'cooSparse') {
    const { indicesTensorName, valuesTensorName, denseShapeTensorName } = encoding.value;
    const parts = { indices: indicesTensorName, values: valuesTensorName, denseShape: denseShapeTensorName };
    return Object.entries(parts).map(([part, name]) => [`${key}.${part}`, name]);
  }
  const components = encoding.case === 'compositeTensor' ? encoding.value.components : [];
  return components.flatMap((component, i) => namesOf(`${key}.${i}`, component));
}

/** The operation that has to run once, after the variables are there: it fills tables. */
export function initializerIn(
  { signatureDef, collectionDef }: MetaGraphDef,
  graph: Graph,
  prefix: string,
): Operation | null {
  const [info] = Object.values(signatureDef[initializing]?.outputs ?? {});
  const nodes = ['saved_model_main_op', 'legacy_init_op'].flatMap((name) => {
    const kind = collectionDef[name]?.kind;
    return kind?.case === 'nodeList' ? kind.value.value : [];
  });
  const name = info?.encoding.case === 'name' ? info.encoding.value : nodes[0];
  return name === undefined ? null : graph.operation(`${prefix}${name.replace(/:0$/, '')}`);
}
