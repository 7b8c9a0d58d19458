/** Where values are in linear memory: values whose lives do not meet share room. */
import { sizeOf } from '../../../graph/shape.js';
import type { Fused } from './fuse.js';
import { holderOf, isCompiled, type ProgramStep, type Value, type VariableSlot } from './program.js';
import type { Layout } from './layout.js';
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
  const room = new Room(aligned(scratch));
  const offsets = new Map<Value, number>();
  const place = (value: Value): void => {
    if (!storage.has(value) && placed.has(value) && !offsets.has(value))
      offsets.set(value, room.take(sizeInMemory(value)));
  };
  for (const { initial } of fused.variables) place(initial);
  const dying: Value[][] = fused.steps.map(() => []);
  for (const [value, step] of lastUses(fused, placed)) dying[step]!.push(value);
  for (const feed of fused.feeds) place(feed);
  fused.steps.forEach((step, i) => {
    for (const output of outputsOf(step)) place(output);
    for (const value of dying[i]!) if (!storage.has(value)) room.give(offsets.get(value)!, sizeInMemory(value));
  });
  const base = layout.values(room.end);
  const addressOf = new Map<Value, number>();
  for (const [value, slot] of storage) addressOf.set(value, layout.variable(slot));
  for (const [value, offset] of offsets) addressOf.set(value, base + offset);
  return { addressOf, scratch: base, size: room.end };
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
