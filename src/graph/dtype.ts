/** Element types: TensorFlow's dtypes described as data, one row each. */

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export type DTypeKind = 'float' | 'int' | 'bool' | 'complex' | 'string' | 'handle';

/** The storage of each dtype. float16 and bfloat16 hold bit patterns, complex numbers interleave (re, im). */
export interface DTypeStorage {
  float16: Uint16Array;
  bfloat16: Uint16Array;
  float32: Float32Array;
  float64: Float64Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  string: string[];
  complex64: Float32Array;
  complex128: Float64Array;
  resource: unknown[];
  variant: unknown[];
  // Nothing is computed in the rest: tensors of them are carried.
  qint8: unknown[];
  quint8: unknown[];
  qint16: unknown[];
  quint16: unknown[];
  qint32: unknown[];
  float8_e5m2: unknown[];
  float8_e4m3fn: unknown[];
  int4: unknown[];
  uint4: unknown[];
}

/** An element type, by TensorFlow's Python name. */
export type DType = keyof DTypeStorage;

export interface DTypeInfo {
  readonly name: DType;
  /** The spelling in op signatures (`float`, `half`, …). */
  readonly signatureName: string;
  /** The value of TensorFlow's `DataType` enum, and its symbol. */
  readonly enumValue: number;
  readonly enumName: string;
  readonly kind: DTypeKind;
  /** Bytes an element takes; 0 where elements are JavaScript values. */
  readonly bytes: number;
  /** Whether gradients flow through tensors of this dtype. */
  readonly trainable: boolean;
  /** Whether elements are JavaScript bigints. */
  readonly big: boolean;
  /** Inclusive range of an integer dtype. */
  readonly range: readonly [bigint, bigint] | null;
  readonly allocate: (length: number) => TypedArray | unknown[];
}

const array = (length: number): unknown[] => new Array<unknown>(length);
const signed = (bits: number): [bigint, bigint] => [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n];
const unsigned = (bits: number): [bigint, bigint] => [0n, (1n << BigInt(bits)) - 1n];

type Row = [DType, string, number, string, DTypeKind, number, boolean, [bigint, bigint] | null, DTypeInfo['allocate']];
const rows: readonly Row[] = [
  ['float16', 'half', 19, 'DT_HALF', 'float', 2, true, null, (n) => new Uint16Array(n)],
  ['bfloat16', 'bfloat16', 14, 'DT_BFLOAT16', 'float', 2, true, null, (n) => new Uint16Array(n)],
  ['float32', 'float', 1, 'DT_FLOAT', 'float', 4, true, null, (n) => new Float32Array(n)],
  ['float64', 'double', 2, 'DT_DOUBLE', 'float', 8, true, null, (n) => new Float64Array(n)],
  ['int8', 'int8', 6, 'DT_INT8', 'int', 1, false, signed(8), (n) => new Int8Array(n)],
  ['int16', 'int16', 5, 'DT_INT16', 'int', 2, false, signed(16), (n) => new Int16Array(n)],
  ['int32', 'int32', 3, 'DT_INT32', 'int', 4, false, signed(32), (n) => new Int32Array(n)],
  ['int64', 'int64', 9, 'DT_INT64', 'int', 8, false, signed(64), (n) => new BigInt64Array(n)],
  ['uint8', 'uint8', 4, 'DT_UINT8', 'int', 1, false, unsigned(8), (n) => new Uint8Array(n)],
  ['uint16', 'uint16', 17, 'DT_UINT16', 'int', 2, false, unsigned(16), (n) => new Uint16Array(n)],
  ['uint32', 'uint32', 22, 'DT_UINT32', 'int', 4, false, unsigned(32), (n) => new Uint32Array(n)],
  ['uint64', 'uint64', 23, 'DT_UINT64', 'int', 8, false, unsigned(64), (n) => new BigUint64Array(n)],
  ['bool', 'bool', 10, 'DT_BOOL', 'bool', 1, false, null, (n) => new Uint8Array(n)],
  ['string', 'string', 7, 'DT_STRING', 'string', 0, false, null, array],
  ['complex64', 'complex64', 8, 'DT_COMPLEX64', 'complex', 8, true, null, (n) => new Float32Array(2 * n)],
  ['complex128', 'complex128', 18, 'DT_COMPLEX128', 'complex', 16, true, null, (n) => new Float64Array(2 * n)],
  ['resource', 'resource', 20, 'DT_RESOURCE', 'handle', 0, true, null, array],
  ['variant', 'variant', 21, 'DT_VARIANT', 'handle', 0, true, null, array],
  ['qint8', 'qint8', 11, 'DT_QINT8', 'handle', 0, false, null, array],
  ['quint8', 'quint8', 12, 'DT_QUINT8', 'handle', 0, false, null, array],
  ['qint16', 'qint16', 15, 'DT_QINT16', 'handle', 0, false, null, array],
  ['quint16', 'quint16', 16, 'DT_QUINT16', 'handle', 0, false, null, array],
  ['qint32', 'qint32', 13, 'DT_QINT32', 'handle', 0, false, null, array],
  ['float8_e5m2', 'float8_e5m2', 24, 'DT_FLOAT8_E5M2', 'handle', 0, false, null, array],
  ['float8_e4m3fn', 'float8_e4m3fn', 25, 'DT_FLOAT8_E4M3FN', 'handle', 0, false, null, array],
  ['int4', 'int4', 29, 'DT_INT4', 'handle', 0, false, null, array],
  ['uint4', 'uint4', 30, 'DT_UINT4', 'handle', 0, false, null, array],
];

