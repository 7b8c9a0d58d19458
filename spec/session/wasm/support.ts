/** Modules of the byte assembler, run in the engine that runs the specs. */
import { setFlagsFromString } from 'node:v8';
import type { Code } from '../../../src/session/backends/wasm/assembler/code.js';
import { ModuleBuilder } from '../../../src/session/backends/wasm/assembler/module.js';

interface Engine {
  readonly Memory: new (limits: { initial: number; maximum?: number; shared?: boolean }) => {
    readonly buffer: ArrayBuffer;
  };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, (...args: unknown[]) => unknown>> };
  readonly validate: (bytes: Uint8Array<ArrayBuffer>) => boolean;
}

/** Neither Node's types nor ES libraries declare it. */
export const engine = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly;

// Later versions have it without asking.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');

export function instantiate(
  module: ModuleBuilder,
  imports: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
): Readonly<Record<string, (...args: unknown[]) => unknown>> {
  return new engine.Instance(new engine.Module(module.finish()), imports).exports;
}

const pages = 64;
const inputs = 2;
/** Bytes of one argument or result. */
const room = (pages * 65536) / 4;

/** Applies what `emit` leaves on the stack of one or two vectors to arrays, from their first to their last vector. */
export class VectorMap {
  readonly #buffer: ArrayBuffer;
  readonly #run: (from: number, to: number) => void;

  /** `prepare` defines what `emit` calls. */
  constructor(count: 1 | 2, prepare: (module: ModuleBuilder) => (code: Code) => unknown) {
    const memory = new engine.Memory({ initial: pages });
    const module = new ModuleBuilder().importMemory('env', 'memory', { initial: pages });
    const emit = prepare(module);
    const map = module.define('map', { params: ['i32', 'i32'], results: [] }, (code) => {
      const [at, end] = [code.params[0]!, code.params[1]!];
      code.loop((again) => {
        code.get(at);
        for (let i = 0; i < count; i++) code.get(at).memory('v128.load', i * room);
        emit(code);
        code.memory('v128.store', inputs * room);
        code.get(at).i32(16).op('i32.add').tee(at).get(end).op('i32.lt_u').brIf(again);
      });
    });
    this.#run = instantiate(module.export(map), { env: { memory } })['map'] as never;
    this.#buffer = memory.buffer;
  }

  /** The results, until the next call. */
  apply<T extends Float32Array | Float64Array>(...args: readonly T[]): T {
    const [{ length, BYTES_PER_ELEMENT }] = args as readonly [T];
    const make = args[0]!.constructor as new (buffer: ArrayBuffer, offset: number, length: number) => T;
    if (length * BYTES_PER_ELEMENT > room) throw new RangeError(`More than ${room} bytes in an argument.`);
    args.forEach((values, i) => new make(this.#buffer, i * room, length).set(values));
    this.#run(0, length * BYTES_PER_ELEMENT);
    return new make(this.#buffer, inputs * room, length);
  }
}
