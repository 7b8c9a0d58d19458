/** What begin, end, strides and masks of a StridedSlice mean for a tensor of given rank and sizes. */
import type { Dim } from '../graph/shape.js';
import type { OpView } from './opdef.js';
import { argumentError, shapeError } from './shape-rules.js';

/** How the slice runs along one axis of the input. Null parts depend on values that are not known. */
export interface StridedAxis {
  readonly begin: number | null;
  readonly stride: number | null;
  /** How many elements are taken. */
  readonly size: Dim;
  /** Whether the axis is dropped: one element is taken. */
  readonly shrink: boolean;
}

export interface StridedPlan {
  /** One entry an axis of the input. */
  readonly axes: readonly StridedAxis[];
  /** One entry an axis of the output: the axis of the input it comes from, or null for a new one. */
  readonly sources: readonly (number | null)[];
}

/** The operands of a slice, as far as they are known: null where they are not. */
export interface StridedBounds {
  readonly begin: readonly (number | null)[];
  readonly end: readonly (number | null)[];
  readonly strides: readonly (number | null)[];
}

/** One entry an axis of the input, after the ellipsis is spread out. */
interface DenseBound {
  readonly begin: number | null;
  readonly end: number | null;
  readonly stride: number | null;
  readonly fromStart: boolean;
  readonly toEnd: boolean;
  readonly shrink: boolean;
}

const everything: DenseBound = { begin: 0, end: 0, stride: 1, fromStart: true, toEnd: true, shrink: false };

/** The plan of a slice of a tensor with these dimensions. @throws InvalidArgumentError, ShapeError */
export function stridedPlan(op: OpView, dims: readonly Dim[], bounds: StridedBounds): StridedPlan {
  const { dense, sources } = spread(op, dims.length, bounds);
  return { axes: dense.map((bound, axis) => alongAxis(op, bound, dims[axis]!, axis)), sources };
}

/** The shape of the output. */
export function stridedShape({ axes, sources }: StridedPlan): readonly Dim[] {
  return sources.map((source) => (source === null ? 1 : axes[source]!.size));
}

/** Sorts the entries of a slice to the axes of the input and of the output. */
function spread(
  op: OpView,
  rank: number,
  { begin, end, strides }: StridedBounds,
): { dense: DenseBound[]; sources: (number | null)[] } {
  const masks = maskReader(op);
  const count = begin.length;
  const ellipsis = begin.findIndex((_, i) => masks.ellipsis(i));
  const consuming = begin.filter((_, i) => !masks.ellipsis(i) && !masks.newAxis(i)).length;
  if (consuming > rank) throw shapeError(op, `there are ${consuming} indices for ${rank} axes`);
  const dense: DenseBound[] = [];
  const sources: (number | null)[] = [];
  const fill = (upTo: number): void => {
    for (; dense.length < upTo; dense.push(everything)) sources.push(dense.length);
  };
  for (let i = 0; i < count; i++) {
    if (masks.ellipsis(i)) {
      if (i !== ellipsis) throw argumentError(op, 'only one ellipsis is allowed');
      const after = begin.filter((_, k) => k > i && !masks.newAxis(k)).length;
      fill(rank - after);
    } else if (masks.newAxis(i)) {
      sources.push(null);
    } else {
      if (!masks.shrink(i)) sources.push(dense.length);
      dense.push({
        begin: begin[i]!,
        end: end[i]!,
        stride: strides[i]!,
        fromStart: masks.begin(i),
        toEnd: masks.end(i),
        shrink: masks.shrink(i),
      });
    }
  }
  fill(rank);
  return { dense, sources };
}

function maskReader(op: OpView): Record<'begin' | 'end' | 'ellipsis' | 'newAxis' | 'shrink', (i: number) => boolean> {
  const reader = (attr: string) => {
    const mask = op.intAttr(attr);
    return (i: number) => (mask & (1 << i)) !== 0;
  };
  return {
    begin: reader('begin_mask'),
    end: reader('end_mask'),
    ellipsis: reader('ellipsis_mask'),
    newAxis: reader('new_axis_mask'),
    shrink: reader('shrink_axis_mask'),
  };
}

function alongAxis(op: OpView, bound: DenseBound, dim: Dim, axis: number): StridedAxis {
  const { begin, end, stride, shrink } = bound;
  if (stride === 0) throw argumentError(op, `strides[${axis}] must not be 0`);
  if (shrink) {
    if (stride !== null && stride < 0) throw argumentError(op, 'an index that drops its axis must have stride 1');
    return { begin: singleIndex(op, bound, dim, axis), stride: 1, size: 1, shrink };
  }
  if (stride === null || dim === null) return { begin: null, stride, size: null, shrink };
  // What lies outside is cut off; -1 is "before the first" for a slice that runs backwards.
  const [low, high] = stride > 0 ? [0, dim] : [-1, dim - 1];
  const clamp = (x: number): number => Math.min(Math.max(x < 0 ? x + dim : x, low), high);
  const first = bound.fromStart ? (stride > 0 ? low : high) : begin === null ? null : clamp(begin);
  const last = bound.toEnd ? (stride > 0 ? high : low) : end === null ? null : clamp(end);
  if (first === null || last === null) return { begin: first, stride, size: null, shrink };
  return { begin: first, stride, size: Math.max(0, Math.ceil((last - first) / stride)), shrink };
}

function singleIndex(op: OpView, { begin, fromStart }: DenseBound, dim: Dim, axis: number): number | null {
  const given = fromStart ? 0 : begin;
  if (given === null || dim === null) return null;
  const index = given < 0 ? given + dim : given;
  if (index < 0 || index >= dim)
    throw argumentError(op, `index ${given} of axis ${axis} is out of bounds for size ${dim}`);
  return index;
}
