/** Checkpoints as TensorFlow's savers write them: an index of tensors by name, and files with their elements. */
import { fromBinary } from '@bufbuild/protobuf';
import { readFile } from 'node:fs/promises';
import { textOfBytes } from '../../graph/bytes.js';
import {
  allocate,
  dataTypeName,
  dtypeInfo,
  dtypeOfEnum,
  isComplex,
  type DType,
  type DTypeStorage,
} from '../../graph/dtype.js';
import { DTypeError, InvalidArgumentError, NotFoundError } from '../../graph/errors.js';
import { NDArray } from '../../graph/ndarray.js';
import { formatShape, sizeOf } from '../../graph/shape.js';
import { DataType } from '../proto/graph_pb.js';
import {
  BundleEntryProtoSchema,
  BundleHeaderProto_Endianness as Endianness,
  BundleHeaderProtoSchema,
  type BundleEntryProto,
  type BundleHeaderProto,
} from '../proto/saved_model_pb.js';
import { crc32c, masked } from './crc32c.js';
import { damaged, readRange, type Range } from './file.js';
import { extentsOf, placeSlice, sliceKey } from './slices.js';
import { stringsIn } from './strings.js';
import { tableEntries } from './table.js';

/** What a checkpoint says of a tensor. */
export interface CheckpointEntry {
  readonly name: string;
  /** Tensors of some can be told of, and not read, such as `qint8`. */
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The files of a checkpoint: what its index says, and where its tensors lie. Made by {@link readCheckpoint}. */
export class Checkpoint {
  /** What the names of its files begin with. */
  readonly prefix: string;
  /** What there is, by name, in the order of the index. */
  readonly entries: ReadonlyMap<string, CheckpointEntry>;
  readonly #index: ReadonlyMap<string, BundleEntryProto>;
  readonly #header: BundleHeaderProto;

  /** @internal */
  constructor(prefix: string, header: BundleHeaderProto, index: ReadonlyMap<string, BundleEntryProto>) {
    this.prefix = prefix;
    this.#header = header;
    this.#index = index;
    // Slices of partitioned tensors stand under keys of their own, which begin with a zero byte.
    const names = [...index.keys()].filter((key) => !key.startsWith('\0')).map((key) => textOfBytes(bytesOfKey(key)));
    this.entries = new Map(
      names.map((name) => {
        const entry = this.#find(name)!;
        return [name, { name, dtype: dtypeOfEnum(entry.dtype)!, shape: shapeOf(entry) }];
      }),
    );
  }

  /**
   * Reads one tensor, and nothing else: the part of the file that it lies in, or of each file that has a slice of it. float16 and bfloat16 are bit patterns,
   * as in every NDArray.
   * @throws NotFoundError where there is none of that name, or no file; DTypeError where its dtype is one that NDArray has not;
   *   InvalidArgumentError naming file and byte where a file is damaged or cut off
   */
  async tensor(name: string): Promise<NDArray> {
    const entry = this.#entry(name);
    const { dtype, shape } = this.entries.get(name)!;
    if (dtypeInfo(dtype).kind === 'handle')
      throw new DTypeError(`${this.prefix}: '${name}' is of the dtype ${dtype}, in which there are no arrays here.`);
    if (entry.slices.length === 0) return this.#whole(name, entry, dtype, shape);
    const data = allocate(dtype, sizeOf(shape));
    for (const slice of entry.slices) {
      const extents = extentsOf(slice, shape);
      const key = String.fromCharCode(...sliceKey(new TextEncoder().encode(name), slice));
      const stored = this.#index.get(key);
      if (!stored)
        throw new InvalidArgumentError(
          `${this.prefix}.index has not all slices of '${name}': ${describe(extents)} is not there.`,
        );
      const part = await this.#whole(
        name,
        stored,
        dtype,
        extents.map(({ length }) => length),
      );
      placeSlice<unknown>({ shape, data }, part.data, extents, isComplex(dtype) ? 2 : 1);
    }
    return new NDArray(dtype, shape, data);
  }

  /**
   * The elements of a string tensor, as the bytes that they are.
   * @throws as `tensor`, and DTypeError where it is no string tensor
   */
  async strings(name: string): Promise<readonly Uint8Array[]> {
    const entry = this.#entry(name);
    if (entry.dtype !== DataType.DT_STRING) throw new DTypeError(`${this.prefix}: '${name}' has no strings.`);
    return this.#strings(name, entry, sizeOf(shapeOf(entry)));
  }

