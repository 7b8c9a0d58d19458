/** sin, cos and tan of float64, with the polynomials of fdlibm's k_sin.c and k_cos.c. */
import { sumInOrder } from './double.js';
import type { Definition, Helpers } from './library.js';
import { largest, reduceHuge, reducedLong } from './reduction.js';
import { halfTurn, odd } from './trigonometry32.js';
import type { Variable, Vector } from './vector.js';

/** (sin(r)/r - 1) / r² in r², and (cos(r) - 1 + r²/2) / r⁴, for |r| ≤ π/4; errors 2^-58. */
const sinTail = [
  -1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4, 2.75573137070700676789e-6,
  -2.50507602534068634195e-8, 1.58969099521155010221e-10,
];
const cosTail = [
  4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5, -2.75573143513906633035e-7,
  2.0875723212981748279e-9, -1.13596475577881948265e-11,
];

/** A value as a difference whose second part is small: taken from it, so that -0 stays -0. */
type Difference = readonly [Vector, Vector];

interface Circle {
  readonly sin: Difference;
  readonly cos: Difference;
  readonly quarter: Variable;
}

function circle(x: Vector, helpers: Helpers): Circle {
  const angle = reducedLong(x);
  x.abs()
    .bitsAbove(x.constant(largest))
    .pushAny()
    .if(() => reduceHuge(x, angle, helpers));
  const { high: r, low, quarter } = angle;
  const z = r.mul(r).keep();
  const cube = z.mul(r).keep();
  const sinRest = z.mul(low.mul(0.5).sub(cube.mul(z.polynomial(sinTail.slice(1))))).sub(low);
  const half = z.mul(0.5).keep();
  const w = half.constant(1).sub(half).keep();
  const cosRest = r
    .mul(low)
    .sub(z.mul(z.mul(z.polynomial(cosTail))))
    .sub(half.constant(1).sub(w).sub(half));
  return { sin: [r, sinRest.sub(cube.mul(sinTail[0]!))], cos: [w, cosRest], quarter };
}

const total = ([high, taken]: Difference): Vector => high.sub(taken);

export const sin: Definition = ([x], helpers) => {
  const { sin, cos, quarter } = circle(x!, helpers);
  return total(cos).where(odd(quarter), total(sin)).xor(halfTurn(quarter));
};

export const cos: Definition = ([x], helpers) => {
  const { sin, cos, quarter } = circle(x!, helpers);
  return total(sin)
    .where(odd(quarter), total(cos))
    .xor(halfTurn(quarter.plusBits(quarter.bits(1))));
};

const inOrder = ([high, taken]: Difference): [Variable, Variable] => sumInOrder(high, taken.neg().keep());

/** The quotient of the large parts, and what the small parts add to it. */
export const tan: Definition = ([x], helpers) => {
  const { sin, cos, quarter } = circle(x!, helpers);
  const swap = odd(quarter).keep();
  const [s, c] = [inOrder(sin), inOrder(cos)];
  const pick = (i: 0 | 1): [Vector, Vector] => [c[i].where(swap, s[i]), s[i].where(swap, c[i]).keep()];
  const [[top, bottom], [topRest, bottomRest]] = [pick(0), pick(1)];
  const quotient = top.div(bottom).keep();
  return quotient.sub(quotient.mul(bottomRest).sub(topRest).div(bottom)).xor(swap.sign());
};
