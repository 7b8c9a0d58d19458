/** Adding rows into the places of a larger tensor. */
import { allocate, dtypeInfo, type DType } from '../../graph/dtype.js';
import { readElement, writeElement } from '../../graph/elements.js';
import { NDArray } from '../../graph/ndarray.js';
import { sizeOf } from '../../graph/shape.js';
import { binary } from '../scalar.js';

/**
 * Zeros of `shape` to which row `i` of `rows`, of `width` elements, is added at row `places[i]`; negative places drop
 * their row. Rows are added in their order.
 */
export function scatterAdd(rows: NDArray, places: readonly number[], width: number, shape: readonly number[]): NDArray {
  const sum = new NDArray(rows.dtype, shape, allocate(rows.dtype, sizeOf(shape)));
  addRows(sum, rows, places, width);
  return sum;
}

/** Adds row `i` of `rows`, of `width` elements, to row `places[i]` of `target`, in place; negative places drop their row. */
export function addRows(target: NDArray, rows: NDArray, places: readonly number[], width: number): void {
  const add = adder(rows.dtype, rows.data as never, target.data as never);
  places.forEach((place, row) => {
    if (place >= 0) add(row * width, place * width, width);
  });
}

/** Adds a run of elements of one storage to one of another. */
type Adder = (from: number, to: number, count: number) => void;

function adder(dtype: DType, source: Float64Array, target: Float64Array): Adder {
  const { kind } = dtypeInfo(dtype);
  if (dtype === 'float16' || dtype === 'bfloat16' || (kind !== 'float' && kind !== 'int' && kind !== 'complex')) {
    const join = binary('add', dtype);
    return (from, to, count) => {
      for (let i = 0; i < count; i++) {
        const sum = join(readElement(dtype, target as never, to + i), readElement(dtype, source as never, from + i));
        writeElement(dtype, target as never, to + i, sum);
      }
    };
  }
  // Typed arrays round and wrap as they store; the parts of complex numbers add up one by one.
  const parts = kind === 'complex' ? 2 : 1;
  return (from, to, count) => {
    for (let i = 0; i < count * parts; i++) target[to * parts + i]! += source[from * parts + i]!;
  };
}
