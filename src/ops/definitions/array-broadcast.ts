/** Tensors repeated along axes of size 1. */
import type { DType } from '../../graph/dtype.js';
import { formatShape, isFullyDefined, type Dim, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchBroadcastTo } from '../batching/shapes.js';
import { many, one } from '../call.js';
import { broadcastTo as repeated } from '../elementwise.js';
import { indices, numbers, type IndexOperand } from '../indexing.js';
import { constantShape, constantValue } from '../known.js';
import { installMethods } from '../methods.js';
import { defineOp, type OpView } from '../opdef.js';
import { constantBeside } from '../rules.js';
import { argumentError, lengthOf, requireRank, shapeError, unknownDims } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';
import { shape, type IndexDType } from './array-shape.js';

/** @throws ShapeError where `from` certainly does not broadcast to `to` */
function checkTarget(op: OpView, from: Shape, to: Shape): void {
  if (from === null || to === null) return;
  const skip = to.length - from.length;
  const fits =
    skip >= 0 &&
    from.every((dim, axis) => dim === null || dim === 1 || to[skip + axis] === null || to[skip + axis] === dim);
  if (!fits) throw shapeError(op, `the operand does not broadcast to ${formatShape(to)}`);
}

/** The shape of a broadcast tensor summed back, with all axes kept: what TensorFlow, too, works out from constants. */
function reducedShape(from: Shape, to: readonly number[] | null): Shape {
  if (!isFullyDefined(from) || to === null) return null;
  const skip = to.length - from.length;
  return to.map((dim, axis) => (axis < skip || from[axis - skip] === 1 ? 1 : dim));
}

/** A known dimension that is not 1. */
function notOne(dim: Dim | undefined): Dim {
  return dim === 1 ? null : (dim ?? null);
}

defineOp({
  name: 'BroadcastTo',
  signature: 'input: T, shape: Tidx -> output: T | T: type, Tidx: {int32, int64} = DT_INT32',
  infer: (op) => {
    const [x, target] = op.inputs;
    requireRank(op, target, 1, 'the shape');
    const length = lengthOf(target);
    const to = constantShape(target) ?? (length === null ? null : unknownDims(length));
    checkTarget(op, x.shape, to);
    // A size other than 1 is not repeated, so it is that of the result.
    const skip = (to?.length ?? 0) - (x.shape?.length ?? 0);
    return [to && to.map((dim, axis) => dim ?? notOne(x.shape?.[axis - skip]))];
  },
  lower: ({ op, inputs: [x], value }) => {
    const to = numbers(value(1));
    const bad = to.find((dim) => dim < 0);
    if (bad !== undefined) throw argumentError(op, `${bad} in the shape [${to.join(', ')}] is negative`);
    checkTarget(op, x.shape, to);
    return [repeated(x, to)];
  },
  grad: ({ inputs: [x, target] }, [dy]) => {
    const dims = shape(x, { outType: target.dtype as IndexDType });
    const known = constantValue(target);
    const to = known ? constantBeside(target, known, target.dtype) : target;
    const [, axes] = many('BroadcastGradientArgs', [to, dims]);
    const sum = one('Sum', [dy, axes!], { keep_dims: true });
    sum.graph.refineShape(sum, reducedShape(x.shape, known && numbers(known)));
    return [one('Reshape', [sum, dims]), null];
  },
  batch: batchBroadcastTo,
  effect: 'pure',
  samples: [
    { inputs: [[3], { value: [2, 3], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 1], dtype: 'float64' },
        { value: [4, 2, 3], dtype: 'int64' },
      ],
    },
    { inputs: [[], { value: [2], dtype: 'int32' }] },
    { inputs: [[1, 2], { value: [0, 2], dtype: 'int32' }] },
  ],
});
/**
 * `input` repeated along axes of size 1, or along new ones in front, up to `shape` (TensorFlow `tf.broadcast_to`).
 * @throws ShapeError where it does not broadcast to that shape
 * @example
 * broadcastTo(constant([1, 2]), [2, 2]); // [[1, 2], [1, 2]]
 */
export function broadcastTo<X extends Operand>(input: X, shape: IndexOperand, options?: OpOptions): Tensor<DTypeOf<X>> {
  return one('BroadcastTo', [input, indices(shape, 'shape')], {}, options) as Tensor<DTypeOf<X>>;
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    broadcastTo(shape: IndexOperand, options?: OpOptions): Tensor<D>;
  }
}
installMethods({ broadcastTo });
