/** From operations to values with concrete shapes: each an expression over others, a product, or what a host step gives. */
import { TapelessError } from '../../../graph/errors.js';
import { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import { isFullyDefined, shapesEqual, sizeOf, type Shape } from '../../../graph/shape.js';
import type { Tensor } from '../../../graph/tensor.js';
import { Kernel } from '../../../ops/evaluate.js';
import { loaded, type Lazy } from '../../../ops/expr.js';
import {
  opDef,
  type Flow,
  type Lowering,
  type LowerView,
  type Many,
  type OpView,
  type RegisteredOp,
  type Routine,
} from '../../../ops/opdef.js';
import type { Plan } from '../../plan.js';
import { isCompilable } from './compilable.js';
import { fits, outputShapes } from './concrete.js';
import { Contents, type Barred } from './contents.js';
import { FlowLowerer } from './flow-lower.js';
import {
  IndexVariables,
  isCompiled,
  type AssignStep,
  type FlowStep,
  type HostStep,
  type MatMulStep,
  type Value,
  type VariableSlot,
} from './program.js';
import { scopeOf, type Scope } from './scope.js';
import { withoutUnread } from './simplify/unread.js';

/** A value that has an expression of its own takes part as a step of its own until fusion puts some together. */
export type LoweredStep =
  | HostStep
  | MatMulStep
  | AssignStep
  | FlowStep
  | { readonly kind: 'define'; readonly value: Value }
  /** The same storage under another name, from here on only: what reads it must not be computed earlier. */
  | { readonly kind: 'barrier'; readonly value: Value };

export interface Lowered {
  readonly values: readonly Value[];
  readonly steps: readonly LoweredStep[];
  readonly feeds: readonly Value[];
  readonly fetches: readonly Value[];
  readonly variables: readonly VariableSlot[];
  /** The index that the elements of values are given for. */
  readonly indices: IndexVariables;
}

/** Elements of a constant that is worked out beforehand, at most. */
const foldable = 4096;

/** `isInline`: whether functions are part of the plan, where they can be. */
export function lower(plan: Plan, isInline = true): Lowered {
  const barred: Barred = new Set();
  const refused = new Set<Operation>();
  for (;;) {
    const lowered = new Lowerer(plan, barred, isInline ? refused : null).run();
    if (lowered) return lowered;
  }
}

const unknown = new Error('A value is not known before the run.');
const noResources = { variables: new Map<string, NDArray>(), counters: new Map<string, unknown>() };

class Lowerer {
  readonly #plan: Plan;
  readonly #values: Value[] = [];
  readonly #steps: LoweredStep[] = [];
  #scope: Scope;
  readonly #indices = new IndexVariables();
  readonly #contents: Contents;
  readonly #flows: FlowLowerer;
  /** Calls of functions that turned out to be for the host; null where all are. */
  readonly #refused: Set<Operation> | null;
  /** Whether a variable turned out to be one that the session has to keep. */
  #isRefuted = false;

  constructor(plan: Plan, barred: Barred, refused: Set<Operation> | null) {
    this.#plan = plan;
    this.#refused = refused;
    this.#scope = scopeOf(plan.operations, plan.request.fetches, [], new Map());
    this.#contents = new Contents(barred, (name, op, type) => this.#value(name, op, type));
    this.#flows = new FlowLowerer({
      contents: this.#contents,
      value: (name, op, type) => this.#value(name, op, type),
      define: (name, op, tensor) => this.#needed(this.#defined(name, op, tensor)),
      push: (step) => void this.#steps.push({ ...step, callers: this.#scope.callers }),
      inline: (...call) => this.#inline(...call),
      refuse: () => this.#needed(null) as never,
    });
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
    if (this.#isRefuted) return null;
    const lowered: Lowered = {
      values: this.#values,
      steps: this.#steps,
      feeds: fed,
      fetches: fetches.map((tensor) => this.#scope.of.get(tensor)!),
      variables: this.#contents.slots,
      indices: this.#indices,
    };
    return { ...lowered, steps: withoutUnread(lowered) };
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
    if (this.#folded(op, def, inputs)) return;
    if (def.effect === 'pure' && inputs.every(({ dtype, shape }) => shape !== null && isCompiled(dtype))) {
      if (typeof def.lower === 'function' && this.#lowered(op, def.lower, inputs)) return;
      if (typeof def.lower !== 'function' && def.lower.product && this.#product(op, inputs)) return;
    }
    if (typeof def.lower !== 'function') {
      if (this.#onVariables(op, def.lower, inputs)) return;
      if (def.lower.flow && this.#flow(op, def.lower.flow(op as OpView), inputs)) return;
    }
    this.#host(op, inputs);
  }

  #bind(op: Operation, index: number, value: Value): void {
    const output = op.outputs[index]!;
    // What is fed stands in the place of what would be computed.
    if (!this.#scope.of.has(output)) this.#scope.of.set(output, value);
  }

  /** Works the operation out now, where all that it needs is known. */
  #folded(op: Operation, def: RegisteredOp, inputs: readonly Value[]): boolean {
    if (def.effect !== 'pure' || def.functional || op.controlInputs.length > 0) return false;
    const data = inputs.map((input) => input.data);
    if (!data.every((array) => array !== null)) return false;
    const known = outputShapes(op, inputs).every((shape) => isFullyDefined(shape) && sizeOf(shape) <= foldable);
    if (!known && inputs.length > 0) return false;
    let results: readonly NDArray[];
    try {
      results = new Kernel(def, op).run(data, noResources);
    } catch (error) {
      // A mistake waits for the run, as if nothing were folded.
      if (error instanceof TapelessError) return false;
      throw error;
    }
    results.forEach((array, i) => {
      const { dtype, shape } = array;
      this.#bind(op, i, this.#value(op.outputs[i]!.name, op, { dtype, shape, data: array }));
    });
    return true;
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

  #onVariables(op: Operation, { reads, assigns }: Routine, inputs: readonly Value[]): boolean {
    if (reads) {
      const held = this.#contents.find(op, 0, inputs[0]!.data);
      if (held?.slot.dtype !== op.outputs[0]!.dtype) return false;
      this.#bind(op, 0, held.current);
      return true;
    }
    return assigns !== undefined && this.#assigned(op, assigns, inputs);
  }

  #assigned(op: Operation, assigns: NonNullable<Routine['assigns']>, inputs: readonly Value[]): boolean {
    const held = inputs.map(({ dtype, data }, i) => (dtype === 'resource' ? this.#contents.find(op, i, data) : null));
    const operands = inputs.map((value, i) => held[i]?.current ?? value);
    if (!operands.every(({ dtype, shape }) => shape !== null && isCompiled(dtype)) || !fits(op, inputs)) return false;
    return this.#attempt(() => {
      const assignments = assigns(this.#view(op, operands)).map(({ input, content }) => ({
        variable: held[input]!,
        value: this.#content(op, content, held[input]!.slot),
      }));
      for (const { variable, value } of assignments) {
        this.#steps.push({ kind: 'assign', op, variable: variable.slot, value });
        variable.current = value;
      }
    });
  }

  /** What a variable holds from now on. */
  #content(op: Operation, content: Lazy, { dtype, shape }: VariableSlot): Value {
    if (content.dtype !== dtype || !shapesEqual(content.shape, shape)) throw unknown;
    return this.#needed(this.#defined(`${op.name}/content`, op, content));
  }

  /** Whether the functions that `op` runs are part of the plan now. */
  #flow(op: Operation, flow: Flow, inputs: readonly Value[]): boolean {
    if (!this.#refused || this.#refused.has(op)) return false;
    const wanted = op.outputs.map((output) => this.#scope.read.has(output) && !this.#scope.of.has(output));
    const scope = this.#scope;
    try {
      const results = this.#flows.lower(op, flow, inputs, wanted);
      results.forEach((value, i) => value && this.#bind(op, i, value));
      return true;
    } catch (error) {
      if (error !== unknown && !(error instanceof TapelessError)) throw error;
      // What has been made of it stays until all is made again without it.
      this.#refused.add(op);
      this.#isRefuted = true;
      this.#scope = scope;
      return false;
    }
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

  #host(op: Operation, inputs: readonly Value[]): void {
    for (const { dtype, data } of inputs) if (dtype === 'resource' && this.#contents.bar(data)) this.#isRefuted = true;
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
