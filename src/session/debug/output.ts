/** Where debugging output goes: lines to standard error, files to a folder. */
import { InvalidArgumentError } from '../../graph/errors.js';
import { node } from '../backends/wasm/threads/host.js';

/** The one place that prints. */
export function say(text: string): void {
  console.error(`tapeless: ${text}`);
}

interface Files {
  mkdirSync(path: string, options: { recursive: true }): void;
  writeFileSync(path: string, data: string | Uint8Array): void;
}

/** Writes files below one folder. */
export class Dump {
  readonly #folder: string;
  readonly #files: Files;

  /** @throws InvalidArgumentError where there can be no such folder */
  constructor(folder: string) {
    const files = node<Files>('fs');
    if (!files) throw new InvalidArgumentError('TAPELESS_DUMP: there are no files here; it is for Node.');
    this.#folder = folder;
    this.#files = files;
    this.#try(folder, () => files.mkdirSync(folder, { recursive: true }));
  }

  write(folder: string, name: string, data: string | Uint8Array): void {
    const path = `${this.#folder}/${folder}`;
    this.#try(path, () => {
      this.#files.mkdirSync(path, { recursive: true });
      this.#files.writeFileSync(`${path}/${name}`, typeof data === 'string' ? `${data}\n` : data);
    });
  }

  #try(path: string, write: () => void): void {
    try {
      write();
    } catch (error) {
      throw new InvalidArgumentError(`TAPELESS_DUMP: '${path}' cannot be written: ${(error as Error).message}`);
    }
  }
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 3 : 1)} ms`;
}

export function byteCount(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`;
  return bytes < 1e7 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
