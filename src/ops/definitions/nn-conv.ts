/** Convolutions of images, and the gradients of their images and filters. */
import type { Dim, Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchConvolution, batchFilterGradient, batchImageGradient } from '../batching/images.js';
import { many, one } from '../call.js';
import { composedInScope } from '../compose.js';
import { convolving } from '../convolution.js';
import { convolutionAttrs, type ConvolutionOptions, type Padding, type PerAxis } from '../image-calls.js';
import {
  convolvedShape,
  filterGradientShape,
  fittingGradient,
  givenShape,
  requireImageAndFilter,
} from '../image-shapes.js';
import { indices, type IndexOperand } from '../indexing.js';
import { constantShape } from '../known.js';
import { defineOp, type AttrInput, type OpView } from '../opdef.js';
import { lengthOf } from '../shape-rules.js';
import type { CommonDType, Operand } from '../types.js';
import { arranged, layoutOf, rank4 } from '../windows.js';
import { shape } from './array-shape.js';

const attributes = `strides: list(int), use_cudnn_on_gpu: bool = true, padding: {'SAME', 'VALID', 'EXPLICIT'},
  explicit_paddings: list(int) = [], data_format: {'NHWC', 'NCHW'} = 'NHWC', dilations: list(int) = [1, 1, 1, 1]`;
const withIntegers = '{half, bfloat16, float, double, int32}';
const floats = '{half, bfloat16, float, double}';

/** The attributes that a convolution and its gradients share. */
function shared(op: OpView): Readonly<Record<string, AttrInput>> {
  return {
    strides: op.intListAttr('strides'),
    padding: op.stringAttr('padding'),
    explicit_paddings: op.intListAttr('explicit_paddings'),
    use_cudnn_on_gpu: op.boolAttr('use_cudnn_on_gpu'),
    data_format: op.stringAttr('data_format'),
    dilations: op.intListAttr('dilations'),
  };
}

/** The shape of the image, where two sizes may stand for height and width. */
function imageShape(op: OpView): Shape {
  const [sizes, filter, dy] = op.inputs;
  if (lengthOf(sizes) !== 2) {
    const [batch, ...rest] = givenShape(op, sizes)!;
    return [batch ?? rank4(dy.shape)[0]!, ...rest];
  }
  const [rows, columns] = constantShape(sizes) ?? [null, null];
  return arranged<Dim>(layoutOf(op), rank4(dy.shape)[0]!, rows!, columns!, rank4(filter.shape)[2]!);
}

const nhwc = { strides: [1, 1, 1, 1], padding: 'SAME' } as const;
const double = (...shape: number[]) => ({ shape, dtype: 'float64' }) as const;
const given = (...value: number[]) => ({ value, dtype: 'int32' }) as const;
const uneven = { strides: [1, 2, 1, 1], padding: 'EXPLICIT', explicit_paddings: [0, 0, 1, 2, 0, 1, 0, 0] } as const;

defineOp({
  name: 'Conv2D',
  signature: `input: T, filter: T -> output: T | T: ${withIntegers}, ${attributes}`,
  infer: (op) => {
    const [image, filter] = op.inputs;
    requireImageAndFilter(op, image, filter);
    return [convolvedShape(op, image.shape, filter.shape, false)];
  },
  lower: convolving('output', false),
  grad: (op, [dy]) => {
    const [image, filter] = op.inputs;
    const [imageSizes, filterSizes] = many('ShapeN', [[image, filter]]);
    return [
      one('Conv2DBackpropInput', [imageSizes!, filter, dy], shared(op)),
      one('Conv2DBackpropFilter', [image, filterSizes!, dy], shared(op)),
    ];
  },
  batch: batchConvolution,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 4, 3, 2],
        [3, 2, 2, 3],
      ],
      attrs: nhwc,
    },
    { inputs: [double(1, 5, 4, 1), double(3, 3, 1, 2)], attrs: uneven },
    {
      inputs: [
        [2, 3, 3, 2],
        [1, 1, 2, 5],
      ],
      attrs: { ...nhwc, strides: [1, 2, 2, 1] },
    },
    {
      inputs: [
        {
          value: [
            [
              [[1], [2]],
              [[3], [4]],
            ],
          ],
          dtype: 'int32',
        },
        { value: [[[[2, 3]]]], dtype: 'int32' },
      ],
      attrs: nhwc,
    },
    {
      inputs: [
        { shape: [1, 3, 3, 2], dtype: 'float16' },
        { shape: [2, 2, 2, 2], dtype: 'float16' },
      ],
      attrs: nhwc,
    },
    {
      inputs: [double(1, 3, 3, 4), double(2, 2, 2, 2)],
      attrs: nhwc,
      notDifferentiable: 'TensorFlow has no gradient of groups',
    },
  ],
});

