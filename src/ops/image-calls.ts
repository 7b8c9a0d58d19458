/** Arguments of functions on images as TensorFlow takes them: sizes, strides, dilations and paddings in short or in full. */
import { InvalidArgumentError } from '../graph/errors.js';
import type { AttrInput } from './opdef.js';
import type { OpOptions } from './types.js';

/** One number for height and width, two numbers, or four: one an axis. */
export type PerAxis = number | readonly number[];

/** 'SAME', 'VALID', or what is added before and after each of the four axes. */
export type Padding = 'SAME' | 'VALID' | readonly (readonly [number, number] | readonly number[])[];

export type ImageFormat = 'NHWC' | 'NCHW';

export interface ImageOptions extends OpOptions {
  /** The order of the axes of images: batch, height, width and channels; 'NHWC' by default. */
  readonly dataFormat?: ImageFormat;
}

/** @throws InvalidArgumentError unless there are 1, 2 or 4 numbers */
export function fourOf(fn: string, what: string, value: PerAxis, format: ImageFormat): readonly number[] {
  const values = typeof value === 'number' ? [value] : value;
  if (values.length === 4) return values;
  if (values.length !== 1 && values.length !== 2)
    throw new InvalidArgumentError(`${fn}: ${what} must be one number, two or four, not ${values.length}.`, { op: fn });
  const [rows, columns = rows] = values as readonly [number, number?];
  return format === 'NCHW' ? [1, 1, rows, columns] : [1, rows, columns, 1];
}

/** The attributes of a padding. @throws InvalidArgumentError for one that is neither named nor four pairs */
export function paddingAttrs(fn: string, padding: Padding): { padding: string; explicit_paddings: readonly number[] } {
  if (padding === 'SAME' || padding === 'VALID') return { padding, explicit_paddings: [] };
  if (
    !Array.isArray(padding) ||
    padding.length !== 4 ||
    padding.some((pair: unknown) => !Array.isArray(pair) || pair.length !== 2)
  )
    throw new InvalidArgumentError(`${fn}: padding must be 'SAME', 'VALID' or four pairs of numbers.`, { op: fn });
  return { padding: 'EXPLICIT', explicit_paddings: padding.flat() };
}

/** @throws InvalidArgumentError for a format that is not supported */
export function formatOf(fn: string, { dataFormat = 'NHWC' }: ImageOptions): ImageFormat {
  if ((dataFormat as string) === 'NHWC' || (dataFormat as string) === 'NCHW') return dataFormat;
  throw new InvalidArgumentError(`${fn}: dataFormat must be 'NHWC' or 'NCHW', not '${String(dataFormat)}'.`, {
    op: fn,
  });
}

export interface ConvolutionOptions extends ImageOptions {
  /** The distance of the elements that a filter sees; 1 by default. */
  readonly dilations?: PerAxis;
}

/** The attributes of a convolution, for the function `fn`. @throws InvalidArgumentError for what is not understood */
export function convolutionAttrs(
  fn: string,
  strides: PerAxis,
  padding: Padding,
  options: ConvolutionOptions,
): Readonly<Record<string, AttrInput>> {
  const format = formatOf(fn, options);
  return {
    strides: fourOf(fn, 'strides', strides, format),
    dilations: fourOf(fn, 'dilations', options.dilations ?? 1, format),
    data_format: format,
    ...paddingAttrs(fn, padding),
  };
}
