/** tapeless/interop: what exchanges graphs with TensorFlow and takes libraries for it. */
export type { GraphDef } from '../graph/graph-def/messages.js';
export { decodeGraphDef, encodeGraphDef } from './codec.js';
export { formatGraphDef, parseGraphDef } from './text-format.js';
export { readGraphDef, writeGraphDef } from './files.js';
