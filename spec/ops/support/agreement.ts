/** Whether two arrays agree, for messages of the table specs. */
import { isInteger, realDType, type DType } from '../../../src/graph/dtype.js';
import type { Complex } from '../../../src/graph/elements.js';
import type { NDArray } from '../../../src/graph/ndarray.js';

/** How far apart, relative to the largest number of the array, two evaluations of the same function may be. */
const tolerances: Partial<Record<DType, number>> = { float64: 1e-13, float32: 1e-6, float16: 2e-3, bfloat16: 2e-2 };

/** Null where `actual` and `expected` agree; otherwise what is different. NaN agrees with NaN. */
export function disagreement(actual: NDArray, expected: NDArray): string | null {
  if (actual.dtype !== expected.dtype) return `dtype ${actual.dtype}, not ${expected.dtype}`;
  if (actual.shape.join() !== expected.shape.join())
    return `shape [${actual.shape.join()}], not [${expected.shape.join()}]`;
  const numbers = parts(actual);
  const wanted = parts(expected);
  const exact = tolerances[realDType(actual.dtype)] === undefined;
  const largest = wanted.reduce(
    (most: number, x) => (typeof x === 'number' && Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most),
    0,
  );
  const allowed = exact ? 0 : tolerances[realDType(actual.dtype)]! * largest;
  for (let i = 0; i < wanted.length; i++) {
    const [x, y] = [numbers[i], wanted[i]];
    if (Object.is(x, y) || x === y) continue;
    if (!isInteger(actual.dtype) && typeof x === 'number' && Math.abs(x - (y as number)) <= allowed) continue;
    return `element ${i}: ${String(x)}, not ${String(y)}`;
  }
  return null;
}

function parts(array: NDArray): unknown[] {
  const elements = Array.from({ length: array.size }, (_, i) => array.element(i));
  if (realDType(array.dtype) === array.dtype) return elements;
  return elements.flatMap((z) => [(z as Complex).re, (z as Complex).im]);
}
