/** Random functions of a row: all rows at once give what they give one after the other, values and gradients alike. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as tl from '../../src/index.js';
import { knowledges, type Knowledge } from './support/vectorized.js';

/** One step of a program: it chooses among the tensors there are by numbers, so that every program makes sense. */
interface Step {
  readonly kind: (typeof kinds)[number];
  readonly a: number;
  readonly b: number;
  readonly body: readonly Step[];
}

const unary: Readonly<Record<string, (x: tl.Tensor) => tl.Tensor>> = {
  tanh: (x) => x.tanh(),
  sin: (x) => x.sin(),
  square: (x) => x.square().multiply(0.25),
  softplus: (x) => x.softplus(),
  sigmoid: (x) => x.sigmoid(),
  cumsum: (x) => tl.cumsum(x, { axis: -1 }).multiply(0.5),
  reverse: (x) => tl.reverse(x, [-1]),
  softmax: (x) => tl.nn.softmax(x),
  sums: (x) => x.subtract(x.reduceMean({ axis: -1, keepDims: true })),
  norm: (x) => x.divide(x.square().reduceSum().add(1).sqrt()),
  roll: (x) => tl.concat([tl.slice(x, [1], [2]), tl.slice(x, [0], [1])], 0),
  permute: (x) => tl.gather(x, [2, 0, 0]),
  outer: (x) => tl.matmul(x.expandDims(1), x.expandDims(0)).reduceSum({ axis: 0 }).multiply(0.3),
  halves: (x) => tl.unstack(tl.reshape(tl.stack([x, x.negative()]), [3, 2]), { axis: 1 })[1]!,
  pad: (x) => tl.slice(tl.pad(x, [[1, 1]]), [0], [3]),
  pieces: (x) => tl.concat([...tl.split(x, 3)].reverse(), 0),
  tile: (x) => tl.slice(tl.tile(x, [2]), [2], [3]),
  scatter: (x) => tl.scatterNd([[1], [1], [0]], x, [3]),
  stop: (x) => tl.stopGradient(x).multiply(x),
  none: (x) => tl.where(x.greater(100), tl.zerosLike(x), x),
};
const binary: Readonly<Record<string, (x: tl.Tensor, y: tl.Tensor) => tl.Tensor>> = {
  add: (x, y) => x.add(y).multiply(0.5),
  multiply: (x, y) => x.multiply(y),
  subtract: (x, y) => x.subtract(y.multiply(0.7)),
  divide: (x, y) => x.divide(y.square().add(1)),
  maximum: (x, y) => x.maximum(y),
  dot: (x, y) => x.multiply(y).reduceSum().multiply(y).multiply(0.3),
  where: (x, y) => tl.where(x.less(y), x, y.sin()),
  pick: (x, y) => tl.gather(x, tl.argmax(y)).multiply(y),
  select: (x, y) => tl.oneHot(tl.argmin(x), 3, { dtype: 'float64' }).multiply(y).add(x),
};
const nested = ['cond', 'while', 'rows', 'scan', 'function', 'gradient', 'mapped', 'custom'] as const;
const kinds = [...Object.keys(unary), ...Object.keys(binary), ...nested];

const { step } = fc.letrec<{ step: Step; steps: readonly Step[] }>((tie) => ({
  step: fc.record({
    kind: fc.constantFrom(...kinds),
    a: fc.nat(7),
    b: fc.nat(7),
    body: fc.oneof({ maxDepth: 2, withCrossShrink: true }, fc.constant([]), tie('steps')),
  }),
  steps: fc.array(tie('step'), { minLength: 1, maxLength: 3 }),
}));

/** What a program makes of vectors of three; `shared` are the same for all rows. */
function run(program: readonly Step[], start: readonly tl.Tensor[]): tl.Tensor {
  const there = [...start];
  for (const { kind, a, b, body } of program) {
    const [x, y] = [there[a % there.length]!, there[b % there.length]!];
    const inner = (z: tl.Tensor): tl.Tensor => run(body, [...start, y, z]);
    there.push(tl.ensureShape(apply(kind, x, y, inner, 1 + (b % 3)), [3]));
  }
  return there.at(-1)!;
}

