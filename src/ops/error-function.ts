/** The error function and its complement in double precision, with the rational functions of fdlibm's s_erf.c. */

/** (erf(x) - x) / x in x², up to 0.84375. */
export const smallOver = [
  1.28379167095512558561e-1, -3.2504210724700149937e-1, -2.84817495755985104766e-2, -5.77027029648944159157e-3,
  -2.37630166566501626084e-5,
];
export const smallUnder = [
  1, 3.97917223959155352819e-1, 6.50222499887672944485e-2, 5.08130628187576562776e-3, 1.32494738004321644526e-4,
  -3.9602282787753681232e-6,
];
/** erf(x) - `middle` in x - 1, up to 1.25. */
export const middle = 8.45062911510467529297e-1;
export const middleOver = [
  -2.36211856075265944077e-3, 4.14856118683748331666e-1, -3.72207876035701323847e-1, 3.18346619901161753674e-1,
  -1.10894694282396677476e-1, 3.54783043256182359371e-2, -2.166375594868790843e-3,
];
export const middleUnder = [
  1, 1.06420880400844228286e-1, 5.40397917702171048937e-1, 7.18286544141962662868e-2, 1.26171219808761642112e-1,
  1.36370839120290507362e-2, 1.1984499846799107417e-2,
];
/** log(x erfc(x)) + x² + 0.5625 in 1/x², up to 1/0.35. */
export const tailStart = 1 / 0.35;
export const largeOver = [
  -9.86494403484714822705e-3, -6.93858572707181764372e-1, -1.05586262253232909814e1, -6.23753324503260060396e1,
  -1.62396669462573470355e2, -1.84605092906711035994e2, -8.12874355063065934246e1, -9.81432934416914548592,
];
export const largeUnder = [
  1, 1.96512716674392571292e1, 1.376577541435190426e2, 4.34565877475229228821e2, 6.45387271733267880336e2,
  4.29008140027567833386e2, 1.08635005541779435134e2, 6.57024977031928170135, -6.04244152148580987438e-2,
];
/** The same above. */
export const tailOver = [
  -9.86494292470009928597e-3, -7.99283237680523006574e-1, -1.77579549177547519889e1, -1.60636384855821916062e2,
  -6.37566443368389627722e2, -1.02509513161107724954e3, -4.83519191608651397019e2,
];
export const tailUnder = [
  1, 3.03380607434824582924e1, 3.25792512996573918826e2, 1.53672958608443695994e3, 3.19985821950859553908e3,
  2.55305040643316442583e3, 4.74528541206955367215e2, -2.24409524465858183362e1,
];

function polynomial(x: number, coefficients: readonly number[]): number {
  return coefficients.reduceRight((sum, c) => sum * x + c, 0);
}

function ratio(x: number, over: readonly number[], under: readonly number[]): number {
  return polynomial(x, over) / polynomial(x, under);
}

/** Of a ≥ 1.25. */
function complementOfLarge(a: number): number {
  if (a > 28) return 0;
  const s = 1 / (a * a);
  const rest = a < tailStart ? ratio(s, largeOver, largeUnder) : ratio(s, tailOver, tailUnder);
  const short = Math.fround(a);
  return (Math.exp(-short * short - 0.5625) * Math.exp((short - a) * (short + a) + rest)) / a;
}

/** The error function: 2/√π times the integral of exp(-t²) from 0 to x. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 0.84375) return x + x * ratio(x * x, smallOver, smallUnder);
  const y = a < 1.25 ? middle + ratio(a - 1, middleOver, middleUnder) : 1 - complementOfLarge(a);
  return Number.isNaN(x) ? x : Math.sign(x) * y;
}

/** 1 - erf(x), with all its digits where that is small. */
export function erfc(x: number): number {
  const a = Math.abs(x);
  if (a < 0.84375) {
    const y = ratio(x * x, smallOver, smallUnder);
    return x < 0.25 ? 1 - (x + x * y) : 0.5 - (x - 0.5 + x * y);
  }
  if (Number.isNaN(x)) return x;
  if (a < 1.25) {
    const y = ratio(a - 1, middleOver, middleUnder);
    return x > 0 ? 1 - middle - y : 1 + (middle + y);
  }
  return x > 0 ? complementOfLarge(a) : 2 - complementOfLarge(a);
}
