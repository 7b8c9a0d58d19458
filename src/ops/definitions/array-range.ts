/** Tensors made by counting: ranges and one-hot vectors. */
import type { DType } from '../../graph/dtype.js';
import { isInteger } from '../../graph/dtype.js';
import { NDArray, type TensorData } from '../../graph/ndarray.js';
import type { Shape } from '../../graph/shape.js';
import { Tensor } from '../../graph/tensor.js';
import { batchOneHot } from '../batching/shapes.js';
import { isConvertible, one } from '../call.js';
import { bin, cast, lazy, select, type Expr } from '../expr.js';
import {
  castTo,
  constantNumber,
  deferred,
  indices,
  named,
  namedConstant,
  numbers,
  type IndexOperand,
} from '../indexing.js';
import { constantValue } from '../known.js';
import { installMethods } from '../methods.js';
import { defineOp, type OpView } from '../opdef.js';
import { binary } from '../scalar.js';
import { argumentError, axisIn, inserted, shapeError, without } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions, TensorLike } from '../types.js';

/** How many steps lead from start to limit. @throws InvalidArgumentError for a step of 0 or one that leads away */
function rangeSize(op: OpView, start: NDArray, limit: NDArray, delta: NDArray): number {
  const [from, to, step] = [start, limit, delta].map((array) => array.element(0) as number | bigint) as [
    number,
    number,
    number,
  ];
  const text = `range(${from}, ${to}, ${step})`;
  if (Number(step) === 0) throw argumentError(op, `${text} needs a step that is not 0`);
  if (step > 0 ? from > to : from < to)
    throw argumentError(op, `${text}: a step of ${step} does not lead from ${from} to ${to}`);
  if (isInteger(start.dtype)) return Math.ceil(Number(BigInt(to) - BigInt(from)) / Number(step));
  // The count is worked out in the dtype itself, as TensorFlow does: rounding decides whether the limit is reached.
  const sub = binary('sub', start.dtype);
  const div = binary('div', start.dtype);
  return Math.ceil(Math.abs(div(sub(to, from), step) as number));
}

