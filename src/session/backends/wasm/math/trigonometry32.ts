/** sin, cos and tan of float32, by float64 lanes: what they round last is the result. */
import type { Definition, Helpers } from './library.js';
import { largest, reduceHuge, reducedShort } from './reduction.js';
import { halves, joined, type Variable, type Vector } from './vector.js';

/** (sin(r)/r - 1) / r² and (cos(r) - 1 + r²/2) / r⁴ in r², for |r| ≤ π/4; minimax (Remez): 2^-28.0 and 2^-33.3. */
const sinTail = [-0.16666654936701625, 0.008332177686633007, -0.00019517234692881404];
const cosTail = [0.0416666468546736, -0.001388736691318217, 2.4438379800663293e-5];

interface Circle {
  readonly sin: Vector;
  readonly cos: Vector;
  /** Holds the number of quarter turns before in its low bits. */
  readonly quarter: Variable;
}

function circle(x: Vector, huge: Vector, helpers: Helpers): Circle {
  const angle = reducedShort(x);
  huge.pushAny().if(() => reduceHuge(x, angle, helpers));
  const { high: r, quarter } = angle;
  const z = r.mul(r).keep();
  const square = z.mul(z).keep();
  return {
    sin: r.mul(z.mul(z.polynomial(sinTail, square)).add(1)),
    cos: z
      .constant(1)
      .sub(z.mul(0.5))
      .add(square.mul(z.polynomial(cosTail, square))),
    quarter,
  };
}

/** A function of float32 from one of float64, which also gets a mask of where its argument is huge. */
function byHalves(f: (x: Vector, huge: Vector, helpers: Helpers) => Vector): Definition {
  return ([x], helpers) => {
    const huge = x!.abs().bitsAbove(x!.constant(largest)).keep();
    const [low, high] = halves(x!);
    return joined([f(low.keep(), huge, helpers).keep(), f(high.keep(), huge, helpers).keep()]);
  };
}

/** A mask of where the number of quarter turns is odd. */
export const odd = (quarter: Vector): Vector => quarter.shiftLeft(63).negative();

/** The sign of a half turn: bit 1 of the number of quarter turns. */
export const halfTurn = (quarter: Vector): Vector => quarter.shiftLeft(62).sign();

export const sin = byHalves((x, huge, helpers) => {
  const { sin, cos, quarter } = circle(x, huge, helpers);
  return cos.where(odd(quarter), sin).xor(halfTurn(quarter));
});

export const cos = byHalves((x, huge, helpers) => {
  const { sin, cos, quarter } = circle(x, huge, helpers);
  return sin.where(odd(quarter), cos).xor(halfTurn(quarter.plusBits(quarter.bits(1))));
});

export const tan = byHalves((x, huge, helpers) => {
  const parts = circle(x, huge, helpers);
  const [sin, cos, swap] = [parts.sin.keep(), parts.cos.keep(), odd(parts.quarter).keep()];
  return cos.where(swap, sin).div(sin.where(swap, cos)).xor(swap.sign());
});
