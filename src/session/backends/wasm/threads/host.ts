/** What differs between Node and browsers where threads are concerned. */

interface NodeWorker {
  postMessage(message: unknown): void;
  unref(): void;
  on(event: 'error', listener: (error: unknown) => void): void;
}

interface NodeThreads {
  readonly Worker: new (source: string, options: { eval: boolean; execArgv: string[] }) => NodeWorker;
}

interface HostGlobals {
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly crossOriginIsolated?: boolean;
  readonly Blob?: new (parts: readonly string[], options: { type: string }) => object;
  readonly URL?: { createObjectURL(blob: object): string };
  readonly Worker?: new (
    url: string,
  ) => Omit<NodeWorker, 'unref' | 'on'> & { onerror: ((event: unknown) => void) | null };
}

const host = globalThis as unknown as HostGlobals;

/** A module of Node, where there is one. */
export function node<T>(name: string): T | null {
  return (host.process?.getBuiltinModule?.(`node:${name}`) as T | undefined) ?? null;
}

/** Cores that this process may use. */
export function cores(): number {
  const os = node<{ availableParallelism(): number }>('os');
  return os?.availableParallelism() ?? host.navigator?.hardwareConcurrency ?? 1;
}

/** Whether threads can share memory here. */
export function canShareMemory(): boolean {
  return whyNotShared() === null;
}

/** What is missing for threads to share memory here; null where they can. */
export function whyNotShared(): string | null {
  if (host.crossOriginIsolated === false && node('worker_threads') === null)
    return 'the page is not cross-origin isolated';
  if (typeof SharedArrayBuffer === 'undefined' || typeof Atomics === 'undefined') return 'no SharedArrayBuffer';
  if (node('worker_threads') !== null || (host.crossOriginIsolated === true && host.Worker !== undefined)) return null;
  return 'no workers';
}

export interface Thread {
  post(message: unknown): void;
}

/** A thread that runs `source` and keeps nothing alive; `failed` is called where it cannot, or no longer. */
export function startThread(source: string, failed: () => void): Thread {
  const threads = node<NodeThreads>('worker_threads');
  if (threads) {
    const worker = new threads.Worker(source, { eval: true, execArgv: [] });
    worker.unref();
    worker.on('error', failed);
    return { post: (message) => worker.postMessage(message) };
  }
  const url = host.URL!.createObjectURL(new host.Blob!([source], { type: 'text/javascript' }));
  const worker = new host.Worker!(url);
  worker.onerror = failed;
  return { post: (message) => worker.postMessage(message) };
}
