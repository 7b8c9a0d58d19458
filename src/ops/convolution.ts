/**
 * Convolutions of images and their two gradients, element by element.
 *
 * Output channels fall into as many groups as the filter's input channels go into those of the image; a group sees its own input
 * channels alone. In a depthwise convolution every input channel is a group. The padding counts as zeros, which are multiplied as
 * everything else is.
 */
import type { DType } from '../graph/dtype.js';
import { bin, cast, int, lazy, reduce, select, type Expr, type Lazy } from './expr.js';
import { numbers } from './indexing.js';
import type { Lowering, LowerView, OpView } from './opdef.js';
import { argumentError, shapeError, zeroOf } from './shape-rules.js';
import { arranged, both, inputAt, isInside, layoutOf, spanOf, spatial, type Layout, type Span } from './windows.js';

/** What a convolution computes: its output, or from the gradient of that the one of its input or its filter. */
export type Side = 'output' | 'input' | 'filter';

/** A convolution, or one of its gradients, of known shapes. */
export interface Convolution {
  readonly side: Side;
  /** Positions of the two inputs that are combined: of the output's sides image, filter, gradient of the output, those that it has. */
  readonly operands: readonly [number, number];
  readonly layout: Layout;
  readonly batch: number;
  readonly rows: Span;
  readonly columns: Span;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  /** Whether the filter is [rows, columns, channels, multiplier] instead of [rows, columns, channels of a group, output channels]. */
  readonly depthwise: boolean;
}

const positions: Readonly<Record<Side, readonly [number, number]>> = { output: [0, 1], input: [2, 1], filter: [0, 2] };

/** What `view` says of a convolution. @throws ShapeError or InvalidArgumentError where its parts do not fit together */
export function convolutionOf(
  side: Side,
  depthwise: boolean,
  view: Pick<LowerView, 'op' | 'inputs' | 'value'>,
): Convolution {
  const { op, inputs } = view;
  const layout = layoutOf(op);
  const filter = side === 'filter' ? numbers(view.value(1)) : inputs[1].shape;
  if (filter.length !== 4) throw shapeError(op, 'the filter must have rank 4', []);
  const image = side === 'input' ? inputSizes(view, layout, filter, depthwise) : inputs[0].shape;
  const [inChannels, outChannels] = [image[layout.channels]!, depthwise ? filter[2]! * filter[3]! : filter[3]!];
  const groups = groupsOf(op, inChannels, outChannels, filter[2]!, depthwise);
  const [strides, dilations] = [spatial(op, 'strides'), spatial(op, 'dilations')];
  const span = (axis: number, window: number): Span =>
    spanOf(op, axis, image[axis]!, { window, stride: strides[axis]!, dilation: dilations[axis]! });
  const [rows, columns] = [span(layout.rows, filter[0]!), span(layout.columns, filter[1]!)];
  const batch = image[0]!;
  if (side !== 'output') {
    const expected = arranged(layout, batch, rows.output, columns.output, outChannels);
    if (inputs[2].shape.join() !== expected.join())
      throw shapeError(
        op,
        `the gradient of the output must have shape [${expected.join(', ')}], not [${inputs[2].shape.join(', ')}]`,
        [],
      );
  }
  return { side, operands: positions[side], layout, batch, rows, columns, inChannels, outChannels, groups, depthwise };
}

/** The shape of the image: where two sizes are given, they are its height and width. */
function inputSizes(
  { op, inputs, value }: Pick<LowerView, 'op' | 'inputs' | 'value'>,
  layout: Layout,
  filter: readonly number[],
  depthwise: boolean,
): readonly number[] {
  const sizes = numbers(value(0));
  if (sizes.length === 4) return sizes;
  if (sizes.length === 2 && !depthwise) return arranged(layout, inputs[2].shape[0]!, sizes[0]!, sizes[1]!, filter[2]!);
  throw argumentError(
    op,
    `input_sizes must have 4 values${depthwise ? '' : ', or 2 for height and width'}, not ${sizes.length}`,
  );
}

/** @throws ShapeError where channels do not go into groups */
export function groupsOf(op: OpView, inChannels: number, outChannels: number, own: number, depthwise: boolean): number {
  if (depthwise) {
    if (inChannels !== own)
      throw shapeError(op, `there are ${inChannels} input channels, and the filter is for ${own}`, []);
    return inChannels;
  }
  if (own === 0 ? inChannels !== 0 : inChannels % own !== 0)
    throw shapeError(op, `${inChannels} input channels are no multiple of the ${own} that the filter has`, []);
  const groups = own === 0 ? 1 : inChannels / own;
  if (groups > 1 && outChannels % groups !== 0)
    throw shapeError(op, `${outChannels} output channels do not go into ${groups} groups`, []);
  return groups;
}

/** The lowering of a convolution or of one of its gradients. */
export function convolving(side: Side, depthwise: boolean): Lowering {
  const lowering: Lowering = (view) => {
    const convolution = convolutionOf(side, depthwise, view);
    const [a, b] = convolution.operands.map((position) => view.inputs[position]!) as [Lazy, Lazy];
    return [sides[side](convolution, a, b)];
  };
  return Object.assign(lowering, {
    convolution: (view: Pick<LowerView, 'op' | 'inputs' | 'value'>) => convolutionOf(side, depthwise, view),
  });
}

