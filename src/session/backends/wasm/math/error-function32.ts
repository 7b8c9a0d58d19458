/** erf and erfc of float32. */
import { exp } from './exponential32.js';
import type { Definition, Helpers } from './library.js';
import type { Vector } from './vector.js';

/** (erf(a) - a) / a in a² for a ≤ 1; minimax in the relative error of erf: 2^-29.6. */
const small = [
  0.12837916612625122, -0.3761262595653534, 0.1128358542919159, -0.026853812858462334, 0.005188329145312309,
  -0.000801020534709096, 7.853897113818675e-5,
];
/** -log(erfc(a)) from 1 to 3.95; minimax in the relative error of erf: 2^-29.8. */
const large = [
  0.00034151977160945535, 1.127089262008667, 0.6381447911262512, 0.1031067743897438, -0.021838072687387466,
  0.002947660395875573, -0.00018637940229382366,
];
/** From here on the result is 1. */
const largeEnd = 3.9225;
/** exp(a²) erfc(a) (a + 3) in (a - 3) / (a + 3) up to 11; minimax in the relative error: 2^-28.3. */
const scaledComplement = [
  1.0740069150924683, -0.8833944797515869, 0.590228259563446, -0.3104657232761383, 0.11952997744083405,
  -0.026841597631573677, -0.001231477945111692, 0.0030819480307400227, -0.00047402415657415986, -0.00032051015296019614,
];
/** From here on the result is 0. */
const complementEnd = 10.1;

const exponential = (x: Vector, helpers: Helpers): Vector => x.call(helpers.helper('exp', 'float32', 1, exp));

export const erf: Definition = ([x], helpers) => {
  const a = x!.abs().keep();
  const square = a.mul(a).keep();
  const y = a.add(a.mul(square.polynomial(small))).keep();
  const isLarge = a.gt(1).keep();
  y.assignWhereAny(isLarge, () => {
    const b = a.atMost(largeEnd).keep();
    return b
      .constant(1)
      .sub(exponential(b.polynomial(large).neg(), helpers))
      .where(isLarge, y);
  });
  return y.or(x!.sign());
};

/**
 * exp(-a²) times its scaled complement, or 2 less that for negative x; up to 0.8, 1 - erf(x) in two steps. `lost` is what rounding
 * takes from a²: the square of a's upper 12 bits is exact.
 */
export const erfc: Definition = ([x], helpers) => {
  const a = x!.abs().atMost(complementEnd).keep();
  const square = a.mul(a).keep();
  const high = a.and(a.bits(0xfffff000 | 0)).keep();
  const low = a.sub(high).keep();
  const lost = high.mul(high).sub(square).add(high.mul(low).mul(2)).add(low.mul(low)).keep();
  const d = a.constant(1).div(a.add(3)).keep();
  const q = a.sub(3).mul(d).keep();
  const e = exponential(square.neg(), helpers).keep();
  const y = e
    .sub(e.mul(lost))
    .mul(d.mul(q.mul(q.polynomial(scaledComplement.slice(1))).add(scaledComplement[0]!)))
    .keep();
  const mirrored = y.constant(2).sub(y).where(x!.negative(), y);
  const rest = x!.sub(0.5).add(x!.mul(square.polynomial(small)));
  return x!.constant(0.5).sub(rest).where(a.lt(0.8), mirrored);
};
