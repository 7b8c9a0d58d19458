/** Concrete tensors: a dtype, a shape and row-major storage. */
import { allocate, dtypeInfo, isDType, type DType, type DTypeStorage, type TypedArray } from './dtype.js';
import { isComplexValue, readElement, toElement, writeElement, type Complex, type Element } from './elements.js';
import { DTypeError, InvalidArgumentError, ShapeError } from './errors.js';
import { formatShape, sizeOf } from './shape.js';

/** A scalar of any dtype as JavaScript data. */
export type ScalarData = number | bigint | boolean | string | Complex;
/** Nested arrays of scalars. */
export type NestedData = readonly (ScalarData | NestedData | TypedArray)[];
/** Whatever can become a tensor's value. */
export type TensorData = ScalarData | NestedData | TypedArray | NDArray;

/** What `toArray` nests: bools as booleans, 64-bit integers as bigints, complex numbers as `{ re, im }`. */
export type NestedArray = ScalarData | NestedArray[];

/**
 * A value of a tensor: what a session takes and returns.
 *
 * `data` is row-major storage: a typed array, or an array of strings. float16 and bfloat16 are bit patterns, complex
 * numbers interleave their parts, bools are bytes.
 *
 * @example
 * const a = NDArray.from([[1, 2], [3, 4]]);
 * a.shape; // [2, 2]
 * a.toArray(); // [[1, 2], [3, 4]]
 */
export class NDArray<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: DTypeStorage[D];

  /** @throws ShapeError where `data` has not as many elements as `shape` says. */
  constructor(dtype: D, shape: readonly number[], data: DTypeStorage[D]) {
    const expected = sizeOf(shape) * (dtypeInfo(dtype).kind === 'complex' ? 2 : 1);
    if (data.length !== expected) {
      throw new ShapeError(
        `Storage of length ${data.length} does not hold a ${dtype} tensor of shape ${formatShape(shape)}.`,
      );
    }
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  /**
   * Converts data. Without a dtype, numbers become float32, bools bool, strings string, bigints int64, and typed arrays
   * keep their own; without a shape, the nesting gives it.
   * @throws DTypeError where the dtype cannot hold a value; ShapeError for ragged or ill-fitting data.
   */
  static from<D extends DType = DType>(data: TensorData, dtype?: D, shape?: readonly number[]): NDArray<D> {
    if (data instanceof NDArray) {
      const array =
        dtype === undefined || dtype === data.dtype ? data : convertStorage(data.data, data.dtype, dtype, data.shape);
      return (shape === undefined ? array : new NDArray(array.dtype, shape, array.data)) as NDArray<D>;
    }
    if (ArrayBuffer.isView(data)) {
      const own = dtypeOfTypedArray(data);
      return convertStorage(data, own, dtype ?? (own as D), shape ?? [data.length]);
    }
    return fromNested(data, dtype, shape);
  }

  /** An array of `shape` whose every element is `value`; a number stands for itself in every numeric dtype. */
  static filled<D extends DType>(dtype: D, shape: readonly number[], value: Element): NDArray<D> {
    const size = sizeOf(shape);
    const data = allocate(dtype, size);
    const { kind, big } = dtypeInfo(dtype);
    const element = typeof value === 'number' && (big || kind === 'complex') ? toElement(value, dtype) : value;
    for (let i = 0; i < size; i++) writeElement(dtype, data, i, element);
    return new NDArray(dtype, shape, data);
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** Element `i` in row-major order, for arithmetic: bools are 0 and 1. */
  element(i: number): Element {
    return readElement(this.dtype, this.data, i);
  }

  /** Nested arrays; of a scalar, the value itself. */
  toArray(): NestedArray {
    let next = 0;
    const nest = (axis: number): NestedArray => {
      if (axis === this.shape.length) return this.#present(next++);
      return Array.from({ length: this.shape[axis]! }, () => nest(axis + 1));
    };
    return nest(0);
  }

  /** The value of a tensor of one element. @throws InvalidArgumentError where there is not exactly one. */
  item(): ScalarData {
    if (this.size !== 1)
      throw new InvalidArgumentError(`item() needs exactly one element, and the shape is ${formatShape(this.shape)}.`);
    return this.#present(0);
  }

  /** The same elements under another shape, sharing storage. */
  reshape(shape: readonly number[]): NDArray<D> {
    return new NDArray(this.dtype, shape, this.data);
  }

  /** An array with storage of its own. */
  copy(): NDArray<D> {
    return new NDArray(this.dtype, this.shape, this.data.slice() as DTypeStorage[D]);
  }

  #present(i: number): ScalarData {
    const value = this.element(i) as ScalarData;
    return this.dtype === 'bool' ? value !== 0 : value;
  }
}