/**
 * The convolution of images [batch, height, width, channels] by `filters` [height, width, channels, outputs] (TensorFlow
 * `tf.nn.conv2d`): at each place, the sum of the products of a filter with what it lies on. The result is [batch, height, width,
 * outputs]. Filters with fewer channels than the images belong to groups of channels. Floats or int32.
 * @param strides how far a filter moves: one number, two (height, width), or four
 * @param padding 'SAME' (with strides of 1, the result is as high and wide as the images), 'VALID' (filters stay within the images),
 *   or the zeros before and after each of the four axes
 * @throws ShapeError where ranks or channels do not fit, or a filter is larger than the padded images; InvalidArgumentError for
 *   strides, dilations or paddings that are not understood
 * @example
 * const image = constant([[[[1], [2], [3]], [[4], [5], [6]], [[7], [8], [9]]]]);
 * nn.conv2d(image, ones([2, 2, 1, 1]), 1, 'VALID'); // [[[[12], [16]], [[24], [28]]]]
 */
export function conv2d<X extends Operand, F extends Operand>(
  input: X,
  filters: F,
  strides: PerAxis,
  padding: Padding,
  options: ConvolutionOptions = {},
): Tensor<CommonDType<X, F>> {
  return one('Conv2D', [input, filters], convolutionAttrs('conv2d', strides, padding, options), options) as Tensor<
    CommonDType<X, F>
  >;
}

defineOp({
  name: 'Conv2DBackpropInput',
  signature: `input_sizes: int32, filter: T, out_backprop: T -> output: T | T: ${withIntegers}, ${attributes}`,
  infer: (op) => {
    const [, filter, dy] = op.inputs;
    requireImageAndFilter(op, dy, filter);
    const image = imageShape(op);
    return fittingGradient(op, image, convolvedShape(op, image, filter.shape, false), dy);
  },
  lower: convolving('input', false),
  grad: (op, [dy]) => {
    const [, filter, out] = op.inputs;
    return [
      null,
      one('Conv2DBackpropFilter', [dy, shape(filter), out], shared(op)),
      one('Conv2D', [dy, filter], shared(op)),
    ];
  },
  batch: batchImageGradient,
  effect: 'pure',
  samples: [
    { inputs: [given(2, 4, 3, 2), [3, 2, 2, 3], [2, 4, 3, 3]], attrs: nhwc },
    { inputs: [given(1, 5, 4, 1), double(3, 3, 1, 2), double(1, 3, 3, 2)], attrs: uneven },
    { inputs: [given(2, 3, 4, 2), [1, 1, 2, 2], [2, 2, 2, 2]], attrs: { ...nhwc, strides: [1, 2, 2, 1] } },
    { inputs: [given(3, 3), double(2, 2, 1, 2), double(2, 3, 3, 2)], attrs: nhwc },
    {
      inputs: [
        given(1, 2, 2, 1),
        { value: [[[[2, 3]]]], dtype: 'int32' },
        {
          value: [
            [
              [
                [1, 2],
                [3, 4],
              ],
              [
                [5, 6],
                [7, 8],
              ],
            ],
          ],
          dtype: 'int32',
        },
      ],
      attrs: nhwc,
    },
  ],
});