/** Channels by group: the group, and the channel within it. */
function split(channel: Expr, perGroup: number, groups: number): readonly [group: Expr, within: Expr] {
  if (groups === 1) return [int(0), channel];
  if (perGroup === 1) return [channel, int(0)];
  return [bin('floordiv', channel, int(perGroup)), bin('floormod', channel, int(perGroup))];
}

function joined(group: Expr, within: Expr, perGroup: number): Expr {
  return bin('add', bin('mul', group, int(perGroup)), within);
}

/** Short floats are multiplied and added up as float32, and rounded once. */
function wide(x: Expr): Expr {
  return x.dtype === 'float16' || x.dtype === 'bfloat16' ? cast(x, 'float32') : x;
}

/** `image`, or 0 in the padding. */
function padded(image: Lazy, index: readonly Expr[], test: Expr | null): Expr {
  return test ? select(test, image.at(index), zeroOf(image.dtype)) : image.at(index);
}

function sum(
  extents: readonly number[],
  dtype: DType,
  factors: (over: readonly Expr[]) => readonly [Expr, Expr],
): Expr {
  const total = reduce('add', extents, (over) => {
    const [a, b] = factors(over);
    return bin('mul', wide(a), wide(b));
  });
  return cast(total, dtype);
}

function filterIndex(
  { depthwise }: Convolution,
  y: Expr,
  x: Expr,
  group: Expr,
  input: Expr,
  output: Expr,
  perGroup: number,
): readonly Expr[] {
  return depthwise ? [y, x, group, output] : [y, x, input, joined(group, output, perGroup)];
}

type Element = (convolution: Convolution, a: Lazy, b: Lazy) => Lazy;

const outputElement: Element = (convolution, image, filter) => {
  const { layout, batch, rows, columns, inChannels, outChannels, groups } = convolution;
  const [perInput, perOutput] = [inChannels / groups || 0, outChannels / groups || 0];
  const at = (index: readonly Expr[]): Expr => {
    const [group, output] = split(index[layout.channels]!, perOutput, groups);
    return sum([rows.window, columns.window, perInput], image.dtype, ([fy, fx, input]) => {
      const y = inputAt(rows, index[layout.rows]!, fy!);
      const x = inputAt(columns, index[layout.columns]!, fx!);
      const place = arranged(layout, index[0]!, y, x, joined(group, input!, perInput));
      const test = both(isInside(rows, y), isInside(columns, x));
      return [
        padded(image, place, test),
        filter.at(filterIndex(convolution, fy!, fx!, group, input!, output, perOutput)),
      ];
    });
  };
  return lazy(image.dtype, arranged(layout, batch, rows.output, columns.output, outChannels), at);
};

/** The window that has element `within` of it on `position` of the input, and whether there is one. */
function windowAt(
  { stride, dilation, before, output }: Span,
  position: Expr,
  within: Expr,
): readonly [at: Expr, test: Expr] {
  const distance = bin('sub', bin('add', position, int(before)), bin('mul', within, int(dilation)));
  const at = stride === 1 ? distance : bin('floordiv', distance, int(stride));
  const inside = bin('and', bin('ge', distance, int(0)), bin('lt', at, int(output)));
  return [at, stride === 1 ? inside : bin('and', inside, bin('eq', bin('floormod', distance, int(stride)), int(0)))];
}

const inputElement: Element = (convolution, dy, filter) => {
  const { layout, batch, rows, columns, inChannels, outChannels, groups } = convolution;
  const [perInput, perOutput] = [inChannels / groups || 0, outChannels / groups || 0];
  const at = (index: readonly Expr[]): Expr => {
    const [group, input] = split(index[layout.channels]!, perInput, groups);
    return sum([rows.window, columns.window, perOutput], dy.dtype, ([fy, fx, output]) => {
      const [y, rowTest] = windowAt(rows, index[layout.rows]!, fy!);
      const [x, columnTest] = windowAt(columns, index[layout.columns]!, fx!);
      const place = arranged(layout, index[0]!, y, x, joined(group, output!, perOutput));
      return [
        padded(dy, place, bin('and', rowTest, columnTest)),
        filter.at(filterIndex(convolution, fy!, fx!, group, input, output!, perOutput)),
      ];
    });
  };
  return lazy(dy.dtype, arranged(layout, batch, rows.input, columns.input, inChannels), at);
};

const filterElement: Element = (convolution, image, dy) => {
  const { layout, batch, rows, columns, inChannels, outChannels, groups, depthwise } = convolution;
  const [perInput, perOutput] = [inChannels / groups || 0, outChannels / groups || 0];
  const at = ([fy, fx, third, fourth]: readonly Expr[]): Expr => {
    const group = depthwise ? third! : split(fourth!, perOutput, groups)[0];
    const input = depthwise ? third! : joined(group, third!, perInput);
    const output = depthwise ? joined(third!, fourth!, perOutput) : fourth!;
    return sum([batch, rows.output, columns.output], image.dtype, ([n, oy, ox]) => {
      const [y, x] = [inputAt(rows, oy!, fy!), inputAt(columns, ox!, fx!)];
      const test = both(isInside(rows, y), isInside(columns, x));
      return [padded(image, arranged(layout, n!, y, x, input), test), dy.at(arranged(layout, n!, oy!, ox!, output))];
    });
  };
  const last = depthwise ? [inChannels, perOutput] : [perInput, outChannels];
  return lazy(image.dtype, [rows.window, columns.window, ...last], at);
};

const sides: Readonly<Record<Side, Element>> = { output: outputElement, input: inputElement, filter: filterElement };
