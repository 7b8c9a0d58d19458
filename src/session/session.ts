/** Sessions: run parts of a graph, and keep its variables. */
import { DeadlineExceededError, FailedPreconditionError, InvalidArgumentError } from '../graph/errors.js';
import { getDefaultGraph, Graph } from '../graph/graph.js';
import type { NDArray, TensorData } from '../graph/ndarray.js';
import { checkBoolean, checkOptionNames } from '../graph/options.js';
import type { Tensor } from '../graph/tensor.js';
import { feedValue, parseFeeds, type Feeds } from './feeds.js';
import { parseFetches, type Fetched, type Fetches, type ParsedFetches } from './fetches.js';
import type { PartialRuns, Request, RunLimits, Target } from './plan.js';
import { RunMetadata } from './run-metadata.js';
import type { ChannelSettings, DeviceAttributes, SessionConfig } from './targets/cluster-options.js';
import { openTarget, resetTarget } from './targets/registry.js';

export interface SessionOptions {
  /** The graph to run; the default graph by default. */
  readonly graph?: Graph;
  /**
   * Where to run it: `'local'`, the default, or `'grpc://host:port'` (`'grpcs://…'` over TLS), a server of a TensorFlow cluster, which
   * becomes the master of the session.
   */
  readonly target?: string;
  /**
   * On local targets, what runs plans: `'wasm'`, the default, compiles each to WebAssembly; `'interpret'`, the default where there is no WebAssembly,
   * evaluates op by op, and is what results are defined by.
   */
  readonly backend?: string;
  /**
   * On local targets, how many threads may share the work of a run, this one included: all cores by default, and one where memory cannot be shared
   * (a browser page without cross-origin isolation). Results are the same, bit for bit, for any number.
   */
  readonly threads?: number;
  /** What the master of a cluster is told (TensorFlow `ConfigProto`). */
  readonly config?: SessionConfig;
  /** How the master of a cluster is reached. */
  readonly channel?: ChannelSettings;
}

/** What `Session.reset` takes. */
export interface ResetOptions {
  /** The containers whose variables are dropped; the default one of each task by default. */
  readonly containers?: readonly string[];
  /** The tasks that this is for, such as `'/job:ps'`; all by default. */
  readonly deviceFilters?: readonly string[];
  readonly channel?: ChannelSettings;
}

export interface RunOptions {
  /** After so many milliseconds the run fails with a DeadlineExceededError. */
  readonly timeoutMs?: number;
  /** Filled with what the run says about its steps: see {@link RunMetadata}. */
  readonly trace?: RunMetadata;
  /** Whether `trace` gets the graphs that the tasks of a cluster ran, too. */
  readonly outputPartitionGraphs?: boolean;
}

/** What `Session.partialRun` takes. */
export type PartialRunOptions = Pick<RunOptions, 'timeoutMs'>;

/** A prepared run: positional feeds in, results out. */
export interface Callable<F, A extends readonly unknown[]> {
  (...feeds: A): Promise<Fetched<F>>;
  /** The same at once, on local targets. */
  sync(...feeds: A): Fetched<F>;
}

