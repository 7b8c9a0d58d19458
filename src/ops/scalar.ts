/**
 * The arithmetic of single elements, by dtype: what every operator of the expression IR means.
 *
 * Elements are numbers, bigints for 64-bit integers, 0 and 1 for bools, `{ re, im }` for complex numbers, strings. Each
 * step is rounded to the dtype: float32 with fround, float16 and bfloat16 from the float32 result (as TensorFlow's CPU
 * kernels do), complex64 in both parts; integers wrap around.
 */
import { dtypeInfo, type DType } from '../graph/dtype.js';
import {
  bfloat16ToNumber,
  float16ToNumber,
  isComplexValue,
  numberToBfloat16,
  numberToFloat16,
  roundHalfEven,
  type Complex,
  type Element,
} from '../graph/elements.js';
import { DTypeError, InvalidArgumentError } from '../graph/errors.js';
import { complexBinary, complexParts, complexTests, complexUnary } from './complex.js';
import { erf, erfc } from './error-function.js';
import type { BinaryOp, ReduceOp, UnaryOp } from './expr.js';

/** What a variant tensor can hold: values that add up and have a zero beside them. */
export interface VariantValue {
  add(other: VariantValue): VariantValue;
  zeros(): VariantValue;
}

export type ScalarUnary = (x: Element) => Element;
export type ScalarBinary = (a: Element, b: Element) => Element;

type Fn1<T, R = T> = (x: T) => R;
type Fn2<T, R = T> = (a: T, b: T) => R;
type Table<K extends string, F> = { readonly [key in K]?: F };

/** Rounds a number to the nearest one that `dtype` holds; integers wrap around. */
export const rounding: { readonly [D in DType]?: Fn1<number> } = {
  float16: (x) => float16ToNumber(numberToFloat16(Math.fround(x))),
  bfloat16: (x) => bfloat16ToNumber(numberToBfloat16(x)),
  float32: Math.fround,
  float64: (x) => x,
  int8: (x) => (x << 24) >> 24,
  int16: (x) => (x << 16) >> 16,
  int32: (x) => x | 0,
  uint8: (x) => x & 0xff,
  uint16: (x) => x & 0xffff,
  uint32: (x) => x >>> 0,
  bool: (x) => (x === 0 ? 0 : 1),
};

const wrapBig = (dtype: DType): Fn1<bigint> =>
  dtype === 'uint64' ? (x) => BigInt.asUintN(64, x) : (x) => BigInt.asIntN(64, x);

const identity = <T>(x: T): T => x;

const floatUnary: Table<UnaryOp, Fn1<number>> = {
  sqrt: Math.sqrt,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  tanh: Math.tanh,
  erf,
  erfc,
};

/** Results that need no rounding. */
const exactUnary: Table<UnaryOp, Fn1<number>> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : NaN),
  floor: Math.floor,
  ceil: Math.ceil,
  // 0 keeps the sign of what was rounded.
  rint: (x) => roundHalfEven(x) || x * 0,
  isnan: (x) => (Number.isNaN(x) ? 1 : 0),
  conj: identity,
  real: identity,
  imag: () => 0,
};

const floatBinary: Table<BinaryOp, Fn2<number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  // C's pow, not JavaScript's: 1 to any power, even NaN, is 1, and so is -1 to an infinite one.
  pow: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b),
  floormod(a, b) {
    const rest = a % b;
    return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  },
};

const orderings: Table<BinaryOp, Fn2<number>> = {
  // NaN in either operand is the result; of equal operands (0 and -0), the second.
  max: (a, b) => (a > b || a !== a ? a : b),
  min: (a, b) => (a < b || a !== a ? a : b),
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  gt: (a, b) => (a > b ? 1 : 0),
  ge: (a, b) => (a >= b ? 1 : 0),
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
};

const logical: Table<BinaryOp, Fn2<number>> = { and: (a, b) => a & b, or: (a, b) => a | b };

/** @throws InvalidArgumentError for 0 */
export function divisor<T extends number | bigint>(b: T): T {
  if (b === 0 || b === 0n) throw new InvalidArgumentError('Integer division by zero');
  return b;
}

function checkPower(b: number | bigint): void {
  if (b < 0) throw new InvalidArgumentError('Integers to negative integer powers are not allowed');
}

