/** Tensors as flat lists of float64 numbers: what finite differences compute with. A complex element counts as two. */
import { allocate, dtypeInfo, isComplex, realDType, type DType } from '../graph/dtype.js';
import { readElement, writeElement } from '../graph/elements.js';
import { NDArray } from '../graph/ndarray.js';
import { stridesOf } from '../graph/shape.js';

/** How many real numbers an element of `dtype` is. */
export function realsPerElement(dtype: DType): number {
  return isComplex(dtype) ? 2 : 1;
}

/** The numbers of a float or complex array; real and imaginary parts alternate. */
export function toReals(array: NDArray): Float64Array {
  const part = realDType(array.dtype);
  return Float64Array.from({ length: array.size * realsPerElement(array.dtype) }, (_, i) =>
    Number(readElement(part, array.data, i)),
  );
}

/** The array of these numbers, each rounded to the dtype. */
export function fromReals(dtype: DType, shape: readonly number[], reals: ArrayLike<number>): NDArray {
  const part = realDType(dtype);
  const data = allocate(part, reals.length);
  for (let i = 0; i < reals.length; i++) writeElement(part, data, i, reals[i]!);
  return new NDArray(dtype, shape, data);
}

/** Where real number `i` of an array of that dtype and shape is: `[1, 2]`, `[1, 2].im`, or '' for a real scalar. */
export function position(dtype: DType, shape: readonly number[], i: number): string {
  const width = realsPerElement(dtype);
  const element = Math.floor(i / width);
  const index = stridesOf(shape).map((stride, axis) => Math.floor(element / stride) % shape[axis]!);
  const part = width === 1 ? '' : i % 2 === 0 ? '.re' : '.im';
  return `${shape.length === 0 ? '' : `[${index.join(', ')}]`}${part}`;
}

/** Whether tensors of `dtype` have derivatives. */
export function isDifferentiable(dtype: DType): boolean {
  const { kind } = dtypeInfo(dtype);
  return kind === 'float' || kind === 'complex';
}
