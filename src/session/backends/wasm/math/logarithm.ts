/** log and log1p of both widths, as fdlibm's e_log.c and s_log1p.c. */
import type { Definition } from './library.js';
import type { Vector } from './vector.js';

interface Format {
  /** ln 2 in two parts, of which the first times an exponent is exact. */
  readonly ln2: readonly [high: number, low: number];
  /** (log((1+s)/(1-s)) - 2s) / s³ in s², for (1+s)/(1-s) within 1/√2 … √2. */
  readonly tail: readonly number[];
  /** The smallest normal number and the largest finite one. */
  readonly range: readonly [number, number];
  /** Brings subnormal numbers among the normal ones. */
  readonly lift: number;
}

const formats: Readonly<Record<Vector['shape'], Format>> = {
  f32x4: {
    ln2: [0.693145751953125, 1.428606820309417e-6],
    // Minimax (Remez) in relative error of the logarithm: 2^-30.2.
    tail: [0.6666677594184875, 0.39977577328681946, 0.2987106144428253],
    range: [2 ** -126, 3.4028234663852886e38],
    lift: 25,
  },
  f64x2: {
    // Both and the tail from fdlibm's e_log.c: 2^-58.5.
    ln2: [0.6931471803691238, 1.9082149292705877e-10],
    tail: [
      0.6666666666666735, 3.999999999940941908e-1, 2.857142874366239149e-1, 2.222219843214978396e-1, 0.1818357216161805,
      0.15313837699209373, 0.14798198605109586,
    ],
    range: [2 ** -1022, Number.MAX_VALUE],
    lift: 54,
  },
};

interface Parts {
  readonly e: Vector;
  /** x / 2^e, from 1/√2 to √2. */
  readonly m: Vector;
  /** 2·2^-e: for every e a number, which 2^-e is not. */
  readonly inverse: Vector;
}

/** Of positive normal numbers. */
function split(x: Vector): Parts {
  const above = x.minusBits(x.constant(Math.SQRT1_2)).keep();
  // Minus infinity has the bits of the exponent and the sign.
  const exponent = above.and(x.constant(-Infinity)).keep();
  const e = x.shape === 'f32x4' ? above.shiftRightSigned(23).op('f32x4.convert_i32x4_s') : exponent64(above);
  return { e: e.keep(), m: x.minusBits(exponent), inverse: x.constant(2).minusBits(exponent) };
}

/** 2^52 with an integer in its low bits is the number that is greater by it. */
const exponent64 = (bits: Vector): Vector =>
  bits
    .plusBits(bits.constant(1))
    .shiftRight(52)
    .or(bits.constant(2 ** 52))
    .sub(2 ** 52 + 1023);

/** e·ln 2 + log(1 + f + lost): with s = f / (2 + f), log(1 + f) = f - (f²/2 - s·(f²/2 + R)). */
function logSum(e: Vector, f: Vector, lost?: Vector): Vector {
  const { ln2, tail } = formats[f.shape];
  const s = f.div(f.add(2)).keep();
  const z = s.mul(s).keep();
  const half = f.mul(f).mul(0.5).keep();
  const low = s.mul(half.add(z.mul(z.polynomial(tail)))).add(e.mul(ln2[1]));
  return e.mul(ln2[0]).sub(half.sub(lost ? low.add(lost) : low).sub(f));
}

/** A mask of what is not a positive, finite, normal number: as integers these are greater or less. */
function unusual(x: Vector): Vector {
  const [smallest, largest] = formats[x.shape].range;
  return x.bitsAbove(x.constant(largest)).or(x.constant(smallest).bitsAbove(x));
}

/** The logarithm of 0, negative numbers, infinity and NaN. */
const limits = (x: Vector): Vector => x.constant(-Infinity).where(x.eq(0), x.sqrt());

export const log: Definition = ([x], helpers) => {
  const { e, m } = split(x!);
  const y = logSum(e, m.sub(1).keep()).keep();
  y.assignWhereAny(unusual(x!), () => x!.call(helpers.helper('log.wide', x!.dtype, 1, logWide)));
  return y;
};

/** Subnormal numbers are scaled up first; elsewhere as `log`. */
const logWide: Definition = ([x]) => {
  const { range, lift } = formats[x!.shape];
  const subnormal = x!.lt(range[0]).keep();
  const raised = x!
    .mul(2 ** lift)
    .where(subnormal, x!)
    .keep();
  const { e, m } = split(raised);
  const y = logSum(e.sub(x!.constant(lift).and(subnormal)).keep(), m.sub(1).keep()).keep();
  return limits(x!).where(unusual(raised), y);
};

/** log(u + c) with u = 1 + x rounded, and c what that lost. */
export const log1p: Definition = ([x]) => {
  const u = x!.add(1).keep();
  const back = u.sub(1).keep();
  const c = x!.sub(back).add(x!.constant(1).sub(u.sub(back)));
  const { e, m, inverse } = split(u);
  const high = m.sub(1).keep();
  const low = c.mul(inverse).mul(0.5).keep();
  const f = high.add(low).keep();
  const y = logSum(e, f, high.sub(f).add(low)).or(x!.sign()).keep();
  const mask = unusual(u).keep();
  y.assignWhereAny(mask, () => limits(u).where(mask, y));
  return y;
};
