/** From operations to values with concrete shapes: each an expression over others, a product, or what a host step gives. */
import { TapelessError } from '../../../graph/errors.js';
import { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import { isFullyDefined, sizeOf, type Shape } from '../../../graph/shape.js';
import type { Tensor } from '../../../graph/tensor.js';
import { loaded, type Lazy } from '../../../ops/expr.js';
import {
  opDef,
  type Flow,
  type Lowering,
  type LowerView,
  type Many,
  type OpView,
  type Routine,
} from '../../../ops/opdef.js';
import type { Plan } from '../../plan.js';
import { isCompilable } from './compilable.js';
import { outputShapes } from './concrete.js';
import { isDirect } from './conv/geometry.js';
import { Contents } from './contents.js';
import { Decisions } from './decisions.js';
import { FlowLowerer } from './flow-lower.js';
import type { FlowContext } from './flow-steps.js';
import { folded } from './fold.js';
import { Lists, type ListContext } from './lists.js';
import type { Lowered, LoweredStep } from './lowered.js';
import { IndexVariables, isCompiled, type Value } from './program.js';
import { scopeOf, type Scope } from './scope.js';
import { VariableLowerer } from './variable-lower.js';

export type { Lowered, LoweredStep } from './lowered.js';

/** `isInline`: whether functions are part of the plan, where they can be. */
export function lower(plan: Plan, isInline = true): Lowered {
  const decisions = new Decisions(isInline);
  for (;;) {
    const lowered = new Lowerer(plan, decisions).run();
    if (lowered) return lowered;
  }
}

const unknown = new Error('A value is not known before the run.');
/** An attempt ends: another will succeed. */
const again = new Error('A shape has been found.');

class Lowerer {
  readonly #plan: Plan;
  readonly #values: Value[] = [];
  readonly #steps: LoweredStep[] = [];
  #scope: Scope;
  readonly #indices = new IndexVariables();
  readonly #contents: Contents;
  readonly #flows: FlowLowerer;
  readonly #variables: VariableLowerer;
  readonly #lists: Lists;
  readonly #decisions: Decisions;
  /** Whether something turned out that another attempt has to know, and whether it is known that what follows is of no use. */
  #isRefuted = false;
  #isOver = false;

  constructor(plan: Plan, decisions: Decisions) {
    this.#plan = plan;
    this.#decisions = decisions;
    this.#scope = scopeOf(plan.operations, plan.request.fetches, [], new Map());
    this.#contents = new Contents(decisions.barred, (name, op, type) => this.#value(name, op, type));
    const context: FlowContext & ListContext = {
      contents: this.#contents,
      value: (...args) => this.#value(...args),
      define: (...args) => this.#needed(this.#defined(...args)),
      push: (step) => void this.#steps.push({ ...step, callers: this.#scope.callers }),
      inline: (...call) => this.#inline(...call),
      renamed: (value) => this.#renamed(value),
      uses: (tensor) => this.#scope.uses.get(tensor) ?? 0,
      refuse: () => this.#needed(null) as never,
      shapeAt: (origin) => decisions.shapes.get(origin) ?? null,
      found: (origin, shape) => {
        decisions.shapes.set(origin, shape);
        throw again;
      },
    };
    this.#variables = new VariableLowerer({
      contents: this.#contents,
      value: (...args) => this.#value(...args),
      needed: (...args) => this.#needed(this.#defined(...args)),
      push: (step) => void this.#steps.push(step),
      bind: (...args) => this.#bind(...args),
      attempt: (build) => this.#attempt(build),
      lowered: (...args) => this.#lowered(...args),
      view: (...args) => this.#view(...args),
      refuse: context.refuse,
    });
    this.#lists = new Lists(context);
    this.#flows = new FlowLowerer(context, this.#lists);
  }

  /** Null where it has to begin again, with more variables barred. */
  run(): Lowered | null {
    const { feeds, fetches } = this.#plan.request;
    const fed = feeds.map(({ tensor, shape }) => {
      const value = this.#value(tensor.name, tensor.op, { dtype: tensor.dtype, shape });
      this.#scope.of.set(tensor, value);
      return value;
    });
    for (const op of this.#plan.operations) this.#operation(op);
    for (const tensor of fetches) this.#leaveList(this.#scope.of.get(tensor)!);
    if (this.#isRefuted) return null;
    return {
      values: this.#values,
      steps: this.#steps,
      feeds: fed,
      fetches: fetches.map((tensor) => this.#scope.of.get(tensor)!),
      variables: this.#contents.slots,
      indices: this.#indices,
    };
  }

  #value(
    name: string,
    op: Operation,
    {
      dtype,
      shape,
      data = null,
      definition = null,
      root = null,
      alias = null,
    }: Pick<Value, 'dtype' | 'shape'> & Partial<Value>,
  ): Value {
    const { callers } = this.#scope;
    const value: Value = { id: this.#values.length, name, op, dtype, shape, data, definition, root, alias, callers };
    this.#values.push(value);
    return value;
  }

  #operation(op: Operation): void {
    const def = opDef(op.type);
    const inputs = op.inputs.map((input) => this.#scope.of.get(input)!);
    if (this.#onLists(op, def.lower, inputs) || this.#folded(op, inputs)) return;
    if (def.effect === 'pure' && inputs.every(({ dtype, shape }) => shape !== null && isCompiled(dtype))) {
      if (typeof def.lower === 'function' && def.lower.convolution && this.#convolved(op, def.lower, inputs)) return;
      if (typeof def.lower === 'function' && this.#lowered(op, def.lower, inputs)) return;
      if (typeof def.lower !== 'function' && def.lower.product && this.#product(op, inputs)) return;
    }
    if (typeof def.lower !== 'function') {
      if (this.#variables.lower(op, def.lower, inputs)) return;
      if (def.lower.flow && this.#flow(op, def.lower.flow(op as OpView), inputs)) return;
    }
    this.#host(op, inputs);
  }

  #bind(op: Operation, index: number, value: Value): void {
    const output = op.outputs[index]!;
    // What is fed stands in the place of what would be computed.
    if (!this.#scope.of.has(output)) this.#scope.of.set(output, value);
  }

  #folded(op: Operation, inputs: readonly Value[]): boolean {
    const results = folded(op, inputs);
    results?.forEach((data, i) => {
      const { dtype, shape } = data;
      this.#bind(op, i, this.#value(op.outputs[i]!.name, op, { dtype, shape, data }));
    });
    return results !== null;
  }

  #lowered(op: Operation, lowering: Lowering, inputs: readonly Value[]): boolean {
    return this.#attempt(() => {
      const outputs = lowering(this.#view(op, inputs));
      const values = outputs.map((tensor, i) => this.#needed(this.#defined(op.outputs[i]!.name, op, tensor)));
      values.forEach((value, i) => this.#bind(op, i, value));
    });
  }

  /** Whether `build` succeeds; if not, nothing of it stays: the host runs the operation, and says what is wrong where something is. */
  #attempt(build: () => void): boolean {
    const [values, steps] = [this.#values.length, this.#steps.length];
    try {
      build();
      return true;
    } catch (error) {
      if (error !== unknown && !(error instanceof TapelessError)) throw error;
      this.#values.length = values;
      this.#steps.length = steps;
      return false;
    }
  }

  #needed(value: Value | null): Value {
    if (value) return value;
    throw unknown;
  }

  #view(op: Operation, inputs: readonly Value[]): LowerView {
    const operands = inputs.map(({ id, dtype, shape }) => loaded({ kind: 'input', position: id }, dtype, shape!));
    return {
      op: op as OpView,
      inputs: operands as unknown as Many<Lazy>,
      value: (i) => {
        const { data } = inputs[i]!;
        if (!data) throw unknown;
        return data;
      },
      temp: (tensor) => {
        if (tensor.alias) return tensor;
        const value = this.#needed(this.#defined(`${op.name}/temp`, op, tensor));
        return loaded({ kind: 'input', position: value.id }, tensor.dtype, tensor.shape);
      },
    };
  }

  /** Null where compiled code cannot compute it. */
  #defined(name: string, op: Operation, tensor: Lazy): Value | null {
    const { dtype, shape, alias } = tensor;
    if (alias?.kind === 'data') return this.#value(name, op, { dtype, shape, data: alias.array.reshape(shape) });
    if (alias) {
      const value = this.#value(name, op, { dtype, shape, alias: this.#values[alias.position]! });
      if (op.controlInputs.length > 0) this.#steps.push({ kind: 'barrier', value });
      return value;
    }
    if (!isCompiled(dtype)) return null;
    if (sizeOf(shape) === 0) return this.#value(name, op, { dtype, shape, data: NDArray.filled(dtype, shape, 0) });
    const root = tensor.at(this.#indices.of(shape));
    if (!isCompilable(root)) return null;
    const value = this.#value(name, op, { dtype, shape, definition: tensor, root });
    this.#steps.push({ kind: 'define', value });
    return value;
  }

  /** Whether the functions that `op` runs are part of the plan now. */
  #flow(op: Operation, flow: Flow, inputs: readonly Value[]): boolean {
    const wanted = op.outputs.map((output) => this.#scope.uses.has(output) && !this.#scope.of.has(output));
    return this.#orOnHost(op, () => this.#flows.lower(op, flow, inputs, wanted));
  }

  #onLists(op: Operation, lowering: Lowering | Routine, inputs: readonly Value[]): boolean {
    if (typeof lowering !== 'function') {
      const { list } = lowering;
      return (
        list !== undefined &&
        this.#lists.knows(op, inputs) &&
        this.#orOnHost(op, () => this.#lists.lower(op, list, inputs))
      );
    }
    if (!inputs.some((input) => this.#lists.get(input))) return false;
    return this.#orOnHost(op, () => {
      const outputs = lowering(this.#view(op, inputs.map((input) => ({ ...input, shape: [] })))); // prettier-ignore
      return outputs.map((tensor) => this.#lists.of(op, tensor.at([]), this.#values));
    });
  }

  /** Whether `lower` gives the outputs of `op`; if not, what has been made of it stays until all is made again without it. */
  #orOnHost(op: Operation, lower: () => readonly (Value | null)[]): boolean {
    if (this.#decisions.isOnHost(op)) return false;
    const scope = this.#scope;
    try {
      lower().forEach((value, i) => value && this.#bind(op, i, value));
      return true;
    } catch (error) {
      if (error !== unknown && error !== again && !(error instanceof TapelessError)) throw error;
      this.#isOver ||= error === again;
      this.#isRefuted = true;
      if (!this.#isOver) this.#decisions.leaveToHost(op);
      this.#scope = scope;
      return false;
    }
  }

  /** What the host reads of a list is the host's from the beginning. */
  #leaveList(value: Value): void {
    const list = this.#lists.get(value);
    if (!list) return;
    this.#isRefuted = true;
    if (!this.#isOver) this.#decisions.leaveToHost(list.origin);
  }

  #renamed(alias: Value): Value {
    const value = this.#value(alias.name, alias.op, { dtype: alias.dtype, shape: alias.shape, alias });
    this.#steps.push({ kind: 'barrier', value });
    return value;
  }

  #inline(
    op: Operation,
    operations: readonly Operation[],
    inputs: ReadonlyMap<Tensor, Value>,
    outputs: readonly Tensor[],
  ): readonly Value[] {
    const outside = this.#scope;
    this.#scope = scopeOf(operations, outputs, [op, ...outside.callers], inputs);
    for (const inner of operations) this.#operation(inner);
    const results = outputs.map((output) => this.#scope.of.get(output)!);
    this.#scope = outside;
    return results;
  }

  #product(op: Operation, [a, b]: readonly Value[]): boolean {
    const { lower: routine } = opDef(op.type);
    const [readA, readB] = (typeof routine === 'function' ? null : routine.product!(op as OpView))!;
    const [shape] = outputShapes(op, [a!, b!]) as readonly [Shape];
    if (!isFullyDefined(shape) || !['float32', 'float64', 'int32'].includes(a!.dtype)) return false;
    const out = this.#value(op.outputs[0]!.name, op, { dtype: a!.dtype, shape });
    this.#bind(op, 0, out);
    const [transposeA, transposeB] = [readA.transpose, readB.transpose];
    this.#steps.push({ kind: 'matmul', op, a: a!, b: b!, out, transposeA, transposeB });
    return true;
  }

  #convolved(op: Operation, { convolution: read }: Lowering, inputs: readonly Value[]): boolean {
    return this.#attempt(() => {
      const convolution = read!(this.#view(op, inputs));
      const [a, b] = convolution.operands.map((position) => inputs[position]!) as [Value, Value];
      const [shape] = outputShapes(op, inputs) as readonly [Shape];
      const { name, dtype } = op.outputs[0]!;
      if (!isFullyDefined(shape) || !isDirect(convolution) || !['float32', 'float64', 'int32'].includes(dtype))
        throw unknown;
      const out = this.#value(name, op, { dtype, shape });
      this.#bind(op, 0, out);
      this.#steps.push({ kind: 'convolution', op, convolution, a, b, out });
    });
  }

  #host(op: Operation, inputs: readonly Value[]): void {
    for (const input of inputs) {
      this.#leaveList(input);
      const { dtype, data } = input;
      if (dtype === 'resource' && !this.#isOver && this.#contents.bar(data)) this.#isRefuted = true;
    }
    const shapes = outputShapes(op, inputs);
    const outputs = op.outputs.map(({ name, dtype }, i) => {
      const shape = shapes[i]!;
      return this.#value(name, op, { dtype, shape: isFullyDefined(shape) && isCompiled(dtype) ? shape : null });
    });
    outputs.forEach((value, i) => this.#bind(op, i, value));
    if (outputs.length > 0 || opDef(op.type).effect !== 'pure')
      this.#steps.push({ kind: 'host', op, callers: this.#scope.callers, inputs, outputs });
  }
}
