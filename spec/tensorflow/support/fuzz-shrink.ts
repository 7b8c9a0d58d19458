/** Makes a failing program smaller for as long as it fails in the same way. */
import {
  isFlow,
  operandsOf,
  renumbered,
  usedBy,
  type Body,
  type GradientsCall,
  type Program,
  type Ref,
  type Step,
} from './fuzz-program.js';

/** What of a failure must stay the same: its first words, without names and numbers. */
export function kindOf(what: string): string {
  return what
    .split('\n')[0]!
    .replaceAll(/'[^']*'|\([^)]*\)|\d+|[\w/]*\/[\w/]*/g, '#')
    .slice(0, 40);
}

/** @param fails what is wrong with a program, or null */
export async function shrink(
  program: Program,
  what: string,
  fails: (smaller: Program) => Promise<string | null>,
): Promise<{ program: Program; what: string }> {
  let best = { program, what };
  for (let attempts = 0, progress = true; progress && attempts < 200;) {
    progress = false;
    for (const smaller of candidates(best.program)) {
      if (attempts++ >= 200) break;
      const found = await fails(smaller);
      if (found === null || kindOf(found) !== kindOf(what)) continue;
      best = { program: smaller, what: found };
      progress = true;
      break;
    }
  }
  return best;
}

function* candidates(program: Program): Generator<Program> {
  const { steps, calls } = program;
  const live = pruned(program);
  if (live.steps.length < steps.length || JSON.stringify(live.steps).length < JSON.stringify(steps).length) yield live;
  for (let i = 0; i < calls.length; i++) {
    if (calls.some((call) => call.of === i)) continue;
    const kept = calls.filter((_, k) => k !== i);
    if (kept.length === 0) continue;
    yield {
      ...program,
      calls: kept.map((call) => (call.of !== undefined && call.of > i ? { ...call, of: call.of - 1 } : call)),
    };
  }
  for (let i = steps.length - 1; i >= 0; i--) yield* withoutStep(program, i);
  for (const smaller of smallerSteps(steps, 0)) yield { ...program, steps: smaller };
  for (const [i, call] of calls.entries())
    for (const smaller of smallerCalls(call))
      yield { ...program, calls: calls.map((other, k) => (k === i ? smaller : other)) };
}

/** Without the steps that nothing uses, in bodies as well. */
function pruned(program: Program): Program {
  let now = program;
  for (let i = now.steps.length - 1; i >= 0; i--) {
    const step = now.steps[i]!;
    if (!isUsed(now.steps, now.calls.flatMap(refsOfCall), i, i)) now = [...withoutStep(now, i)][0]!;
    else if (isFlow(step))
      now = { ...now, steps: now.steps.map((other, k) => (k === i ? prunedBodies(step, i) : other)) };
  }
  return now;
}

function prunedBodies(step: Step & { readonly bodies: readonly Body[] }, number: number): Step {
  const bodies = step.bodies.map((body) => {
    let now = body;
    for (let i = now.steps.length - 1; i >= 0; i--) {
      const inner = now.steps[i]!;
      const own = number + 1 + i;
      if (!isUsed(now.steps, now.results, i, own)) now = [...without(now, number + 1, i)][0]!;
      else if (isFlow(inner))
        now = { ...now, steps: now.steps.map((other, k) => (k === i ? prunedBodies(inner, own) : other)) };
    }
    return now;
  });
  return { ...step, bodies } as unknown as Step;
}

/** Whether step `i` of these, of that number, is used by those after it or by `others`. */
function isUsed(steps: readonly Step[], others: readonly Ref[], i: number, number: number): boolean {
  const later = steps.slice(i + 1).flatMap((step, k) => usedBy(step, number + 1 + k));
  return [...later, ...others].some(([k]) => k === number);
}

/** With one of the steps made simpler. */
function* smallerSteps(steps: readonly Step[], base: number): Generator<readonly Step[]> {
  for (const [i, step] of steps.entries())
    for (const smaller of simpler(step, base + i)) yield steps.map((other, k) => (k === i ? smaller : other));
}

