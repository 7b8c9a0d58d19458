/** What a call appended to a graph, as a value: to read, to keep, to send, to apply elsewhere, and to take back. */
import type { NodeDef } from './attr.js';
import type { Addition, FunctionDef, Patch } from './state.js';

/** What a transaction added, oldest first. */
export interface Appended {
  readonly nodes: readonly NodeDef[];
  /** For each of the nodes, the name of the operation whose gradient it helps to compute, or null. */
  readonly forwardOf: readonly (string | null)[];
  /** What came into the function library. */
  readonly functions: readonly FunctionDef[];
  /** What came into collections: the collection, and the name of a node. */
  readonly collections: readonly (readonly [collection: string, name: string])[];
  /** The exact immer patches from the state before to the state after. */
  readonly patches: readonly Patch[];
  /** Those that lead back. */
  readonly inversePatches: readonly Patch[];
}

/** The value of an addition; its patches, forth and back, are worked out when they are first read. */
export function appendedOf(
  { nodes, functions, collections }: Addition,
  forwardOf: readonly (string | null)[],
  makePatches: () => readonly [readonly Patch[], readonly Patch[]],
): Appended {
  let made: readonly [readonly Patch[], readonly Patch[]] | undefined;
  const both = () => (made ??= makePatches());
  return Object.freeze({
    nodes: Object.freeze(nodes),
    forwardOf: Object.freeze(forwardOf),
    functions: Object.freeze(functions),
    collections: Object.freeze(collections),
    get patches() {
      return both()[0];
    },
    get inversePatches() {
      return both()[1];
    },
  });
}
