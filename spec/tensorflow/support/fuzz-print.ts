/** Programs of the fuzzer as people read them. */
import type { Shape } from '../../../src/graph/shape.js';
import {
  isFlow,
  isRef,
  type Body,
  type Data,
  type Program,
  type Ref,
  type Step,
  type Surroundings,
} from './fuzz-program.js';

/** One line for each step and call, and for what is in their bodies. */
export function printProgram({ steps, calls }: Program): string {
  return [
    ...steps.flatMap((step, i) => lines(step, i)),
    ...calls.map(
      ({ ys, xs, of, gradYs, stops, options, ...rest }, i) =>
        `call ${i}: gradients([${list(ys)}]${of === undefined ? '' : ` and the results of call ${of}`}, ` +
        `[${list(xs)}], ${show({ ...options, ...(gradYs && { gradYs }) })}` +
        `${stops ? ` stopGradients [${list(stops)}]` : ''})${around(rest)}`,
    ),
  ].join('\n');
}

function lines(step: Step, i: number): readonly string[] {
  const line = `%${i} = ${text(step)}${around(step)}`;
  if (!isFlow(step)) return [line];
  return [
    line,
    ...step.bodies.flatMap((body, k) => [`  body ${k}:`, ...bodyLines(body, i).map((one) => `    ${one}`)]),
  ];
}

function bodyLines({ steps, results }: Body, i: number): readonly string[] {
  return [...steps.flatMap((step, k) => lines(step, i + 1 + k)), `gives ${list(results)}`];
}

function text(step: Step): string {
  switch (step.kind) {
    case 'placeholder':
      return `placeholder ${shape(step.known)} fed ${data(step.value)}`;
    case 'constant':
    case 'variable':
      return `${step.kind} ${data(step.value)}`;
    case 'op': {
      const inputs = step.inputs.map((input) => (isRef(input) ? ref(input) : `[${list(input)}]`));
      return `${step.op}(${inputs.join(', ')})${Object.keys(step.attrs).length > 0 ? ` ${show(step.attrs)}` : ''}`;
    }
    case 'cond':
      return `cond(${ref(step.pred)})`;
    case 'case':
      return `switchCase(${ref(step.index)})`;
    case 'while': {
      const { trips, limit, vars, invariants } = step;
      const most = limit === undefined ? '' : ` at most ${typeof limit === 'number' ? limit : ref(limit)}`;
      return `whileLoop(${ref(trips)} times${most}, ${list(vars)})${invariants ? ` of shapes ${invariants.map(shape).join(', ')}` : ''}`;
    }
    case 'call':
      return `function(${list(step.args)})${step.again ? ` and again (${list(step.again)})` : ''}`;
  }
}

const ref = ([step, output]: Ref): string => `%${step}${output < 0 ? '.handle' : output > 0 ? `:${output}` : ''}`;

const list = (refs: readonly Ref[]): string => refs.map(ref).join(', ');

const shape = (known: Shape): string => (known === null ? '?' : `[${known.map((dim) => dim ?? '?').join()}]`);

const data = ({ dtype, shape: dims, data: numbers }: Data): string => `${dtype}[${dims}] {${numbers.join(', ')}}`;

const around = ({ scope, device: spec, controls, colocate }: Surroundings): string =>
  [
    scope === undefined ? '' : ` in scope ${scope}`,
    spec === undefined ? '' : ` on ${spec}`,
    controls ? ` after ${controls.map((i) => `%${i}`).join(', ')}` : '',
    colocate === undefined ? '' : ` with %${colocate}`,
  ].join('');

function show(value: unknown): string {
  return JSON.stringify(value, (_, x: unknown) => (typeof x === 'bigint' ? Number(x) : x));
}
