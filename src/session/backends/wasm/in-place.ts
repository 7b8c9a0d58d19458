/** Which values live where variables do: what a variable holds at first, and what it holds in the end where nothing stands against it. */
import type { Fused } from './fuse.js';
import { holderOf, type AssignStep, type ProgramStep, type Value, type VariableSlot } from './program.js';
import { Loops } from './regions.js';

/**
 * The values that are stored in the place of a variable. What it holds at a point is not among them where it is read after the variable
 * has changed: it then is copied at that point.
 */
export function valuesInPlace(fused: Fused): ReadonlyMap<Value, VariableSlot> {
  const storage = new Map<Value, VariableSlot>();
  const last = lastReads(fused);
  for (const slot of fused.variables) {
    const assigned = fused.steps.flatMap((step, at) => (step.kind === 'assign' && step.variable === slot ? [at] : []));
    const contents = contentsOf(fused, slot, last);
    const [at] = assigned;
    const value = assigned.length === 1 ? holderOf((fused.steps[at!] as AssignStep).value) : null;
    const made = value && !storage.has(value) ? madeInPlace(fused, contents, value, at!) : null;
    // Changed where the new content is made, or where it is brought.
    const changes = made === null ? assigned : [made];
    for (const content of contents)
      if (!changes.some((change) => content.since < change && change < content.last)) storage.set(content.value, slot);
    if (made !== null) storage.set(value!, slot);
  }
  return storage;
}

/** What a variable holds from some step on, and the last step that reads it. */
interface Content {
  readonly value: Value;
  readonly since: number;
  readonly last: number;
}

function contentsOf({ steps }: Fused, slot: VariableSlot, last: LastRead): readonly Content[] {
  const later = steps.flatMap((step, at) =>
    step.kind === 'flow' && step.variable === slot ? [{ value: step.outputs[0]!, since: at }] : [],
  );
  return [{ value: slot.initial, since: -1 }, ...later].map((content) => ({
    ...content,
    last: last(content.value, content.since),
  }));
}

type LastRead = (value: Value, since: number) => number;

/** The last steps that read values, which are there since a step, in iterations to come as well; infinite where they are fetched. */
function lastReads({ steps, reads, fetches }: Fused): LastRead {
  const loops = new Loops(steps);
  const fetched = new Set(fetches.map(holderOf));
  const readAt = new Map<Value, number[]>();
  steps.forEach((step, at) => {
    const read = step.kind === 'host' ? new Set(step.inputs.map(holderOf)) : reads[at]!;
    for (const value of read) readAt.set(value, [...(readAt.get(value) ?? []), at]);
  });
  return (value, since) => {
    if (fetched.has(value)) return Infinity;
    return Math.max(-1, ...(readAt.get(value) ?? []).map((at) => loops.until(since, at)));
  };
}

/** The kernel that may write the new content over the old one; null where it may not. */
function madeInPlace(fused: Fused, contents: readonly Content[], value: Value, assigned: number): number | null {
  const { steps, stored } = fused;
  const at = steps.findIndex((step) => step.kind === 'kernel' && step.members.includes(value));
  const step = steps[at];
  if (step?.kind !== 'kernel' || !stored.has(value)) return null;
  // What may fail in between must find the variable as it was.
  if (steps.slice(at, assigned).some((between) => mayFail(between, fused))) return null;
  const before = contents.filter(({ since }) => since < at);
  if (before.some(({ last }) => last > at)) return null;
  // An element of the old content is read before its place is written, by this member or by one before it.
  const position = step.members.indexOf(value);
  const old = new Set(before.map((content) => content.value));
  const inTime = step.members.every((member, i) => {
    const uses = fused.deps.get(member)?.filter((dep) => old.has(dep.value)) ?? [];
    return uses.every((use) => use.aligned && i <= position);
  });
  return inTime ? at : null;
}

function mayFail(step: ProgramStep, { failing }: Fused): boolean {
  return (
    step.kind === 'host' ||
    step.kind === 'flow' ||
    (step.kind === 'kernel' && step.members.some((member) => failing.has(member)))
  );
}
