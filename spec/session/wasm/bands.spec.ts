/** Steps that go through their rows together: which do, and that nothing else comes of it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { Graph, Session } from '../../../src/index.js';
import { parseFetches } from '../../../src/session/fetches.js';
import { compile } from '../../../src/session/pipeline.js';
import { outputsOf } from '../../../src/session/backends/wasm/memory.js';
import { fusedProgram } from '../../../src/session/backends/wasm/pipeline.js';

const numbers = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((i + seed) * 12.9898) / 2);
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

interface Program {
  readonly fetches: readonly (tl.Tensor | tl.Operation)[];
  readonly feeds: readonly tl.Tensor[];
}

const input = (shape: readonly number[]) => tl.placeholder('float32', shape) as tl.Tensor;
const weights = (name: string, shape: readonly number[], seed: number) =>
  tl.variable(tl.constant(numbers(sizeOf(shape), seed), { shape }), { name });
const gradients = (y: tl.Tensor, xs: readonly (tl.Tensor | tl.Variable)[]) => tl.gradients(y, [...xs]) as tl.Tensor[];

const programs: Readonly<Record<string, () => Program>> = {
  'a perceptron in training': () => {
    const [x, t] = [input([96, 64]), input([96, 8])];
    const [w, b, v] = [weights('w', [64, 128], 1), weights('b', [128], 2), weights('v', [128, 8], 3)];
    const h = tl.nn.relu(tl.matmul(x, w).add(b), { name: 'h' });
    const loss = tl.reduceMean(tl.square(tl.matmul(h, v).subtract(t)));
    return { fetches: [loss, new tl.train.AdamOptimizer(0.01).minimize(loss), w.value()], feeds: [x, t] };
  },
  'convolutions and pools in training': () => {
    const x = input([16, 8, 8, 3]);
    const [f, g] = [weights('f', [3, 3, 3, 8], 1), weights('g', [3, 3, 8, 16], 2)];
    const h = tl.nn.maxPool2d(tl.nn.relu(tl.nn.conv2d(x, f, 1, 'SAME')), 2, 2, 'SAME');
    const loss = tl.reduceMean(tl.square(tl.nn.avgPool2d(tl.nn.conv2d(h, g, 1, 'SAME'), 2, 2, 'VALID')));
    return { fetches: [loss, new tl.train.GradientDescentOptimizer(0.1).minimize(loss), f.value()], feeds: [x] };
  },
  'attention, with gradients': () => {
    const x = input([8 * 16, 32]);
    const [wq, wk, wv] = [1, 2, 3].map((seed) => weights(`w${seed}`, [32, 32], seed));
    const heads = (w: tl.Variable): tl.Tensor => tl.transpose(tl.reshape(tl.matmul(x, w), [8, 16, 4, 8]), [0, 2, 1, 3]);
    const scores = tl.nn.softmax(tl.matmul(heads(wq!), heads(wk!), { transposeB: true }));
    const y = tl.square(tl.transpose(tl.matmul(scores, heads(wv!)), [0, 2, 1, 3]));
    return { fetches: [y, ...gradients(y, [x, wq!, wk!, wv!])], feeds: [x] };
  },
  'rows of ten': () => {
    const [x, w] = [input([640, 30]), input([30, 10])];
    const y = tl.tanh(tl.matmul(x, w)).multiply(2);
    const z = tl.matmul(tl.nn.softmax(y), w, { transposeB: true });
    return { fetches: [y, z], feeds: [x, w] };
  },
  'a variable made from all of its old rows': () => {
    const w = weights('w', [64, 64], 1);
    const a = input([64, 64]);
    return { fetches: [tl.group(w.assign(tl.nn.relu(tl.matmul(a, w.value())).multiply(0.1)))], feeds: [a] };
  },
  'a variable made from its old rows': () => {
    const w = weights('w', [64, 64], 1);
    const a = input([64, 64]);
    return { fetches: [tl.group(w.assign(tl.nn.relu(tl.matmul(w.value(), a)).multiply(0.1)))], feeds: [a] };
  },
  'an old content that is read when the new one is there': () => {
    const w = weights('w', [64, 64], 1);
    const a = input([64, 64]);
    const old = w.value();
    const product = tl.matmul(a, a, { name: 'p' });
    const update = tl.group(w.assign(old.subtract(product.multiply(0.01))));
    const y = tl.matmul(product, tl.tanh(old), { name: 'y' });
    return { fetches: [y, update], feeds: [a] };
  },
};

const sessions: Session[] = [];
afterAll(() => Promise.all(sessions.map((session) => session.close())));

function results(build: () => Program, options: tl.SessionOptions, count = 12): readonly Float32Array[] {
  const graph = new Graph();
  return graph.asDefault(() => {
    const { fetches, feeds } = build();
    const session = new Session({ graph, ...options });
    sessions.push(session);
    session.runSync(tl.globalVariablesInitializer());
    const data = new Map(
      feeds.map((feed, i) => [
        feed,
        new tl.NDArray('float32', feed.shape as number[], numbers(sizeOf(feed.shape as number[]), i)),
      ]),
    );
    const runs = Array.from({ length: count }).flatMap((): readonly unknown[] => session.runSync([...fetches], data));
    const held = tl.trainableVariables().map((variable) => session.runSync(variable));
    return [...runs, ...held].flatMap((array) => (array instanceof tl.NDArray ? [array.data as Float32Array] : []));
  });
}

describe.each(Object.entries(programs))('%s', (_, build) => {
  let alone: readonly Float32Array[] = [];
  beforeAll(() => {
    alone = results(build, { threads: 1 });
  });

  test('gives what the interpreter gives', () => {
    const expected = results(build, { backend: 'interpret' }, 2);
    results(build, { threads: 1 }, 2).forEach((found, i) => {
      const scale = expected[i]!.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);
      const error = found.reduce((most, x, k) => Math.max(most, Math.abs(x - expected[i]![k]!)), 0);
      expect(error / scale).toBeLessThan(2e-4);
    });
  });

  test.each([2, 3, 5])('is the same, bit for bit, with %d threads', (threads) => {
    const found = results(build, { threads });
    const bits = (array: Float32Array): string => Buffer.from(array.buffer).toString('base64');
    expect(found.map((array, i) => bits(array) === bits(alone[i]!))).toEqual(alone.map(() => true));
  });
});

/** The operations of each band. */
function bandsOf(build: () => Program): readonly (readonly string[])[] {
  const graph = new Graph();
  return graph.asDefault(() => {
    const { fetches, feeds } = build();
    const { tensors, targets } = parseFetches(graph, [...fetches]);
    const fed = feeds.map((tensor) => ({ tensor, shape: tensor.shape as readonly number[] }));
    const request = { graph, fetches: tensors, targets, feeds: fed };
    const { bands, steps } = fusedProgram(compile(request), request);
    return bands.map(({ from, to }) =>
      steps.slice(from, to).map((step) =>
        outputsOf(step)
          .map(({ op }) => op.type)
          .join('+'),
      ),
    );
  });
}

