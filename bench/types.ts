/** What the parts of the bench agree on: workloads, tasks, peers and their runners. */
import type * as tl from '../src/index.js';
import type { JaxArray, JaxJs } from './peers/jax-js-types.js';
import type { Tfjs, TfTensor } from './peers/tfjs-types.js';

/** A concrete tensor, row-major. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

export type Named<T> = Readonly<Record<string, T>>;

/** What a step does with the function that a workload gives; names are those of inputs and weights. */
export type Task =
  | { readonly kind: 'values' }
  | { readonly kind: 'gradient'; readonly of: readonly string[] }
  | { readonly kind: 'training'; readonly optimizer: 'sgd' | 'adam'; readonly rate: number }
  | { readonly kind: 'jacobian'; readonly of: string }
  | { readonly kind: 'hessianVectorProduct'; readonly of: readonly string[]; readonly along: readonly string[] };

/** Why a peer cannot do something. */
export interface Unable {
  readonly unable: string;
}

export function isUnable(value: unknown): value is Unable {
  return typeof value === 'object' && value !== null && 'unable' in value;
}

/**
 * One function in every library. A step starts with `inputs` in typed arrays and ends with its results in typed arrays; `weights` stay
 * with the library from step to step.
 */
export interface Workload<I extends string = string, W extends string = string> {
  /** What the command line calls it. */
  readonly id: string;
  readonly title: string;
  readonly section: string;
  readonly task: Task;
  readonly dtype: 'float32' | 'float64';
  /** Largest difference from tapeless, relative to the largest element of a result. */
  readonly tolerance: number;
  /** Floating-point operations of a step, where the table shows a rate. */
  readonly flops?: number;
  inputs(): Readonly<Record<I, Values>>;
  weights(): Readonly<Record<W, Values>>;
  tapeless(v: Readonly<Record<I | W, tl.Tensor>>): tl.Tensor;
  readonly tfjs: Unable | { f(tf: Tfjs, v: Readonly<Record<I | W, TfTensor>>): TfTensor };
  readonly jaxJs: Unable | { f(jax: JaxJs, v: Readonly<Record<I | W, JaxArray>>): JaxArray };
  /** 'export': tapeless's gradient graph as ONNX. */
  readonly onnx: Unable | 'export';
  /** Bodies of `def f(v)`, with `jax` and `np` (jax.numpy), or `torch` and `F` (torch.nn.functional). */
  readonly jax: Unable | string;
  readonly torch: Unable | string;
}

export const workload = <I extends string, W extends string>(of: Workload<I, W>): Workload => of;

/** Results of one step, flattened. */
export type Results = readonly ArrayLike<number>[];

/** A workload, loaded by a peer. */
export interface Runner {
  /** What each of the first `steps` steps gives. */
  results(steps: number): Promise<readonly Results[]>;
  /** Seconds that `steps` steps take. */
  time(steps: number): Promise<number>;
  close(): void | Promise<void>;
}

export interface Peer {
  readonly name: string;
  readonly version: string;
  /** 'wasm' and 'native' ones are called from JavaScript; 'own' is tapeless again, otherwise configured. */
  readonly kind: 'wasm' | 'native' | 'python' | 'own';
  load(workload: Workload): Promise<Runner | Unable>;
}

/** A runner of a step that is called from this process. */
export function runnerOf(step: () => Results | Promise<Results>, close: () => void | Promise<void> = () => {}): Runner {
  return {
    results: async (steps) => {
      const all: Results[] = [];
      for (let i = 0; i < steps; i++) all.push((await step()).map((values) => Float64Array.from(values)));
      return all;
    },
    time: async (steps) => {
      const start = performance.now();
      for (let i = 0; i < steps; i++) {
        const pending = step();
        if (pending instanceof Promise) await pending;
      }
      return (performance.now() - start) / 1000;
    },
    close,
  };
}
