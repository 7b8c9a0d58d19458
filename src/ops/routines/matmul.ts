/**
 * Matrix products of whole arrays.
 *
 * Row i of the product is the sum over k, in ascending order, of a[i, k] times row k of b. The row itself is the
 * accumulator, so each partial sum is rounded to the dtype as it is stored; the product before it is not rounded
 * separately (in float32, a fused multiply-add up to double rounding). 16-bit floats are added up as float32 and rounded once.
 */
import { allocate, dtypeInfo, type DType, type TypedArray } from '../../graph/dtype.js';
import { elementCodec } from '../../graph/elements.js';
import { NDArray } from '../../graph/ndarray.js';
import { broadcastShapes, sizeOf, stridesOf } from '../../graph/shape.js';
import type { MatrixReading, OpView, Routine, RoutineContext } from '../opdef.js';
import { shapeError } from '../shape-rules.js';

/** The product of the matrices in the last two axes of the operands; the axes before broadcast. */
export function matmulRoutine(readings: (op: OpView) => readonly [MatrixReading, MatrixReading]): Routine {
  return { routine: 'matmul', product: readings, run: (context) => [product(context, ...readings(context.op))] };
}

interface Factor {
  readonly rows: number;
  readonly columns: number;
  /** The matrix that a batch index belongs to, row by row. */
  readonly matrix: (batch: readonly number[]) => TypedArray;
}

function product(context: RoutineContext, readA: MatrixReading, readB: MatrixReading): NDArray {
  const { op, inputs } = context;
  const [a, b] = [inputs[0], inputs[1]];
  const { dtype } = a;
  const [left, right] = [factor(a, readA), factor(b, readB)];
  const batchShape = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2)) as readonly number[] | undefined;
  if (batchShape === undefined) throw shapeError(op, 'the batch dimensions do not broadcast', op.inputs);
  if (left.columns !== right.rows)
    throw shapeError(op, `the inner dimensions ${left.columns} and ${right.rows} differ`, op.inputs);
  const [m, k, n] = [left.rows, left.columns, right.columns];
  const width = dtypeInfo(dtype).kind === 'complex' ? 2 : 1;
  const result = storage(dtype, sizeOf(batchShape) * m * n);
  const multiply = kernelOf(dtype);
  forEachIndex(batchShape, (batch, i) => {
    const out = result.subarray(i * m * n * width, (i + 1) * m * n * width);
    multiply(out, left.matrix(batch), right.matrix(batch), m, k, n);
  });
  return new NDArray(dtype, [...batchShape, m, n], stored(dtype, result));
}

/** Arrays of 16-bit floats compute as float32. */
function isShort(dtype: DType): boolean {
  return dtype === 'float16' || dtype === 'bfloat16';
}

function storage(dtype: DType, size: number): TypedArray {
  return allocate(isShort(dtype) ? 'float32' : dtype, size) as TypedArray;
}

function stored(dtype: DType, values: TypedArray): never {
  if (!isShort(dtype)) return values as never;
  const { write } = elementCodec(dtype);
  const bits = allocate(dtype, values.length);
  values.forEach((value, i) => write(bits as never, i, value as never));
  return bits as never;
}

function loaded(array: NDArray): TypedArray {
  if (!isShort(array.dtype)) return array.data as TypedArray;
  return Float32Array.from({ length: array.size }, (_, i) => array.element(i) as number);
}

function factor(array: NDArray, { transpose, conjugate }: MatrixReading): Factor {
  const [first, second] = array.shape.slice(-2) as [number, number];
  const batch = array.shape.slice(0, -2);
  const strides = stridesOf(batch);
  const complex = dtypeInfo(array.dtype).kind === 'complex';
  const size = first * second * (complex ? 2 : 1);
  const data = loaded(array);
  const made = new Map<number, TypedArray>();
  const matrix = (index: readonly number[]): TypedArray => {
    const skip = index.length - batch.length;
    const position = batch.reduce((sum, dim, axis) => sum + (dim === 1 ? 0 : index[skip + axis]! * strides[axis]!), 0);
    const view = data.subarray(position * size, (position + 1) * size);
    if (!transpose && !(conjugate && complex)) return view;
    const ready = made.get(position) ?? rearranged(view, first, second, transpose, complex, conjugate);
    made.set(position, ready);
    return ready;
  };
  return transpose ? { rows: second, columns: first, matrix } : { rows: first, columns: second, matrix };
}

