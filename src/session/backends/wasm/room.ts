/** Which stretches of a memory are taken. */
const alignment = 64;

export function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

interface Stretch {
  readonly from: number;
  readonly size: number;
}

/** Free stretches of memory: the smallest that is large enough is taken, and neighbours grow together again. */
export class Room {
  readonly #byStart = new Map<number, Stretch>();
  readonly #byEnd = new Map<number, Stretch>();
  /** There are few sizes, however many stretches there are. */
  readonly #bySize = new Map<number, Set<Stretch>>();
  #end: number;

  constructor(start: number) {
    this.#end = start;
  }

  get end(): number {
    return this.#end;
  }

  take(size: number): number {
    if (size === 0) return this.#end;
    let best = Infinity;
    for (const free of this.#bySize.keys()) if (free >= size && free < best) best = free;
    if (best < Infinity) {
      const [stretch] = this.#bySize.get(best)!;
      this.#remove(stretch!);
      if (best > size) this.#add({ from: stretch!.from + size, size: best - size });
      return stretch!.from;
    }
    // What is free at the end grows.
    const last = this.#byEnd.get(this.#end);
    if (last) this.#remove(last);
    const from = last?.from ?? this.#end;
    this.#end = from + size;
    return from;
  }

  /** Makes a taken stretch longer where it is. Whether that was possible. */
  extend(from: number, size: number, more: number): boolean {
    if (from + size !== this.#end) return false;
    this.#end += more;
    return true;
  }

  give(from: number, size: number): void {
    if (size === 0) return;
    const [before, after] = [this.#byEnd.get(from), this.#byStart.get(from + size)];
    if (before) this.#remove(before);
    if (after) this.#remove(after);
    const start = before?.from ?? from;
    this.#add({ from: start, size: from + size + (after?.size ?? 0) - start });
  }

  #add(stretch: Stretch): void {
    const { from, size } = stretch;
    this.#byStart.set(from, stretch);
    this.#byEnd.set(from + size, stretch);
    let equal = this.#bySize.get(size);
    if (!equal) this.#bySize.set(size, (equal = new Set()));
    equal.add(stretch);
  }

  #remove(stretch: Stretch): void {
    const { from, size } = stretch;
    this.#byStart.delete(from);
    this.#byEnd.delete(from + size);
    const equal = this.#bySize.get(size)!;
    equal.delete(stretch);
    if (equal.size === 0) this.#bySize.delete(size);
  }
}
