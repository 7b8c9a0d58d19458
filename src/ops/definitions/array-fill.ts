/** Tensors made of one value or of equal steps. */
import { dtypeInfo, type DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { NDArray } from '../../graph/ndarray.js';
import { isFullyDefined, sizeOf, type Shape } from '../../graph/shape.js';
import { Tensor } from '../../graph/tensor.js';
import { perRow, rowwise } from '../batching/operands.js';
import { batchFill } from '../batching/shapes.js';
import { allAxes, firstIntegers } from '../axes.js';
import { convertToTensor, isConvertible, one } from '../call.js';
import { composed } from '../compose.js';
import { map, unchanged } from '../elementwise.js';
import { lazy, un, type Expr } from '../expr.js';
import {
  deferred,
  dense,
  indices,
  isMixed,
  namedConstant,
  numbers,
  packed,
  partialVector,
  type IndexOperand,
} from '../indexing.js';
import type { AsShape } from '../literals.js';
import { installMethods } from '../methods.js';
import { defineOp, type Lowering, type OpView } from '../opdef.js';
import { constantBeside } from '../rules.js';
import { argumentError, constantOf, lengthOf, requireRank, shapeError, unknownDims } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions, ShapeOf } from '../types.js';

/** @throws InvalidArgumentError for a negative size */
function checkedDims(op: OpView, dims: readonly number[]): readonly number[] {
  const bad = dims.find((dim) => dim < 0);
  if (bad !== undefined) throw argumentError(op, `${bad} in the shape [${dims.join(', ')}] is negative`);
  return dims;
}

/** The static shape that a vector of dimensions describes. */
function shapeFrom(op: OpView, dims: Tensor): Shape {
  requireRank(op, dims, 1, 'the shape');
  const known = partialVector(dims);
  const length = lengthOf(dims);
  if (known === null) return length === null ? null : unknownDims(length);
  checkedDims(
    op,
    known.filter((dim) => dim !== null),
  );
  return known;
}

defineOp({
  name: 'Fill',
  signature: 'dims: index_type, value: T -> output: T | T: type, index_type: {int32, int64} = DT_INT32',
  infer: (op) => {
    const [dims, value] = op.inputs;
    if (value.shape !== null && value.shape.length > 0) throw shapeError(op, 'the value must be a scalar', [value]);
    return [shapeFrom(op, dims)];
  },
  lower: ({ op, inputs: [, x], value }) => [lazy(x.dtype, checkedDims(op, numbers(value(0))), () => x.at([]))],
  grad: (op, [dy]) => {
    const rank = op.outputs[0].shape?.length ?? 0;
    const axes = rank > 0 ? constantBeside(dy, firstIntegers(rank), 'int32') : allAxes(dense(dy));
    return [null, one('Sum', [dy, axes], { keep_dims: false })];
  },
  batch: batchFill,
  effect: 'pure',
  samples: [
    { inputs: [{ value: [2, 3], dtype: 'int32' }, []] },
    {
      inputs: [
        { value: [0, 2], dtype: 'int64' },
        { shape: [], dtype: 'float64' },
      ],
    },
    { inputs: [{ value: [], dtype: 'int32' }, []] },
    {
      inputs: [
        { value: [2], dtype: 'int32' },
        { value: true, dtype: 'bool' },
      ],
    },
  ],
});

/** The static shape that literal dimensions give. */
export type FilledShape<T> = T extends number
  ? [T]
  : T extends readonly number[]
    ? number extends T['length']
      ? Shape
      : AsShape<T>
    : Shape;

/**
 * A tensor of shape `dims` whose every element is `value`, a scalar (TensorFlow `tf.fill`).
 * @throws ShapeError where `value` is no scalar
 * @example
 * fill([2, 2], 9); // [[9, 9], [9, 9]]
 */
export function fill<const T extends IndexOperand, X extends Operand>(
  dims: T,
  value: X,
  options?: OpOptions,
): Tensor<DTypeOf<X>, FilledShape<T>> {
  return one('Fill', [indices(dims, 'dims'), value], {}, options) as never;
}

/** Where a constant has this many elements or more, a Fill keeps the graph small. */
const largeConstant = 1000;

type Filled = 0 | 1;

function scalarData(dtype: DType, value: Filled): number | boolean | string {
  const { kind } = dtypeInfo(dtype);
  return kind === 'bool' ? value === 1 : kind === 'string' ? '' : value;
}

/** A tensor full of zeros or ones, emitted as TensorFlow does: small ones as a constant. */
function filled(shape: IndexOperand, dtype: DType, value: Filled, name: string): Tensor {
  if (dtypeInfo(dtype).kind === 'string' && value === 1)
    throw new InvalidArgumentError('There is no string that is one.');
  const scalar = namedConstant(scalarData(dtype, value), dtype, 'Const');
  if (isMixed(shape)) return one('Fill', [packed(shape, 'packed'), scalar], {}, { name });
  if (shape instanceof Tensor || isConvertible(shape))
    return one('Fill', [asVector(shape as Tensor), scalar], {}, { name });
  const dims = numbers(NDArray.from(shape, 'int64'));
  const bad = dims.find((dim) => dim < 0);
  if (bad !== undefined)
    throw new InvalidArgumentError(`${name}: ${bad} in the shape [${dims.join(', ')}] is negative.`);
  if (sizeOf(dims) < largeConstant)
    return convertToTensor(
      NDArray.filled(dtype, dims, NDArray.from(scalarData(dtype, value), dtype).element(0)),
      dtype,
      name,
    );
  return one('Fill', [namedConstant(dims, 'int32', 'shape_as_tensor'), scalar], {}, { name });
}

