/** Vectors of one dtype: what the kernels emit where dtypes differ, so that no kernel asks which dtype it has. */
import type { Code, Local } from '../assembler/code.js';

export type MatMulDType = 'float32' | 'float64' | 'int32';

export class Lanes {
  /** Elements of a vector. */
  readonly count: 2 | 4;
  /** Bytes of an element. */
  readonly size: 4 | 8;
  readonly #arithmetic: string;
  /** Whether a product is added without being rounded; otherwise it takes a register of its own. */
  readonly fused: boolean;

  constructor(dtype: MatMulDType, relaxed: boolean) {
    this.#arithmetic = { float32: 'f32x4', float64: 'f64x2', int32: 'i32x4' }[dtype];
    this.size = dtype === 'float64' ? 8 : 4;
    this.count = dtype === 'float64' ? 2 : 4;
    this.fused = relaxed && dtype !== 'int32';
  }

  /** Vectors that hold `elements`, the last one perhaps in part. */
  vectors(elements: number): number {
    return Math.ceil(elements / this.count);
  }

  splat(code: Code, offset: number): Code {
    return code.memory(`v128.load${8 * this.size}_splat`, offset, this.#alignment);
  }

  /** Adds the product of two locals to a third one. */
  multiplyAdd(code: Code, sum: Local, x: Local, y: Local): void {
    if (this.fused) code.get(x).get(y).get(sum).op(`${this.#arithmetic}.relaxed_madd`);
    else code.get(sum).get(x).get(y).op(`${this.#arithmetic}.mul`, `${this.#arithmetic}.add`);
    code.set(sum);
  }

  add(code: Code): Code {
    return code.op(`${this.#arithmetic}.add`);
  }

  /** Takes an address and leaves `elements` of it, with zeros after them; reads nothing else. */
  load(code: Code, elements: number, address: Local, offset = 0): Code {
    code.get(address);
    const bytes = elements * this.size;
    if (bytes === 16) return code.memory('v128.load', offset, this.#alignment);
    if (bytes === 4) return code.memory('v128.load32_zero', offset);
    if (bytes === 8) return code.memory('v128.load64_zero', offset, this.#alignment);
    return code
      .get(address)
      .memory('v128.load64_zero', offset, this.#alignment)
      .memoryLane('v128.load32_lane', 2, offset + 8);
  }

  /** Stores the first `elements` of a vector and nothing else. */
  store(code: Code, elements: number, address: Local, value: Local, offset = 0): Code {
    const bytes = elements * this.size;
    code.get(address).get(value);
    if (bytes === 16) return code.memory('v128.store', offset, this.#alignment);
    if (bytes === 4) return code.memoryLane('v128.store32_lane', 0, offset);
    code.memoryLane('v128.store64_lane', 0, offset);
    if (bytes === 12)
      code
        .get(address)
        .get(value)
        .memoryLane('v128.store32_lane', 2, offset + 8);
    return code;
  }

  get #alignment(): number {
    return this.size === 8 ? 3 : 2;
  }
}
