/** The engine's WebAssembly, as far as it is used here: neither Node's types nor ES libraries declare it. */

export interface Memory {
  readonly buffer: ArrayBuffer;
  /** By so many pages. @throws RangeError */
  grow(pages: number): number;
}

export interface Module {
  readonly kind?: 'module';
}

export type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Engine {
  readonly Memory: new (limits: {
    readonly initial: number;
    readonly maximum?: number;
    readonly shared?: boolean;
  }) => Memory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => Module;
  readonly Instance: new (module: Module, imports: Imports) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly validate: (bytes: Uint8Array<ArrayBuffer>) => boolean;
}

/** Absent where there is none. */
export const engine = (globalThis as unknown as { readonly WebAssembly?: Engine }).WebAssembly;
