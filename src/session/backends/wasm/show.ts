/** Compiled programs as text, a line a step. */
import type { Fused } from './fuse.js';
import { flowLine, indented } from './flow-show.js';
import type { KernelStep, ProgramStep, Value } from './program.js';
import { declared, read, type NameOf } from './show-expr.js';

const plain: NameOf = ({ name }) => name;

/** What each step computes: `=` what others read from memory, then what stays inside it. */
export function showProgram({ steps, stored }: Fused): string {
  const line = (step: ProgramStep): string =>
    step.kind === 'kernel' ? showKernel(step, stored, plain) : showStep(step, plain);
  return indented(steps, line).join('\n');
}

export function showStep(step: Exclude<ProgramStep, KernelStep>, nameOf: NameOf): string {
  const list = (values: readonly (Value | null)[]): string =>
    values.map((value) => (value ? read(value, nameOf) : '0')).join(', ');
  switch (step.kind) {
    case 'host':
      return `${step.outputs.map((value) => declared(value, nameOf)).join(', ')} = host ${step.op.type}(${list(step.inputs)})`;
    case 'matmul': {
      const [a, b] = [read(step.a, nameOf), read(step.b, nameOf)];
      return `${declared(step.out, nameOf)} = matmul(${a}${step.transposeA ? 'ᵀ' : ''}, ${b}${step.transposeB ? 'ᵀ' : ''})`;
    }
    case 'convolution':
      return `${declared(step.out, nameOf)} = convolution ${step.convolution.side}(${list([step.a, step.b])})`;
    case 'scatter':
      return `${declared(step.out, nameOf)} = scatter(${list([step.base, step.indices, step.updates])})`;
    case 'assign':
      return `${step.variable.key} := ${read(step.value, nameOf)}`;
    case 'flow':
      return flowLine(step, nameOf);
  }
}

export function showKernel(step: KernelStep, stored: ReadonlySet<Value>, nameOf: NameOf): string {
  const written = step.members.filter((member) => stored.has(member)).map((value) => declared(value, nameOf));
  const kept = step.members.filter((member) => !stored.has(member)).map(nameOf);
  const inside = kept.length > 0 ? `  ; ${kept.join(', ')}` : '';
  return `${written.join(', ')} = kernel[${step.shape.join(', ')}]${inside}`;
}