/** A copy, transposed where asked, with the imaginary parts negated where asked. */
function rearranged(
  x: TypedArray,
  rows: number,
  columns: number,
  transpose: boolean,
  complex: boolean,
  conjugate: boolean,
): TypedArray {
  const result = x.slice() as Float64Array;
  const source = x as Float64Array;
  const width = complex ? 2 : 1;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const from = width * (i * columns + j);
      const to = transpose ? width * (j * rows + i) : from;
      result[to] = source[from]!;
      if (complex) result[to + 1] = conjugate ? -source[from + 1]! : source[from + 1]!;
    }
  }
  return result;
}

function forEachIndex(shape: readonly number[], visit: (index: readonly number[], i: number) => void): void {
  const strides = stridesOf(shape);
  const size = sizeOf(shape);
  for (let i = 0; i < size; i++) {
    visit(
      shape.map((dim, axis) => Math.floor(i / strides[axis]!) % dim),
      i,
    );
  }
}

type Kernel = (out: TypedArray, a: TypedArray, b: TypedArray, m: number, k: number, n: number) => void;

function kernelOf(dtype: DType): Kernel {
  const { kind, big } = dtypeInfo(dtype);
  if (kind === 'complex') return complexKernel as Kernel;
  if (big) return bigKernel as Kernel;
  if (kind === 'int') return intKernel as Kernel;
  return (dtype === 'float64' ? doubleKernel : floatKernel) as Kernel;
}

// The loops are alike but kept apart: each sees arrays of one kind only, which is what makes them fast. Those of floats
// take four steps of k at a time, which changes neither their order nor what is rounded.

function floatKernel(out: Float32Array, a: Float32Array, b: Float32Array, m: number, k: number, n: number): void {
  const { fround } = Math;
  for (let i = 0; i < m; i++) {
    const row = i * n;
    const from = i * k;
    let p = 0;
    for (; p + 3 < k; p += 4) {
      const f0 = a[from + p]!;
      const f1 = a[from + p + 1]!;
      const f2 = a[from + p + 2]!;
      const f3 = a[from + p + 3]!;
      const q = p * n;
      for (let j = 0; j < n; j++) {
        const two = fround(fround(out[row + j]! + f0 * b[q + j]!) + f1 * b[q + n + j]!);
        out[row + j] = fround(two + f2 * b[q + 2 * n + j]!) + f3 * b[q + 3 * n + j]!;
      }
    }
    for (; p < k; p++) {
      const factor = a[from + p]!;
      for (let j = 0, q = p * n; j < n; j++) out[row + j]! += factor * b[q + j]!;
    }
  }
}

function doubleKernel(out: Float64Array, a: Float64Array, b: Float64Array, m: number, k: number, n: number): void {
  for (let i = 0; i < m; i++) {
    const row = i * n;
    const from = i * k;
    let p = 0;
    for (; p + 3 < k; p += 4) {
      const f0 = a[from + p]!;
      const f1 = a[from + p + 1]!;
      const f2 = a[from + p + 2]!;
      const f3 = a[from + p + 3]!;
      const q = p * n;
      for (let j = 0; j < n; j++) {
        const two = out[row + j]! + f0 * b[q + j]! + f1 * b[q + n + j]!;
        out[row + j] = two + f2 * b[q + 2 * n + j]! + f3 * b[q + 3 * n + j]!;
      }
    }
    for (; p < k; p++) {
      const factor = a[from + p]!;
      for (let j = 0, q = p * n; j < n; j++) out[row + j]! += factor * b[q + j]!;
    }
  }
}

function intKernel(out: Int32Array, a: Int32Array, b: Int32Array, m: number, k: number, n: number): void {
  for (let i = 0; i < m; i++) {
    const row = i * n;
    for (let p = 0; p < k; p++) {
      const factor = a[i * k + p]!;
      for (let j = 0, q = p * n; j < n; j++) out[row + j]! += Math.imul(factor, b[q + j]!);
    }
  }
}

function bigKernel(out: BigInt64Array, a: BigInt64Array, b: BigInt64Array, m: number, k: number, n: number): void {
  for (let i = 0; i < m; i++) {
    const row = i * n;
    for (let p = 0; p < k; p++) {
      const factor = a[i * k + p]!;
      for (let j = 0, q = p * n; j < n; j++) out[row + j]! += factor * b[q + j]!;
    }
  }
}

function complexKernel(out: Float64Array, a: Float64Array, b: Float64Array, m: number, k: number, n: number): void {
  for (let i = 0; i < m; i++) {
    const row = 2 * i * n;
    for (let p = 0; p < k; p++) {
      const re = a[2 * (i * k + p)]!;
      const im = a[2 * (i * k + p) + 1]!;
      for (let j = 0, q = 2 * p * n; j < 2 * n; j += 2) {
        out[row + j]! += re * b[q + j]! - im * b[q + j + 1]!;
        out[row + j + 1]! += re * b[q + j + 1]! + im * b[q + j]!;
      }
    }
  }
}
