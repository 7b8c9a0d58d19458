/** exp, expm1 and tanh of float64, with the polynomials of fdlibm's e_exp.c and s_expm1.c. */
import { sumInOrder } from './double.js';
import type { Definition } from './library.js';
import type { Vector } from './vector.js';

/** ln 2 in two parts; the first has 33 bits, so its product with an exponent is exact. */
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;
/** 1.5·2^52: added to a number below 2^51 it leaves the nearest integer in the low bits. */
const rounder = 6755399441055744;
/** r·(exp(r) + 1) / (exp(r) - 1) = 2 + r²·P(r²); error 2^-59. */
export const expTail = [
  1.66666666666666019037e-1, -2.7777777777015593384e-3, 6.61375632143793436117e-5, -1.6533902205465251539e-6,
  4.13813679705723846039e-8,
];
/** 6/r·((exp(r) + 1) / (exp(r) - 1) - 2/r) = 1 + r²/2·Q(r²/2); error 2^-61. */
const expm1Tail = [
  1, -3.33333333333331316428e-2, 1.58730158725481460165e-3, -7.93650757867487942473e-5, 4.00821782732936239552e-6,
  -2.01099218183624371326e-7,
];

interface Reduced {
  /** Holds n in its low bits. */
  readonly bits: Vector;
  readonly n: Vector;
  readonly high: Vector;
  readonly low: Vector;
  readonly r: Vector;
}

/** x = n·ln 2 + r, r = high - low. */
function reduced(x: Vector): Reduced {
  const bits = x.mul(Math.LOG2E).add(rounder).keep();
  const n = bits.sub(rounder).keep();
  const high = x.sub(n.mul(ln2High)).keep();
  const low = n.mul(ln2Low).keep();
  return { bits, n, high, low, r: high.sub(low).keep() };
}

/** y·2^n where that is a normal number. */
const scaled = (y: Vector, n: Vector): Vector => y.plusBits(n.shiftLeft(52));

/** y·2^n for a whole n from -2000 to 2000, of which y is normal: rounded once. */
export function scaledWide(y: Vector, n: Vector): Vector {
  const half = n.mul(0.5).nearest().keep();
  const power = (k: Vector): Vector => scaled(y.constant(1), k.add(rounder));
  return y.mul(power(half)).mul(power(n.sub(half)));
}

/** exp(high - low). */
function expNear({ high, low, r }: Reduced): Vector {
  const z = r.mul(r).keep();
  const c = r.sub(z.mul(z.polynomial(expTail))).keep();
  return high.sub(low.sub(r.mul(c).div(c.constant(2).sub(c)))).add(1);
}

export const exp: Definition = ([x], helpers) => {
  const parts = reduced(x!);
  const y = scaled(expNear(parts), parts.bits).keep();
  const wide = helpers.helper('exp.wide', 'float64', 1, expWide);
  y.assignWhereAny(x!.abs().bitsAbove(x!.constant(708)), () => x!.call(wide));
  return y;
};

const expWide: Definition = ([x]) => {
  const parts = reduced(x!.atMost(710).atLeast(-746).keep());
  return scaledWide(expNear(parts), parts.n);
};

/** exp(x) = 2^n·(1 + (r - e)). */
function expm1Near(x: Vector): { power: Vector; r: Vector; e: Vector } {
  const { bits, high, low, r } = reduced(x);
  const lost = high.sub(r).sub(low).keep();
  const half = r.mul(0.5).keep();
  const z = r.mul(half).keep();
  const q = z.polynomial(expm1Tail).keep();
  const t = q.constant(3).sub(q.mul(half)).keep();
  const e = z.mul(q.sub(t).div(q.constant(6).sub(r.mul(t))));
  return { power: scaled(x.constant(1), bits).keep(), r, e: r.mul(e.sub(lost)).sub(lost).sub(z).keep() };
}

/** (2^n - 1) + 2^n·(exp(r) - 1); from -40 down the result is -1, and above 709 it is that of exp. */
export const expm1: Definition = ([x], helpers) => {
  const { power, r, e } = expm1Near(x!.atMost(709).atLeast(-40).keep());
  const y = power.sub(1).add(power.mul(r)).sub(power.mul(e)).or(x!.sign()).keep();
  const large = x!.gt(709).keep();
  y.assignWhereAny(large, () => x!.call(helpers.helper('exp.wide', 'float64', 1, expWide)).where(large, y));
  return y;
};

/** Of a = |x|: t / (t + 2) with t = exp(2a) - 1, and what the rounding of both takes from their quotient. */
export const tanh: Definition = ([x]) => {
  const a = x!.abs().keep();
  const { power, r, e } = expm1Near(a.atMost(22).mul(2).keep());
  const [most, lostFirst] = sumInOrder(power.sub(1).keep(), power.mul(r).keep());
  const [t, lostLast] = sumInOrder(most, power.mul(e).neg().keep());
  const lost = lostFirst.add(lostLast).keep();
  const d = t.add(2).keep();
  const lostBelow = t.sub(d.sub(2)).add(lost);
  const quotient = t.div(d).keep();
  const y = quotient.add(lost.sub(quotient.mul(lostBelow)).div(d));
  return y.or(x!.xor(a));
};
