/**
 * Emits reductions. Terms along the last axis are taken in vectors where that is possible; long rows in blocks whose results are added up,
 * so that rounding errors grow with the square root of the length at most. The order is fixed: it depends on shapes alone.
 */
import { dtypeInfo } from '../../../graph/dtype.js';
import { identityOf } from '../../../ops/scalar.js';
import type { Variable } from '../../../ops/expr.js';
import type { Local } from './assembler/code.js';
import type { ElementEmitter, VectorMode } from './elements.js';
import type { Held, Thunk, Turn } from './frames.js';
import { loop, sideBySide } from './loops.js';
import type { Node } from './program.js';
import { scalarBinary, scalarLiteral, scalarType } from './scalar-ops.js';
import { extractLane, splat, vectorBinary, type Lanes } from './vector-ops.js';
import { lanesFor } from './vectorize.js';

/** Terms of a row that are added one after another. */
const blockSize = 128;

export function emitReduction(emitter: ElementEmitter, expr: Node<'reduce'>, id: number): Held {
  return new ReductionEmitter(emitter, expr).emit(id);
}

class ReductionEmitter {
  readonly #emitter: ElementEmitter;
  readonly #expr: Node<'reduce'>;

  constructor(emitter: ElementEmitter, expr: Node<'reduce'>) {
    this.#emitter = emitter;
    this.#expr = expr;
  }

  emit(id: number): Held {
    const { frames, code } = this.#emitter;
    const { dtype } = this.#expr;
    const over = this.#expr.over.filter(({ extent }) => extent !== 1);
    const built = frames.reduction(() => {
      // The frame of variables that have one value only.
      const singles = this.#expr.over.filter(({ extent }) => extent === 1);
      const opened = singles.map((variable) => this.#emitter.enter(variable));
      const inner = this.#level(over);
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
    const { local: counter } = this.#emitter.enter(outer);
    const term = this.#level(rest);
    for (const thunk of term.thunks) frames.push(thunk);
    const body = frames.close();
    const mode = term.wide ? this.#emitter.vector : null;
    const total = this.#accumulator(mode);
    const { extent } = outer;
    const turn: Turn = { counter, body, term: term.local, total };
    const emit = (turns: readonly Turn[]) => this.#blocks(turns, extent, 1, mode);
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
    const { local: counter } = this.#emitter.enter(variable);
    const term = this.#emitter.vectorized(mode, () => this.#emitter.value(body));
    const wideTerm = term.wide ? term.local : code.local('v128');
    if (!term.wide) {
      frames.push(() => {
        code.get(term.local);
        splat(code, dtype, lanes);
        code.set(wideTerm);
      });
    }
    const wideBody = frames.close();
    const whole = variable.extent - (variable.extent % lanes);
    const vectorTotal = this.#accumulator(mode);
    const result = code.local(scalarType(dtype));
    const thunks: Thunk[] = [
      () => this.#blocks([{ counter, body: wideBody, term: wideTerm, total: vectorTotal }], whole, lanes, mode),
      () => this.#joinLanes(vectorTotal, lanes, result),
    ];
    if (whole < variable.extent) {
      const { local: rest } = this.#emitter.enter(variable);
      const last = this.#emitter.value(body);
      const tail = frames.close();
      thunks.push(() =>
        loop(
          code,
          rest,
          variable.extent,
          1,
          [
            ...tail,
            () => {
              scalarBinary(code, libraries, op, dtype, result, last.local);
              code.set(result);
            },
          ],
          whole,
        ),
      );
    }
    return { local: result, wide: false, thunks };
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

  /** Runs turns for counters from 0 below `extent`, and combines their terms, blocks apart where rounding matters. */
  #blocks(turns: readonly Turn[], extent: number, step: number, mode: VectorMode | null): void {
    const { code } = this.#emitter;
    const { op, dtype } = this.#expr;
    const [{ counter }, ...others] = turns as readonly [Turn, ...Turn[]];
    const counters = others.map((other) => () => void code.get(counter).set(other.counter));
    const body = [...counters, ...sideBySide(turns.map((turn) => turn.body))];
    for (const { total } of turns) this.#identity(total, mode);
    const rounds = (op === 'add' || op === 'mul') && dtypeInfo(dtype).kind === 'float';
    const iterations = extent / step;
    if (!rounds || iterations <= blockSize) {
      const adds = turns.map(
        ({ total, term }) =>
          () =>
            this.#add(total, term, mode),
      );
      loop(code, counter, extent, step, [...body, ...adds]);
      return;
    }
    const size = step * Math.max(blockSize, Math.ceil(Math.sqrt(iterations)));
    const parts = turns.map(() => this.#accumulator(mode));
    const end = code.local('i32');
    code.i32(0).set(counter);
    code.loop((nextBlock) => {
      for (const part of parts) this.#identity(part, mode);
      // The end of this block, or of the whole.
      code.get(counter).i32(size).op('i32.add').set(end);
      code.get(end).i32(extent).get(end).i32(extent).op('i32.lt_s', 'select').set(end);
      code.loop((nextTerm) => {
        for (const thunk of body) thunk();
        turns.forEach(({ term }, i) => this.#add(parts[i]!, term, mode));
        code.get(counter).i32(step).op('i32.add').tee(counter).get(end).op('i32.lt_s').brIf(nextTerm);
      });
      turns.forEach(({ total }, i) => this.#add(total, parts[i]!, mode));
      code.get(counter).i32(extent).op('i32.lt_s').brIf(nextBlock);
    });
    for (const part of parts) code.free(part);
    code.free(end);
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
