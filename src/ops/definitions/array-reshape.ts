/** The same elements in the same order under another shape. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import {
  formatShape,
  isCompatible,
  isFullyDefined,
  mergeShapes,
  numElements,
  sizeOf,
  type Dim,
  type Shape,
} from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { perRow, rowwise } from '../batching/operands.js';
import { batchEnsureShape, batchReshape, batchSqueeze } from '../batching/shapes.js';
import { one } from '../call.js';
import { reshaped } from '../elementwise.js';
import { int, type Expr, type Lazy } from '../expr.js';
import { constantNumber, dense, indices, numbers, type IndexOperand } from '../indexing.js';
import { constantShape } from '../known.js';
import type { AsShape } from '../literals.js';
import { installMethods } from '../methods.js';
import { defineOp, type GradientFn, type OpView } from '../opdef.js';
import { argumentError, axisIn, inserted, lengthOf, shapeError, unknownDims } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';
import { shape } from './array-shape.js';

/** A target shape with its one unknown entry worked out, where the number of elements allows it. */
function resolved(op: OpView, target: readonly (number | null)[], size: number | null): readonly Dim[] {
  const unknown = target.flatMap((dim, axis) => (dim === null || dim < 0 ? [axis] : []));
  const given = target.map((dim) => (dim === null || dim < 0 ? null : dim));
  const rest = given.reduce<number>((product, dim) => product * (dim ?? 1), 1);
  const misfit = () => shapeError(op, `the elements do not fit the shape ${formatShape(target)}`);
  if (unknown.length === 0) {
    if (size !== null && size !== rest) throw misfit();
    return given;
  }
  if (size === null || unknown.length > 1) return given;
  if (rest === 0) {
    if (size !== 0) throw misfit();
    return given;
  }
  if (size % rest !== 0) throw misfit();
  return given.map((dim) => dim ?? size / rest);
}

function reshapedShape(op: OpView): readonly Shape[] {
  const [x, target] = op.inputs;
  if (target.shape !== null && target.shape.length !== 1) throw shapeError(op, 'the shape must be a vector', [target]);
  const wanted = constantShape(target);
  if (wanted === null) {
    const length = lengthOf(target);
    return [length === null ? null : unknownDims(length)];
  }
  return [resolved(op, wanted, numElements(x.shape))];
}

/** The shape a Reshape gives to `size` elements. */
function targetShape(op: OpView, target: readonly number[], size: number): readonly number[] {
  if (target.filter((dim) => dim === -1).length > 1)
    throw argumentError(op, `only one entry of the shape may be -1, not ${formatShape(target)}`);
  const bad = target.find((dim) => dim < -1);
  if (bad !== undefined) throw argumentError(op, `${bad} in the shape ${formatShape(target)} is negative`);
  const shape = resolved(op, target, size);
  if (!isFullyDefined(shape))
    throw argumentError(op, `-1 in the shape ${formatShape(target)} cannot be inferred from 0 elements`);
  return shape;
}

const reshapeGradient: GradientFn = ({ inputs: [x] }, [dy]) => {
  const dims = x.shape;
  const unknown = dims?.filter((dim) => dim === null).length;
  const gradient = dense(dy);
  // One unknown dimension needs no Shape node at run time, unless zeros make it ambiguous.
  const target =
    unknown === 1 && !dims!.includes(0)
      ? indices(
          dims!.map((dim) => dim ?? -1),
          'shape',
        )
      : shape(x);
  return [one('Reshape', [gradient, target]), null];
};

defineOp({
  name: 'Reshape',
  signature: 'tensor: T, shape: Tshape -> output: T | T: type, Tshape: {int32, int64} = DT_INT32',
  infer: reshapedShape,
  lower: ({ op, inputs: [x], value }) => [reshaped(x, targetShape(op, numbers(value(1)), sizeOf(x.shape)))],
  grad: reshapeGradient,
  batch: batchReshape,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [3, 2], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [4, 3], dtype: 'float64' },
        { value: [-1, 2, 3], dtype: 'int64' },
      ],
    },
    { inputs: [[1], { value: [], dtype: 'int32' }] },
    { inputs: [[0, 3], { value: [3, 0], dtype: 'int32' }] },
    {
      inputs: [
        { value: [1, 2, 3, 4], dtype: 'int32' },
        { value: [2, -1], dtype: 'int32' },
      ],
    },
  ],
});

