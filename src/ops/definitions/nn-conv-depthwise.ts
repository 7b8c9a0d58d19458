/** Convolutions of each channel by filters of its own, and the gradients of their images and filters. */
import type { Tensor } from '../../graph/tensor.js';
import { batchConvolution, batchImageGradient } from '../batching/images.js';
import { one } from '../call.js';
import { convolving } from '../convolution.js';
import { convolutionAttrs, type ConvolutionOptions, type Padding, type PerAxis } from '../image-calls.js';
import { indices, type IndexOperand } from '../indexing.js';
import { defineOp, type AttrInput, type OpView } from '../opdef.js';
import type { CommonDType, Operand } from '../types.js';
import { shape } from './array-shape.js';
import {
  convolvedShape,
  filterGradientShape,
  fittingGradient,
  givenShape,
  requireImageAndFilter,
} from '../image-shapes.js';

const attributes = `strides: list(int), padding: {'SAME', 'VALID', 'EXPLICIT'}, explicit_paddings: list(int) = [],
  data_format: {'NHWC', 'NCHW'} = 'NHWC', dilations: list(int) = [1, 1, 1, 1]`;
const floats = '{half, bfloat16, float, double}';

/** The attributes that a convolution and its gradients share. */
function shared(op: OpView): Readonly<Record<string, AttrInput>> {
  return {
    strides: op.intListAttr('strides'),
    padding: op.stringAttr('padding'),
    explicit_paddings: op.intListAttr('explicit_paddings'),
    data_format: op.stringAttr('data_format'),
    dilations: op.intListAttr('dilations'),
  };
}

const same = { strides: [1, 1, 1, 1], padding: 'SAME' } as const;
const apart = { strides: [1, 2, 2, 1], padding: 'EXPLICIT', explicit_paddings: [0, 0, 1, 0, 0, 1, 0, 0] } as const;
const double = (...shape: number[]) => ({ shape, dtype: 'float64' }) as const;
const given = (...value: number[]) => ({ value, dtype: 'int32' }) as const;

defineOp({
  name: 'DepthwiseConv2dNative',
  signature: `input: T, filter: T -> output: T | T: ${floats}, ${attributes}`,
  infer: (op) => {
    const [image, filter] = op.inputs;
    requireImageAndFilter(op, image, filter);
    return [convolvedShape(op, image.shape, filter.shape, true)];
  },
  lower: convolving('output', true),
  grad: (op, [dy]) => {
    const [image, filter] = op.inputs;
    return [
      one('DepthwiseConv2dNativeBackpropInput', [shape(image), filter, dy], shared(op)),
      one('DepthwiseConv2dNativeBackpropFilter', [image, shape(filter), dy], shared(op)),
    ];
  },
  batch: batchConvolution,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 4, 3, 2],
        [3, 2, 2, 2],
      ],
      attrs: same,
    },
    { inputs: [double(1, 4, 4, 3), double(2, 2, 3, 1)], attrs: apart },
  ],
});

defineOp({
  name: 'DepthwiseConv2dNativeBackpropInput',
  signature: `input_sizes: int32, filter: T, out_backprop: T -> output: T | T: ${floats}, ${attributes}`,
  infer: (op) => {
    const [sizes, filter, dy] = op.inputs;
    requireImageAndFilter(op, dy, filter);
    const image = givenShape(op, sizes);
    return fittingGradient(op, image, convolvedShape(op, image, filter.shape, true), dy);
  },
  lower: convolving('input', true),
  grad: (op, [dy]) => {
    const [, filter, out] = op.inputs;
    return [
      null,
      one('DepthwiseConv2dNativeBackpropFilter', [dy, shape(filter), out], shared(op)),
      one('DepthwiseConv2dNative', [dy, filter], shared(op)),
    ];
  },
  batch: batchImageGradient,
  effect: 'pure',
  samples: [
    { inputs: [given(2, 4, 3, 2), [3, 2, 2, 2], [2, 4, 3, 4]], attrs: same },
    { inputs: [given(1, 4, 4, 3), double(2, 2, 3, 1), double(1, 2, 2, 3)], attrs: apart },
  ],
});

