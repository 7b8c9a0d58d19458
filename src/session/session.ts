/** Sessions: run parts of a graph, and keep its variables. */
import { DeadlineExceededError, FailedPreconditionError, InvalidArgumentError } from '../graph/errors.js';
import { getDefaultGraph, Graph } from '../graph/graph.js';
import type { NDArray, TensorData } from '../graph/ndarray.js';
import { checkOptionNames } from '../graph/options.js';
import type { Tensor } from '../graph/tensor.js';
import { feedValue, parseFeeds, type Feeds } from './feeds.js';
import { parseFetches, type Fetched, type Fetches, type ParsedFetches } from './fetches.js';
import type { Request, RunLimits, Target } from './plan.js';
import { RunMetadata } from './run-metadata.js';
import { cores } from './backends/wasm/threads/host.js';
import { defaultBackend, openTarget } from './targets/registry.js';

export interface SessionOptions {
  /** The graph to run; the default graph by default. */
  readonly graph?: Graph;
  /** Where to run it: `'local'`, the default, or a URL of a registered kind. */
  readonly target?: string;
  /**
   * What runs local plans: `'wasm'`, the default, compiles each to WebAssembly; `'interpret'`, the default where there is no WebAssembly,
   * evaluates op by op, and is what results are defined by.
   */
  readonly backend?: string;
  /**
   * How many threads may share the work of a run, this one included: all cores by default, and one where memory cannot be shared
   * (a browser page without cross-origin isolation). Results are the same, bit for bit, for any number.
   */
  readonly threads?: number;
}

export interface RunOptions {
  /** After so many milliseconds the run fails with a DeadlineExceededError. */
  readonly timeoutMs?: number;
  /** Filled with what the run says about its steps: see {@link RunMetadata}. */
  readonly trace?: RunMetadata;
}

/** A prepared run: positional feeds in, results out. */
export interface Callable<F, A extends readonly unknown[]> {
  (...feeds: A): Promise<Fetched<F>>;
  /** The same at once, on local targets. */
  sync(...feeds: A): Fetched<F>;
}

/**
 * Runs a graph (TensorFlow `tf.compat.v1.Session`). A local session has variables of its own; they live until `close`.
 * What is added to the graph later can be run too.
 *
 * @example
 * const g = new Graph();
 * const y = g.asDefault(() => constant([1, 2]).multiply(3));
 * const session = new Session({ graph: g });
 * session.runSync(y).toArray(); // [3, 6]
 */
export class Session {
  readonly graph: Graph;
  readonly #target: Target;
  #closed = false;
  #lastRun: Promise<unknown> = Promise.resolve();

