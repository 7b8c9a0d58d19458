/** Windows over all four axes of images, as pools have them. */
import type { Dim, Shape } from '../graph/shape.js';
import { bin, int, reduce, select, type Expr, type ReduceOp, type Variable } from './expr.js';
import type { AttrInput, OpView } from './opdef.js';
import { shapeError } from './shape-rules.js';
import { both, inputAt, isInside, outputSize, rank4, spanOf, spatial, type Span } from './windows.js';

/** The windows along each axis. @throws ShapeError where none fits */
export function spansOf(op: OpView, image: readonly number[], channels: boolean): readonly Span[] {
  if (image.length !== 4) throw shapeError(op, 'images must have rank 4', []);
  const [windows, strides] = [spatial(op, 'ksize', { channels }), spatial(op, 'strides', { channels })];
  return image.map((input, axis) =>
    spanOf(op, axis, input, { window: windows[axis]!, stride: strides[axis]!, dilation: 1 }),
  );
}

/** The shape of a pool of images of such a shape. */
export function pooledShape(op: OpView, image: Shape, channels: boolean): Shape {
  const [windows, strides] = [spatial(op, 'ksize', { channels }), spatial(op, 'strides', { channels })];
  return rank4(image).map((input, axis): Dim =>
    outputSize(op, axis, input, { window: windows[axis]!, stride: strides[axis]!, dilation: 1 }),
  );
}

export function outputOf(spans: readonly Span[]): readonly number[] {
  return spans.map(({ output }) => output);
}

export interface Place {
  /** Where in the image. */
  readonly position: readonly Expr[];
  /** Whether that is in the image; null where it always is. */
  readonly test: Expr | null;
  /** The number of the place in its window, row by row. */
  readonly number: Expr;
}

/** A reduction over the places of the window at `index`; what `term` gives outside of the image is `outside`. */
export function overWindow(
  how: ReduceOp,
  spans: readonly Span[],
  index: readonly Expr[],
  term: (place: Place) => Expr,
  outside: Expr,
): Expr {
  return overAxes(
    how,
    spans.map(({ window }) => window),
    (within) => {
      const position = spans.map((span, axis) => inputAt(span, index[axis]!, within[axis]!));
      const test = position.reduce<Expr | null>((tests, at, axis) => both(tests, isInside(spans[axis]!, at)), null);
      const inside = term({ position, test, number: numberOf(spans, within) });
      return test ? select(test, inside, outside) : inside;
    },
  );
}

/** A reduction over the windows that `position` of the image lies in, of which `term` sees the index, and the number of the place in it. */
export function overWindowsAt(
  spans: readonly Span[],
  position: readonly Expr[],
  term: (index: readonly Expr[], number: Expr) => Expr,
  outside: Expr,
): Expr {
  const counts = spans.map(({ window, stride }) => Math.ceil(window / stride));
  return overAxes('add', counts, (back) => {
    const tests: (Expr | null)[] = [];
    const within: Expr[] = [];
    const index = spans.map((span, axis) => {
      const { window, stride, before, output, input } = span;
      if (window === 1 && stride === 1) {
        within.push(int(0));
        return position[axis]!;
      }
      const distance = bin('add', position[axis]!, int(before));
      const last = stride === 1 ? distance : bin('floordiv', distance, int(stride));
      const at = bin('sub', last, back[axis]!);
      const place = bin('sub', distance, bin('mul', at, int(stride)));
      within.push(place);
      if (window % stride !== 0) tests.push(bin('lt', place, int(window)));
      if (counts[axis]! > 1) tests.push(bin('ge', at, int(0)));
      if (Math.floor((input - 1 + before) / stride) >= output) tests.push(bin('lt', at, int(output)));
      return at;
    });
    const test = tests.reduce<Expr | null>(both, null);
    const inside = term(index, numberOf(spans, within));
    return test ? select(test, inside, outside) : inside;
  });
}

/** A reduction over the axes that have more than one element; along the others the index is 0. */
function overAxes(how: ReduceOp, extents: readonly number[], term: (index: readonly Expr[]) => Expr): Expr {
  const long = extents.filter((extent) => extent !== 1);
  return reduce(how, long, (variables: readonly Variable[]) => {
    let next = 0;
    return term(extents.map((extent) => (extent === 1 ? int(0) : variables[next++]!)));
  });
}

function numberOf(spans: readonly Span[], within: readonly Expr[]): Expr {
  return spans.reduce<Expr>(
    (number, { window }, axis) => (window === 1 ? number : bin('add', bin('mul', number, int(window)), within[axis]!)),
    int(0),
  );
}

/** How many places a window has. */
export function placesOf(spans: readonly Span[]): number {
  return spans.reduce((product, { window }) => product * window, 1);
}

/** The attributes that a pool and its gradients share. */
export function poolAttrs(op: OpView): Readonly<Record<string, AttrInput>> {
  return {
    ksize: op.intListAttr('ksize'),
    strides: op.intListAttr('strides'),
    padding: op.stringAttr('padding'),
    data_format: op.stringAttr('data_format'),
  };
}
