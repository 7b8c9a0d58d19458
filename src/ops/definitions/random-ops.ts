/** The random ops: stateful ones, which go on where the last run stopped, and stateless ones, functions of their seed. */
import { FunctionGraph } from '../../graph/function-graph.js';
import type { DType, DTypeStorage } from '../../graph/dtype.js';
import { InvalidArgumentError, ShapeError } from '../../graph/errors.js';
import { describeTensor } from '../../graph/node.js';
import { NDArray } from '../../graph/ndarray.js';
import { isCompatible, sizeOf, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchRandom } from '../batching/shapes.js';
import { constantShape } from '../known.js';
import { defineOp, type OpView, type Routine, type RoutineContext } from '../opdef.js';
import { keyAndCounter, normalFloats, Philox, uniformFloats, uniformIntegers } from '../philox.js';

/** The numbers of one run. */
type Draw = (generator: Philox, dtype: DType, size: number) => DTypeStorage[DType];

/** How many blocks a stateful op's counter moves on for each number it makes: TensorFlow's reserve. */
const blocksReserved = 256;

/** The output has the shape that input 0 states. */
const stated = (op: OpView): readonly Shape[] => [constantShape(op.inputs[0])];

function shapeOfInput({ op, inputs: [shape] }: RoutineContext): readonly number[] {
  if (shape.shape.length !== 1) {
    throw new InvalidArgumentError(
      `${op.type} '${op.name}': the shape must be a vector, not of rank ${shape.shape.length}.`,
      op.details(),
    );
  }
  const dims = Array.from(shape.data as Int32Array, Number);
  const bad = dims.find((dim) => dim < 0);
  if (bad !== undefined)
    throw new InvalidArgumentError(`${op.type} '${op.name}': the shape has a dimension of ${bad}.`, op.details());
  return dims;
}

function random64(): bigint {
  const [low, high] = crypto.getRandomValues(new Uint32Array(2));
  return BigInt(low!) | (BigInt(high!) << 32n);
}

/** The session's generator of a stateful op. */
function generatorOf({ op, resources: { counters } }: RoutineContext): Philox {
  const key = op.graph instanceof FunctionGraph ? `${op.graph.name}:${op.name}` : op.name;
  const existing = counters.get(key) as Philox | undefined;
  if (existing) return existing;
  const [seed, seed2] = [op.attrValue('seed').value as bigint, op.attrValue('seed2').value as bigint];
  const nondeterministic = seed === 0n && seed2 === 0n;
  const generator = nondeterministic
    ? new Philox(random64(), 0n, random64())
    : new Philox(unsigned(seed), 0n, unsigned(seed2));
  counters.set(key, generator);
  return generator;
}

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);

function stateful(routine: string, draw: (context: RoutineContext) => Draw): Routine {
  return {
    routine,
    run: (context) => {
      const shape = shapeOfInput(context);
      const size = sizeOf(shape);
      const { dtype } = context.op.outputs[0];
      const drawn = draw(context);
      const generator = generatorOf(context);
      const data = drawn(generator.clone(), dtype, size);
      generator.skip(BigInt(size * blocksReserved));
      return [new NDArray(dtype, shape, data)];
    },
  };
}

function stateless(routine: string, draw: (context: RoutineContext) => Draw): Routine {
  return {
    routine,
    run: (context) => {
      const { op } = context;
      const shape = shapeOfInput(context);
      const [, key, counter, algorithm] = context.inputs;
      const { dtype } = op.outputs[0];
      const chosen = Number(algorithm.element(0));
      if (chosen !== algorithms.philox && chosen !== algorithms.auto) {
        throw new InvalidArgumentError(
          `${op.type} '${op.name}': only the algorithm Philox (1, or 3 for auto) exists here, not ${chosen}.`,
          op.details(),
        );
      }
      const counters = counter.data as BigUint64Array;
      const generator = new Philox((key.data as BigUint64Array)[0]!, counters[0]!, counters[1]!);
      return [new NDArray(dtype, shape, draw(context)(generator, dtype, sizeOf(shape)))];
    },
  };
}

/** TensorFlow's numbers for the algorithms of stateless ops. */
export const algorithms = { philox: 1, auto: 3 } as const;

/** Draws integers between inputs `low` and `low + 1`. */
function between(low: number): (context: RoutineContext) => Draw {
  return ({ op, inputs }) => {
    const [from, to] = [BigInt(inputs[low]!.element(0) as number), BigInt(inputs[low + 1]!.element(0) as number)];
    if (from >= to)
      throw new InvalidArgumentError(
        `${op.type} '${op.name}': need minval < maxval, got ${from} >= ${to}.`,
        op.details(),
      );
    return (generator, dtype, size) => uniformIntegers(generator, dtype, size, [from, to]);
  };
}

function requireShape(op: OpView, tensor: Tensor, shape: readonly number[], what: string): void {
  if (isCompatible(tensor.shape, shape)) return;
  throw new ShapeError(
    `${op.type} '${op.name}': ${what} must have shape [${shape.join(', ')}], not ${describeTensor(tensor)}.`,
    op.details(),
  );
}

function statedWithBounds(op: OpView): readonly Shape[] {
  for (const bound of op.inputs.slice(-2)) requireShape(op, bound, [], 'a bound');
  return stated(op);
}

const shape23 = { value: [2, 3], dtype: 'int32' } as const;

