/** Shape rules that convolutions and pools of images share. */
import { mergeShapes, type Dim, type Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { groupsOf } from './convolution.js';
import { constantShape } from './known.js';
import type { OpView } from './opdef.js';
import { lengthOf, requireRank, shapeError } from './shape-rules.js';
import { arranged, explicitPaddings, layoutOf, outputSize, rank4, spatial } from './windows.js';

/** The shape that a convolution of such images by such filters has. */
export function convolvedShape(op: OpView, image: Shape, filter: Shape, depthwise: boolean): Shape {
  const layout = layoutOf(op);
  const [strides, dilations] = [spatial(op, 'strides'), spatial(op, 'dilations')];
  explicitPaddings(op);
  const [from, by] = [rank4(image), rank4(filter)];
  const [inChannels, own, last] = [from[layout.channels]!, by[2]!, by[3]!];
  const product = own === null || last === null ? null : own * last;
  const outChannels = depthwise ? product : last;
  if (inChannels !== null && own !== null) groupsOf(op, inChannels, outChannels ?? 0, own, depthwise);
  const size = (axis: number, window: Dim): Dim =>
    outputSize(op, axis, from[axis]!, { window, stride: strides[axis]!, dilation: dilations[axis]! });
  return arranged<Dim>(
    layout,
    from[0]!,
    size(layout.rows, by[0]!),
    size(layout.columns, by[1]!),
    depthwise && inChannels !== null && last !== null ? inChannels * last : outChannels,
  );
}

/** @throws ShapeError unless both may have rank 4 */
export function requireImageAndFilter(op: OpView, image: Tensor, filter: Tensor | null): void {
  requireRank(op, image, 4, 'images');
  if (filter) requireRank(op, filter, 4, 'the filter');
}

/** The shape in `sizes`, a vector of four. */
export function givenShape(op: OpView, sizes: Tensor): Shape {
  requireRank(op, sizes, 1, 'sizes');
  const length = lengthOf(sizes);
  if (length !== null && length !== 4) throw shapeError(op, 'sizes must have 4 values', [sizes]);
  return rank4(constantShape(sizes));
}

/** `given`, if the convolution of that shape may have the shape of `dy`. @throws ShapeError where it cannot */
export function fittingGradient(op: OpView, result: Shape, convolved: Shape, dy: Tensor): readonly Shape[] {
  if (mergeShapes(convolved, dy.shape) === undefined)
    throw shapeError(op, 'the gradient of the output does not have the shape of the output', [dy]);
  return [result];
}

/** The shape of the gradient of filters, whose sizes are the second input. */
export function filterGradientShape(op: OpView, isDepthwise: boolean): readonly Shape[] {
  const [image, sizes, dy] = op.inputs;
  requireImageAndFilter(op, image, null);
  requireImageAndFilter(op, dy, null);
  const filter = givenShape(op, sizes);
  return fittingGradient(op, filter, convolvedShape(op, image.shape, filter, isDepthwise), dy);
}