const typedArrayDTypes: readonly [new (length: number) => TypedArray, DType][] = [
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int8Array, 'int8'],
  [Int16Array, 'int16'],
  [Int32Array, 'int32'],
  [Uint8Array, 'uint8'],
  [Uint16Array, 'uint16'],
  [Uint32Array, 'uint32'],
  [BigInt64Array, 'int64'],
  [BigUint64Array, 'uint64'],
];

/** The same as `NDArray.from`, sharing storage with a typed array where that is what the dtype is stored in. */
export function wrapped<D extends DType>(data: TensorData, dtype: D, shape?: readonly number[]): NDArray<D> {
  if (ArrayBuffer.isView(data) && hasStorageOf(data, dtype))
    return new NDArray(dtype, shape ?? [data.length], data as DTypeStorage[D]);
  return NDArray.from(data, dtype, shape);
}

/** Whether elements of `dtype` lie in `data` as they do in its storage. */
function hasStorageOf(data: ArrayBufferView, dtype: DType): boolean {
  return storageOf.get(dtype) === data.constructor;
}

const storageOf: ReadonlyMap<DType, unknown> = new Map(
  typedArrayDTypes.map(([constructor, dtype]) => [dtype, constructor]),
);

function dtypeOfTypedArray(data: ArrayBufferView): DType {
  const name = Object.prototype.toString.call(data).slice(8, -1);
  const row = typedArrayDTypes.find(([constructor]) => constructor.name === name);
  if (!row) throw new DTypeError(`A ${name} holds no tensor dtype.`);
  return row[1];
}

function convertStorage<D extends DType>(
  data: TypedArray | unknown[],
  from: DType,
  to: D,
  shape: readonly number[],
): NDArray<D> {
  const bitsOfTarget = (to === 'float16' || to === 'bfloat16') && from === 'uint16';
  const sameStorage = from === to || bitsOfTarget || (to === 'bool' && from === 'uint8');
  if (sameStorage) return new NDArray(to, shape, data.slice() as DTypeStorage[D]);
  const result = allocate(to, sizeOf(shape));
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError(`${data.length} values do not fill the shape ${formatShape(shape)}.`);
  }
  for (let i = 0; i < data.length; i++) writeElement(to, result, i, toElement(readElement(from, data, i), to));
  return new NDArray(to, shape, result);
}

function inferDType(value: unknown): DType {
  if (typeof value === 'number') return 'float32';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'bigint') return 'int64';
  if (isComplexValue(value)) return 'complex64';
  throw new DTypeError(`Cannot convert ${value === null ? 'null' : typeof value} to a tensor.`);
}

function fromNested<D extends DType>(
  data: ScalarData | NestedData,
  dtype: D | undefined,
  shape?: readonly number[],
): NDArray<D> {
  const nesting: number[] = [];
  const flat: unknown[] = [];
  let leafDType: DType | undefined;
  const visit = (value: unknown, depth: number): void => {
    if (ArrayBuffer.isView(value)) leafDType ??= dtypeOfTypedArray(value);
    const list = Array.isArray(value) || ArrayBuffer.isView(value) ? (value as ArrayLike<unknown>) : null;
    if (depth < nesting.length ? list?.length !== nesting[depth] : list !== null && flat.length > 0) {
      throw new ShapeError('The nested arrays are ragged: every array at one depth must have the same length.');
    }
    if (list === null) return void flat.push(value);
    if (depth === nesting.length) nesting.push(list.length);
    for (let i = 0; i < list.length; i++) visit(list[i], depth + 1);
  };
  visit(data, 0);
  const target = dtype ?? ((leafDType ?? (flat.length === 0 ? 'float32' : inferDType(flat[0]))) as D);
  if (!isDType(target)) throw new DTypeError(`${String(target)} is not a dtype.`);
  const given = shape ?? nesting;
  const size = sizeOf(given);
  if (flat.length !== size && flat.length !== 1) {
    throw new ShapeError(`${flat.length} values do not fill the shape ${formatShape(given)}.`);
  }
  const storage = allocate(target, size);
  for (let i = 0; i < size; i++) writeElement(target, storage, i, toElement(flat[flat.length === 1 ? 0 : i], target));
  return new NDArray(target, given, storage);
}
