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
