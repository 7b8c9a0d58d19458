/**
 * Emits reductions. Terms along the last axis are taken in vectors where that is possible; long rows in blocks (`blocks.ts`). The order is
 * fixed: it depends on shapes alone.
 */
import { stridesOf } from '../../../graph/shape.js';
import { identityOf } from '../../../ops/scalar.js';
import type { Variable } from '../../../ops/expr.js';
import type { Local } from './assembler/code.js';
import { BlockLoops, blocksOf, sharesOf, type Combining, type Row } from './blocks.js';
import type { ElementEmitter, VectorMode } from './elements.js';
import type { Held, Slot, Thunk, Turn } from './frames.js';
import { loop } from './loops.js';
import type { Node } from './program.js';
import { scalarBinary, scalarLiteral, scalarLoad, scalarStore, scalarType } from './scalar-ops.js';
import { slotBytes } from './shared-sums.js';
import { extractLane, splat, vectorBinary, type Lanes } from './vector-ops.js';
import { lanesFor } from './vectorize.js';

export function emitReduction(emitter: ElementEmitter, expr: Node<'reduce'>, id: number): Held {
  return new ReductionEmitter(emitter, expr).emit(id);
}

/** Blocks of a row that run side by side, and expression nodes that a term takes at most: a sum waits for the one before it. */
const abreast = 4;
const mostNodes = 400;

class ReductionEmitter {
  readonly #emitter: ElementEmitter;
  readonly #expr: Node<'reduce'>;
  /** What it runs over, other than variables that have one value only. */
  readonly #over: readonly Variable[];

  constructor(emitter: ElementEmitter, expr: Node<'reduce'>) {
    this.#emitter = emitter;
    this.#expr = expr;
    this.#over = expr.over.filter(({ extent }) => extent !== 1);
  }