  #find(name: string): BundleEntryProto | undefined {
    return this.#index.get(keyOfBytes(new TextEncoder().encode(name)));
  }

  #entry(name: string): BundleEntryProto {
    const entry = this.entries.has(name) ? this.#find(name) : undefined;
    if (entry) return entry;
    const names = [...this.entries.keys()];
    const some = names
      .slice(0, 8)
      .map((other) => `'${other}'`)
      .join(', ');
    throw new NotFoundError(
      `The checkpoint ${this.prefix} has no tensor '${name}'. ` +
        (names.length === 0 ? 'It is empty.' : `It has ${names.length}: ${some}${names.length > 8 ? ', …' : ''}.`),
    );
  }

  #path({ shardId }: BundleEntryProto): string {
    const digits = (i: number): string => String(i).padStart(5, '0');
    return `${this.prefix}.data-${digits(shardId)}-of-${digits(this.#header.numShards)}`;
  }

  /** The elements that an entry has in one piece. */
  async #whole(name: string, entry: BundleEntryProto, dtype: DType, shape: readonly number[]): Promise<NDArray> {
    const size = sizeOf(shape);
    if (dtype === 'string') {
      const strings = await this.#strings(name, entry, size);
      return new NDArray('string', shape, strings.map(textOfBytes));
    }
    const range = this.#range(name, entry);
    const length = size * dtypeInfo(dtype).bytes;
    if (range.size !== length) {
      throw damaged(
        `${this.prefix}.index`,
        0,
        `'${name}', a ${dtype} tensor of shape ${formatShape(shape)}, takes ${length} bytes, and the index says ${range.size}`,
      );
    }
    let data: DTypeStorage[DType] | undefined;
    let bytes = new Uint8Array(0);
    const storage = (): Uint8Array => {
      const { buffer, byteOffset } = (data = allocate(dtype, size)) as Uint8Array<ArrayBuffer>;
      return (bytes = new Uint8Array(buffer, byteOffset, length));
    };
    let crc = 0;
    await readRange(range, storage, (piece) => (crc = crc32c(piece, crc)));
    if (masked(crc) !== entry.crc32c)
      throw damaged(range.path, range.offset, `the checksum of the tensor '${name}' is wrong`);
    if (this.#header.endianness === Endianness.BIG) swap(bytes, dtypeInfo(dtype).bytes / (isComplex(dtype) ? 2 : 1));
    return new NDArray(dtype, shape, data!);
  }

  async #strings(name: string, entry: BundleEntryProto, count: number): Promise<readonly Uint8Array[]> {
    const range = this.#range(name, entry);
    let bytes = new Uint8Array(0);
    await readRange(range, () => (bytes = new Uint8Array(range.size)));
    return stringsIn({ ...range, bytes, crc: entry.crc32c }, count);
  }

  #range(name: string, entry: BundleEntryProto): Range {
    const [offset, size] = [Number(entry.offset), Number(entry.size)];
    return { path: this.#path(entry), offset, size, what: `the tensor '${name}'` };
  }
}

/**
 * Reads the index of a checkpoint (TensorFlow `tf.train.load_checkpoint`): `prefix.index`, beside which `prefix.data-00000-of-00001` and so on are. Tensors are read
 * when they are asked for. Checksums are checked.
 *
 * @param prefix what the names of the files begin with: `model/variables/variables` of the SavedModel in `model`
 * @throws NotFoundError where there is no index; InvalidArgumentError naming file and byte where it is damaged or cut off
 * @example
 * const checkpoint = await readCheckpoint('spec/fixtures/checkpoints/variables');
 * [...checkpoint.entries.keys()][1]; // 'layers/0/.ATTRIBUTES/VARIABLE_VALUE'
 * await checkpoint.tensor('layers/0/.ATTRIBUTES/VARIABLE_VALUE'); // [[1, 2]]
 */
export async function readCheckpoint(prefix: string): Promise<Checkpoint> {
  const path = `${prefix}.index`;
  const file = await readFile(path).catch((error: unknown) => {
    throw new NotFoundError(
      `There is no checkpoint ${prefix}: ${path} cannot be read. Give what the names of its files begin with, without .index.`,
      { cause: error },
    );
  });
  const index = new Map<string, BundleEntryProto>();
  let header: BundleHeaderProto | undefined;
  for (const { key, value, offset } of tableEntries(path, file)) {
    try {
      if (key.length === 0) header = fromBinary(BundleHeaderProtoSchema, value);
      else index.set(keyOfBytes(key), decodedEntry(value));
    } catch (error) {
      throw damaged(path, offset, `there is no entry of a checkpoint's index here`, error);
    }
  }
  if (!header) throw damaged(path, 0, 'the index has no header: it is no checkpoint');
  return new Checkpoint(prefix, header, index);
}

function decodedEntry(value: Uint8Array): BundleEntryProto {
  const entry = fromBinary(BundleEntryProtoSchema, value);
  if (!dtypeOfEnum(entry.dtype)) throw new DTypeError(`There is no dtype ${dataTypeName(entry.dtype)}.`);
  return entry;
}

/** Keys are bytes; in maps each is a character. */
function keyOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function bytesOfKey(key: string): Uint8Array {
  return Buffer.from(key, 'latin1');
}

function shapeOf({ shape }: BundleEntryProto): readonly number[] {
  return (shape?.dim ?? []).map(({ size }) => Number(size));
}

function describe(extents: readonly { readonly start: number; readonly length: number }[]): string {
  return `[${extents.map(({ start, length }) => `${start}:${start + length}`).join(', ')}]`;
}

/** Turns the bytes of every element around. */
function swap(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else if (width === 8) buffer.swap64();
}
