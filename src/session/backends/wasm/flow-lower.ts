/** Loops, choices and calls as marks among the steps of the plan that they are in, with the steps of their functions in between. */
import type { FunctionGraph } from '../../../graph/function-graph.js';
import type { Operation } from '../../../graph/operation.js';
import { shapesEqual, sizeOf } from '../../../graph/shape.js';
import type { Tensor } from '../../../graph/tensor.js';
import { effectsOf } from '../../../ops/capture.js';
import { int, lazy, loaded, type Lazy } from '../../../ops/expr.js';
import { opDef, type Flow } from '../../../ops/opdef.js';
import { compile } from '../../pipeline.js';
import type { Contents } from './contents.js';
import { holderOf, isCompiled, type FlowStep, type Value, type VariableSlot } from './program.js';

/** What lowering gives to those who lower functions. */
export interface FlowContext {
  readonly contents: Contents;
  value(name: string, op: Operation, type: Pick<Value, 'dtype' | 'shape'>): Value;
  /** @throws where compiled code cannot compute it */
  define(name: string, op: Operation, tensor: Lazy): Value;
  push(step: Unplaced): void;
  /** Lowers operations of a function that `op` calls, on `inputs`: gives what the tensors `outputs` of it are. */
  inline(
    op: Operation,
    operations: readonly Operation[],
    inputs: ReadonlyMap<Tensor, Value>,
    outputs: readonly Tensor[],
  ): readonly Value[];
  /** Says that compiled code cannot do this. */
  refuse(): never;
}

/** Without the calls that it is in. */
type Unplaced = Omit<FlowStep, 'callers'>;

type Results = readonly (Value | null)[];

export class FlowLowerer {
  readonly #context: FlowContext;

  constructor(context: FlowContext) {
    this.#context = context;
  }

  /** The wanted outputs of `op`. */
  lower(op: Operation, flow: Flow, inputs: readonly Value[], wanted: readonly boolean[]): Results {
    switch (flow.kind) {
      case 'call':
        return this.#call(op, flow.body, inputs, wanted);
      case 'choice':
        return this.#choice(op, flow, inputs, wanted);
      case 'loop':
        return new LoopLowerer(this.#context, op, flow, inputs).run(wanted);
    }
  }

  #call(op: Operation, body: FunctionGraph, inputs: readonly Value[], wanted: readonly boolean[]): Results {
    return inlined(this.#context, op, body, inputs, wanted);
  }

  #choice(
    op: Operation,
    { bodies, test }: Extract<Flow, { kind: 'choice' }>,
    [decides, ...inputs]: readonly Value[],
    wanted: readonly boolean[],
  ): Results {
    const { dtype, shape, id } = decides!;
    if (!isCompiled(dtype) || !shape || (shape.length > 0 && sizeOf(shape) !== 1)) this.#context.refuse();
    const of = loaded({ kind: 'input', position: id }, dtype, shape).at(shape.map(() => int(0)));
    const choice = new Choice(this.#context, op, wanted);
    const branch = (i: number): void => {
      if (i === bodies.length - 1) return choice.branch(bodies[i]!, inputs);
      const element = test(of, i);
      const define = () =>
        this.#context.define(
          `${op.name}/is${i}`,
          op,
          lazy('bool', [], () => element),
        );
      choice.mark('if', [element === of ? decides! : define()]);
      choice.branch(bodies[i]!, inputs);
      choice.mark('else');
      branch(i + 1);
      choice.mark('end');
    };
    branch(0);
    return choice.results();
  }
}

/** The wanted outputs of a function on `inputs`, lowered here. */
function inlined(
  context: FlowContext,
  op: Operation,
  body: FunctionGraph,
  inputs: readonly Value[],
  wanted: readonly boolean[],
): Results {
  const fetches = body.outputs.filter((_, i) => wanted[i]);
  const known = new Map(body.inputs.map((input, i) => [input, inputs[i]!]));
  const results = context.inline(op, operationsOf(body, fetches), known, fetches);
  let next = 0;
  return body.outputs.map((_, i) => (wanted[i] ? results[next++]! : null));
}

function operationsOf(body: FunctionGraph, fetches: readonly Tensor[]): readonly Operation[] {
  const feeds = body.inputs.map((tensor) => ({ tensor, shape: null }));
  return compile({ graph: body, fetches, targets: effectsOf(body), feeds }).operations;
}

function mark(op: Operation, flow: FlowStep['flow'], more: Partial<FlowStep> = {}): Unplaced {
  return { kind: 'flow', op, flow, inputs: [], outputs: [], variable: null, ...more };
}

function move(op: Operation, from: Value, to: Value): Unplaced {
  return mark(op, 'move', { inputs: [from], outputs: [to] });
}

/** From here on, a variable of the session holds what is in its place. */
function content({ contents }: FlowContext, op: Operation, variable: VariableSlot): Unplaced {
  return mark(op, 'content', { outputs: [contents.renew(variable, op)], variable });
}

/** Branches, one after another, and what comes of any of them. */
class Choice {
  readonly #context: FlowContext;
  readonly #op: Operation;
  readonly #wanted: readonly boolean[];
  readonly #results: (Value | null)[];
  readonly #before: ReturnType<Contents['current']>;
  readonly #changed = new Set<VariableSlot>();

  constructor(context: FlowContext, op: Operation, wanted: readonly boolean[]) {
    this.#context = context;
    this.#op = op;
    this.#wanted = wanted;
    this.#results = wanted.map(() => null);
    this.#before = context.contents.current();
  }