  emit(id: number): Held {
    const { frames, code } = this.#emitter;
    const { dtype } = this.#expr;
    const built = frames.reduction(() => {
      // The frame of variables that have one value only.
      const singles = this.#expr.over.filter(({ extent }) => extent === 1);
      const opened = singles.map((variable) => this.#emitter.enter(variable));
      const inner = this.#level(this.#over);
      for (const { local } of opened) {
        const thunks = frames.close();
        frames.push(() => {
          code.i32(0).set(local);
          for (const thunk of thunks) thunk();
        });
      }
      return inner;
    });
    const { local, wide, thunks } = built.result;
    const [only] = thunks;
    if (only?.joint && thunks.length === 1) return frames.place(id, built.level, { local, dtype, wide }, only);
    return frames.place(id, built.level, { local, dtype, wide }, () => {
      for (const thunk of thunks) thunk();
    });
  }

  /** Code that leaves the reduction over `over` in a local. */
  #level(over: readonly Variable[]): { local: Local; wide: boolean; thunks: readonly Thunk[] } {
    const { frames, code } = this.#emitter;
    if (over.some(({ extent }) => extent === 0)) {
      const local = code.local(scalarType(this.#expr.dtype));
      return { local, wide: false, thunks: [() => this.#identity(local, null)] };
    }
    const [outer, ...rest] = over;
    if (!outer) {
      frames.open();
      const held = this.#emitter.value(this.#expr.body);
      return { local: held.local, wide: held.wide, thunks: frames.close() };
    }
    if (rest.length === 0 && !this.#emitter.vector) {
      const row = this.#row(outer);
      if (row) return row;
    }
    const slot = this.#slot(outer);
    const { local: counter } = this.#emitter.enter(outer);
    const term = this.#level(rest);
    for (const thunk of term.thunks) frames.push(thunk);
    const body = frames.close();
    const mode = term.wide ? this.#emitter.vector : null;
    const total = this.#accumulator(mode);
    const { extent } = outer;
    const turn: Turn = { counter, body, term: term.local, total, slot };
    const emit = (turns: readonly Turn[]) => this.#blocks(turns, [], { extent, step: 1 }, mode);
    // In vectors of results, all results have the same terms in the same order.
    const joint = mode ? { key: `${this.#expr.op} ${this.#expr.dtype} ${extent}`, turn, emit } : undefined;
    return { local: total, wide: term.wide, thunks: [Object.assign(() => emit([turn]), { joint })] };
  }

  /** A row in vectors, and what is left of it one by one; null where that cannot be. */
  #row(variable: Variable): { local: Local; wide: false; thunks: readonly Thunk[] } | null {
    const { frames, code, resolver, libraries } = this.#emitter;
    const vector = lanesFor([this.#expr.body], variable, resolver, () => false);
    if (!vector) return null;
    const { op, dtype, body } = this.#expr;
    const { lanes, mode } = vector;
    const whole = variable.extent - (variable.extent % lanes);
    const slot = this.#slot(variable);
    const total = this.#accumulator(mode);
    const counter = code.local('i32');
    const apart = blocksOf(whole / lanes).size * lanes;
    const turns = Array.from({ length: this.#abreast(whole / lanes, vector.nodes) }, (_, block): Turn => {
      this.#emitter.ahead(variable, counter, block * apart);
      const term = this.#wideTerm(mode);
      return { counter, body: frames.close(), term, total, slot };
    });
    const result = code.local(scalarType(dtype));
    const thunks: Thunk[] = [
      () => this.#blocks(turns.slice(0, 1), turns.slice(1), { extent: whole, step: lanes }, mode),
    ];
    // Threads that share a row leave what there is besides vectors to the one that adds up.
    if (slot && this.#emitter.shared!.shares) return { local: result, wide: false, thunks };
    thunks.push(() => this.#joinLanes(total, lanes, result));
    if (whole < variable.extent) {
      const { local: rest } = this.#emitter.enter(variable);
      const last = this.#emitter.value(body);
      const add = (): void => {
        scalarBinary(code, libraries, op, dtype, result, last.local);
        code.set(result);
      };
      const tail = [...frames.close(), add];
      thunks.push(() => loop(code, rest, variable.extent, 1, tail, whole));
    }
    return { local: result, wide: false, thunks };
  }

  /** How many blocks of a row run side by side. */
  #abreast(terms: number, nodes: number): number {
    return this.#emitter.libraries.isHot && nodes <= mostNodes && blocksOf(terms).count >= abreast ? abreast : 1;
  }

  /** The vector that the body is. */
  #wideTerm(mode: VectorMode): Local {
    const { frames, code } = this.#emitter;
    const { dtype, body } = this.#expr;
    const term = this.#emitter.vectorized(mode, () => this.#emitter.value(body));
    if (term.wide) return term.local;
    const wide = code.local('v128');
    frames.push(() => {
      code.get(term.local);
      splat(code, dtype, mode.lanes);
      code.set(wide);
    });
    return wide;
  }

  /** Where threads that share the loop over `variable` keep what they come to, for the elements that are computed here. */
  #slot(variable: Variable): Slot | null {
    const { shared, resolver } = this.#emitter;
    if (!shared || this.#over[shared.level] !== variable) return null;
    const outer = this.#over.slice(0, shared.level);
    const strides = stridesOf([...outer.map(({ extent }) => extent), ...shared.own.shape]);
    const position = resolver.indices.position([...outer, ...shared.own.index], strides);
    return this.#emitter.addressOf(position, slotBytes, shared.address);
  }

  #accumulator(mode: VectorMode | null): Local {
    return this.#emitter.code.local(mode ? 'v128' : scalarType(this.#expr.dtype));
  }

  #identity(local: Local, mode: VectorMode | null): void {
    const { code } = this.#emitter;
    const { op, dtype } = this.#expr;
    scalarLiteral(code, dtype, identityOf(op, dtype));
    if (mode) splat(code, dtype, mode.lanes);
    code.set(local);
  }

  #add(total: Local, term: Local, mode: VectorMode | null): void {
    const { code, libraries } = this.#emitter;
    const { op, dtype } = this.#expr;
    if (mode) vectorBinary(code, libraries, op, dtype, mode.lanes, total, term);
    else scalarBinary(code, libraries, op, dtype, total, term);
    code.set(total);
  }

  /** The loop over a row, for all of it or what this function does of it. */
  #blocks(turns: readonly Turn[], besides: readonly Turn[], row: Row, mode: VectorMode | null): void {
    const { shared, code } = this.#emitter;
    const [first, ...others] = turns as readonly [Turn, ...Turn[]];
    const loops = new BlockLoops(code, row, this.#combining(mode));
    if (!shared || !first.slot) return loops.whole([first, ...others], besides);
    shared.counted(sharesOf(row.extent / row.step).count);
    if (shared.shares) loops.shares([first, ...others], besides, shared.shares, shared.stride);
    else loops.total([first, ...others], shared.stride);
  }

  #combining(mode: VectorMode | null): Combining {
    const { code } = this.#emitter;
    const { dtype } = this.#expr;
    return {
      accumulator: () => this.#accumulator(mode),
      identity: (total) => this.#identity(total, mode),
      combine: (total, term) => this.#add(total, term, mode),
      load: (offset) => (mode ? code.memory('v128.load', offset) : scalarLoad(code, dtype, offset)),
      store: (offset) => (mode ? code.memory('v128.store', offset) : scalarStore(code, dtype, offset)),
    };
  }

  #joinLanes(from: Local, lanes: Lanes, result: Local): void {
    const { code, libraries } = this.#emitter;
    const { op, dtype } = this.#expr;
    const lane = code.local(scalarType(dtype));
    extractLane(code, dtype, lanes, from, 0);
    code.set(result);
    for (let i = 1; i < lanes; i++) {
      extractLane(code, dtype, lanes, from, i);
      code.set(lane);
      scalarBinary(code, libraries, op, dtype, result, lane);
      code.set(result);
    }
    code.free(lane);
  }
}
