/** Function bodies ready to run: each compiled once for every set of its outputs that somebody wants. */
import type { FunctionGraph } from '../../graph/function-graph.js';
import { effectsOf } from '../../ops/capture.js';
import type { FunctionRunner } from '../../ops/opdef.js';
import type { Executable, Plan, Request, RunLimits } from '../plan.js';

/** Makes a plan of a request and loads it. */
export type LoadBody = (request: Request) => { readonly plan: Plan; readonly executable: Executable };

interface Loaded {
  readonly executable: Executable;
  readonly needs: readonly boolean[];
}

/** Keeps what has been compiled from run to run. */
export class LoadedBodies {
  readonly #load: LoadBody;
  readonly #loaded = new Map<FunctionGraph, Map<string, Loaded>>();

  constructor(load: LoadBody) {
    this.#load = load;
  }

  close(): void {
    for (const versions of this.#loaded.values()) for (const { executable } of versions.values()) executable.close();
    this.#loaded.clear();
  }

  /** What operations call functions with in one run. */
  runner(limits: RunLimits): FunctionRunner {
    return {
      needs: (body, wanted) => this.#get(body, wanted).needs,
      run: (body, inputs, wanted) => {
        const { executable } = this.#get(body, wanted);
        // What is not needed is read by nothing.
        const results = executable.run(inputs, limits);
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
    const { plan, executable } = this.#load({ graph: body, fetches, targets: effectsOf(body), feeds });
    const read = new Set([...fetches, ...plan.operations.flatMap((op) => op.inputs)]);
    return { executable, needs: body.inputs.map((input) => read.has(input)) };
  }
}
