/** tapeless/interop: what exchanges graphs with TensorFlow and takes libraries for it. */
export type { GraphDef } from '../graph/graph-def/messages.js';
export { Checkpoint, readCheckpoint, type CheckpointEntry } from './checkpoint/checkpoint.js';
export { decodeGraphDef, encodeGraphDef } from './codec.js';
export { formatGraphDef, parseGraphDef } from './text-format.js';
export { loadSavedModel, SavedModel, type LoadOptions } from './saved-model/saved-model.js';
export type { Signature } from './saved-model/signatures.js';
export { readGraphDef, writeGraphDef } from './files.js';