function apply(kind: string, x: tl.Tensor, y: tl.Tensor, inner: (z: tl.Tensor) => tl.Tensor, n: number): tl.Tensor {
  if (kind in unary) return unary[kind]!(x);
  if (kind in binary) return binary[kind]!(x, y);
  switch (kind) {
    case 'cond':
      return tl.cond(
        x.reduceSum().greater(y.reduceSum()),
        () => inner(x),
        () => y.sin(),
      );
    case 'while':
      return repeated(x, inner, tl.constant(n));
    case 'rows':
      // As often as the row says.
      return repeated(x, inner, tl.clipByValue(tl.gather(y, 0).multiply(3), -1, 2));
    case 'scan':
      return tl.scan((sum: tl.Tensor, e: tl.Tensor) => sum.multiply(0.5).add(e).tanh(), inner(x));
    case 'function':
      return tl.function(inner)(x);
    case 'gradient':
      return tl.gradients(inner(x).square().reduceSum(), x, { unconnectedGradients: 'zero' })[0] as tl.Tensor;
    case 'mapped':
      return tl.vectorizedMap((z) => inner(z.add(y)).reduceSum().tanh(), tl.stack([x, y, x.sin()]), { warn: false });
    default:
      return (tl.customGradient((z) => [inner(z), (dy) => dy.multiply(z).add(dy)]) as unknown as typeof inner)(x);
  }
}

function repeated(x: tl.Tensor, step: (z: tl.Tensor) => tl.Tensor, n: tl.Tensor): tl.Tensor {
  return tl.whileLoop(
    (i) => i.less(n),
    (i, z) => [i.add(1), step(z).tanh()] as const,
    [tl.constant(0, { dtype: n.dtype }), x],
    { maximumIterations: 3 },
  )[1];
}

interface Case {
  readonly program: readonly Step[];
  readonly rows: number;
  readonly known: Knowledge;
  readonly data: readonly number[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  program: fc.array(step, { minLength: 1, maxLength: 5 }),
  rows: fc.integer({ min: 1, max: 4 }),
  known: fc.constantFrom(...knowledges),
  data: fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 15, maxLength: 15 }),
});

/** Values, and gradients of their weighted sum by all rows and by what they share. */
function evaluate({ program, rows, known, data }: Case, map: typeof tl.mapFn): readonly (readonly number[])[] {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    // Odd multiples of something odd: nowhere near the places where a choice turns over.
    const numbers = data.map((x, i) => (2 * x + 1) * 0.0437 + 0.0013 * i);
    const array = (from: number, shape: readonly number[]): tl.NDArray =>
      new tl.NDArray('float64', shape, Float64Array.from(numbers.slice(from, from + shape.reduce((p, d) => p * d, 1))));
    const full = [rows, 3];
    const shape = { everything: full, ranks: [null, null], nothing: null }[known];
    const x = tl.placeholder('float64', shape, { name: 'x' }) as unknown as tl.Tensor;
    const shared = tl.constant(array(12, [3])) as unknown as tl.Tensor;
    const y = map((row: tl.Tensor) => run(program, [shared, tl.ensureShape(row, [3])]), x as never);
    const weights = tl.constant(array(1, full)) as unknown as tl.Tensor;
    const dxs = tl.gradients(y.multiply(weights).reduceSum(), [x, shared], { unconnectedGradients: 'zero' });
    const session = new tl.Session({ graph, backend: 'interpret' });
    return session
      .runSync([y, ...dxs.map((dx) => tl.convertToTensor(dx!))], { x: array(0, full) })
      .map((value) => [...(value.data as Float64Array)]);
  });
}

test('vectorizedMap is mapFn', () => {
  fc.assert(
    fc.property(cases, (given) => {
      const atOnce = ((fn: never, x: never) => tl.vectorizedMap(fn, x, { warn: false })) as unknown as typeof tl.mapFn;
      const [found, expected] = [evaluate(given, atOnce), evaluate(given, tl.mapFn)];
      found.forEach((values, i) =>
        values.forEach((value, j) => {
          const wanted = expected[i]![j]!;
          if (!(Math.abs(value - wanted) <= 1e-9 * (1 + Math.abs(wanted)))) expect(values).toEqual(expected[i]);
        }),
      );
      expect(found.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
    }),
    { numRuns: Number(process.env.TAPELESS_RUNS ?? 40), seed: Number(process.env.TAPELESS_SEED ?? 1) },
  );
});
