/** GraphDefs as bytes: protobuf's binary form. */
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { InvalidArgumentError } from '../graph/errors.js';
import type { GraphDef } from '../graph/graph-def/messages.js';
import { GraphDefSchema } from './proto/graph_pb.js';

/**
 * A GraphDef as bytes, as in `.pb` files. The same graph always gives the same bytes: maps are sorted by their keys.
 * @example
 * constant(2, { name: 'x' }).multiply(3);
 * decodeGraphDef(encodeGraphDef(g.toGraphDef())).node?.map(({ name }) => name); // ['x', 'Mul/y', 'Mul']
 */
export function encodeGraphDef(def: GraphDef): Uint8Array {
  return toBinary(GraphDefSchema, create(GraphDefSchema, def as MessageInitShape<typeof GraphDefSchema>));
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
