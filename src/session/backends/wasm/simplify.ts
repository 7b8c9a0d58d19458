/**
 * Says the same with less: what is computed twice is computed once, what changes nothing is not computed, and matrices are transposed as
 * products read them. Every result keeps its bits.
 */
import type { Lazy } from '../../../ops/expr.js';
import type { Lowered, LoweredStep } from './lower.js';
import { holderOf, type MatMulStep, type Value } from './program.js';
import { simplified } from './simplify/algebra.js';
import { EqualValues } from './simplify/equal.js';
import { isInPlace, isTransposed, moved } from './simplify/moves.js';
import { fails, withoutUnread } from './simplify/unread.js';

export function simplify(lowered: Lowered): Lowered {
  return new Simplifier(lowered).run();
}

class Simplifier {
  readonly #lowered: Lowered;
  /** Values by number, as they are now: what is the same as another value has its storage. */
  readonly #values: Value[];
  readonly #barriers = new Set<Value>();
  readonly #fetched: ReadonlySet<Value>;
  readonly #equal: EqualValues;
  readonly #steps: LoweredStep[] = [];
  /** Values that still are as they were lowered, from the first on. */
  #current = 0;

  constructor(lowered: Lowered) {
    this.#lowered = lowered;
    this.#values = [...lowered.values];
    this.#fetched = new Set(lowered.fetches);
    this.#equal = new EqualValues(this.#values, this.#barriers);
  }

  run(): Lowered {
    for (const step of this.#lowered.steps) this.#step(step);
    this.#update(this.#lowered.values.length);
    const fetches = this.#lowered.fetches.map((value) => this.#now(value));
    const all = { ...this.#lowered, values: this.#values, steps: this.#steps, fetches };
    return { ...all, steps: withoutUnread(all) };
  }

  #now(value: Value): Value {
    return this.#values[value.id]!;
  }

  /** Brings what stands for the storage of others up to date, for values before number `end`. */
  #update(end: number): void {
    for (; this.#current < end; this.#current++) {
      const value = this.#values[this.#current]!;
      if (!value.alias || value !== this.#lowered.values[value.id]) continue;
      const alias = this.#now(value.alias);
      if (alias !== value.alias) this.#values[value.id] = { ...value, alias };
    }
  }

  #step(step: LoweredStep): void {
    switch (step.kind) {
      case 'define':
        this.#update(step.value.id);
        return this.#define(step.value);
      case 'barrier':
        this.#update(step.value.id + 1);
        this.#barriers.add(this.#now(step.value));
        return void this.#steps.push({ ...step, value: this.#now(step.value) });
      case 'matmul':
        this.#update(step.out.id);
        return this.#product(step);
      case 'convolution':
        this.#update(step.out.id);
        return void this.#steps.push({ ...step, a: this.#now(step.a), b: this.#now(step.b) });
      case 'scatter': {
        this.#update(step.out.id);
        const [base, indices, updates] = [step.base && this.#now(step.base), step.indices, step.updates] as const;
        return void this.#steps.push({ ...step, base, indices: this.#now(indices), updates: this.#now(updates) });
      }
      case 'host':
        this.#update(Math.max(-1, ...step.inputs.map(({ id }) => id)) + 1);
        return void this.#steps.push({ ...step, inputs: step.inputs.map((input) => this.#now(input)) });
      case 'flow':
        this.#update(Math.max(-1, ...[...step.inputs, ...step.outputs].map(({ id }) => id)) + 1);
        this.#equal.pass(step);
        return void this.#steps.push({ ...step, inputs: step.inputs.map((input) => this.#now(input)) });
      case 'assign':
        this.#update(step.value.id + 1);
        return void this.#steps.push({ ...step, value: this.#now(step.value) });
    }
  }

  #define(lowered: Value): void {
    let value = lowered;
    const root = simplified(value.root!, this.#values);
    if (root !== value.root) {
      const before = value.definition!;
      const definition: Lazy = { ...before, at: (index) => simplified(before.at(index), this.#values) };
      value = this.#values[value.id] = { ...value, root, definition };
    }
    if (this.#mayMerge(value)) {
      const same = this.#inPlace(value) ?? this.#equal.find(value);
      if (same) return this.#stands(value, same);
    }
    this.#steps.push({ kind: 'define', value });
  }

  /** Operations with control inputs hold others back, and what is fetched is an array of its own. */
  #mayMerge(value: Value): boolean {
    return value.op.controlInputs.length === 0 && !this.#fetched.has(this.#lowered.values[value.id]!) && !fails(value);
  }

  #inPlace(value: Value): Value | null {
    const from = moved(value, this.#values);
    if (from?.source.kind !== 'input' || !isInPlace(from, value, this.#lowered.indices)) return null;
    return this.#values[from.source.position]!;
  }

  #stands(value: Value, same: Value): void {
    this.#values[value.id] = { ...value, definition: null, root: null, alias: same };
  }

  #product(step: MatMulStep): void {
    const [a, transposeA] = this.#matrix(this.#now(step.a), step.transposeA);
    const [b, transposeB] = this.#matrix(this.#now(step.b), step.transposeB);
    const product: MatMulStep = { ...step, a, b, transposeA, transposeB };
    const { out, op } = product;
    const same = op.controlInputs.length > 0 || this.#fetched.has(out) ? null : this.#equal.findProduct(product);
    if (same) this.#stands(out, same);
    else this.#steps.push(product);
  }

  /** An operand as it was before its matrices were transposed, and how to read it then. */
  #matrix(operand: Value, transpose: boolean): readonly [Value, boolean] {
    for (let read: Value | null = operand; read; read = read.alias)
      if (this.#barriers.has(read)) return [operand, transpose];
    const holder = holderOf(operand);
    const [rows, columns] = operand.shape!.slice(-2);
    const from = holder.op.controlInputs.length === 0 ? moved(holder, this.#values) : null;
    if (from?.source.kind !== 'input' || !isTransposed(from, holder, this.#lowered.indices))
      return [operand, transpose];
    if (holder.shape!.at(-2) !== rows || holder.shape!.at(-1) !== columns) return [operand, transpose];
    const source = this.#values[from.source.position]!;
    const shape = [...operand.shape!.slice(0, -2), columns!, rows!];
    if (shape.join() === source.shape!.join()) return [source, !transpose];
    const reshaped: Value = {
      ...source,
      id: this.#values.length,
      shape,
      definition: null,
      root: null,
      data: source.data && source.data.reshape(shape),
      alias: source.data ? null : source,
    };
    this.#values.push(reshaped);
    return [reshaped, !transpose];
  }
}
