/** The variables that a plan holds in its memory, and what they hold as lowering goes on. */
import type { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import { isFullyDefined, sizeOf } from '../../../graph/shape.js';
import { handleType } from '../../../ops/handles.js';
import { isCompiled, type Value, type VariableSlot } from './program.js';

/** Makes the value that stands for what a variable holds at first. */
type MakeValue = (name: string, op: Operation, type: Pick<VariableSlot, 'dtype' | 'shape'>) => Value;

interface Held {
  readonly slot: VariableSlot;
  current: Value;
}

/** Variables that something else than reads and assignments works on: the session keeps those. `null` for any that there is. */
export type Barred = Set<string | null>;

export class Contents {
  readonly #held = new Map<string, Held>();
  readonly #barred: Barred;
  readonly #makeInitial: MakeValue;

  constructor(barred: Barred, makeInitial: MakeValue) {
    this.#barred = barred;
    this.#makeInitial = makeInitial;
  }

  get slots(): readonly VariableSlot[] {
    return [...this.#held.values()].map(({ slot }) => slot);
  }

  /** The variable behind input `i` of `op`; null for one that the session keeps. */
  find(op: Operation, i: number, handle: NDArray | null): Held | null {
    const key = handle && keyOf(handle);
    if (key === null || this.#barred.has(key) || this.#barred.has(null)) return null;
    const known = this.#held.get(key);
    if (known) return known;
    const type = handleType(op.inputs[i]!);
    if (!type || !isFullyDefined(type.shape) || !isCompiled(type.dtype) || sizeOf(type.shape) === 0) return null;
    const { dtype, shape } = type;
    const initial = this.#makeInitial(op.inputs[i]!.name, op, { dtype, shape });
    const held: Held = { slot: { key, dtype, shape, initial, op, handle: handle! }, current: initial };
    this.#held.set(key, held);
    return held;
  }

  /** What every variable holds now. */
  current(): ReadonlyMap<VariableSlot, Value> {
    return new Map([...this.#held.values()].map(({ slot, current }) => [slot, current]));
  }

  /** All is again what it was before. @returns the variables that had changed since */
  restore(before: ReadonlyMap<VariableSlot, Value>): readonly VariableSlot[] {
    const changed: VariableSlot[] = [];
    for (const held of this.#held.values()) {
      const was = before.get(held.slot) ?? held.slot.initial;
      if (held.current !== was) changed.push(held.slot);
      held.current = was;
    }
    return changed;
  }

  /** A new value for what a variable holds from here on. */
  renew(slot: VariableSlot, op: Operation): Value {
    const held = this.#held.get(slot.key)!;
    held.current = this.#makeInitial(held.current.name, op, slot);
    return held.current;
  }

  /** Leaves the variable behind a handle to the session. Whether that is news. */
  bar(handle: NDArray | null): boolean {
    const key = handle && keyOf(handle);
    const isNews = !this.#barred.has(key) && (key === null ? this.#held.size > 0 : true);
    this.#barred.add(key);
    return isNews && (key === null || this.#held.has(key));
  }
}

function keyOf({ data }: NDArray): string {
  return (data as readonly string[])[0]!;
}
