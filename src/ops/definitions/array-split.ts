/** One tensor taken apart into several along an axis. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import type { Dim, Shape } from '../../graph/shape.js';
import { nameScope } from '../../graph/scopes.js';
import { Tensor } from '../../graph/tensor.js';
import { perRow, rowwise, rowwiseWith, shiftedAxis } from '../batching/operands.js';
import { convertToTensor, many, one } from '../call.js';
import { composed } from '../compose.js';
import { bin, int, lazy, type Lazy } from '../expr.js';
import {
  constantNumber,
  indices,
  isMixed,
  named,
  numbers,
  packed,
  partialVector,
  type IndexOperand,
} from '../indexing.js';
import { IndexedSlices } from '../indexed-slices.js';
import { installMethods } from '../methods.js';
import { defineOp, type Gradient, type OpView } from '../opdef.js';
import {
  argumentError,
  axisIn,
  inserted,
  lengthOf,
  replaced,
  requireRank,
  shapeError,
  unknownDims,
  without,
} from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';

/** The pieces of `x` of the given sizes along `axis`. */
function pieces(x: Lazy, axis: number, sizes: readonly number[]): readonly Lazy[] {
  let end = 0;
  return sizes.map((size) => {
    const start = end;
    end += size;
    const shift = int(start);
    return lazy(x.dtype, replaced(x.shape, axis, size), (index) =>
      x.at(replaced(index, axis, bin('add', index[axis]!, shift))),
    );
  });
}

/** The same shape for each output. */
function each(op: OpView, shape: Shape): readonly Shape[] {
  return op.outputs.map(() => shape);
}

/** The size of each of `count` equal parts. @throws InvalidArgumentError where there is a rest */
function evenPart(op: OpView, dim: number, count: number): number {
  if (dim % count !== 0) throw argumentError(op, `an axis of size ${dim} cannot be split into ${count} equal parts`);
  return dim / count;
}

defineOp({
  name: 'Split',
  signature: 'split_dim: int32, value: T -> output: num_split * T | num_split: int >= 1, T: type',
  infer: (op) => {
    const [axisTensor, x] = op.inputs;
    const axis = constantNumber(axisTensor);
    if (x.shape === null) return each(op, null);
    if (axis === null) return each(op, unknownDims(x.shape.length));
    const at = axisIn(op, axis, x.shape.length);
    const dim = x.shape[at]!;
    return each(op, replaced<Dim>(x.shape, at, dim === null ? null : evenPart(op, dim, op.intAttr('num_split'))));
  },
  lower: ({ op, inputs: [, x], value }) => {
    const count = op.intAttr('num_split');
    const axis = axisIn(op, numbers(value(0))[0]!, x.shape.length);
    return pieces(x, axis, new Array<number>(count).fill(evenPart(op, x.shape[axis]!, count)));
  },
  grad: ({ inputs: [axis], outputs }, dys) => [null, joined(dys.slice(0, outputs.length), axis)],
  batch: rowwise(perRow.axes, perRow.data),
  effect: 'pure',
  samples: [
    { inputs: [{ value: 1, dtype: 'int32' }, [2, 6]], attrs: { num_split: 3 } },
    {
      inputs: [
        { value: -2, dtype: 'int32' },
        { shape: [4, 1], dtype: 'float64' },
      ],
      attrs: { num_split: 2 },
    },
    { inputs: [{ value: 0, dtype: 'int32' }, [3]], attrs: { num_split: 1 } },
  ],
});

/** The gradients put together again; a single one is only passed on. */
function joined(dys: readonly Gradient[], axis: Tensor): Gradient {
  const [dy] = dys as [Gradient];
  if (dys.length > 1) return one('ConcatV2', [dys, axis], {}, { name: 'concat' });
  if (dy instanceof Tensor) return one('Identity', [dy], {}, { name: 'concat/concat' });
  const pass = (part: Tensor) => one('Identity', [part]);
  return nameScope(
    'concat',
    () => new IndexedSlices(pass(dy.values), pass(dy.indices), dy.denseShape && pass(dy.denseShape)),
    axis.graph.receiver,
  );
}

