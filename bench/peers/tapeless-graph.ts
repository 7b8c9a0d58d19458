/** The graph of a workload's step, with variables for weights or with everything fed. */
import * as tl from '../../src/index.js';
import type { Named, Task, Values, Workload } from '../types.js';

export interface StepGraph {
  readonly graph: tl.Graph;
  readonly init: tl.Operation | null;
  readonly fetches: readonly tl.Tensor[];
  readonly update: tl.Operation | null;
  /** In the order in which data come. */
  readonly feeds: readonly tl.Tensor[];
  readonly data: readonly Values[];
}

const placeholders = (values: Named<Values>): Record<string, tl.Tensor> =>
  Object.fromEntries(
    Object.entries(values).map(([name, { shape, data }]) => [
      name,
      tl.placeholder(data instanceof Float64Array ? 'float64' : 'float32', shape, { name }) as tl.Tensor,
    ]),
  );

export const arrayOf = ({ shape, data }: Values): tl.NDArray =>
  data instanceof Float64Array ? new tl.NDArray('float64', shape, data) : new tl.NDArray('float32', shape, data);

function dense(gradients: readonly (tl.Tensor | tl.IndexedSlices | null)[]): tl.Tensor[] {
  return gradients.map((gradient) => {
    if (!(gradient instanceof tl.Tensor)) throw new Error('A gradient that the bench takes is not a dense tensor.');
    return gradient;
  });
}

/** As a user of tapeless writes it: weights are variables, updates an optimizer's. */
export function stepGraph(workload: Workload): StepGraph {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const inputs = placeholders(workload.inputs());
    const weights = Object.fromEntries(
      Object.entries(workload.weights()).map(([name, values]) => [
        name,
        tl.variable(tl.constant(arrayOf(values)), { name }),
      ]),
    );
    const values = Object.fromEntries(Object.entries(weights).map(([name, w]) => [name, w.value() as tl.Tensor]));
    const all = { ...inputs, ...values };
    const { fetches, update } = outputs(workload.task, all, workload.tapeless(all));
    const init = Object.keys(weights).length > 0 ? tl.globalVariablesInitializer() : null;
    return {
      graph,
      init,
      fetches,
      update,
      feeds: Object.values(inputs),
      data: Object.values(workload.inputs()),
    };
  });
}

function outputs(task: Task, v: Named<tl.Tensor>, y: tl.Tensor): Pick<StepGraph, 'fetches' | 'update'> {
  if (task.kind !== 'training') return { fetches: derived(task, v, y), update: null };
  const optimizer =
    task.optimizer === 'sgd' ? new tl.train.GradientDescentOptimizer(task.rate) : new tl.train.AdamOptimizer(task.rate);
  return { fetches: [y], update: optimizer.minimize(y) };
}

function derived(task: Exclude<Task, { kind: 'training' }>, v: Named<tl.Tensor>, y: tl.Tensor): tl.Tensor[] {
  const named = (names: readonly string[]): tl.Tensor[] => names.map((name) => v[name]!);
  switch (task.kind) {
    case 'values':
      return [y];
    case 'gradient':
      return [y, ...dense(tl.gradients(y, named(task.of)))];
    case 'jacobian':
      return dense([tl.jacobian(y, v[task.of]!)]);
    case 'hessianVectorProduct':
      return dense(tl.hessianVectorProduct(y, named(task.of), named(task.along)));
  }
}

export interface FedGraph extends StepGraph {
  /** Of each fetch, the feed that takes its place in the next step, or null. */
  readonly next: readonly (number | null)[];
}

/** Without variables: what an inference engine can run. An update gives new weights, which are fed to the next step. */
export function fedGraph(workload: Workload): FedGraph {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const { task } = workload;
    const slots = task.kind === 'training' ? slotsOf(workload.weights(), task.optimizer) : {};
    const given = { ...workload.inputs(), ...workload.weights(), ...slots };
    const v = placeholders(given);
    const y = workload.tapeless(v);
    const all = { graph, init: null, update: null, feeds: Object.values(v), data: Object.values(given) };
    if (task.kind !== 'training') {
      const fetches = derived(task, v, y);
      return { ...all, fetches, next: fetches.map(() => null) };
    }
    const updated = updates(task, Object.keys(workload.weights()), v, y);
    const names = Object.keys(v);
    return {
      ...all,
      fetches: [y, ...updated.values()],
      next: [null, ...[...updated.keys()].map((name) => names.indexOf(name))],
    };
  });
}

function slotsOf(weights: Named<Values>, optimizer: 'sgd' | 'adam'): Record<string, Values> {
  if (optimizer === 'sgd') return {};
  const slots: Record<string, Values> = {
    beta1Power: { shape: [], data: Float32Array.of(0.9) },
    beta2Power: { shape: [], data: Float32Array.of(0.999) },
  };
  for (const [name, { shape, data }] of Object.entries(weights))
    for (const slot of ['m', 'v']) slots[`${name}_${slot}`] = { shape, data: new Float32Array(data.length) };
  return slots;
}

function updates(
  task: Extract<Task, { kind: 'training' }>,
  names: readonly string[],
  v: Named<tl.Tensor>,
  y: tl.Tensor,
): Map<string, tl.Tensor> {
  const updated = new Map<string, tl.Tensor>();
  const gradients = dense(
    tl.gradients(
      y,
      names.map((name) => v[name]!),
    ),
  );
  const adam = task.optimizer === 'adam';
  const [power1, power2] = [v['beta1Power']!, v['beta2Power']!];
  const one = tl.constant(1);
  const rate = adam
    ? tl.sqrt(one.subtract(power2)).multiply(task.rate).divide(one.subtract(power1))
    : tl.constant(task.rate);
  if (adam) updated.set('beta1Power', power1.multiply(0.9)).set('beta2Power', power2.multiply(0.999));
  names.forEach((name, i) => {
    const gradient = gradients[i]!;
    if (!adam) return void updated.set(name, v[name]!.subtract(gradient.multiply(rate)));
    const m = v[`${name}_m`]!.multiply(0.9).add(gradient.multiply(0.1));
    const mean2 = v[`${name}_v`]!.multiply(0.999).add(tl.square(gradient).multiply(0.001));
    updated.set(`${name}_m`, m).set(`${name}_v`, mean2);
    updated.set(name, v[name]!.subtract(m.multiply(rate).divide(tl.sqrt(mean2).add(1e-8))));
  });
  return updated;
}
