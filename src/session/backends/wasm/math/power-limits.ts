/** What pow gives for negative and infinite numbers, zeros and NaN, as C's. */
import type { Definition, Helpers } from './library.js';
import type { Variable, Vector } from './vector.js';

/** Corrects `result`, which holds |x|^y wherever both are finite and x is not 0. */
export function powerLimits(x: Vector, y: Vector, result: Variable, helpers: Helpers): void {
  const largest = x.constant(x.dtype === 'float32' ? 3.4028234663852886e38 : Number.MAX_VALUE);
  // As integers, zeros and negative numbers are below 1, infinities and NaN above the largest finite number.
  const mask = x.bitsAbove(largest).or(x.bits(1).bitsAbove(x)).or(y.abs().bitsAbove(largest));
  mask.pushAny().if(() => {
    const fix = helpers.helper('pow.limits', x.dtype, 3, limits);
    result.assign(x.call(fix, y, result));
  });
}

const limits: Definition = ([x, y, power]) => {
  const size = x!.abs().keep();
  const one = x!.constant(1);
  const infinity = x!.constant(Infinity);
  const zero = x!.constant(0);
  const yInfinite = y!.abs().eq(infinity).keep();
  const whole = y!.nearest().eq(y!).keep();
  const half = y!.mul(0.5).keep();
  const odd = whole.andNot(half.nearest().eq(half)).keep();
  const extreme = size.eq(0).or(size.eq(infinity)).or(yInfinite).keep();
  // Of 0, infinity, or to an infinite power: whether the result grows.
  const grows = size.gt(1).xor(y!.lt(0));
  const finite = infinity.where(grows, zero).where(extreme, power!);
  const signed = finite.xor(x!.sign().and(odd)).keep();
  const undefinedRoot = x!.lt(0).andNot(whole).andNot(extreme);
  const nan = x!.ne(x!).or(y!.ne(y!)).or(undefinedRoot);
  const always = y!.eq(0).or(x!.eq(1)).or(size.eq(1).and(yInfinite));
  return one.where(always, x!.constant(NaN).where(nan, signed));
};
