/** Copies from one place in memory to another. */
import type { DType } from '../../../graph/dtype.js';
import { sizeOf } from '../../../graph/shape.js';
import type { Code } from './assembler/code.js';
import { bytesOf } from './scalar-ops.js';

/** What is copied in loads and stores, in bytes at most: a copy of its own takes as long as some tens of those. */
const few = 128;
const units = [
  ['v128', 16],
  ['i64', 8],
  ['i32', 4],
] as const;

/** The elements of a tensor; the places do not overlap. */
export function emitCopy(
  code: Code,
  from: number,
  to: number,
  { dtype, shape }: { readonly dtype: DType; readonly shape: readonly number[] | null },
): void {
  const bytes = sizeOf(shape!) * bytesOf(dtype);
  if (bytes > few) return void code.i32(to).i32(from).i32(bytes).op('memory.copy');
  let at = 0;
  for (const [type, size] of units) {
    for (; at + size <= bytes; at += size)
      code
        .i32(to + at)
        .i32(from + at)
        .memory(`${type}.load`)
        .memory(`${type}.store`);
  }
  for (; at < bytes; at++)
    code
      .i32(to + at)
      .i32(from + at)
      .memory('i32.load8_u')
      .memory('i32.store8');
}
