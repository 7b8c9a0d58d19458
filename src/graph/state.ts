/** The immutable state of a graph, and the one way it grows. */
import { enablePatches, produceWithPatches, type Patch } from 'immer';
import type { NodeDef } from './attr.js';

enablePatches();

const blockSize = 64;
const blocksInSuper = 64;

/**
 * What a graph is: an append-only list of nodes, oldest first, in two levels of blocks (so that appending shares nearly
 * everything), and named collections of node names. Frozen, structurally shared, safe to keep.
 */
export interface GraphState {
  /** `nodes[i][j][k]` is node `(i * 64 + j) * 64 + k`. */
  readonly nodes: readonly (readonly (readonly NodeDef[])[])[];
  readonly collections: { readonly [name: string]: readonly string[] };
  readonly versions: { readonly producer: number; readonly minConsumer: number };
}

/** What is added in one step. */
export interface Addition {
  readonly nodes: readonly NodeDef[];
  readonly collections: readonly (readonly [collection: string, name: string])[];
}

export type { Patch };

type Draft<T> = { -readonly [K in keyof T]: T[K] extends object ? Draft<T[K]> : T[K] };

export const emptyState: GraphState = Object.freeze({
  nodes: Object.freeze([]),
  collections: Object.freeze({}),
  // The producer version of the TensorFlow release whose behaviour is reproduced here.
  versions: Object.freeze({ producer: 2474, minConsumer: 0 }),
});

export function countNodes(state: GraphState): number {
  const supers = state.nodes.length;
  if (supers === 0) return 0;
  const last = state.nodes[supers - 1]!;
  return ((supers - 1) * blocksInSuper + last.length - 1) * blockSize + last[last.length - 1]!.length;
}

/** The nodes of a state, oldest first. */
export function* nodesOf(state: GraphState): Generator<NodeDef> {
  for (const blocks of state.nodes) for (const block of blocks) yield* block;
}

/** `state` with `addition` at its end, and the exact patches there and back. */
export function append(
  state: GraphState,
  addition: Addition,
): readonly [GraphState, readonly Patch[], readonly Patch[]] {
  return produceWithPatches(state, (draft) => {
    appendNodes(draft.nodes as unknown as NodeDef[][][], state, addition.nodes);
    for (const [collection, name] of addition.collections) {
      ((draft.collections as Draft<Record<string, string[]>>)[collection] ??= []).push(name);
    }
  });
}

function appendNodes(supers: NodeDef[][][], state: GraphState, nodes: readonly NodeDef[]): void {
  const count = countNodes(state);
  let next = 0;
  const room = (blockSize - (count % blockSize)) % blockSize;
  if (room > 0) {
    const blocks = supers[supers.length - 1]!;
    const block = blocks[blocks.length - 1]!;
    for (; next < Math.min(room, nodes.length); next++) block.push(nodes[next]!);
  }
  let blockIndex = Math.ceil(count / blockSize);
  let fresh: NodeDef[][] | null = null;
  for (; next < nodes.length; next += blockSize, blockIndex++) {
    const block = Object.freeze(nodes.slice(next, next + blockSize)) as NodeDef[];
    if (blockIndex % blocksInSuper === 0) supers.push((fresh = [block]));
    else if (fresh) fresh.push(block);
    else supers[supers.length - 1]!.push(block);
  }
}
