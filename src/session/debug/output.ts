/** Where debugging output goes: lines to standard error, files to a folder. */
import { InvalidArgumentError } from '../../graph/errors.js';
import { node } from '../backends/wasm/threads/host.js';

/** The one place that prints. */
export function say(text: string): void {
  console.error(`tapeless: ${text}`);
}

interface Files {
  existsSync(path: string): boolean;
  mkdirSync(path: string): void;
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
    this.#try(folder, () => this.#make(folder));
  }

  write(folder: string, name: string, data: string | Uint8Array): void {
    const path = `${this.#folder}/${folder}`;
    this.#try(path, () => {
      this.#make(path);
      this.#files.writeFileSync(`${path}/${name}`, typeof data === 'string' ? `${data}\n` : data);
    });
  }

  /** Not `recursive`: that does not end where a file system refuses new folders as missing, as /proc does. */
  #make(path: string): void {
    const parts = path.split('/');
    for (let i = 1; i <= parts.length; i++) {
      const at = parts.slice(0, i).join('/');
      if (at !== '' && !this.#files.existsSync(at)) this.#files.mkdirSync(at);
    }
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
