/** The local target: compiles requests, keeps the plans, and holds the session's own variables. */
import type { NDArray } from '../../graph/ndarray.js';
import type { Resources } from '../../ops/opdef.js';
import { compile } from '../pipeline.js';
import type { Backend, Executable, Request, RunLimits, Target } from '../plan.js';

const plansToKeep = 64;

export class LocalTarget implements Target {
  readonly #backend: Backend;
  readonly #plans = new Map<string, Executable>();
  readonly #resources: Resources = { variables: new Map(), counters: new Map() };

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  readonly runSync = (request: Request, feeds: readonly NDArray[], limits: RunLimits): readonly NDArray[] =>
    this.#executable(request).run(feeds, this.#resources, limits);

  async run(request: Request, feeds: readonly NDArray[], limits: RunLimits): Promise<readonly NDArray[]> {
    return this.runSync(request, feeds, limits);
  }

  async close(): Promise<void> {
    this.#plans.clear();
    this.#resources.variables.clear();
    this.#resources.counters.clear();
  }

  /** The compiled plan of a request: the graph only grows, so what a fetch needs never changes. */
  #executable(request: Request): Executable {
    const key = keyOf(request);
    const found = this.#plans.get(key);
    const executable = found ?? this.#backend.load(compile(request, this.#backend.stages));
    if (found) this.#plans.delete(key);
    this.#plans.set(key, executable);
    if (this.#plans.size > plansToKeep) this.#plans.delete(this.#plans.keys().next().value!);
    return executable;
  }
}

function keyOf({ fetches, targets, feeds }: Request): string {
  const tensor = (t: { op: { id: number }; index: number }) => `${t.op.id}:${t.index}`;
  return [
    fetches.map(tensor).join(),
    targets.map((op) => op.id).join(),
    feeds.map((feed) => `${tensor(feed.tensor)}[${feed.shape?.join()}]`).join(),
  ].join('|');
}
