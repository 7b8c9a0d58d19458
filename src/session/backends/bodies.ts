/** Function bodies ready to run: each compiled once for every set of its outputs that somebody wants. */
import type { FunctionGraph } from '../../graph/function-graph.js';
import type { NDArray } from '../../graph/ndarray.js';
import { effectsOf } from '../../ops/capture.js';
import type { FunctionRunner, Resources } from '../../ops/opdef.js';
import { compile } from '../pipeline.js';
import type { Backend, Executable, RunLimits } from '../plan.js';

interface Loaded {
  readonly executable: Executable;
  readonly needs: readonly boolean[];
}

/** Keeps what has been compiled from run to run. */
export class LoadedBodies {
  readonly #backend: Backend;
  readonly #loaded = new Map<FunctionGraph, Map<string, Loaded>>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** What operations call functions with in one run. */
  runner(resources: Resources, limits: RunLimits): FunctionRunner {
    return {
      needs: (body, wanted) => this.#get(body, wanted).needs,
      run: (body, inputs, wanted) => {
        const { executable } = this.#get(body, wanted);
        // What is not needed is read by nothing.
        const results = executable.run(inputs as readonly NDArray[], resources, limits);
        let next = 0;
        return body.outputs.map((_, i) => (wanted[i] ? results[next++]! : null));
      },
    };
  }

  #get(body: FunctionGraph, wanted: readonly boolean[]): Loaded {
    let versions = this.#loaded.get(body);
    if (!versions) this.#loaded.set(body, (versions = new Map<string, Loaded>()));
    const key = wanted.map((want) => (want ? '1' : '0')).join('');
    let loaded = versions.get(key);
    if (!loaded) versions.set(key, (loaded = this.#compile(body, wanted)));
    return loaded;
  }

  #compile(body: FunctionGraph, wanted: readonly boolean[]): Loaded {
    const fetches = body.outputs.filter((_, i) => wanted[i]);
    const feeds = body.inputs.map((tensor) => ({ tensor, shape: null }));
    const plan = compile({ graph: body, fetches, targets: effectsOf(body), feeds }, this.#backend.stages);
    const read = new Set([...fetches, ...plan.operations.flatMap((op) => op.inputs)]);
    return { executable: this.#backend.load(plan), needs: body.inputs.map((input) => read.has(input)) };
  }
}
