/** Where results go: standard output, or a file that appears whole or not at all. */
import { rename, unlink, writeFile } from 'node:fs/promises';
import pc from 'picocolors';
import { UsageError } from './errors.js';

/** Colours where standard output is a terminal that wants them. */
export const colors = pc.createColors(Boolean(process.stdout.isTTY) && pc.isColorSupported);
/** The same for standard error. */
export const errorColors = pc.createColors(Boolean(process.stderr.isTTY) && pc.isColorSupported);

/** Writes to `file`, or to standard output where that is undefined or `-`. */
export async function writeOutput(text: string, file: string | undefined): Promise<void> {
  if (file === undefined || file === '-') {
    await new Promise<void>((resolve, reject) =>
      process.stdout.write(text, (error) => (error ? reject(error) : resolve())),
    );
    return;
  }
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw new UsageError(`cannot write ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** A remark for the user that is no result. */
export function remark(text: string): void {
  process.stderr.write(`${errorColors.dim(text)}\n`);
}
