/** Sums and products of float64 with what rounding takes from them, without a fused multiply-add. */
import type { Variable, Vector } from './vector.js';

/** 2^27 + 1: splits 53 bits into 26 and 26 (Veltkamp). */
const splitter = 134217729;

/** x as the sum of two numbers of 26 bits. */
export function splitInTwo(x: Vector): [Variable, Variable] {
  const grown = x.mul(splitter).keep();
  const high = grown.sub(grown.sub(x)).keep();
  return [high, x.sub(high).keep()];
}

/** a·b rounded, and what that lost (Dekker). */
export function exactProduct(a: Vector, b: Vector): [Variable, Variable] {
  const product = a.mul(b).keep();
  const [[ah, al], [bh, bl]] = [splitInTwo(a), splitInTwo(b)];
  const lost = ah.mul(bh).sub(product).add(ah.mul(bl)).add(al.mul(bh)).add(al.mul(bl));
  return [product, lost.keep()];
}

/** a - b rounded, and what that lost (Knuth). */
export function exactDifference(a: Vector, b: Vector): [Variable, Variable] {
  const difference = a.sub(b).keep();
  const back = difference.sub(a).keep();
  return [difference, a.sub(difference.sub(back)).sub(b.add(back)).keep()];
}

/** a + b rounded, and what that lost, where |a| ≥ |b| or a is 0. */
export function sumInOrder(a: Vector, b: Vector): [Variable, Variable] {
  const sum = a.add(b).keep();
  return [sum, b.sub(sum.sub(a)).keep()];
}
