/** Which values live where variables do: what a variable holds at first, and what it holds in the end where nothing stands against it. */
import type { Fused } from './fuse.js';
import { outputsOf } from './memory.js';
import { holderOf, type AssignStep, type ProgramStep, type Value, type VariableSlot } from './program.js';

/**
 * The values that are stored in the place of a variable. What it holds at first is not among them where it is read after the variable
 * has changed: it then is copied beforehand.
 */
export function valuesInPlace(fused: Fused): ReadonlyMap<Value, VariableSlot> {
  const storage = new Map<Value, VariableSlot>();
  const assigned = assignments(fused);
  const reads = lastReads(fused);
  const makers = makersOf(fused);
  for (const slot of fused.variables) {
    const changes = assigned.get(slot) ?? [];
    const [at] = changes;
    const read = reads.get(slot.initial) ?? -1;
    if (at === undefined) {
      storage.set(slot.initial, slot);
      continue;
    }
    const value = holderOf((fused.steps[at] as AssignStep).value);
    const alone = changes.length === 1 && !storage.has(value);
    const made = alone ? madeInPlace(fused, slot, value, at, makers.get(value)) : null;
    if (made !== null && read <= made) storage.set(value, slot).set(slot.initial, slot);
    else if (read <= at) storage.set(slot.initial, slot);
  }
  return storage;
}

/** The steps that change each variable. */
function assignments({ steps }: Fused): ReadonlyMap<VariableSlot, readonly number[]> {
  const assigned = new Map<VariableSlot, number[]>();
  steps.forEach((step, at) => {
    if (step.kind !== 'assign') return;
    const known = assigned.get(step.variable);
    if (known) known.push(at);
    else assigned.set(step.variable, [at]);
  });
  return assigned;
}

/** The last step that reads each value; infinite where it is fetched. */
function lastReads({ steps, reads, fetches }: Fused): ReadonlyMap<Value, number> {
  const last = new Map<Value, number>();
  steps.forEach((step, at) => {
    for (const value of reads[at]!) last.set(value, at);
    if (step.kind === 'host') for (const input of step.inputs) last.set(holderOf(input), at);
  });
  for (const fetch of fetches) last.set(holderOf(fetch), Infinity);
  return last;
}

/** The step that makes each value. */
function makersOf({ steps }: Fused): ReadonlyMap<Value, number> {
  const makers = new Map<Value, number>();
  steps.forEach((step, at) => outputsOf(step).forEach((output) => makers.set(output, at)));
  return makers;
}

/** The step that may write the new content over the old one; null where it may not. */
function madeInPlace(
  fused: Fused,
  { initial }: VariableSlot,
  value: Value,
  assigned: number,
  at: number | undefined,
): number | null {
  const { steps, stored } = fused;
  const step = at === undefined ? undefined : steps[at];
  if (at === undefined) return null;
  // It fails before it writes, if at all.
  if (step?.kind === 'scatter') {
    const isBase = step.base !== null && holderOf(step.base) === initial;
    const readsElse = [step.indices, step.updates].some((read) => holderOf(read) === initial);
    const fails = steps.slice(at + 1, assigned).some((between) => mayFail(between, fused));
    return isBase && !readsElse && !fails ? at : null;
  }
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
  if (step.kind === 'host' || step.kind === 'scatter') return true;
  return step.kind === 'kernel' && step.members.some((member) => failing.has(member));
}