/** The sizes of the pieces, one of which may be -1 or unknown: the rest. */
function resolvedSizes(op: OpView, sizes: readonly (number | null)[], dim: Dim): readonly Dim[] {
  const open = sizes.filter((size) => size === -1).length;
  const bad = sizes.find((size) => size !== null && size < -1);
  if (open > 1 || bad !== undefined)
    throw argumentError(
      op,
      `[${sizes.map((size) => size ?? '?').join(', ')}] are no sizes: they must not be negative, and only one may be -1`,
    );
  const sum = sizes.reduce<number>((total, size) => total + Math.max(size ?? 0, 0), 0);
  const partly = sizes.includes(null);
  if (dim !== null && (sum > dim || (!partly && open === 0 && sum !== dim))) {
    throw argumentError(op, `the sizes [${sizes.map((size) => size ?? '?').join(', ')}] do not add up to ${dim}`);
  }
  return sizes.map((size) => (size === -1 ? (dim === null || partly ? null : dim - sum) : size));
}

defineOp({
  name: 'SplitV',
  signature:
    'value: T, size_splits: Tlen, split_dim: int32 -> output: num_split * T | num_split: int >= 1, T: type, Tlen: {int8, int32, int64} = DT_INT64',
  infer: (op) => {
    const [x, sizesTensor, axisTensor] = op.inputs;
    requireRank(op, sizesTensor, 1, 'the list of sizes');
    const count = op.intAttr('num_split');
    const length = lengthOf(sizesTensor);
    if (length !== null && length !== count) throw shapeError(op, `there must be ${count} sizes`, [sizesTensor]);
    const axis = constantNumber(axisTensor);
    if (x.shape === null) return each(op, null);
    if (axis === null) return each(op, unknownDims(x.shape.length));
    const at = axisIn(op, axis, x.shape.length);
    const sizes = partialVector(sizesTensor) ?? new Array<null>(count).fill(null);
    return resolvedSizes(op, sizes, x.shape[at]!).map((size) => replaced<Dim>(x.shape!, at, size));
  },
  lower: ({ op, inputs: [x], value }) => {
    const axis = axisIn(op, numbers(value(2))[0]!, x.shape.length);
    return pieces(x, axis, resolvedSizes(op, numbers(value(1)), x.shape[axis]!) as readonly number[]);
  },
  grad: ({ inputs: [, , axis], outputs }, dys) => [joined(dys.slice(0, outputs.length), axis), null, null],
  batch: rowwise(perRow.data, perRow.same, perRow.axes),
  effect: 'pure',
  samples: [
    { inputs: [[2, 6], { value: [1, -1, 2], dtype: 'int32' }, { value: 1, dtype: 'int32' }], attrs: { num_split: 3 } },
    {
      inputs: [
        { shape: [4, 1], dtype: 'float64' },
        { value: [3, 1], dtype: 'int64' },
        { value: -2, dtype: 'int32' },
      ],
      attrs: { num_split: 2 },
    },
    { inputs: [[3], { value: [3, 0], dtype: 'int32' }, { value: 0, dtype: 'int32' }], attrs: { num_split: 2 } },
  ],
});

export interface SplitOptions extends OpOptions {
  /** The axis to split along; 0 by default. */
  readonly axis?: IndexOperand;
  /** How many pieces there are, where `numOrSizeSplits` is a tensor of unknown length. */
  readonly num?: number;
}

/**
 * The parts of `value` along an axis (TensorFlow `tf.split`): so many equal ones, or ones of the given sizes, one of
 * which may be -1 for what is left.
 * @throws InvalidArgumentError where the axis cannot be split that way
 * @example
 * split(constant([1, 2, 3, 4]), 2); // [[1, 2], [3, 4]]
 * split(constant([1, 2, 3, 4]), [1, -1]); // [[1], [2, 3, 4]]
 */
export function split<X extends Operand>(
  value: X,
  numOrSizeSplits: IndexOperand,
  options: SplitOptions = {},
): readonly Tensor<DTypeOf<X>>[] {
  const made = composed([value], () => {
    const axis = indices(options.axis ?? 0, 'split_dim');
    return typeof numOrSizeSplits === 'number'
      ? many('Split', [axis, value], { num_split: numOrSizeSplits }, named(options, 'split'))
      : splitBySizes(value, numOrSizeSplits, axis, options);
  });
  return made as readonly Tensor<DTypeOf<X>>[];
}

