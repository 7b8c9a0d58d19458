/** Marks, and what goes with them, as text. */
import type { FlowStep } from './program.js';
import { declared, read, type NameOf } from './show-expr.js';

export function flowLine(step: FlowStep, nameOf: NameOf): string {
  const { op, flow, variable } = step;
  const [input, index] = step.inputs.map((value) => read(value, nameOf));
  const [output] = step.outputs.map((value) => declared(value, nameOf));
  switch (flow) {
    case 'loop':
      return `loop ${op.name}`;
    case 'while':
    case 'if':
      return `${flow} ${input!}`;
    case 'move':
      return `${output!} := ${input!}`;
    case 'room':
      return `${output!} = room`;
    case 'put':
      return `${nameOf(step.outputs[0]!)}[${index!}] := ${input!}`;
    case 'content':
      return `${output!} = ${variable!.key}`;
    case 'again':
    case 'else':
    case 'end':
      return flow;
  }
}

/** A line a step, those between marks further in. */
export function indented<S extends { readonly kind: string }>(
  steps: readonly (S | FlowStep)[],
  line: (step: S | FlowStep) => string,
): readonly string[] {
  let depth = 0;
  return steps.map((step) => {
    const flow = step.kind === 'flow' ? (step as FlowStep).flow : null;
    if (flow === 'again' || flow === 'end' || flow === 'else') depth--;
    const text = '  '.repeat(depth) + line(step);
    if (flow === 'loop' || flow === 'if' || flow === 'else') depth++;
    return text;
  });
}