defineOp({
  name: 'Conv2DBackpropFilter',
  signature: `input: T, filter_sizes: int32, out_backprop: T -> output: T | T: ${floats}, ${attributes}`,
  infer: (op) => filterGradientShape(op, false),
  lower: convolving('filter', false),
  grad: (op, [dy]) => {
    const [image, , out] = op.inputs;
    return [
      one('Conv2DBackpropInput', [shape(image), dy, out], shared(op)),
      null,
      one('Conv2D', [image, dy], shared(op)),
    ];
  },
  batch: batchFilterGradient,
  effect: 'pure',
  samples: [
    { inputs: [[2, 4, 3, 2], given(3, 2, 2, 3), [2, 4, 3, 3]], attrs: nhwc },
    { inputs: [double(1, 5, 4, 1), given(3, 3, 1, 2), double(1, 3, 3, 2)], attrs: uneven },
    { inputs: [[2, 3, 4, 2], given(1, 1, 2, 2), [2, 2, 2, 2]], attrs: { ...nhwc, strides: [1, 2, 2, 1] } },
  ],
});

/**
 * The gradient of a convolution's images (TensorFlow 1 `tf.nn.conv2d_backprop_input`), of shape `inputSizes`, from that of its
 * output. The other arguments are those of `conv2d`.
 * @throws ShapeError where `outBackprop` does not have the shape of the convolution's output
 * @example
 * nn.conv2dBackpropInput([1, 2, 2, 1], ones([1, 1, 1, 1]), constant([[[[1], [2]], [[3], [4]]]]), 1, 'SAME'); // [[[[1], [2]], [[3], [4]]]]
 */
export function conv2dBackpropInput<F extends Operand, Y extends Operand>(
  inputSizes: IndexOperand,
  filter: F,
  outBackprop: Y,
  strides: PerAxis,
  padding: Padding,
  options: ConvolutionOptions = {},
): Tensor<CommonDType<F, Y>> {
  const operands = [indices(inputSizes, 'input_sizes'), filter, outBackprop];
  return one(
    'Conv2DBackpropInput',
    operands,
    convolutionAttrs('conv2dBackpropInput', strides, padding, options),
    options,
  ) as Tensor<CommonDType<F, Y>>;
}

/**
 * The gradient of a convolution's filters (TensorFlow 1 `tf.nn.conv2d_backprop_filter`), of shape `filterSizes`, from that of its
 * output. The other arguments are those of `conv2d`.
 * @throws ShapeError where `outBackprop` does not have the shape of the convolution's output
 * @example
 * nn.conv2dBackpropFilter(constant([[[[1], [2]], [[3], [4]]]]), [1, 1, 1, 1], ones([1, 2, 2, 1]), 1, 'SAME'); // [[[[10]]]]
 */
export function conv2dBackpropFilter<X extends Operand, Y extends Operand>(
  input: X,
  filterSizes: IndexOperand,
  outBackprop: Y,
  strides: PerAxis,
  padding: Padding,
  options: ConvolutionOptions = {},
): Tensor<CommonDType<X, Y>> {
  const operands = [input, indices(filterSizes, 'filter_sizes'), outBackprop];
  return one(
    'Conv2DBackpropFilter',
    operands,
    convolutionAttrs('conv2dBackpropFilter', strides, padding, options),
    options,
  ) as Tensor<CommonDType<X, Y>>;
}

export interface TransposedConvolutionOptions extends ConvolutionOptions {
  /** 'SAME' by default. */
  readonly padding?: Padding;
}

/**
 * The transpose of a convolution (TensorFlow `tf.nn.conv2d_transpose`): images of shape `outputShape`, made as the gradient of a
 * convolution's images is. `filters` are [height, width, outputs, channels of `input`].
 * @throws ShapeError where a convolution of `outputShape` does not give the shape of `input`
 * @example
 * nn.conv2dTranspose(constant([[[[1], [2]]]]), ones([1, 2, 1, 1]), [1, 1, 4, 1], 2); // [[[[1], [1], [2], [2]]]]
 */
export function conv2dTranspose<X extends Operand, F extends Operand>(
  input: X,
  filters: F,
  outputShape: IndexOperand,
  strides: PerAxis,
  options: TransposedConvolutionOptions = {},
): Tensor<CommonDType<X, F>> {
  return composedInScope('conv2d_transpose', options, [input, filters], (scope) => {
    const attrs = convolutionAttrs('conv2dTranspose', strides, options.padding ?? 'SAME', options);
    const operands = [indices(outputShape, 'input_sizes'), filters, input];
    return one('Conv2DBackpropInput', operands, attrs, { name: scope }) as Tensor<CommonDType<X, F>>;
  });
}
