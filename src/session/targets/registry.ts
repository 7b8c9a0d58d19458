/** Targets by URL scheme. The local one is built in; others register themselves. */
import { InvalidArgumentError, NotFoundError } from '../../graph/errors.js';
import type { Graph } from '../../graph/graph.js';
import { interpret } from '../backends/interpret.js';
import { engine } from '../backends/wasm/engine.js';
import { wasm } from '../backends/wasm/index.js';
import type { Backend, Target } from '../plan.js';
import { LocalTarget } from './local.js';

export interface TargetOptions {
  readonly graph: Graph;
  readonly backend: string;
  readonly threads: number;
}

type TargetFactory = (url: string, options: TargetOptions) => Target;

/** The compiling backend where the engine has WebAssembly. */
export const defaultBackend: string = (engine ? wasm : interpret).name;

const backends: ReadonlyMap<string, Backend> = new Map([interpret, wasm].map((backend) => [backend.name, backend]));
const schemes = new Map<string, TargetFactory>();

/** Makes `scheme://…` a target. */
export function registerTarget(scheme: string, factory: TargetFactory): void {
  schemes.set(scheme, factory);
}

/** @throws NotFoundError for a target or backend that does not exist */
export function openTarget(target: string, options: TargetOptions): Target {
  if (typeof target !== 'string')
    throw new InvalidArgumentError(`Session: 'target' must be a string, not ${typeof target}.`);
  if (target === 'local') {
    const backend = backends.get(options.backend);
    if (!backend)
      throw new NotFoundError(
        `Session: there is no backend '${options.backend}'. There is ${[...backends.keys()].join(', ')}.`,
      );
    return new LocalTarget(backend, options.threads);
  }
  const factory = schemes.get(target.split('://')[0]!);
  if (!factory)
    throw new NotFoundError(
      `Session: there is no target '${target}'. There is ${['local', ...schemes.keys()].join(', ')}.`,
    );
  return factory(target, options);
}
