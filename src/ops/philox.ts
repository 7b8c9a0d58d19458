/** Philox 4x32-10, the counter-based generator of TensorFlow's CPU kernels, and the distributions drawn from it. */
import { allocate, dtypeInfo, type DType, type DTypeStorage } from '../graph/dtype.js';
import { numberToBfloat16, numberToFloat16 } from '../graph/elements.js';

const multiplierA = 0xd2511f53;
const multiplierB = 0xcd9e8d57;
const weylA = 0x9e3779b9;
const weylB = 0xbb67ae85;
const rounds = 10;
const mask32 = 0xffffffffn;
const mask64 = 0xffffffffffffffffn;

/** The high 32 bits of the product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const low = Math.floor((a * (b & 0xffff)) / 0x10000);
  return Math.floor((a * (b >>> 16) + low) / 0x10000);
}

/** A stream of blocks of four unsigned 32-bit integers, with a 64-bit key and a 128-bit counter. */
export class Philox {
  readonly #key: Uint32Array;
  readonly #counter: Uint32Array;
  readonly #block = new Uint32Array(4);

  /** @param low and @param high are the halves of the counter. A stateful op's seed is its key, its seed2 is `high`. */
  constructor(key: bigint, low: bigint, high: bigint) {
    this.#key = words(key);
    this.#counter = Uint32Array.of(...words(low), ...words(high));
  }

