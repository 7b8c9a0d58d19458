/**
 * The threads of this process that share the work of compiled plans. Chunks of a job are fixed beforehand and taken by whoever comes
 * first, so that nobody waits for a thread that sleeps or has not started; what a chunk computes does not depend on who does it.
 */
import type { Memory, Module } from '../engine.js';
import type { Share } from '../executable.js';
import { canShareMemory, startThread, type Thread } from './host.js';
import { wordCount, workerMain, words, type Hello, type ModuleMessage } from './worker.js';

/** Milliseconds that a thread looks for work before it sleeps. */
const patience = 2;

type ChunkFunction = (part: number, chunk: number, thread: number) => void;

/** A module that threads have. */
export interface Joined {
  /** Does jobs of an instance whose function for chunks this is. */
  share(chunk: ChunkFunction): Share;
  /** Threads forget the module. */
  leave(): void;
}

/** The pool, as a session sees it. */
export interface Pool {
  /** How many work on a job at most, the caller included. */
  readonly threads: number;
  /** Until `leave`, or until nobody has `owner` any more. */
  join(module: Module, memory: Memory, owner: object): Joined;
}

/** Null for one thread, and where there is no shared memory. Threads are started when the first module joins. */
export function openPool(threads: number): Pool | null {
  if (threads < 2 || !canShareMemory()) return null;
  return { threads, join: (module, memory, owner) => crew().join(module, memory, threads, owner) };
}

interface Job {
  /** Of its module. */
  readonly id: number;
  readonly part: number;
  readonly chunks: number;
  readonly threads: number;
}

let theCrew: Crew | null = null;

function crew(): Crew {
  return (theCrew ??= new Crew());
}

class Crew {
  readonly #control = new Int32Array(new SharedArrayBuffer(wordCount * 4));
  readonly #threads: Thread[] = [];
  /** Modules that threads to come must have. */
  readonly #modules = new Map<number, ModuleMessage>();
  /** Sessions that nobody has any more, closed or not. */
  readonly #abandoned = new FinalizationRegistry<number>((id) => this.#forget(id));
  #lastModule = 0;
  #lastJob = 0;

  join(module: Module, memory: Memory, threads: number, owner: object): Joined {
    while (this.#threads.length < threads - 1) this.#start();
    const id = ++this.#lastModule;
    const message = { id, module, memory };
    this.#modules.set(id, message);
    this.#post(message);
    this.#abandoned.register(owner, id, message);
    return {
      share: (chunk) => (part, chunks) => this.#do({ id, part, chunks, threads }, chunk),
      leave: () => {
        this.#abandoned.unregister(message);
        this.#forget(id);
      },
    };
  }

  #forget(id: number): void {
    if (this.#modules.delete(id)) this.#post({ id, module: null, memory: null });
  }

  #start(): void {
    const thread = startThread(`(${workerMain.toString()})()`, () => undefined);
    const hello: Hello = {
      control: this.#control,
      words,
      thread: this.#threads.push(thread),
      mail: Atomics.load(this.#control, words.mail),
      modules: [...this.#modules.values()],
      patience,
    };
    thread.post(hello);
  }

  #post(message: ModuleMessage): void {
    Atomics.add(this.#control, words.mail, 1);
    for (const thread of this.#threads) thread.post(message);
    this.#ring();
  }

  #ring(): void {
    Atomics.add(this.#control, words.bell, 1);
    if (Atomics.load(this.#control, words.sleeping) > 0) Atomics.notify(this.#control, words.bell);
  }

  #do({ id, part, chunks, threads }: Job, chunk: ChunkFunction): void {
    const control = this.#control;
    Atomics.store(control, words.module, id);
    Atomics.store(control, words.threads, threads);
    Atomics.store(control, words.part, part);
    Atomics.store(control, words.chunks, chunks);
    Atomics.store(control, words.next, 0);
    this.#lastJob = (this.#lastJob % 0x7fffffff) + 1;
    Atomics.store(control, words.job, this.#lastJob);
    this.#ring();
    try {
      for (let i = Atomics.add(control, words.next, 1); i < chunks; i = Atomics.add(control, words.next, 1))
        chunk(part, i, 0);
    } finally {
      // Whatever happens here, no thread is at work on this when the next job begins.
      Atomics.store(control, words.job, 0);
      while (Atomics.load(control, words.active) > 0);
    }
    if (Atomics.exchange(control, words.failed, 0) === 1) throw new Error('A thread failed at a part of a run.');
  }
}
