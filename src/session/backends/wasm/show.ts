/** Compiled programs as text, a line a step. */
import { shapesEqual } from '../../../graph/shape.js';
import type { Fused } from './fuse.js';
import { flowLine } from './flow-show.js';
import { holderOf, type ProgramStep, type Value } from './program.js';

/** What each step computes: `=` what others read from memory, then what stays inside it. */
export function showProgram(fused: Fused): string {
  const name = (value: Value): string => {
    const holder = holderOf(value);
    const text = holder.data ? `{${holder.name}}` : holder.name;
    return holder === value || shapesEqual(holder.shape, value.shape) ? text : `${text} as ${typeOf(value)}`;
  };
  const line = (step: ProgramStep): string => {
    switch (step.kind) {
      case 'host':
        return `${step.outputs.map(declared).join(', ')} = host ${step.op.type}(${step.inputs.map(name).join(', ')})`;
      case 'matmul':
        return `${declared(step.out)} = matmul(${name(step.a)}${step.transposeA ? 'ᵀ' : ''}, ${name(step.b)}${step.transposeB ? 'ᵀ' : ''})`;
      case 'convolution':
        return `${declared(step.out)} = convolution ${step.convolution.side}(${name(step.a)}, ${name(step.b)})`;
      case 'scatter':
        return `${declared(step.out)} = scatter(${[step.base, step.indices, step.updates].map((value) => (value ? name(value) : '0')).join(', ')})`;
      case 'assign':
        return `${step.variable.key} := ${name(step.value)}`;
      case 'flow':
        return flowLine(step, name, declared);
      case 'kernel': {
        const [stored, kept] = [true, false].map((is) =>
          step.members.filter((member) => fused.stored.has(member) === is),
        );
        const inside = kept!.length > 0 ? `  ; ${kept!.map((value) => value.name).join(', ')}` : '';
        return `${stored!.map(declared).join(', ')} = kernel[${step.shape.join(', ')}]${inside}`;
      }
    }
  };
  let depth = 0;
  const indented = fused.steps.map((step) => {
    const flow = step.kind === 'flow' ? step.flow : null;
    if (flow === 'again' || flow === 'end' || flow === 'else') depth--;
    const text = '  '.repeat(depth) + line(step);
    if (flow === 'loop' || flow === 'if' || flow === 'else') depth++;
    return text;
  });
  return indented.join('\n');
}

function declared(value: Value): string {
  return `${value.name} ${typeOf(value)}`;
}

function typeOf({ dtype, shape }: Value): string {
  return `${dtype}${shape === null ? '' : `[${shape.join(', ')}]`}`;
}
