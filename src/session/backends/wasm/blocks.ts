/**
 * The order of a reduction's terms: long rows are taken in blocks whose results are combined one after another, so that rounding errors grow
 * with the square root of the length at most. Blocks do not depend on each other: several run side by side, or in different threads.
 */
import type { Code, Local } from './assembler/code.js';
import type { Turn } from './frames.js';
import { loop, sideBySide, type Range } from './loops.js';

/** Terms that are combined one after another, at least. */
const fewest = 128;

/** How many terms a block has, the last one perhaps fewer, and how many there are. */
export interface Blocks {
  readonly size: number;
  readonly count: number;
}

export function blocksOf(terms: number): Blocks {
  const size = Math.min(terms, Math.max(fewest, Math.ceil(Math.sqrt(terms))));
  return { size, count: Math.ceil(terms / size) };
}

/** The parts in which threads share a row: its blocks, or terms where there is one block only. */
export function sharesOf(terms: number): Blocks {
  const blocks = blocksOf(terms);
  return blocks.count > 1 ? blocks : { size: 1, count: terms };
}

/** What code for a block needs of the reduction it is for. */
export interface Combining {
  readonly accumulator: () => Local;
  readonly identity: (total: Local) => void;
  /** `total` and `term`, into `total`. */
  readonly combine: (total: Local, term: Local) => void;
  /** Takes an address from the stack. */
  readonly load: (offset: number) => void;
  /** Takes an address and a value from the stack. */
  readonly store: (offset: number) => void;
}

/** A turn of a block's loop. */
interface Piece {
  readonly turn: Turn;
  /** How many blocks after the first it is in. */
  readonly block: number;
}

/** A row of terms for counters from 0 below `extent` in steps of `step`. */
export interface Row {
  readonly extent: number;
  readonly step: number;
}

type Turns = readonly [Turn, ...Turn[]];

/** Emits the loops of a reduction over one row, for each of some turns, which do not depend on each other. */
export class BlockLoops {
  readonly #code: Code;
  readonly #row: Row;
  readonly #by: Combining;

  constructor(code: Code, row: Row, by: Combining) {
    this.#code = code;
    this.#row = row;
    this.#by = by;
  }

