/** Elementary functions of float64 numbers to at least 200 bits, in integers: what the vectorised ones are measured against. */

/** mantissa·2^exponent. */
export interface Big {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** Fractional bits of fixed-point numbers. */
const bits = 320;
const B = BigInt(bits);
const one = 1n << B;

const buffer = new DataView(new ArrayBuffer(8));

export function fromNumber(x: number): Big {
  buffer.setFloat64(0, x);
  const word = buffer.getBigUint64(0);
  const biased = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xfffffffffffffn;
  const size = biased === 0 ? fraction : fraction | (1n << 52n);
  return { mantissa: x < 0 ? -size : size, exponent: Math.max(biased, 1) - 1075 };
}

const shift = (x: bigint, by: number): bigint => (by >= 0 ? x << BigInt(by) : x >> BigInt(-by));

/** In fixed point, with `fraction` bits after the point. */
const fixed = ({ mantissa, exponent }: Big, fraction = bits): bigint => shift(mantissa, exponent + fraction);

const big = (mantissa: bigint, exponent = -bits): Big => ({ mantissa, exponent });

/** Sum of s^k / k over odd k, every second one negated for the arctangent. */
function oddSeries(s: bigint, sign: 1n | -1n, fraction: bigint): bigint {
  const square = (sign * s * s) >> fraction;
  let sum = 0n;
  for (let power = s, k = 1n; power !== 0n && power !== -1n; power = (power * square) >> fraction, k += 2n)
    sum += power / k;
  return sum;
}

const long = 1600;
const L = BigInt(long);
const arctan = (of: bigint): bigint => oddSeries((1n << L) / of, -1n, L);
/** π/2 after Machin. */
const halfPi = 8n * arctan(5n) - 2n * arctan(239n);
/** The square root of a positive number, rounded down (Newton). */
function rootOf(x: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(x.toString(2).length / 2));
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

const rootPi = rootOf((2n * halfPi) << L);
const ln2 = 2n * oddSeries(one / 3n, 1n, B);

const round = (a: bigint, b: bigint): bigint =>
  (2n * a + b) / (2n * b) - (2n * a + b < 0n && (2n * a + b) % (2n * b) !== 0n ? 1n : 0n);

/** Sum of r^k / k! over k = first, first + step, …, every second one negated if `alternating`. */
function factorials(r: bigint, first: number, step: number, alternating: boolean): bigint {
  let [sum, term] = [0n, one];
  for (let k = 1, at = 0; term !== 0n && term !== -1n; k++) {
    if (at === first) {
      sum += alternating && ((first - (first % step)) / step) % 2 === 1 ? -term : term;
      first += step;
    }
    term = (term * r) / (one * BigInt(k));
    at = k;
  }
  return sum;
}

function expOf(x: bigint): Big {
  const n = round(x, ln2);
  return big(factorials(x - n * ln2, 0, 1, false), Number(n) - bits);
}

/** Of a positive number. */
function logOf({ mantissa, exponent }: Big): bigint {
  const length = mantissa.toString(2).length;
  let e = exponent + length;
  let m = shift(mantissa, bits - length);
  if (m < (3n * one) / 4n) [m, e] = [2n * m, e - 1];
  return 2n * oddSeries(((m - one) << B) / (m + one), 1n, B) + BigInt(e) * ln2;
}

function circle(x: number): { sin: bigint; cos: bigint } {
  const wide = fixed(fromNumber(x), long);
  const n = round(wide, halfPi);
  const r = (wide - n * halfPi) >> (L - B);
  const [s, c] = [factorials(r, 1, 2, true), factorials(r, 0, 2, true)];
  const turns = [
    [s, c],
    [c, -s],
    [-s, -c],
    [-c, s],
  ] as const;
  const [sin, cos] = turns[Number(((n % 4n) + 4n) % 4n)]!;
  return { sin, cos };
}

/** Below this size the first two terms of a series are exact to 200 bits. */
const tiny = 2 ** -70;
const near = (x: number, half: number): Big => {
  const { mantissa, exponent } = fromNumber(x);
  return big((mantissa << 400n) + BigInt(half) * shift(mantissa * mantissa, 399 + exponent), exponent - 400);
};

const expm1Of = (x: number): bigint => {
  const { mantissa, exponent } = expOf(fixed(fromNumber(x)));
  return shift(mantissa, exponent + bits) - one;
};

/** 2/√π times the sum of (-1)^k x^(2k+1) / (k! (2k+1)), up to x = 20, with so many bits that what cancels does not matter. */
function erfOf(x: number): bigint {
  const wide = fixed(fromNumber(x), long);
  const square = (wide * wide) >> L;
  let [sum, power] = [0n, wide];
  for (let k = 0n; power !== 0n && power !== -1n; power = -((power * square) >> L) / (k + 1n), k++)
    sum += power / (2n * k + 1n);
  return ((2n * sum) << L) / rootPi;
}

const clamped = (x: number): number => Math.max(-20, Math.min(x, 20));

function erfNear(x: number): Big {
  const { mantissa, exponent } = fromNumber(x);
  return big(((2n * mantissa) << (2n * L)) / rootPi, exponent - long);
}

export const precise: Readonly<Record<string, (x: number, y: number) => Big>> = {
  exp: (x) => expOf(fixed(fromNumber(x))),
  expm1: (x) => (Math.abs(x) < tiny ? near(x, 1) : big(expm1Of(x))),
  log: (x) => big(logOf(fromNumber(x))),
  log1p: (x) => (Math.abs(x) < tiny ? near(x, -1) : big(logOf(big(one + fixed(fromNumber(x)))))),
  sin: (x) => (Math.abs(x) < tiny ? near(x, 0) : big(circle(x).sin)),
  cos: (x) => big(circle(x).cos),
  tan(x) {
    if (Math.abs(x) < tiny) return near(x, 0);
    const { sin, cos } = circle(x);
    return big((sin << B) / cos);
  },
  tanh(x) {
    if (Math.abs(x) < tiny) return near(x, 0);
    const rise = expm1Of(Math.max(-400, Math.min(2 * x, 400)));
    return big((rise << B) / (rise + 2n * one));
  },
  erf: (x) => (Math.abs(x) < tiny ? erfNear(x) : big(erfOf(clamped(x)), -long)),
  erfc: (x) => big((1n << L) - erfOf(clamped(x)), -long),
  /** Of a positive x. */
  pow(x, y) {
    const { mantissa, exponent } = fromNumber(y);
    return expOf(shift(logOf(fromNumber(x)) * mantissa, exponent));
  },
};

/** How far `got` is from the exact value, in units of the last place of a number with `digits` bits, from 2^least up. */
export function ulps(got: number, exact: Big, digits = 53, least = -1074): number {
  const actual = fromNumber(got);
  const common = Math.min(actual.exponent, exact.exponent);
  const size = exact.mantissa < 0n ? -exact.mantissa : exact.mantissa;
  const last = Math.max(exact.exponent + size.toString(2).length - digits, least);
  const difference = shift(actual.mantissa, actual.exponent - common) - shift(exact.mantissa, exact.exponent - common);
  return Math.abs(Number(shift(difference, 20 + common - last))) * 2 ** -20;
}
