/** A graph whose optimizers are called here and in TensorFlow: the nodes are compared one by one, then the values after each step. */
import { attrToJS } from '../../../src/graph/attr.js';
import { Graph } from '../../../src/graph/graph.js';
import type { TensorData } from '../../../src/graph/ndarray.js';
import type { Operation } from '../../../src/graph/operation.js';
import { Tensor } from '../../../src/graph/tensor.js';
import { globalVariables, trainableVariables, Variable } from '../../../src/ops/definitions/variable.js';
import { IndexedSlices } from '../../../src/ops/indexed-slices.js';
import { parseFeeds } from '../../../src/session/feeds.js';
import { Session } from '../../../src/session/session.js';
import * as train from '../../../src/training/index.js';
import { arrayDifference, decodeArray, encodeArray } from './arrays.js';
import { graphDef, Recorder } from './recorder.js';
import { attrDifference, ourLine, theirLine } from './structure.js';
import { tensorFlow, type EncodedArray, type TensorFlowAnswer, type TensorFlowNode } from './worker.js';

type Kind =
  'GradientDescentOptimizer' | 'MomentumOptimizer' | 'AdagradOptimizer' | 'RMSPropOptimizer' | 'AdamOptimizer';

/** Nodes `first` to `end` came from one call. */
interface Call {
  readonly first: number;
  readonly end: number;
}

interface Run {
  readonly steps: readonly Operation[];
  readonly feeds?: { readonly [name: string]: TensorData };
}

export class Trainer {
  readonly graph: Graph;
  readonly steps: object[] = [];
  readonly calls: Call[] = [];
  readonly #recorder: Recorder;
  #sent = 0;
  #optimizers = 0;

  constructor(graph: Graph) {
    this.graph = graph;
    this.#recorder = new Recorder(graph);
  }

  /** An optimizer here and, by the same arguments, in TensorFlow. */
  optimizer(kind: Kind, args: readonly unknown[], options: object = {}) {
    const ours = new (train[kind] as new (...all: readonly unknown[]) => train.Optimizer)(...args, options);
    const optimizer = { id: this.#optimizers++, kind, args: describe(args), options: describe(options) };
    return {
      ours,
      minimize: (loss: Tensor, given: train.MinimizeOptions = {}): Operation =>
        this.#call(optimizer, 'minimize', [loss], given, () =>
          // TensorFlow has nothing of the kind; its own nodes are asked for.
          ours.minimize(loss, { ...given, maskedNaN: 'tensorflow' }),
        ),
      applyGradients: (
        pairs: readonly train.GradientAndVariable[],
        given: train.ApplyGradientsOptions = {},
      ): Operation => this.#call(optimizer, 'applyGradients', [pairs], given, () => ours.applyGradients(pairs, given)),
    };
  }

  #call(optimizer: object, method: string, args: readonly unknown[], options: object, fn: () => Operation): Operation {
    const { graph } = this;
    const forward = graph.operations().slice(this.#sent);
    this.steps.push({ extend: graphDef(graph, forward) });
    const variables = trainableVariables();
    const trainable = variables.map(({ op }) => op.name);
    // TensorFlow's function of the same name.
    const constraints = Object.fromEntries(
      variables.flatMap(({ op, constraint }) => (constraint ? [[op.name, constraint.name]] : [])),
    );
    const scope = this.#recorder.scope();
    const [given, named] = [describe(args), describe(options)];
    this.steps.push({ optimize: { optimizer, method, args: given, options: named, trainable, constraints, scope } });
    const first = graph.version;
    const result = fn();
    this.calls.push({ first, end: graph.version });
    this.#sent = graph.version;
    return result;
  }
}

function describe(value: unknown): unknown {
  if (value instanceof Variable) return { variable: value.op.name };
  if (value instanceof Tensor) return { tensor: value.name };
  if (value instanceof IndexedSlices) {
    return { slices: [value.values.name, value.indices.name, value.denseShape?.name ?? null] };
  }
  if (Array.isArray(value)) return value.map(describe);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, describe(item)]));
}

/**
 * Builds, calls and trains on both sides. The nodes that the calls append must be TensorFlow's, in its order: names, types,
 * inputs, control inputs, attributes, colocation and devices. So must be the values of all variables after each step.
 */
