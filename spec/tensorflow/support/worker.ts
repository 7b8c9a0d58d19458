/** The long-lived Python process with TensorFlow that answers the comparisons. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface EncodedArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Base64 of little-endian storage; of strings, one base64 text each. */
  readonly data: string | readonly string[];
}

export interface TensorFlowNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly controls: readonly string[];
  readonly device: string;
  readonly attrs: { readonly [name: string]: TensorFlowAttr };
  readonly outputs: readonly (readonly [dtype: string, shape: readonly (number | null)[] | null])[];
}

/** `kind` and `list` name the field of AttrValue. */
export type TensorFlowAttr =
  { readonly kind: string; readonly value: unknown } | { readonly list: string; readonly value?: readonly unknown[] };

export type TensorFlowResult =
  | null
  | { readonly tensor: string; readonly dtype: string; readonly shape: readonly (number | null)[] | null }
  | { readonly slices: readonly [string, string, string | null] };

export interface TensorFlowAnswer {
  readonly calls: readonly {
    readonly results: readonly TensorFlowResult[];
    readonly nodes: readonly TensorFlowNode[];
  }[];
  /** Absent where something failed. Names are TensorFlow's. */
  readonly values?: { readonly [tensor: string]: EncodedArray };
  readonly fetches?: readonly string[];
  /** The static shapes of what was fetched, by our names. */
  readonly shapes?: { readonly [tensor: string]: readonly (number | null)[] | null };
  /** Forward operations that TensorFlow calls otherwise than we do. */
  readonly renamed?: { readonly [operation: string]: string };
  readonly error?: { readonly type: string; readonly message: string };
  /** The number of the step that failed, or what else did. */
  readonly failed?: number | 'run' | 'request';
}

export class TensorFlow {
  readonly #process: ChildProcess;
  readonly #waiting: { resolve: (answer: unknown) => void; reject: (error: Error) => void }[] = [];
  readonly #started: Promise<{ version: string }>;
  #errors = '';

  constructor() {
    const python = process.env.TAPELESS_PYTHON;
    if (!python) throw new Error('TAPELESS_PYTHON is not set: use `npm run test:tensorflow`.');
    const script = fileURLToPath(new URL('../worker.py', import.meta.url));
    this.#process = spawn(python, [script], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
    });
    this.#started = this.#next() as Promise<{ version: string }>;
    createInterface({ input: this.#process.stdout! }).on('line', (line) =>
      this.#waiting.shift()?.resolve(JSON.parse(line)),
    );
    this.#process.stderr!.on('data', (data: Buffer) => (this.#errors = (this.#errors + data.toString()).slice(-4000)));
    this.#process.on('close', (code) => {
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error(`The worker ended (${code}).\n${this.#errors}`));
    });
  }

  async version(): Promise<string> {
    return (await this.#started).version;
  }

  async ask(request: object): Promise<TensorFlowAnswer> {
    await this.#started;
    const answer = this.#next() as Promise<TensorFlowAnswer>;
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`);
    return answer;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#process.on('close', resolve));
    this.#process.stdin!.end();
    await closed;
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}

let shared: TensorFlow | undefined;

/** The worker of this spec file. */
export function tensorFlow(): TensorFlow {
  return (shared ??= new TensorFlow());
}

export async function closeTensorFlow(): Promise<void> {
  await shared?.close();
  shared = undefined;
}
