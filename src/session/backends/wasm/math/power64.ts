/** pow of float64, as fdlibm's e_pow.c: a logarithm of 53 + 32 bits, times y, and 2 to that. */
import { expTail, scaledWide } from './exponential64.js';
import type { Definition } from './library.js';
import { powerLimits } from './power-limits.js';
import type { Variable, Vector } from './vector.js';

/** (3/2·log((1+s)/(1-s)) - 3s) / s³ - 1 ... of s² in fdlibm's scaling: log(m) = 2s + 2/3·s³ + s⁵·L(s²). */
const logTail = [
  5.99999999999994648725e-1, 4.28571428578550184252e-1, 3.33333329818377432918e-1, 2.72728123808534006489e-1,
  2.30660745775561754067e-1, 2.06975017800338417784e-1,
];
/** 2 / (3·ln 2), and in two parts. */
const scale = [9.61796693925975554329e-1, 9.61796700954437255859e-1, -7.02846165095275826516e-9] as const;
/** log2(3/2) in two parts. */
const logOfBase = [5.84962487220764160156e-1, 1.35003920212974897128e-8] as const;
/** ln 2, and in two parts. */
const ln2 = [6.93147180559945286227e-1, 6.93147182464599609375e-1, -1.90465429995776804525e-9] as const;

/** The upper 21 bits of the mantissa: products of two such numbers are exact. */
const upper = (x: Vector): Variable => x.and(x.bits(0xffffffff00000000n)).keep();

/** log2 of a positive number, in two parts of which the first has 21 bits. */
function log2(x: Vector): [Variable, Variable] {
  const subnormal = x.lt(2 ** -1022).keep();
  const size = x
    .mul(2 ** 54)
    .where(subnormal, x)
    .keep();
  // Within √3/2 … √3: near 1 or near 3/2.
  const above = size.minusBits(x.constant(Math.sqrt(3) / 2)).keep();
  const n = above
    .plusBits(x.constant(1))
    .shiftRight(52)
    .or(x.constant(2 ** 52))
    .sub(2 ** 52 + 1023);
  const e = n.sub(x.constant(54).and(subnormal)).keep();
  const m = size.minusBits(above.and(x.constant(-Infinity))).keep();
  const second = m.gt(Math.sqrt(1.5)).keep();
  const base = x.constant(1.5).where(second, 1).keep();
  const [high, low] = logOfRatio(m, base);
  const product = high.mul(scale[1]).keep();
  const rest = high.mul(scale[2]).add(low.mul(scale[0])).add(x.constant(logOfBase[1]).and(second)).keep();
  const start = x.constant(logOfBase[0]).and(second).keep();
  const sum = upper(product.add(rest).add(start).add(e));
  return [sum, rest.sub(sum.sub(e).sub(start).sub(product)).keep()];
}

/** 3/2·log(m / base) in two parts. */
function logOfRatio(m: Vector, base: Vector): [Variable, Vector] {
  const difference = m.sub(base).keep();
  const sum = m.add(base).keep();
  const inverse = m.constant(1).div(sum).keep();
  const s = difference.mul(inverse).keep();
  const high = upper(s);
  const sumHigh = upper(sum);
  const sumLow = m.sub(sumHigh.sub(base));
  const low = inverse.mul(difference.sub(high.mul(sumHigh)).sub(high.mul(sumLow))).keep();
  const z = s.mul(s).keep();
  const rest = z
    .mul(z)
    .mul(z.polynomial(logTail))
    .add(low.mul(high.add(s)))
    .keep();
  const square = high.mul(high).keep();
  const factor = upper(square.add(3).add(rest));
  const factorLow = rest.sub(factor.sub(3).sub(square));
  const u = high.mul(factor).keep();
  const v = low.mul(factor).add(factorLow.mul(s)).keep();
  const result = upper(u.add(v));
  return [result, v.sub(result.sub(u)).keep()];
}

/** 2^(high + low). */
function exp2(high: Vector, low: Vector): Vector {
  const sum = high.add(low).keep();
  const n = sum.nearest().keep();
  const near = high.sub(n).keep();
  const t = upper(low.add(near));
  const u = t.mul(ln2[1]).keep();
  const v = low.sub(t.sub(near)).mul(ln2[0]).add(t.mul(ln2[2])).keep();
  const r = u.add(v).keep();
  const w = v.sub(r.sub(u)).keep();
  const square = r.mul(r).keep();
  const c = r.sub(square.mul(square.polynomial(expTail))).keep();
  const y = r.constant(1).sub(
    r
      .mul(c)
      .div(c.sub(2))
      .sub(w.add(r.mul(w)))
      .sub(r),
  );
  return scaledWide(y, n);
}

/** Greater ones give 0, 1 or infinity. */
const greatestPower = 2 ** 65;
const greatestExponent = 1100;

export const pow: Definition = ([x, exponent], helpers) => {
  const y = exponent!.atMost(greatestPower).atLeast(-greatestPower).keep();
  const [logHigh, logLow] = log2(x!.abs().keep());
  const yHigh = upper(y);
  const high = yHigh.mul(logHigh).keep();
  const low = y.sub(yHigh).mul(logHigh).add(y.mul(logLow)).keep();
  const within = high.abs().le(greatestExponent).keep();
  const result = exp2(high.atMost(greatestExponent).atLeast(-greatestExponent).keep(), low.and(within).keep()).keep();
  powerLimits(x!, exponent!, result, helpers);
  return result;
};
