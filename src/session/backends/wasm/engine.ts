/** The engine's WebAssembly, as far as it is used here: neither Node's types nor ES libraries declare it. */

export interface Memory {
  readonly buffer: ArrayBuffer;
}

export interface Module {
  readonly kind?: 'module';
}

interface Engine {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum?: number }) => Memory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => Module;
  readonly Instance: new (
    module: Module,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly validate: (bytes: Uint8Array<ArrayBuffer>) => boolean;
}

/** Absent where there is none. */
export const engine = (globalThis as unknown as { readonly WebAssembly?: Engine }).WebAssembly;
