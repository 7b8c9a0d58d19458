/** Where values are in linear memory: values whose lives do not meet share room. */
import { sizeOf } from '../../../graph/shape.js';
import type { Fused } from './fuse.js';
import { holderOf, isCompiled, type ProgramStep, type Value, type VariableSlot } from './program.js';
import { bytesOf } from './scalar-ops.js';

const alignment = 64;

/** What has its place before values get theirs. */
export interface Layout {
  /** Where the scratch of products begins. */
  readonly scratch: number;
  /** Where each variable is. */
  readonly variables: ReadonlyMap<VariableSlot, number>;
  /** Where values may begin. */
  readonly start: number;
}

export interface MemoryPlan extends Layout {
  readonly addressOf: ReadonlyMap<Value, number>;
  /** All of it, in bytes; constants come behind. */
  readonly size: number;
}

/** Scratch first, then variables; those of one key, in different plans, are one. */
export function layOut(slots: readonly VariableSlot[], scratch: number): Layout {
  // The first bytes stay free, so that no address is 0.
  let end = alignment + aligned(scratch);
  const byKey = new Map<string, number>();
  const variables = new Map<VariableSlot, number>();
  for (const slot of slots) {
    const known = byKey.get(slot.key);
    const address = known ?? end;
    byKey.set(slot.key, address);
    variables.set(slot, address);
    if (known === undefined) end += sizeInMemory(slot.initial);
  }
  return { scratch: alignment, variables, start: end };
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

export function sizeInMemory(value: Value): number {
  return aligned(sizeOf(value.shape!) * bytesOf(value.dtype));
}

export function outputsOf(step: ProgramStep): readonly Value[] {
  switch (step.kind) {
    case 'host':
      return step.outputs;
    case 'matmul':
      return [step.out];
    case 'kernel':
      return step.members;
    case 'assign':
      return [];
  }
}

/** What has a place in memory: what compiled code reads or writes, other than constants. */
export function placedValues(fused: Fused): ReadonlySet<Value> {
  const placed = new Set([...fused.stored, ...fused.variables.map(({ initial }) => initial)]);
  for (const read of fused.reads) for (const value of read) if (!value.data) placed.add(value);
  for (const step of fused.steps) if (step.kind === 'matmul') placed.add(step.out);
  for (const value of placed) if (value.shape === null || !isCompiled(value.dtype) || value.data) placed.delete(value);
  const made = new Set(fused.steps.flatMap((step) => (step.kind === 'host' ? [] : outputsOf(step))));
  const read = new Set(fused.reads.flatMap((values) => [...values]));
  for (const { initial } of fused.variables) made.add(initial);
  // What comes from outside and is read there only, stays there.
  for (const value of placed) if (!made.has(value) && !read.has(value)) placed.delete(value);
  return placed;
}

export function planMemory(
  fused: Fused,
  placed: ReadonlySet<Value>,
  storage: ReadonlyMap<Value, VariableSlot>,
  layout: Layout,
): MemoryPlan {
  const { variables, start } = layout;
  const room = new Room(start);
  const addressOf = new Map<Value, number>();
  for (const [value, slot] of storage) addressOf.set(value, variables.get(slot)!);
  const place = (value: Value): void => {
    if (!storage.has(value)) addressOf.set(value, room.take(sizeInMemory(value)));
  };
  for (const { initial } of fused.variables) place(initial);
  const dying: Value[][] = fused.steps.map(() => []);
  for (const [value, step] of lastUses(fused, placed)) dying[step]!.push(value);
  for (const feed of fused.feeds) if (placed.has(feed)) place(feed);
  fused.steps.forEach((step, i) => {
    for (const output of outputsOf(step)) if (placed.has(output)) place(output);
    for (const value of dying[i]!) if (!storage.has(value)) room.give(addressOf.get(value)!, sizeInMemory(value));
  });
  return { ...layout, addressOf, size: room.end };
}

/** The last step that reads a value, compiled or not; of what is fetched there is none. */
function lastUses({ steps, reads, fetches, variables }: Fused, placed: ReadonlySet<Value>): ReadonlyMap<Value, number> {
  const last = new Map<Value, number>();
  steps.forEach((step, i) => {
    const read = step.kind === 'host' ? step.inputs.map(holderOf) : [...reads[i]!];
    for (const value of [...outputsOf(step), ...read]) if (placed.has(value)) last.set(value, i);
  });
  for (const fetch of fetches) last.delete(holderOf(fetch));
  for (const { initial } of variables) last.delete(initial);
  return last;
}

interface Stretch {
  readonly from: number;
  readonly size: number;
}

/** Free stretches of memory: the smallest that is large enough is taken, and neighbours grow together again. */
class Room {
  readonly #byStart = new Map<number, Stretch>();
  readonly #byEnd = new Map<number, Stretch>();
  /** There are few sizes, however many stretches there are. */
  readonly #bySize = new Map<number, Set<Stretch>>();
  #end: number;

  constructor(start: number) {
    this.#end = start;
  }

  get end(): number {
    return this.#end;
  }

  take(size: number): number {
    if (size === 0) return this.#end;
    let best = Infinity;
    for (const free of this.#bySize.keys()) if (free >= size && free < best) best = free;
    if (best < Infinity) {
      const [stretch] = this.#bySize.get(best)!;
      this.#remove(stretch!);
      if (best > size) this.#add({ from: stretch!.from + size, size: best - size });
      return stretch!.from;
    }
    // What is free at the end grows.
    const last = this.#byEnd.get(this.#end);
    if (last) this.#remove(last);
    const from = last?.from ?? this.#end;
    this.#end = from + size;
    return from;
  }

  give(from: number, size: number): void {
    if (size === 0) return;
    const [before, after] = [this.#byEnd.get(from), this.#byStart.get(from + size)];
    if (before) this.#remove(before);
    if (after) this.#remove(after);
    const start = before?.from ?? from;
    this.#add({ from: start, size: from + size + (after?.size ?? 0) - start });
  }

  #add(stretch: Stretch): void {
    const { from, size } = stretch;
    this.#byStart.set(from, stretch);
    this.#byEnd.set(from + size, stretch);
    let equal = this.#bySize.get(size);
    if (!equal) this.#bySize.set(size, (equal = new Set()));
    equal.add(stretch);
  }

  #remove(stretch: Stretch): void {
    const { from, size } = stretch;
    this.#byStart.delete(from);
    this.#byEnd.delete(from + size);
    const equal = this.#bySize.get(size)!;
    equal.delete(stretch);
    if (equal.size === 0) this.#bySize.delete(size);
  }
}
