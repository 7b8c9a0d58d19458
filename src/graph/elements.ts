/** Reading and writing single elements of a tensor's storage, and converting JavaScript values to a dtype. */
import { dtypeInfo, type DType, type DTypeStorage } from './dtype.js';
import { DTypeError } from './errors.js';

export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** One element as JavaScript sees it: numbers for real dtypes, bigints for 64-bit integers, 0 and 1 for bool while computing. */
export type Element = number | bigint | boolean | string | Complex | object;

const scratch = new DataView(new ArrayBuffer(8));

/** The float32 whose bits are `bits` shifted up: bfloat16 to number. */
export function bfloat16ToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** The bits of the bfloat16 nearest to `value`, ties to even. */
export function numberToBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The bits of the IEEE half nearest to `value`, ties to even. */
export function numberToFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = magnitude < 2 ** -14 ? -14 : Math.floor(Math.log2(magnitude));
  const units = roundHalfEven(magnitude / 2 ** (exponent - 10));
  // A rounded-up fraction carries into the exponent by itself.
  return sign | (magnitude < 2 ** -14 ? units : ((exponent + 15) << 10) + (units - 1024));
}

/** Rounds to the nearest integer, ties to even. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The shortest decimal number of which `value` is the nearest float32. */
export function float32Text(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === Math.fround(value)) return Object.is(value, -0) ? '-0' : String(shorter);
  }
  return String(Number(value.toPrecision(9)));
}

export interface ElementCodec {
  /** Reads element `i` for arithmetic: bools come as 0 and 1. */
  readonly read: (data: never, i: number) => Element;
  readonly write: (data: never, i: number, value: never) => void;
}

function codec<S>(read: (data: S, i: number) => Element, write: (data: S, i: number, value: never) => void) {
  return { read, write } as ElementCodec;
}

const direct = codec<Float32Array>(
  (data, i) => data[i]!,
  (data, i, value) => void (data[i] = value),
);
const complex = codec<Float64Array>(
  (data, i) => ({ re: data[2 * i]!, im: data[2 * i + 1]! }),
  (data, i, value: Complex) => {
    data[2 * i] = value.re;
    data[2 * i + 1] = value.im;
  },
);
const half = codec<Uint16Array>(
  (data, i) => float16ToNumber(data[i]!),
  (data, i, value: number) => void (data[i] = numberToFloat16(value)),
);
const brain = codec<Uint16Array>(
  (data, i) => bfloat16ToNumber(data[i]!),
  (data, i, value: number) => void (data[i] = numberToBfloat16(value)),
);

/** How elements of `dtype` are read from and written to its storage. */
export function elementCodec(dtype: DType): ElementCodec {
  switch (dtype) {
    case 'float16':
      return half;
    case 'bfloat16':
      return brain;
    case 'complex64':
    case 'complex128':
      return complex;
    default:
      return direct;
  }
}

export function readElement(dtype: DType, data: DTypeStorage[DType], i: number): Element {
  return elementCodec(dtype).read(data as never, i);
}

export function writeElement(dtype: DType, data: DTypeStorage[DType], i: number, value: Element): void {
  elementCodec(dtype).write(data as never, i, value as never);
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** `value` as an element of `dtype`; throws a DTypeError where that dtype cannot hold it. */
export function toElement(value: unknown, dtype: DType): Element {
  const { kind, range, big } = dtypeInfo(dtype);
  const reject = (why: string) => new DTypeError(`${describe(value)} is not a value of dtype ${dtype}: ${why}.`);
  switch (kind) {
    case 'float':
      if (typeof value === 'number') return value;
      if (typeof value === 'bigint') return Number(value);
      throw reject('it must be a number');
    case 'int': {
      if (typeof value !== 'number' && typeof value !== 'bigint') throw reject('it must be an integer');
      if (typeof value === 'number' && !Number.isInteger(value)) throw reject('it is not an integer');
      if (value < range![0] || value > range![1]) throw reject(`it lies outside [${range![0]}, ${range![1]}]`);
      return big ? BigInt(value) : Number(value);
    }
    case 'bool':
      if (typeof value !== 'boolean') throw reject('it must be true or false');
      return value ? 1 : 0;
    case 'string':
      if (typeof value !== 'string') throw reject('it must be a string');
      return value;
    case 'complex':
      if (typeof value === 'number') return { re: value, im: 0 };
      if (isComplexValue(value)) return value;
      throw reject('it must be a number or { re, im }');
    case 'handle':
      return value as object;
  }
}

export function isComplexValue(value: unknown): value is Complex {
  return typeof value === 'object' && value !== null && 're' in value && 'im' in value;
}
