/** The compiling backend: plans become WebAssembly, one module each. */
import type { NDArray } from '../../../graph/ndarray.js';
import type { Resources } from '../../../ops/opdef.js';
import type { Backend, Executable, Plan, RunLimits } from '../../plan.js';
import { common } from '../../pipeline.js';
import { LoadedBodies } from '../bodies.js';
import { emit, type Emitted } from './emit.js';
import { engine, type Module } from './engine.js';
import { Instance } from './executable.js';
import { fusedProgram } from './frontend.js';
import type { Fused } from './fuse.js';

export const wasm: Backend = {
  name: 'wasm',
  stages: common,
  load: (plan) => new Compiled(plan),
};

/** Sets of shapes that a plan is kept compiled for, where its feeds are for any. */
const shapesToKeep = 16;

interface Version {
  readonly fused: Fused;
  readonly emitted: Emitted;
  readonly module: Module;
  /** Instances that are not running. */
  readonly idle: Instance[];
}

class Compiled implements Executable {
  readonly #plan: Plan;
  readonly #versions = new Map<string, Version>();
  readonly #bodies = new LoadedBodies(wasm);

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  run(feeds: readonly NDArray[], resources: Resources, limits: RunLimits): readonly NDArray[] {
    const version = this.#version(feeds);
    const instance = version.idle.pop() ?? new Instance(version.fused, version.emitted, version.module);
    try {
      return instance.run(feeds, { resources, limits, functions: this.#bodies.runner(resources, limits) });
    } finally {
      version.idle.push(instance);
    }
  }

  #version(feeds: readonly (NDArray | null)[]): Version {
    const key = feeds.map((feed) => (feed ? feed.shape.join() : '-')).join(';');
    let version = this.#versions.get(key);
    if (!version) {
      version = this.#compile(feeds);
      if (this.#versions.size >= shapesToKeep) this.#versions.delete(this.#versions.keys().next().value!);
      this.#versions.set(key, version);
    }
    return version;
  }

  #compile(feeds: readonly (NDArray | null)[]): Version {
    const request = {
      ...this.#plan.request,
      feeds: this.#plan.request.feeds.map(({ tensor }, i) => ({ tensor, shape: feeds[i]?.shape ?? null })),
    };
    const fused = fusedProgram(this.#plan, request);
    const emitted = emit(fused);
    return { fused, emitted, module: new engine!.Module(emitted.bytes), idle: [] };
  }
}
