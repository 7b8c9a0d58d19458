/** Several tensors put together along an axis they have, or along a new one. */
import type { DType } from '../../graph/dtype.js';
import { mergeShapes, type Dim, type Shape } from '../../graph/shape.js';
import { nameScope } from '../../graph/scopes.js';
import { getDefaultGraph } from '../../graph/graph.js';
import { NDArray, type TensorData } from '../../graph/ndarray.js';
import type { Tensor } from '../../graph/tensor.js';
import { perRow, rowwise, rowwiseWith, shiftedAxis } from '../batching/operands.js';
import { convertToTensor, many, one } from '../call.js';
import { bin, int, lazy, select, type Expr, type Lazy } from '../expr.js';
import {
  constantNumber,
  indices,
  isMixed,
  numbers,
  operandList,
  packed,
  type IndexOperand,
  type MixedList,
} from '../indexing.js';
import { defineOp, type OpView } from '../opdef.js';
import {
  argumentError,
  axisIn,
  choose,
  inserted,
  replaced,
  requireRank,
  shapeError,
  unknownDims,
  without,
  zeroOf,
} from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';
import { concatGradient } from './array-concat-gradient.js';

/** The ranks and dimensions that all of `tensors` share; those along `axis` come as null. */
function commonShape(op: OpView, tensors: readonly Tensor[], axis: number | null): Shape {
  let common: Shape = null;
  for (const tensor of tensors) {
    const dims: Shape = tensor.shape;
    const open: Shape =
      dims === null || axis === null
        ? dims && unknownDims(dims.length)
        : replaced(dims, axisIn(op, axis, dims.length), null);
    const merged = mergeShapes(common, open);
    if (merged === undefined) throw shapeError(op, 'the shapes do not fit together', tensors);
    common = merged;
  }
  return common;
}

function concatenatedShape(op: OpView): readonly Shape[] {
  const values = op.inputs.slice(0, -1);
  const axisTensor = op.inputs.at(-1)!;
  if (axisTensor.shape !== null && axisTensor.shape.length > 0)
    throw shapeError(op, 'the axis must be a scalar', [axisTensor]);
  const scalarValue = values.find((value) => value.shape?.length === 0);
  if (scalarValue) throw shapeError(op, 'scalars cannot be concatenated: use stack', [scalarValue]);
  const axis = constantNumber(axisTensor);
  const common = commonShape(op, values, axis);
  if (common === null || axis === null) return [common];
  const at = axisIn(op, axis, common.length);
  const total = values.reduce<Dim>((sum, { shape }) => {
    const dim: Dim = shape === null ? null : shape[at]!;
    return sum === null || dim === null ? null : sum + dim;
  }, 0);
  return [replaced<Dim>(common, at, total)];
}

/** The end of each piece along the axis on which they lie one after the other. */
function endsOf(sizes: readonly number[]): number[] {
  let end = 0;
  return sizes.map((size) => (end += size));
}

/** Run-time shapes that must agree except along `axis`. */
function checkPieces(op: OpView, pieces: readonly Lazy[], axis: number | null): void {
  const first = pieces[0]!.shape;
  for (const { shape } of pieces) {
    const fits = shape.length === first.length && shape.every((dim, i) => i === axis || dim === first[i]);
    if (!fits) throw shapeError(op, `shapes [${first.join(', ')}] and [${shape.join(', ')}] do not fit together`, []);
  }
}

