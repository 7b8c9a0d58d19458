/** Places for a plan that is looked at alone. */
import { sizeOf } from '../../../src/graph/shape.js';
import type { Layout } from '../../../src/session/backends/wasm/layout.js';
import type { VariableSlot } from '../../../src/session/backends/wasm/program.js';
import { aligned } from '../../../src/session/backends/wasm/room.js';
import { bytesOf } from '../../../src/session/backends/wasm/scalar-ops.js';

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
