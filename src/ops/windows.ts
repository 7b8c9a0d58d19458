/** Windows that move over the axes of images, as convolutions and pools have them: their attributes, and where they lie. */
import type { Dim, Shape } from '../graph/shape.js';
import { bin, int, type Expr } from './expr.js';
import type { OpView } from './opdef.js';
import { argumentError, shapeError } from './shape-rules.js';

/** The axis of the channels, and those of height and width. */
export interface Layout {
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
}

export function layoutOf(op: OpView): Layout {
  const format = op.stringAttr('data_format');
  if (format === 'NHWC') return { channels: 3, rows: 1, columns: 2 };
  if (format === 'NCHW') return { channels: 1, rows: 2, columns: 3 };
  throw argumentError(op, `data_format '${format}' is not supported here: use NHWC or NCHW`);
}

/** Four positive integers, one an axis. @throws InvalidArgumentError for anything else */
function perAxis(op: OpView, name: string): readonly number[] {
  const values = op.intListAttr(name);
  if (values.length !== 4) throw argumentError(op, `${name} must have 4 values, not ${values.length}`);
  const wrong = values.find((value) => value < 1);
  if (wrong !== undefined) throw argumentError(op, `${name} must be positive, not ${wrong}`);
  return values;
}

/** The same, of an attribute that is 1 along the batch and, unless `channels` may have another, along the channels. */
export function spatial(op: OpView, name: string, { channels = false } = {}): readonly number[] {
  const values = perAxis(op, name);
  if (values[0] !== 1 || (!channels && values[layoutOf(op).channels] !== 1))
    throw argumentError(
      op,
      `${name} must be 1 along the batch${channels ? '' : ' and the channels'}, not ${list(values)}`,
    );
  return values;
}

function list(values: readonly number[]): string {
  return `[${values.join(', ')}]`;
}

/** What is added before and after each axis where an op says so itself; null where its padding has a name. */
export function explicitPaddings(op: OpView): readonly (readonly [number, number])[] | null {
  const values = op.hasAttr('explicit_paddings') ? op.intListAttr('explicit_paddings') : [];
  if (op.stringAttr('padding') !== 'EXPLICIT') {
    if (values.length > 0) throw argumentError(op, 'explicit_paddings must be empty unless padding is EXPLICIT');
    return null;
  }
  if (values.length !== 8) throw argumentError(op, `explicit_paddings must have 8 values, not ${values.length}`);
  if (values.some((value) => value < 0))
    throw argumentError(op, `explicit_paddings ${list(values)} must not be negative`);
  const pairs = [0, 1, 2, 3].map((axis) => [values[2 * axis]!, values[2 * axis + 1]!] as const);
  for (const axis of [0, layoutOf(op).channels])
    if (pairs[axis]!.some((width) => width > 0))
      throw argumentError(op, `explicit_paddings ${list(values)} must be 0 along the batch and the channels`);
  return pairs;
}

/** A window along one axis. */
export interface Span {
  readonly input: number;
  readonly output: number;
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  /** How far the first window begins before the input. */
  readonly before: number;
}

type Spacing = Pick<Span, 'window' | 'stride' | 'dilation'>;

/** How the windows of `op` lie along `axis`. @throws ShapeError where none fits */
export function spanOf(op: OpView, axis: number, input: number, spacing: Spacing): Span {
  const output = outputSize(op, axis, input, spacing)!;
  const { window, stride, dilation } = spacing;
  const explicit = explicitPaddings(op);
  if (explicit) return { input, output, window, stride, dilation, before: explicit[axis]![0] };
  if (op.stringAttr('padding') === 'VALID') return { input, output, window, stride, dilation, before: 0 };
  const padding = Math.max((output - 1) * stride + reach(spacing) - input, 0);
  return { input, output, window, stride, dilation, before: Math.floor(padding / 2) };
}

/** How many elements of the input lie between the ends of a window, those included. */
function reach({ window, dilation }: Spacing): number {
  return (window - 1) * dilation + 1;
}

/** How many windows there are along `axis`, as far as is known. @throws ShapeError where none fits */
export function outputSize(
  op: OpView,
  axis: number,
  input: Dim,
  { window, stride, dilation }: Omit<Spacing, 'window'> & { readonly window: Dim },
): Dim {
  if (input === null) return null;
  if (op.stringAttr('padding') === 'SAME') return Math.ceil(input / stride);
  if (window === null) return null;
  const [before, after] = explicitPaddings(op)?.[axis] ?? [0, 0];
  const free = input + before + after - reach({ window, stride, dilation });
  if (free < 0)
    throw shapeError(
      op,
      `a window of ${reach({ window, stride, dilation })} does not fit into ${input + before + after} elements along axis ${axis}`,
    );
  return Math.floor(free / stride) + 1;
}

/** The element of the input that element `within` of window number `at` lies on; outside of it where that is padding. */
export function inputAt({ stride, dilation, before }: Span, at: Expr, within: Expr): Expr {
  return bin('sub', bin('add', bin('mul', at, int(stride)), bin('mul', within, int(dilation))), int(before));
}

/** Whether `inputAt` is in the input: null where it always is. */
export function isInside(span: Span, position: Expr): Expr | null {
  const { input, output, stride, before } = span;
  const last = (output - 1) * stride + reach(span) - 1 - before;
  return both(before > 0 ? bin('ge', position, int(0)) : null, last >= input ? bin('lt', position, int(input)) : null);
}

export function both(a: Expr | null, b: Expr | null): Expr | null {
  return a && b ? bin('and', a, b) : (a ?? b);
}

/** Which of a list of 4 dimensions is where, in the order of `layout`. */
export function arranged<T>(layout: Layout, batch: T, rows: T, columns: T, channels: T): T[] {
  const result = [batch, batch, batch, batch];
  result[layout.rows] = rows;
  result[layout.columns] = columns;
  result[layout.channels] = channels;
  return result;
}

/** A shape of rank 4 with unknown dimensions where nothing is known. */
export function rank4(shape: Shape): readonly Dim[] {
  return shape ?? [null, null, null, null];
}