/** The static shape that a literal target gives: -1 is an unknown dimension. */
export type ReshapedShape<T> = T extends readonly number[]
  ? number extends T['length']
    ? Shape
    : AsShape<{ readonly [K in keyof T]: T[K] extends -1 ? null : T[K] }>
  : Shape;

/**
 * The elements of `tensor` under another shape (TensorFlow `tf.reshape`). One entry of `shape` may be -1: it follows
 * from the number of elements. `shape` may be a tensor, or a list with scalar tensors in it.
 * @throws ShapeError where the number of elements does not fit
 * @example
 * reshape(constant([[1, 2], [3, 4]]), [-1]); // [1, 2, 3, 4]
 */
export function reshape<X extends Operand, const T extends IndexOperand>(
  tensor: X,
  shape: T,
  options?: OpOptions,
): Tensor<DTypeOf<X>, ReshapedShape<T>> {
  return one('Reshape', [tensor, indices(shape, 'shape')], {}, options) as never;
}

/** The gradient in the shape of the input. */
function toInput(op: OpView, dy: Parameters<GradientFn>[1][0]): Tensor {
  const gradient = dense(dy);
  return one('Reshape', [gradient, shape(op.inputs[0])]);
}

type IndexMap = (index: readonly Expr[]) => readonly Expr[];

/** `x` under a shape that differs from its own by axes of size 1 only. */
function realigned(x: Lazy, shape: readonly number[], toIndexOfX: IndexMap): Lazy {
  return { dtype: x.dtype, shape, alias: x.alias, at: (index) => x.at(toIndexOfX(index)) };
}

defineOp({
  name: 'ExpandDims',
  signature: 'input: T, dim: Tdim -> output: T | T: type, Tdim: {int32, int64} = DT_INT32',
  infer: (op) => {
    const [x, dim] = op.inputs;
    const axis = constantNumber(dim);
    if (x.shape === null) return [null];
    if (axis === null) return [unknownDims(x.shape.length + 1)];
    return [inserted<Dim>(x.shape, axisIn(op, axis, x.shape.length + 1), 1)];
  },
  lower: ({ op, inputs: [x], value }) => {
    const axis = axisIn(op, numbers(value(1))[0]!, x.shape.length + 1);
    return [realigned(x, inserted(x.shape, axis, 1), (index) => index.filter((_, i) => i !== axis))];
  },
  grad: (op, [dy]) => [toInput(op, dy), null],
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: 0, dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 3], dtype: 'float64' },
        { value: -1, dtype: 'int64' },
      ],
    },
    { inputs: [[], { value: 0, dtype: 'int32' }] },
    {
      inputs: [
        { value: [1, 2], dtype: 'int32' },
        { value: 1, dtype: 'int32' },
      ],
    },
  ],
});
/**
 * `input` with an axis of size 1 more, at position `axis` (TensorFlow `tf.expand_dims`); -1 puts it last.
 * @throws InvalidArgumentError unless -rank - 1 <= axis <= rank
 * @example
 * expandDims(constant([1, 2]), 1); // [[1], [2]]
 */
export function expandDims<X extends Operand>(input: X, axis: IndexOperand, options?: OpOptions): Tensor<DTypeOf<X>> {
  return one('ExpandDims', [input, indices(axis, 'dim')], {}, options) as Tensor<DTypeOf<X>>;
}

/** The axes that Squeeze removes, or null where that depends on unknown dimensions. */
function squeezedAxes(op: OpView, dims: readonly Dim[]): ReadonlySet<number> | null {
  const given = op.intListAttr('squeeze_dims');
  if (given.length === 0) {
    return dims.includes(null) ? null : new Set(dims.flatMap((dim, axis) => (dim === 1 ? [axis] : [])));
  }
  const axes = given.map((axis) => axisIn(op, axis, dims.length));
  const bad = axes.find((axis) => dims[axis] !== 1 && dims[axis] !== null);
  if (bad !== undefined) throw shapeError(op, `cannot squeeze axis ${bad}: its size is ${dims[bad]}, not 1`);
  return new Set(axes);
}