  mark(flow: FlowStep['flow'], inputs: readonly Value[] = []): void {
    this.#context.push(mark(this.#op, flow, { inputs }));
  }

  branch(body: FunctionGraph, inputs: readonly Value[]): void {
    const { contents } = this.#context;
    const has = this.#wanted.map((want, i) => want && !standsIn(body.outputs[i]!));
    const results = inlined(this.#context, this.#op, body, inputs, has);
    results.forEach((value, i) => value && this.#bring(value, i));
    for (const slot of contents.restore(this.#before)) this.#changed.add(slot);
  }

  #bring(value: Value, i: number): void {
    const { dtype, shape } = value;
    if (!shape || !isCompiled(dtype) || sizeOf(shape) === 0) this.#context.refuse();
    const result = (this.#results[i] ??= this.#context.value(this.#op.outputs[i]!.name, this.#op, { dtype, shape }));
    if (!shapesEqual(shape, result.shape)) this.#context.refuse();
    this.#context.push(move(this.#op, value, result));
  }

  results(): Results {
    if (this.#wanted.some((want, i) => want && !this.#results[i])) this.#context.refuse();
    for (const slot of this.#changed) this.#context.push(content(this.#context, this.#op, slot));
    return this.#results;
  }
}

function standsIn({ op }: Tensor): boolean {
  const { lower } = opDef(op.type);
  return typeof lower !== 'function' && lower.standsIn === true;
}

class LoopLowerer {
  readonly #context: FlowContext;
  readonly #op: Operation;
  readonly #cond: FunctionGraph;
  readonly #body: FunctionGraph;
  readonly #inputs: readonly Value[];

  constructor(
    context: FlowContext,
    op: Operation,
    { cond, body }: Extract<Flow, { kind: 'loop' }>,
    inputs: readonly Value[],
  ) {
    this.#context = context;
    this.#op = op;
    this.#cond = cond;
    this.#body = body;
    this.#inputs = inputs;
  }

  run(wanted: readonly boolean[]): Results {
    const live = this.#live(wanted);
    const variables = this.#inputs.map((input, i) =>
      live[i] && !this.#isInvariant(i) ? this.#variable(input, i) : input,
    );
    variables.forEach((variable, i) => {
      if (variable !== this.#inputs[i]) this.#push(move(this.#op, this.#inputs[i]!, variable));
    });
    this.#push(mark(this.#op, 'loop'));
    this.#contents();
    const [test] = inlined(this.#context, this.#op, this.#cond, variables, [true]);
    if (test!.dtype !== 'bool' || test!.shape?.length !== 0) this.#context.refuse();
    this.#push(mark(this.#op, 'while', { inputs: [test!] }));
    const changes = live.map((is, i) => is && !this.#isInvariant(i));
    const next = inlined(this.#context, this.#op, this.#body, variables, changes);
    this.#bring(next, variables);
    this.#push(mark(this.#op, 'again'));
    this.#contents();
    return variables.map((variable, i) => (wanted[i] ? variable : null));
  }

  #push(step: Unplaced): void {
    this.#context.push(step);
  }

  /** What the condition, or a wanted variable, depends on. */
  #live(wanted: readonly boolean[]): readonly boolean[] {
    const tested = needs(this.#cond, [true]);
    let live = wanted.map((want, i) => want || tested[i]!);
    for (;;) {
      const needed = needs(this.#body, live);
      const more = live.map((is, i) => is || needed[i]!);
      if (more.every((is, i) => is === live[i])) return live;
      live = more;
    }
  }

  #isInvariant(i: number): boolean {
    return this.#body.outputs[i] === this.#body.inputs[i];
  }

  #variable({ dtype, shape }: Value, i: number): Value {
    if (!shape || !isCompiled(dtype) || sizeOf(shape) === 0) this.#context.refuse();
    return this.#context.value(this.#op.outputs[i]!.name, this.#op, { dtype, shape });
  }

  /** What variables of the session hold may be what an iteration has given them. */
  #contents(): void {
    if (opDef(this.#op.type).effect !== 'write') return;
    this.#inputs.forEach(({ data, dtype }, i) => {
      const held = dtype === 'resource' ? this.#context.contents.find(this.#op, i, data) : null;
      if (held) this.#push(content(this.#context, this.#op, held.slot));
    });
  }

  /** The next values of the variables become the present ones, all at once. */
  #bring(next: Results, variables: readonly Value[]): void {
    const moves = next.flatMap((value, i) =>
      value && holderOf(value) !== variables[i] ? [[value, variables[i]!] as const] : [],
    );
    const overwritten = new Set(moves.map(([, to]) => to));
    const late: Unplaced[] = [];
    for (const [from, to] of moves) {
      if (from.dtype !== to.dtype || !shapesEqual(from.shape, to.shape)) this.#context.refuse();
      let source = from;
      if (overwritten.has(holderOf(from))) {
        source = this.#context.value(from.name, this.#op, { dtype: to.dtype, shape: to.shape });
        this.#push(move(this.#op, from, source));
      }
      late.push(move(this.#op, source, to));
    }
    for (const step of late) this.#push(step);
  }
}

/** Which inputs of a function its wanted outputs and its effects depend on. */
function needs(body: FunctionGraph, wanted: readonly boolean[]): readonly boolean[] {
  const fetches = body.outputs.filter((_, i) => wanted[i]);
  const read = new Set([...fetches, ...operationsOf(body, fetches).flatMap(({ inputs }) => inputs)]);
  return body.inputs.map((input) => read.has(input));
}
