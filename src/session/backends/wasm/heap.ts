/** The linear memory of a session: what stays has stretches of its own, what lasts for a run shares one. */
import type { DType } from '../../../graph/dtype.js';
import { OutOfMemoryError } from '../../../graph/errors.js';
import type { MemoryLimits } from './assembler/module.js';
import { engine, type Memory } from './engine.js';
import { aligned, Room } from './room.js';

const pageBytes = 65536;
/** What 32 bits address. */
const mostPages = 65536;

/** A stretch of memory. */
export interface Region {
  readonly address: number;
  readonly bytes: number;
}

export class Heap {
  readonly limits: MemoryLimits;
  readonly memory: Memory;
  /** The storage as it is now: another object after growth, and views of the old one may be of no use. */
  buffer: ArrayBuffer;
  /** Where running code notes how far it has come. */
  readonly progress: number;
  // The first bytes stay free, so that no address is 0.
  readonly #room = new Room(64);
  #scratch: Region = { address: 0, bytes: 0 };
  readonly #moved: () => void;

  /** `isShared`: by threads. `moved` is told when views have to be made again. */
  constructor(isShared: boolean, moved: () => void) {
    this.limits = { initial: 1, maximum: mostPages, shared: isShared };
    this.memory = new engine!.Memory(this.limits);
    this.buffer = this.memory.buffer;
    this.#moved = moved;
    this.progress = this.take(64).address;
  }

  /** A stretch that is the caller's until it is given back. @throws OutOfMemoryError */
  take(bytes: number): Region {
    const size = aligned(bytes);
    const region = { address: this.#room.take(size), bytes: size };
    try {
      this.#grow();
    } catch (error) {
      this.give(region);
      throw error;
    }
    return region;
  }

  give({ address, bytes }: Region): void {
    this.#room.give(address, bytes);
  }

  /** A stretch of at least so many bytes that all who ask share, one after another. Its content lasts for a run. @throws OutOfMemoryError */
  scratch(bytes: number): number {
    const size = aligned(bytes);
    const { address, bytes: had } = this.#scratch;
    if (size > had) {
      if (had > 0 && this.#room.extend(address, had, size - had)) {
        this.#scratch = { address, bytes: size };
        this.#grow();
      } else {
        // Plans that were compiled for the old one keep it: with twice the room each time, all old ones together are no larger.
        this.#scratch = this.take(Math.max(size, 2 * had));
      }
    }
    return this.#scratch.address;
  }

  view(dtype: DType, address: number, length: number): Float32Array {
    const make = views[dtype as keyof typeof views];
    return new make(this.buffer, address, length) as Float32Array;
  }

  #grow(): void {
    const [have, need] = [this.buffer.byteLength / pageBytes, Math.ceil(this.#room.end / pageBytes)];
    if (need <= have) return;
    try {
      if (need > mostPages) throw new RangeError();
      // A quarter more than is needed, so that many small steps stay cheap.
      this.memory.grow(Math.min(Math.ceil(need * 1.25), mostPages) - have);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new OutOfMemoryError(`The session needs ${need * pageBytes} bytes of memory, which cannot be had.`);
    }
    this.buffer = this.memory.buffer;
    this.#moved();
  }
}

const views = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array as unknown as typeof Float64Array,
  bool: Uint8Array,
};
