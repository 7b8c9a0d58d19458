/** TensorFlow.js on its WebAssembly backend. */
import { fileURLToPath } from 'node:url';
import { isUnable, runnerOf, type Named, type Peer, type Results, type Task, type Workload } from '../types.js';
import type { Tfjs, TfTensor } from './tfjs-types.js';

const core = '@tensorflow/tfjs';
const backend = '@tensorflow/tfjs-backend-wasm';

type F = (v: Named<TfTensor>) => TfTensor;

export async function openTfjs(): Promise<Peer> {
  const tf = (await import(core)) as Tfjs;
  const { setWasmPaths } = (await import(backend)) as { setWasmPaths(folder: string): void };
  setWasmPaths(fileURLToPath(new URL('../node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url)));
  if (!(await tf.setBackend('wasm'))) throw new Error('tfjs has no wasm backend here.');
  await tf.ready();
  return { name: 'tfjs', version: tf.version_core, kind: 'wasm', load: async (w) => load(tf, w) };
}

function load(tf: Tfjs, workload: Workload) {
  const { tfjs } = workload;
  if (isUnable(tfjs)) return tfjs;
  if (workload.dtype === 'float64') return { unable: 'it has no float64' };
  const weights = Object.fromEntries(
    Object.entries(workload.weights()).map(([name, { shape, data }]) => [
      name,
      tf.variable(tf.tensor(data as Float32Array, shape)),
    ]),
  );
  const inputs = Object.entries(workload.inputs());
  const f: F = (v) => tfjs.f(tf, v);
  const given = () => ({
    ...weights,
    ...Object.fromEntries(inputs.map(([name, { shape, data }]) => [name, tf.tensor(data as Float32Array, shape)])),
  });
  const run = stepOf(tf, workload.task, f);
  const step = (): Results => tf.tidy(() => run(given()).map((tensor) => tensor.dataSync()));
  return runnerOf(step, () => Object.values(weights).forEach((w) => w.dispose()));
}

function stepOf(tf: Tfjs, task: Task, f: F): (v: Named<TfTensor>) => TfTensor[] {
  const pick = (v: Named<TfTensor>, names: readonly string[]) => names.map((name) => v[name]!);
  const over =
    (v: Named<TfTensor>, names: readonly string[]) =>
    (...xs: TfTensor[]) =>
      f({ ...v, ...Object.fromEntries(names.map((name, i) => [name, xs[i]!])) });
  switch (task.kind) {
    case 'values':
      return (v) => [f(v)];
    case 'gradient':
      return (v) => {
        const { value, grads } = tf.valueAndGrads(over(v, task.of))(pick(v, task.of));
        return [value, ...grads];
      };
    case 'training': {
      const optimizer = task.optimizer === 'sgd' ? tf.train.sgd(task.rate) : tf.train.adam(task.rate, 0.9, 0.999, 1e-8);
      return (v) => [optimizer.minimize(() => f(v), true)];
    }
    case 'jacobian':
      // Rows of these functions are independent, so one backward pass over a copy of x for each row gives all of them.
      return (v) => {
        const x = v[task.of]!;
        const rows = x.shape.at(-1)!;
        return tf.valueAndGrads(over(v, [task.of]))([tf.tile(x, [rows, 1])], tf.eye(rows)).grads;
      };
    case 'hessianVectorProduct':
      return (v) => {
        const along = pick(v, task.along);
        const slope = (...xs: TfTensor[]) =>
          tf
            .grads(over(v, task.of))(xs)
            .map((gradient, i) => tf.sum(tf.mul(gradient, along[i]!)))
            .reduce((a, b) => tf.add(a, b));
        return tf.grads(slope)(pick(v, task.of));
      };
  }
}
