/** GraphDefs as text: protobuf's text format, as in `.pbtxt` files. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GraphDef } from '../graph/graph-def/messages.js';
import { GraphDefSchema } from './proto/graph_pb.js';
import { textPieces } from './text/format.js';
import { parseText } from './text/parse.js';

/** The text of a GraphDef in pieces, which together may be more than a string can hold. */
export function formatPieces(def: GraphDef): Generator<string> {
  return textPieces(GraphDefSchema, def as MessageInitShape<typeof GraphDefSchema>);
}

/**
 * A GraphDef as text, as in `.pbtxt` files: the very text that TensorFlow's Python writes. It can be read, and read again.
 * @example
 * constant(true, { name: 'x' });
 * formatGraphDef(g.toGraphDef()).split('\n').slice(0, 3); // ['node {', '  name: "x"', '  op: "Const"']
 */
export function formatGraphDef(def: GraphDef): string {
  return [...formatPieces(def)].join('');
}

/**
 * The GraphDef of a text in protobuf's text format, or of its bytes.
 * @throws InvalidArgumentError with line and column where it is none
 * @example
 * parseGraphDef('node { name: "x" op: "NoOp" } # nothing').node?.[0]?.op; // 'NoOp'
 */
export function parseGraphDef(text: string | Uint8Array): GraphDef {
  return parseText(GraphDefSchema, text, 'parseGraphDef');
}
