/** A TensorFlow cluster on this machine: processes that `cluster.py` runs, and that end with this one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** How many tasks each job has. */
export interface Jobs {
  readonly [job: string]: number;
}

interface Task {
  readonly job: string;
  readonly task: number;
  readonly pid?: number;
  readonly error?: string;
}

export class Cluster {
  readonly addresses: { readonly [job: string]: readonly string[] };
  readonly #process: ChildProcess;
  readonly #pids = new Map<string, number>();
  readonly #waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  #errors = '';

  private constructor(python: string, addresses: { readonly [job: string]: readonly string[] }) {
    this.addresses = addresses;
    const script = fileURLToPath(new URL('./cluster.py', import.meta.url));
    this.#process = spawn(python, [script, JSON.stringify(addresses)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', CUDA_VISIBLE_DEVICES: '' },
    });
    this.#process.stderr!.on('data', (data: Buffer) => (this.#errors = (this.#errors + data.toString()).slice(-4000)));
    createInterface({ input: this.#process.stdout! }).on('line', (line) => this.#told(JSON.parse(line) as Task));
    const ended = (why: string) => this.#fail(new Error(`The cluster ended (${why}).\n${this.#errors}`));
    this.#process.on('error', (error) => ended(error.message)).on('close', (code) => ended(String(code)));
  }

  /** Starts all tasks on free ports; `python` has TensorFlow. */
  static async start(python: string, jobs: Jobs): Promise<Cluster> {
    const ports = await freePorts(Object.values(jobs).reduce((sum, count) => sum + count, 0));
    const take = (count: number) => ports.splice(0, count).map((port) => `127.0.0.1:${port}`);
    const cluster = new Cluster(
      python,
      Object.fromEntries(Object.entries(jobs).map(([job, count]) => [job, take(count)])),
    );
    try {
      await Promise.all(Object.entries(jobs).flatMap(([job, count]) => Array.from({ length: count }, (_, task) => cluster.#ready(job, task)))); // prettier-ignore
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** The target of sessions whose master is that task. */
  target(job: string, task = 0): string {
    return `grpc://${this.addresses[job]![task]}`;
  }

  /** Sends a signal to the process of a task; SIGKILL ends it as a power cut does. */
  signal(job: string, task: number, signal: NodeJS.Signals): void {
    process.kill(this.#pids.get(`${job}/${task}`)!, signal);
  }

  /** Starts a task that ended again, at its address. */
  async restart(job: string, task: number): Promise<void> {
    const ready = this.#ready(job, task);
    this.#process.stdin!.write(`start ${job} ${task}\n`);
    await ready;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const closed = once(this.#process, 'close');
    this.#process.stdin!.end();
    await closed;
  }

  #ready(job: string, task: number): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.set(`${job}/${task}`, { resolve, reject }));
  }

  #told({ job, task, pid, error }: Task): void {
    const key = `${job}/${task}`;
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (pid === undefined) return waiting?.reject(new Error(`${job} ${task}: ${error}\n${this.#errors}`));
    this.#pids.set(key, pid);
    waiting?.resolve();
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** Ports that nothing listens at, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