function* simpler(step: Step, number: number): Generator<Step> {
  for (const key of ['scope', 'device', 'controls', 'colocate'] as const) {
    if (step[key] === undefined) continue;
    const { [key]: _, ...plain } = step;
    yield plain;
  }
  if (step.kind === 'placeholder' && JSON.stringify(step.known) !== JSON.stringify(step.value.shape))
    yield { ...step, known: step.value.shape };
  if (step.kind === 'variable') yield { kind: 'placeholder', value: step.value, known: step.value.shape };
  if (!isFlow(step)) return;
  for (const key of ['limit', 'invariants', 'again'] as const) {
    const { [key]: dropped, ...plain } = step as unknown as Readonly<Record<string, unknown>>;
    if (dropped !== undefined) yield plain as unknown as Step;
  }
  for (const [k, body] of step.bodies.entries())
    for (const smaller of smallerBodies(body, number))
      yield { ...step, bodies: step.bodies.map((other, j) => (j === k ? smaller : other)) } as unknown as Step;
}

function* smallerBodies(body: Body, number: number): Generator<Body> {
  for (let i = body.steps.length - 1; i >= 0; i--) yield* without(body, number + 1, i);
  for (const steps of smallerSteps(body.steps, number + 1)) yield { ...body, steps };
}

/** A body without its step `i`: what used it uses one of its operands instead; unused, it simply goes. */
function* without({ steps, results }: Body, base: number, i: number): Generator<Body> {
  const number = base + i;
  const used = new Set([...steps.flatMap((step, k) => usedBy(step, base + k)), ...results].map(([k]) => k));
  for (const { ref, shift } of removals(steps[i]!, number, used.has(number))) {
    yield { steps: closedUp(steps, i, ref, shift), results: results.map(ref) };
  }
}

/** The steps but for number `i` of them. Those before it do not know of it: in their bodies its number is another's. */
function closedUp(
  steps: readonly Step[],
  i: number,
  ref: (ref: Ref) => Ref,
  number: (step: number) => number | null,
): readonly Step[] {
  return steps.flatMap((step, k) => (k < i ? [step] : k === i ? [] : [renumbered(step, ref, number)]));
}

/** How numbers change where step `number` goes. */
function removals(step: Step, number: number, isUsed: boolean) {
  const shift = (k: number): number | null => (k === number ? null : k > number ? k - 1 : k);
  const replacements: readonly (Ref | null)[] = isUsed ? operandsOf(step).filter(([, output]) => output >= 0) : [null];
  return replacements.map((replacement) => {
    const ref = (r: Ref): Ref => {
      const [k, output] = r[0] === number && replacement ? replacement : r;
      return [shift(k)!, output];
    };
    return { ref, shift };
  });
}

/** The same of a program, whose calls use its steps as well. */
function* withoutStep({ seed, steps, calls }: Program, i: number): Generator<Program> {
  const used = new Set([...steps.flatMap(usedBy), ...calls.flatMap(refsOfCall)].map(([k]) => k));
  for (const { ref, shift } of removals(steps[i]!, i, used.has(i))) {
    yield { seed, steps: closedUp(steps, i, ref, shift), calls: calls.map((call) => renumberedCall(call, ref, shift)) };
  }
}

function renumberedCall(
  { controls, colocate, ...call }: GradientsCall,
  ref: (ref: Ref) => Ref,
  number: (step: number) => number | null,
): GradientsCall {
  const kept = controls?.flatMap((k) => number(k) ?? []);
  const beside = colocate === undefined ? null : number(colocate);
  return {
    ...call,
    ys: call.ys.map(ref),
    xs: call.xs.map(ref),
    ...(call.stops && { stops: call.stops.map(ref) }),
    ...(kept && kept.length > 0 && { controls: kept }),
    ...(beside !== null && { colocate: beside }),
  };
}

function* smallerCalls(call: GradientsCall): Generator<GradientsCall> {
  const { ys, xs, gradYs, stops } = call;
  const without = <T>(list: readonly T[], i: number): T[] => list.filter((_, k) => k !== i);
  for (let i = 0; ys.length > 1 && i < ys.length; i++)
    yield { ...call, ys: without(ys, i), ...(gradYs && { gradYs: without(gradYs, i) }) };
  for (let i = 0; xs.length > 1 && i < xs.length; i++) yield { ...call, xs: without(xs, i) };
  for (let i = 0; stops && i < stops.length; i++) yield { ...call, stops: without(stops, i) };
  for (const key of ['gradYs', 'stops', 'scope', 'device', 'controls', 'colocate'] as const) {
    if (call[key] === undefined) continue;
    const { [key]: _, ...rest } = call;
    yield rest;
  }
  for (const key of Object.keys(call.options) as (keyof GradientsCall['options'])[]) {
    const { [key]: _, ...options } = call.options;
    yield { ...call, options };
  }
}

function refsOfCall({ ys, xs, stops }: GradientsCall): Ref[] {
  return [...ys, ...xs, ...(stops ?? [])];
}