  /** @throws InvalidArgumentError for a bad option; NotFoundError for a target or backend that does not exist */
  constructor(options: SessionOptions = {}) {
    checkOptionNames('Session', options, ['graph', 'target', 'backend', 'threads']);
    this.graph = options.graph ?? getDefaultGraph();
    if (!(this.graph instanceof Graph)) throw new InvalidArgumentError("Session: 'graph' must be a Graph.");
    this.#target = openTarget(options.target ?? 'local', {
      graph: this.graph,
      backend: options.backend ?? defaultBackend,
      threads: threadsOf(options),
    });
  }

  /**
   * Runs what `fetches` needs, each operation once, with `feeds` in the place of any tensors. Runs of one session queue.
   * @returns the nest of `fetches`: fresh arrays for tensors, null for operations
   * @throws FailedPreconditionError for a closed session or an uninitialised variable; InvalidArgumentError, NotFoundError,
   *   DTypeError, ShapeError for fetches and feeds that do not fit, before anything runs; DeadlineExceededError
   */
  async run<const F>(fetches: F & Fetches, feeds: Feeds = {}, options: RunOptions = {}): Promise<Fetched<F>> {
    const { parsed, request, values } = this.#prepare(fetches, feeds, false);
    const limits = limitsOf(options);
    return this.#enqueue(parsed, request, values, limits) as Promise<Fetched<F>>;
  }

  /** `run`, at once. @throws InvalidArgumentError on a target that is not local */
  runSync<const F>(fetches: F & Fetches, feeds: Feeds = {}, options: RunOptions = {}): Fetched<F> {
    const { parsed, request, values } = this.#prepare(fetches, feeds, true);
    return this.#now(parsed, request, values, limitsOf(options)) as Fetched<F>;
  }

  /**
   * Prepares a run with positional feeds.
   * @example
   * const x = placeholder('float32', [null]);
   * const f = session.makeCallable(x.multiply(2), { feeds: [x] });
   * f.sync([1, 2]); // [2, 4]
   * await f([1, 2]); // the same, as a promise
   */
  makeCallable<const F>(
    fetches: F & Fetches,
    options: { readonly feeds?: readonly Tensor[] } = {},
  ): Callable<F, TensorData[]> {
    checkOptionNames('makeCallable', options, ['feeds']);
    this.#checkOpen();
    const parsed = parseFetches(this.graph, fetches);
    const tensors = options.feeds ?? [];
    parseFetches(this.graph, [...tensors]);
    if (new Set(tensors).size < tensors.length) throw new InvalidArgumentError('makeCallable: a tensor is fed twice.');
    const request = this.#request(parsed, tensors);
    const prepare = (feeds: readonly TensorData[], isBorrowed: boolean): readonly NDArray[] => {
      this.#checkOpen();
      if (feeds.length !== tensors.length) {
        throw new InvalidArgumentError(
          `The callable takes ${tensors.length} feeds (${tensors.map((t) => t.name).join(', ')}), not ${feeds.length}.`,
        );
      }
      return tensors.map((tensor, i) => feedValue(tensor, feeds[i], isBorrowed));
    };
    const callable = async (...feeds: TensorData[]) => this.#enqueue(parsed, request, prepare(feeds, false), unlimited);
    const sync = (...feeds: TensorData[]) => this.#now(parsed, request, prepare(feeds, true), unlimited);
    return Object.assign(callable, { sync }) as Callable<F, TensorData[]>;
  }

  /** Gives back all state once the runs under way are done. Closing twice is no error; running afterwards is. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#lastRun;
    await this.#target.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #prepare(fetches: unknown, feeds: Feeds, isBorrowed: boolean) {
    this.#checkOpen();
    const given = parseFeeds(this.graph, feeds, isBorrowed);
    const parsed = parseFetches(this.graph, fetches);
    return { parsed, request: this.#request(parsed, [...given.keys()]), values: [...given.values()] };
  }

  #request({ tensors, targets }: ParsedFetches, fed: readonly Tensor[]): Request {
    const feeds = fed.map((tensor) => ({ tensor, shape: null }));
    return { graph: this.graph, fetches: tensors, targets, feeds };
  }

  #enqueue(parsed: ParsedFetches, request: Request, values: readonly NDArray[], limits: RunLimits): Promise<unknown> {
    const turn = this.#lastRun.then(() => this.#target.run(request, values, limits));
    this.#lastRun = turn.catch(() => undefined);
    return turn.then((results) => parsed.assemble(results));
  }

  #now(parsed: ParsedFetches, request: Request, values: readonly NDArray[], limits: RunLimits): unknown {
    if (!this.#target.runSync) throw new InvalidArgumentError('runSync needs a local target; use run.');
    return parsed.assemble(this.#target.runSync(request, values, limits));
  }

  #checkOpen(): void {
    if (this.#closed) throw new FailedPreconditionError('The session is closed.');
    if (this.graph.version === 0)
      throw new InvalidArgumentError('The graph is empty: add operations before running it.');
  }
}

const unlimited: RunLimits = { deadline: Infinity, trace: null };

function threadsOf({ threads }: SessionOptions): number {
  if (threads === undefined) return cores();
  if (!Number.isInteger(threads) || threads < 1)
    throw new InvalidArgumentError(`Session: 'threads' must be a whole number from 1 on, not ${String(threads)}.`);
  return threads;
}

function limitsOf(options: RunOptions): RunLimits {
  checkOptionNames('run', options, ['timeoutMs', 'trace']);
  const { timeoutMs, trace = null } = options;
  if (trace !== null && !(trace instanceof RunMetadata))
    throw new InvalidArgumentError(
      "run: 'trace' must be a RunMetadata, which the run fills: { trace: new RunMetadata() }.",
    );
  if (timeoutMs === undefined) return trace ? { ...unlimited, trace } : unlimited;
  if (!(timeoutMs >= 0))
    throw new InvalidArgumentError(`run: 'timeoutMs' must be a number of milliseconds, not ${timeoutMs}.`);
  if (timeoutMs === 0) throw new DeadlineExceededError('run: the time given is 0 ms.');
  return { deadline: Date.now() + timeoutMs, trace };
}