  /** The whole row, into totals. `abreast`: the only turn again, with the same counter, in the blocks after it. */
  whole(turns: Turns, abreast: readonly Turn[]): void {
    const { extent, step } = this.#row;
    const { size, count } = blocksOf(extent / step);
    const [{ counter }] = turns;
    for (const { total } of turns) this.#by.identity(total);
    if (count === 1) {
      const adds = turns.map(
        ({ total, term }) =>
          () =>
            this.#by.combine(total, term),
      );
      return loop(this.#code, counter, extent, step, [...bodyOf(this.#code, atOnce(turns)), ...adds]);
    }
    this.#code.i32(0).set(counter);
    const end = this.#code.local('i32');
    this.#code.i32(extent).set(end);
    const take = (pieces: readonly Piece[]): void =>
      this.#blocks(pieces, size * step, end, (part, { turn: { total } }) => this.#by.combine(total, part));
    if (count > abreast.length && abreast.length > 0) take(besides(turns[0], abreast));
    take(atOnce(turns));
    this.#code.free(end);
  }

  /** Some shares of the row, from one number below another, each into its own slot: those of a share are `stride` bytes after the last's. */
  shares(turns: Turns, abreast: readonly Turn[], { from, to }: Range, stride: number): void {
    const { extent, step } = this.#row;
    const shares = sharesOf(extent / step);
    const size = shares.size * step;
    const code = this.#code;
    const [end, at] = [code.local('i32'), code.local('i32')];
    code.get(from).i32(size).op('i32.mul').set(turns[0].counter);
    code.get(from).i32(stride).op('i32.mul').set(at);
    code.get(to).i32(size).op('i32.mul').tee(end).i32(extent);
    code.get(end).i32(extent).op('i32.lt_s', 'select').set(end);
    const take = (pieces: readonly Piece[]): void => {
      const store = (part: Local, { turn, block }: Piece): void => {
        this.#slot(turn, at);
        code.get(part);
        this.#by.store(turn.slot!.offset + block * stride);
      };
      const blocks = pieces.at(-1)!.block + 1;
      const next = (): unknown =>
        code
          .get(at)
          .i32(blocks * stride)
          .op('i32.add')
          .set(at);
      this.#blocks(pieces, size, end, store, next);
    };
    if (shares.count > abreast.length && abreast.length > 0) take(besides(turns[0], abreast));
    take(atOnce(turns));
    for (const local of [end, at]) code.free(local);
  }

  /** What all shares of the row came to, into totals. */
  total(turns: Turns, stride: number): void {
    const { extent, step } = this.#row;
    const code = this.#code;
    const [at, part] = [code.local('i32'), this.#by.accumulator()];
    for (const { total } of turns) this.#by.identity(total);
    const adds = turns.map((turn) => (): void => {
      this.#slot(turn, at);
      this.#by.load(turn.slot!.offset);
      code.set(part);
      this.#by.combine(turn.total, part);
    });
    loop(code, at, sharesOf(extent / step).count * stride, stride, adds);
    code.free(at);
    code.free(part);
  }

  #slot({ slot }: Turn, at: Local): void {
    this.#code.get(at);
    if (slot!.base) this.#code.get(slot!.base.local).op('i32.add');
  }

  /**
   * Blocks of `size` from the counter on below `end`, as many at a time as the pieces are for, while there are so many. `done` gets what
   * a block came to.
   */
  #blocks(
    pieces: readonly Piece[],
    size: number,
    end: Local,
    done: (part: Local, piece: Piece) => void,
    next: () => unknown = () => undefined,
  ): void {
    const code = this.#code;
    const { counter } = pieces[0]!.turn;
    const others = pieces.at(-1)!.block * size;
    const { step } = this.#row;
    const body = bodyOf(code, pieces);
    const parts = pieces.map(() => this.#by.accumulator());
    const limit = code.local('i32');
    code.block((none) =>
      code.loop((again) => {
        code.get(counter).i32(others > 0 ? others + size : step);
        code.op('i32.add').get(end).op('i32.gt_s').brIf(none);
        for (const part of parts) this.#by.identity(part);
        code.get(counter).i32(size).op('i32.add').set(limit);
        // A last block may be shorter.
        if (others === 0) code.get(limit).get(end).get(limit).get(end).op('i32.lt_s', 'select').set(limit);
        code.loop((nextTerm) => {
          for (const thunk of body) thunk();
          pieces.forEach(({ turn }, i) => this.#by.combine(parts[i]!, turn.term));
          code.get(counter).i32(step).op('i32.add').tee(counter).get(limit).op('i32.lt_s').brIf(nextTerm);
        });
        if (others > 0) code.get(counter).i32(others).op('i32.add').set(counter);
        pieces.forEach((piece, i) => done(parts[i]!, piece));
        next();
        code.br(again);
      }),
    );
    for (const local of [...parts, limit]) code.free(local);
  }
}

function atOnce(turns: readonly Turn[]): readonly Piece[] {
  return turns.map((turn) => ({ turn, block: 0 }));
}

function besides(turn: Turn, abreast: readonly Turn[]): readonly Piece[] {
  return [turn, ...abreast].map((piece, block) => ({ turn: piece, block }));
}

/** What all pieces do in one turn of the loop that the first one's counter counts. */
function bodyOf(code: Code, pieces: readonly Piece[]): readonly (() => void)[] {
  const [first, ...others] = pieces as readonly [Piece, ...Piece[]];
  const counters = others
    .filter(({ block }) => block === 0)
    .map(
      ({ turn }) =>
        (): unknown =>
          code.get(first.turn.counter).set(turn.counter),
    );
  return [...counters, ...sideBySide(pieces.map(({ turn }) => turn.body))];
}