defineOp({
  name: 'ConcatV2',
  signature: 'values: N * T, axis: Tidx -> output: T | N: int >= 2, T: type, Tidx: {int32, int64} = DT_INT32',
  infer: concatenatedShape,
  lower: ({ op, inputs, value }) => {
    const pieces = inputs.slice(0, -1);
    const axis = axisIn(op, numbers(value(pieces.length))[0]!, pieces[0]!.shape.length);
    checkPieces(op, pieces, axis);
    const filled = pieces.filter(({ shape }) => shape[axis] !== 0);
    const ends = endsOf(filled.map(({ shape }) => shape[axis]!));
    const shape = replaced(pieces[0]!.shape, axis, ends.at(-1) ?? 0);
    if (filled.length === 0) return [lazy(pieces[0]!.dtype, shape, () => zeroOf(pieces[0]!.dtype))];
    const piece = (index: readonly Expr[], k: number): Expr => {
      const start = ends[k]! - filled[k]!.shape[axis]!;
      return filled[k]!.at(replaced(index, axis, bin('sub', index[axis]!, int(start))));
    };
    return [lazy(pieces[0]!.dtype, shape, (index) => choose(index[axis]!, ends, (k) => piece(index, k)))];
  },
  grad: concatGradient,
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    {
      inputs: [
        {
          list: [
            [2, 3],
            [2, 1],
          ],
        },
        { value: 1, dtype: 'int32' },
      ],
    },
    {
      inputs: [
        {
          list: [
            { shape: [1, 2], dtype: 'float64' },
            { shape: [3, 2], dtype: 'float64' },
            { shape: [0, 2], dtype: 'float64' },
          ],
        },
        { value: -2, dtype: 'int64' },
      ],
    },
    {
      inputs: [
        {
          list: [
            { value: [1, 2], dtype: 'int32' },
            { value: [3], dtype: 'int32' },
          ],
        },
        { value: 0, dtype: 'int32' },
      ],
    },
    { inputs: [{ list: Array.from({ length: 17 }, () => [1, 2]) }, { value: 0, dtype: 'int32' }] },
  ],
});

/** The dtype of a list of operands: that of its first tensor. */
export type DTypeOfList<V> = V extends readonly [infer First, ...infer Rest]
  ? First extends { readonly dtype: infer D extends DType }
    ? D
    : Rest extends readonly []
      ? DTypeOf<First>
      : DTypeOfList<Rest>
  : V extends readonly (infer E)[]
    ? DTypeOf<E>
    : DType;

/**
 * `values` one after the other along `axis` (TensorFlow `tf.concat`). All must have one dtype, one rank of at least 1
 * and the same sizes along the other axes.
 * @throws ShapeError where the shapes do not fit together
 * @example
 * concat([[[1, 2]], [[3, 4]]], 0); // [[1, 2], [3, 4]]
 */
