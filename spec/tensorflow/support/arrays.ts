/** Arrays on the way to and from the worker, and how close two of them are. */
import { bytesOfText, textOfBytes } from '../../../src/graph/bytes.js';
import { allocate, dtypeInfo, type DType } from '../../../src/graph/dtype.js';
import type { Complex } from '../../../src/graph/elements.js';
import { NDArray } from '../../../src/graph/ndarray.js';
import type { EncodedArray } from './worker.js';

export function encodeArray(array: NDArray): EncodedArray {
  const { dtype, shape, data } = array;
  if (dtype === 'string')
    return { dtype, shape, data: (data as string[]).map((text) => Buffer.from(bytesOfText(text)).toString('base64')) };
  const bytes = data as Uint8Array;
  return { dtype, shape, data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') };
}

export function decodeArray({ dtype, shape, data }: EncodedArray): NDArray {
  const kind = dtype as DType;
  const size = shape.reduce((product, dim) => product * dim, 1);
  const storage = allocate(kind, size);
  if (typeof data !== 'string') {
    return new NDArray(
      kind,
      shape,
      data.map((text) => textOfBytes(Buffer.from(text, 'base64'))),
    );
  }
  const view = storage as Uint8Array;
  Buffer.from(data, 'base64').copy(Buffer.from(view.buffer, view.byteOffset, view.byteLength));
  return new NDArray(kind, shape, storage);
}

/** Relative tolerance by dtype; 0 for what must be equal. */
const tolerances: Readonly<Partial<Record<DType, number>>> = {
  float64: 1e-10,
  complex128: 1e-10,
  float32: 1e-5,
  complex64: 1e-5,
  float16: 4e-3,
  bfloat16: 3e-2,
};

/** What is different between two arrays, or null. A tolerance is relative to the element; for small ones to the largest of them, or to 0.001. */
export function arrayDifference(ours: NDArray, theirs: NDArray, factor = 1): string | null {
  if (ours.dtype !== theirs.dtype) return `dtype ${ours.dtype}, TensorFlow ${theirs.dtype}`;
  if (ours.shape.join() !== theirs.shape.join()) return `shape [${ours.shape}], TensorFlow [${theirs.shape}]`;
  const tolerance = (tolerances[ours.dtype] ?? 0) * factor;
  const a = numbersOf(ours);
  const b = numbersOf(theirs);
  const scale = b.reduce<number>((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x as number)) : most), 0);
  for (let i = 0; i < a.length; i++) {
    if (isClose(a[i]!, b[i]!, tolerance, Math.min(1, Math.max(scale, 1e-3)))) continue;
    const show = (array: NDArray) =>
      JSON.stringify(array.toArray(), (_, x: unknown) =>
        typeof x === 'bigint' ? String(x) : Number.isNaN(x) || Math.abs(x as number) === Infinity ? String(x) : x,
      ).slice(0, 600);
    return `element ${i}: ${String(a[i])}, TensorFlow ${String(b[i])}\n  ours       ${show(ours)}\n  TensorFlow ${show(theirs)}`;
  }
  return null;
}

type Part = number | bigint | string;

function numbersOf(array: NDArray): Part[] {
  const complex = dtypeInfo(array.dtype).kind === 'complex';
  return Array.from({ length: array.size }, (_, i) => array.element(i)).flatMap((x): Part[] =>
    complex ? [(x as Complex).re, (x as Complex).im] : [x as Part],
  );
}

function isClose(a: Part, b: Part, tolerance: number, scale: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  if (typeof a !== 'number' || typeof b !== 'number' || !Number.isFinite(a) || !Number.isFinite(b)) return false;
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b), scale);
}