defineOp({
  name: 'RandomUniform',
  signature:
    'shape: T -> output: dtype | seed: int = 0, seed2: int = 0, dtype: {half, bfloat16, float, double}, T: {int32, int64}',
  infer: stated,
  lower: stateful('random uniform', () => uniformFloats),
  grad: 'none',
  batch: batchRandom,
  effect: 'random',
  samples: [
    { inputs: [shape23], attrs: { seed: 1, seed2: 2, dtype: 'float32' } },
    { inputs: [{ value: [5], dtype: 'int64' }], attrs: { seed: 1, dtype: 'float64' } },
    { inputs: [{ value: [0, 2], dtype: 'int32' }], attrs: { seed2: 7, dtype: 'float32' } },
  ],
});

defineOp({
  name: 'RandomStandardNormal',
  signature:
    'shape: T -> output: dtype | seed: int = 0, seed2: int = 0, dtype: {half, bfloat16, float, double}, T: {int32, int64}',
  infer: stated,
  lower: stateful('random normal', () => normalFloats),
  grad: 'none',
  batch: batchRandom,
  effect: 'random',
  samples: [
    { inputs: [shape23], attrs: { seed: 1, seed2: 2, dtype: 'float32' } },
    { inputs: [{ value: [5], dtype: 'int32' }], attrs: { seed: 1, dtype: 'float64' } },
  ],
});

defineOp({
  name: 'RandomUniformInt',
  signature:
    'shape: T, minval: Tout, maxval: Tout -> output: Tout | seed: int = 0, seed2: int = 0, Tout: {int32, int64}, T: {int32, int64}',
  infer: statedWithBounds,
  lower: stateful('random integers', between(1)),
  grad: 'none',
  batch: batchRandom,
  effect: 'random',
  samples: [
    { inputs: [shape23, { value: -3, dtype: 'int32' }, { value: 100, dtype: 'int32' }], attrs: { seed: 1, seed2: 2 } },
    {
      inputs: [
        { value: [3], dtype: 'int32' },
        { value: 0, dtype: 'int64' },
        { value: 7, dtype: 'int64' },
      ],
      attrs: { seed: 4 },
    },
  ],
});

defineOp({
  name: 'StatelessRandomGetKeyCounter',
  signature: 'seed: Tseed -> key: uint64, counter: uint64 | Tseed: {int32, int64} = DT_INT64',
  infer: (op) => {
    requireShape(op, op.inputs[0], [2], 'the seed');
    return [[1], [2]];
  },
  lower: {
    routine: 'random key and counter',
    run: ({ inputs: [seed] }) => {
      const [a, b] = [0, 1].map((i) => BigInt(seed.element(i) as number));
      const [key, low, high] = keyAndCounter(a!, b!);
      return [
        new NDArray('uint64', [1], BigUint64Array.of(key)),
        new NDArray('uint64', [2], BigUint64Array.of(low, high)),
      ];
    },
  },
  grad: 'none',
  batch: 'loop',
  effect: 'pure',
  samples: [{ inputs: [{ value: [3, -4], dtype: 'int32' }] }, { inputs: [{ value: [1, 2], dtype: 'int64' }] }],
});

function statelessSignature(types: string, fallback: string, bounds = ''): string {
  return (
    `shape: Tshape, key: uint64, counter: uint64, alg: int32${bounds} -> output: dtype | dtype: ${types}${fallback}, ` +
    'Tshape: {int32, int64} = DT_INT32'
  );
}

function statelessShape(op: OpView): readonly Shape[] {
  requireShape(op, op.inputs[1], [1], 'the key');
  requireShape(op, op.inputs[2], [2], 'the counter');
  requireShape(op, op.inputs[3], [], 'the algorithm');
  return stated(op);
}

const drawnFrom = [
  { value: [8496633186236937083n], dtype: 'uint64' },
  { value: [0n, 10170721048406114738n], dtype: 'uint64' },
  { value: 3, dtype: 'int32' },
] as const;

for (const [name, draw] of [
  ['Uniform', uniformFloats],
  ['Normal', normalFloats],
] as const) {
  defineOp({
    name: `StatelessRandom${name}V2`,
    signature: statelessSignature('{half, bfloat16, float, double}', ' = DT_FLOAT'),
    infer: statelessShape,
    lower: stateless(`stateless random ${name.toLowerCase()}`, () => draw),
    grad: 'none',
    batch: 'loop',
    effect: 'pure',
    samples: [
      { inputs: [shape23, ...drawnFrom] },
      { inputs: [{ value: [3], dtype: 'int32' }, ...drawnFrom], attrs: { dtype: 'float64' } },
    ],
  });
}

defineOp({
  name: 'StatelessRandomUniformIntV2',
  signature: statelessSignature('{int32, int64, uint32, uint64}', '', ', minval: dtype, maxval: dtype'),
  infer: (op) => {
    statelessShape(op);
    return statedWithBounds(op);
  },
  lower: stateless('stateless random integers', between(4)),
  grad: 'none',
  batch: 'loop',
  effect: 'pure',
  samples: [
    { inputs: [shape23, ...drawnFrom, { value: -3, dtype: 'int32' }, { value: 100, dtype: 'int32' }] },
    {
      inputs: [
        { value: [3], dtype: 'int32' },
        ...drawnFrom,
        { value: 0, dtype: 'int64' },
        { value: 7, dtype: 'int64' },
      ],
    },
  ],
});

defineOp({
  name: 'StatelessRandomUniformFullIntV2',
  signature: statelessSignature('{int32, int64, uint32, uint64}', ' = DT_UINT64'),
  infer: statelessShape,
  lower: stateless(
    'stateless random full integers',
    () => (generator, dtype, size) => uniformIntegers(generator, dtype, size, null),
  ),
  grad: 'none',
  batch: 'loop',
  effect: 'pure',
  samples: [
    { inputs: [shape23, ...drawnFrom], attrs: { dtype: 'int32' } },
    { inputs: [{ value: [3], dtype: 'int32' }, ...drawnFrom] },
  ],
});
