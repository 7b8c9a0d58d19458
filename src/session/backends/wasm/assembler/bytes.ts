/** Bytes that grow, with WebAssembly's number encodings. */
export class Bytes {
  #data = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): this {
    if (this.#length === this.#data.length) this.#grow(this.#length + 1);
    this.#data[this.#length++] = value;
    return this;
  }

  bytes(values: ArrayLike<number>): this {
    if (this.#length + values.length > this.#data.length) this.#grow(this.#length + values.length);
    this.#data.set(values, this.#length);
    this.#length += values.length;
    return this;
  }

  /** An unsigned integer below 2^32, LEB128. */
  u32(value: number): this {
    let rest = value >>> 0;
    while (rest > 127) {
      this.byte((rest & 127) | 128);
      rest >>>= 7;
    }
    return this.byte(rest);
  }

  s32(value: number): this {
    let rest = value | 0;
    for (;;) {
      const low = rest & 127;
      rest >>= 7;
      if ((rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0)) return this.byte(low);
      this.byte(low | 128);
    }
  }

  s64(value: bigint): this {
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(rest & 127n);
      rest >>= 7n;
      if ((rest === 0n && (low & 64) === 0) || (rest === -1n && (low & 64) !== 0)) return this.byte(low);
      this.byte(low | 128);
    }
  }

  f32(value: number): this {
    numbers.setFloat32(0, value, true);
    return this.bytes(first4);
  }

  f64(value: number): this {
    numbers.setFloat64(0, value, true);
    return this.bytes(first8);
  }

  text(value: string): this {
    const utf8 = new TextEncoder().encode(value);
    return this.u32(utf8.length).bytes(utf8);
  }

  /** What `other` holds, after its length. */
  sized(other: Bytes): this {
    return this.u32(other.#length).bytes(other.view());
  }

  /** The bytes so far, until the next one is added. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#data.subarray(0, this.#length);
  }

  #grow(least: number): void {
    const data = new Uint8Array(Math.max(least, 2 * this.#data.length));
    data.set(this.view());
    this.#data = data;
  }
}

// One number at a time is written here, and copied.
const first8 = new Uint8Array(8);
const first4 = first8.subarray(0, 4);
const numbers = new DataView(first8.buffer);