function intBinary(wrap: Fn1<number>): Table<BinaryOp, Fn2<number>> {
  return {
    add: (a, b) => wrap(a + b),
    sub: (a, b) => wrap(a - b),
    mul: (a, b) => wrap(Math.imul(a, b)),
    div: (a, b) => wrap(Math.trunc(a / divisor(b))),
    floordiv: (a, b) => wrap(Math.floor(a / divisor(b))),
    floormod(a, b) {
      const rest = a % divisor(b);
      return wrap(rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest);
    },
    pow(a, b) {
      checkPower(b);
      let power = 1;
      for (let square = a, rest = b; rest > 0; rest = Math.floor(rest / 2)) {
        if (rest % 2 === 1) power = Math.imul(power, square);
        square = Math.imul(square, square);
      }
      return wrap(power);
    },
  };
}

function bigUnary(wrap: Fn1<bigint>): Table<UnaryOp, Fn1<bigint, Element>> {
  return {
    neg: (x) => wrap(-x),
    abs: (x) => wrap(x < 0n ? -x : x),
    sign: (x) => (x > 0n ? 1n : x < 0n ? wrap(-1n) : 0n),
    floor: identity,
    ceil: identity,
    rint: identity,
    conj: identity,
    real: identity,
    imag: () => 0n,
    isnan: () => 0,
  };
}

function bigBinary(wrap: Fn1<bigint>): Table<BinaryOp, Fn2<bigint>> {
  return {
    add: (a, b) => wrap(a + b),
    sub: (a, b) => wrap(a - b),
    mul: (a, b) => wrap(a * b),
    div: (a, b) => wrap(a / divisor(b)),
    floordiv(a, b) {
      const quotient = a / divisor(b);
      return wrap(a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient);
    },
    floormod(a, b) {
      const rest = a % divisor(b);
      return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
    },
    pow(a, b) {
      checkPower(b);
      let power = 1n;
      for (let square = a, rest = b; rest > 0n; rest >>= 1n) {
        if (rest & 1n) power = wrap(power * square);
        square = wrap(square * square);
      }
      return power;
    },
  };
}

const roundComplex = (dtype: DType): Fn1<Complex> =>
  dtype === 'complex64' ? (z) => ({ re: Math.fround(z.re), im: Math.fround(z.im) }) : identity;

function makeUnary(op: UnaryOp, dtype: DType): Fn1<never, Element> | undefined {
  const { kind, big } = dtypeInfo(dtype);
  if (kind === 'complex') {
    const [f, part] = [complexUnary[op], complexParts[op]];
    const round = roundComplex(dtype);
    if (f) return (z: Complex) => round(f(z));
    return part && (dtype === 'complex64' ? (z: Complex) => Math.fround(part(z)) : part);
  }
  if (dtype === 'variant') return op === 'zeros' ? (x: VariantValue) => x.zeros() : undefined;
  if (kind === 'bool') return op === 'not' ? (x: number) => x ^ 1 : undefined;
  if (big) return bigUnary(wrapBig(dtype))[op];
  const round = rounding[dtype];
  if (!round) return undefined;
  const exact = exactUnary[op];
  if (kind === 'int') return exact && ((x: number) => round(exact(x)));
  const f = floatUnary[op];
  return exact ?? (f && (dtype === 'float64' ? f : (x: number) => round(f(x))));
}

function makeBinary(op: BinaryOp, dtype: DType): Fn2<never, Element> | undefined {
  const { kind, big } = dtypeInfo(dtype);
  if (kind === 'complex') {
    const f = complexBinary[op];
    const round = roundComplex(dtype);
    return f ? (a: Complex, b: Complex) => round(f(a, b)) : complexTests[op];
  }
  if (kind === 'bool') return logical[op] ?? orderings[op];
  if (kind === 'string') return op === 'eq' || op === 'ne' ? orderings[op] : undefined;
  if (dtype === 'variant') return op === 'add' ? (a: VariantValue, b: VariantValue) => a.add(b) : undefined;
  if (kind === 'handle') return undefined;
  // The comparisons are the same for bigints.
  if (orderings[op]) return orderings[op];
  if (big) return bigBinary(wrapBig(dtype))[op];
  const round = rounding[dtype]!;
  if (kind === 'int') return intBinary(round)[op];
  if (op === 'floordiv') return (a: number, b: number) => Math.floor(round(a / b));
  const f = floatBinary[op];
  return f && (dtype === 'float64' ? f : (a: number, b: number) => round(f(a, b)));
}

function memoized<K extends string, F>(make: (op: K, dtype: DType) => unknown): (op: K, dtype: DType) => F {
  const table: { [D in DType]?: { [key in K]?: F } } = {};
  return (op, dtype) => {
    const row = (table[dtype] ??= {});
    return (row[op] ??= (make(op, dtype) ?? undefinedFor(op, dtype)) as F);
  };
}

function undefinedFor(op: string, dtype: DType): never {
  throw new DTypeError(`'${op}' is not defined for dtype ${dtype}.`);
}

