/** Modules as wabt sees them, and functions of one module. */
import { expect } from '@jest/globals';
import wabtInit from 'wabt';
import type { Code, FunctionType } from '../../../src/session/backends/wasm/assembler/code.js';
import { ModuleBuilder } from '../../../src/session/backends/wasm/assembler/module.js';
import { engine, instantiate } from './support.js';

const wabt = await wabtInit();
const features = {
  simd: true,
  threads: true,
  bulk_memory: true,
  relaxed_simd: true,
  sat_float_to_int: true,
  sign_extension: true,
  multi_value: true,
};

/** The text of a module that wabt and the engine find valid. */
export function disassembled(module: ModuleBuilder): string {
  const bytes = module.finish({ names: true });
  expect(engine.validate(bytes)).toBe(true);
  const parsed = wabt.readWasm(bytes, { ...features, readDebugNames: true });
  try {
    // It takes the features too, which its types do not say.
    (parsed.validate as (this: typeof parsed, options: typeof features) => void).call(parsed, features);
    parsed.applyNames();
    return parsed.toText({ foldExprs: false, inlineExport: false });
  } finally {
    parsed.destroy();
  }
}

/** What wabt makes of the text of a module, without names. */
export function assembled(text: string): Uint8Array {
  const parsed = wabt.parseWat('module.wat', text, features);
  try {
    return parsed.toBinary({ write_debug_names: false }).buffer;
  } finally {
    parsed.destroy();
  }
}

/** A module with one exported function. */
export function moduleOf(type: FunctionType, build: (code: Code) => unknown): ModuleBuilder {
  const module = new ModuleBuilder();
  return module.export(module.define('f', type, (code) => void build(code)));
}

export const run = (type: FunctionType, build: (code: Code) => unknown, ...args: readonly unknown[]): unknown =>
  instantiate(moduleOf(type, build))['f']!(...args);
