/** Loops: marks around the steps of their condition and their body, and variables that have a place of their own. */
import type { FunctionGraph } from '../../../graph/function-graph.js';
import type { Operation } from '../../../graph/operation.js';
import { shapesEqual, sizeOf } from '../../../graph/shape.js';
import { opDef, type Flow, type ListAction } from '../../../ops/opdef.js';
import { content, inlined, mark, move, needs, type FlowContext, type Results, type Unplaced } from './flow-steps.js';
import type { Lists } from './lists.js';
import { holderOf, isCompiled, type Value } from './program.js';
import { tripCount } from './trip-count.js';

export class LoopLowerer {
  readonly #context: FlowContext;
  readonly #lists: Lists;
  readonly #op: Operation;
  readonly #cond: FunctionGraph;
  readonly #body: FunctionGraph;
  readonly #inputs: readonly Value[];
  #known: { readonly count: number | null } | null = null;

  constructor(
    context: FlowContext,
    lists: Lists,
    op: Operation,
    { cond, body }: Extract<Flow, { kind: 'loop' }>,
    inputs: readonly Value[],
  ) {
    this.#context = context;
    this.#lists = lists;
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
    return variables.map((variable, i) => (wanted[i] ? this.#lists.after(variable) : null));
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

  /** What holds a loop variable, with what it is at first. */
  #variable(input: Value, i: number): Value {
    const list = this.#lists.get(input);
    if (list) {
      const capacity = list.capacity ?? this.#count() ?? this.#context.refuse();
      return this.#lists.variable(this.#op, list, capacity, this.#isWritten(i));
    }
    const { dtype, shape } = input;
    if (!shape || !isCompiled(dtype) || sizeOf(shape) === 0) this.#context.refuse();
    const variable = this.#context.value(this.#op.outputs[i]!.name, this.#op, { dtype, shape });
    this.#push(move(this.#op, input, variable));
    return variable;
  }

  /** How often it runs, if that is known. */
  #count(): number | null {
    const none = this.#inputs.map(() => false);
    const start = this.#inputs.map(({ data }) => data);
    this.#known ??= { count: tripCount(this.#cond, this.#body, this.#live(none), start) };
    return this.#known.count;
  }

  /** Whether an iteration may change the elements of the list that is variable `i`, other than by taking some away. */
  #isWritten(i: number): boolean {
    const list = this.#body.inputs[i]!;
    const users = this.#body.operations().filter(({ inputs }) => inputs.includes(list));
    return !users.every(({ type }) => {
      const { lower } = opDef(type);
      return typeof lower !== 'function' && lower.list !== undefined && reading.has(lower.list);
    });
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
    const moves = next
      .flatMap((value, i) => (value ? this.#parts(value, variables[i]!) : []))
      .filter(([from, to]) => holderOf(from) !== to);
    const overwritten = new Set(moves.map(([, to]) => to));
    const late: Unplaced[] = [];
    for (const [from, to] of moves) {
      if (from.dtype !== to.dtype || !shapesEqual(from.shape, to.shape)) this.#context.refuse();
      let source = from;
      // What only moves elements may turn out to be the old value itself.
      if (overwritten.has(holderOf(from)) || holderOf(from).root?.kind === 'load') {
        source = this.#context.value(from.name, this.#op, { dtype: to.dtype, shape: to.shape });
        this.#push(move(this.#op, from, source));
      }
      late.push(move(this.#op, source, to));
    }
    for (const step of late) this.#push(step);
  }

  /** What has to be brought to where for a variable to have its next value. */
  #parts(next: Value, variable: Value): readonly (readonly [Value, Value])[] {
    const [from, to] = [this.#lists.get(next), this.#lists.get(variable)];
    if (!from && !to) return [[next, variable]];
    if (!from || !to || from.isCounted !== to.isCounted) return this.#context.refuse();
    const isSame = holderOf(from.length) === holderOf(to.length);
    if (!to.isCounted && !isSame && from.capacity !== to.capacity) this.#context.refuse();
    const length = to.isCounted ? [[from.length, to.length] as const] : [];
    if (to.isOwn) return [...length, [this.#lists.dense(this.#op, from), to.elements ?? this.#context.refuse()]];
    // What is only read stays where it is.
    if (from.elements !== to.elements || from.only !== to.only) this.#context.refuse();
    return length;
  }
}

const reading: ReadonlySet<ListAction> = new Set(['pop', 'get', 'length', 'stack', 'elementShape']);
