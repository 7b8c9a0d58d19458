/** Where the elements lie that a convolution combines: along each axis, outputs in classes that see the filter alike. */
import type { Convolution } from '../../../../ops/convolution.js';
import type { Span } from '../../../../ops/windows.js';
import type { Turn } from '../matmul/panel.js';

/** Outputs `first`, `first + step` …, which see the same elements of the filter. */
export interface AxisClass {
  readonly first: number;
  readonly step: number;
  readonly count: number;
  /** Where the first of them sees the first of `taps`, how far that is from one output to the next, and from one tap to the next. */
  readonly from: number;
  readonly move: number;
  readonly tapMove: number;
  /** Elements of the filter, in the order in which the image is seen. */
  readonly taps: readonly number[];
}

/** One axis: `size` elements of what is seen, of which those from `low` to `high` are asked for. */
export interface Axis {
  readonly size: number;
  readonly outputs: number;
  readonly classes: readonly AxisClass[];
  readonly low: number;
  readonly high: number;
}

/** The axis of a convolution's output. */
export function forward({ input, output, window, stride, dilation, before }: Span): Axis {
  const taps = Array.from({ length: window }, (_, i) => i);
  const whole = { first: 0, step: 1, count: output, from: -before, move: stride, tapMove: dilation, taps };
  return axisOf(input, output, [whole]);
}

/** That of the gradient of its input: every so many-th element sees the same taps, from the last to the first. */
export function backward({ input, output, window, stride, dilation, before }: Span): Axis {
  const classes = Array.from({ length: Math.min(stride, input) }, (_, first): AxisClass => {
    const taps = Array.from({ length: window }, (_, i) => window - 1 - i).filter(
      (tap) => (first + before - tap * dilation) % stride === 0,
    );
    const seen = (tap: number): number => (first + before - tap * dilation) / stride;
    const [last = 0, next] = taps;
    const tapMove = next === undefined ? 1 : seen(next) - seen(last);
    const count = Math.ceil((input - first) / stride);
    return { first, step: stride, count, from: taps.length === 0 ? 0 : seen(last), move: 1, tapMove, taps };
  });
  return axisOf(output, input, classes);
}

function axisOf(size: number, outputs: number, classes: readonly AxisClass[]): Axis {
  const seeing = classes.filter(({ taps }) => taps.length > 0);
  if (seeing.length === 0) return { size, outputs, classes, low: 0, high: 0 };
  const low = Math.min(...seeing.map(({ from }) => from));
  const high = Math.max(
    ...seeing.map(({ from, move, tapMove, count, taps }) => from + (count - 1) * move + (taps.length - 1) * tapMove),
  );
  return { size, outputs, classes, low, high };
}

/** Whether all that is asked for is there. */
export function isCovered({ size, low, high }: Axis): boolean {
  return low >= 0 && high < size;
}

/** Nested steps, the outermost first: how many, and how far each moves. */
export type Steps = readonly { readonly count: number; readonly move: number }[];

/** The same steps as one loop and turns of it. */
export function turnsOf(steps: Steps): { readonly move: number; readonly turns: readonly Turn[] } {
  const nested = steps.filter(({ count }) => count > 1).reverse();
  const [inner = { count: 1, move: 0 }, ...outer] = nested;
  const turns: Turn[] = [];
  let [total, end] = [inner.count, inner.count * inner.move];
  for (const { count, move } of outer) {
    // What goes on where the last turn ended is no turn.
    if (move !== end) turns.push({ steps: total, jump: move - end });
    total *= count;
    end = move * count;
  }
  return { move: inner.move, turns };
}

/** Whether there are kernels for it: of one group, with nothing empty. */
export function isDirect({ groups, batch, rows, columns, inChannels, outChannels, depthwise }: Convolution): boolean {
  const sizes = [
    batch,
    inChannels,
    outChannels,
    ...[rows, columns].flatMap((span) => [span.input, span.output, span.window]),
  ];
  return groups === 1 && !depthwise && sizes.every((size) => size > 0);
}
