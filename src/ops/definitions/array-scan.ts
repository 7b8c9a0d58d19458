/** Running sums and products. */
import type { DType } from '../../graph/dtype.js';
import { NDArray } from '../../graph/ndarray.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { perRow, rowwise } from '../batching/operands.js';
import { convertToTensor, one } from '../call.js';
import { unchanged } from '../elementwise.js';
import { constantNumber, indices, numbers, type IndexOperand } from '../indexing.js';
import { installMethods } from '../methods.js';
import { defineOp, type Gradient, type OpView, type Routine } from '../opdef.js';
import { plus, times } from '../rules.js';
import { scan } from '../routines/scan.js';
import { axisIn, shapeError } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions, ShapeOf } from '../types.js';

const signature =
  'x: T, axis: Tidx -> out: T | exclusive: bool = false, reverse: bool = false, ' +
  'T: {float, double, int32, uint8, int16, int8, complex64, int64, bfloat16, uint16, complex128, half, uint32, uint64}, ' +
  'Tidx: {int32, int64} = DT_INT32';

function scanShape(op: OpView): ReturnType<typeof unchanged> {
  const [x, axisTensor] = op.inputs;
  if (axisTensor.shape !== null && axisTensor.shape.length > 0)
    throw shapeError(op, 'the axis must be a scalar', [axisTensor]);
  const axis = constantNumber(axisTensor);
  if (axis !== null && x.shape !== null) axisIn(op, axis, x.shape.length);
  return unchanged(op);
}

const scanning = (operation: 'add' | 'mul'): Routine => ({
  routine: operation === 'add' ? 'cumsum' : 'cumprod',
  run: ({ op, inputs: [x, axis] }) => [
    scan(x, {
      op: operation,
      axis: axisIn(op, numbers(axis)[0]!, x.shape.length),
      exclusive: op.boolAttr('exclusive'),
      reverse: op.boolAttr('reverse'),
    }),
  ],
});

defineOp({
  name: 'Cumsum',
  signature,
  infer: scanShape,
  lower: scanning('add'),
  grad: (op, [dy]) => [
    one('Cumsum', [dy, op.inputs[1]], { exclusive: op.boolAttr('exclusive'), reverse: !op.boolAttr('reverse') }),
    null,
  ],
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: 1, dtype: 'int32' }] },
    {
      inputs: [
        { shape: [3, 2], dtype: 'float64' },
        { value: -2, dtype: 'int64' },
      ],
      attrs: { exclusive: true },
    },
    { inputs: [[4], { value: 0, dtype: 'int32' }], attrs: { reverse: true } },
    {
      inputs: [
        { value: [1, 2, 3], dtype: 'int32' },
        { value: 0, dtype: 'int32' },
      ],
      attrs: { exclusive: true, reverse: true },
    },
  ],
});

/**
 * The gradient for an element is the product of those before it times a sum over those after it, in which it is left out itself: no
 * division, so that elements of 0 are nothing special, whatever the order of the derivative. TensorFlow divides by x.
 */
function cumprodGradient(op: OpView, dy: Gradient): Tensor {
  const [x, axisTensor] = op.inputs;
  const axis = constantNumber(axisTensor);
  const size = axis === null ? null : x.shape?.[axis < 0 ? axis + x.shape.length : axis];
  if (axis === null || size === null || size === undefined) return cumprodGradientByDivision(op, dy);
  const rank = x.shape!.length;
  const [exclusive, reverse] = [op.boolAttr('exclusive'), op.boolAttr('reverse')];
  const later = (t: Tensor, by: number): Tensor => shifted(t, axis < 0 ? axis + rank : axis, rank, by, reverse);
  // sum[k] = share[k] + factor[k] * sum[k + 1], in a number of steps that is the logarithm of the size.
  let factor = later(x, 1);
  let sum = exclusive ? later(convertToTensor(dy), 1) : convertToTensor(dy);
  for (let by = 1; by < size; by *= 2) {
    sum = plus(sum, times(factor, later(sum, by)));
    if (2 * by < size) factor = times(factor, later(factor, by));
  }
  return times(one('Cumprod', [x, axisTensor], { exclusive: true, reverse }), sum);
}

/** `t` moved along an axis such that each place has what stood `by` places after it, or before it in reverse, and else 0. */
function shifted(t: Tensor, axis: number, rank: number, by: number, reverse: boolean): Tensor {
  const along = (value: number): Int32Array => Int32Array.from({ length: rank }, (_, i) => (i === axis ? value : 0));
  const dim = t.shape![axis]!;
  const kept = Math.max(0, dim - by);
  const sizes = Int32Array.from({ length: rank }, (_, i) => (i === axis ? kept : -1));
  const rest = one('Slice', [t, along(reverse ? 0 : Math.min(by, dim)), sizes]);
  const paddings = Array.from(along(dim - kept), (width) => (reverse ? [width, 0] : [0, width]));
  return one('Pad', [rest, NDArray.from(paddings, 'int32', [rank, 2])]);
}

