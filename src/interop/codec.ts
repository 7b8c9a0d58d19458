/** GraphDefs as bytes: protobuf's binary form, written piece by piece. */
import { create, fromBinary, toBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { InvalidArgumentError } from '../graph/errors.js';
import type { AttrProto, FunctionProto, GraphDef, NodeProto } from '../graph/graph-def/messages.js';
import {
  AttrValueSchema,
  FunctionDef_ArgAttrsSchema,
  FunctionDefLibrarySchema,
  FunctionDefSchema,
  GraphDefSchema,
  NodeDefSchema,
  TensorProtoSchema,
  VersionDefSchema,
} from './proto/graph_pb.js';
import { sortedFunction, sortedNode } from './sorted.js';

function bytesOf<D extends DescMessage>(schema: D, message: object): Uint8Array {
  return toBinary(schema, create(schema, message as MessageInitShape<D>));
}

const sizeOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0);

/** A field of length-delimited content: what stands before it, and it. */
function* field(number: number, ...content: readonly Uint8Array[]): Generator<Uint8Array> {
  const size = sizeOf(content);
  yield new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(size).finish();
  yield* content;
}

/**
 * The bytes of a GraphDef in pieces, a few for each node: a large one needs no room for all of them at once.
 * @throws InvalidArgumentError for a node of more than 2 GB, which protobuf cannot hold
 */
export function* encodePieces(def: GraphDef): Generator<Uint8Array> {
  const { node = [], library, versions, debugInfo } = def;
  for (const item of node) {
    const pieces = nodePieces(sortedNode(item));
    const size = sizeOf(pieces);
    if (size >= 2 ** 31)
      throw new InvalidArgumentError(`Node '${item.name}' takes ${size} bytes: protobuf holds no more than 2 GB.`, { nodeName: item.name, op: item.op }); // prettier-ignore
    yield* field(1, ...pieces);
  }
  if (library) {
    const { function: functions = [] } = library;
    const others = { ...library, function: [] };
    yield* field(2, ...functions.flatMap((fn) => [...field(1, functionBytes(fn))]), bytesOf(FunctionDefLibrarySchema, others)); // prettier-ignore
  }
  if (versions) yield* field(4, bytesOf(VersionDefSchema, versions));
  if (debugInfo && debugInfo.length > 0) yield* field(5, debugInfo);
}

/** Contents of more bytes than this are not copied. */
const large = 1 << 16;

/** The bytes of a node; the contents of large tensors as what they are views of. */
function nodePieces(node: NodeProto): readonly Uint8Array[] {
  const attrs = Object.entries(node.attr ?? {});
  const isLarge = attrs.some(
    ([, { value }]) => value.case === 'tensor' && (value.value.tensorContent?.length ?? 0) > large,
  );
  if (!isLarge) return [bytesOf(NodeDefSchema, node)];
  const { name = '', op = '', input = [], device = '', experimentalDebugInfo, experimentalType } = node;
  return [
    bytesOf(NodeDefSchema, { name, op, input, device }),
    ...attrs.flatMap(([key, attr]) => [...field(5, ...field(1, utf8.encode(key)), ...field(2, ...attrPieces(attr)))]),
    bytesOf(NodeDefSchema, { ...(experimentalDebugInfo && { experimentalDebugInfo }), ...(experimentalType && { experimentalType }) }), // prettier-ignore
  ];
}

const utf8 = new TextEncoder();
const nothing = new Uint8Array(0);

function attrPieces(attr: AttrProto): readonly Uint8Array[] {
  if (attr.value.case !== 'tensor') return [bytesOf(AttrValueSchema, attr)];
  const { dtype = 0, tensorShape, versionNumber = 0, tensorContent = nothing, ...others } = attr.value.value;
  return [
    ...field(
      8,
      bytesOf(TensorProtoSchema, { dtype, ...(tensorShape && { tensorShape }), versionNumber }),
      ...(tensorContent.length > 0 ? field(4, tensorContent) : []),
      bytesOf(TensorProtoSchema, { ...others, dtype: 0, versionNumber: 0, tensorContent: nothing, ...('$typeName' in others && { tensorShape: undefined }) }), // prettier-ignore
    ),
  ];
}

/** TensorFlow's protobuf writes maps whose keys are numbers from the last to the first; they are the last two fields. */
function functionBytes(unsorted: FunctionProto): Uint8Array {
  const fn = sortedFunction(unsorted);
  const { argAttr = {}, resourceArgUniqueId = {} } = fn;
  const descending = (map: object) => Object.keys(map).map(Number).reverse();
  const entries = [
    ...descending(argAttr).flatMap((i) => {
      const entry = new BinaryWriter().uint32(8).uint32(i).finish();
      return [...field(7, entry, ...field(2, bytesOf(FunctionDef_ArgAttrsSchema, argAttr[i]!)))];
    }),
    ...descending(resourceArgUniqueId).flatMap((i) => {
      const entry = new BinaryWriter().uint32(8).uint32(i).uint32(16).uint32(resourceArgUniqueId[i]!).finish();
      return [...field(8, entry)];
    }),
  ];
  return joined([bytesOf(FunctionDefSchema, { ...fn, argAttr: {}, resourceArgUniqueId: {} }), ...entries]);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(sizeOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * A GraphDef as bytes, as in `.pb` files. The same graph always gives the same bytes, those that TensorFlow's own deterministic
 * serialisation gives.
 * @throws InvalidArgumentError for a node of more than 2 GB
 * @example
 * constant(2, { name: 'x' }).multiply(3);
 * decodeGraphDef(encodeGraphDef(g.toGraphDef())).node?.map(({ name }) => name); // ['x', 'Mul/y', 'Mul']
 */
export function encodeGraphDef(def: GraphDef): Uint8Array {
  return joined([...encodePieces(def)]);
}

/**
 * The GraphDef of bytes. Contents of tensors are views of them.
 * @throws InvalidArgumentError where they are none
 */
export function decodeGraphDef(bytes: Uint8Array): GraphDef {
  try {
    return fromBinary(GraphDefSchema, bytes);
  } catch (error) {
    throw new InvalidArgumentError(`decodeGraphDef: these bytes are no GraphDef: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
