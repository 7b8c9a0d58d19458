/** Loads a user's model, TypeScript or JavaScript, ES module or CommonJS, in the process that asks. */
import { stat } from 'node:fs/promises';
import module, { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as tsNodeModule from 'ts-node';
import type typescript from 'typescript';

export class ModelLoadError extends Error {
  override readonly name = 'ModelLoadError';
}

const require = createRequire(import.meta.url);
/** Both take a while to load, and a command that fails on its options needs neither. */
const tsNode = () => require('ts-node') as typeof tsNodeModule;
const compiler = () => require('typescript') as typeof typescript;
const registered = Symbol.for('tapeless.typescript');
const shared = globalThis as { [registered]?: true };

/** Lets this process import TypeScript, transpiled and not checked. Safe to call again, also from a second copy of this file. */
export function registerTypeScript(): void {
  if (shared[registered]) return;
  shared[registered] = true;
  const options: tsNodeModule.RegisterOptions = {
    compiler: require.resolve('typescript'), // ours: the user's may be a version without the JavaScript API
    cwd: process.cwd(),
    skipProject: true,
    transpileOnly: true,
    experimentalResolver: true, // './x.js' finds x.ts from CommonJS too
    compilerOptions: {
      module: 'nodenext',
      moduleResolution: 'nodenext',
      target: 'es2022',
      allowImportingTsExtensions: true,
    },
  };
  const { noDeprecation } = process;
  process.noDeprecation = true; // newer Nodes warn of what ts-node does, and of module.register
  tsNode().register(options); // CommonJS
  module.register(new URL('./ts-hooks.js', import.meta.url), { data: options }); // ES modules
  process.noDeprecation = noDeprecation ?? false;
  // ts-node maps stack traces for CommonJS only; Node's own source maps cover both.
  delete (Error as { prepareStackTrace?: unknown }).prepareStackTrace;
  process.setSourceMapsEnabled(true);
}

/** What the module exports by name. `check` reports type errors first; otherwise only syntax errors stop it. */
export async function loadModule(path: string, options: { check: boolean }): Promise<Record<string, unknown>> {
  const file = resolve(path);
  if (!(await stat(file).catch(() => null))?.isFile()) throw new ModelLoadError(`cannot find the model ${path}`);
  registerTypeScript();
  if (options.check) rejectOn(diagnose(file, 'types'), path);
  try {
    return exportsOf(await import(pathToFileURL(file).href));
  } catch (error) {
    if (error instanceof tsNode().TSError) rejectOn(error.diagnosticText, path);
    if (error instanceof Error && 'code' in error && error.code === 'TS_DIAGNOSTICS') rejectOn(error.message, path);
    if (error instanceof SyntaxError) rejectOn(diagnose(file, 'syntax'), path); // JavaScript: V8 names no place
    throw error;
  }
}

function rejectOn(diagnostics: string, path: string): void {
  if (diagnostics !== '') throw new ModelLoadError(`${path} does not compile:\n${diagnostics.trim()}`);
}

function diagnose(file: string, what: 'types' | 'syntax'): string {
  const ts = compiler();
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    allowJs: true,
    allowImportingTsExtensions: true,
    noResolve: what === 'syntax',
    ...nodeTypes(file),
  });
  const diagnostics =
    what === 'types' ? ts.getPreEmitDiagnostics(program) : program.getSyntacticDiagnostics(program.getSourceFile(file));
  return ts.formatDiagnostics(diagnostics, {
    getCurrentDirectory: () => process.cwd(),
    getCanonicalFileName: (name) => name,
    getNewLine: () => '\n',
  });
}

/** The types of Node that the model sees, else those installed beside this package, else none. */
function nodeTypes(file: string): typescript.CompilerOptions {
  for (const from of [file, import.meta.url]) {
    try {
      const types = dirname(createRequire(from).resolve('@types/node/package.json'));
      return { types: ['node'], typeRoots: [dirname(types)] };
    } catch {
      continue;
    }
  }
  return { types: [] };
}

/** import() of CommonJS hides its exports under `default`, and a compiled ES module's own default one level deeper. */
function exportsOf(namespace: unknown): Record<string, unknown> {
  const names = new Map<string, unknown>();
  let level = namespace;
  for (let depth = 0; depth < 3 && isRecord(level); depth++) {
    if (level['__esModule'] === true) names.delete('default'); // it was this container
    for (const [name, value] of Object.entries(level))
      if (name === 'default' || !names.has(name)) names.set(name, value);
    level = level['default'];
  }
  names.delete('__esModule');
  names.delete('module.exports');
  return Object.fromEntries(names);
}

/** A plain object or a module namespace, not an instance such as a tensor. */
function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
