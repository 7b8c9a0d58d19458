/** Where the parts of a plan lie: whoever gives it memory says so. */
import type { NDArray } from '../../../graph/ndarray.js';
import { sizeOf } from '../../../graph/shape.js';
import type { VariableSlot } from './program.js';
import { aligned } from './room.js';
import { bytesOf } from './scalar-ops.js';

/** Addresses are multiples of 64, and none is 0. */
export interface Layout {
  /** The place of a variable, which all plans that use it share. */
  variable(slot: VariableSlot): number;
  /** The place of a constant of so many bytes, which are those of `array`. */
  constant(bytes: number, array: NDArray): number;
  /** The place of so many bytes for the values of a run. */
  values(bytes: number): number;
}

/** One thing after another, in a memory that is used for nothing else. */
export class PlainLayout implements Layout {
  readonly #variables = new Map<string, number>();
  #size = 64;

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  variable({ key, dtype, shape }: VariableSlot): number {
    const known = this.#variables.get(key);
    if (known !== undefined) return known;
    const address = this.constant(sizeOf(shape) * bytesOf(dtype));
    this.#variables.set(key, address);
    return address;
  }

  constant(bytes: number): number {
    const address = this.#size;
    this.#size += aligned(bytes);
    return address;
  }

  values(bytes: number): number {
    return this.constant(bytes);
  }
}