export async function trainAlike(build: (trainer: Trainer) => Run): Promise<Graph> {
  const graph = new Graph();
  const trainer = new Trainer(graph);
  const { run, variables } = graph.asDefault(() => ({ run: build(trainer), variables: globalVariables() }));
  const feeds = parseFeeds(graph, run.feeds ?? {});
  const answer = (await tensorFlow().ask({
    steps: trainer.steps,
    feeds: Object.fromEntries([...feeds].map(([tensor, array]) => [tensor.name, encodeArray(array)])),
    init: [],
    fetches: [],
    run: true,
    train: {
      init: variables.map(({ initializer }) => initializer.name),
      steps: run.steps.map(({ name }) => name),
      fetches: variables.map(({ fetchable }) => fetchable.name),
    },
  })) as TensorFlowAnswer & { readonly trained: readonly (readonly EncodedArray[])[] };
  if (answer.error && answer.failed !== 'run') throw new Error(`TensorFlow: ${answer.error.message}`);
  trainer.calls.forEach((call, i) => compareNodes(graph, call, answer.calls[i]!.nodes));
  if (answer.error) throw new Error(`TensorFlow: ${answer.error.message}`);
  const session = new Session({ graph });
  for (const { initializer } of variables) session.runSync(initializer, feeds);
  run.steps.forEach((step, i) => {
    session.runSync(step, feeds);
    const values = session.runSync(
      variables.map(({ fetchable }) => fetchable),
      feeds,
    );
    values.forEach((value, k) => {
      const difference = arrayDifference(value, decodeArray(answer.trained[i]![k]!));
      if (difference) throw new Error(`step ${i}, ${variables[k]!.name}: ${difference}`);
    });
  });
  return graph;
}

function compareNodes(graph: Graph, { first, end }: Call, theirs: readonly TensorFlowNode[]): void {
  const ours = Array.from({ length: end - first }, (_, i) => graph.at(first + i));
  const at = Array.from({ length: Math.max(ours.length, theirs.length) }).findIndex(
    (_, i) => difference(ours[i], theirs[i]) !== null,
  );
  if (at < 0) return;
  const mark = (line: string, i: number) => `${i === at ? '→ ' : '  '}${line}`;
  const lines = [
    `node ${at}: ${difference(ours[at], theirs[at])}`,
    'ours:',
    ...ours.map((op, i) => mark(ourLine(op), i)),
    'TensorFlow:',
    ...theirs.map((node, i) => mark(theirLine(node), i)),
  ];
  throw new Error(lines.join('\n'));
}

function difference(op: Operation | undefined, node: TensorFlowNode | undefined): string | null {
  if (!op || !node) return op ? `'${op.name}' is ours alone` : `'${node!.name}' is TensorFlow's alone`;
  const said = (what: string, a: readonly string[], b: readonly string[]): string | null =>
    a.join() === b.join() ? null : `'${op.name}': ${what} ${a.join(', ')}; TensorFlow: ${b.join(', ')}`;
  const groups = node.attrs['_class'];
  return (
    said('name', [op.name], [node.name]) ??
    said('type', [op.type], [node.op]) ??
    said(
      'inputs',
      op.inputs.map(({ name }) => name),
      node.inputs,
    ) ??
    said('control inputs', op.controlInputs.map(({ name }) => name).sort(), [...node.controls].sort()) ??
    said('device', [op.device], [node.device]) ??
    said(
      'colocation',
      op.hasAttr('_class') ? (attrToJS(op.attrValue('_class')) as string[]) : [],
      groups && 'list' in groups ? ((groups.value ?? []) as string[]) : [],
    ) ??
    attrsDifference(op, node)
  );
}

function attrsDifference(op: Operation, node: TensorFlowNode): string | null {
  for (const name of new Set([...Object.keys(op.def.attr), ...Object.keys(node.attrs)])) {
    // TensorFlow numbers functions by a counter of the process; the branches of the zeros' shape are the only ones here.
    if (name.startsWith('_') || op.def.attr[name]?.kind === 'func') continue;
    const found = attrDifference(op.def.attr[name], node.attrs[name]);
    if (found) return `'${op.name}': attr ${name}: ${found}`;
  }
  return null;
}