defineOp({
  name: 'Range',
  signature:
    'start: Tidx, limit: Tidx, delta: Tidx -> output: Tidx | ' +
    'Tidx: {bfloat16, half, float, double, int8, int16, int32, int64, uint16, uint32, uint64} = DT_INT32',
  infer: (op) => {
    const operands = op.inputs.slice(0, 3);
    const bad = operands.find(({ shape }) => shape !== null && shape.length > 0);
    if (bad) throw shapeError(op, 'start, limit and delta must be scalars', [bad]);
    const [start, limit, delta] = operands.map(constantValue);
    return [[start && limit && delta ? rangeSize(op, start, limit, delta) : null]];
  },
  lower: ({ op, inputs: [start, , delta], value }) => {
    const { dtype } = op.outputs[0];
    const count = rangeSize(op, value(0), value(1), value(2));
    return [lazy(dtype, [count], ([i]) => bin('add', start.at([]), bin('mul', cast(i!, dtype), delta.at([]))))];
  },
  grad: 'none',
  batch: 'loop',
  effect: 'pure',
  samples: [
    {
      inputs: [
        { value: 2, dtype: 'int32' },
        { value: 11, dtype: 'int32' },
        { value: 3, dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { value: 0, dtype: 'float32' },
        { value: 1, dtype: 'float32' },
        { value: 0.1, dtype: 'float32' },
      ],
    },
    {
      inputs: [
        { value: 5, dtype: 'int64' },
        { value: 0, dtype: 'int64' },
        { value: -2, dtype: 'int64' },
      ],
    },
    {
      inputs: [
        { value: 1, dtype: 'float64' },
        { value: 1, dtype: 'float64' },
        { value: 1, dtype: 'float64' },
      ],
    },
  ],
});

export interface RangeOptions<D extends DType = DType> extends OpOptions {
  /** By default that of the tensors among the arguments, else int32 for integers and float32 for other numbers. */
  readonly dtype?: D;
}

type RangeArgument = number | bigint | TensorLike;

type RangeDType<A, B, C> = A extends TensorLike
  ? DTypeOf<A>
  : B extends TensorLike
    ? DTypeOf<B>
    : C extends TensorLike
      ? DTypeOf<C>
      : DType;

/**
 * The numbers from `start` up to `limit`, not included, in steps of `delta`, by default 1 (TensorFlow `tf.range`). With
 * one argument it is the limit, and the range starts at 0.
 * @throws InvalidArgumentError where the step is 0 or leads away from the limit
 * @example
 * range(4); // [0, 1, 2, 3]
 * range(3, 1, -0.5); // [3, 2.5, 2, 1.5]
 */
export function range<
  A extends RangeArgument,
  B extends RangeArgument,
  C extends RangeArgument = number,
  D extends DType = RangeDType<A, B, C>,
>(start: A, limit?: B, delta?: C, options: RangeOptions<D> = {}): Tensor<D, [number | null]> {
  const args: RangeArgument[] = limit === undefined ? [0, start, delta ?? 1] : [start, limit, delta ?? 1];
  const tensor = args.find((arg) => typeof arg === 'object');
  const whole = args.every((arg) => typeof arg === 'object' || typeof arg === 'bigint' || Number.isInteger(arg));
  const dtype =
    options.dtype ??
    tensor?.dtype ??
    (args.some((arg) => typeof arg === 'bigint') ? 'int64' : whole ? 'int32' : 'float32');
  const operands = args.map((arg, i): Operand => {
    if (typeof arg !== 'object') return namedConstant(arg, dtype, ['start', 'limit', 'delta'][i]!);
    if (arg.dtype === dtype || options.dtype === undefined) return arg;
    return deferred(dtype, (arg as Tensor).graph, () => castTo(isConvertible(arg) ? arg.toTensor() : arg, dtype));
  });
  return one('Range', operands, {}, named(options, 'range')) as Tensor<D, [number | null]>;
}

defineOp({
  name: 'OneHot',
  signature:
    'indices: TI, depth: int32, on_value: T, off_value: T -> output: T | axis: int = -1, T: type, TI: {uint8, int8, int32, int64} = DT_INT64',
  infer: (op) => {
    const [x, depthTensor, on, off] = op.inputs;
    const bad = [depthTensor, on, off].find(({ shape }) => shape !== null && shape.length > 0);
    if (bad) throw shapeError(op, 'depth, on_value and off_value must be scalars', [bad]);
    const depth = constantNumber(depthTensor);
    if (depth !== null && depth < 0) throw argumentError(op, `the depth ${depth} is negative`);
    if (x.shape === null) return [null];
    return [inserted(x.shape, axisIn(op, op.intAttr('axis'), x.shape.length + 1), depth)] as readonly Shape[];
  },
  lower: ({ op, inputs: [x, , on, off], value }) => {
    const depth = numbers(value(1))[0]!;
    if (depth < 0) throw argumentError(op, `the depth ${depth} is negative`);
    const axis = axisIn(op, op.intAttr('axis'), x.shape.length + 1);
    // Compared in a type that holds both the index and the depth.
    const wide: DType = x.dtype === 'int64' ? 'int64' : 'int32';
    const at = (index: readonly Expr[]): Expr =>
      select(bin('eq', cast(x.at(without(index, axis)), wide), cast(index[axis]!, wide)), on.at([]), off.at([]));
    return [lazy(on.dtype, inserted(x.shape, axis, depth), at)];
  },
  grad: 'none',
  batch: batchOneHot,
  effect: 'pure',
  samples: [
    { inputs: [{ value: [0, 2, -1], dtype: 'int64' }, { value: 3, dtype: 'int32' }, { value: 1 }, { value: 0 }] },
    {
      inputs: [
        { value: [[1], [0]], dtype: 'int32' },
        { value: 2, dtype: 'int32' },
        { value: 5, dtype: 'int32' },
        { value: -1, dtype: 'int32' },
      ],
      attrs: { axis: 0 },
    },
    {
      inputs: [
        { value: 1, dtype: 'uint8' },
        { value: 300, dtype: 'int32' },
        { value: 2, dtype: 'float64' },
        { value: 0, dtype: 'float64' },
      ],
    },
  ],
});

export interface OneHotOptions<D extends DType = DType> extends OpOptions {
  /** The value at the index; 1 by default. */
  readonly onValue?: Operand;
  /** The value elsewhere; 0 by default. */
  readonly offValue?: Operand;
  /** The position of the new axis; the last by default. */
  readonly axis?: number;
  /** By default that of `onValue` or `offValue`, else float32. */
  readonly dtype?: D;
}

/** The dtype of the first operand there is, tensors before data. */
function dtypeOfFirst(operands: readonly (Operand | undefined)[]): DType {
  for (const operand of operands) if (operand instanceof Tensor || isConvertible(operand)) return operand.dtype;
  const data = operands.find((operand) => operand !== undefined);
  return data === undefined ? 'float32' : NDArray.from(data as TensorData).dtype;
}

/**
 * For each index a vector of length `depth` that is 1 there and 0 elsewhere (TensorFlow `tf.one_hot`); an index outside
 * [0, depth) gives zeros only.
 * @throws InvalidArgumentError for a negative depth
 * @example
 * oneHot([1, 0], 3); // [[0, 1, 0], [1, 0, 0]]
 */
export function oneHot<D extends DType = DType>(
  indexes: IndexOperand,
  depth: IndexOperand,
  options: OneHotOptions<D> = {},
): Tensor<D> {
  const dtype = options.dtype ?? dtypeOfFirst([options.onValue, options.offValue]);
  const value = (operand: Operand | undefined, fallback: 0 | 1, name: string): Operand => {
    if (operand === undefined) return namedConstant(dtype === 'bool' ? fallback === 1 : fallback, dtype, name);
    return operand instanceof Tensor || isConvertible(operand) ? operand : namedConstant(operand, dtype, 'Const');
  };
  const operands = [
    indices(indexes, 'indices'),
    indices(depth, 'depth'),
    value(options.onValue, 1, 'on_value'),
    value(options.offValue, 0, 'off_value'),
  ];
  return one('OneHot', operands, { axis: options.axis ?? -1 }, named(options, 'one_hot')) as Tensor<D>;
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    oneHot<O extends DType = DType>(depth: IndexOperand, options?: OneHotOptions<O>): Tensor<O>;
  }
}
installMethods({ oneHot });
