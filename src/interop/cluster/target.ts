/** The cluster target: checks what it is told at once, and loads what talks to a master when the first run needs it. */
import { InvalidArgumentError, UnavailableError } from '../../graph/errors.js';
import type { Graph } from '../../graph/graph.js';
import type { NDArray } from '../../graph/ndarray.js';
import { node } from '../../session/backends/wasm/threads/host.js';
import type { PartialRuns, Request, RunLimits, Target } from '../../session/plan.js';
import type { DeviceAttributes } from '../../session/targets/cluster-options.js';
import type { ResetTarget, TargetOptions } from '../../session/targets/registry.js';
import { configOf, linkOf, type ConfigInit, type Link } from './config.js';
import type * as Master from './master-session.js';

type MasterModule = typeof Master;

/** @throws InvalidArgumentError for a bad URL, and for options that are not a cluster's */
export function openCluster(url: string, { graph, config = {}, channel = {}, ...local }: TargetOptions): Target {
  const [other] = Object.entries(local).find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined)
    throw new InvalidArgumentError(`Session: '${other}' is for local targets; a cluster is told by 'config'.`);
  return new ClusterTarget(graph, linkOf(url, channel), configOf(config), config.operationTimeoutInMs ?? 0);
}

/** @throws UnavailableError where there is no server */
export async function resetCluster(
  url: string,
  { containers = [], deviceFilters = [], channel = {} }: ResetTarget,
): Promise<void> {
  const link = linkOf(url, channel);
  const { reset } = await load(url);
  await reset(link, containers, deviceFilters);
}

/** Bundlers do not see this import: what it reaches is large, and for Node alone. */
const importLater = (specifier: string): Promise<unknown> =>
  import(/* webpackIgnore: true */ /* @vite-ignore */ specifier);

async function load(url: string): Promise<MasterModule> {
  if (node('http2') === null)
    throw new UnavailableError(
      `The target '${url}' needs HTTP/2 as Node has it: a browser cannot reach a TensorFlow server. Use the local target, or run this in Node.`,
    );
  try {
    return (await importLater('./master-session.js')) as MasterModule;
  } catch (cause) {
    throw new UnavailableError(
      `The target '${url}' could not load its client: ${(cause as Error).message} (A bundle must leave tapeless outside, as an external package.)`,
      { cause },
    );
  }
}

class ClusterTarget implements Target {
  readonly runSync = null;
  readonly partial: PartialRuns;
  readonly #graph: Graph;
  readonly #link: Link;
  readonly #config: ConfigInit;
  readonly #stepTimeoutMs: number;
  #master: Master.MasterSession | null = null;

  constructor(graph: Graph, link: Link, config: ConfigInit, stepTimeoutMs: number) {
    this.#graph = graph;
    this.#link = link;
    this.#config = config;
    this.#stepTimeoutMs = stepTimeoutMs;
    this.partial = {
      setup: async (request, limits) => (await this.#session()).setupPartialRun(request, limits),
      run: async (handle, request, feeds, limits) =>
        (await this.#session()).partialRun(handle, request, feeds, this.#within(limits)),
    };
  }

  async run(request: Request, feeds: readonly NDArray[], limits: RunLimits): Promise<readonly NDArray[]> {
    return (await this.#session()).run(request, feeds, this.#within(limits));
  }

  async listDevices(): Promise<readonly DeviceAttributes[]> {
    return (await this.#session()).listDevices();
  }

  async close(): Promise<void> {
    await this.#master?.close();
  }

  /** A master does not see to `operationTimeoutInMs` itself (TensorFlow 2.21). */
  #within(limits: RunLimits): RunLimits {
    if (limits.deadline !== Infinity || this.#stepTimeoutMs === 0) return limits;
    return { ...limits, deadline: Date.now() + this.#stepTimeoutMs };
  }

  async #session(): Promise<Master.MasterSession> {
    if (this.#master) return this.#master;
    const { MasterSession } = await load(this.#link.address.url);
    return (this.#master = new MasterSession(this.#graph, this.#link, this.#config));
  }
}