defineOp({
  name: 'DepthwiseConv2dNativeBackpropFilter',
  signature: `input: T, filter_sizes: int32, out_backprop: T -> output: T | T: ${floats}, ${attributes}`,
  infer: (op) => filterGradientShape(op, true),
  lower: convolving('filter', true),
  grad: (op, [dy]) => {
    const [image, , out] = op.inputs;
    return [
      one('DepthwiseConv2dNativeBackpropInput', [shape(image), dy, out], shared(op)),
      null,
      one('DepthwiseConv2dNative', [image, dy], shared(op)),
    ];
  },
  batch: 'loop',
  effect: 'pure',
  samples: [
    { inputs: [[2, 4, 3, 2], given(3, 2, 2, 2), [2, 4, 3, 4]], attrs: same },
    { inputs: [double(1, 4, 4, 3), given(2, 2, 3, 1), double(1, 2, 2, 3)], attrs: apart },
  ],
});

/**
 * The convolution of each channel of images [batch, height, width, channels] by filters of its own, [height, width, channels,
 * multiplier] (TensorFlow `tf.nn.depthwise_conv2d`). Output channel `c * multiplier + m` is that of channel c by its filter m.
 * The other arguments are those of `conv2d`. A float dtype.
 * @throws ShapeError where ranks or channels do not fit, or a filter is larger than the padded images
 * @example
 * nn.depthwiseConv2d(constant([[[[1, 10], [2, 20]]]]), ones([1, 2, 2, 1]), 1, 'VALID'); // [[[[3, 30]]]]
 */
export function depthwiseConv2d<X extends Operand, F extends Operand>(
  input: X,
  filter: F,
  strides: PerAxis,
  padding: Padding,
  options: ConvolutionOptions = {},
): Tensor<CommonDType<X, F>> {
  const attrs = convolutionAttrs('depthwiseConv2d', strides, padding, options);
  return one('DepthwiseConv2dNative', [input, filter], attrs, { name: options.name ?? 'depthwise' }) as Tensor<
    CommonDType<X, F>
  >;
}

/**
 * The gradient of a depthwise convolution's images (TensorFlow `tf.nn.depthwise_conv2d_backprop_input`), of shape `inputSizes`,
 * from that of its output.
 * @throws ShapeError where `outBackprop` does not have the shape of the convolution's output
 * @example
 * nn.depthwiseConv2dBackpropInput([1, 1, 1, 2], ones([1, 1, 2, 1]), constant([[[[1, 2]]]]), 1, 'SAME'); // [[[[1, 2]]]]
 */
export function depthwiseConv2dBackpropInput<F extends Operand, Y extends Operand>(
  inputSizes: IndexOperand,
  filter: F,
  outBackprop: Y,
  strides: PerAxis,
  padding: Padding,
  options: ConvolutionOptions = {},
): Tensor<CommonDType<F, Y>> {
  const operands = [indices(inputSizes, 'input_sizes'), filter, outBackprop];
  const attrs = convolutionAttrs('depthwiseConv2dBackpropInput', strides, padding, options);
  return one('DepthwiseConv2dNativeBackpropInput', operands, attrs, options) as Tensor<CommonDType<F, Y>>;
}

/**
 * The gradient of a depthwise convolution's filters (TensorFlow `tf.nn.depthwise_conv2d_backprop_filter`), of shape `filterSizes`,
 * from that of its output.
 * @throws ShapeError where `outBackprop` does not have the shape of the convolution's output
 * @example
 * nn.depthwiseConv2dBackpropFilter(constant([[[[1, 2]]]]), [1, 1, 2, 1], constant([[[[3, 4]]]]), 1, 'SAME'); // [[[[3], [8]]]]
 */
export function depthwiseConv2dBackpropFilter<X extends Operand, Y extends Operand>(
  input: X,
  filterSizes: IndexOperand,
  outBackprop: Y,
  strides: PerAxis,
  padding: Padding,
  options: ConvolutionOptions = {},
): Tensor<CommonDType<X, Y>> {
  const operands = [input, indices(filterSizes, 'filter_sizes'), outBackprop];
  const attrs = convolutionAttrs('depthwiseConv2dBackpropFilter', strides, padding, options);
  return one('DepthwiseConv2dNativeBackpropFilter', operands, attrs, options) as Tensor<CommonDType<X, Y>>;
}
