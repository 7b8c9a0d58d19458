/** Loops, choices and calls as marks among the steps of the plan that they are in, with the steps of their functions in between. */
import type { FunctionGraph } from '../../../graph/function-graph.js';
import type { Operation } from '../../../graph/operation.js';
import { shapesEqual, sizeOf } from '../../../graph/shape.js';
import type { Tensor } from '../../../graph/tensor.js';
import { int, lazy, loaded } from '../../../ops/expr.js';
import { opDef, type Flow } from '../../../ops/opdef.js';
import type { Contents } from './contents.js';
import { content, inlined, mark, move, type FlowContext, type Results } from './flow-steps.js';
import type { Lists } from './lists.js';
import { LoopLowerer } from './loop-lower.js';
import { isCompiled, type FlowStep, type Value, type VariableSlot } from './program.js';

export class FlowLowerer {
  readonly #context: FlowContext;
  readonly #lists: Lists;

  constructor(context: FlowContext, lists: Lists) {
    this.#context = context;
    this.#lists = lists;
  }

  /** The wanted outputs of `op`. */
  lower(op: Operation, flow: Flow, inputs: readonly Value[], wanted: readonly boolean[]): Results {
    const shared = inputs.map((input) => this.#lists.shared(input));
    switch (flow.kind) {
      case 'call':
        return inlined(this.#context, op, flow.body, shared, wanted);
      case 'choice':
        return this.#choice(op, flow, shared, wanted);
      case 'loop':
        return new LoopLowerer(this.#context, this.#lists, op, flow, shared).run(wanted);
    }
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
