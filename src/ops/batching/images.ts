/** Batching rules of what works on images: the rows make the batch longer, or, for gradients of filters, the channels more. */
import type { Tensor } from '../../graph/tensor.js';
import { one } from '../call.js';
import { copyOperation } from '../copy.js';
import { item } from '../indexing.js';
import type { Batched, BatchRule, OpView, Rows } from '../opdef.js';
import { joined, shapeOf, times } from '../rules.js';
import { stacked } from './operands.js';
import { folded, unfolded } from './products.js';

/** All inputs are images: all rows' below each other. */
export const batchImages: BatchRule = (op, inputs, rows) => {
  const images = op.inputs.map((_, i) => rows.stack(inputs[i]!));
  return stacked(copyOperation(op, images.map(folded)).outputs.map((output) => unfolded(output, images[0]!, rows)));
};

/** A convolution with a filter that is the same for all rows. */
export const batchConvolution: BatchRule = (op, [image, filter], rows) => {
  if (filter.stacked) return null;
  const [output] = copyOperation(op, [folded(image.tensor), filter.tensor]).outputs;
  return stacked([unfolded(output!, image.tensor, rows)]);
};

/** The gradient of its image. */
export const batchImageGradient: BatchRule = (op, [sizes, filter, dy], rows) => {
  if (filter.stacked || sizes.stacked) return null;
  return gradientOfImages(op, [sizesOfAll(sizes.tensor, rows), filter.tensor, folded(dy.tensor)], dy.tensor, rows);
};

/** The gradient of a pool whose first input is the shape of the image. */
export const batchPoolGradient: BatchRule = (op, [sizes, dy], rows) => {
  if (sizes.stacked) return null;
  return gradientOfImages(op, [sizesOfAll(sizes.tensor, rows), folded(dy.tensor)], dy.tensor, rows);
};

function gradientOfImages(op: OpView, inputs: readonly Tensor[], like: Tensor, rows: Rows): readonly Batched[] {
  return stacked([unfolded(copyOperation(op, inputs).outputs[0]!, like, rows)]);
}

/** The shape of all rows' images below each other; height and width alone stay what they are. */
function sizesOfAll(sizes: Tensor, rows: Rows): Tensor {
  if (sizes.shape?.[0] === 2) return sizes;
  return joined([times(item(sizes, { stop: 1 }), rows.sizeVector('int32')), item(sizes, { start: 1 })]);
}

/** The gradient of a filter for gradients of the output by rows: these are channels more. */
export const batchFilterGradient: BatchRule = (op, [image, sizes, dy], rows) => {
  if (image.stacked || sizes.stacked || op.stringAttr('data_format') !== 'NHWC') return null;
  const [front, channels] = [item(sizes.tensor, { stop: 3 }), item(sizes.tensor, { start: 3 })];
  const all = rows.sizeVector('int32');
  const beside = one('Transpose', [dy.tensor, [1, 2, 3, 0, 4]], {}, { name: 'transpose' });
  const pixels = item(shapeOf(beside), { stop: 3 });
  const wide = one('Reshape', [beside, joined([pixels, times(all, channels)])]);
  const [filters] = copyOperation(op, [image.tensor, joined([front, times(all, channels)]), wide]).outputs;
  const apart = one('Reshape', [filters!, joined([front, all, channels])]);
  return stacked([one('Transpose', [apart, [3, 0, 1, 2, 4]], {}, { name: 'transpose' })]);
};
