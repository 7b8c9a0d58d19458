/** The local target: compiles requests, keeps the plans, and holds the session's own variables. */
import { InvalidArgumentError } from '../../graph/errors.js';
import type { NDArray } from '../../graph/ndarray.js';
import type { Resources } from '../../ops/opdef.js';
import { SessionLog, type PlanLog } from '../debug/log.js';
import { compile } from '../pipeline.js';
import type { Backend, Executable, Loader, Request, RunLimits, Target } from '../plan.js';
import { RunMetadata } from '../run-metadata.js';
import type { DeviceAttributes } from './cluster-options.js';

const plansToKeep = 64;

/** All there is here, whatever devices nodes name. */
const thisDevice: DeviceAttributes = Object.freeze({
  name: '/job:localhost/replica:0/task:0/device:CPU:0',
  deviceType: 'CPU',
  memoryLimit: 2 ** 32,
  incarnation: 1n,
  physicalDeviceDesc: '',
});

interface Kept {
  readonly key: string;
  readonly executable: Executable;
  readonly log: PlanLog | null;
  isOpen: boolean;
}

export class LocalTarget implements Target {
  readonly #backend: Backend;
  readonly #loader: Loader;
  readonly #log = SessionLog.open();
  /** Latest last. */
  readonly #plans = new Map<string, Kept>();
  /** A request that comes again and again is known without its key. */
  readonly #known = new WeakMap<Request, Kept>();
  #latest: Kept | null = null;
  readonly runSync: NonNullable<Target['runSync']>;
  readonly partial = null;
  readonly #resources: Resources = { variables: new Map(), counters: new Map() };

  constructor(backend: Backend, threads: number) {
    this.#backend = backend;
    this.#loader = backend.open({ resources: this.#resources, threads, log: this.#log });
    this.runSync = this.#log?.times ? this.#timed : this.#run;
  }

  readonly #run = (request: Request, feeds: readonly NDArray[], limits: RunLimits): readonly NDArray[] =>
    this.#plan(request, limits).executable.run(feeds, limits);

  readonly #timed = (request: Request, feeds: readonly NDArray[], limits: RunLimits): readonly NDArray[] => {
    const { executable, log } = this.#plan(request, limits);
    const trace = limits.trace ?? new RunMetadata();
    try {
      return executable.run(feeds, { ...limits, trace });
    } finally {
      log?.ran(trace);
    }
  };

  async run(request: Request, feeds: readonly NDArray[], limits: RunLimits): Promise<readonly NDArray[]> {
    return this.runSync(request, feeds, limits);
  }

  async listDevices(): Promise<readonly DeviceAttributes[]> {
    return [thisDevice];
  }

  async close(): Promise<void> {
    for (const kept of [...this.#plans.values()]) this.#drop(kept);
    this.#resources.variables.clear();
    this.#resources.counters.clear();
  }

  /** The compiled plan of a request: the graph only grows, so what a fetch needs never changes. */
  #plan(request: Request, { partitionGraphs }: RunLimits): Kept {
    if (partitionGraphs)
      throw new InvalidArgumentError("run: 'outputPartitionGraphs' is for clusters: a local run has one graph.");
    const known = this.#known.get(request);
    if (known?.isOpen && known === this.#latest) return known;
    const kept = known?.isOpen ? known : this.#find(request);
    this.#known.set(request, kept);
    this.#plans.delete(kept.key);
    this.#plans.set(kept.key, kept);
    this.#latest = kept;
    if (this.#plans.size > plansToKeep) this.#drop(this.#plans.values().next().value!);
    return kept;
  }

  #find(request: Request): Kept {
    const [asked, fed] = keysOf(request);
    const key = `${asked}|${fed}`;
    const found = this.#plans.get(key);
    if (found) return found;
    const log = this.#log && this.#log.plan(request, asked, fed);
    const plan = compile(request, this.#backend.stages, log?.observe);
    return { key, log, executable: this.#loader.load(plan, log), isOpen: true };
  }

  #drop(kept: Kept): void {
    this.#plans.delete(kept.key);
    kept.isOpen = false;
    kept.executable.close();
  }
}

/** What is asked for, and what is given. */
function keysOf({ fetches, targets, feeds }: Request): readonly [string, string] {
  const tensor = (t: { op: { id: number }; index: number }) => `${t.op.id}:${t.index}`;
  return [
    `${fetches.map(tensor).join()}|${targets.map((op) => op.id).join()}`,
    feeds.map((feed) => tensor(feed.tensor)).join(),
  ];
}
