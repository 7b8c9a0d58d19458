/** The body of one WebAssembly function: instructions in order, with locals by handle. */
import { Bytes } from './bytes.js';
import { instructions, type InstructionInfo, type ValueType } from './instructions.js';

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A function of a module, imported or defined. */
export interface FunctionRef {
  readonly index: number;
  readonly type: FunctionType;
  readonly name: string;
}

export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

const typeBytes: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

export function typeByte(type: ValueType): number {
  return typeBytes[type];
}

function instruction(name: string): InstructionInfo {
  const info = instructions.get(name);
  if (!info) throw new RangeError(`'${name}' is not an instruction that the assembler knows.`);
  return info;
}

/**
 * Every method appends and returns the code itself. Nothing but names is checked here: engines validate, and specs disassemble.
 * A local taken with `local` can be given back with `free`, for another of its type.
 */
export class Code {
  readonly type: FunctionType;
  readonly params: readonly Local[];
  readonly #bytes = new Bytes();
  readonly #locals: ValueType[] = [];
  readonly #free: Local[] = [];
  /** Within `scoped`: what it has taken. */
  #taken: Set<Local> | null = null;
  #depth = 0;

  constructor(type: FunctionType) {
    this.type = type;
    this.params = type.params.map((param, index) => ({ type: param, index }));
  }

  /** Bytes of code so far. */
  get size(): number {
    return this.#bytes.length;
  }

  get localCount(): number {
    return this.#locals.length + this.params.length;
  }

  local(type: ValueType): Local {
    const at = this.#free.findIndex((local) => local.type === type);
    const local =
      at >= 0 ? this.#free.splice(at, 1)[0]! : { type, index: this.params.length + this.#locals.push(type) - 1 };
    this.#taken?.add(local);
    return local;
  }

  free(local: Local): void {
    this.#taken?.delete(local);
    this.#free.push(local);
  }

  /** Runs `body`, and gives back what locals it has taken and not given back. */
  scoped(body: () => void): void {
    const outer = this.#taken;
    this.#taken = new Set();
    body();
    for (const local of this.#taken) this.#free.push(local);
    this.#taken = outer;
  }

  /** Instructions without immediates to choose, one after another. */
  op(...names: readonly string[]): this {
    for (const name of names) {
      const { bytes, immediate } = instruction(name);
      this.#bytes.bytes(bytes);
      // The index of the only memory, twice where there are two operands.
      if (immediate === 'zero' || immediate === 'zero-zero') this.#bytes.byte(0);
      if (immediate === 'zero-zero') this.#bytes.byte(0);
    }
    return this;
  }

  /** A load or store at the address on the stack plus `offset`. `align`: log2 of what the address is a multiple of. */
  memory(name: string, offset = 0, align?: number): this {
    const info = instruction(name);
    this.#bytes
      .bytes(info.bytes)
      .u32(Math.min(align ?? info.align, info.align))
      .u32(offset);
    return this;
  }

  /** The same for one lane of a vector. */
  memoryLane(name: string, lane: number, offset = 0): this {
    this.memory(name, offset).#bytes.byte(lane);
    return this;
  }

  lane(name: string, lane: number): this {
    this.#bytes.bytes(instruction(name).bytes).byte(lane);
    return this;
  }

  /** Bytes of two vectors, each chosen by its number from 0 to 31. */
  shuffle(lanes: readonly number[]): this {
    this.#bytes.bytes([0xfd, 0x0d]).bytes(lanes);
    return this;
  }

  memoryCopy(): this {
    return this.op('memory.copy');
  }

  memoryFill(): this {
    return this.op('memory.fill');
  }

  i32(value: number): this {
    this.#bytes.byte(0x41).s32(value);
    return this;
  }

  i64(value: bigint): this {
    this.#bytes.byte(0x42).s64(value);
    return this;
  }

  f32(value: number): this {
    this.#bytes.byte(0x43).f32(value);
    return this;
  }

  f64(value: number): this {
    this.#bytes.byte(0x44).f64(value);
    return this;
  }

  /** A vector constant of 16 bytes. */
  v128(bytes: ArrayLike<number>): this {
    this.#bytes.bytes([0xfd, 0x0c]).bytes(bytes);
    return this;
  }

  get(local: Local): this {
    this.#bytes.byte(0x20).u32(local.index);
    return this;
  }

  set(local: Local): this {
    this.#bytes.byte(0x21).u32(local.index);
    return this;
  }

  tee(local: Local): this {
    this.#bytes.byte(0x22).u32(local.index);
    return this;
  }

  call(fn: FunctionRef): this {
    this.#bytes.byte(0x10).u32(fn.index);
    return this;
  }

  /** `body` gets the label to branch to: its end. */
  block(body: (label: number) => void): this {
    return this.#structured(0x02, null, body);
  }

  /** `body` gets the label to branch to: its start. */
  loop(body: (label: number) => void): this {
    return this.#structured(0x03, null, body);
  }

  /** Takes an i32 from the stack. With `type`, both branches leave a value. */
  if(yes: () => void, no?: () => void, type: ValueType | null = null): this {
    return this.#structured(0x04, type, () => {
      yes();
      if (!no) return;
      this.#bytes.byte(0x05);
      no();
    });
  }

  /** Branches to a label that `block` or `loop` gave. */
  br(label: number): this {
    this.#bytes.byte(0x0c).u32(this.#depth - label);
    return this;
  }

  brIf(label: number): this {
    this.#bytes.byte(0x0d).u32(this.#depth - label);
    return this;
  }

  #structured(opcode: number, type: ValueType | null, body: (label: number) => void): this {
    this.#bytes.byte(opcode).byte(type === null ? 0x40 : typeByte(type));
    body(++this.#depth);
    this.#depth--;
    this.#bytes.byte(0x0b);
    return this;
  }

  /** Declarations of locals and the instructions, with the end. */
  finish(): Bytes {
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    const body = new Bytes().u32(runs.length);
    for (const { type, count } of runs) body.u32(count).byte(typeByte(type));
    return body.bytes(this.#bytes.view()).byte(0x0b);
  }
}