  /** Another generator that goes on from the same place. */
  clone(): Philox {
    return new Philox(join(this.#key, 0), join(this.#counter, 0), join(this.#counter, 2));
  }

  /** The next block; the array is reused by the next call. */
  next(): Uint32Array {
    const block = this.#block;
    const counter = this.#counter;
    let a = this.#key[0]!;
    let b = this.#key[1]!;
    block.set(counter);
    for (let round = 0; round < rounds; round++) {
      const even = block[0]!;
      const odd = block[2]!;
      block[0] = multiplyHigh(multiplierB, odd) ^ block[1]! ^ a;
      block[1] = Math.imul(multiplierB, odd);
      block[2] = multiplyHigh(multiplierA, even) ^ block[3]! ^ b;
      block[3] = Math.imul(multiplierA, even);
      a = (a + weylA) | 0;
      b = (b + weylB) | 0;
    }
    for (let i = 0; i < 4; i++) {
      counter[i]! += 1;
      if (counter[i] !== 0) break;
    }
    return block;
  }

  /** Passes over `blocks` blocks. */
  skip(blocks: bigint): void {
    const low = join(this.#counter, 0) + blocks;
    const high = join(this.#counter, 2) + (low >> 64n);
    this.#counter.set(words(low & mask64), 0);
    this.#counter.set(words(high & mask64), 2);
  }
}

function words(value: bigint): Uint32Array {
  return Uint32Array.of(Number(value & mask32), Number((value >> 32n) & mask32));
}

function join(parts: Uint32Array, from: number): bigint {
  return BigInt(parts[from]!) | (BigInt(parts[from + 1]!) << 32n);
}

/** The key and the two counter halves that a stateless op's seed stands for (TensorFlow's `GenerateKey`). */
export function keyAndCounter(seed0: bigint, seed1: bigint): readonly [key: bigint, low: bigint, high: bigint] {
  const mix = new Philox(0x02461e293ec8f720n, BigInt.asUintN(64, seed0), BigInt.asUintN(64, seed1)).next();
  return [join(mix, 0), 0n, join(mix, 2)];
}

/** Writes the numbers that one block gives. */
type Draw = (block: Uint32Array, out: Float64Array) => void;

const singleUniform = (bits: number): number => (bits & 0x7fffff) / 0x800000;
const doubleUniform = (low: number, high: number): number => ((low & 0xfffff) * 0x100000000 + high) / 0x10000000000000;

const uniformDraws: Partial<Record<DType, readonly [perBlock: number, draw: Draw]>> = {
  float32: [4, (block, out) => block.forEach((bits, i) => (out[i] = singleUniform(bits)))],
  float16: [4, (block, out) => block.forEach((bits, i) => (out[i] = (bits & 0x3ff) / 0x400))],
  bfloat16: [4, (block, out) => block.forEach((bits, i) => (out[i] = (bits & 0x7f) / 0x80))],
  float64: [
    2,
    (block, out) => {
      out[0] = doubleUniform(block[0]!, block[1]!);
      out[1] = doubleUniform(block[2]!, block[3]!);
    },
  ],
};

const leastUniform = 1e-7;

/** Two normal numbers from two uniform ones, in float32 arithmetic. */
function boxMullerSingle(x0: number, x1: number, out: Float64Array, at: number): void {
  const { fround } = Math;
  const u = Math.max(singleUniform(x0), fround(leastUniform));
  const angle = fround(2 * Math.PI * singleUniform(x1));
  const radius = fround(Math.sqrt(fround(-2 * fround(Math.log(u)))));
  out[at] = fround(fround(Math.sin(angle)) * radius);
  out[at + 1] = fround(fround(Math.cos(angle)) * radius);
}

const normalSingle: readonly [number, Draw] = [
  4,
  (block, out) => {
    boxMullerSingle(block[0]!, block[1]!, out, 0);
    boxMullerSingle(block[2]!, block[3]!, out, 2);
  },
];

const normalDraws: Partial<Record<DType, readonly [perBlock: number, draw: Draw]>> = {
  float32: normalSingle,
  float16: normalSingle,
  bfloat16: normalSingle,
  float64: [
    2,
    (block, out) => {
      const u = Math.max(doubleUniform(block[0]!, block[1]!), leastUniform);
      const angle = 2 * Math.PI * doubleUniform(block[2]!, block[3]!);
      const radius = Math.sqrt(-2 * Math.log(u));
      out[0] = Math.sin(angle) * radius;
      out[1] = Math.cos(angle) * radius;
    },
  ],
};

function encode(dtype: DType): (value: number) => number {
  return dtype === 'float16' ? numberToFloat16 : dtype === 'bfloat16' ? numberToBfloat16 : (value) => value;
}

function fill(
  generator: Philox,
  dtype: DType,
  size: number,
  [perBlock, draw]: readonly [number, Draw],
): DTypeStorage[DType] {
  const data = allocate(dtype, size) as Float64Array;
  const group = new Float64Array(4);
  const code = encode(dtype);
  for (let i = 0; i < size; i += perBlock) {
    draw(generator.next(), group);
    for (let k = 0; k < perBlock && i + k < size; k++) data[i + k] = code(group[k]!);
  }
  return data;
}

/** Numbers in [0, 1) of a float dtype. */
export function uniformFloats(generator: Philox, dtype: DType, size: number): DTypeStorage[DType] {
  return fill(generator, dtype, size, uniformDraws[dtype]!);
}

/** Numbers of mean 0 and deviation 1 of a float dtype. */
export function normalFloats(generator: Philox, dtype: DType, size: number): DTypeStorage[DType] {
  return fill(generator, dtype, size, normalDraws[dtype]!);
}

/** Integers in [low, high); of the whole dtype where there are no bounds. */
export function uniformIntegers(
  generator: Philox,
  dtype: DType,
  size: number,
  bounds: readonly [bigint, bigint] | null,
): DTypeStorage[DType] {
  const { big, bytes } = dtypeInfo(dtype);
  const bits = bytes * 8;
  const range = bounds && BigInt.asUintN(bits, bounds[1] - bounds[0]);
  const scale = (sample: bigint): bigint => (bounds && range ? bounds[0] + (sample % range) : sample);
  if (big) {
    const data = allocate(dtype, size) as BigInt64Array;
    for (let i = 0; i < size; i += 2) {
      const block = generator.next();
      for (let k = 0; k < 2 && i + k < size; k++) data[i + k] = scale(join(block, 2 * k));
    }
    return data;
  }
  const data = allocate(dtype, size) as Int32Array;
  for (let i = 0; i < size; i += 4) {
    const block = generator.next();
    for (let k = 0; k < 4 && i + k < size; k++) data[i + k] = Number(BigInt.asIntN(32, scale(BigInt(block[k]!))));
  }
  return data;
}
