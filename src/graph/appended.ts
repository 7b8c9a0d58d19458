/** What a call appended to a graph, as a value: to read, to keep, to send, to apply elsewhere, and to take back. */
import { applyPatches } from 'immer';
import type { NodeDef } from './attr.js';
import { bodyDefOf, specsOf, type BodyDef, type OutputSpec } from './body.js';
import { InvalidArgumentError } from './errors.js';
import type { Ledger, LedgerMark } from './ledger.js';
import type { Operation } from './operation.js';
import { appendedLines, appendedJson } from './print/appended.js';
import type { Json } from './print/json.js';
import { sameValue } from './same.js';
import type { Shape } from './shape.js';
import {
  append,
  countNodes,
  nodesOf,
  skeleton,
  type Addition,
  type FunctionDef,
  type GraphState,
  type Patch,
  type Room,
} from './state.js';

/** A tensor that was there before. */
export interface Use extends OutputSpec {
  readonly name: string;
  /** The op type of what gives it. */
  readonly op: string;
}

/** What was added, as data, oldest first. */
export interface AppendedData {
  readonly nodes: readonly NodeDef[];
  /** For each of the nodes, the name of the operation whose gradient it helps to compute, or null. */
  readonly forwardOf: readonly (string | null)[];
  /** For each of the nodes, what is known of its outputs. */
  readonly outputs: readonly (readonly OutputSpec[])[];
  /** What came into the function library. */
  readonly functions: readonly FunctionDef[];
  /** The bodies of these functions. */
  readonly bodies: readonly BodyDef[];
  /** What came into collections: the collection, and the name of a node. */
  readonly collections: readonly (readonly [collection: string, name: string])[];
  /** Names that were taken and that no node bears, in lower case: those of scopes. */
  readonly names: readonly string[];
  /** The tensors that its nodes take and that were there before. */
  readonly uses: readonly Use[];
  /** Tensors that were there before, and of whose shape more is known since. */
  readonly refined: readonly (readonly [tensor: string, shape: Shape])[];
  /** How much there was before. */
  readonly start: Room;
}

/** What a transaction added. It is a value: it holds on to no graph, and `JSON.stringify` writes it down. */
export interface Appended extends AppendedData {
  /** The exact immer patches from the state before to the state after. */
  readonly patches: readonly Patch[];
  /** Those that lead back. */
  readonly inversePatches: readonly Patch[];
  /**
   * The state after, from the state before or one equal to it.
   * @throws InvalidArgumentError where `before` is another state, or has all this already
   */
  redo(before: GraphState): GraphState;
  /**
   * The state before, from the state after or one equal to it.
   * @throws InvalidArgumentError where `after` does not end with just this
   */
  undo(after: GraphState): GraphState;
  /** A diff: a line with a `+` for everything that was added. */
  toString(): string;
  /** As JSON, from which `appendedFromJSON` makes an equal value. */
  toJSON(): Json;
}

/** The value of what came into `ledger` since `mark`. */
export function appendedSince(ledger: Ledger, mark: LedgerMark, names: readonly string[]): Appended {
  const added = ledger.since(mark);
  const operations = ledger.operations.slice(mark.nodes);
  const functions = ledger.functions.slice(mark.functions);
  let bodies: readonly BodyDef[] | undefined;
  return new Addendum({
    ...added,
    forwardOf: operations.map(({ forwardOp }) => forwardOp?.name ?? null),
    outputs: operations.map(specsOf),
    // Bodies in the library are finished: what they are may be worked out when somebody asks.
    get bodies() {
      return (bodies ??= functions.map(bodyDefOf));
    },
    names,
    uses: usesOf(operations, mark.nodes),
    refined: ledger.refinedSince(mark).map(({ name, shape }) => [name, shape] as const),
    start: ledger.roomAt(mark, new Set(added.collections.map(([collection]) => collection))),
  });
}

function usesOf(operations: readonly Operation[], start: number): readonly Use[] {
  const used = new Map<string, Use>();
  for (const { inputs } of operations) {
    for (const { op, name, dtype, shape } of inputs) {
      if (op.id < start && !used.has(name)) used.set(name, { name, op: op.type, dtype, shape });
    }
  }
  return [...used.values()];
}

/** The value of data, which must not change any more. */
export function appendedOf(data: AppendedData): Appended {
  return new Addendum(data);
}

