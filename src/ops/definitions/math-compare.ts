/** Comparisons and logic: everything that gives truth values. No gradient flows through any of it. */
import type { DType } from '../../graph/dtype.js';
import { broadcastShapes, isFullyDefined, type Shape } from '../../graph/shape.js';
import { batchBroadcasting } from '../batching/operands.js';
import { one } from '../call.js';
import { broadcasting, map, unchanged, zip } from '../elementwise.js';
import { bin, lazy, literal, un, type BinaryOp } from '../expr.js';
import { comparison, realFloatDTypes, type Compared } from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp, type Lowering, type OpView, type Sample } from '../opdef.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Broadcastable, OpOptions, Operand, ShapeOf } from '../types.js';

const orderings = [
  ['Greater', 'gt'],
  ['GreaterEqual', 'ge'],
  ['Less', 'lt'],
  ['LessEqual', 'le'],
] as const;

const compared: readonly Sample[] = [
  { inputs: [{ value: [1, 2, 3] }, { value: [3, 2, 1] }] },
  { inputs: [{ value: [[1], [NaN]] }, { value: [1, 2] }] },
  {
    inputs: [
      { value: [-1, 5], dtype: 'int32' },
      { value: 2, dtype: 'int32' },
    ],
  },
  {
    inputs: [
      { value: [-1, 5], dtype: 'int64' },
      { value: [5, 5], dtype: 'int64' },
    ],
  },
];

for (const [name, op] of orderings) {
  defineOp({
    name,
    signature:
      'x: T, y: T -> z: bool | T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}',
    infer: broadcasting,
    lower: zip((x, y) => bin(op, x, y)),
    grad: 'none',
    batch: batchBroadcasting,
    effect: 'pure',
    samples: compared,
  });
}
/**
 * Where `x > y`, with broadcasting (TensorFlow `tf.greater`). Both have the same real number dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * greater(constant([1, 3]), 2); // [false, true]
 */
export function greater<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Compared<A, B> {
  return comparison<A, B>('Greater', x, y, options);
}
/**
 * Where `x >= y`, with broadcasting (TensorFlow `tf.greater_equal`). Both have the same real number dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * greaterEqual(constant([1, 2]), 2); // [false, true]
 */
export function greaterEqual<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Compared<A, B> {
  return comparison<A, B>('GreaterEqual', x, y, options);
}
/**
 * Where `x < y`, with broadcasting (TensorFlow `tf.less`). Both have the same real number dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * less(constant([1, 3]), 2); // [true, false]
 */
export function less<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Compared<A, B> {
  return comparison<A, B>('Less', x, y, options);
}
/**
 * Where `x <= y`, with broadcasting (TensorFlow `tf.less_equal`). Both have the same real number dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * lessEqual(constant([2, 3]), 2); // [true, false]
 */
export function lessEqual<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Compared<A, B> {
  return comparison<A, B>('LessEqual', x, y, options);
}

/** Without errors for shapes that do not fit, such operands count as unequal: a single truth value. */
function inferEquality(op: OpView): readonly Shape[] {
  if (op.boolAttr('incompatible_shape_error')) return broadcasting(op);
  const [x, y] = op.inputs;
  return [isFullyDefined(x.shape) && isFullyDefined(y.shape) ? (broadcastShapes(x.shape, y.shape) ?? []) : null];
}

function equality(op: BinaryOp, whenUnfit: 0 | 1): Lowering {
  const fitting = zip((x, y) => bin(op, x, y));
  return (view) => {
    const { op: node, inputs } = view;
    if (node.boolAttr('incompatible_shape_error') || broadcastShapes(inputs[0].shape, inputs[1].shape))
      return fitting(view);
    return [lazy('bool', [], () => literal(whenUnfit, 'bool'))];
  };
}

for (const [name, op, whenUnfit] of [
  ['Equal', 'eq', 0],
  ['NotEqual', 'ne', 1],
] as const) {
  defineOp({
    name,
    signature: 'x: T, y: T -> z: bool | T: type, incompatible_shape_error: bool = true',
    infer: inferEquality,
    lower: equality(op, whenUnfit),
    grad: 'none',
    // Shapes that do not fit may be an answer, which rows would not fit either.
    batch: (op, inputs, rows) => (op.boolAttr('incompatible_shape_error') ? batchBroadcasting(op, inputs, rows) : null),
    effect: 'pure',
    samples: [
      ...compared,
      { inputs: [{ value: [true, false] }, { value: true }] },
      {
        inputs: [
          { shape: [2], dtype: 'complex64' },
          { shape: [2], dtype: 'complex64' },
        ],
      },
      { inputs: [{ value: 2 }, { value: 2 }], attrs: { incompatible_shape_error: false } },
    ],
  });
}
/**
 * Where `x` and `y` are equal, with broadcasting (TensorFlow `tf.equal`). Both have the same dtype, any at all; NaN equals nothing.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * equal(constant([1, 2]), 2); // [false, true]
 */
export function equal<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Compared<A, B> {
  return comparison<A, B>('Equal', x, y, options);
}
/**
 * Where `x` and `y` differ, with broadcasting (TensorFlow `tf.not_equal`). Both have the same dtype, any at all.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * notEqual(constant([1, 2]), 2); // [true, false]
 */
