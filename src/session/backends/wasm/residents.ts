/** The variables of a session that compiled plans hold in its memory: each at one place, whatever plans use it. */
import { NDArray } from '../../../graph/ndarray.js';
import { sizeOf } from '../../../graph/shape.js';
import type { Resources } from '../../../ops/opdef.js';
import { Heap } from './heap.js';
import type { VariableSlot } from './program.js';
import { bytesOf } from './scalar-ops.js';

export interface Resident {
  readonly key: string;
  readonly address: number;
  /** What is in memory, as an array that changes with it. */
  own: NDArray;
  /** The session's array whose content is in memory; null before there is one. */
  current: NDArray | null;
}

export class Residents {
  readonly heap: Heap;
  readonly resources: Resources;
  readonly #known = new Map<string, Resident>();

  constructor(resources: Resources, isShared: boolean) {
    this.resources = resources;
    this.heap = new Heap(isShared, () => this.#renew());
  }

  /** The place of a variable. @throws OutOfMemoryError */
  of({ key, dtype, shape }: VariableSlot): Resident {
    // A handle of another type under the same name is another place.
    const place = `${dtype}[${shape.join()}] ${key}`;
    let resident = this.#known.get(place);
    if (!resident) {
      const { address } = this.heap.take(sizeOf(shape) * bytesOf(dtype));
      resident = { key, address, own: this.#array(dtype, shape, address), current: null };
      this.#known.set(place, resident);
    }
    return resident;
  }

  /** Whether memory has what the session's variable holds, or can have it now; false where it holds nothing. */
  bring(resident: Resident): boolean {
    const held = this.resources.variables.get(resident.key);
    if (!held) return false;
    if (held === resident.current) return true;
    (resident.own.data as Float32Array).set(held.data as Float32Array);
    resident.current = held;
    return true;
  }

  /** From now on the session's variable is what memory holds. */
  hand(resident: Resident): void {
    resident.current = resident.own;
    this.resources.variables.set(resident.key, resident.own);
  }

  /** Growth may have taken views away. */
  #renew(): void {
    const { variables } = this.resources;
    for (const resident of this.#known.values()) {
      const { own, address } = resident;
      resident.own = this.#array(own.dtype, own.shape, address);
      if (resident.current === own) resident.current = resident.own;
      if (variables.get(resident.key) === own) variables.set(resident.key, resident.own);
    }
  }

  #array(dtype: NDArray['dtype'], shape: readonly number[], address: number): NDArray {
    return new NDArray(dtype, shape, this.heap.view(dtype, address, sizeOf(shape)) as never);
  }
}