class Addendum implements Appended {
  readonly #data: AppendedData;
  #made: readonly [readonly Patch[], readonly Patch[]] | undefined;
  declare readonly nodes: AppendedData['nodes'];
  declare readonly forwardOf: AppendedData['forwardOf'];
  declare readonly outputs: AppendedData['outputs'];
  declare readonly functions: AppendedData['functions'];
  declare readonly collections: AppendedData['collections'];
  declare readonly names: AppendedData['names'];
  declare readonly uses: AppendedData['uses'];
  declare readonly refined: AppendedData['refined'];
  declare readonly start: AppendedData['start'];

  constructor(data: AppendedData) {
    this.#data = data;
    const { nodes, forwardOf, outputs, functions, collections, names, uses, refined, start } = data;
    const parts = { nodes, forwardOf, outputs, functions, collections, names, uses, refined, start };
    Object.values(parts).forEach(Object.freeze);
    Object.freeze(Object.assign(this, parts));
  }

  get bodies(): readonly BodyDef[] {
    return this.#data.bodies;
  }

  get patches(): readonly Patch[] {
    return this.#patches()[0];
  }

  get inversePatches(): readonly Patch[] {
    return this.#patches()[1];
  }

  redo(before: GraphState): GraphState {
    const why = this.#whyNotAfter(before);
    if (why) throw new InvalidArgumentError(`This cannot be appended to that state: ${why}.`);
    return append(before, this)[0];
  }

  undo(after: GraphState): GraphState {
    const why = this.#whyNotLast(after);
    if (why) throw new InvalidArgumentError(`This cannot be taken from that state: ${why}.`);
    return applyPatches(after, [...this.inversePatches]);
  }

  toString(): string {
    return appendedLines(this)
      .map((line) => `${line}\n`)
      .join('');
  }

  toJSON(): Json {
    return appendedJson(this);
  }

  /** Where what was there is named by numbers alone, patches follow without it. */
  #patches(): readonly [readonly Patch[], readonly Patch[]] {
    if (!this.#made) {
      const [, patches, inverse] = append(skeleton(this.start), this);
      this.#made = [patches, inverse];
    }
    return this.#made;
  }

  #whyNotAfter(state: GraphState): string | null {
    if (this.nodes.length > 0 && this.#whyNotLast(state) === null) return 'it ends with just this already';
    const why = whyUnlike(state, this.start);
    if (why) return why;
    const there = new Set<string>();
    for (const { name } of nodesOf(state)) there.add(name.toLowerCase());
    const twice = this.nodes.find(({ name }) => there.has(name.toLowerCase()));
    if (twice) return `it has a node '${twice.name}' already`;
    const missing = this.uses.find(({ name }) => !there.has(name.toLowerCase().replace(/:\d+$/, '')));
    return missing ? `it has no '${missing.name}', which a node takes` : null;
  }

  #whyNotLast(state: GraphState): string | null {
    const why = whyUnlike(state, roomAfter(this.start, this));
    if (why) return why;
    const last = <T>(list: readonly T[], count: number) => list.slice(list.length - count);
    const nodes = [...nodesOf(state)];
    const other = last(nodes, this.nodes.length).findIndex((node, i) => !sameValue(node, this.nodes[i]));
    if (other >= 0)
      return `its node ${this.start.nodes + other} is not '${this.nodes[other]!.name}' as it was appended`;
    const functions = last(state.functions, this.functions.length);
    const unlike = functions.findIndex((fn, i) => !sameValue(fn, this.functions[i]));
    return unlike < 0 ? null : `its function '${functions[unlike]!.signature.name}' is another`;
  }
}

/** How much there is after an addition to so much. */
function roomAfter({ nodes, functions, collections }: Room, added: Addition): Room {
  const counts: Record<string, number> = { ...collections };
  for (const [collection] of added.collections) counts[collection] = (counts[collection] ?? 0) + 1;
  return { nodes: nodes + added.nodes.length, functions: functions + added.functions.length, collections: counts };
}

/** Why `state` cannot be one that holds so much. */
function whyUnlike(state: GraphState, { nodes, functions, collections }: Room): string | null {
  if (countNodes(state) !== nodes) return `it has ${countNodes(state)} nodes, not ${nodes}`;
  if (state.functions.length !== functions) return `it has ${state.functions.length} functions, not ${functions}`;
  for (const name in collections) {
    const size = state.collections[name]?.length ?? 0;
    if (size !== collections[name]) return `its collection '${name}' has ${size} members, not ${collections[name]}`;
  }
  return null;
}