/**
 * The same where the size along the axis is not known, by TensorFlow's division. The first zero along the axis is the only element that
 * receives anything, and its share is the same sum with that zero left out of the products. (The second derivative by two zeros is lost.)
 */
function cumprodGradientByDivision(op: OpView, dy: Gradient): Tensor {
  const [x, axis] = op.inputs;
  const exclusive = op.boolAttr('exclusive');
  const reverse = op.boolAttr('reverse');
  const shares = (factors: Tensor): Tensor => {
    const products = one('Cumprod', [factors, axis], { exclusive, reverse });
    return one('Cumsum', [times(products, dy), axis], { exclusive, reverse: !reverse });
  };
  const zero = one('Equal', [x, 0]);
  const zerosSoFar = one('Cumsum', [one('Cast', [zero], { DstT: 'int32' }), axis], { reverse });
  const first = one('LogicalAnd', [zero, one('Equal', [zerosSoFar, 1])]);
  const elsewhere = one('DivNoNan', [shares(x), x], {}, { name: 'div_no_nan' });
  return one('SelectV2', [first, shares(one('SelectV2', [first, 1, x])), elsewhere]);
}

defineOp({
  name: 'Cumprod',
  signature,
  infer: scanShape,
  lower: scanning('mul'),
  grad: (op, [dy]) => [cumprodGradient(op, dy), null],
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    {
      inputs: [
        { shape: [2, 3], domain: [0.5, 2] },
        { value: 1, dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { shape: [3, 2], dtype: 'float64', domain: [0.5, 2] },
        { value: -2, dtype: 'int64' },
      ],
      attrs: { exclusive: true },
    },
    {
      inputs: [
        { shape: [4], domain: [-2, -0.5] },
        { value: 0, dtype: 'int32' },
      ],
      attrs: { reverse: true },
    },
    {
      inputs: [
        {
          value: [
            [1, 0, 3, 2],
            [0, 2, 4, 5],
            [0, 3, 0, 2],
          ],
          dtype: 'float64',
        },
        { value: 1, dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { value: [1, 2, 3], dtype: 'int32' },
        { value: 0, dtype: 'int32' },
      ],
      attrs: { exclusive: true, reverse: true },
    },
  ],
});

export interface ScanFunctionOptions extends OpOptions {
  /** The axis to run along; 0 by default. */
  readonly axis?: IndexOperand;
  /** Whether an element does not count for its own place. */
  readonly exclusive?: boolean;
  /** Whether to start from the end. */
  readonly reverse?: boolean;
}

function scanned(type: string, x: Operand, options: ScanFunctionOptions): Tensor {
  const attrs = { exclusive: options.exclusive ?? false, reverse: options.reverse ?? false };
  return one(type, [x, indices(options.axis ?? 0, 'axis')], attrs, options);
}

/**
 * The sums of the elements of `x` up to each place along an axis (TensorFlow `tf.math.cumsum`).
 * @throws InvalidArgumentError for an axis that does not exist
 * @example
 * cumsum(constant([1, 2, 3])); // [1, 3, 6]
 * cumsum(constant([1, 2, 3]), { exclusive: true }); // [0, 1, 3]
 */
export function cumsum<X extends Operand>(x: X, options: ScanFunctionOptions = {}): Tensor<DTypeOf<X>, ShapeOf<X>> {
  return scanned('Cumsum', x, options) as Tensor<DTypeOf<X>, ShapeOf<X>>;
}

/**
 * The products of the elements of `x` up to each place along an axis (TensorFlow `tf.math.cumprod`).
 * @throws InvalidArgumentError for an axis that does not exist
 * @example
 * cumprod(constant([2, 3, 4])); // [2, 6, 24]
 */
export function cumprod<X extends Operand>(x: X, options: ScanFunctionOptions = {}): Tensor<DTypeOf<X>, ShapeOf<X>> {
  return scanned('Cumprod', x, options) as Tensor<DTypeOf<X>, ShapeOf<X>>;
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    cumsum(options?: ScanFunctionOptions): Tensor<D, S>;
    cumprod(options?: ScanFunctionOptions): Tensor<D, S>;
  }
}
installMethods({ cumsum, cumprod });
