/**
 * A 64-64-10 network on handwritten digits, for data-parallel training: each worker has a shard of the images and computes the gradients of
 * its batches, the parameters live on a parameter server.
 */
import * as tl from '../../src/index.js';
import { readTable } from '../support/tables.js';

export const workers = 2;
/** Images of one worker in one step. */
export const batchSize = 256;
const [inputs, hiddenUnits, classes] = [64, 64, 10];
const optimizer = () => new tl.train.MomentumOptimizer(0.2, 0.9);

const onServer = <T>(build: () => T): T => tl.device('/job:ps/task:0', build);
const onWorker = <T>(worker: number, build: () => T): T => tl.device(`/job:worker/task:${worker}`, build);

interface Shard {
  readonly images: Float32Array;
  readonly labels: Int32Array;
  readonly size: number;
}

/** The images that each worker has. */
export const shards: readonly Shard[] = readShards();

/** Where the batches of a step begin in each shard. */
export const startOf = (step: number): number => (step * 97) % (shards[0]!.size - batchSize);

function readShards(): Shard[] {
  const { rows } = readTable('digits.csv.gz', { header: false });
  const size = Math.floor(rows.length / workers);
  return Array.from({ length: workers }, (_, worker) => {
    const mine = rows.filter((_row, i) => i % workers === worker).slice(0, size);
    return {
      images: Float32Array.from(mine.flatMap((row) => row.slice(0, inputs).map((pixel) => pixel / 16))),
      labels: Int32Array.from(mine.map((row) => row[inputs]!)),
      size,
    };
  });
}

interface Parameters {
  readonly all: readonly tl.Variable[];
  readonly logits: (images: tl.Tensor) => tl.Tensor;
}

/** The parameters, with the same first values wherever they are made: random numbers follow from their seeds. */
function makeParameters(): Parameters {
  const dense = (from: number, to: number, name: string) =>
    tl.nameScope(name, () => {
      const limit = Math.sqrt(6 / (from + to));
      const first = () => tl.random.uniform([from, to], { minval: -limit, maxval: limit, seed: from + to });
      return [tl.variable(first, { name: 'w' }), tl.variable(tl.zeros([to]), { name: 'b' })] as const;
    });
  const [w1, b1] = dense(inputs, hiddenUnits, 'hidden');
  const [w2, b2] = dense(hiddenUnits, classes, 'output');
  const logits = (images: tl.Tensor) =>
    tl.nn.biasAdd(tl.matmul(tl.nn.relu(tl.nn.biasAdd(tl.matmul(images, w1), b1)), w2), b2);
  return { all: [w1, b1, w2, b2], logits };
}

interface Batch {
  readonly images: tl.Tensor;
  readonly labels: tl.Tensor;
}

/** A batch of a shard, which is part of the graph. */
function batchOf({ images, labels, size }: Shard, start: tl.Tensor): Batch {
  return {
    images: tl.slice(tl.constant(images, { shape: [size, inputs] }), tl.stack([start, 0]), [batchSize, inputs]),
    labels: tl.slice(tl.constant(labels, { shape: [size] }), tl.stack([start]), [batchSize]),
  };
}

const lossOf = ({ logits }: Parameters, { images, labels }: Batch): tl.Tensor =>
  tl.reduceMean(tl.nn.sparseSoftmaxCrossEntropyWithLogits(labels, logits(images)));

const startInput = (): tl.Tensor => tl.placeholder('int32', [], { name: 'start' });

/** A graph of one step: `loss` is that before the step. */
export interface Training {
  readonly graph: tl.Graph;
  readonly init: tl.Operation;
  readonly loss: tl.Tensor;
  readonly step: tl.Operation;
}

/** One graph, one batch of what all workers have: what the distributed ones must equal, but for rounding. */
export function single(): Training {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const start = startInput();
    const parameters = makeParameters();
    const parts = shards.map((shard) => batchOf(shard, start));
    const images = tl.concat(parts.map((part) => part.images), 0); // prettier-ignore
    const labels = tl.concat(parts.map((part) => part.labels), 0); // prettier-ignore
    const loss = lossOf(parameters, { images, labels });
    const step = optimizer().minimize(loss);
    return { graph, init: tl.globalVariablesInitializer(), loss, step };
  });
}

/** One graph for all: its forward parts stand on the workers, and `gradients` adds up what comes back. */
export function inGraph(options: Pick<tl.GradientOptions, 'colocateGradientsWithOps' | 'aggregationMethod'>): Training {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const start = startInput();
    const parameters = onServer(makeParameters);
    const losses = shards.map((shard, worker) => onWorker(worker, () => lossOf(parameters, batchOf(shard, start))));
    const loss = onServer(() => tl.addN(losses).multiply(1 / workers));
    const step = optimizer().minimize(loss, options);
    return { graph, init: tl.globalVariablesInitializer(), loss, step };
  });
}

/** The graph of one worker among others: parameters and sums of gradients are shared by their names and their place. */
export interface Replica {
  readonly graph: tl.Graph;
  readonly init: tl.Operation;
  readonly loss: tl.Tensor;
  /** Adds this worker's gradients to the sums. */
  readonly push: tl.Operation;
  /** Applies the sums, and begins new ones. One worker does it, when all have pushed. */
  readonly apply: tl.Operation;
}

export function betweenGraph(worker: number): Replica {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const start = startInput();
    const parameters = onServer(makeParameters);
    const loss = onWorker(worker, () => lossOf(parameters, batchOf(shards[worker]!, start)));
    const gradients = tl.gradients(loss, parameters.all, { colocateGradientsWithOps: true }) as tl.Tensor[];
    const sums = onServer(() =>
      parameters.all.map((v, i) => tl.variable(tl.zeros(v.shape as number[]), { name: `sum${i}`, trainable: false })),
    );
    const shares = gradients.map((gradient) => onWorker(worker, () => gradient.multiply(1 / workers)));
    const push = tl.group(...sums.map((sum, i) => sum.assignAdd(shares[i]!)));
    const update = optimizer().applyGradients(sums.map((sum, i) => [sum.value(), parameters.all[i]!]));
    const apply = tl.controlDependencies([update], () =>
      tl.group(...sums.map((sum) => onServer(() => sum.assign(tl.zeros(sum.shape as number[]))))),
    );
    return { graph, init: tl.globalVariablesInitializer(), loss, push, apply };
  });
}
