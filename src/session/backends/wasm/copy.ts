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

interface Elements {
  readonly dtype: DType;
  readonly shape: readonly number[] | null;
}

/** Of a tensor whose shape is known. */
export function bytesIn({ dtype, shape }: Elements): number {
  return sizeOf(shape!) * bytesOf(dtype);
}

/** The elements of a tensor; the places do not overlap. */
export function emitCopy(code: Code, from: number, to: number, elements: Elements): void {
  copy(from, bytesIn(elements), () => code.i32(to));
}

/** An element of a list, whose first one is at `to`: its number is at `index`. */
export function emitPut(code: Code, from: number, index: number, to: number, element: Elements): void {
  const bytes = bytesIn(element);
  const place = code.local('i32');
  code.i32(index).memory('i32.load').i32(bytes).op('i32.mul').i32(to).op('i32.add').set(place);
  copy(from, bytes, () => code.get(place));
}

function copy(from: number, bytes: number, to: () => Code): void {
  if (bytes > few) return void to().i32(from).i32(bytes).op('memory.copy');
  let at = 0;
  for (const [type, size] of units) {
    for (; at + size <= bytes; at += size) to().i32(from).memory(`${type}.load`, at).memory(`${type}.store`, at);
  }
  for (; at < bytes; at++) to().i32(from).memory('i32.load8_u', at).memory('i32.store8', at);
}