test('a product goes with its bias and activation, a gradient with the update of its variable', () => {
  expect(bandsOf(programs['a perceptron in training']!)).toEqual([
    ['MatMul', 'AddV2+Relu', 'MatMul'],
    ['MatMul', 'ReluGrad'],
    ['MatMul', 'ResourceApplyAdam+ResourceApplyAdam+ResourceApplyAdam'],
  ]);
});

test('attention of an image goes with what comes before and after it', () => {
  const [together] = bandsOf(programs['attention, with gradients']!).filter((ops) => ops.includes('BatchMatMulV2'));
  expect(together).toEqual(expect.arrayContaining(['MatMul', 'Transpose', 'BatchMatMulV2', 'Softmax']));
});

test('rows that end within vectors are not cut there', () => {
  const cut = bandsOf(() => {
    const [x, w] = [input([17, 300]), input([300, 10])];
    return { fetches: [tl.tanh(tl.matmul(x, w))], feeds: [x, w] };
  });
  expect(cut).toEqual([]);
});

test('a trace has one step for a band, and where there are more threads than rows, each step of its own', () => {
  const graph = new Graph();
  graph.asDefault(() => {
    const [x, w] = [input([8, 256]), input([256, 256])];
    const y = tl.tanh(tl.matmul(x, w));
    const kinds = [2, 9].map((threads) => {
      const session = new Session({ graph, threads });
      sessions.push(session);
      const trace = new tl.RunMetadata();
      const data = [x, w].map((feed) => {
        const shape = feed.shape as number[];
        return [feed, new tl.NDArray('float32', shape, numbers(sizeOf(shape), 1))] as const;
      });
      session.runSync(y, new Map(data), { trace });
      return trace.stepStats.map(({ kind, ops }) => `${kind} of ${ops.length}`);
    });
    expect(kinds).toEqual([['band of 2'], ['matmul of 1', 'kernel of 1']]);
  });
});

test('what needs all of a value does not go with what makes it', () => {
  expect(bandsOf(programs['a variable made from all of its old rows']!)).toEqual([]);
  expect(bandsOf(programs['a variable made from its old rows']!)).toEqual([['MatMul', 'Relu+Mul']]);
});
