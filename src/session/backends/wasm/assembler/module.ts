/** A WebAssembly module under construction. */
import { Bytes } from './bytes.js';
import { Code, typeByte, type FunctionRef, type FunctionType } from './code.js';

export interface MemoryLimits {
  /** Pages of 64 KiB. */
  readonly initial: number;
  readonly maximum?: number;
  readonly shared?: boolean;
}

interface Defined {
  readonly ref: FunctionRef;
  readonly code: Bytes;
}

interface Segment {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/**
 * Functions, one memory, imported or its own, with what it holds at first, and exports. Imported functions come first.
 */
export class ModuleBuilder {
  readonly #types: FunctionType[] = [];
  readonly #typeIndex = new Map<string, number>();
  readonly #imports: { readonly module: string; readonly ref: FunctionRef }[] = [];
  readonly #functions: (Defined | null)[] = [];
  readonly #exports: { readonly name: string; readonly ref: FunctionRef }[] = [];
  readonly #data: Segment[] = [];
  /** `module` is null for a memory of its own, exported as `name`. */
  #memory: { readonly module: string | null; readonly name: string; readonly limits: MemoryLimits } | null = null;

  importMemory(module: string, name: string, limits: MemoryLimits): this {
    this.#memory = { module, name, limits };
    return this;
  }

  /** A memory that comes with each instance, and is exported. */
  exportMemory(name: string, limits: MemoryLimits): this {
    this.#memory = { module: null, name, limits };
    return this;
  }

  /** What memory holds from `address` on when an instance is made; the rest is zeros. */
  data(address: number, bytes: Uint8Array): this {
    this.#data.push({ address, bytes });
    return this;
  }

  /** Only before the first function is defined. */
  importFunction(module: string, name: string, type: FunctionType): FunctionRef {
    if (this.#functions.length > 0) throw new RangeError(`'${name}' must be imported before a function is defined.`);
    const ref = { index: this.#imports.length, type, name };
    this.#imports.push({ module, ref });
    return ref;
  }

  define(name: string, type: FunctionType, build: (code: Code) => void): FunctionRef {
    const position = this.#functions.push(null) - 1;
    const ref = { index: this.#imports.length + position, type, name };
    const code = new Code(type);
    build(code);
    this.#functions[position] = { ref, code: code.finish() };
    return ref;
  }

  export(ref: FunctionRef, name = ref.name): this {
    this.#exports.push({ name, ref });
    return this;
  }

  /** The binary module. `names`: whether functions keep their names, for disassemblers and profilers. */
  finish({ names = false }: { readonly names?: boolean } = {}): Uint8Array<ArrayBuffer> {
    const defined = this.#functions as readonly Defined[];
    const typeOf = (type: FunctionType): number => this.#typeOf(type);
    const imports = this.#importSection(typeOf);
    const functions = vector(defined, (out, { ref }) => out.u32(typeOf(ref.type)));
    const out = new Bytes().bytes([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    const section = (id: number, body: Bytes): unknown => out.byte(id).sized(body);
    section(1, vector(this.#types, writeType));
    if (imports) section(2, imports);
    section(3, functions);
    const own = this.#memory?.module === null ? this.#memory : null;
    if (own) section(5, vector([own.limits], writeLimits));
    const exported = own ? [{ name: own.name, ref: null }, ...this.#exports] : this.#exports;
    section(
      7,
      vector(exported, (to, { name, ref }) =>
        ref ? to.text(name).byte(0).u32(ref.index) : to.text(name).byte(2).u32(0),
      ),
    );
    section(
      10,
      vector(defined, (to, { code }) => to.sized(code)),
    );
    if (this.#data.length > 0) section(11, vector(this.#data, writeSegment));
    if (names) section(0, this.#nameSection(defined));
    return out.view().slice();
  }

  #typeOf(type: FunctionType): number {
    const key = `${type.params.join()}>${type.results.join()}`;
    let index = this.#typeIndex.get(key);
    if (index === undefined) {
      index = this.#types.push(type) - 1;
      this.#typeIndex.set(key, index);
    }
    return index;
  }

  #importSection(typeOf: (type: FunctionType) => number): Bytes | null {
    const { module: from = null, name, limits } = this.#memory ?? {};
    const count = this.#imports.length + (from === null ? 0 : 1);
    if (count === 0) return null;
    const out = new Bytes().u32(count);
    for (const { module, ref } of this.#imports) out.text(module).text(ref.name).byte(0).u32(typeOf(ref.type));
    if (from !== null) writeLimits(out.text(from).text(name!).byte(2), limits!);
    return out;
  }

  #nameSection(defined: readonly Defined[]): Bytes {
    const refs = [...this.#imports.map(({ ref }) => ref), ...defined.map(({ ref }) => ref)];
    const functionNames = vector(refs, (out, { index, name }) => out.u32(index).text(name));
    return new Bytes().text('name').byte(1).sized(functionNames);
  }
}

function vector<T>(items: readonly T[], write: (out: Bytes, item: T) => void): Bytes {
  const out = new Bytes().u32(items.length);
  for (const item of items) write(out, item);
  return out;
}

function writeType(out: Bytes, { params, results }: FunctionType): void {
  out.byte(0x60).u32(params.length);
  for (const type of params) out.byte(typeByte(type));
  out.u32(results.length);
  for (const type of results) out.byte(typeByte(type));
}

function writeLimits(out: Bytes, { initial, maximum, shared = false }: MemoryLimits): void {
  out.byte((maximum === undefined ? 0 : 1) | (shared ? 2 : 0)).u32(initial);
  if (maximum !== undefined) out.u32(maximum);
}

/** An active segment of memory 0: `i32.const address, end`, then its bytes. */
function writeSegment(out: Bytes, { address, bytes }: Segment): void {
  out.byte(0).byte(0x41).s32(address).byte(0x0b).u32(bytes.length).bytes(bytes);
}
