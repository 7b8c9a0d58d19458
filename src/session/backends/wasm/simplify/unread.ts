/** Leaves out what nobody reads. */
import type { Lowered, LoweredStep } from '../lower.js';
import { holderOf, mayFail, scattered, visitExprs, type Value } from '../program.js';

/** A control edge, or a fetch of an operation, asks for effects and failures, not for values. What runs on the host may fail. */
export function withoutUnread({ steps, values, fetches }: Lowered): readonly LoweredStep[] {
  const read = new Set(fetches.map(holderOf));
  const needed: LoweredStep[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i]!;
    if (!acts(step) && !outputsOf(step).some((output) => read.has(output))) continue;
    needed.push(step);
    for (const input of inputsOf(step, values)) read.add(holderOf(input));
  }
  return needed.reverse();
}

/** Marks belong together; what is brought to a place is read there the next time around. */
function acts(step: LoweredStep): boolean {
  return ['assign', 'host', 'scatter', 'flow'].includes(step.kind) || (step.kind === 'define' && fails(step.value));
}

function inputsOf(step: LoweredStep, values: readonly Value[]): readonly Value[] {
  if (step.kind === 'host' || step.kind === 'flow') return step.inputs;
  if (step.kind === 'matmul' || step.kind === 'convolution') return [step.a, step.b];
  if (step.kind === 'scatter') return scattered(step);
  if (step.kind === 'assign' || step.kind === 'barrier') return [step.value];
  const loaded: Value[] = [];
  visitExprs(step.value.root!, (expr) => {
    if (expr.kind === 'load' && expr.source.kind === 'input') loaded.push(values[expr.source.position]!);
  });
  return loaded;
}

/** Whether computing a value that has an expression may fail. */
export function fails({ root }: Value): boolean {
  let may = false;
  visitExprs(root!, (expr) => (may ||= mayFail(expr)));
  return may;
}

function outputsOf(step: LoweredStep): readonly Value[] {
  switch (step.kind) {
    case 'define':
      return [step.value];
    case 'host':
    case 'flow':
      return step.outputs;
    case 'matmul':
    case 'convolution':
    case 'scatter':
      return [step.out];
    case 'barrier':
      return [holderOf(step.value)];
    case 'assign':
      return [];
  }
}