/**
 * Runs a graph (TensorFlow `tf.compat.v1.Session`). A local session has variables of its own; they live until `close`. Those of a cluster
 * live in its servers, and all its sessions share them. What is added to the graph later can be run too.
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
    checkOptionNames('Session', options, ['graph', 'target', 'backend', 'threads', 'config', 'channel']);
    const { target = 'local', graph = getDefaultGraph(), ...others } = options;
    this.graph = graph;
    if (!(graph instanceof Graph)) throw new InvalidArgumentError("Session: 'graph' must be a Graph.");
    this.#target = openTarget(target, { graph, ...others });
  }

  /**
   * Ends all sessions of a cluster's master, and drops the variables of its tasks (TensorFlow `Session.reset`).
   * @throws UnavailableError where there is no server; InvalidArgumentError for a local target, which keeps nothing between sessions
   */
  static async reset(target: string, options: ResetOptions = {}): Promise<void> {
    checkOptionNames('Session.reset', options, ['containers', 'deviceFilters', 'channel']);
    await resetTarget(target, options);
  }

  /**
   * Runs what `fetches` needs, each operation once, with `feeds` in the place of any tensors. Runs of one session queue.
   * @returns the nest of `fetches`: fresh arrays for tensors, null for operations
   * @throws FailedPreconditionError for a closed session or an uninitialised variable; InvalidArgumentError, NotFoundError,
   *   DTypeError, ShapeError for fetches and feeds that do not fit, before anything runs; DeadlineExceededError; on a cluster,
   *   UnavailableError where a server is gone, AbortedError where it lost the session
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
    const request = { ...this.#request(parsed, tensors), isRepeated: true };
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

  /**
   * Declares a run that is made in parts (TensorFlow `partial_run_setup`): all that will be fetched and fed, on a cluster.
   * @returns what names the run to `partialRun`; it ends when everything was fetched
   * @throws InvalidArgumentError on a local target, and for fetches and feeds that do not fit
   */
  async partialRunSetup(fetches: Fetches, feeds: readonly Tensor[] = []): Promise<string> {
    const partial = this.#partial('partialRunSetup');
    const parsed = parseFetches(this.graph, fetches);
    parseFetches(this.graph, [...feeds]);
    const request = this.#request(parsed, feeds);
    return this.#inTurn(() => partial.setup(request, unlimited));
  }

  /**
   * Goes on with a run until `fetches` are there, with more of the feeds it was declared with (TensorFlow `partial_run`).
   * @throws InvalidArgumentError for what was not declared, is not computable from what was fed so far, or was had before
   */
  async partialRun<const F>(
    handle: string,
    fetches: F & Fetches,
    feeds: Feeds = {},
    options: PartialRunOptions = {},
  ): Promise<Fetched<F>> {
    const partial = this.#partial('partialRun');
    checkOptionNames('partialRun', options, ['timeoutMs']);
    if (typeof handle !== 'string')
      throw new InvalidArgumentError('partialRun: the handle is what partialRunSetup gave.');
    const { parsed, request, values } = this.#prepare(fetches, feeds, false);
    const limits = limitsOf(options);
    const results = await this.#inTurn(() => partial.run(handle, request, values, limits));
    return parsed.assemble(results) as Fetched<F>;
  }

  /**
   * The devices of the target (TensorFlow `Session.list_devices`): of a cluster, those of all its tasks.
   * @throws FailedPreconditionError for a closed session; UnavailableError where there is no server
   * @example
   * (await session.listDevices())[0].deviceType; // 'CPU'
   */
  async listDevices(): Promise<readonly DeviceAttributes[]> {
    this.#checkNotClosed();
    return this.#inTurn(() => this.#target.listDevices());
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
    return this.#inTurn(() => this.#target.run(request, values, limits)).then((results) => parsed.assemble(results));
  }

  /** Once all that was asked for before is done. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#lastRun.then(act);
    this.#lastRun = turn.catch(() => undefined);
    return turn;
  }

  #partial(what: string): PartialRuns {
    this.#checkOpen();
    if (this.#target.partial) return this.#target.partial;
    throw new InvalidArgumentError(
      `${what} needs a cluster: a local run is made in one piece. Use run, or two runs and a variable.`,
    );
  }

  #now(parsed: ParsedFetches, request: Request, values: readonly NDArray[], limits: RunLimits): unknown {
    if (!this.#target.runSync) throw new InvalidArgumentError('runSync needs a local target; use run.');
    return parsed.assemble(this.#target.runSync(request, values, limits));
  }

  #checkNotClosed(): void {
    if (this.#closed) throw new FailedPreconditionError('The session is closed.');
  }

  #checkOpen(): void {
    this.#checkNotClosed();
    if (this.graph.version === 0)
      throw new InvalidArgumentError('The graph is empty: add operations before running it.');
  }
}

const unlimited: RunLimits = { deadline: Infinity, trace: null };

function limitsOf(options: RunOptions): RunLimits {
  checkOptionNames('run', options, ['timeoutMs', 'trace', 'outputPartitionGraphs']);
  const { timeoutMs, trace = null, outputPartitionGraphs: partitionGraphs = false } = options;
  if (trace !== null && !(trace instanceof RunMetadata))
    throw new InvalidArgumentError(
      "run: 'trace' must be a RunMetadata, which the run fills: { trace: new RunMetadata() }.",
    );
  checkBoolean('run', 'outputPartitionGraphs', partitionGraphs);
  if (partitionGraphs && !trace)
    throw new InvalidArgumentError("run: 'outputPartitionGraphs' needs a 'trace', which gets the graphs.");
  if (timeoutMs === undefined) return trace ? { ...unlimited, trace, partitionGraphs } : unlimited;
  if (!(timeoutMs >= 0))
    throw new InvalidArgumentError(`run: 'timeoutMs' must be a number of milliseconds, not ${timeoutMs}.`);
  if (timeoutMs === 0) throw new DeadlineExceededError('run: the time given is 0 ms.');
  return { deadline: Date.now() + timeoutMs, trace, partitionGraphs };
}