defineOp({
  name: 'Squeeze',
  signature: 'input: T -> output: T | T: type, squeeze_dims: list(int) >= 0 = []',
  infer: (op) => {
    const dims = op.inputs[0].shape;
    if (dims === null) return [null];
    const axes = squeezedAxes(op, dims);
    return [axes && dims.filter((_, axis) => !axes.has(axis))];
  },
  lower: ({ op, inputs: [x] }) => {
    // Run-time sizes are checked here: at construction they may have been unknown.
    const axes = squeezedAxes(op, x.shape)!;
    return [
      realigned(
        x,
        x.shape.filter((_, axis) => !axes.has(axis)),
        (index) => {
          let next = 0;
          return x.shape.map((_, axis) => (axes.has(axis) ? int(0) : index[next++]!));
        },
      ),
    ];
  },
  grad: (op, [dy]) => [toInput(op, dy)],
  batch: batchSqueeze,
  effect: 'pure',
  samples: [
    { inputs: [[1, 3, 1]] },
    { inputs: [[1, 3, 1]], attrs: { squeeze_dims: [-1] } },
    { inputs: [{ shape: [1, 1], dtype: 'float64' }], attrs: { squeeze_dims: [0, 1] } },
    { inputs: [[2, 3]] },
  ],
});

export interface SqueezeOptions extends OpOptions {
  /** The axes to remove, all of size 1; by default every axis of size 1. */
  readonly axis?: number | readonly number[];
}

/**
 * `input` without its axes of size 1, or without those in `axis` (TensorFlow `tf.squeeze`).
 * @throws ShapeError for an axis whose size is not 1
 * @example
 * squeeze(constant([[1], [2]])); // [1, 2]
 */
export function squeeze<X extends Operand>(input: X, options: SqueezeOptions = {}): Tensor<DTypeOf<X>> {
  const axes = options.axis === undefined ? [] : [options.axis].flat();
  return one('Squeeze', [input], { squeeze_dims: axes }, options) as Tensor<DTypeOf<X>>;
}

defineOp({
  name: 'EnsureShape',
  signature: 'input: T -> output: T | shape: shape, T: type',
  infer: (op) => {
    const wanted = op.shapeAttr('shape');
    const merged = mergeShapes(op.inputs[0].shape, wanted);
    if (merged === undefined) throw shapeError(op, `the shape is not ${formatShape(wanted)}`);
    return [merged];
  },
  lower: ({ op, inputs: [x] }) => {
    const wanted = op.shapeAttr('shape');
    if (!isCompatible(x.shape, wanted)) {
      throw new InvalidArgumentError(
        `${op.type} '${op.name}': a tensor of shape ${formatShape(x.shape)} is not of shape ${formatShape(wanted)}.`,
        op.details(),
      );
    }
    return [x];
  },
  grad: (_, [dy]) => [dy],
  batch: batchEnsureShape,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]], attrs: { shape: [2, null] } },
    { inputs: [{ shape: [2], dtype: 'float64' }], attrs: { shape: [2] } },
  ],
});
/**
 * `x`, known from now on to be of `shape`, which is checked when it runs (TensorFlow `tf.ensure_shape`).
 * @throws ShapeError where the static shape contradicts it; InvalidArgumentError where the value does
 * @example
 * ensureShape(placeholder('float32'), [2, null]).shape; // [2, null]
 */
export function ensureShape<X extends Operand, const S extends Shape>(
  x: X,
  shape: S,
  options?: OpOptions,
): Tensor<DTypeOf<X>, AsShape<S>> {
  return one('EnsureShape', [x], { shape }, options) as never;
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    reshape<const T extends IndexOperand>(shape: T, options?: OpOptions): Tensor<D, ReshapedShape<T>>;
    expandDims(axis: IndexOperand, options?: OpOptions): Tensor<D>;
    squeeze(options?: SqueezeOptions): Tensor<D>;
    ensureShape<const T extends Shape>(shape: T, options?: OpOptions): Tensor<D, AsShape<T>>;
  }
}
installMethods({ reshape, expandDims, squeeze, ensureShape });
