/** Makes a failing program smaller for as long as it fails in the same way. */
import { isRef, type GradientsCall, type Program, type Ref, type Step } from './fuzz-program.js';

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
  for (const [i, call] of calls.entries())
    for (const smaller of smallerCalls(call))
      yield { ...program, calls: calls.map((other, k) => (k === i ? smaller : other)) };
  for (const [i, step] of steps.entries()) {
    for (const key of ['scope', 'device', 'controls', 'colocate'] as const) {
      if (step[key] === undefined) continue;
      const { [key]: _, ...plain } = step;
      yield { ...program, steps: steps.map((other, k) => (k === i ? (plain as Step) : other)) };
    }
    if (step.kind === 'placeholder' && JSON.stringify(step.known) !== JSON.stringify(step.value.shape))
      yield { ...program, steps: steps.map((other, k) => (k === i ? { ...step, known: step.value.shape } : other)) };
    if (step.kind === 'variable') {
      const plain: Step = { kind: 'placeholder', value: step.value, known: step.value.shape };
      yield { ...program, steps: steps.map((other, k) => (k === i ? plain : other)) };
    }
  }
}

/** Without step `i`: what used it uses one of its inputs instead, or the step just before; unused, it simply goes. */
function* withoutStep(program: Program, i: number): Generator<Program> {
  const step = program.steps[i]!;
  const used = new Set([...program.steps.flatMap(refsOfStep), ...program.calls.flatMap(refsOfCall)].map(([k]) => k));
  const others: Ref[] = step.kind === 'op' ? step.inputs.flatMap((input) => (isRef(input) ? [input] : [...input])) : [];
  const replacements: readonly (Ref | null)[] = used.has(i) ? others.filter(([, output]) => output >= 0) : [null];
  for (const replacement of replacements) {
    const shift = (k: number) => (k > i ? k - 1 : k);
    const ref = (r: Ref): Ref => {
      const [k, output] = r[0] === i && replacement ? replacement : r;
      return [shift(k), output];
    };
    const around = <T extends { controls?: readonly number[]; colocate?: number }>(value: T): T => {
      const { controls, colocate, ...rest } = value;
      const kept = controls?.filter((k) => k !== i).map(shift);
      return {
        ...rest,
        ...(kept && kept.length > 0 && { controls: kept }),
        ...(colocate !== undefined && colocate !== i && { colocate: shift(colocate) }),
      } as unknown as T;
    };
    const steps = program.steps
      .filter((_, k) => k !== i)
      .map((other) => {
        const moved = around(other);
        if (moved.kind !== 'op') return moved;
        return { ...moved, inputs: moved.inputs.map((input) => (isRef(input) ? ref(input) : input.map(ref))) };
      });
    const calls = program.calls.map((call) => ({
      ...around(call),
      ys: call.ys.map(ref),
      xs: call.xs.map(ref),
      ...(call.stops && { stops: call.stops.map(ref) }),
    }));
    yield { ...program, steps, calls };
  }
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

function refsOfStep(step: Step): Ref[] {
  return step.kind === 'op' ? step.inputs.flatMap((input) => (isRef(input) ? [input] : [...input])) : [];
}

function refsOfCall({ ys, xs, stops }: GradientsCall): Ref[] {
  return [...ys, ...xs, ...(stops ?? [])];
}
