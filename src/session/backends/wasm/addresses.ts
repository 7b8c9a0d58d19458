/** Emits where elements are in memory. */
import type { Expr } from '../../../ops/expr.js';
import type { Affine } from './affine.js';
import type { ElementEmitter } from './elements.js';
import type { Held } from './frames.js';

/** An address: a local, if any, plus a constant. */
export interface Address {
  readonly base: Held | null;
  readonly offset: number;
  /** The innermost loop that it changes with. */
  readonly level: number;
}

export class Addresses {
  readonly #emitter: ElementEmitter;

  constructor(emitter: ElementEmitter) {
    this.#emitter = emitter;
  }

  /** The address of an element: a local, if any, plus a constant. Parts that change less often are added further out. */
  of(position: Affine, bytes: number, start: number): { base: Held | null; offset: number; level: number } {
    const { code } = this.#emitter;
    const terms = position.terms
      .map(({ of, factor }) => ({ held: this.counter(of), factor: factor * bytes }))
      .sort((a, b) => a.held.level - b.held.level);
    const ahead = terms.reduce((sum, { held, factor }) => sum + (held.ahead ?? 0) * factor, 0);
    const constant = start + position.constant * bytes + ahead;
    const base = terms.reduce<Held | null>((sum, { held, factor }) => {
      const scaled = this.#scaled(held, factor);
      return sum ? this.#sum(sum, scaled) : scaled;
    }, null);
    // An offset is added without wrapping around: it cannot make up for what is below 0.
    if (!base || (constant >= 0 && terms.every(({ factor }) => factor > 0)))
      return { base, offset: constant, level: base?.level ?? 0 };
    const whole = this.#emitter.placed(null, base.level, 'int32', false, (d) => {
      code.get(base.local).i32(constant).op('i32.add').set(d);
    });
    return { base: whole, offset: 0, level: whole.level };
  }

  #sum(a: Held, b: Held): Held {
    const key = `sum ${a.local.index} ${b.local.index}`;
    const known = this.#emitter.frames.find(key);
    if (known) return known;
    return this.#emitter.placed(key, Math.max(a.level, b.level), 'int32', false, (d) => {
      this.#emitter.code.get(a.local).get(b.local).op('i32.add').set(d);
    });
  }

  /** An index as an i32, never a vector: of the variable that vectors run along, where they start. */
  counter(expr: Expr): Held {
    if (expr.kind === 'variable') return this.#emitter.frames.find(this.#emitter.id(expr))!;
    const held = this.#emitter.value(expr);
    if (held.dtype !== 'int64') return held;
    const key = `wrap ${held.local.index}`;
    const { code } = this.#emitter;
    return (
      this.#emitter.frames.find(key) ??
      this.#emitter.placed(key, held.level, 'int32', false, (d) => code.get(held.local).op('i32.wrap_i64').set(d))
    );
  }

  #scaled(held: Held, factor: number): Held {
    if (factor === 1) return held;
    const key = `times ${held.local.index} ${factor}`;
    const { code } = this.#emitter;
    return (
      this.#emitter.frames.find(key) ??
      this.#emitter.placed(key, held.level, 'int32', false, (d) =>
        code.get(held.local).i32(factor).op('i32.mul').set(d),
      )
    );
  }
}
