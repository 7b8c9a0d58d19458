/** What the compiler makes of programs: which steps, what is stored, and that it computes what the interpreter does. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { fusedProgram } from '../../../src/session/backends/wasm/pipeline.js';
import { showProgram } from '../../../src/session/backends/wasm/show.js';
import { compile } from '../../../src/session/pipeline.js';
import { parseFeeds } from '../../../src/session/feeds.js';

type Build = () => Record<string, tl.Tensor>;

function steps(fetches: Record<string, tl.Tensor>, feeds: tl.Feeds): string {
  const tensors = Object.values(fetches);
  const { graph } = tensors[0]!;
  const fed = [...parseFeeds(graph, feeds)].map(([tensor, { shape }]) => ({ tensor, shape }));
  const request = { graph, fetches: tensors, targets: [], feeds: fed };
  return showProgram(fusedProgram(compile(request), request));
}

const x = (shape: readonly (number | null)[] = [4, 6], dtype: tl.DType = 'float32') =>
  tl.placeholder(dtype, shape as never, { name: 'x' }) as tl.Tensor;
const numbers = (shape: readonly number[]): tl.NDArray => {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1));
  return tl.NDArray.from(data, 'float32', shape);
};

const programs: readonly {
  readonly name: string;
  readonly build: Build;
  readonly shape?: readonly number[];
  readonly steps: string;
}[] = [
  {
    name: 'a chain and its gradient are one loop',
    build: () => {
      const a = x();
      const y = tl.tanh(a.multiply(2, { name: 'twice' }), { name: 'y' });
      return { y, dx: tl.gradients(y, a)[0] as tl.Tensor };
    },
    steps:
      'y:0 float32[4, 6], gradients/twice_grad/Mul:0 float32[4, 6] = kernel[4, 6]  ; twice:0, gradients/y_grad/TanhGrad:0',
  },
  {
    name: 'what is the same for all elements, and known, is in no loop',
    build: () => {
      const y = tl.square(x([80, 80]), { name: 'y' });
      const scale = tl.fill([80, 80], 2).multiply(0.25, { name: 'scale' });
      return { y, sum: tl.reduceSum(y, { name: 'sum' }), z: y.multiply(scale, { name: 'z' }) };
    },
    shape: [80, 80],
    steps: 'y:0 float32[80, 80], z:0 float32[80, 80] = kernel[80, 80]\nsum:0 float32[] = kernel[]',
  },
  {
    name: 'what reads the same is computed in one loop',
    build: () => {
      const product = tl.matmul(x([4, 4]), tl.ones([4, 4], { name: 'ones' }), { name: 'product' });
      return { a: product.add(1, { name: 'a' }), b: tl.tanh(product, { name: 'b' }) };
    },
    shape: [4, 4],
    steps: 'product:0 float32[4, 4] = matmul(x:0, {ones:0})\na:0 float32[4, 4], b:0 float32[4, 4] = kernel[4, 4]',
  },
  {
    name: 'an elementary function is not computed again for every row',
    build: () => {
      const row = tl.tanh(x([6]), { name: 'row' });
      return { y: row.multiply(tl.ones([4, 1], { name: 'ones' }), { name: 'y' }) };
    },
    shape: [6],
    steps: 'row:0 float32[6] = kernel[6]\ny:0 float32[4, 6] = kernel[4, 6]',
  },
  {
    name: 'what only moves elements is read in place',
    build: () => {
      const turned = tl.transpose(x());
      return { y: turned.add(tl.reverse(turned, [0]), { name: 'y' }) };
    },
    steps: 'y:0 float32[6, 4] = kernel[6, 4]',
  },
  {
    name: 'another shape of the same storage costs nothing',
    build: () => ({ y: tl.square(x(), { name: 'y' }).reshape([3, 8]).add(1, { name: 'z' }) }),
    steps: 'y:0 float32[4, 6] = kernel[4, 6]\nz:0 float32[3, 8] = kernel[3, 8]',
  },
  {
    name: 'a reduction takes what it reduces with it',
    build: () => ({ y: tl.reduceSum(tl.square(x(), { name: 'square' }), { axis: 0, name: 'y' }) }),
    steps: 'y:0 float32[6] = kernel[6]',
  },
  {
    name: 'softmax: the largest of each row, exponentials, their sums, quotients',
    build: () => ({ y: tl.nn.softmax(x(), { name: 'y' }) }),
    steps: [
      'y/temp float32[4] = kernel[4]',
      'y/temp float32[4, 6] = kernel[4, 6]',
      'y/temp float32[4] = kernel[4]',
      'y:0 float32[4, 6] = kernel[4, 6]',
    ].join('\n'),
  },
  {
    name: 'products are steps of their own, transposed as they are read',
    build: () => {
      const a = x();
      return { y: tl.matmul(a, a, { transposeA: true, name: 'product' }).add(1, { name: 'y' }) };
    },
    steps: 'product:0 float32[6, 6] = matmul(x:0ᵀ, x:0)\ny:0 float32[6, 6] = kernel[6, 6]',
  },
  {
    name: 'shapes that depend on data are found on the host, and what follows from them too',
    build: () => {
      const { y } = tl.unique(tl.reshape(x(), [-1], { name: 'flat' }), { name: 'some' });
      return { y: y.add(1, { name: 'y' }) };
    },
    steps: 'some:0 float32, some:1 int32[24] = host Unique(x:0 as [24])\ny:0 float32 = host AddV2(some:0, {y/y:0})',
  },
];

describe('steps', () => {
  test.each(programs.map((program) => [program.name, program] as const))(
    '%s',
    (_, { build, shape = [4, 6], steps: expected }) => {
      const fetches = new tl.Graph().asDefault(build);
      expect(steps(fetches, { x: numbers(shape) })).toBe(expected);
    },
  );
});
