/** Loops and address arithmetic, as the kernels write them. */
import type { Code, Local } from '../assembler/code.js';

/** `target = source + bytes`. */
export function offset(code: Code, target: Local, source: Local, bytes: number): void {
  code.get(source);
  if (bytes !== 0) code.i32(bytes).op('i32.add');
  if (bytes !== 0 || target !== source) code.set(target);
  else code.op('drop');
}

/** `target = base + index × scale`. */
export function scaled(code: Code, target: Local, base: Local, index: Local, scale: number): void {
  code.get(base).get(index).i32(scale).op('i32.mul', 'i32.add').set(target);
}

/** Runs `body` while `at + step ≤ end`, unsigned, moving `at` by `step` after each turn. */
export function eachStep(code: Code, at: Local, end: Local, step: number, body: () => void): void {
  code.block((done) => {
    code.loop((again) => {
      code.get(end).get(at).op('i32.sub').i32(step).op('i32.lt_s').brIf(done);
      body();
      offset(code, at, at, step);
      code.br(again);
    });
  });
}

/** Runs `body`, which must move `at`, until `at` is `end`: at least once. */
export function until(code: Code, at: Local, end: Local, body: () => void): void {
  code.loop((again) => {
    body();
    code.get(at).get(end).op('i32.ne').brIf(again);
  });
}

/** Runs `body` for blocks from `at` to `end`, with their `length`: `most`, or what is left. */
export function eachBlock(code: Code, at: Local, end: Local, most: number, length: Local, body: () => void): void {
  code.block((done) => {
    code.loop((again) => {
      code.get(end).get(at).op('i32.sub').tee(length).op('i32.eqz').brIf(done);
      code.get(length).i32(most).get(length).i32(most).op('i32.lt_u', 'select').set(length);
      body();
      code.get(at).get(length).op('i32.add').set(at).br(again);
    });
  });
}
