/** Reads bytes one after another, with WebAssembly's number encodings. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes in all. */
  get length(): number {
    return this.#bytes.length;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** @throws RangeError past the end */
  byte(): number {
    return this.bytes(1)[0]!;
  }

  bytes(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new RangeError(`The bytes end at ${this.#bytes.length}, before ${end}.`);
    const read = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return read;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  }

  /** A signed integer of up to 64 bits. */
  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(Number(shift) + 7, value);
    }
  }

  view(count: number): DataView {
    const { buffer, byteOffset } = this.bytes(count);
    return new DataView(buffer, byteOffset, count);
  }

  text(): string {
    return new TextDecoder().decode(this.bytes(this.u32()));
  }

  /** What follows a length, of that length. */
  sized(): Reader {
    return new Reader(this.bytes(this.u32()));
  }

  /** As many items as the number that comes first says. */
  vector<T>(read: (index: number) => T): T[] {
    return Array.from({ length: this.u32() }, (_, i) => read(i));
  }
}
