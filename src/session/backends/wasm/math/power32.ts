/** pow of float32, by float64 lanes. */
import type { Definition } from './library.js';
import { powerLimits } from './power-limits.js';
import { halves, joined, type Vector } from './vector.js';

const log2e = Math.LOG2E;
/** (log((1+s)/(1-s)) - 2s) / s³ in s², for m = (1+s)/(1-s) within 1/√2 … √2; minimax (Remez) in relative error: 2^-44.9. */
const logTail = [0.6666666667581844, 0.3999999561539431, 0.2857210988955415, 0.2217615623254939, 0.19584644979605179];
/** (2^r - 1) / r for |r| ≤ 1/2; minimax (Remez) in the relative error of 2^r: 2^-34.3. */
const powerTail = [
  0.6931471807047693, 0.24022651067006542, 0.05550410365391142, 0.009618038059251514, 0.001333393535002537,
  0.00015466781622472788, 1.5196136364569181e-5,
];
const rounder = 6755399441055744;
const rootHalf = 0x3fe6a09e667f3bcdn;
const one = 0x3ff0000000000000n;
const exponentMask = 0xfff0000000000000n;
/** 2^52: or'ed to an integer below it, the number that is greater by it. */
const shifted = 0x4330000000000000n;

/** The logarithm to base 2 of a positive normal number. */
function log2(x: Vector): Vector {
  const above = x.plusBits(x.bits(one - rootHalf)).keep();
  const e = above
    .shiftRight(52)
    .or(x.bits(shifted))
    .sub(2 ** 52 + 1023);
  const m = x
    .minusBits(above.and(x.bits(exponentMask)))
    .plusBits(x.bits(one))
    .keep();
  const s = m.sub(1).div(m.add(1)).keep();
  const z = s.mul(s).keep();
  return e.add(s.mul(z.mul(z.polynomial(logTail)).add(2)).mul(log2e));
}

/** 2^p; beyond the numbers of float32, 0 or a number that rounds to infinity. */
function exp2(p: Vector): Vector {
  const within = p.atMost(200).atLeast(-200).keep();
  const bits = within.add(rounder).keep();
  const r = within.sub(bits.sub(rounder)).keep();
  return r.mul(r.polynomial(powerTail)).add(1).plusBits(bits.shiftLeft(52));
}

export const pow: Definition = ([x, y], helpers) => {
  const size = x!.abs().keep();
  const [bases, powers] = [halves(size), halves(y!)];
  const part = (i: 0 | 1): Vector => exp2(powers[i].mul(log2(bases[i].keep())).keep()).keep();
  const result = joined([part(0), part(1)]).keep();
  powerLimits(x!, y!, result, helpers);
  return result;
};
