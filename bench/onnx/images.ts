/** Convolutions and pools in ONNX, which has channels before height and width. Only strides of 1 and windows that do not overlap. */
import type * as tl from '../../src/index.js';
import type { ModelWriter } from './writer.js';

const channelsFirst = [0, 3, 1, 2];
const channelsLast = [0, 2, 3, 1];
const outputsFirst = [3, 2, 0, 1];

const shapeOf = (tensor: tl.Tensor): readonly number[] => tensor.shape as readonly number[];

function transposed(model: ModelWriter, x: string, perm: readonly number[]): string {
  return model.node('Transpose', [x], { perm });
}

/** Zeros around images, so that filters of this size give images of the same size. */
function around(filter: readonly number[], op: tl.Operation): number[] {
  if (String(op.attr('padding')) !== 'SAME') return [0, 0, 0, 0];
  const before = filter.slice(0, 2).map((size) => (size - 1) >> 1);
  const after = filter.slice(0, 2).map((size) => size >> 1);
  return [...before, ...after];
}

export function convolution(model: ModelWriter, [image, filter]: readonly string[], op: tl.Operation): string {
  const pads = around(shapeOf(op.inputs[1]!), op);
  const x = transposed(model, image!, channelsFirst);
  return transposed(model, model.node('Conv', [x, transposed(model, filter!, outputsFirst)], { pads }), channelsLast);
}

/** The gradient with respect to the images. */
export function convolutionImage(model: ModelWriter, [, filter, dy]: readonly string[], op: tl.Operation): string {
  const pads = around(shapeOf(op.inputs[1]!), op);
  const gradient = transposed(model, dy!, channelsFirst);
  const dx = model.node('ConvTranspose', [gradient, transposed(model, filter!, outputsFirst)], { pads });
  return transposed(model, dx, channelsLast);
}

/** The gradient with respect to the filters: a convolution of the images by it, over the batch in place of channels. */
export function convolutionFilter(model: ModelWriter, [image, , dy]: readonly string[], op: tl.Operation): string {
  const pads = around(shapeOf(op.outputs[0]!), op);
  const x = transposed(model, image!, [3, 0, 1, 2]);
  const df = model.node('Conv', [x, transposed(model, dy!, [3, 0, 1, 2])], { pads });
  return transposed(model, df, [2, 3, 0, 1]);
}

const windowOf = (from: readonly number[], to: readonly number[]): number[] => [from[1]! / to[1]!, from[2]! / to[2]!];

export function pool(model: ModelWriter, [image]: readonly string[], op: tl.Operation): string {
  const size = windowOf(shapeOf(op.inputs[0]!), shapeOf(op.outputs[0]!));
  const x = transposed(model, image!, channelsFirst);
  return transposed(model, model.node('MaxPool', [x], { kernel_shape: size, strides: size }), channelsLast);
}

/** All of equal elements get the gradient, and not the first alone: in the networks here only zeros of relu tie, which pass on nothing. */
export function poolGradient(model: ModelWriter, [image, y, dy]: readonly string[], op: tl.Operation): string {
  const full = shapeOf(op.outputs[0]!);
  const [n, rows, columns, channels] = shapeOf(op.inputs[1]!) as [number, number, number, number];
  const [height, width] = windowOf(full, shapeOf(op.inputs[1]!)) as [number, number];
  const spread = (x: string): string => {
    const apart = model.node('Reshape', [x, model.int64s([n, rows, 1, columns, 1, channels])]);
    const repeated = model.node('Expand', [apart, model.int64s([n, rows, height, columns, width, channels])]);
    return model.node('Reshape', [repeated, model.int64s(full)]);
  };
  const largest = model.node('Equal', [image!, spread(y!)]);
  return model.node('Where', [largest, spread(dy!), model.scalar(0, op.inputs[0]!)]);
}
