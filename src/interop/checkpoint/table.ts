/**
 * Sorted tables in the format of LevelDB, which the index of a checkpoint is. Own code because the LevelDB packages open databases, folders with
 * logs and manifests, through a native library, and none reads a single table.
 */
import { crc32c, masked } from './crc32c.js';
import { damaged } from './file.js';

export interface TableEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Where the value lies in the file. */
  readonly offset: number;
}

/** Where a block lies, without the byte of its compression and its checksum, which follow. */
interface Handle {
  readonly offset: number;
  readonly size: number;
}

const footerSize = 48;
const trailerSize = 5;
const magic = 0xdb4775248b80fb57n;
const compressions = ['none', 'Snappy', 'zlib', 'bzip2', 'LZ4', 'LZ4HC', 'XPRESS', 'Zstandard'];

/** Numbers in a stretch of a file. @throws InvalidArgumentError naming the place where they end too early or are too long */
export class Cursor {
  readonly path: string;
  readonly file: Uint8Array;
  readonly #end: number;
  at: number;

  constructor(path: string, file: Uint8Array, start: number, end: number) {
    this.path = path;
    this.file = file;
    this.at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.at >= this.#end;
  }

  /** A variable-length integer of at most 53 bits. */
  varint(): number {
    const start = this.at;
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      if (this.done) throw damaged(this.path, start, 'a number is cut off');
      const byte = this.file[this.at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw damaged(this.path, start, 'a number is longer than 53 bits');
  }

  bytes(length: number): Uint8Array {
    if (length > this.#end - this.at)
      throw damaged(this.path, this.at, `${length} bytes do not fit in what they are part of`);
    this.at += length;
    return this.file.subarray(this.at - length, this.at);
  }
}

/** All entries of a table, in order. @throws InvalidArgumentError where it is no table, damaged, or compressed */
export function tableEntries(path: string, file: Uint8Array): TableEntry[] {
  const at = file.length - footerSize;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (at < 0)
    throw damaged(
      path,
      file.length,
      `the file ends here, and the index of a checkpoint has ${footerSize} bytes or more`,
    );
  if (view.getBigUint64(file.length - 8, true) !== magic) {
    throw damaged(path, file.length - 8, 'the mark that ends the index of a checkpoint is not there');
  }
  const footer = new Cursor(path, file, at, file.length - 8);
  handle(footer); // of blocks about the table, which say nothing that is needed
  return blockEntries(path, file, handle(footer), at).flatMap(({ value, offset }) => {
    const block = handle(new Cursor(path, file, offset, offset + value.length));
    return blockEntries(path, file, block, offset);
  });
}

function handle(cursor: Cursor): Handle {
  const offset = cursor.varint();
  return { offset, size: cursor.varint() };
}

/** The entries of a block that is named at `from`. */
function blockEntries(path: string, file: Uint8Array, { offset, size }: Handle, from: number): TableEntry[] {
  const end = offset + size;
  if (end + trailerSize > file.length) {
    throw damaged(path, from, `it names a block at the bytes ${offset} to ${end}, and the file has ${file.length}`);
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(end + 1, true) !== masked(crc32c(file.subarray(offset, end + 1)))) {
    throw damaged(path, offset, `the checksum of the block of ${size} bytes is wrong`);
  }
  if (file[end] !== 0) throw damaged(path, end, unreadable(file[end]!));
  const restarts = size < 4 ? Infinity : view.getUint32(end - 4, true);
  const last = end - 4 - 4 * restarts;
  if (!(last >= offset)) throw damaged(path, offset, `the block of ${size} bytes has no place for its restart points`);
  const entries: TableEntry[] = [];
  const cursor = new Cursor(path, file, offset, last);
  let previous: Uint8Array = new Uint8Array(0);
  while (!cursor.done) {
    const start = cursor.at;
    const [shared, own, length] = [cursor.varint(), cursor.varint(), cursor.varint()];
    if (shared > previous.length)
      throw damaged(path, start, `a key shares ${shared} bytes with one of ${previous.length}`);
    const rest = cursor.bytes(own);
    const key = new Uint8Array(shared + own);
    key.set(previous.subarray(0, shared));
    key.set(rest, shared);
    entries.push({ key, value: cursor.bytes(length), offset: cursor.at - length });
    previous = key;
  }
  return entries;
}

function unreadable(type: number): string {
  const name = compressions[type] ?? `compression ${type}`;
  return `the block is compressed (${name}), which no release of TensorFlow writes and tapeless does not read`;
}
