/** jax-js on its WebAssembly backend: each step is one jitted function. */
import { readFileSync } from 'node:fs';
import { isUnable, runnerOf, type Peer, type Results, type Task, type Workload } from '../types.js';
import { provideWorkers } from './jax-js-workers.js';
import type { JaxArray, JaxJs, JaxNamed } from './jax-js-types.js';

const library = '@jax-js/jax';

type F = (v: JaxNamed) => JaxArray;
/** State and inputs to results and the next state. */
type Step = (state: JaxNamed, inputs: JaxNamed) => { readonly results: readonly JaxArray[]; readonly state: JaxNamed };

/** @param threads whether it is given workers; Node alone has none that it could use */
export const openJaxJs = (name: string, threads: boolean) => async (): Promise<Peer> => {
  if (threads) provideWorkers();
  // Node 20 has none, and jax-js asks for it before it looks for float64.
  if (!('Float16Array' in globalThis))
    Object.defineProperty(globalThis, 'Float16Array', { value: class Float16Array {} });
  const jax = (await import(library)) as JaxJs;
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const manifest = readFileSync(new URL(`../node_modules/${library}/package.json`, import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  return { name, version, kind: 'wasm', load: async (w) => load(jax, w) };
};

function load(jax: JaxJs, workload: Workload) {
  const { jaxJs, task } = workload;
  if (isUnable(jaxJs)) return jaxJs;
  const arrays = (values: ReturnType<Workload['inputs']>): JaxNamed =>
    Object.fromEntries(
      Object.entries(values).map(([name, { shape, data }]) => [name, jax.numpy.array(data, { shape })]),
    );
  const inputs = workload.inputs();
  let state = arrays(workload.weights());
  if (task.kind === 'training' && task.optimizer === 'adam') state = withSlots(jax, state);
  const f: F = (v) => jaxJs.f(jax, v);
  const step: Step = jax.jit(stepOf(jax, task, f, Object.keys(workload.weights())));
  const run = async (): Promise<Results> => {
    const done = step(state, arrays(inputs));
    state = done.state;
    const results: (Float32Array | Float64Array)[] = [];
    for (const result of done.results) results.push(await result.data());
    return results;
  };
  const close = () => jax.tree.dispose(state);
  return runnerOf(run, close);
}

function withSlots(jax: JaxJs, weights: JaxNamed): JaxNamed {
  const state: Record<string, JaxArray> = { ...weights };
  for (const [name, { shape }] of Object.entries(weights)) {
    const size = shape.reduce((a, b) => a * b, 1);
    for (const slot of ['m', 'v']) state[`${name}_${slot}`] = jax.numpy.array(new Float32Array(size), { shape });
  }
  state['power1'] = jax.numpy.array(Float32Array.of(0.9), { shape: [] });
  state['power2'] = jax.numpy.array(Float32Array.of(0.999), { shape: [] });
  return state;
}

const pick = (v: JaxNamed, names: readonly string[]): Record<string, JaxArray> =>
  Object.fromEntries(names.map((name) => [name, v[name]!]));
const without = (v: JaxNamed, names: readonly string[]): Record<string, JaxArray> =>
  pick(
    v,
    Object.keys(v).filter((name) => !names.includes(name)),
  );

function stepOf(jax: JaxJs, task: Task, f: F, weightNames: readonly string[]): Step {
  switch (task.kind) {
    case 'values':
      return (state, inputs) => ({ results: [f({ ...jax.tree.ref(state), ...inputs })], state });
    case 'gradient':
      return (state, inputs) => {
        const v = { ...jax.tree.ref(state), ...inputs };
        const [value, gradients] = jax.valueAndGrad((of: JaxNamed, rest: JaxNamed) => f({ ...rest, ...of }))(
          pick(v, task.of),
          without(v, task.of),
        );
        return { results: [value, ...task.of.map((name) => gradients[name]!)], state };
      };
    case 'training':
      return (state, inputs) => {
        const weights = pick(state, weightNames);
        const [loss, gradients] = jax.valueAndGrad((of: JaxNamed, rest: JaxNamed) => f({ ...rest, ...of }))(
          jax.tree.ref(weights),
          inputs,
        );
        return { results: [loss], state: updated(jax, task, state, gradients) };
      };
    case 'jacobian':
      return (state, inputs) => {
        const v = { ...jax.tree.ref(state), ...inputs };
        const rest = without(v, [task.of]);
        // It takes and gives vectors only.
        const { shape } = v[task.of]!;
        const of = (x: JaxArray) => f({ ...jax.tree.ref(rest), [task.of]: x.reshape(shape) }).reshape([-1]);
        return { results: [jax.jacrev(of)(v[task.of]!.reshape([-1]))], state };
      };
    case 'hessianVectorProduct':
      return (state, inputs) => {
        const v = { ...jax.tree.ref(state), ...inputs };
        const rest = without(v, [...task.of, ...task.along]);
        const gradient = (of: JaxNamed): JaxNamed =>
          jax.grad((xs: JaxNamed) => f({ ...jax.tree.ref(rest), ...xs }))(of);
        const along: JaxNamed = Object.fromEntries(task.of.map((name, i) => [name, v[task.along[i]!]!]));
        const [, products] = jax.jvp(gradient, [pick(v, task.of)], [along]);
        return { results: task.of.map((name) => products[name]!), state };
      };
  }
}

function updated(
  jax: JaxJs,
  task: Extract<Task, { kind: 'training' }>,
  state: JaxNamed,
  gradients: JaxNamed,
): JaxNamed {
  const entries = Object.entries(gradients);
  if (task.optimizer === 'sgd')
    return Object.fromEntries(entries.map(([name, gradient]) => [name, state[name]!.sub(gradient.mul(task.rate))]));
  const { sqrt, square } = jax.numpy;
  const next: Record<string, JaxArray> = {};
  const [power1, power2] = [state['power1']!, state['power2']!];
  const rate = sqrt(power2.ref.neg().add(1)).mul(task.rate).div(power1.ref.neg().add(1));
  for (const [name, gradient] of entries) {
    const m = state[`${name}_m`]!.mul(0.9).add(gradient.ref.mul(0.1));
    const v = state[`${name}_v`]!.mul(0.999).add(square(gradient).mul(0.001));
    next[name] = state[name]!.sub(m.ref.mul(rate.ref).div(sqrt(v.ref).add(1e-8)));
    next[`${name}_m`] = m;
    next[`${name}_v`] = v;
  }
  rate.dispose();
  next['power1'] = power1.mul(0.9);
  next['power2'] = power2.mul(0.999);
  return next;
}