export function notEqual<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Compared<A, B> {
  return comparison<A, B>('NotEqual', x, y, options);
}

for (const [name, op] of [
  ['LogicalAnd', 'and'],
  ['LogicalOr', 'or'],
] as const) {
  defineOp({
    name,
    signature: 'x: bool, y: bool -> z: bool',
    infer: broadcasting,
    lower: zip((x, y) => bin(op, x, y)),
    grad: 'none',
    batch: batchBroadcasting,
    effect: 'pure',
    samples: [
      { inputs: [{ value: [true, true, false, false] }, { value: [true, false, true, false] }] },
      { inputs: [{ value: [[true], [false]] }, { value: [true, false] }] },
    ],
  });
}
/**
 * Where both `x` and `y` hold, with broadcasting (TensorFlow `tf.logical_and`). Both are bool.
 * @throws ShapeError where the shapes do not broadcast; DTypeError for another dtype
 * @example
 * logicalAnd(constant([true, false]), true); // [true, false]
 */
export function logicalAnd<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Compared<A, B> {
  return comparison<A, B>('LogicalAnd', x, y, options);
}
/**
 * Where `x` or `y` holds, with broadcasting (TensorFlow `tf.logical_or`). Both are bool.
 * @throws ShapeError where the shapes do not broadcast; DTypeError for another dtype
 * @example
 * logicalOr(constant([true, false]), false); // [true, false]
 */
export function logicalOr<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Compared<A, B> {
  return comparison<A, B>('LogicalOr', x, y, options);
}

defineOp({
  name: 'LogicalNot',
  signature: 'x: bool -> y: bool',
  infer: unchanged,
  lower: map((x) => un('not', x)),
  grad: 'none',
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [{ inputs: [{ value: [true, false] }] }, { inputs: [{ value: [[true], [false]] }] }],
});
/**
 * Where `x` does not hold (TensorFlow `tf.logical_not`). A bool tensor.
 * @throws DTypeError for another dtype
 * @example
 * logicalNot(constant([true, false])); // [false, true]
 */
export function logicalNot<X extends Operand>(x: X, options?: OpOptions): Tensor<'bool', ShapeOf<X>> {
  return one('LogicalNot', [x], {}, options) as Tensor<'bool', ShapeOf<X>>;
}

defineOp({
  name: 'IsNan',
  signature: `x: T -> y: bool | T: ${realFloatDTypes}`,
  infer: unchanged,
  lower: map((x) => un('isnan', x)),
  grad: 'none',
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [{ inputs: [{ value: [NaN, 1, Infinity] }] }, { inputs: [{ value: [[NaN], [0]], dtype: 'float64' }] }],
});
/**
 * Where `x` is NaN (TensorFlow `tf.math.is_nan`). A float tensor.
 * @throws DTypeError for another dtype
 * @example
 * isNan(constant([NaN, 1])); // [true, false]
 */
export function isNan<X extends Operand>(x: X, options?: OpOptions): Tensor<'bool', ShapeOf<X>> {
  return one('IsNan', [x], {}, options) as Tensor<'bool', ShapeOf<X>>;
}

defineOp({
  name: 'IsFinite',
  signature: `x: T -> y: bool | T: ${realFloatDTypes}`,
  infer: unchanged,
  lower: map((x) => bin('eq', bin('sub', x, x), literal(0, x.dtype))),
  grad: 'none',
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ value: [NaN, 1, Infinity, -Infinity] }] },
    { inputs: [{ value: [[NaN], [0]], dtype: 'float64' }] },
  ],
});
/**
 * Where `x` is neither NaN nor infinite (TensorFlow `tf.math.is_finite`). A float tensor.
 * @throws DTypeError for another dtype
 * @example
 * isFinite(constant([NaN, 1, Infinity])); // [false, true, false]
 */
export function isFinite<X extends Operand>(x: X, options?: OpOptions): Tensor<'bool', ShapeOf<X>> {
  return one('IsFinite', [x], {}, options) as Tensor<'bool', ShapeOf<X>>;
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    greater<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Compared<Tensor<D, S>, B>;
    greaterEqual<B extends Operand>(
      y: B & Broadcastable<Tensor<D, S>, B>,
      options?: OpOptions,
    ): Compared<Tensor<D, S>, B>;
    less<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Compared<Tensor<D, S>, B>;
    lessEqual<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Compared<Tensor<D, S>, B>;
    equal<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Compared<Tensor<D, S>, B>;
    notEqual<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Compared<Tensor<D, S>, B>;
    logicalAnd<B extends Operand>(
      y: B & Broadcastable<Tensor<D, S>, B>,
      options?: OpOptions,
    ): Compared<Tensor<D, S>, B>;
    logicalOr<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Compared<Tensor<D, S>, B>;
    logicalNot(options?: OpOptions): Tensor<'bool', S>;
    isNan(options?: OpOptions): Tensor<'bool', S>;
    isFinite(options?: OpOptions): Tensor<'bool', S>;
  }
}
installMethods({
  greater,
  greaterEqual,
  less,
  lessEqual,
  equal,
  notEqual,
  logicalAnd,
  logicalOr,
  logicalNot,
  isNan,
  isFinite,
});
