/** Code in nested loops that finds its own place: what does not change inside a loop is computed before it. */
import type { DType } from '../../../graph/dtype.js';
import type { Local } from './assembler/code.js';

export interface Thunk {
  (): void;
  /** Where it is a loop that others like it can run in as well: runs them all in one. */
  readonly joint?: Joint | undefined;
}

/** A loop, of a kind that those with an equal key share, and what it does in each turn. */
export interface Joint {
  readonly key: string;
  readonly turn: Turn;
  /** Code for the loop of all these turns, which do not depend on each other. */
  readonly emit: (turns: readonly Turn[]) => void;
}

export interface Turn {
  readonly counter: Local;
  readonly body: readonly Thunk[];
  /** What is added to what. */
  readonly term: Local;
  readonly total: Local;
  /** Where what blocks come to is kept, where threads share them. */
  readonly slot: Slot | null;
}

/** An address: a local, if any, plus a constant. */
export interface Slot {
  readonly base: Held | null;
  readonly offset: number;
}

/** Something computed, and the frame in which it was: it holds as long as that frame's loop does not move on. */
export interface Held {
  readonly local: Local;
  readonly dtype: DType;
  readonly level: number;
  /** Whether it is a vector of consecutive elements. */
  readonly wide: boolean;
  /** Of a counter: how far what is meant is ahead of the local. */
  readonly ahead?: number;
}

interface Frame {
  readonly thunks: Thunk[];
  readonly memo: Map<number | string, Held>;
}

interface Reach {
  readonly outside: number;
  depends: number;
}

export class Frames {
  readonly #frames: Frame[] = [frame()];
  /** The innermost branch: its code must not move out of it. */
  #barrier = 0;
  /** The reductions under way: where their own frames start, and the innermost frame outside that they depend on. */
  readonly #reductions: Reach[] = [];
  /** Whether a reduction stands before all loops. */
  reducesFirst = false;

  get level(): number {
    return this.#frames.length - 1;
  }

  open(): number {
    return this.#frames.push(frame()) - 1;
  }

  /** Closes the innermost frame, and gives its code. */
  close(): readonly Thunk[] {
    return this.#frames.pop()!.thunks;
  }

  push(thunk: Thunk, level = this.level): void {
    this.#frames[level]!.thunks.push(thunk);
  }

  /** Adds code in the outermost frame where its operands are there, which is on `level` or inside. */
  place(key: number | string | null, level: number, held: Omit<Held, 'level'>, thunk: Thunk): Held {
    const placed = { ...held, level: Math.max(level, this.#barrier) };
    const { thunks, memo } = this.#frames[placed.level]!;
    thunks.push(thunk);
    if (key !== null) memo.set(key, placed);
    return placed;
  }

  /** Knows `held` under `key` in the innermost frame. */
  remember(key: number | string, held: Held, level = this.level): void {
    this.#frames[level]!.memo.set(key, held);
  }

  find(key: number | string): Held | undefined {
    for (let level = this.level; level >= 0; level--) {
      const held = this.#frames[level]!.memo.get(key);
      if (held) return this.used(held);
    }
    return undefined;
  }

  used(held: Held): Held {
    for (const reach of this.#reductions)
      if (held.level < reach.outside && held.level > reach.depends) reach.depends = held.level;
    return held;
  }

  /** What `build` places stays together, in a frame of its own. */
  branch(build: () => Held): { readonly thunks: readonly Thunk[]; readonly held: Held } {
    const barrier = this.#barrier;
    this.#barrier = this.open();
    const held = build();
    const thunks = this.close();
    this.#barrier = barrier;
    return { thunks, held };
  }

  /** Runs `build`, which opens frames of its own and closes them; gives the innermost frame outside that it depends on. */
  reduction<T>(build: () => T): { readonly result: T; readonly level: number } {
    const reach = { outside: this.#frames.length, depends: 0 };
    this.#reductions.push(reach);
    const result = build();
    this.#reductions.pop();
    this.reducesFirst ||= reach.depends === 0;
    return { result, level: reach.depends };
  }

  /** The code that stands before all loops. */
  get start(): readonly Thunk[] {
    return this.#frames[0]!.thunks;
  }
}

function frame(): Frame {
  return { thunks: [], memo: new Map() };
}
