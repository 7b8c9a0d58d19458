/** One WebAssembly module for several functions over the same variables, and where in its memory things are. */
import type { DType } from '../../graph/dtype.js';
import { OutOfMemoryError } from '../../graph/errors.js';
import type { NDArray } from '../../graph/ndarray.js';
import { sizeOf } from '../../graph/shape.js';
import { PlanEmitter } from '../backends/wasm/emit.js';
import type { Layout } from '../backends/wasm/layout.js';
import { ModuleParts, type Site } from '../backends/wasm/parts.js';
import { holderOf, type Value, type VariableSlot } from '../backends/wasm/program.js';
import { aligned } from '../backends/wasm/room.js';
import { bytesOf } from '../backends/wasm/scalar-ops.js';
import type { Entry } from './entries.js';

/** An array in memory that goes by a name. */
export interface Placed {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly address: number;
}

export interface PlacedEntry {
  readonly name: string;
  readonly feeds: readonly Placed[];
  readonly fetches: readonly Placed[];
}

/** What an error says: `prefix`, then the index that is not below `size`, or that a division was by zero, then `suffix`. */
export interface Failure {
  readonly prefix: string;
  readonly what: string | null;
  readonly size: number;
  readonly suffix: string;
}

export interface AheadModule {
  /** With its memory exported under `memory`, a name that no other module has; functions go by the names of their entries. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly memory: string;
  readonly entries: readonly PlacedEntry[];
  readonly variables: readonly Placed[];
  readonly failures: readonly Failure[];
  /** How many of `bytes` are values: what variables hold at first, and constants. */
  readonly valueBytes: number;
}

const pageSize = 65536;

/**
 * Compiles `entries`. Never with fused multiply-add, so every engine computes the same bits.
 * @param initial what variables hold at first, by key; zeros where that is missing
 * @throws OutOfMemoryError where it needs more memory than there can be
 */
export function emitModule(entries: readonly Entry[], initial: ReadonlyMap<string, NDArray>): AheadModule {
  const parts = new ModuleParts(false);
  const { module, sites } = parts;
  const layout = new AheadLayout(entries.flatMap(({ fused }) => fused.variables));
  const options = { layout, threads: 1, relaxed: false, progress: layout.progress };
  const emitters = entries.map(({ fused }) => new PlanEmitter(fused, parts, options));
  const failures: Failure[] = [];
  const placedEntries = emitters.map((emitter, i) => {
    const from = sites.length;
    const { addressOf } = emitter.run(entries[i]!.name);
    failures.push(...sites.slice(from).map((site) => failureAt(site, entries[i]!)));
    return placeEntry(entries[i]!, addressOf, layout);
  });
  const { variables } = layout;
  for (const { name, address } of variables) layout.hold(address, initial.get(name) ?? null);
  let valueBytes = 0;
  for (const { address, bytes } of layout.segments) {
    module.data(address, bytes);
    valueBytes += bytes.length;
  }
  const pages = Math.ceil(layout.end / pageSize);
  if (pages > pageSize) throw new OutOfMemoryError(`The model needs ${layout.end} bytes of memory; there are 4 GiB.`);
  // A loader and a module that were not built together must not meet: addresses differ.
  module.exportMemory('memory', { initial: pages, maximum: pages });
  const memory = `memory.${fingerprint(module.finish(), JSON.stringify([placedEntries, variables, failures]))}`;
  module.exportMemory(memory, { initial: pages, maximum: pages });
  return { bytes: module.finish(), memory, entries: placedEntries, variables, failures, valueBytes };
}

function placeEntry(
  { name, fused, feeds, fetches }: Entry,
  addressOf: ReadonlyMap<Value, number>,
  layout: AheadLayout,
): PlacedEntry {
  const addressAt = (value: Value): number => {
    const holder = holderOf(value);
    if (holder.data) return layout.constant(bytesIn(holder.data).length, holder.data);
    // A feed that no compiled code reads.
    return addressOf.get(holder) ?? layout.valueAt(holder);
  };
  const place = (value: Value, as: string): Placed => {
    const { dtype, shape } = value;
    return { name: as, dtype, shape: shape!, address: addressAt(value) };
  };
  return {
    name,
    feeds: fused.feeds.map((value, i) => place(value, feeds[i]!)),
    fetches: fused.fetches.map((value, i) => place(value, fetches[i]!)),
  };
}

/** The words of a session's error. */
function failureAt({ op, bound, step }: Site, { fused }: Entry): Failure {
  const written = fused.steps.slice(0, step).flatMap((before) => (before.kind === 'assign' ? [before.op.name] : []));
  const names = [...new Set(written)].map((name) => `'${name}'`);
  const some = `${names.slice(0, 3).join(', ')}${names.length > 3 ? ' …' : ''}`;
  return {
    prefix: `${op.type} '${op.name}': `,
    what: bound?.what ?? null,
    size: bound?.size ?? 0,
    suffix: names.length === 0 ? '' : ` What this run had already written stays: ${some}.`,
  };
}

interface Segment {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/**
 * First the variables, then the values of a run, which all functions put in the same place, then constants: so all functions have to have
 * asked for their values before any asks for a constant.
 */
class AheadLayout implements Layout {
  readonly variables: readonly Placed[];
  /** What memory holds at first. */
  readonly segments: Segment[] = [];
  /** A word that runs note their progress in. */
  readonly progress = 64;
  readonly #byContent = new Map<string, Segment[]>();
  readonly #own = new Map<Value, number>();
  readonly #values: number;
  #end = 128;

  constructor(slots: readonly VariableSlot[]) {
    const variables = new Map<string, Placed>();
    for (const { key, dtype, shape } of slots) {
      if (variables.has(key)) continue;
      variables.set(key, { name: key, dtype, shape, address: this.#take(sizeOf(shape) * bytesOf(dtype)) });
    }
    this.variables = [...variables.values()];
    this.#values = this.#end;
  }

  get end(): number {
    return this.#end;
  }

  variable({ key }: VariableSlot): number {
    return this.variables.find(({ name }) => name === key)!.address;
  }

  values(bytes: number): number {
    this.#end = Math.max(this.#end, this.#values + aligned(bytes));
    return this.#values;
  }

  /** Equal constants share a place. */
  constant(size: number, array: NDArray): number {
    const bytes = bytesIn(array);
    const key = `${size} ${fingerprint(bytes)}`;
    const known = this.#byContent.get(key) ?? [];
    const equal = known.find((other) => other.bytes.every((byte, i) => byte === bytes[i]));
    if (equal) return equal.address;
    const address = this.#take(size);
    this.#byContent.set(key, [...known, { address, bytes }]);
    this.hold(address, array);
    return address;
  }

  /** The place of a value that has none among those that share theirs. */
  valueAt(value: Value): number {
    const known = this.#own.get(value);
    const address = known ?? this.#take(sizeOf(value.shape!) * bytesOf(value.dtype));
    this.#own.set(value, address);
    return address;
  }

  /** What memory holds at first. Zeros need no bytes. */
  hold(address: number, array: NDArray | null): void {
    const bytes = array ? bytesIn(array) : new Uint8Array();
    const start = bytes.findIndex((byte) => byte !== 0);
    if (start < 0) return;
    const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
    this.segments.push({ address: address + start, bytes: bytes.subarray(start, end) });
  }

  #take(bytes: number): number {
    const address = this.#end;
    this.#end += aligned(bytes);
    return address;
  }
}

function bytesIn({ data }: NDArray): Uint8Array {
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** 32 bits of FNV-1a, in hexadecimal. */
function fingerprint(bytes: Uint8Array, text = ''): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
