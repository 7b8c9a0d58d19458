/** One question a line to a process, one answer a line back: how a peer in a process of its own is asked to take its turn. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Results } from './types.js';

export type Answer = Readonly<Record<string, unknown>>;

/** A process that answers. */
export class Child {
  readonly #process;
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  #failure: Error | null = null;
  #errors = '';

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
    createInterface({ input: this.#process.stdout, crlfDelay: Infinity }).on('line', (line) => {
      this.#waiting.shift()?.resolve(JSON.parse(line) as Answer);
    });
    const fail = (what: string) => {
      this.#failure = new Error(`${command} ${args.join(' ')}: ${what}\n${this.#errors}`);
      for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
    };
    this.#process.on('error', ({ message }) => fail(message));
    this.#process.on('exit', (code, signal) => fail(`ended with ${signal ?? code}`));
    this.#process.stdin.on('error', () => {});
  }

  /** @throws Error with what the process says went wrong, or where it ended */
  async ask(question: Answer): Promise<Answer> {
    if (this.#failure) throw this.#failure;
    const answer = new Promise<Answer>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#process.stdin.write(`${JSON.stringify(question)}\n`);
    const given = await answer;
    if (typeof given['error'] === 'string') throw new Error(given['error']);
    return given;
  }

  end(): void {
    this.#process.removeAllListeners('exit');
    this.#process.kill();
  }
}

const base64 = (values: ArrayLike<number>): string => Buffer.from(Float64Array.from(values).buffer).toString('base64');

function numbersOf(text: string): Float64Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Float64Array(bytes.buffer);
}

export const packResults = (steps: readonly Results[]): string[][] => steps.map((results) => results.map(base64));
export const unpackResults = (packed: unknown): Results[] =>
  (packed as string[][]).map((results) => results.map(numbersOf));
