/** Arrays as TensorProto, and back. */
import { bytesOfText, textOfBytes } from '../bytes.js';
import { allocate, dataTypeName, dtypeInfo, dtypeOfEnum, type DType, type TypedArray } from '../dtype.js';
import { DTypeError, InvalidArgumentError } from '../errors.js';
import { NDArray } from '../ndarray.js';
import { formatShape, isFullyDefined, sizeOf, type Shape } from '../shape.js';
import type { TensorProto, TensorShapeProto } from './messages.js';

export function shapeProto(shape: Shape): TensorShapeProto {
  if (shape === null) return { unknownRank: true };
  return { dim: shape.map((size) => ({ size: BigInt(size ?? -1) })) };
}

type NumberField = 'floatVal' | 'doubleVal' | 'intVal' | 'scomplexVal' | 'dcomplexVal' | 'halfVal' | 'uint32Val';
type ValueField = NumberField | 'int64Val' | 'uint64Val' | 'boolVal' | 'stringVal';

/** The field in which TensorFlow lists elements of each dtype. */
const fields: Readonly<Partial<Record<DType, ValueField>>> = {
  float16: 'halfVal',
  bfloat16: 'halfVal',
  float32: 'floatVal',
  float64: 'doubleVal',
  int8: 'intVal',
  int16: 'intVal',
  int32: 'intVal',
  int64: 'int64Val',
  uint8: 'intVal',
  uint16: 'intVal',
  uint32: 'uint32Val',
  uint64: 'uint64Val',
  bool: 'boolVal',
  string: 'stringVal',
  complex64: 'scomplexVal',
  complex128: 'dcomplexVal',
};

/** How the proto that an array comes from has its elements, where `tensorProto` would choose another way; null for `tensorContent`. */
const origins = new WeakMap<NDArray, { readonly field: ValueField; readonly count: number } | null>();

/**
 * An array as TensorFlow writes constants: its bytes in `tensorContent`, which is a view of them, or, where it is a single element or
 * strings, the elements. One that `arrayOf` made becomes what it was made of.
 * @throws DTypeError for handles, which have no form outside of a program
 */
