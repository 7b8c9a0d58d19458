/** Which values live where variables do: what a variable holds at first, and what it holds in the end where nothing stands against it. */
import type { Fused } from './fuse.js';
import { holderOf, type AssignStep, type ProgramStep, type Value, type VariableSlot } from './program.js';

/**
 * The values that are stored in the place of a variable. What it holds at first is not among them where it is read after the variable
 * has changed: it then is copied beforehand.
 */
export function valuesInPlace(fused: Fused): ReadonlyMap<Value, VariableSlot> {
  const storage = new Map<Value, VariableSlot>();
  for (const slot of fused.variables) {
    const assigned = fused.steps.flatMap((step, at) => (step.kind === 'assign' && step.variable === slot ? [at] : []));
    const [at] = assigned;
    const read = lastRead(fused, slot.initial);
    if (at === undefined) {
      storage.set(slot.initial, slot);
      continue;
    }
    const value = holderOf((fused.steps[at] as AssignStep).value);
    const made = assigned.length === 1 && !storage.has(value) ? madeInPlace(fused, slot, value, at) : null;
    if (made !== null && read <= made) storage.set(value, slot).set(slot.initial, slot);
    else if (read <= at) storage.set(slot.initial, slot);
  }
  return storage;
}

/** The last step that reads a value; infinite where it is fetched. */
function lastRead({ steps, reads, fetches }: Fused, value: Value): number {
  if (fetches.some((fetch) => holderOf(fetch) === value)) return Infinity;
  let last = -1;
  steps.forEach((step, at) => {
    if (reads[at]!.has(value) || (step.kind === 'host' && step.inputs.some((input) => holderOf(input) === value)))
      last = at;
  });
  return last;
}

/** The kernel that may write the new content over the old one; null where it may not. */
function madeInPlace(fused: Fused, { initial }: VariableSlot, value: Value, assigned: number): number | null {
  const { steps, stored } = fused;
  const at = steps.findIndex((step) => step.kind === 'kernel' && step.members.includes(value));
  const step = steps[at];
  if (step?.kind !== 'kernel' || !stored.has(value)) return null;
  // What may fail in between must find the variable as it was.
  if (steps.slice(at, assigned).some((between) => mayFail(between, fused))) return null;
  // An element of the old content is read before its place is written, by this member or by one before it.
  const position = step.members.indexOf(value);
  const inTime = step.members.every((member, i) => {
    const use = fused.deps.get(member)?.find((dep) => dep.value === initial);
    return !use || (use.aligned && i <= position);
  });
  return inTime ? at : null;
}

function mayFail(step: ProgramStep, { failing }: Fused): boolean {
  return step.kind === 'host' || (step.kind === 'kernel' && step.members.some((member) => failing.has(member)));
}
