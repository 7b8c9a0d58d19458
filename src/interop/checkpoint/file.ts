/** Files of checkpoints: ranges of them, and errors that say where in which file something is wrong. */
import { open } from 'node:fs/promises';
import { InvalidArgumentError, NotFoundError } from '../../graph/errors.js';

/** Reads are this long at most: the system takes no more than 2 GB at once, and checksums keep pace. */
const piece = 1 << 24;

/** The error for bytes at `offset` of a file that are not what they should be. */
export function damaged(path: string, offset: number, what: string, cause?: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `${path}, byte ${offset}: ${what}. The file is damaged, or was not written to its end: copy or save it again.`,
    { cause },
  );
}

/** A part of a file: `size` bytes from `offset` on, which hold `what`. */
export interface Range {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
  readonly what: string;
}

/**
 * Fills what `storage` gives with the bytes of a range; it is called when the range is known to exist.
 * @param seen is told of each piece as it arrives
 * @throws NotFoundError where there is no such file; InvalidArgumentError where it ends too early
 */
export async function readRange(
  { path, offset, size, what }: Range,
  storage: () => Uint8Array,
  seen: (bytes: Uint8Array) => void = () => undefined,
): Promise<void> {
  const file = await open(path).catch((error: unknown) => {
    throw new NotFoundError(`There is no ${path}, which has ${what}. A checkpoint needs all of its files.`, {
      cause: error,
    });
  });
  try {
    const end = (await file.stat()).size;
    if (offset < 0 || size < 0 || offset + size > end) {
      throw damaged(path, end, `the file ends here, and ${what} takes the bytes ${offset} to ${offset + size}`);
    }
    const into = storage();
    for (let at = 0; at < size;) {
      const { bytesRead } = await file.read(into, at, Math.min(piece, size - at), offset + at);
      if (bytesRead === 0) throw damaged(path, offset + at, `the file ends here now, within ${what}`);
      seen(into.subarray(at, at + bytesRead));
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}