function splitBySizes(value: Operand, sizes: IndexOperand, axis: Operand, options: SplitOptions): readonly Tensor[] {
  const x = convertToTensor(value);
  const operand = x.graph.receiver.asDefault(() =>
    isMixed(sizes) ? packed(sizes, 'packed').toTensor() : convertToTensor(indices(sizes, 'size_splits')),
  );
  if (operand.shape?.length === 0)
    throw new InvalidArgumentError(
      'split: the sizes must be a number or a vector, not a scalar tensor.',
      operand.op.details(),
    );
  const count = options.num ?? lengthOf(operand);
  if (count === null)
    throw new InvalidArgumentError(
      `split: the length of '${operand.name}' is not known: pass num.`,
      operand.op.details(),
    );
  return many('SplitV', [x, operand, axis], { num_split: count }, named(options, 'split'));
}

defineOp({
  name: 'Unpack',
  signature: 'value: T -> output: num * T | num: int >= 0, T: type, axis: int = 0',
  infer: (op) => {
    const [x] = op.inputs;
    if (x.shape === null) return each(op, null);
    const axis = axisIn(op, op.intAttr('axis'), x.shape.length);
    const dim = x.shape[axis]!;
    if (dim !== null && dim !== op.intAttr('num'))
      throw shapeError(op, `axis ${axis} has size ${dim}, not ${op.intAttr('num')}`);
    return each(op, without(x.shape, axis));
  },
  lower: ({ op, inputs: [x] }) => {
    const axis = axisIn(op, op.intAttr('axis'), x.shape.length);
    const count = op.intAttr('num');
    if (x.shape[axis] !== count) throw argumentError(op, `axis ${axis} has size ${x.shape[axis]}, not ${count}`);
    return op.outputs.map((_, k) =>
      lazy(x.dtype, without(x.shape, axis), (index) => x.at(inserted(index, axis, int(k)))),
    );
  },
  grad: (op, dys) => [one('Pack', [dys.slice(0, op.outputs.length)], { axis: op.intAttr('axis') }, { name: 'stack' })],
  batch: rowwiseWith((op) => ({ axis: shiftedAxis(op.intAttr('axis')) }), perRow.data),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]], attrs: { num: 2 } },
    { inputs: [{ shape: [2, 3], dtype: 'float64' }], attrs: { num: 3, axis: -1 } },
    { inputs: [{ value: [1, 2], dtype: 'int32' }], attrs: { num: 2 } },
  ],
});

export interface UnstackOptions extends OpOptions {
  /** The size of the axis, where it is not known statically. */
  readonly num?: number;
  /** The axis to take apart; 0 by default. */
  readonly axis?: number;
}

/**
 * The parts of `value` at each index of an axis, without that axis (TensorFlow `tf.unstack`).
 * @throws InvalidArgumentError where the size of the axis is not known and `num` is not given
 * @example
 * unstack(constant([[1, 2], [3, 4]]), { axis: 1 }); // [[1, 3], [2, 4]]
 */
export function unstack<X extends Operand>(value: X, options: UnstackOptions = {}): readonly Tensor<DTypeOf<X>>[] {
  const x = convertToTensor(value);
  const axis = options.axis ?? 0;
  const count = options.num ?? (x.shape === null ? null : x.shape[axisOf(x, axis)]!);
  if (count === null) {
    throw new InvalidArgumentError(
      `unstack: the size of axis ${axis} of '${x.name}' is not known: pass num.`,
      x.op.details(),
    );
  }
  return many('Unpack', [x], { num: count, axis }, named(options, 'unstack')) as readonly Tensor<DTypeOf<X>>[];
}

function axisOf(x: Tensor, axis: number): number {
  const rank = x.shape!.length;
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw new InvalidArgumentError(`unstack: axis ${axis} of '${x.name}' is not in [${-rank}, ${rank}).`, x.op.details());
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    split(numOrSizeSplits: IndexOperand, options?: SplitOptions): readonly Tensor<D>[];
    unstack(options?: UnstackOptions): readonly Tensor<D>[];
  }
}
installMethods({ split, unstack });
