import { ModuleBuilder } from '../assembler/module.js';
import { engine } from '../engine.js';

let known: boolean | undefined;

/** Whether this engine runs relaxed SIMD's fused multiply-add. Asked once. */
export function relaxedSimd(): boolean {
  known ??= engine?.validate(probe()) ?? false;
  return known;
}

function probe(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const type = { params: ['v128'], results: ['v128'] } as const;
  module.define('probe', type, (code) => {
    const x = code.params[0]!;
    code.get(x).get(x).get(x).op('f32x4.relaxed_madd');
  });
  return module.finish();
}
