/** Running sums and products. */
import type { DType } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { one } from '../call.js';
import { unchanged } from '../elementwise.js';
import { constantNumber, indices, numbers, type IndexOperand } from '../indexing.js';
import { installMethods } from '../methods.js';
import { defineOp, type OpView, type Routine } from '../opdef.js';
import { times } from '../rules.js';
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

defineOp({
  name: 'Cumprod',
  signature,
  infer: scanShape,
  lower: scanning('mul'),
  grad: (op, [dy]) => {
    const [x, axis] = op.inputs;
    const exclusive = op.boolAttr('exclusive');
    const reverse = op.boolAttr('reverse');
    const product = one('Cumprod', [x, axis], { exclusive, reverse });
    const sums = one('Cumsum', [times(product, dy), axis], { exclusive, reverse: !reverse });
    return [one('DivNoNan', [sums, x], {}, { name: 'div_no_nan' }), null];
  },
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
