/** What a thread of the pool does. Its function is sent as text: it refers to nothing outside. */

/** Words of the memory that all threads of the pool share. */
export interface Words {
  /** Rises with every job and message; who sleeps, sleeps until it does. */
  readonly bell: number;
  /** Messages sent to each thread so far. */
  readonly mail: number;
  /** The number of the job that is there to be done; 0 for none. */
  readonly job: number;
  /** The module it is in, its number there, its chunks, and the first one nobody has taken. */
  readonly module: number;
  readonly part: number;
  readonly chunks: number;
  /** How many threads may work on it. */
  readonly threads: number;
  readonly next: number;
  /** Threads that may be at work on a job. */
  readonly active: number;
  readonly sleeping: number;
  /** Set where a chunk failed. */
  readonly failed: number;
}

export const words: Words = {
  bell: 0,
  mail: 16,
  job: 32,
  module: 33,
  part: 34,
  chunks: 35,
  threads: 36,
  next: 48,
  active: 64,
  sleeping: 80,
  failed: 81,
};

export const wordCount = 96;

/** The first message to a thread. */
export interface Hello {
  readonly control: Int32Array;
  readonly words: Words;
  /** Its number among those of the pool; who shares work with them has 0. */
  readonly thread: number;
  /** Messages that others had got before, and the modules that came of them. */
  readonly mail: number;
  readonly modules: readonly ModuleMessage[];
  /** Milliseconds without work after which it sleeps. */
  readonly patience: number;
}

/** Later ones: a module to be ready for, or, without one, a number that is no longer used. */
export interface ModuleMessage {
  readonly id: number;
  readonly module: object | null;
  readonly memory: object | null;
}

type ChunkFunction = (part: number, chunk: number, thread: number) => void;

interface WorkerScope {
  onmessage: ((event: { data: unknown }) => void) | null;
  readonly process?: { getBuiltinModule(name: string): { parentPort: WorkerPort } };
  readonly WebAssembly: {
    Instance: new (module: object, imports: object) => { exports: { chunk: ChunkFunction } };
  };
}

interface WorkerPort {
  on(event: 'message', listener: (data: unknown) => void): void;
}

export function workerMain(): void {
  const scope = globalThis as unknown as WorkerScope;
  const modules = new Map<number, ChunkFunction>();
  let hello: Hello | null = null;
  let received = 0;
  let lastJob = 0;
  const unused = (): never => {
    throw new Error('A chunk called what only a whole run may call.');
  };

  const load = ({ id, module, memory }: ModuleMessage): void => {
    if (!module) return void modules.delete(id);
    const env = { memory, host: unused, poll: unused, place: unused, fail: unused, divide: unused, share: unused };
    modules.set(id, new scope.WebAssembly.Instance(module, { env }).exports.chunk);
  };

  const takeChunks = ({ control, words: at, thread }: Hello): void => {
    const chunk = modules.get(Atomics.load(control, at.module));
    if (!chunk || thread >= Atomics.load(control, at.threads)) return;
    const part = Atomics.load(control, at.part);
    const chunks = Atomics.load(control, at.chunks);
    try {
      for (let i = Atomics.add(control, at.next, 1); i < chunks; i = Atomics.add(control, at.next, 1))
        chunk(part, i, thread);
    } catch {
      Atomics.store(control, at.failed, 1);
    }
  };

  /** Waits for jobs and does them, until there is a message. */
  const serve = (): void => {
    const { control, words: at, patience } = hello!;
    let idleSince = performance.now();
    for (let spins = 0; ; spins++) {
      const job = Atomics.load(control, at.job);
      if (job !== 0 && job !== lastJob) {
        lastJob = job;
        Atomics.add(control, at.active, 1);
        // It may be over by now; once this thread counts as active, it cannot become another.
        if (Atomics.load(control, at.job) === job) takeChunks(hello!);
        Atomics.sub(control, at.active, 1);
        spins = 0;
        idleSince = performance.now();
      }
      if ((spins & 255) !== 255) continue;
      if (Atomics.load(control, at.mail) !== received) return;
      if (performance.now() - idleSince < patience) continue;
      const bell = Atomics.load(control, at.bell);
      if (Atomics.load(control, at.mail) !== received || Atomics.load(control, at.job) !== 0) continue;
      Atomics.add(control, at.sleeping, 1);
      Atomics.wait(control, at.bell, bell);
      Atomics.sub(control, at.sleeping, 1);
      idleSince = performance.now();
    }
  };

  const receive = (data: unknown): void => {
    if (!hello) {
      hello = data as Hello;
      received = hello.mail;
      hello.modules.forEach(load);
    } else {
      received++;
      load(data as ModuleMessage);
    }
    // Messages that are there already come first.
    if (Atomics.load(hello.control, hello.words.mail) === received) serve();
  };

  const threads = scope.process?.getBuiltinModule('node:worker_threads');
  if (threads) threads.parentPort.on('message', receive);
  else scope.onmessage = (event) => receive(event.data);
}
