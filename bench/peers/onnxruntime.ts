/** ONNX Runtime, in WebAssembly (onnxruntime-web) and native (onnxruntime-node): it is given tapeless's gradient graph as a model. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { onnxModel } from '../onnx/model.js';
import { isUnable, runnerOf, type Peer, type Results, type Workload } from '../types.js';
import { fedGraph } from './tapeless-graph.js';

interface OrtTensor {
  readonly data: Float32Array | Float64Array;
}

interface OrtSession {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

export interface Ort {
  readonly Tensor: new (dtype: string, data: Float32Array | Float64Array, shape: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: { readonly executionProviders: readonly string[] }): Promise<OrtSession>;
  };
  readonly env: { readonly wasm: { numThreads?: number }; logLevel?: string };
}

/** The library, ready to make sessions. */
export async function ortOf(library: string): Promise<Ort> {
  const module = (await import(library)) as Ort & { readonly default?: Ort };
  const ort = module.InferenceSession ? module : module.default!;
  ort.env.logLevel = 'error';
  if (library === 'onnxruntime-web') ort.env.wasm.numThreads = availableParallelism();
  return ort;
}

const peer = (name: string, library: string, kind: Peer['kind'], provider: string) => async (): Promise<Peer> => {
  const ort = await ortOf(library);
  const manifest = readFileSync(new URL(`../node_modules/${library}/package.json`, import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  return { name, version, kind, load: (workload: Workload) => load(ort, provider, workload) };
};

export const openOrtWeb = peer('ort-web', 'onnxruntime-web', 'wasm', 'wasm');
export const openOrtNode = peer('ort-node', 'onnxruntime-node', 'native', 'cpu');

async function load(ort: Ort, provider: string, workload: Workload) {
  if (isUnable(workload.onnx)) return workload.onnx;
  const { fetches, feeds, data, next } = fedGraph(workload);
  const model = onnxModel({ fetches, feeds });
  if (isUnable(model)) return model;
  const session = await ort.InferenceSession.create(model.bytes, { executionProviders: [provider] });
  const inputs = Object.keys(workload.inputs()).length;
  const tensor = (i: number) => new ort.Tensor(workload.dtype, data[i]!.data, data[i]!.shape);
  const state = new Map(data.flatMap((_, i) => (i < inputs ? [] : [[i, tensor(i)] as const])));
  const step = async (): Promise<Results> => {
    const given = feeds.map((_, i) => [model.inputs[i]!, i < inputs ? tensor(i) : state.get(i)!] as const);
    const outputs = await session.run(Object.fromEntries(given));
    next.forEach((feed, i) => feed !== null && state.set(feed, outputs[model.outputs[i]!]!));
    return model.outputs.flatMap((name, i) => (next[i] === null ? [outputs[name]!.data] : []));
  };
  return runnerOf(step, () => session.release());
}
