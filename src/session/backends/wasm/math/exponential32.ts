/** exp, expm1 and tanh of float32. */
import type { Definition } from './library.js';
import type { Vector } from './vector.js';

const log2e = 1.4426950408889634;
/** ln 2 in two parts; the first has 15 bits, so its product with an integer below 2^9 is exact. */
const ln2High = 0.693145751953125;
const ln2Low = 1.428606820309417e-6;
/** 1.5·2^23: added to a number below 2^22 it leaves the nearest integer in the low bits. */
const rounder = 12582912;
/** (exp(r) - 1 - r) / r² for |r| ≤ 1.003·ln(2)/2; minimax (Remez) in the relative error of exp: 2^-28.2. */
const expTail = [
  0.4999999403953552, 0.16666513681411743, 0.041668061167001724, 0.008369549177587032, 0.0013843870256096125,
];

interface Reduced {
  /** Holds n in its low bits. */
  readonly bits: Vector;
  readonly r: Vector;
  /** exp(r) - 1 - r. */
  readonly tail: Vector;
  /** What rounding took from r. */
  readonly lost: Vector;
}

/** x = n·ln 2 + r. */
function reduced(x: Vector): Reduced {
  const bits = x.mul(log2e).add(rounder).keep();
  const n = bits.sub(rounder).keep();
  const high = x.sub(n.mul(ln2High)).keep();
  const low = n.mul(ln2Low).keep();
  const r = high.sub(low).keep();
  const square = r.mul(r).keep();
  return { bits, r, tail: square.mul(r.polynomial(expTail, square)), lost: high.sub(r).sub(low) };
}

/** y·2^n where that is a normal number. */
const scaled = (y: Vector, n: Vector): Vector => y.plusBits(n.shiftLeft(23));

export const exp: Definition = ([x], helpers) => {
  const { bits, r, tail } = reduced(x!);
  const y = scaled(r.add(tail).add(1), bits).keep();
  const wide = helpers.helper('exp.wide', 'float32', 1, expWide);
  y.assignWhereAny(x!.abs().bitsAbove(x!.constant(87)), () => x!.call(wide));
  return y;
};

/** Scales in two steps, to reach infinity and the subnormal numbers; elsewhere as `exp`. */
const expWide: Definition = ([wide]) => {
  const x = wide!.atMost(89).atLeast(-104).keep();
  const { bits, r, tail } = reduced(x);
  const n = bits.minusBits(x.constant(rounder)).keep();
  const half = n.shiftRightSigned(1).keep();
  const power = (k: Vector): Vector => scaled(x.constant(1), k);
  return r
    .add(tail)
    .add(1)
    .mul(power(half))
    .mul(power(n.minusBits(half)));
};

/** (2^n - 1) + 2^n·(exp(r) - 1); from -20 down the result is -1, and above 88 it is that of exp. */
export const expm1: Definition = ([x], helpers) => {
  const { bits, r, tail, lost } = reduced(x!.atMost(88).atLeast(-20).keep());
  const power = scaled(x!.constant(1), bits).keep();
  const sum = power
    .sub(1)
    .add(power.mul(r))
    .add(power.mul(tail.add(lost)));
  const y = sum.or(x!.sign()).keep();
  const large = x!.gt(88).keep();
  y.assignWhereAny(large, () => x!.call(helpers.helper('exp.wide', 'float32', 1, expWide)).where(large, y));
  return y;
};

/** Below this tanh is a polynomial. */
const tanhBound = 0.625;
/** The first number whose d is above 2^25, where d - 2 rounds to d and the result is 1. */
const tanhEnd = 8.66434;
/** (tanh(a) - a) / a³ in a² for a ≤ 0.625; minimax (Remez) in the relative error of tanh: 2^-27.7. */
const tanhTail = [
  -0.3333328068256378, 0.13331405818462372, -0.05373651534318924, 0.02062816731631756, -0.005692296661436558,
];

/** a + a³·P(a²) for small a = |x|, (d - 2) / d with d = exp(2a) + 1 for others: of 1 - 2/d, the last step would round twice. */
export const tanh: Definition = ([x]) => {
  const a = x!.abs().keep();
  const { bits, r, tail } = reduced(a.atMost(tanhEnd).mul(2).keep());
  const power = scaled(x!.constant(1), bits).keep();
  const d = power
    .add(1)
    .add(power.mul(r.add(tail)))
    .keep();
  const square = a.mul(a).keep();
  const small = a.add(a.mul(square.mul(square.polynomial(tanhTail))));
  return d.sub(2).div(d).where(a.gt(tanhBound), small).or(x!.xor(a));
};
