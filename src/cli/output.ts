/** Where results go: standard output, or a file that appears whole or not at all. */
import { mkdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import pc from 'picocolors';
import { UsageError } from './errors.js';

/** Colours where standard output is a terminal that wants them. */
export const colors = pc.createColors(Boolean(process.stdout.isTTY) && pc.isColorSupported);
/** The same for standard error. */
export const errorColors = pc.createColors(Boolean(process.stderr.isTTY) && pc.isColorSupported);

/** Writes to `file`, or to standard output where that is undefined or `-`. */
export async function writeOutput(text: string | Uint8Array, file: string | undefined): Promise<void> {
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

/** Writes files into `folder`, which is made if missing: all of them, or none. Returns their paths. */
export async function writeFiles(
  folder: string,
  files: readonly (readonly [name: string, content: string | Uint8Array])[],
): Promise<readonly string[]> {
  const paths = files.map(([name]) => join(folder, name));
  const temporary = paths.map((path) => `${path}.${process.pid}.tmp`);
  try {
    await makeFolder(resolve(folder));
    for (const path of paths)
      if ((await stat(path).catch(() => null))?.isDirectory()) throw new Error(`${path} is a folder`);
    for (const [i, [, content]] of files.entries()) await writeFile(temporary[i]!, content);
    for (const [i, path] of paths.entries()) await rename(temporary[i]!, path);
  } catch (error) {
    for (const path of temporary) await unlink(path).catch(() => undefined);
    throw new UsageError(`cannot write into ${folder}: ${(error as Error).message}`, { cause: error });
  }
  return paths;
}

/** Not `mkdir`'s `recursive`: that does not end where a file system refuses new folders as missing, as /proc does. */
async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    const found = await stat(at).catch(() => null);
    if (found?.isDirectory()) break;
    if (found) throw new Error(`${at} is no folder`);
    missing.push(at);
  }
  for (const at of missing.reverse()) await mkdir(at);
}

/** A remark for the user that is no result. */
export function remark(text: string): void {
  process.stderr.write(`${errorColors.dim(text)}\n`);
}
