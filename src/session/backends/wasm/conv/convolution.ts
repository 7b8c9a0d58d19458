/** Convolutions and their gradients as functions of a module, for shapes that are known when they are written. */
import type { Convolution } from '../../../../ops/convolution.js';
import type { FunctionRef } from '../assembler/code.js';
import type { ModuleBuilder } from '../assembler/module.js';
import { Lanes, type MatMulDType } from '../matmul/lanes.js';
import { defineFilters } from './filters.js';
import { backward, forward } from './geometry.js';
import { defineImages } from './images.js';

export interface ConvolutionEmitted {
  /**
   * (a, b, result, scratch, from, to): byte addresses of what the record combines, in its order, and the rows of the result that are
   * wanted: of images, the rows of all of them; of a filter, its elements, each for all output channels. Only these are written, and
   * scratch; they have the same bits however rows are split. Products are added in order of the filter's elements and their channels,
   * or, for a filter, of images and their pixels.
   */
  readonly fn: FunctionRef;
  /** Bytes of scratch, a multiple of 16; each thread has its own. */
  readonly scratch: number;
  /** How many rows there are. */
  readonly rows: number;
  readonly operations: number;
}

/** There are kernels for what `isDirect` says. */
export function defineConvolution(
  module: ModuleBuilder,
  name: string,
  convolution: Convolution,
  dtype: MatMulDType,
  relaxed: boolean,
): ConvolutionEmitted {
  const { side, layout, batch, rows, columns, inChannels, outChannels } = convolution;
  const lanes = new Lanes(dtype, relaxed);
  const window = rows.window * columns.window;
  const operations = 2 * batch * rows.output * columns.output * window * inChannels * outChannels;
  const shared = { lanes, batch, channelsFirst: layout.channels === 1 };
  if (side === 'filter') {
    const spec = {
      ...shared,
      channels: inChannels,
      outputs: outChannels,
      rows: forward(rows),
      columns: forward(columns),
    };
    return { ...defineFilters(module, name, spec), rows: window * inChannels, operations };
  }
  const axes =
    side === 'output'
      ? { rows: forward(rows), columns: forward(columns) }
      : { rows: backward(rows), columns: backward(columns) };
  const turned = side === 'input';
  const [channels, outputs] = turned ? [outChannels, inChannels] : [inChannels, outChannels];
  const spec = { ...shared, ...axes, channels, outputs, turned, filterColumns: columns.window };
  return { ...defineImages(module, name, spec), rows: batch * axes.rows.outputs, operations };
}