export function tensorProto(array: NDArray): TensorProto {
  const { data, dtype, shape, size } = array;
  const common = { dtype: dtypeInfo(dtype).enumValue, tensorShape: shapeProto(shape) };
  const field = fields[dtype];
  if (field === undefined) throw new DTypeError(`A constant of dtype ${dtype} has no form in a GraphDef.`);
  const origin = origins.get(array);
  if (ArrayBuffer.isView(data) && (origin === undefined ? size > 1 : origin === null)) {
    // Typed arrays are little-endian on every machine JavaScript runs on today, as tensorContent is.
    return { ...common, tensorContent: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  }
  const elements = listed(field, data);
  return { ...common, ...(size > 0 && { [field]: origin ? elements.slice(0, origin.count) : elements }) };
}

function listed(field: ValueField, data: NDArray['data']): readonly unknown[] {
  const elements = Array.from<unknown>(data);
  if (field === 'stringVal') return elements.map((text) => bytesOfText(text as string));
  return field === 'boolVal' ? elements.map((byte) => byte !== 0) : elements;
}

/** A shape from its message. @throws InvalidArgumentError for a dimension below -1 */
export function shapeOf({ dim = [], unknownRank = false }: TensorShapeProto): Shape {
  if (unknownRank) return null;
  return Object.freeze(
    dim.map(({ size = 0n }) => {
      if (size < -1n) throw new InvalidArgumentError(`A dimension is ${size}.`);
      return size < 0n ? null : Number(size);
    }),
  );
}

/** Whether constants of the dtype of `tensor` can be held as arrays. */
export function canHold({ dtype = 0 }: TensorProto): boolean {
  const name = dtypeOfEnum(dtype);
  return name !== undefined && fields[name] !== undefined;
}

/**
 * The array of a TensorProto: of `tensorContent`, a view where the elements lie where the machine can read them.
 * @throws InvalidArgumentError where the elements do not fill the shape, the shape is not known, or the dtype is none of constants
 */
export function arrayOf(tensor: TensorProto): NDArray {
  const { dtype: value = 0, tensorShape = {}, tensorContent } = tensor;
  const dtype = dtypeOfEnum(value);
  const field = dtype && fields[dtype];
  if (!dtype || !field) throw new InvalidArgumentError(`A constant of dtype ${dataTypeName(value)} cannot be held.`);
  const shape = shapeOf(tensorShape);
  if (!isFullyDefined(shape)) throw new InvalidArgumentError('The shape of a constant is not known.');
  const hasContent = tensorContent !== undefined && tensorContent.length > 0;
  const array = new NDArray(dtype, shape, hasContent ? viewed(dtype, shape, tensorContent) : unlisted(dtype, shape, tensor[field] ?? [])); // prettier-ignore
  const usual = array.size > 1 && dtype !== 'string';
  const count = tensor[field]?.length ?? 0;
  if (hasContent && !usual) origins.set(array, null);
  else if (!hasContent && (usual || count < array.data.length)) origins.set(array, { field, count });
  return array;
}

function viewed(dtype: DType, shape: readonly number[], bytes: Uint8Array): NDArray['data'] {
  if (dtype === 'string') return stringsIn(bytes, sizeOf(shape));
  const width = dtypeInfo(dtype).bytes;
  if (bytes.length !== sizeOf(shape) * width)
    throw new InvalidArgumentError(
      `${bytes.length} bytes do not fill a ${dtype} constant of shape ${formatShape(shape)}.`,
    );
  const { BYTES_PER_ELEMENT } = allocate(dtype, 0) as TypedArray;
  const { buffer, byteOffset } = bytes.byteOffset % BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  const Storage = allocate(dtype, 0).constructor as new (
    buffer: ArrayBufferLike,
    at: number,
    size: number,
  ) => TypedArray;
  return new Storage(buffer, byteOffset, bytes.length / BYTES_PER_ELEMENT);
}

/** Strings as TensorFlow packs them: their lengths, then all of them. @throws InvalidArgumentError where they are not so many */
function stringsIn(bytes: Uint8Array, count: number): string[] {
  let at = 0;
  const lengths = Array.from({ length: count }, () => {
    let [length, shift] = [0, 0];
    for (; (bytes[at] ?? 0) >= 0x80; shift += 7) length += (bytes[at++]! & 0x7f) * 2 ** shift;
    return length + (bytes[at++] ?? 0) * 2 ** shift;
  });
  const texts = lengths.map((length) => textOfBytes(bytes.subarray(at, (at += length))));
  if (at !== bytes.length) throw new InvalidArgumentError(`${bytes.length} bytes do not hold ${count} strings.`);
  return texts;
}

/** Elements from a list of the first ones: the last of them repeats, and where there is none, all are zero. */
function unlisted(dtype: DType, shape: readonly number[], elements: readonly unknown[]): NDArray['data'] {
  const data = allocate(dtype, sizeOf(shape)) as unknown[];
  const width = dtypeInfo(dtype).kind === 'complex' ? 2 : 1;
  if (elements.length % width !== 0) throw new InvalidArgumentError('A complex constant has half a number.');
  if (elements.length > data.length)
    throw new InvalidArgumentError(
      `${elements.length / width} elements do not fit a ${dtype} constant of shape ${formatShape(shape)}.`,
    );
  const value = (i: number) =>
    dtype === 'string' ? textOfBytes(elements[i] as Uint8Array) : dtype === 'bool' ? Number(elements[i]) : elements[i];
  for (let i = 0; i < elements.length; i++) data[i] = value(i);
  if (elements.length > 0) for (let i = elements.length; i < data.length; i++) data[i] = data[i - width];
  return data;
}