/** What `op` does to an element of `dtype`. @throws DTypeError where it is not defined. */
export const unary = memoized<UnaryOp, ScalarUnary>(makeUnary);

/** What `op` makes of two elements of `dtype`. @throws DTypeError where it is not defined. */
export const binary = memoized<BinaryOp, ScalarBinary>(makeBinary);

/** How a reduction joins two partial results. @throws DTypeError where it is not defined. */
export const combiner = (op: ReduceOp, dtype: DType): ScalarBinary => binary(op, dtype);

/** What a reduction over no terms gives, and what every partial result starts from. */
export function identityOf(op: ReduceOp, dtype: DType): Element {
  const { kind, range, big } = dtypeInfo(dtype);
  switch (op) {
    case 'add':
    case 'or':
      return literalValue(0, dtype);
    case 'mul':
    case 'and':
      return literalValue(1, dtype);
    case 'max':
    case 'min': {
      if (kind === 'bool') return op === 'max' ? 0 : 1;
      if (kind === 'float') return op === 'max' ? -Infinity : Infinity;
      if (!range) return undefinedFor(op, dtype);
      const limit = range[op === 'max' ? 0 : 1];
      return big ? limit : Number(limit);
    }
  }
}

/** An element as a literal of `dtype` gives it: rounded, in the form that arithmetic expects. */
export function literalValue(value: Element, dtype: DType): Element {
  const { kind, big } = dtypeInfo(dtype);
  if (kind === 'complex') return roundComplex(dtype)(isComplexValue(value) ? value : { re: Number(value), im: 0 });
  if (kind === 'string' || kind === 'handle') return value;
  if (big) return typeof value === 'bigint' ? value : BigInt(Number(value));
  return rounding[dtype]!(Number(value));
}

/** Exact: one rounding from 64 bits, not a second one by way of float64. */
function bigToFloat32(x: bigint): number {
  const near = Number(x);
  if (Number.isSafeInteger(near)) return Math.fround(near);
  const sticky = x & 0x7ffn ? 1n : 0n;
  return Math.fround(Number((x >> 11n) | sticky)) * 2048;
}

const intMinimum = -(2 ** 31);
const bigMinimum = -(2n ** 63n);

/** x86's truncating conversions, as TensorFlow's scalar path uses them: what does not fit becomes the minimum. */
function truncate(x: number, dtype: DType): number {
  if (dtype === 'uint32') return Number(BigInt.asUintN(32, truncateBig(x, 'int64')));
  return rounding[dtype]!(x > intMinimum - 1 && x < 2 ** 31 ? Math.trunc(x) : intMinimum);
}

function truncateBig(x: number, dtype: DType): bigint {
  const limit = dtype === 'uint64' ? 2 ** 64 : 2 ** 63;
  return wrapBig(dtype)(x >= -(2 ** 63) && x < limit ? BigInt(Math.trunc(x)) : bigMinimum);
}

function fromReal(from: DType, to: DType): Fn1<number, Element> {
  const target = dtypeInfo(to);
  const float = dtypeInfo(from).kind === 'float';
  if (target.kind === 'complex') {
    const round = roundComplex(to);
    return (x) => round({ re: x, im: 0 });
  }
  if (target.big) return float ? (x) => truncateBig(x, to) : (x) => wrapBig(to)(BigInt(x));
  const round = rounding[to] ?? undefinedFor('cast', to);
  return float && target.kind === 'int' ? (x) => truncate(x, to) : round;
}

function fromBig(to: DType): Fn1<bigint, Element> {
  const { kind, big } = dtypeInfo(to);
  if (big) return wrapBig(to);
  if (kind === 'int') return (x) => rounding[to]!(Number(BigInt.asIntN(32, x)));
  if (kind === 'bool') return (x) => (x === 0n ? 0 : 1);
  if (to === 'float64') return Number;
  if (to === 'complex128') return (x) => ({ re: Number(x), im: 0 });
  const convert = fromReal('float32', to);
  return (x) => convert(bigToFloat32(x));
}

/** How an element of `from` becomes one of `to`, as TensorFlow's Cast. @throws DTypeError where it does not. */
export function conversion(from: DType, to: DType): ScalarUnary {
  if (from === to) return identity;
  const { kind, big } = dtypeInfo(from);
  if (kind === 'string' || kind === 'handle') return undefinedFor('cast', from);
  if (big) return fromBig(to) as ScalarUnary;
  if (kind !== 'complex') return fromReal(from, to) as ScalarUnary;
  if (dtypeInfo(to).kind === 'complex') return roundComplex(to) as ScalarUnary;
  const real = fromReal(from === 'complex64' ? 'float32' : 'float64', to);
  return ((z: Complex) => real(z.re)) as ScalarUnary;
}
