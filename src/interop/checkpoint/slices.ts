/** Tensors that a checkpoint keeps in slices: partitioned variables. */
import type { TensorSliceProto } from '../proto/saved_model_pb.js';

/** The part of a dimension that a slice has. */
export interface Extent {
  readonly start: number;
  readonly length: number;
}

/** The extents of a slice of a tensor of `shape`. */
export function extentsOf(slice: TensorSliceProto, shape: readonly number[]): readonly Extent[] {
  return shape.map((dim, axis) => {
    const extent = slice.extent[axis];
    if (extent?.hasLength.case !== 'length') return { start: 0, length: dim };
    return { start: Number(extent.start), length: Number(extent.hasLength.value) };
  });
}

/** The key under which the index has a slice of a tensor, as its bytes: TensorFlow's code of ordered tuples. */
export function sliceKey(name: Uint8Array, { extent }: TensorSliceProto): readonly number[] {
  const extents = extent.flatMap(({ start, hasLength }) =>
    // All of a dimension is written as 0 and -1.
    hasLength.case === 'length' ? [start, hasLength.value] : [0n, -1n],
  );
  return [0, ...orderedString(name), ...orderedCount(extent.length), ...extents.flatMap(orderedInteger)];
}

/** Bytes of which none begins as the end does. */
function orderedString(bytes: Uint8Array): readonly number[] {
  const escaped = [...bytes].flatMap((byte) => (byte === 0 ? [0, 0xff] : byte === 0xff ? [0xff, 0] : [byte]));
  return [...escaped, 0, 1];
}

/** How many bytes, and those, the highest first. */
function orderedCount(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [bytes.length, ...bytes];
}

/** A signed integer in as few bytes as hold it; how many is said by the leading bits, which are ones before a sign that is inverted. */
function orderedInteger(value: bigint): readonly number[] {
  let length = 1;
  while (BigInt.asIntN(7 * length, value) !== value) length++;
  const lead = ((1n << BigInt(length)) - 1n) << BigInt(7 * length);
  let code = BigInt.asUintN(8 * length, value) ^ lead;
  const bytes: number[] = [];
  for (let i = 0; i < length; i++) {
    bytes.unshift(Number(code & 0xffn));
    code >>= 8n;
  }
  return bytes;
}

/**
 * Copies the elements of a slice, `width` units each, to where they belong in the whole tensor.
 * @param part the slice's elements, in row-major order
 */
export function placeSlice<T>(
  whole: { readonly shape: readonly number[]; readonly data: Writable<T> },
  part: ArrayLike<T>,
  extents: readonly Extent[],
  width: number,
): void {
  const { shape, data } = whole;
  const last = shape.length - 1;
  const run = (extents[last]?.length ?? 1) * width;
  const rows = extents.slice(0, -1).reduce((product, { length }) => product * length, 1);
  const index = extents.map(({ start }) => start);
  for (let row = 0; row < rows; row++) {
    const to = index.reduce((sum, i, axis) => sum * shape[axis]! + i, 0) * width;
    for (let k = 0; k < run; k++) data[to + k] = part[row * run + k]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      const { start, length } = extents[axis]!;
      if (++index[axis]! < start + length) break;
      index[axis] = start;
    }
  }
}

interface Writable<T> {
  [index: number]: T;
}
