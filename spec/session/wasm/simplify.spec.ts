/** What simplification makes of lowered plans, as text, and that results keep their bits. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { lower, type Lowered } from '../../../src/session/backends/wasm/lower.js';
import { simplify } from '../../../src/session/backends/wasm/simplify.js';
import { showLowered } from '../../../src/session/backends/wasm/show-stages.js';
import { parseFetches } from '../../../src/session/fetches.js';
import { compile } from '../../../src/session/pipeline.js';

const x = (shape: readonly number[] = [2, 3], name = 'x', dtype: tl.DType = 'float32') =>
  tl.placeholder(dtype, shape as never, { name }) as tl.Tensor;

function lowered(fetches: readonly tl.Tensor[]): Lowered {
  const { graph } = fetches[0]!;
  const feeds = graph
    .operations()
    .filter(({ type }) => type === 'Placeholder')
    .map(({ outputs }) => ({ tensor: outputs[0]!, shape: outputs[0]!.shape as readonly number[] }));
  const { tensors, targets } = parseFetches(graph, [...fetches]);
  return lower(compile({ graph, fetches: tensors, targets, feeds }));
}

const programs: readonly {
  readonly name: string;
  readonly build: () => readonly tl.Tensor[];
  readonly text: readonly string[];
}[] = [
  {
    name: 'what is computed twice is computed once, reductions too',
    build: () => {
      const a = x();
      const half = (name: string) =>
        tl.reduceSum(tl.tanh(a.multiply(0.5, { name: `${name}_half` }), { name: `${name}_tanh` }), { axis: 1, name });
      return [half('one').add(half('two'), { name: 'y' })];
    },
    text: [
      'one_half:0 float32[2, 3] = mul(x:0, {one_half/y:0})',
      'one_tanh:0 float32[2, 3] = tanh(one_half:0)',
      'one:0 float32[2] = add over j of one_tanh:0[i, j]',
      'y:0 float32[2] = add(one:0, one:0)',
      'fetch y:0',
    ],
  },
  {
    name: 'products too',
    build: () => {
      const [a, b] = [x(), x([3, 2], 'w')];
      return [tl.matmul(a, b, { name: 'p' }).multiply(tl.matmul(a, b, { name: 'q' }), { name: 'y' })];
    },
    text: ['p:0 float32[2, 2] = matmul(x:0, w:0)', 'y:0 float32[2, 2] = mul(p:0, p:0)', 'fetch y:0'],
  },
  {
    name: 'not for random numbers, nor for what has control inputs',
    build: () => {
      const a = x();
      const [r, s] = [
        tl.random.uniform([2, 3], { seed: 1, name: 'r' }),
        tl.random.uniform([2, 3], { seed: 1, name: 's' }),
      ];
      const first = tl.tanh(a, { name: 'first' });
      const again = tl.controlDependencies([first.op], () => tl.tanh(a, { name: 'again' }));
      return [r.add(s, { name: 'sum' }), first.add(again, { name: 'y' })];
    },
    text: [
      'r/RandomUniform:0 float32[2, 3] = host RandomUniform({r/shape:0})',
      's/RandomUniform:0 float32[2, 3] = host RandomUniform({s/shape:0})',
      'first:0 float32[2, 3] = tanh(x:0)',
      'again:0 float32[2, 3] = tanh(x:0)',
      'sum:0 float32[2, 3] = add(r/RandomUniform:0, s/RandomUniform:0)',
      'y:0 float32[2, 3] = add(first:0, again:0)',
      'fetch sum:0, y:0',
    ],
  },
  {
    name: 'nor across a barrier',
    build: () => {
      const a = x();
      const first = tl.tanh(a, { name: 'first' });
      const held = tl.controlDependencies([first.op], () => tl.identity(a, { name: 'held' }));
      return [first.add(tl.tanh(held, { name: 'again' }), { name: 'y' })];
    },
    text: [
      'first:0 float32[2, 3] = tanh(x:0)',
      'held:0 = x:0, from here on',
      'again:0 float32[2, 3] = tanh(x:0)',
      'y:0 float32[2, 3] = add(first:0, again:0)',
      'fetch y:0',
    ],
  },
  {
    name: 'what may fail fails by itself',
    build: () => {
      const i = x([2], 'i', 'int32');
      return [tl.gather([1, 2, 3], i, { name: 'one' }).add(tl.gather([1, 2, 3], i, { name: 'two' }), { name: 'y' })];
    },
    text: [
      'one:0 float32[2] = {one/params:0}[i:0 below 3]',
      'two:0 float32[2] = {two/params:0}[i:0 below 3]',
      'y:0 float32[2] = add(one:0, two:0)',
      'fetch y:0',
    ],
  },
  {
    name: 'products read matrices transposed, through other shapes of them',
    build: () => {
      const [a, b] = [x([2, 3, 4], 'a'), x([6, 5, 4], 'b')];
      const turned = tl.reshape(tl.transpose(a, [0, 2, 1]), [2, 1, 4, 3]);
      const five = tl.reshape(b, [2, 3, 5, 4]);
      return [
        tl.matmul(tl.transpose(five, [0, 1, 3, 2]), five, { name: 'p' }),
        tl.matmul(turned, turned, { transposeA: true, name: 'q' }),
      ];
    },
    text: [
      'p:0 float32[2, 3, 4, 4] = matmul(b:0 as [2, 3, 5, 4]ᵀ, b:0 as [2, 3, 5, 4])',
      'q:0 float32[2, 1, 3, 3] = matmul(a:0 as [2, 1, 3, 4], a:0 as [2, 1, 3, 4]ᵀ)',
      'fetch p:0, q:0',
    ],
  },
  {
    name: 'another order of axes is no transposition of matrices',
    build: () => {
      const a = x([3, 3, 3], 'a');
      return [tl.matmul(tl.transpose(a, [2, 1, 0], { name: 't' }), a, { name: 'p' })];
    },
    text: ['t:0 float32[3, 3, 3] = a:0[k, j, i]', 'p:0 float32[3, 3, 3] = matmul(t:0, a:0)', 'fetch p:0'],
  },
  {
    name: 'two transpositions are none',
    build: () => {
      const a = x([2, 3, 4], 'a');
      const back = tl.transpose(tl.transpose(a, [2, 0, 1]), [1, 2, 0], { name: 'back' });
      return [tl.reduceSum(tl.reshape(back, [6, 4]), { axis: 1, name: 'y' })];
    },
    text: ['y:0 float32[6] = add over j of a:0 as [6, 4][i, j]', 'fetch y:0'],
  },
  {
    name: 'algebra that holds for every number',
    build: () => {
      const a = x();
      const same = tl.negative(tl.negative(a.multiply(1).subtract(0).divide(1)));
      return [
        tl.sqrt(same, { name: 'y' }),
        tl.where(tl.constant(true), a, tl.exp(a), { name: 'z' }).add(a, { name: 'w' }),
      ];
    },
    text: ['y:0 float32[2, 3] = sqrt(x:0)', 'w:0 float32[2, 3] = add(x:0, x:0)', 'fetch y:0, w:0'],
  },
  {
    name: 'and none that does not: -0 + 0 is 0, NaN · 0 is NaN',
    build: () => {
      const a = x();
      return [a.add(0, { name: 'sum' }), a.multiply(0, { name: 'product' }), a.subtract(-0, { name: 'difference' })];
    },
    text: [
      'sum:0 float32[2, 3] = add(x:0, {sum/y:0})',
      'product:0 float32[2, 3] = mul(x:0, {product/y:0})',
      'difference:0 float32[2, 3] = sub(x:0, {difference/y:0})',
      'fetch sum:0, product:0, difference:0',
    ],
  },
];

describe('simplify', () => {
  test.each(programs.map(({ name, build, text }) => [name, build, text] as const))('%s', (_, build, text) => {
    expect(showLowered(simplify(lowered(new tl.Graph().asDefault(build)))).split('\n')).toEqual(text);
  });

  test.each(programs.map(({ name, build }) => [name, build] as const))('same bits: %s', (_, build) => {
    const outcomes = ['interpret', 'wasm'].map((backend) => {
      const graph = new tl.Graph();
      const fetches = graph.asDefault(build);
      const special = [-0, 0, NaN, 1.5, -Infinity, 0.25];
      const feeds = new Map(
        graph
          .operations()
          .filter(({ type }) => type === 'Placeholder')
          .map(({ outputs: [tensor] }) => {
            const length = (tensor!.shape as readonly number[]).reduce((a, b) => a * b, 1);
            const isIndex = tensor!.dtype === 'int32';
            const data = Array.from({ length }, (_, i) => (isIndex ? i : length === 6 ? special[i]! : (i % 7) - 3));
            return [tensor!, tl.NDArray.from(data, tensor!.dtype, tensor!.shape as readonly number[])] as const;
          }),
      );
      return new tl.Session({ graph, backend }).runSync([...fetches], feeds);
    });
    const bits = outcomes.map((results) =>
      results.map(({ data }) => [...(data as Float32Array)].map((v) => (Object.is(v, -0) ? '-0' : v))),
    );
    expect(bits[1]).toEqual(bits[0]);
  });

  test('a plan is not changed, and is simplified no further the second time', () => {
    const plan = lowered(new tl.Graph().asDefault(programs[0]!.build));
    const before = showLowered(plan);
    const once = simplify(plan);
    expect(showLowered(plan)).toBe(before);
    expect(showLowered(simplify(once))).toBe(showLowered(once));
  });
});
