/** Where values are in linear memory: values whose lives do not meet share room. */
import type { Banded } from './bands.js';
import { bytesIn } from './copy.js';
import type { Fused } from './fuse.js';
import { holderOf, isCompiled, type ProgramStep, type Value, type VariableSlot } from './program.js';
import type { Layout } from './layout.js';
import { mostPacked, packed, type Need } from './packing.js';
import { aligned, Room } from './room.js';
import { Loops } from './regions.js';

export interface MemoryPlan {
  readonly addressOf: ReadonlyMap<Value, number>;
  /** Where the scratch of products begins. */
  readonly scratch: number;
  /** What values and scratch take, in bytes. */
  readonly size: number;
}

export function sizeInMemory(value: Value): number {
  return aligned(bytesIn(value));
}

export function outputsOf(step: ProgramStep): readonly Value[] {
  switch (step.kind) {
    case 'host':
    case 'flow':
      return step.outputs;
    case 'matmul':
    case 'convolution':
    case 'scatter':
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
  for (const step of fused.steps) {
    if ('out' in step) placed.add(step.out);
    if (step.kind === 'flow') for (const output of step.outputs) placed.add(output);
  }
  for (const value of placed) if (value.shape === null || !isCompiled(value.dtype) || value.data) placed.delete(value);
  const made = new Set(fused.steps.flatMap((step) => (step.kind === 'host' ? [] : outputsOf(step))));
  const read = new Set(fused.reads.flatMap((values) => [...values]));
  for (const { initial } of fused.variables) made.add(initial);
  // What comes from outside and is read there only, stays there.
  for (const value of placed) if (!made.has(value) && !read.has(value)) placed.delete(value);
  return placed;
}

export function planMemory(
  fused: Banded,
  placed: ReadonlySet<Value>,
  storage: ReadonlyMap<Value, VariableSlot>,
  scratch: number,
  layout: Layout,
): MemoryPlan {
  const { needs, heirs } = needsOf(fused, placed, storage);
  const start = aligned(scratch);
  const inOrder = placedInOrder(needs, start);
  const bySize = needs.size <= mostPacked ? packed([...needs.values()], start) : inOrder;
  const { offsets, end } = bySize.end < inOrder.end ? bySize : inOrder;
  const base = layout.values(end);
  const addressOf = new Map<Value, number>();
  for (const [value, slot] of storage) addressOf.set(value, layout.variable(slot));
  [...needs.keys()].forEach((value, i) => addressOf.set(value, base + offsets[i]!));
  for (const [value, before] of heirs) addressOf.set(value, addressOf.get(before)!);
  return { addressOf, scratch: base, size: end };
}

interface Needs {
  /** What has to have a place of its own, in the order in which it comes to be. */
  readonly needs: ReadonlyMap<Value, Need>;
  /** What gets the place of another value. */
  readonly heirs: ReadonlyMap<Value, Value>;
}

/** All steps of a band are under way from the first to the last. */
function needsOf(fused: Banded, placed: ReadonlySet<Value>, storage: ReadonlyMap<Value, VariableSlot>): Needs {
  const last = lastUses(fused, placed);
  const isOwn = (value: Value): boolean => placed.has(value) && !storage.has(value);
  const heirs = heirsOf(fused, last, isOwn);
  const bandOf = new Map(
    fused.bands.flatMap((band) =>
      Array.from({ length: band.to - band.from }, (_, i) => [band.from + i, band] as const),
    ),
  );
  const needs = new Map<Value, Mutable<Need>>();
  const add = (value: Value, made: number): void => {
    if (!isOwn(value) || needs.has(value)) return;
    const [from, end] = [bandOf.get(made)?.from ?? made, last.get(value) ?? Infinity];
    const to = (bandOf.get(end)?.to ?? end + 1) - 1;
    const before = heirs.get(value);
    if (before) needs.get(before)!.to = Math.max(needs.get(before)!.to, to);
    else needs.set(value, { bytes: sizeInMemory(value), from, to });
  };
  for (const { initial } of fused.variables) add(initial, -1);
  for (const feed of fused.feeds) add(feed, -1);
  fused.steps.forEach((step, i) => outputsOf(step).forEach((output) => add(output, i)));
  return { needs, heirs };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Of values that a band makes, those that can have the place of another one that it makes and nobody needs any more: as rows of both are
 * of one size, a block of rows that is further on does not touch another block.
 */
function heirsOf(
  fused: Banded,
  last: ReadonlyMap<Value, number>,
  isOwn: (value: Value) => boolean,
): ReadonlyMap<Value, Value> {
  const heirs = new Map<Value, Value>();
  for (const { from, to } of fused.bands) {
    const made: Value[] = [];
    const free = new Set<Value>();
    for (let i = from; i < to; i++) {
      const ending = made.filter((value) => last.get(value) === i);
      for (const value of outputsOf(fused.steps[i]!).filter(isOwn)) {
        const isFree = (other: Value): boolean => free.has(other) || isReadInTime(fused, i, other, value);
        const before = [...free, ...ending].find((other) => bytesIn(other) === bytesIn(value) && isFree(other));
        if (before) heirs.set(value, heirs.get(before) ?? before);
        if (before && !free.delete(before)) ending.splice(ending.indexOf(before), 1);
        made.push(value);
      }
      for (const value of ending) free.add(value);
    }
  }
  return heirs;
}

/** Whether a kernel has read each element of `read` before it writes the same one of its member `written`. */
export function isReadInTime({ steps, deps }: Fused, at: number, read: Value, written: Value): boolean {
  const step = steps[at]!;
  if (step.kind !== 'kernel') return false;
  const position = step.members.indexOf(written);
  return step.members.every((member, i) => {
    const uses = deps.get(member)?.filter((dep) => dep.value === read) ?? [];
    return uses.every((use) => use.aligned && i <= position);
  });
}

/** Each takes what is free when it comes to be: the time is linear. */
function placedInOrder(needs: ReadonlyMap<Value, Need>, start: number): ReturnType<typeof packed> {
  const room = new Room(start);
  const list = [...needs.values()];
  const byEnd = list.map((_, i) => i).sort((a, b) => list[a]!.to - list[b]!.to);
  const offsets: number[] = [];
  let given = 0;
  for (const { bytes, from } of list) {
    for (let i = byEnd[given]; i !== undefined && list[i]!.to < from; i = byEnd[++given])
      room.give(offsets[i]!, list[i]!.bytes);
    offsets.push(room.take(bytes));
  }
  return { offsets, end: room.end };
}

/** The last step that reads a value, compiled or not; of what is fetched there is none. */
function lastUses({ steps, reads, fetches, variables }: Fused, placed: ReadonlySet<Value>): ReadonlyMap<Value, number> {
  const last = new Map<Value, number>();
  const made = new Map<Value, number>();
  const loops = new Loops(steps);
  steps.forEach((step, i) => {
    const read = step.kind === 'host' ? step.inputs.map(holderOf) : [...reads[i]!];
    for (const value of outputsOf(step)) if (!made.has(value)) made.set(value, i);
    for (const value of [...outputsOf(step), ...read]) {
      if (placed.has(value)) last.set(value, Math.max(last.get(value) ?? 0, loops.until(made.get(value) ?? -1, i)));
    }
  });
  for (const fetch of fetches) last.delete(holderOf(fetch));
  for (const { initial } of variables) last.delete(initial);
  return last;
}
