/** Small programs, and what each stage of the compiler makes of them. */
import * as tl from '../../../src/index.js';
import type { Observe } from '../../../src/session/chain.js';
import { parseFetches } from '../../../src/session/fetches.js';
import type { Emitted } from '../../../src/session/backends/wasm/emit.js';
import { PlainLayout } from './plain-layout.js';
import { fusedProgram, toModule } from '../../../src/session/backends/wasm/pipeline.js';
import { compile } from '../../../src/session/pipeline.js';

export const goldenFolder = new URL('goldens/', import.meta.url);

interface Program {
  readonly feeds: readonly tl.Tensor[];
  readonly fetches: readonly (tl.Tensor | tl.Operation)[];
}

const input = (name: string, shape: readonly number[], dtype: tl.DType = 'float32') =>
  tl.placeholder(dtype, shape, { name }) as tl.Tensor;

export const programs: Readonly<Record<string, () => Program>> = {
  'elementwise-gradient': () => {
    const x = input('x', [4, 6]);
    const y = tl.tanh(x.multiply(2, { name: 'twice' }), { name: 'y' });
    return { feeds: [x], fetches: [y, ...(tl.gradients(y, x) as tl.Tensor[])] };
  },
  'softmax-cross-entropy': () => {
    const [logits, labels] = [input('logits', [3, 5]), input('labels', [3, 5])];
    const loss = tl.nn.softmaxCrossEntropyWithLogits(labels, logits, { name: 'loss' });
    return {
      feeds: [logits, labels],
      fetches: [tl.nn.softmax(logits, { name: 'softmax' }), loss, ...(tl.gradients(loss, logits) as tl.Tensor[])],
    };
  },
  'dense-sgd': () => {
    const [x, t] = [input('x', [8, 3]), input('t', [8, 2])];
    const w = tl.variable(tl.zeros([3, 2]), { name: 'w' });
    const b = tl.variable(tl.zeros([2]), { name: 'b' });
    const y = tl.nn.relu(tl.matmul(x, w).add(b), { name: 'y' });
    const loss = tl.reduceMean(tl.square(y.subtract(t)), { name: 'loss' });
    const train = new tl.train.GradientDescentOptimizer(0.1).minimize(loss);
    return { feeds: [x, t], fetches: [loss, train] };
  },
  'dense-band': () => {
    const [x, w, b] = [input('x', [64, 16]), input('w', [16, 16]), input('b', [16])];
    return { feeds: [x, w, b], fetches: [tl.nn.relu(tl.matmul(x, w).add(b), { name: 'y' })] };
  },
  gather: () => {
    const [table, rows] = [input('table', [10, 4]), input('rows', [3], 'int32')];
    return { feeds: [table, rows], fetches: [tl.gather(table, rows, { name: 'y' })] };
  },
  cond: () => {
    const x = input('x', [4]);
    const y = tl.cond(
      tl.reduceSum(x).greater(0),
      () => tl.sqrt(x),
      () => x.multiply(2),
      { name: 'y' },
    );
    return { feeds: [x], fetches: [y] };
  },
};

/** Compiles a program as a session on one thread would. */
export function compiled(build: () => Program, observe: Observe): Emitted {
  const graph = new tl.Graph();
  const { feeds, fetches } = graph.asDefault(build);
  const { tensors, targets } = parseFetches(graph, [...fetches]);
  const fed = feeds.map((tensor) => ({ tensor, shape: tensor.shape as readonly number[] }));
  const request = { graph, fetches: tensors, targets, feeds: fed };
  const options = {
    layout: new PlainLayout(),
    memory: { initial: 1 },
    threads: 1,
    relaxed: false,
    progress: 0,
    names: true,
  };
  return toModule.run(fusedProgram(compile(request, undefined, observe), request, observe), options, observe);
}

/** All files of the golden folder. */
export function goldens(): readonly { readonly file: string; readonly text: string }[] {
  return Object.entries(programs).flatMap(([name, build]) => {
    const files: { file: string; text: string }[] = [];
    compiled(build, (stage, show) => {
      files.push({
        file: `${name}.${files.length + 1}-${stage.name}.${stage.extension ?? 'txt'}`,
        text: `${show()}\n`,
      });
    });
    return files;
  });
}
