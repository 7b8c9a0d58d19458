/** The local target: compiles requests, keeps the plans, and holds the session's own variables. */
import type { NDArray } from '../../graph/ndarray.js';
import type { Resources } from '../../ops/opdef.js';
import { compile } from '../pipeline.js';
import type { Backend, Executable, Loader, Request, RunLimits, Target } from '../plan.js';

const plansToKeep = 64;

interface Kept {
  readonly key: string;
  readonly executable: Executable;
  isOpen: boolean;
}

export class LocalTarget implements Target {
  readonly #backend: Backend;
  readonly #loader: Loader;
  /** Latest last. */
  readonly #plans = new Map<string, Kept>();
  /** A request that comes again and again is known without its key. */
  readonly #known = new WeakMap<Request, Kept>();
  #latest: Kept | null = null;
  readonly #resources: Resources = { variables: new Map(), counters: new Map() };

  constructor(backend: Backend, threads: number) {
    this.#backend = backend;
    this.#loader = backend.open({ resources: this.#resources, threads });
  }

  readonly runSync = (request: Request, feeds: readonly NDArray[], limits: RunLimits): readonly NDArray[] =>
    this.#executable(request).run(feeds, limits);

  async run(request: Request, feeds: readonly NDArray[], limits: RunLimits): Promise<readonly NDArray[]> {
    return this.runSync(request, feeds, limits);
  }

  async close(): Promise<void> {
    for (const kept of [...this.#plans.values()]) this.#drop(kept);
    this.#resources.variables.clear();
    this.#resources.counters.clear();
  }

  /** The compiled plan of a request: the graph only grows, so what a fetch needs never changes. */
  #executable(request: Request): Executable {
    const known = this.#known.get(request);
    if (known?.isOpen && known === this.#latest) return known.executable;
    const kept = known?.isOpen ? known : this.#find(request);
    this.#known.set(request, kept);
    this.#plans.delete(kept.key);
    this.#plans.set(kept.key, kept);
    this.#latest = kept;
    if (this.#plans.size > plansToKeep) this.#drop(this.#plans.values().next().value!);
    return kept.executable;
  }

  #find(request: Request): Kept {
    const key = keyOf(request);
    const found = this.#plans.get(key);
    if (found) return found;
    return { key, executable: this.#loader.load(compile(request, this.#backend.stages)), isOpen: true };
  }

  #drop(kept: Kept): void {
    this.#plans.delete(kept.key);
    kept.isOpen = false;
    kept.executable.close();
  }
}

function keyOf({ fetches, targets, feeds }: Request): string {
  const tensor = (t: { op: { id: number }; index: number }) => `${t.op.id}:${t.index}`;
  return [
    fetches.map(tensor).join(),
    targets.map((op) => op.id).join(),
    feeds.map((feed) => tensor(feed.tensor)).join(),
  ].join('|');
}
