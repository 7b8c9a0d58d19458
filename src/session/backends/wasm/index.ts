/** The compiling backend: plans become WebAssembly, one module each, in one memory a session. */
import type { NDArray } from '../../../graph/ndarray.js';
import { common, compile } from '../../pipeline.js';
import type { PlanLog, SessionLog } from '../../debug/log.js';
import type { Backend, Executable, Loader, Plan, RunLimits, SessionState } from '../../plan.js';
import { LoadedBodies, type LoadBody } from '../bodies.js';
import type { Emitted, ModuleOptions } from './emit.js';
import { engine } from './engine.js';
import { Instance, type Share } from './executable.js';
import type { Banded } from './bands.js';
import type { Region } from './heap.js';
import { relaxedSimd } from './matmul/relaxed.js';
import { fusedProgram, toModule } from './pipeline.js';
import { Residents } from './residents.js';
import { sizeText } from './step-infos.js';
import { whyNotShared } from './threads/host.js';
import { openPool, type Pool } from './threads/pool.js';

export const wasm: Backend = {
  name: 'wasm',
  stages: common,
  open: (session) => new WasmLoader(session),
};

/** Sets of shapes that a plan is kept compiled for, where its feeds are for any. */
const shapesToKeep = 16;

class WasmLoader implements Loader {
  readonly residents: Residents;
  readonly pool: Pool | null;
  readonly #log: SessionLog | null;

  constructor({ resources, threads, log }: SessionState) {
    this.pool = openPool(threads);
    this.#log = log;
    if (!this.pool) log?.say(`one thread: ${threads < 2 ? 'threads is 1' : whyNotShared()}`);
    this.residents = new Residents(resources, this.pool !== null);
  }

  load(plan: Plan, log: PlanLog | null): Executable {
    return new Compiled(plan, this, false, log);
  }

  readonly loadBody: LoadBody = (request) => {
    const log = this.#log && this.#log.body(request);
    const plan = compile(request, wasm.stages, log?.observe);
    return { plan, executable: new Compiled(plan, this, true, log) };
  };
}

type Shapes = readonly (readonly number[] | null)[];

interface Version {
  readonly shapes: Shapes;
  /** Whether functions are part of the plan, where they can be. */
  readonly isInline: boolean;
  readonly instance: Instance;
  readonly close: () => void;
}

class Compiled implements Executable {
  readonly #plan: Plan;
  readonly #loader: WasmLoader;
  /** A body runs while what calls it does: it cannot share memory with that. */
  readonly #isBody: boolean;
  readonly #log: PlanLog | null;
  readonly #bodies: LoadedBodies;
  /** Latest last. */
  readonly #versions: Version[] = [];

  constructor(plan: Plan, loader: WasmLoader, isBody: boolean, log: PlanLog | null) {
    this.#plan = plan;
    this.#loader = loader;
    this.#isBody = isBody;
    this.#log = log;
    this.#bodies = new LoadedBodies(loader.loadBody);
  }

  run(feeds: readonly (NDArray | null)[], limits: RunLimits): readonly NDArray[] {
    const { instance } = this.#version(feeds, true);
    return (instance.isReady ? instance : this.#version(feeds, false).instance).run(feeds, limits);
  }

  close(): void {
    for (const { close } of this.#versions.splice(0)) close();
    this.#bodies.close();
  }

  #version(feeds: readonly (NDArray | null)[], isInline: boolean): Version {
    const versions = this.#versions;
    const latest = versions.at(-1);
    const isIt = (version: Version): boolean => version.isInline === isInline && fits(version.shapes, feeds);
    if (latest && isIt(latest)) return latest;
    const at = versions.findIndex(isIt);
    const shapes = feeds.map((feed) => feed && feed.shape);
    const version = at < 0 ? this.#compile(shapes, isInline) : versions.splice(at, 1)[0]!;
    versions.push(version);
    if (versions.length > shapesToKeep) versions.shift()!.close();
    return version;
  }

  #compile(shapes: Shapes, isInline: boolean): Version {
    const { residents, pool } = this.#loader;
    const { heap } = residents;
    const request = {
      ...this.#plan.request,
      feeds: this.#plan.request.feeds.map(({ tensor }, i) => ({ tensor, shape: shapes[i]! })),
    };
    const log = this.#log && this.#log.compiling(shapes);
    const fused = fusedProgram(this.#plan, request, log?.observe, isInline);
    const regions: Region[] = [];
    const take = (bytes: number): number => {
      const region = heap.take(bytes);
      regions.push(region);
      return region.address;
    };
    const options: ModuleOptions = {
      layout: {
        variable: (slot) => residents.of(slot).address,
        constant: take,
        values: (bytes) => (this.#isBody ? take(bytes) : heap.scratch(bytes)),
      },
      memory: heap.limits,
      threads: pool?.threads ?? 1,
      relaxed: relaxedSimd(),
      progress: heap.progress,
      names: log !== null,
    };
    const emitted = toModule.run(fused, options, log?.observe);
    const { instance, leave } = this.#instance(fused, emitted);
    log?.done(sizeText(this.#plan.operations.length, fused, emitted), emitted.bytes);
    const close = (): void => {
      leave();
      for (const region of regions) heap.give(region);
    };
    return { shapes, isInline, instance, close };
  }

  #instance(fused: Banded, emitted: Emitted): { instance: Instance; leave: () => void } {
    const { residents, pool } = this.#loader;
    const module = new engine!.Module(emitted.bytes);
    const joined = emitted.isShared && pool ? pool.join(module, residents.heap.memory, this.#loader) : null;
    const share = (chunk: unknown): Share => (joined ? joined.share(chunk as never) : nothingToShare);
    const instance = new Instance(fused, emitted, module, residents, this.#bodies, share);
    return { instance, leave: () => joined?.leave() };
  }
}

function fits(shapes: Shapes, feeds: readonly (NDArray | null)[]): boolean {
  return shapes.every((shape, i) => {
    const given = feeds[i]?.shape;
    if (!shape || !given) return !shape && !given;
    return shape.length === given.length && shape.every((extent, axis) => extent === given[axis]);
  });
}

function nothingToShare(): never {
  throw new Error('A plan without parts was asked for one.');
}
