/** Where values are in linear memory: values whose lives do not meet share room. */
import { sizeOf } from '../../../graph/shape.js';
import type { Fused } from './fuse.js';
import { holderOf, isCompiled, type ProgramStep, type Value, type VariableSlot } from './program.js';
import type { Layout } from './layout.js';
import { mostPacked, packed, type Need } from './packing.js';
import { aligned, Room } from './room.js';
import { Loops } from './regions.js';
import { bytesOf } from './scalar-ops.js';

export interface MemoryPlan {
  readonly addressOf: ReadonlyMap<Value, number>;
  /** Where the scratch of products begins. */
  readonly scratch: number;
  /** What values and scratch take, in bytes. */
  readonly size: number;
}

export function sizeInMemory(value: Value): number {
  return aligned(sizeOf(value.shape!) * bytesOf(value.dtype));
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
  fused: Fused,
  placed: ReadonlySet<Value>,
  storage: ReadonlyMap<Value, VariableSlot>,
  scratch: number,
  layout: Layout,
): MemoryPlan {
  const needs = needsOf(fused, placed, storage);
  const start = aligned(scratch);
  const inOrder = placedInOrder(needs, start);
  const bySize = needs.size <= mostPacked ? packed([...needs.values()], start) : inOrder;
  const { offsets, end } = bySize.end < inOrder.end ? bySize : inOrder;
  const base = layout.values(end);
  const addressOf = new Map<Value, number>();
  for (const [value, slot] of storage) addressOf.set(value, layout.variable(slot));
  [...needs.keys()].forEach((value, i) => addressOf.set(value, base + offsets[i]!));
  return { addressOf, scratch: base, size: end };
}

/** What has to have a place of its own, in the order in which it comes to be. */
function needsOf(
  fused: Fused,
  placed: ReadonlySet<Value>,
  storage: ReadonlyMap<Value, VariableSlot>,
): ReadonlyMap<Value, Need> {
  const last = lastUses(fused, placed);
  const needs = new Map<Value, Need>();
  const add = (value: Value, from: number): void => {
    if (storage.has(value) || !placed.has(value) || needs.has(value)) return;
    needs.set(value, { bytes: sizeInMemory(value), from, to: last.get(value) ?? Infinity });
  };
  for (const { initial } of fused.variables) add(initial, -1);
  for (const feed of fused.feeds) add(feed, -1);
  fused.steps.forEach((step, i) => outputsOf(step).forEach((output) => add(output, i)));
  return needs;
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
