/** Operations on variables that a plan holds in its memory: each gives a variable another value, or computes with what it holds. */
import type { Operation } from '../../../graph/operation.js';
import { isFullyDefined, shapesEqual, sizeOf } from '../../../graph/shape.js';
import type { Lazy } from '../../../ops/expr.js';
import type { Lowering, LowerView, Routine, ScatterReading } from '../../../ops/opdef.js';
import { fits, outputShapes } from './concrete.js';
import type { Contents } from './contents.js';
import type { LoweredStep } from './lowered.js';
import { isCompiled, type Value, type VariableSlot } from './program.js';

/** What lowering gives to that of variables. */
export interface VariableContext {
  readonly contents: Contents;
  value(name: string, op: Operation, type: Pick<Value, 'dtype' | 'shape'>): Value;
  /** @throws where compiled code cannot compute it */
  needed(name: string, op: Operation, tensor: Lazy): Value;
  push(step: LoweredStep): void;
  bind(op: Operation, index: number, value: Value): void;
  /** Whether `build` succeeds; if not, nothing of it stays. */
  attempt(build: () => void): boolean;
  lowered(op: Operation, lowering: Lowering, inputs: readonly Value[]): boolean;
  view(op: Operation, inputs: readonly Value[]): LowerView;
  refuse(): never;
}

export class VariableLowerer {
  readonly #context: VariableContext;

  constructor(context: VariableContext) {
    this.#context = context;
  }

  /** Whether compiled code does what `op` does with variables. */
  lower(op: Operation, { reads, assigns, elements, scatter }: Routine, inputs: readonly Value[]): boolean {
    if (reads) {
      const held = this.#context.contents.find(op, 0, inputs[0]!.data);
      if (held?.slot.dtype !== op.outputs[0]!.dtype) return false;
      this.#context.bind(op, 0, held.current);
      return true;
    }
    if (scatter) return this.#scattered(op, scatter, inputs);
    if (elements) return this.#computed(op, elements, inputs);
    return assigns !== undefined && this.#assigned(op, assigns, inputs);
  }

  /** What operations on variables work with: in the place of handles, what their variables hold. Null where that is not known here. */
  #operands(op: Operation, inputs: readonly Value[]): readonly Value[] | null {
    const operands = inputs.map((value, i) =>
      value.dtype === 'resource' ? this.#context.contents.find(op, i, value.data)?.current : value,
    );
    const isKnown = operands.every((value) => value && value.shape !== null && isCompiled(value.dtype));
    return isKnown && fits(op, inputs) ? (operands as readonly Value[]) : null;
  }

  #computed(op: Operation, elements: NonNullable<Routine['elements']>, inputs: readonly Value[]): boolean {
    const operands = this.#operands(op, inputs);
    return operands !== null && this.#context.lowered(op, elements, operands);
  }

  #scattered(op: Operation, reading: ScatterReading, inputs: readonly Value[]): boolean {
    const operands = this.#operands(op, inputs);
    if (!operands) return false;
    const [indices, updates] = [operands[reading.indices]!, operands[reading.updates]!];
    const base = reading.base === null ? null : operands[reading.base]!;
    const shape = base?.shape ?? outputShapes(op, inputs)[0]!;
    const rows = [...indices.shape!, ...(shape?.slice(1) ?? [])];
    const isDirect =
      isFullyDefined(shape) && shapesEqual(rows, updates.shape) && ['int32', 'int64'].includes(indices.dtype);
    if (!isDirect || sizeOf(shape) === 0 || !isAddable(updates.dtype) || (base && base.dtype !== updates.dtype))
      return false;
    const variable =
      reading.base === null ? null : this.#context.contents.find(op, reading.base, inputs[reading.base]!.data)!;
    const out = this.#context.value(op.outputs[0]?.name ?? `${op.name}/content`, op, { dtype: updates.dtype, shape });
    this.#context.push({ kind: 'scatter', op, reading, base, indices, updates, out });
    if (variable) {
      this.#context.push({ kind: 'assign', op, variable: variable.slot, value: out });
      variable.current = out;
    } else this.#context.bind(op, 0, out);
    return true;
  }

  #assigned(op: Operation, assigns: NonNullable<Routine['assigns']>, inputs: readonly Value[]): boolean {
    const held = inputs.map(({ dtype, data }, i) =>
      dtype === 'resource' ? this.#context.contents.find(op, i, data) : null,
    );
    const operands = inputs.map((value, i) => held[i]?.current ?? value);
    if (!operands.every(({ dtype, shape }) => shape !== null && isCompiled(dtype)) || !fits(op, inputs)) return false;
    return this.#context.attempt(() => {
      const assignments = assigns(this.#context.view(op, operands)).map(({ input, content }) => ({
        variable: held[input]!,
        value: this.#content(op, content, held[input]!.slot),
      }));
      for (const { variable, value } of assignments) {
        this.#context.push({ kind: 'assign', op, variable: variable.slot, value });
        variable.current = value;
      }
    });
  }

  /** What a variable holds from now on. */
  #content(op: Operation, content: Lazy, { dtype, shape }: VariableSlot): Value {
    if (content.dtype !== dtype || !shapesEqual(content.shape, shape)) return this.#context.refuse();
    return this.#context.needed(`${op.name}/content`, op, content);
  }
}

function isAddable(dtype: Value['dtype']): boolean {
  return isCompiled(dtype) && dtype !== 'bool';
}
