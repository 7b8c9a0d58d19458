/** Node's module hooks through which ts-node compiles TypeScript; they run on the loader's own thread. */
import type { LoadHook, ResolveHook } from 'node:module';
import { createEsmHooks, register, TSError, type RegisterOptions } from 'ts-node';

let hooks: Extract<ReturnType<typeof createEsmHooks>, { load: unknown }>;

export function initialize(options: RegisterOptions): void {
  process.noDeprecation = true; // of this thread only: ts-node's resolver trips Node 22's fs.Stats warning
  hooks = createEsmHooks(register(options)) as typeof hooks;
}

export const resolve: ResolveHook = (specifier, context, next) =>
  hooks.resolve(specifier, context as never, next as never) as ReturnType<ResolveHook>;

export const load: LoadHook = async (url, context, next) => {
  try {
    return await hooks.load(url, context as never, next as never);
  } catch (error) {
    // A TSError loses its prototype on its way to the main thread; an Error keeps its message and code.
    throw error instanceof TSError ? Object.assign(new Error(error.diagnosticText), { code: 'TS_DIAGNOSTICS' }) : error;
  }
};
