/** Marks, and what goes with them, as text. */
import type { FlowStep, Value } from './program.js';

type Text = (value: Value) => string;

/** `name`: a value that is read; `type`: one that is made. */
export function flowLine(
  { op, flow, inputs: [input, index], outputs: [output], variable }: FlowStep,
  name: Text,
  type: Text,
): string {
  switch (flow) {
    case 'loop':
      return `loop ${op.name}`;
    case 'while':
    case 'if':
      return `${flow} ${name(input!)}`;
    case 'move':
      return `${type(output!)} := ${name(input!)}`;
    case 'room':
      return `${type(output!)} = room`;
    case 'put':
      return `${output!.name}[${name(index!)}] := ${name(input!)}`;
    case 'content':
      return `${type(output!)} = ${variable!.key}`;
    case 'again':
    case 'else':
    case 'end':
      return flow;
  }
}
