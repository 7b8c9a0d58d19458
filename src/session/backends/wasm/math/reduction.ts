/** Arguments of sin, cos and tan, reduced to within π/4 of 0. */
import type { Local } from '../assembler/code.js';
import type { Helpers } from './library.js';
import { exactDifference } from './double.js';
import { reducer } from './payne-hanek.js';
import type { Variable, Vector } from './vector.js';

/** x = n·π/2 + high + low. */
export interface Angle {
  readonly high: Variable;
  readonly low: Variable;
  /** Holds n, modulo 4, in its low bits. */
  readonly quarter: Variable;
}

/** 1.5·2^52: added to a number below 2^51 it leaves the nearest integer in the low bits. */
const rounder = 6755399441055744;
const twoOverPi = 0.6366197723675814;
/** π/2 in parts of 33 bits, whose products with an integer below 2^20 are exact, and what is left (fdlibm's e_rem_pio2.c). */
const part1 = 1.57079632673412561417;
const part2 = 6.0771005063039659766e-11;
const part3 = 2.0222662487111664558e-21;
const rest1 = 6.07710050650619224932e-11;
const rest3 = 8.47842766036889956997e-32;

/** Beyond this n may have more than 20 bits. */
export const largest = 2 ** 20;

/** After Cody and Waite, for |x| up to `largest` with at most 24 bits, which come no nearer to a multiple of π/2 than 2^-30. */
export function reducedShort(x: Vector): Angle {
  const quarter = x.mul(twoOverPi).add(rounder).keep();
  const n = quarter.sub(rounder).keep();
  return { quarter, high: x.sub(n.mul(part1)).sub(n.mul(rest1)).keep(), low: x.constant(0).keep() };
}

/**
 * The same for any 53 bits, which come as near as 2^-60: π/2 has 151 bits here, and what each subtraction loses is kept.
 */
export function reducedLong(x: Vector): Angle {
  const quarter = x.mul(twoOverPi).add(rounder).keep();
  const n = quarter.sub(rounder).keep();
  const first = x.sub(n.mul(part1)).keep();
  const [second, lost2] = exactDifference(first, n.mul(part2).keep());
  const [third, lost3] = exactDifference(second, n.mul(part3).keep());
  // What is taken away, so that -0 stays -0.
  const tail = n.mul(rest3).sub(lost2).sub(lost3).keep();
  const high = third.sub(tail).keep();
  return { quarter, high, low: third.sub(high).sub(tail).keep() };
}

/** Puts exact values where x is greater than `largest`; NaN where it is not finite. */
export function reduceHuge(x: Vector, angle: Angle, helpers: Helpers): void {
  const { code } = x;
  const huge = reducer(helpers);
  const [high, low, quarter, lane] = [code.local('f64'), code.local('f64'), code.local('i64'), code.local('f64')];
  for (const index of [0, 1]) {
    x.push();
    code
      .lane('f64x2.extract_lane', index)
      .tee(lane)
      .op('f64.abs')
      .f64(largest)
      .op('f64.le', 'i32.eqz')
      .if(() => {
        code.get(lane).call(huge).set(quarter).set(low).set(high);
        const put = (to: Variable, from: Local, type: string): unknown =>
          code.get(to.local).get(from).lane(`${type}x2.replace_lane`, index).set(to.local);
        put(angle.high, high, 'f64');
        put(angle.low, low, 'f64');
        put(angle.quarter, quarter, 'i64');
      });
  }
  for (const local of [high, low, quarter, lane]) code.free(local);
}
