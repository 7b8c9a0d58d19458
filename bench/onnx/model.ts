/** A graph of tapeless as an ONNX model: what does not depend on feeds becomes constants, the rest is translated op by op. */
import { createRequire } from 'node:module';
import * as tl from '../../src/index.js';
import type { Unable } from '../types.js';
import { translations } from './translations.js';
import { ModelWriter, type ModelProto } from './writer.js';

export interface OnnxModel {
  readonly bytes: Uint8Array;
  /** Names of the inputs and outputs, in the order of feeds and fetches. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

interface Onnx {
  readonly onnx: { readonly ModelProto: { encode(model: ModelProto): { finish(): Uint8Array } } };
}

export function onnxModel(graph: {
  readonly fetches: readonly tl.Tensor[];
  readonly feeds: readonly tl.Tensor[];
}): OnnxModel | Unable {
  const needed = ancestors(graph.fetches);
  const constants = constantValues(needed, graph.feeds);
  const live = needed.filter((op) => op.type !== 'Placeholder' && !op.outputs.every(({ name }) => constants.has(name)));
  const missing = [...new Set(live.map(({ type }) => type).filter((type) => !translations.has(type)))];
  if (missing.length > 0) return { unable: `not built: no translation to ONNX of ${missing.join(', ')}` };
  const writer = new ModelWriter(constants);
  const inputs = graph.feeds.map((feed) => writer.input(feed));
  for (const op of live) translations.get(op.type)!(writer, op);
  const outputs = graph.fetches.map((fetch) => writer.output(fetch));
  const { onnx } = createRequire(import.meta.url)('onnx-proto') as Onnx;
  return { bytes: onnx.ModelProto.encode(writer.finish()).finish(), inputs, outputs };
}

/** In the order in which they were made, so that inputs come first. */
function ancestors(fetches: readonly tl.Tensor[]): tl.Operation[] {
  const seen = new Set<tl.Operation>();
  const open = fetches.map(({ op }) => op);
  for (let op = open.pop(); op !== undefined; op = open.pop()) {
    if (seen.has(op)) continue;
    seen.add(op);
    open.push(...op.inputs.map((input) => input.op));
  }
  return [...fetches[0]!.graph.operations()].filter((op) => seen.has(op));
}

/** What only asks for the shapes of its inputs. */
const ofShapes = new Set(['Shape', 'ShapeN', 'ZerosLike']);

const isStatic = (tensor: tl.Tensor): boolean => tensor.shape !== null && tensor.shape.every((size) => size !== null);

function constantValues(operations: readonly tl.Operation[], feeds: readonly tl.Tensor[]): Map<string, tl.NDArray> {
  const constant = new Set<tl.Operation>();
  for (const op of operations) {
    const ofShape = ofShapes.has(op.type) && op.inputs.every(isStatic);
    if (op.type !== 'Placeholder' && (ofShape || op.inputs.every((input) => constant.has(input.op)))) constant.add(op);
  }
  const tensors = [...constant].flatMap(({ outputs }) => outputs);
  if (tensors.length === 0) return new Map();
  const session = new tl.Session({ graph: tensors[0]!.graph, backend: 'interpret' });
  const zeros = feeds.map((feed) => [feed, tl.NDArray.filled(feed.dtype, feed.shape as readonly number[], 0)] as const);
  const values = session.runSync(tensors, new Map(zeros)) as readonly tl.NDArray[];
  return new Map(tensors.map(({ name }, i) => [name, values[i]!]));
}
