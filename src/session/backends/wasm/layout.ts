/** Where the parts of a plan lie: whoever gives it memory says so. */
import type { NDArray } from '../../../graph/ndarray.js';
import type { VariableSlot } from './program.js';

/** Addresses are multiples of 64, and none is 0. */
export interface Layout {
  /** The place of a variable, which all plans that use it share. */
  variable(slot: VariableSlot): number;
  /** The place of a constant of so many bytes, which are those of `array`. */
  constant(bytes: number, array: NDArray): number;
  /** The place of so many bytes for the values of a run. */
  values(bytes: number): number;
}
