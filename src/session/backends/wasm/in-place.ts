/** Which values live where variables do: what a variable holds at first, and what it holds in the end where nothing stands against it. */
import type { Fused } from './fuse.js';
import { isReadInTime, outputsOf } from './memory.js';
import { holderOf, type AssignStep, type ProgramStep, type Value, type VariableSlot } from './program.js';
import { Loops } from './regions.js';

/**
 * The values that are stored in the place of a variable. What it holds at a point is not among them where it is read after the variable
 * has changed: it then is copied at that point.
 */
export function valuesInPlace(fused: Fused): ReadonlyMap<Value, VariableSlot> {
  const storage = new Map<Value, VariableSlot>();
  const assigned = assignments(fused);
  const contents = contentsOf(fused);
  const last = lastReads(fused);
  const makers = makersOf(fused);
  for (const slot of fused.variables) {
    const [at, ...more] = assigned.get(slot) ?? [];
    const held = contents.get(slot)!.map(({ value, since }) => ({ value, since, last: last(value, since) }));
    const value = at === undefined || more.length > 0 ? null : holderOf((fused.steps[at] as AssignStep).value);
    const made = value && !storage.has(value) ? madeInPlace(fused, held, value, at!, makers.get(value)) : null;
    // Changed where the new content is made, or where it is brought.
    const changes = made === null ? (assigned.get(slot) ?? []) : [made];
    for (const content of held)
      if (!changes.some((change) => content.since < change && change < content.last)) storage.set(content.value, slot);
    if (made !== null) storage.set(value!, slot);
  }
  return storage;
}

/** What a variable holds from some step on. */
interface Content {
  readonly value: Value;
  readonly since: number;
}

/** The same, and the last step that reads it. */
interface ReadContent extends Content {
  readonly last: number;
}

function contentsOf({ steps, variables }: Fused): ReadonlyMap<VariableSlot, readonly Content[]> {
  const contents = new Map(variables.map((slot): [VariableSlot, Content[]] => [slot, [{ value: slot.initial, since: -1 }]])); // prettier-ignore
  steps.forEach((step, since) => {
    if (step.kind === 'flow' && step.variable) contents.get(step.variable)!.push({ value: step.outputs[0]!, since });
  });
  return contents;
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

/** The last steps that read values, which are there since a step, in iterations to come as well; infinite where they are fetched. */
function lastReads({ steps, reads, fetches }: Fused): (value: Value, since: number) => number {
  const loops = new Loops(steps);
  const fetched = new Set(fetches.map(holderOf));
  const readAt = new Map<Value, number[]>();
  steps.forEach((step, at) => {
    for (const value of step.kind === 'host' ? new Set(step.inputs.map(holderOf)) : reads[at]!) {
      const known = readAt.get(value);
      if (known) known.push(at);
      else readAt.set(value, [at]);
    }
  });
  return (value, since) => {
    if (fetched.has(value)) return Infinity;
    return (readAt.get(value) ?? []).reduce((last, at) => Math.max(last, loops.until(since, at)), -1);
  };
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
  contents: readonly ReadContent[],
  value: Value,
  assigned: number,
  at: number | undefined,
): number | null {
  const { steps, stored } = fused;
  const step = at === undefined ? undefined : steps[at];
  if (at === undefined) return null;
  const before = contents.filter(({ since }) => since < at);
  if (before.some(({ last }) => last > at)) return null;
  const old = new Set(before.map((content) => content.value));
  // It fails before it writes, if at all.
  if (step?.kind === 'scatter') {
    const isBase = step.base !== null && old.has(holderOf(step.base));
    const readsElse = [step.indices, step.updates].some((read) => old.has(holderOf(read)));
    const fails = steps.slice(at + 1, assigned).some((between) => mayFail(between, fused));
    return isBase && !readsElse && !fails ? at : null;
  }
  if (step?.kind !== 'kernel' || !stored.has(value)) return null;
  // What may fail in between must find the variable as it was.
  if (steps.slice(at, assigned).some((between) => mayFail(between, fused))) return null;
  return [...old].every((content) => isReadInTime(fused, at, content, value)) ? at : null;
}

function mayFail(step: ProgramStep, { failing }: Fused): boolean {
  if (step.kind === 'host' || step.kind === 'flow' || step.kind === 'scatter') return true;
  return step.kind === 'kernel' && step.members.some((member) => failing.has(member));
}
