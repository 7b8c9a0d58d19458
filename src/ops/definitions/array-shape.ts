/** What the shape of a tensor is, as a tensor. */
import type { DType } from '../../graph/dtype.js';
import { numElements, isFullyDefined, sizeOf, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchRank, batchShape, batchSize } from '../batching/shapes.js';
import { convertToTensor, many, one } from '../call.js';
import { composed } from '../compose.js';
import { scalar } from '../elementwise.js';
import { int, known, lazy, literal, type Expr, type Lazy } from '../expr.js';
import { NDArray } from '../../graph/ndarray.js';
import { installMethods } from '../methods.js';
import { defineOp } from '../opdef.js';
import { constantBeside } from '../rules.js';
import { choose } from '../shape-rules.js';
import type { Operand, OpOptions } from '../types.js';

/** The dtype of a shape, size or index. */
export type IndexDType = 'int32' | 'int64';

/** Where the result is an integer. */
export interface OutTypeOptions<D extends IndexDType = IndexDType> extends OpOptions {
  /** int32 by default. */
  readonly outType?: D;
}

/** A size as an element; NaN stands for one that is not known yet. */
function sizeLiteral(size: number, dtype: DType): Expr {
  return literal(dtype === 'int64' && !Number.isNaN(size) ? BigInt(size) : size, dtype);
}

function shapeVector(x: Lazy, dtype: DType): Lazy {
  if (!x.shape.some(Number.isNaN)) return known(NDArray.from(x.shape, dtype));
  const ends = x.shape.map((_, axis) => axis + 1);
  return lazy(dtype, [x.shape.length], ([i]) => choose(i!, ends, (axis) => sizeLiteral(x.shape[axis]!, dtype)));
}

defineOp({
  name: 'Shape',
  signature: 'input: T -> output: out_type | T: type, out_type: {int32, int64} = DT_INT32',
  infer: ({ inputs: [x] }) => [[x.shape?.length ?? null]],
  lower: ({ op, inputs: [x] }) => [shapeVector(x, op.outputs[0].dtype)],
  grad: 'none',
  batch: batchShape,
  effect: 'pure',
  samples: [{ inputs: [[2, 3]] }, { inputs: [[]] }, { inputs: [[0, 4]], attrs: { out_type: 'int64' } }],
});
/**
 * The shape of `x` as a vector (TensorFlow `tf.shape`): int32, or what `outType` says. Where the static shape is fully
 * known it is a constant.
 * @example
 * shape(constant([[1, 2, 3]])); // [1, 3]
 */
export function shape<D extends IndexDType = 'int32'>(
  x: Operand,
  options: OutTypeOptions<D> = {},
): Tensor<D, [number]> {
  const dtype = options.outType ?? 'int32';
  const result = composed([x], () => {
    const tensor = convertToTensor(x);
    return isFullyDefined(tensor.shape)
      ? constantBeside(tensor, tensor.shape, dtype, options.name ?? 'Shape')
      : one('Shape', [tensor], { out_type: dtype }, options);
  });
  return result as Tensor<D, [number]>;
}

defineOp({
  name: 'ShapeN',
  signature: 'input: N * T -> output: N * out_type | N: int >= 1, T: type, out_type: {int32, int64} = DT_INT32',
  infer: ({ inputs }) => inputs.map((x) => [x.shape?.length ?? null]),
  lower: ({ op, inputs }) => op.outputs.map((output, i) => shapeVector(inputs[i]!, output.dtype)),
  grad: 'none',
  batch: batchShape,
  effect: 'pure',
  samples: [{ inputs: [{ list: [[2, 3], [4]] }] }, { inputs: [{ list: [[]] }], attrs: { out_type: 'int64' } }],
});
/**
 * The shapes of several tensors, made by one node (TensorFlow `tf.shape_n`).
 * @example
 * shapeN([constant([1, 2]), constant([[3]])]); // [[2], [1, 1]]
 */
export function shapeN<D extends IndexDType = 'int32'>(
  input: readonly Operand[],
  options: OutTypeOptions<D> = {},
): readonly Tensor<D, [number]>[] {
  return many('ShapeN', [input], { out_type: options.outType ?? 'int32' }, options) as readonly Tensor<D, [number]>[];
}

defineOp({
  name: 'Size',
  signature: 'input: T -> output: out_type | T: type, out_type: {int32, int64} = DT_INT32',
  infer: scalar,
  lower: ({ op, inputs: [x] }) => [
    lazy(op.outputs[0].dtype, [], () => sizeLiteral(sizeOf(x.shape), op.outputs[0].dtype)),
  ],
  grad: 'none',
  batch: batchSize,
  effect: 'pure',
  samples: [{ inputs: [[2, 3]] }, { inputs: [[]] }, { inputs: [[0, 4]], attrs: { out_type: 'int64' } }],
});
/**
 * How many elements `x` has, as a scalar (TensorFlow `tf.size`): int32, or what `outType` says. Where it is known it is
 * a constant.
 * @example
 * size(constant([[1, 2, 3]])); // 3
 */
export function size<D extends IndexDType = 'int32'>(x: Operand, options: OutTypeOptions<D> = {}): Tensor<D, []> {
  const dtype = options.outType ?? 'int32';
  const result = composed([x], () => {
    const tensor = convertToTensor(x);
    const count = numElements(tensor.shape);
    return count === null
      ? one('Size', [tensor], { out_type: dtype }, options)
      : constantBeside(tensor, count, dtype, options.name ?? 'Size');
  });
  return result as Tensor<D, []>;
}

defineOp({
  name: 'Rank',
  signature: 'input: T -> output: int32 | T: type',
  infer: scalar,
  lower: ({ inputs: [x] }) => [lazy('int32', [], () => int(x.shape.length))],
  grad: 'none',
  batch: batchRank,
  effect: 'pure',
  samples: [{ inputs: [[2, 3]] }, { inputs: [[]] }],
});
/**
 * How many axes `x` has, as an int32 scalar (TensorFlow `tf.rank`). Where it is known it is a constant.
 * @example
 * rank(constant([[1, 2, 3]])); // 2
 */
export function rank(x: Operand, options: OpOptions = {}): Tensor<'int32', []> {
  const result = composed([x], () => {
    const tensor = convertToTensor(x);
    return tensor.shape === null
      ? one('Rank', [tensor], {}, options)
      : constantBeside(tensor, tensor.shape.length, 'int32', options.name ?? 'Rank');
  });
  return result as Tensor<'int32', []>;
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    size<O extends IndexDType = 'int32'>(options?: OutTypeOptions<O>): Tensor<O, []>;
    rank(options?: OpOptions): Tensor<'int32', []>;
  }
}
installMethods({ size, rank });
