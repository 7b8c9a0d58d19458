/** The elements of string tensors in checkpoints: all lengths, their checksum, then all bytes. */
import { crc32c, masked } from './crc32c.js';
import { damaged, type Range } from './file.js';
import { Cursor } from './table.js';

/** A range that was read, and the checksum that the index has of it. */
export interface Stretch extends Range {
  readonly bytes: Uint8Array;
  readonly crc: number;
}

/** The `count` strings in a stretch. @throws InvalidArgumentError where it does not hold them, or a checksum is wrong */
export function stringsIn({ path, offset, bytes, crc, what }: Stretch, count: number): readonly Uint8Array[] {
  const fail = (at: number, why: string) => damaged(path, offset + at, `${what}: ${why}`);
  const cursor = new Cursor(path, bytes, 0, bytes.length);
  const lengths: number[] = [];
  // Checksums are of the lengths as numbers of fixed width, not of their bytes in the file.
  let sum = 0;
  for (let i = 0; i < count; i++) {
    if (cursor.done) throw fail(cursor.at, `it has the lengths of ${i} strings, not of ${count}`);
    lengths.push(cursor.varint());
    sum = crc32c(fixedWidth(lengths[i]!), sum);
  }
  const stored = cursor.bytes(4);
  if (new DataView(stored.buffer, stored.byteOffset).getUint32(0, true) !== masked(sum)) {
    throw fail(cursor.at - 4, 'the checksum of the lengths of its strings is wrong');
  }
  const [start, total] = [cursor.at, lengths.reduce((all, length) => all + length, 0)];
  if (start + total !== bytes.length) {
    throw fail(start, `its strings have ${total} bytes, and there are ${bytes.length - start}`);
  }
  if (masked(crc32c(bytes.subarray(start), crc32c(stored, sum))) !== crc) throw fail(0, 'its checksum is wrong');
  return lengths.map((length) => cursor.bytes(length));
}

function fixedWidth(length: number): Uint8Array {
  const wide = length > 0xffffffff;
  const view = new DataView(new ArrayBuffer(wide ? 8 : 4));
  if (wide) view.setBigUint64(0, BigInt(length), true);
  else view.setUint32(0, length, true);
  return new Uint8Array(view.buffer);
}
