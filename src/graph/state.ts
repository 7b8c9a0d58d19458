/** The immutable state of a graph, and the one way it grows. */
import { enablePatches, produceWithPatches, type Patch } from 'immer';
import type { Attrs, NodeDef } from './attr.js';
import type { DType } from './dtype.js';
import type { FunctionProto } from './graph-def/messages.js';

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
  /** The function library, oldest first. */
  readonly functions: readonly FunctionDef[];
  readonly collections: { readonly [name: string]: readonly string[] };
  readonly versions: { readonly producer: number; readonly minConsumer: number };
}

/** An argument or result of a function. */
export interface ArgumentDef {
  readonly name: string;
  readonly type: DType;
  /** The node of the body that it is. */
  readonly op: string;
}

/** A function of the library, field for field TensorFlow's FunctionDef. */
export interface FunctionDef {
  readonly signature: {
    readonly name: string;
    readonly inputArg: readonly ArgumentDef[];
    readonly outputArg: readonly ArgumentDef[];
    readonly controlOutput: readonly string[];
    readonly isStateful: boolean;
  };
  /** The body in topological order, without the arguments. Inputs are `argument` or `node:output:index`, then `^node`. */
  readonly nodeDef: readonly NodeDef[];
  /** What each result is. */
  readonly ret: { readonly [result: string]: string };
  /** Nodes that run for their effect. */
  readonly controlRet: { readonly [output: string]: string };
  /** Of each argument, what is known of it besides: the attributes of its node. */
  readonly argAttr: readonly Attrs[];
  /** The message that an imported function came as: it may say more. */
  readonly source?: FunctionProto;
}

/** What is added in one step. */
export interface Addition {
  readonly nodes: readonly NodeDef[];
  readonly functions: readonly FunctionDef[];
  readonly collections: readonly (readonly [collection: string, name: string])[];
}

/** How much a state holds. Of collections, perhaps only some. */
export interface Room {
  readonly nodes: number;
  readonly functions: number;
  readonly collections: { readonly [name: string]: number };
}

export type { Patch };

type Draft<T> = { -readonly [K in keyof T]: T[K] extends object ? Draft<T[K]> : T[K] };

export const emptyState: GraphState = Object.freeze({
  nodes: Object.freeze([]),
  functions: Object.freeze([]),
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

/** Something that holds as much as a state: an addition to it has the same patches. */
export function skeleton({ nodes, functions, collections }: Room): GraphState {
  const block = new Array<NodeDef>(blockSize);
  const supers: NodeDef[][][] = [];
  for (let count = 0; count < nodes; count += blockSize) {
    if (count % (blockSize * blocksInSuper) === 0) supers.push([]);
    supers.at(-1)!.push(nodes - count < blockSize ? new Array<NodeDef>(nodes - count) : block);
  }
  const counted = Object.entries(collections).filter(([, size]) => size > 0);
  return {
    ...emptyState,
    nodes: supers,
    functions: new Array<FunctionDef>(functions),
    collections: Object.fromEntries(counted.map(([name, size]) => [name, new Array<string>(size)])),
  };
}

/** `state` with `addition` at its end, and the exact patches there and back. */
export function append(
  state: GraphState,
  addition: Addition,
): readonly [GraphState, readonly Patch[], readonly Patch[]] {
  return produceWithPatches(state, (draft) => {
    appendNodes(draft.nodes as unknown as NodeDef[][][], state, addition.nodes);
    if (addition.functions.length > 0) (draft.functions as FunctionDef[]).push(...addition.functions);
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