export function concat<const V extends readonly (Operand | MixedList)[]>(
  values: V,
  axis: IndexOperand,
  options?: OpOptions,
): Tensor<DTypeOfList<V>> {
  const name = options?.name ?? 'concat';
  const operands = operandList(values);
  if (operands.length !== 1)
    return one('ConcatV2', [operands, indices(axis, 'axis')], {}, { name }) as Tensor<DTypeOfList<V>>;
  const value = convertToTensor(operands[0]!);
  // As TensorFlow does: the axis is made a tensor, to be checked, and not used.
  return nameScope(
    name,
    () => {
      const dim = value.graph.receiver.asDefault(() =>
        convertToTensor(indices(axis, 'concat_dim'), undefined, 'concat_dim'),
      );
      if (dim.shape !== null && dim.shape.length > 0)
        throw argumentError(dim.op as OpView, 'the axis of concat must be a scalar');
      return one('Identity', [value], {}, { name: name.replace(/^.*\//, '') });
    },
    value.graph,
  ) as Tensor<DTypeOfList<V>>;
}

defineOp({
  name: 'ConcatOffset',
  signature:
    'concat_dim: int32, shape: N * shape_type -> offset: N * shape_type | N: int >= 2, shape_type: {int32, int64} = DT_INT32',
  infer: (op) => {
    const shapes = op.inputs.slice(1);
    for (const shape of shapes) requireRank(op, shape, 1, 'each shape');
    return shapes.map(({ shape }) => shape ?? [null]);
  },
  lower: ({ op, inputs, value }) => {
    const shapes = inputs.slice(1);
    const axis = int(axisIn(op, numbers(value(0))[0]!, shapes[0]!.shape[0]!));
    let before: Expr | null = null;
    return shapes.map((shape) => {
      const start = before;
      const size = shape.at([axis]);
      before = start ? bin('add', start, size) : size;
      const zero = zeroOf(shape.dtype);
      return lazy(shape.dtype, shape.shape, ([i]) => (start ? select(bin('eq', i!, axis), start, zero) : zero));
    });
  },
  grad: 'none',
  batch: 'loop',
  effect: 'pure',
  samples: [
    {
      inputs: [
        { value: 1, dtype: 'int32' },
        {
          list: [
            { value: [2, 3], dtype: 'int32' },
            { value: [2, 5], dtype: 'int32' },
            { value: [2, 1], dtype: 'int32' },
          ],
        },
      ],
    },
    {
      inputs: [
        { value: -1, dtype: 'int32' },
        {
          list: [
            { value: [4], dtype: 'int64' },
            { value: [2], dtype: 'int64' },
          ],
        },
      ],
    },
  ],
});
/**
 * Where each of several tensors of the given shapes begins in their concatenation (TensorFlow `tf.raw_ops.ConcatOffset`).
 * @example
 * concatOffset(1, [[2, 3], [2, 5]]); // [[0, 0], [0, 3]]
 */
export function concatOffset(
  concatDim: IndexOperand,
  shape: readonly IndexOperand[],
  options?: OpOptions,
): readonly Tensor<'int32' | 'int64'>[] {
  const shapes = shape.map((value, i) => indices(value, `shape_${i}`));
  return many('ConcatOffset', [indices(concatDim, 'concat_dim'), shapes], {}, options) as readonly Tensor<
    'int32' | 'int64'
  >[];
}

defineOp({
  name: 'Pack',
  signature: 'values: N * T -> output: T | N: int >= 1, T: type, axis: int = 0',
  infer: (op) => {
    let common: Shape = null;
    for (const { shape } of op.inputs) {
      const merged = mergeShapes(common, shape);
      if (merged === undefined) throw shapeError(op, 'tensors that are stacked must have the same shape', op.inputs);
      common = merged;
    }
    if (common === null) return [null];
    return [inserted<Dim>(common, axisIn(op, op.intAttr('axis'), common.length + 1), op.inputs.length)];
  },
  lower: ({ op, inputs }) => {
    const pieces = inputs.slice(0, op.inputs.length);
    checkPieces(op, pieces, null);
    const { dtype, shape } = pieces[0]!;
    const axis = axisIn(op, op.intAttr('axis'), shape.length + 1);
    const ends = pieces.map((_, i) => i + 1);
    return [
      lazy(dtype, inserted(shape, axis, pieces.length), (index) =>
        choose(index[axis]!, ends, (k) => pieces[k]!.at(without(index, axis))),
      ),
    ];
  },
  grad: (op, [dy]) => many('Unpack', [dy], { num: op.intAttr('N'), axis: op.intAttr('axis') }, { name: 'unstack' }),
  batch: rowwiseWith((op) => ({ axis: shiftedAxis(op.intAttr('axis')) }), perRow.data),
  effect: 'pure',
  samples: [
    { inputs: [{ list: [[2], [2], [2]] }] },
    {
      inputs: [
        {
          list: [
            { shape: [2, 3], dtype: 'float64' },
            { shape: [2, 3], dtype: 'float64' },
          ],
        },
      ],
      attrs: { axis: -1 },
    },
    { inputs: [{ list: [[]] }] },
    {
      inputs: [
        {
          list: [
            { value: 1, dtype: 'int32' },
            { value: 2, dtype: 'int32' },
          ],
        },
      ],
    },
  ],
});

export interface StackOptions extends OpOptions {
  /** The position of the new axis; 0 by default, negative from the end. */
  readonly axis?: number;
}

/**
 * `values`, all of one shape and dtype, as one tensor with one axis more (TensorFlow `tf.stack`).
 * @throws ShapeError where the shapes differ
 * @example
 * stack([constant([1, 2]), constant([3, 4])], { axis: 1 }); // [[1, 3], [2, 4]]
 */
export function stack<const V extends readonly (Operand | MixedList)[]>(
  values: V,
  options: StackOptions = {},
): Tensor<DTypeOfList<V>> {
  const axis = options.axis ?? 0;
  const name = options.name ?? 'stack';
  const make = (): Tensor => {
    if (axis !== 0) return one('Pack', [operandList(values)], { axis }, { name });
    if (isMixed(values)) return packed(values, name).toTensor();
    return getDefaultGraph().asDefault(() =>
      convertToTensor(NDArray.from(values as readonly unknown[] as TensorData), undefined, name),
    );
  };
  return make() as Tensor<DTypeOfList<V>>;
}
