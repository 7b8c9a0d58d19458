/** The checksums of checkpoints: CRC-32C, in the masked form in which TensorFlow stores it. */
import library from 'crc-32/crc32c.js';

/** The checksum of `bytes`, or of what came before them, whose checksum is `before`, and of them. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  return library.buf(bytes, before) >>> 0;
}

/** A checksum as it is stored: so that it is no checksum of data that contain checksums. */
export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
