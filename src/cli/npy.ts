/**
 * Reads NumPy's .npy files. Own code because npyjs, the maintained library, brings a network client for the sake of local
 * files and gives no complex numbers, no column-major order and no Node types.
 */
import { NDArray, type DType } from '../index.js';
import { UsageError } from './errors.js';

const dtypes: Readonly<Record<string, DType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
  c8: 'complex64',
  c16: 'complex128',
};

/** The array in a .npy file of any version, byte order and memory order. @throws UsageError saying what is wrong */
export function parseNpy(file: Uint8Array, path: string): NDArray {
  const fail = (why: string): never => {
    throw new UsageError(`${path} is not a .npy file that can be read: ${why}.`);
  };
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 10 || view.getUint32(0) !== 0x934e554d || view.getUint16(4) !== 0x5059)
    fail('it does not begin with the mark \\x93NUMPY');
  const wide = file[6]! > 1;
  const start = wide ? 12 : 10;
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (end > file.length) fail('its header is cut off');
  const header = new TextDecoder().decode(file.subarray(start, end));
  const [, order = '', code = ''] = /'descr':\s*'([<>|=])(\w+)'/.exec(header) ?? [];
  const shapeText = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  const dtype = dtypes[code];
  if (dtype === undefined || shapeText === undefined) return fail(`its header is ${header.trim()}`);
  const shape = shapeText.split(',').map((part) => part.trim()).filter((part) => part !== '').map(Number); // prettier-ignore
  const itemBytes = Number(code.slice(1));
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (file.length - end !== size * itemBytes)
    fail(`${file.length - end} bytes of data do not fill the shape [${shape.join(', ')}] of ${dtype}`);
  const bytes = new Uint8Array(file.subarray(end)); // a copy: typed arrays need an aligned buffer of their own
  if (order === '>') reverseEach(bytes, code.startsWith('c') ? itemBytes / 2 : itemBytes);
  const rowMajor =
    /'fortran_order':\s*True/.test(header) && shape.length > 1 ? transpose(bytes, shape, itemBytes) : bytes;
  const data = NDArray.filled(dtype, [0], 0).data as { constructor: unknown };
  return new NDArray(
    dtype,
    shape,
    new (data.constructor as new (buffer: ArrayBuffer) => never)(rowMajor.buffer as ArrayBuffer),
  );
}

function reverseEach(bytes: Uint8Array, width: number): void {
  for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
}

/** Column-major items in row-major order. */
function transpose(bytes: Uint8Array, shape: readonly number[], itemBytes: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  const index = shape.map(() => 0);
  for (let to = 0; to < bytes.length; to += itemBytes) {
    let from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) from = from * shape[axis]! + index[axis]!;
    result.set(bytes.subarray(from * itemBytes, (from + 1) * itemBytes), to);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return result;
}
