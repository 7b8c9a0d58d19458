/** Sums, differences and products, with broadcasting. */
import type { DType } from '../../graph/dtype.js';
import { formatShape, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchBroadcasting, perRow, rowwise } from '../batching/operands.js';
import { reduceToOperands, sameKnownShape } from '../broadcast-gradient.js';
import { convertToTensor, one } from '../call.js';
import { broadcasting, map, pointwise, unchanged, zip } from '../elementwise.js';
import { bin, lazy, un, type Expr } from '../expr.js';
import { binary, commonShape, named, numberDTypes, unary, type Joined, type Like } from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp } from '../opdef.js';
import { conj, negated } from '../rules.js';
import { shapeError } from '../shape-rules.js';
import type { Broadcastable, DTypeOf, OpOptions, Operand, ShapeOf } from '../types.js';

defineOp({
  name: 'AddV2',
  signature: `x: T, y: T -> z: T | T: ${numberDTypes}`,
  infer: broadcasting,
  lower: zip((x, y) => bin('add', x, y)),
  grad: ({ inputs: [x, y] }, [dy]) => (sameKnownShape(x, y, dy) ? [dy, dy] : reduceToOperands(x, y, dy, dy)),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    { inputs: [[2, 3], [3]] },
    {
      inputs: [
        [2, 1],
        [1, 3],
      ],
    },
    {
      inputs: [
        { shape: [], dtype: 'float64' },
        { shape: [0, 2], dtype: 'float64' },
      ],
    },
    {
      inputs: [
        { value: [1, 2147483647], dtype: 'int32' },
        { value: [2, 1], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64' },
        { shape: [2], dtype: 'complex64' },
      ],
    },
  ],
});
/**
 * `x + y`, element by element with broadcasting (TensorFlow `tf.add`). Both have the same number dtype; data takes the
 * dtype of the tensor beside it.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * add(constant([1, 2]), 10); // [11, 12]
 */
export function add<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('AddV2', x, y, named('Add', options));
}

const total = (terms: readonly Expr[]): Expr => terms.reduce((sum, x) => bin('add', sum, x));

defineOp({
  name: 'AddN',
  signature:
    'inputs: N * T -> sum: T | N: int >= 1, T: {float, double, int32, uint8, int16, int8, complex64, int64, bfloat16, uint16, complex128, half, uint32, uint64, variant}',
  infer: commonShape,
  lower: pointwise(({ op, inputs }) => {
    const terms = inputs.slice(0, op.inputs.length);
    const [shape] = terms.map((term) => term.shape) as [readonly number[]];
    const odd = terms.find((term) => term.shape.join() !== shape.join());
    if (odd)
      throw shapeError(
        op,
        `all inputs must have one shape, not ${formatShape(shape)} and ${formatShape(odd.shape)}`,
        [],
      );
    return [lazy(inputs[0].dtype, inputs[0].shape, (index) => total(terms.map((x) => x.at(index))))];
  }, total),
  grad: ({ inputs }, [dy]) => inputs.map(() => dy),
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    {
      inputs: [
        {
          list: [
            [2, 3],
            [2, 3],
            [2, 3],
          ],
        },
      ],
    },
    { inputs: [{ list: [[]] }] },
    {
      inputs: [
        {
          list: [
            { shape: [2], dtype: 'float64' },
            { shape: [2], dtype: 'float64' },
          ],
        },
      ],
    },
  ],
});
/**
 * The sum of tensors of one shape and dtype, added from left to right (TensorFlow `tf.add_n`). A single tensor is its own
 * sum.
 * @throws ShapeError where the shapes differ: there is no broadcasting
 * @example
 * addN([constant([1, 2]), constant([3, 4]), constant([5, 6])]); // [9, 12]
 */
export function addN<X extends Operand>(inputs: readonly X[], options?: OpOptions): Tensor<DTypeOf<X>, ShapeOf<X>> {
  const [only] = inputs;
  if (inputs.length !== 1) return one('AddN', [inputs], {}, options) as Tensor<DTypeOf<X>, ShapeOf<X>>;
  const tensor = convertToTensor(only as Operand);
  return (options?.name === undefined ? tensor : one('Identity', [tensor], {}, options)) as Tensor<
    DTypeOf<X>,
    ShapeOf<X>
  >;
}

defineOp({
  name: 'Sub',
  signature: `x: T, y: T -> z: T | T: ${numberDTypes}`,
  infer: broadcasting,
  lower: zip((x, y) => bin('sub', x, y)),
  grad: ({ inputs: [x, y] }, [dy]) =>
    sameKnownShape(x, y, dy) ? [dy, negated(dy)] : reduceToOperands(x, y, dy, negated(dy)),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    { inputs: [[3], [2, 1]] },
    { inputs: [[2, 3], { shape: [] }] },
    {
      inputs: [
        { value: [1, 2], dtype: 'int64' },
        { value: [5, 7], dtype: 'int64' },
      ],
    },
  ],
});
/**
 * `x - y`, element by element with broadcasting (TensorFlow `tf.subtract`). Both have the same number dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * subtract(constant([1, 2]), 10); // [-9, -8]
 */
export function subtract<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('Sub', x, y, options);
}

defineOp({
  name: 'Mul',
  signature: `x: T, y: T -> z: T | T: ${numberDTypes}`,
  infer: broadcasting,
  lower: zip((x, y) => bin('mul', x, y)),
  grad: ({ inputs: [x, y] }, [dy]) => {
    if (sameKnownShape(x, y, dy) && (dy.dtype === 'float32' || dy.dtype === 'int32'))
      return [one('Mul', [dy, y]), one('Mul', [dy, x])];
    return reduceToOperands(x, y, one('Mul', [dy, conj(y)]), one('Mul', [conj(x), dy]));
  },
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    {
      inputs: [
        [2, 3],
        [1, 3],
      ],
    },
    {
      inputs: [
        { shape: [2, 1], dtype: 'float64' },
        { shape: [2], dtype: 'float64' },
      ],
    },
    {
      inputs: [
        { shape: [3], dtype: 'complex128' },
        { shape: [3], dtype: 'complex128' },
      ],
    },
    {
      inputs: [
        { value: [65537, -3], dtype: 'int32' },
        { value: [65537, 2], dtype: 'int32' },
      ],
    },
  ],
});
/**
 * `x * y`, element by element with broadcasting (TensorFlow `tf.multiply`). Both have the same number dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * multiply(constant([[1], [2]]), [10, 20]); // [[10, 20], [20, 40]]
 */
export function multiply<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('Mul', x, y, options);
}

defineOp({
  name: 'Neg',
  signature: 'x: T -> y: T | T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}',
  infer: unchanged,
  lower: map((x) => un('neg', x)),
  grad: (_op, [dy]) => [negated(dy)],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [0, 3], dtype: 'float64' }] },
    { inputs: [{ value: [1, -2147483648], dtype: 'int32' }] },
    { inputs: [{ shape: [2], dtype: 'complex64' }] },
  ],
});
/**
 * `-x` (TensorFlow `tf.negative`). Any signed number dtype.
 * @throws DTypeError for an unsigned, bool or string tensor
 * @example
 * negative(constant([1, -2])); // [-1, 2]
 */
export function negative<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Neg', x, options);
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    add<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
    subtract<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
    multiply<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
    negative(options?: OpOptions): Tensor<D, S>;
  }
}
installMethods({ add, subtract, multiply, negative });
