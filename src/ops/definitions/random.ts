/** Random numbers: the functions of the `random` namespace (TensorFlow `tf.random`). */
import { isInteger, type DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { getDefaultGraph, type Graph } from '../../graph/graph.js';
import { NDArray } from '../../graph/ndarray.js';
import { nameScope } from '../../graph/scopes.js';
import type { Tensor } from '../../graph/tensor.js';
import { call, convertToTensor, one } from '../call.js';
import type { AsShape } from '../literals.js';
import { withSeeds } from '../random-seed.js';
import type { Operand, OpOptions, TensorLike } from '../types.js';
import { algorithms } from './random-ops.js';

/** A shape: numbers, or an int32 or int64 vector. */
type ShapeInput = readonly number[] | TensorLike;
type ShapeFrom<S> = S extends readonly number[]
  ? AsShape<S>
  : S extends TensorLike
    ? AsShape<null | readonly number[]>
    : never;

interface Drawn<D extends DType> extends OpOptions {
  readonly dtype?: D;
}
interface Seeded {
  /** The op's own seed; without one, and without `setRandomSeed`, every session gets other numbers. */
  readonly seed?: number | bigint;
}
interface StatelessSeeded {
  /** Two integers, or an int32 or int64 tensor of two; the same seed always gives the same numbers. */
  readonly seed: readonly [number | bigint, number | bigint] | TensorLike;
}
interface Bounds {
  /** The least number; 0 by default. */
  readonly minval?: Operand;
  /** What all numbers lie below; 1 by default for floats, needed for integers. */
  readonly maxval?: Operand;
}
interface Moments {
  /** 0 by default. */
  readonly mean?: Operand;
  /** The standard deviation; 1 by default. */
  readonly stddev?: Operand;
}

/**
 * Numbers drawn evenly from [minval, maxval), others in each run (TensorFlow `tf.random.uniform`); float32 unless `dtype`
 * says float16, bfloat16, float64, int32 or int64. With the same seeds the numbers are TensorFlow's, bit for bit.
 * @throws InvalidArgumentError for integers without `maxval`
 * @example
 * random.uniform([2, 3], { maxval: 10, dtype: 'int32', seed: 7 }); // [[0 to 9, …], …]
 */
export function uniform<const S extends ShapeInput, D extends DType = 'float32'>(
  shape: S,
  options: Drawn<D> & Bounds & Seeded = {},
): Tensor<D, ShapeFrom<S>> {
  const dtype: DType = options.dtype ?? 'float32';
  const { minval = 0, maxval = isInteger(dtype) ? undefined : 1 } = options;
  if (maxval === undefined)
    throw new InvalidArgumentError(`random.uniform needs maxval for the integer dtype ${dtype}.`);
  const plainUnit = minval === 0 && maxval === 1;
  const build = (graph: Graph, scope: string): Tensor => {
    const dims = shapeTensor(shape);
    const integers = isInteger(dtype);
    const scaled = integers || !plainUnit;
    const low = scaled ? convertToTensor(minval, dtype, 'min') : null;
    const high = scaled ? convertToTensor(maxval, dtype, 'max') : null;
    if (integers) {
      return withSeeds(graph, options.seed, (seeds) =>
        call('RandomUniformInt', [dims, low!, high!], seeds, { name: scope }),
      ).outputs[0]!;
    }
    const drawn = withSeeds(graph, options.seed, (seeds) => call('RandomUniform', [dims], { ...seeds, dtype }))
      .outputs[0]!;
    if (plainUnit) return drawn;
    return minval === 0 ? one('Mul', [drawn, high!]) : stretched(drawn, low!, high!, scope);
  };
  return scoped('random_uniform', shape, options, build) as never;
}

/**
 * Normally distributed numbers, others in each run (TensorFlow `tf.random.normal`), of a float dtype. With the same seeds
 * the numbers are TensorFlow's, up to rounding.
 * @throws DTypeError for a dtype that is not a float one
 * @example
 * random.normal([3], { mean: 10, stddev: 0.1, seed: 7 }); // three numbers near 10
 */
export function normal<const S extends ShapeInput, D extends DType = 'float32'>(
  shape: S,
  options: Drawn<D> & Moments & Seeded = {},
): Tensor<D, ShapeFrom<S>> {
  const dtype: DType = options.dtype ?? 'float32';
  const build = (graph: Graph, scope: string): Tensor => {
    const dims = shapeTensor(shape);
    const { mean, stddev } = moments(options, dtype);
    const drawn = withSeeds(graph, options.seed, (seeds) => call('RandomStandardNormal', [dims], { ...seeds, dtype }))
      .outputs[0]!;
    return scaledBy(drawn, stddev, mean, scope);
  };
  return scoped('random_normal', shape, options, build) as never;
}

/**
 * Numbers drawn evenly from [minval, maxval): always the same for the same seed (TensorFlow
 * `tf.random.stateless_uniform`), bit for bit those of TensorFlow. Integers may go without both bounds: they are then
 * drawn from the whole dtype.
 * @throws InvalidArgumentError for integers with one bound, or unsigned ones with any
 * @example
 * random.statelessUniform([2], { seed: [1, 2] }); // the same two numbers in every run
 */
export function statelessUniform<const S extends ShapeInput, D extends DType = 'float32'>(
  shape: S,
  options: Drawn<D> &
    Omit<Bounds, 'maxval' | 'minval'> & {
      readonly minval?: Operand | null;
      readonly maxval?: Operand | null;
    } & StatelessSeeded,
): Tensor<D, ShapeFrom<S>> {
  const dtype: DType = options.dtype ?? 'float32';
  const integers = isInteger(dtype);
  const minval = options.minval === undefined ? (integers && options.maxval === null ? null : 0) : options.minval;
  const maxval = options.maxval ?? (integers ? null : 1);
  const full = integers && minval === null && maxval === null;
  checkBounds(dtype, integers, minval, maxval);
  const build = (_: Graph, scope: string): Tensor => {
    const dims = shapeTensor(shape);
    if (full)
      return one(
        'StatelessRandomUniformFullIntV2',
        [dims, ...drawnFrom(options.seed), auto('alg')],
        { dtype },
        { name: scope },
      );
    const low = convertToTensor(minval!, dtype, 'min');
    const high = convertToTensor(maxval!, dtype, 'max');
    const source = drawnFrom(options.seed);
    if (integers)
      return one('StatelessRandomUniformIntV2', [dims, ...source, auto('alg'), low, high], { dtype }, { name: scope });
    const drawn = one('StatelessRandomUniformV2', [dims, ...source, algorithms.auto], { dtype });
    return stretched(drawn, low, high, scope);
  };
  return scoped('stateless_random_uniform', shape, options, build) as never;
}

/**
 * Normally distributed numbers: always the same for the same seed (TensorFlow `tf.random.stateless_normal`), those of
 * TensorFlow up to rounding.
 * @throws DTypeError for a dtype that is not a float one
 * @example
 * random.statelessNormal([2], { seed: [1, 2] }); // the same two numbers in every run
 */
export function statelessNormal<const S extends ShapeInput, D extends DType = 'float32'>(
  shape: S,
  options: Drawn<D> & Moments & StatelessSeeded,
): Tensor<D, ShapeFrom<S>> {
  const dtype: DType = options.dtype ?? 'float32';
  const build = (_: Graph, scope: string): Tensor => {
    const dims = shapeTensor(shape);
    const { mean, stddev } = moments(options, dtype);
    const drawn = one('StatelessRandomNormalV2', [dims, ...drawnFrom(options.seed), algorithms.auto], { dtype });
    return scaledBy(drawn, stddev, mean, scope);
  };
  return scoped('stateless_random_normal', shape, options, build) as never;
}

function checkBounds(dtype: DType, integers: boolean, minval: unknown, maxval: unknown): void {
  if (!integers) return;
  if ((minval === null) !== (maxval === null)) {
    throw new InvalidArgumentError(
      `random.statelessUniform: for the integer dtype ${dtype}, give both minval and maxval, or null for both.`,
    );
  }
  if (minval !== null && dtype.startsWith('u')) {
    throw new InvalidArgumentError(
      `random.statelessUniform: there are no bounds for the unsigned dtype ${dtype}: give null for both.`,
    );
  }
}

/** All of a draw, or nothing, in a scope of its own and in the graph of `shape`. */
function scoped(
  name: string,
  shape: ShapeInput,
  options: OpOptions,
  build: (graph: Graph, scope: string) => Tensor,
): Tensor {
  const graph = Array.isArray(shape) ? getDefaultGraph() : (shape as Tensor).graph.receiver;
  const run = (): Tensor => nameScope(options.name ?? name, (scope) => build(graph, scope));
  return graph.attempt(() => graph.atSite(() => graph.asDefault(run)));
}

function shapeTensor(shape: ShapeInput): Tensor {
  if (!Array.isArray(shape)) return convertToTensor(shape);
  return convertToTensor(NDArray.from(shape as readonly number[], 'int32', [shape.length]), 'int32', 'shape');
}

function moments({ mean = 0, stddev = 1 }: Moments, dtype: DType): { mean: Tensor; stddev: Tensor } {
  return { mean: convertToTensor(mean, dtype, 'mean'), stddev: convertToTensor(stddev, dtype, 'stddev') };
}

/** Numbers from [0, 1) as numbers from [low, high). */
function stretched(drawn: Tensor, low: Tensor, high: Tensor, scope: string): Tensor {
  return scaledBy(drawn, one('Sub', [high, low], {}, { name: 'sub' }), low, scope);
}

function scaledBy(drawn: Tensor, factor: Tensor, offset: Tensor, scope: string): Tensor {
  return one('AddV2', [one('Mul', [drawn, factor], {}, { name: 'mul' }), offset], {}, { name: scope });
}

/** The key and the counter that a seed stands for. */
function drawnFrom(seed: StatelessSeeded['seed']): readonly Tensor[] {
  const operand: Operand = Array.isArray(seed)
    ? NDArray.from([...(seed as readonly (number | bigint)[])], seedType(seed as readonly unknown[]))
    : seed;
  return call('StatelessRandomGetKeyCounter', [operand]).outputs;
}

/** As TensorFlow converts them: int32 where they fit. */
function seedType(seed: readonly unknown[]): DType {
  return seed.every((value) => typeof value === 'number' && value === (value | 0)) ? 'int32' : 'int64';
}

function auto(name: string): Tensor {
  return convertToTensor(algorithms.auto, 'int32', name);
}
