/** Targets by URL scheme. The local one is built in; others register themselves. */
import { InvalidArgumentError, NotFoundError } from '../../graph/errors.js';
import type { Graph } from '../../graph/graph.js';
import { interpret } from '../backends/interpret.js';
import { cores } from '../backends/wasm/threads/host.js';
import { engine } from '../backends/wasm/engine.js';
import { wasm } from '../backends/wasm/index.js';
import type { Backend, Target } from '../plan.js';
import type { ChannelSettings, SessionConfig } from './cluster-options.js';
import { LocalTarget } from './local.js';

export interface TargetOptions {
  readonly graph: Graph;
  readonly backend?: string;
  readonly threads?: number;
  readonly config?: SessionConfig;
  readonly channel?: ChannelSettings;
}

/** What becomes of URLs of one scheme. */
export interface TargetKind {
  open(url: string, options: TargetOptions): Target;
  /** Ends all sessions there, and drops their variables. */
  reset(url: string, options: ResetTarget): Promise<void>;
}

export interface ResetTarget {
  readonly containers?: readonly string[];
  readonly deviceFilters?: readonly string[];
  readonly channel?: ChannelSettings;
}

/** The compiling backend where the engine has WebAssembly. */
export const defaultBackend: string = (engine ? wasm : interpret).name;

const backends: ReadonlyMap<string, Backend> = new Map([interpret, wasm].map((backend) => [backend.name, backend]));
const schemes = new Map<string, TargetKind>();

/** Makes `scheme://…` a target. */
export function registerTarget(scheme: string, kind: TargetKind): void {
  schemes.set(scheme, kind);
}

/** @throws NotFoundError for a target or backend that does not exist; InvalidArgumentError for options that are not the target's */
export function openTarget(target: string, options: TargetOptions): Target {
  return target === 'local' ? openLocal(options) : kindOf(target).open(target, options);
}

/** @throws NotFoundError for a target that does not exist; InvalidArgumentError for a local one */
export async function resetTarget(target: string, options: ResetTarget): Promise<void> {
  if (target === 'local')
    throw new InvalidArgumentError(
      'Session.reset: local sessions share nothing; the variables of one go when it is closed.',
    );
  await kindOf(target).reset(target, options);
}

function kindOf(target: string): TargetKind {
  if (typeof target !== 'string')
    throw new InvalidArgumentError(`Session: 'target' must be a string, not ${typeof target}.`);
  const kind = schemes.get(target.split('://')[0]!);
  if (kind) return kind;
  throw new NotFoundError(
    `Session: there is no target '${target}'. There is ${['local', ...[...schemes.keys()].map((scheme) => `${scheme}://…`)].join(', ')}.`,
  );
}

function openLocal({ backend: name = defaultBackend, threads = cores(), config, channel }: TargetOptions): Target {
  if (config !== undefined || channel !== undefined)
    throw new InvalidArgumentError(
      `Session: '${config === undefined ? 'channel' : 'config'}' is for a cluster; give its target, as grpc://host:port.`,
    );
  const backend = backends.get(name);
  if (!backend)
    throw new NotFoundError(`Session: there is no backend '${name}'. There is ${[...backends.keys()].join(', ')}.`);
  if (!Number.isInteger(threads) || threads < 1)
    throw new InvalidArgumentError(`Session: 'threads' must be a whole number from 1 on, not ${String(threads)}.`);
  return new LocalTarget(backend, threads);
}
