/** What jax-js looks for to run on several threads, and Node lacks: a global `Worker` that runs a Blob's URL. */
import { resolveObjectURL } from 'node:buffer';
import { availableParallelism } from 'node:os';
import { Worker as Thread } from 'node:worker_threads';

const prelude = `
const { parentPort } = require('node:worker_threads');
globalThis.self = globalThis;
globalThis.postMessage = (message) => parentPort.postMessage(message);
parentPort.on('message', (data) => self.onmessage({ data }));
`;

class BlobWorker {
  onmessage: (event: { readonly data: unknown }) => void = () => {};
  onerror: (event: { readonly message: string }) => void = () => {};
  readonly #thread: Promise<Thread>;

  constructor(url: string) {
    const blob = resolveObjectURL(url);
    if (!blob) throw new Error(`No blob has the URL ${url}.`);
    this.#thread = blob.text().then((source) => {
      const thread = new Thread(prelude + source, { eval: true });
      thread.on('message', (data: unknown) => this.onmessage({ data }));
      thread.on('error', ({ message }) => this.onerror({ message }));
      thread.unref();
      return thread;
    });
    this.#thread.catch(({ message }: Error) => this.onerror({ message }));
  }

  postMessage(message: unknown): void {
    void this.#thread.then((thread) => thread.postMessage(message));
  }

  terminate(): void {
    void this.#thread.then((thread) => thread.terminate());
  }
}

export function provideWorkers(): void {
  Object.defineProperty(globalThis, 'Worker', { value: BlobWorker, configurable: true });
  if (!('navigator' in globalThis))
    Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: availableParallelism() } });
}