/** A shape of one dimension may come as a scalar. */
function asVector(shape: Tensor): Operand {
  if (shape.shape !== null && shape.shape.length > 0) return shape;
  return deferred(shape.dtype, shape.graph, () => one('Reshape', [shape, indices([-1], 'shape')]));
}

export interface FillOptions<D extends DType = DType> extends OpOptions {
  /** float32 by default. */
  readonly dtype?: D;
}

/**
 * A tensor of zeros (TensorFlow `tf.zeros`); false for bool, empty for string.
 * @example
 * zeros([2, 2], { dtype: 'int32' }); // [[0, 0], [0, 0]]
 */
export function zeros<const T extends IndexOperand, D extends DType = 'float32'>(
  shape: T,
  options: FillOptions<D> = {},
): Tensor<D, FilledShape<T>> {
  return composed([shape as Operand], () =>
    filled(shape, options.dtype ?? 'float32', 0, options.name ?? 'zeros'),
  ) as never;
}

/**
 * A tensor of ones (TensorFlow `tf.ones`); true for bool.
 * @example
 * ones([3]); // [1, 1, 1]
 */
export function ones<const T extends IndexOperand, D extends DType = 'float32'>(
  shape: T,
  options: FillOptions<D> = {},
): Tensor<D, FilledShape<T>> {
  return composed([shape as Operand], () =>
    filled(shape, options.dtype ?? 'float32', 1, options.name ?? 'ones'),
  ) as never;
}

const constantLike =
  (value: Filled): Lowering =>
  ({ inputs: [x] }) => [lazy(x.dtype, x.shape, (): Expr => constantOf(x.dtype, value))];

const zerosBeside: Lowering = (view) =>
  view.inputs[0].dtype === 'variant' ? map((x) => un('zeros', x))(view) : constantLike(0)(view);

defineOp({
  name: 'ZerosLike',
  signature: 'x: T -> y: T | T: type',
  infer: unchanged,
  lower: zerosBeside,
  grad: 'none',
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ value: [true], dtype: 'bool' }] },
    { inputs: [{ shape: [0], dtype: 'complex64' }] },
  ],
});

defineOp({
  name: 'OnesLike',
  signature:
    'x: T -> y: T | T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64, complex64, complex128, bool}',
  infer: unchanged,
  lower: constantLike(1),
  grad: 'none',
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ value: [3, 4], dtype: 'int64' }] },
    { inputs: [{ shape: [2], dtype: 'complex64' }] },
  ],
});

function like(x: Operand, type: 'ZerosLike' | 'OnesLike', value: Filled, options: FillOptions, name: string): Tensor {
  const tensor = convertToTensor(x);
  const dtype = options.dtype ?? tensor.dtype;
  if (isFullyDefined(tensor.shape) && tensor.dtype !== 'variant') {
    const { shape } = tensor;
    return tensor.graph.receiver.asDefault(() => filled(shape as number[], dtype, value, name));
  }
  if (dtype === tensor.dtype) return one(type, [tensor], {}, { name });
  const shape = deferred('int32', tensor.graph, () => one('Shape', [tensor]));
  return one('Fill', [shape, namedConstant(scalarData(dtype, value), dtype, 'Const')], {}, { name });
}

/**
 * Zeros in the shape of `x` (TensorFlow `tf.zeros_like`), of its dtype unless `dtype` says otherwise. Where the shape is
 * fully known it is a constant.
 * @example
 * zerosLike(constant([1, 2])); // [0, 0]
 */
export function zerosLike<X extends Operand, D extends DType = DTypeOf<X>>(
  x: X,
  options: FillOptions<D> = {},
): Tensor<D, ShapeOf<X>> {
  return composed([x], () => like(x, 'ZerosLike', 0, options, options.name ?? 'zeros_like')) as never;
}

/**
 * Ones in the shape of `x` (TensorFlow `tf.ones_like`), of its dtype unless `dtype` says otherwise. Where the shape is
 * fully known it is a constant.
 * @example
 * onesLike(constant([5, 6])); // [1, 1]
 */
export function onesLike<X extends Operand, D extends DType = DTypeOf<X>>(
  x: X,
  options: FillOptions<D> = {},
): Tensor<D, ShapeOf<X>> {
  return composed([x], () => like(x, 'OnesLike', 1, options, options.name ?? 'ones_like')) as never;
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    zerosLike<O extends DType = D>(options?: FillOptions<O>): Tensor<O, S>;
    onesLike<O extends DType = D>(options?: FillOptions<O>): Tensor<O, S>;
  }
}
installMethods({ zerosLike, onesLike });
