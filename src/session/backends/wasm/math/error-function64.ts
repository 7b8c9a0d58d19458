/** erf and erfc of float64, as src/ops/error-function.ts has them. */
import {
  largeOver,
  largeUnder,
  middle,
  middleOver,
  middleUnder,
  smallOver,
  smallUnder,
  tailOver,
  tailStart,
  tailUnder,
} from '../../../../ops/error-function.js';
import { exp } from './exponential64.js';
import type { Definition } from './library.js';
import type { Variable, Vector } from './vector.js';

const ratio = (x: Variable, over: readonly number[], under: readonly number[]): Vector => {
  const square = x.mul(x).keep();
  return x.polynomial(over, square).div(x.polynomial(under, square));
};

/** erfc of a ≥ 1.25: a's upper half is squared without an error. */
const complementOfLarge: Definition = ([x], helpers) => {
  const exponential = helpers.helper('exp', 'float64', 1, exp);
  const a = x!.atMost(28).keep();
  const s = a.constant(1).div(a.mul(a)).keep();
  const rest = ratio(s, largeOver, largeUnder).keep();
  const isTail = a.constant(tailStart).le(a).keep();
  rest.assignWhereAny(isTail, () => ratio(s, tailOver, tailUnder).where(isTail, rest));
  const high = a.and(a.bits(-0x100000000n)).keep();
  const first = high.mul(high).neg().sub(0.5625).call(exponential);
  const second = high.sub(a).mul(high.add(a)).add(rest).call(exponential);
  return first.mul(second).div(a);
};

export const erf: Definition = ([x], helpers) => {
  const a = x!.abs().keep();
  const square = a.mul(a).keep();
  const y = a.add(a.mul(ratio(square, smallOver, smallUnder))).keep();
  const isMiddle = a.constant(0.84375).le(a).keep();
  y.assignWhereAny(isMiddle, () => {
    const b = a.sub(1).keep();
    return ratio(b, middleOver, middleUnder).add(middle).where(isMiddle, y);
  });
  const isLarge = a.constant(1.25).le(a).keep();
  const complement = helpers.helper('erfc.large', 'float64', 1, complementOfLarge);
  y.assignWhereAny(isLarge, () => a.constant(1).sub(a.call(complement)).where(isLarge, y));
  return y.or(x!.sign());
};

export const erfc: Definition = ([x], helpers) => {
  const a = x!.abs().keep();
  const square = a.mul(a).keep();
  const r = x!.mul(ratio(square, smallOver, smallUnder)).keep();
  const below = x!.constant(1).sub(x!.add(r));
  const y = below.where(x!.lt(0.25), x!.constant(0.5).sub(x!.sub(0.5).add(r))).keep();
  const isMiddle = a.constant(0.84375).le(a).keep();
  const mirrored = (of: Vector): Vector => of.constant(2).sub(of).where(x!.negative(), of);
  y.assignWhereAny(isMiddle, () => {
    const b = a.sub(1).keep();
    const q = ratio(b, middleOver, middleUnder).keep();
    const near = q
      .add(middle)
      .add(1)
      .where(x!.negative(), b.constant(1 - middle).sub(q));
    return near.where(isMiddle, y);
  });
  const isLarge = a.constant(1.25).le(a).keep();
  const complement = helpers.helper('erfc.large', 'float64', 1, complementOfLarge);
  y.assignWhereAny(isLarge, () => mirrored(a.call(complement).keep()).where(isLarge, y));
  return y;
};