export const dtypes: readonly DTypeInfo[] = rows.map(
  ([name, signatureName, enumValue, enumName, kind, bytes, trainable, range, allocate]) =>
    Object.freeze({
      name,
      signatureName,
      enumValue,
      enumName,
      kind,
      bytes,
      trainable,
      big: name === 'int64' || name === 'uint64',
      range,
      allocate,
    }),
);

const byName: ReadonlyMap<string, DTypeInfo> = new Map(dtypes.map((info) => [info.name, info]));
const bySignatureName: ReadonlyMap<string, DTypeInfo> = new Map(dtypes.map((info) => [info.signatureName, info]));

export function isDType(name: unknown): name is DType {
  return typeof name === 'string' && byName.has(name);
}

/** The row of a dtype. */
export function dtypeInfo(dtype: DType): DTypeInfo {
  return byName.get(dtype)!;
}

/** The dtype an op signature calls `name` (`float` → float32); undefined where there is none. */
export function dtypeOfSignatureName(name: string): DType | undefined {
  return bySignatureName.get(name)?.name;
}

const byEnumValue: ReadonlyMap<number, DTypeInfo> = new Map(dtypes.map((info) => [info.enumValue, info]));
/** What TensorFlow adds to a dtype for references to variables of it. */
const reference = 100;

/** The dtype of a value of the `DataType` enum; undefined where there is none, as for references. */
export function dtypeOfEnum(value: number): DType | undefined {
  return byEnumValue.get(value)?.name;
}

/** The symbol of a value of the `DataType` enum; an unknown one as its number. */
export function dataTypeName(value: number): string | number {
  if (value > reference) return `${dataTypeName(value - reference)}_REF`;
  return value === 0 ? 'DT_INVALID' : (byEnumValue.get(value)?.enumName ?? value);
}

/** Fresh zeroed storage for `size` elements. */
export function allocate<D extends DType>(dtype: D, size: number): DTypeStorage[D] {
  const storage = dtypeInfo(dtype).allocate(size);
  if (dtype === 'string') (storage as string[]).fill('');
  return storage as DTypeStorage[D];
}

export const isFloating = (dtype: DType): boolean => dtypeInfo(dtype).kind === 'float';
export const isInteger = (dtype: DType): boolean => dtypeInfo(dtype).kind === 'int';
export const isComplex = (dtype: DType): boolean => dtypeInfo(dtype).kind === 'complex';
export const isTrainable = (dtype: DType): boolean => dtypeInfo(dtype).trainable;

/** The real dtype that holds the parts of a complex one; any other dtype is its own. */
export function realDType(dtype: DType): DType {
  return dtype === 'complex64' ? 'float32' : dtype === 'complex128' ? 'float64' : dtype;
}
