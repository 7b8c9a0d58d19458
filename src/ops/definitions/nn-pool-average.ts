/** The mean of each window of images, and its gradient. */
import { InvalidArgumentError } from '../../graph/errors.js';
import type { DType } from '../../graph/dtype.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchImages, batchPoolGradient } from '../batching/images.js';
import { one } from '../call.js';
import { bin, cast, int, lazy, literal, select, type Expr } from '../expr.js';
import { fourOf, formatOf, type ImageOptions, type PerAxis } from '../image-calls.js';
import { numbers } from '../indexing.js';
import { defineOp } from '../opdef.js';
import { outputOf, overWindow, overWindowsAt, pooledShape, poolAttrs, spansOf } from '../pooling.js';
import { requireRank, shapeError, zeroOf } from '../shape-rules.js';
import type { DTypeOf, Operand } from '../types.js';
import type { Span } from '../windows.js';
import { shape } from './array-shape.js';
import { stopGradient } from './constant.js';
import { fittingGradient, givenShape } from '../image-shapes.js';

const floats = '{half, bfloat16, float, double}';
const windows = `ksize: list(int) >= 4, strides: list(int) >= 4, padding: {'SAME', 'VALID'},
  data_format: {'NHWC', 'NCHW'} = 'NHWC', T: ${floats}`;

/** How many elements of the input the window at `index` has. */
function count(spans: readonly Span[], index: readonly Expr[], dtype: DType): Expr {
  let [known, open]: [number, Expr | null] = [1, null];
  spans.forEach(({ input, output, window, stride, before }, axis) => {
    if (before === 0 && (output - 1) * stride + window <= input) {
      known *= window;
      return;
    }
    const start = bin('sub', bin('mul', index[axis]!, int(stride)), int(before));
    const [first, end] = [select(bin('lt', start, int(0)), int(0), start), bin('add', start, int(window))];
    const length = bin('sub', select(bin('gt', end, int(input)), int(input), end), first);
    open = open ? bin('mul', open, length) : length;
  });
  if (!open) return literal(known, dtype);
  return cast(bin('mul', open, int(known)), dtype);
}

const double = (...shape: number[]) => ({ shape, dtype: 'float64' }) as const;
const given = (...value: number[]) => ({ value, dtype: 'int32' }) as const;
const halves = { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'VALID' } as const;
const overlapping = { ksize: [1, 3, 2, 1], strides: [1, 2, 1, 1], padding: 'SAME' } as const;

defineOp({
  name: 'AvgPool',
  signature: `value: T -> output: T | ${windows}`,
  infer: (op) => {
    requireRank(op, op.inputs[0], 4, 'images');
    return [pooledShape(op, op.inputs[0].shape, false)];
  },
  lower: ({ op, inputs: [image] }) => {
    const spans = spansOf(op, image.shape, false);
    const at = (index: readonly Expr[]): Expr => {
      const sum = overWindow('add', spans, index, ({ position }) => image.at(position), zeroOf(image.dtype));
      return bin('div', sum, count(spans, index, image.dtype));
    };
    return [lazy(image.dtype, outputOf(spans), at)];
  },
  grad: (op, [dy]) => [one('AvgPoolGrad', [shape(op.inputs[0]), dy], poolAttrs(op))],
  batch: batchImages,
  effect: 'pure',
  samples: [
    { inputs: [[2, 4, 5, 2]], attrs: halves },
    { inputs: [double(1, 4, 3, 2)], attrs: overlapping },
  ],
});

defineOp({
  name: 'AvgPoolGrad',
  signature: `orig_input_shape: int32, grad: T -> output: T | ${windows}`,
  infer: (op) => {
    const [sizes, dy] = op.inputs;
    requireRank(op, dy, 4, 'images');
    const image = givenShape(op, sizes);
    return fittingGradient(op, image, pooledShape(op, image, false), dy);
  },
  lower: ({ op, inputs: [, dy], value }) => {
    const image = numbers(value(0));
    const spans = spansOf(op, image, false);
    if (outputOf(spans).join() !== dy.shape.join())
      throw shapeError(
        op,
        `the gradient of the output must have shape [${outputOf(spans).join(', ')}], not [${dy.shape.join(', ')}]`,
        [],
      );
    const at = (position: readonly Expr[]): Expr =>
      overWindowsAt(
        spans,
        position,
        (index) => bin('div', dy.at(index), count(spans, index, dy.dtype)),
        zeroOf(dy.dtype),
      );
    return [lazy(dy.dtype, image, at)];
  },
  grad: (op, [dy]) => [stopGradient(op.inputs[0]), one('AvgPool', [dy], poolAttrs(op))],
  batch: batchPoolGradient,
  effect: 'pure',
  samples: [
    { inputs: [given(2, 4, 5, 2), [2, 2, 2, 2]], attrs: halves },
    { inputs: [given(1, 4, 3, 2), double(1, 2, 3, 2)], attrs: overlapping },
  ],
});

/**
 * The mean of each window of images [batch, height, width, channels] (TensorFlow `tf.nn.avg_pool2d`); the padding does not count. A
 * float dtype.
 * @param ksize the height and width of a window: one number, two, or four
 * @param strides how far a window moves, likewise
 * @param padding 'SAME' or 'VALID' (windows stay within the images)
 * @throws ShapeError where the rank is not 4 or a window does not fit; InvalidArgumentError for sizes that are not understood
 * @example
 * nn.avgPool2d(constant([[[[1], [2]], [[4], [3]]]]), 2, 2, 'VALID'); // [[[[2.5]]]]
 */
export function avgPool2d<X extends Operand>(
  input: X,
  ksize: PerAxis,
  strides: PerAxis,
  padding: 'SAME' | 'VALID',
  options: ImageOptions = {},
): Tensor<DTypeOf<X>> {
  const format = formatOf('avgPool2d', options);
  if ((padding as string) !== 'SAME' && (padding as string) !== 'VALID')
    throw new InvalidArgumentError(`avgPool2d: padding must be 'SAME' or 'VALID', not '${String(padding)}'.`, {
      op: 'AvgPool',
    });
  const attrs = {
    ksize: fourOf('avgPool2d', 'ksize', ksize, format),
    strides: fourOf('avgPool2d', 'strides', strides, format),
    data_format: format,
    padding,
  };
  return one('AvgPool', [input], attrs, { name: options.name ?? 'AvgPool2D' }) as Tensor<DTypeOf<X>>;
}
