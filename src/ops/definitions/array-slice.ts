/** Parts of a tensor, and what scatters them back. */
import type { DType } from '../../graph/dtype.js';
import { isFullyDefined, type Dim, type Shape } from '../../graph/shape.js';
import { Tensor } from '../../graph/tensor.js';
import { batchSlice, batchStridedSlice, batchStridedSliceGrad } from '../batching/indexing.js';
import { isConvertible, one } from '../call.js';
import { bin, int, lazy, select, type Expr } from '../expr.js';
import { indices, numbers, partialVector, type IndexOperand } from '../indexing.js';
import { constantShape, constantValue } from '../known.js';
import { installMethods } from '../methods.js';
import { defineOp, type GradientFn, type LowerView, type OpView } from '../opdef.js';
import { minus } from '../rules.js';
import { argumentError, lengthOf, shapeError, unknownDims, zeroOf } from '../shape-rules.js';
import { stridedPlan, stridedShape, type StridedAxis, type StridedBounds, type StridedPlan } from '../strided.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';
import { onesLike } from './array-fill.js';
import { rank, shape } from './array-shape.js';
import { stack } from './array-join.js';

const masks =
  'begin_mask: int = 0, end_mask: int = 0, ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0';

const maskNames = ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'] as const;

/** The masks of a slice, for the op that undoes it. */
function masksOf(op: OpView): Record<string, number> {
  return Object.fromEntries(maskNames.map((name) => [name, op.intAttr(name)]));
}

/** begin, end and strides from input `first` on, as far as they are known; null where not even their number is. */
function staticBounds(op: OpView, first: number): StridedBounds | null {
  const operands = [0, 1, 2].map((i) => op.inputs[first + i]!);
  const lengths = operands.map(lengthOf).filter((length) => length !== null);
  if (lengths.some((length) => length !== lengths[0]))
    throw shapeError(op, 'begin, end and strides must have the same length', operands);
  const count = lengths[0];
  if (count === undefined) return null;
  const [begin, end, strides] = operands.map((operand) => partialVector(operand) ?? new Array<null>(count).fill(null));
  return { begin: begin!, end: end!, strides: strides! };
}

function runTimePlan({ op, value }: LowerView, dims: readonly number[], first: number): StridedPlan {
  const [begin, end, strides] = [0, 1, 2].map((i) => numbers(value(first + i)));
  return stridedPlan(op, dims, { begin: begin!, end: end!, strides: strides! });
}

const stridedSliceGradient: GradientFn = (op, [dy]) => {
  const known = (tensor: Tensor): Operand => constantValue(tensor) ?? tensor;
  const [x, begin, end, strides] = op.inputs;
  const dims = shape(x, { outType: begin.dtype as 'int32' });
  return [
    one('StridedSliceGrad', [known(dims), known(begin), known(end), known(strides), dy], masksOf(op)),
    null,
    null,
    null,
  ];
};

defineOp({
  name: 'StridedSlice',
  signature: `input: T, begin: Index, end: Index, strides: Index -> output: T | T: type, Index: {int16, int32, int64}, ${masks}`,
  infer: (op) => {
    const bounds = staticBounds(op, 1);
    const dims = op.inputs[0].shape;
    return [bounds && dims && stridedShape(stridedPlan(op, dims, bounds))];
  },
  lower: (view) => {
    const [x] = view.inputs;
    const plan = runTimePlan(view, x.shape, 1);
    const at = (index: readonly Expr[]): Expr => {
      const source = plan.axes.map(({ begin }) => int(begin!));
      const positions = source;
      plan.sources.forEach((axis, i) => {
        if (axis === null) return;
        const { begin, stride } = plan.axes[axis]!;
        positions[axis] = bin('add', int(begin!), bin('mul', index[i]!, int(stride!)));
      });
      return x.at(positions);
    };
    return [lazy(x.dtype, stridedShape(plan) as readonly number[], at)];
  },
  grad: stridedSliceGradient,
  batch: batchStridedSlice,
  effect: 'pure',
  samples: [
    { inputs: [[3, 4], ...bounds([1, 0], [3, 4], [1, 2])] },
    { inputs: [{ shape: [3, 4], dtype: 'float64' }, ...bounds([-1, 3], [0, 0], [-1, -2])], attrs: { end_mask: 2 } },
    {
      inputs: [[3, 4], ...bounds([0, 1, 0], [0, 2, 0], [1, 1, 1])],
      attrs: { new_axis_mask: 1, shrink_axis_mask: 2, ellipsis_mask: 4 },
    },
    { inputs: [[2, 3, 4], ...bounds([0, 1], [0, 2], [1, 1])], attrs: { ellipsis_mask: 1, shrink_axis_mask: 2 } },
    { inputs: [[3], ...bounds([5], [9], [1])] },
    { inputs: [{ value: [4, 5, 6], dtype: 'int32' }, ...bounds([-2], [-1], [1])], attrs: { shrink_axis_mask: 1 } },
  ],
});

function bounds(begin: readonly number[], end: readonly number[], strides: readonly number[]) {
  return [begin, end, strides].map((value) => ({ value, dtype: 'int32' as const }));
}

export interface StridedSliceOptions extends OpOptions {
  /** Bit `i`: entry `i` of begin does not count, the slice begins at the end it comes from. */
  readonly beginMask?: number;
  /** Bit `i`: entry `i` of end does not count, the slice runs all the way. */
  readonly endMask?: number;
  /** Bit `i`: entry `i` stands for as many whole axes as are missing. */
  readonly ellipsisMask?: number;
  /** Bit `i`: entry `i` is a new axis of size 1. */
  readonly newAxisMask?: number;
  /** Bit `i`: entry `i` is an index, `begin[i]`, and its axis is dropped. */
  readonly shrinkAxisMask?: number;
}

/**
 * The elements of `input` from `begin` up to `end`, not included, in steps of `strides`, by default 1, axis by axis
 * (TensorFlow `tf.strided_slice`). Negative bounds count from the end, those outside are cut off.
 * @throws InvalidArgumentError for a stride of 0 and for an index, by `shrinkAxisMask`, that is out of bounds
 * @example
 * stridedSlice(constant([1, 2, 3, 4]), [0], [4], [2]); // [1, 3]
 * stridedSlice(constant([1, 2, 3, 4]), [-1], [0], [1], { shrinkAxisMask: 1 }); // 4
 */
export function stridedSlice<X extends Operand>(
  input: X,
  begin: IndexOperand,
  end: IndexOperand,
  strides?: IndexOperand,
  options: StridedSliceOptions = {},
): Tensor<DTypeOf<X>> {
  const from = indices(begin, 'begin');
  const steps = strides === undefined ? unitSteps(from) : indices(strides, 'strides');
  const attrs = {
    begin_mask: options.beginMask ?? 0,
    end_mask: options.endMask ?? 0,
    ellipsis_mask: options.ellipsisMask ?? 0,
    new_axis_mask: options.newAxisMask ?? 0,
    shrink_axis_mask: options.shrinkAxisMask ?? 0,
  };
  return one('StridedSlice', [input, from, indices(end, 'end'), steps], attrs, options) as Tensor<DTypeOf<X>>;
}

/** Strides of 1 for every entry of `begin`. */
function unitSteps(begin: Operand): Operand {
  if (begin instanceof Tensor || isConvertible(begin)) return onesLike(begin);
  return indices(
    new Array<number>(
      (begin as { readonly size?: number; readonly length?: number }).size ?? (begin as { length: number }).length,
    ).fill(1),
    'strides',
  );
}

/** Where along its axis an element of the input went: whether it was taken at all, and as which one. */
function origin(
  { begin, stride, size, shrink }: StridedAxis,
  dim: number,
  i: Expr,
): { taken: Expr | null; position: Expr } {
  if (shrink) return { taken: bin('eq', i, int(begin!)), position: int(0) };
  if (begin === 0 && stride === 1 && size === dim) return { taken: null, position: i };
  const step = Math.abs(stride!);
  const distance = stride! > 0 ? bin('sub', i, int(begin!)) : bin('sub', int(begin!), i);
  const inside = bin('and', bin('ge', distance, int(0)), bin('lt', distance, int(size! * step)));
  if (step === 1) return { taken: inside, position: distance };
  return {
    taken: bin('and', inside, bin('eq', bin('floormod', distance, int(step)), int(0))),
    position: bin('floordiv', distance, int(step)),
  };
}

defineOp({
  name: 'StridedSliceGrad',
  signature: `shape: Index, begin: Index, end: Index, strides: Index, dy: T -> output: T | T: type, Index: {int32, int64}, ${masks}`,
  infer: (op) => {
    const length = lengthOf(op.inputs[0]);
    return [constantShape(op.inputs[0]) ?? (length === null ? null : unknownDims(length))];
  },
  lower: (view) => {
    const dims = numbers(view.value(0));
    const dy = view.inputs[4];
    const plan = runTimePlan(view, dims, 1);
    const expected = stridedShape(plan);
    if (expected.length !== dy.shape.length || expected.some((dim, i) => dim !== dy.shape[i])) {
      throw shapeError(
        view.op,
        `the gradient has shape [${dy.shape.join(', ')}], and the slice [${expected.join(', ')}]`,
        [],
      );
    }
    const at = (index: readonly Expr[]): Expr => {
      const origins = plan.axes.map((axis, i) => origin(axis, dims[i]!, index[i]!));
      const tests = origins.flatMap(({ taken }) => taken ?? []);
      const value = dy.at(plan.sources.map((source) => (source === null ? int(0) : origins[source]!.position)));
      if (tests.length === 0) return value;
      return select(
        tests.reduce((a, b) => bin('and', a, b)),
        value,
        zeroOf(dy.dtype),
      );
    };
    return [lazy(dy.dtype, dims, at)];
  },
  grad: (op, [dy]) => {
    const [, begin, end, strides] = op.inputs;
    return [null, null, null, null, one('StridedSlice', [dy, begin, end, strides], masksOf(op))];
  },
  batch: batchStridedSliceGrad,
  effect: 'pure',
  samples: [
    { inputs: [{ value: [3, 4], dtype: 'int32' }, ...bounds([1, 0], [3, 4], [1, 2]), [2, 2]] },
    { inputs: [{ value: [5], dtype: 'int32' }, ...bounds([4], [0], [-2]), { shape: [2], dtype: 'float64' }] },
    {
      inputs: [{ value: [3, 4], dtype: 'int32' }, ...bounds([1, 0], [2, 0], [1, 1]), [1, 4]],
      attrs: { shrink_axis_mask: 1, new_axis_mask: 2 },
    },
  ],
});

function sliceShape(op: OpView): readonly Shape[] {
  const [x, beginTensor, sizeTensor] = op.inputs;
  const lengths = [x.shape?.length ?? null, lengthOf(beginTensor), lengthOf(sizeTensor)].filter(
    (length) => length !== null,
  );
  if (lengths.some((length) => length !== lengths[0]))
    throw shapeError(op, 'begin and size must have an entry for each axis', op.inputs);
  const size = partialVector(sizeTensor);
  const count = lengths[0];
  if (count === undefined) return [null];
  if (size === null) return [unknownDims(count)];
  const begin = partialVector(beginTensor) ?? new Array<null>(count).fill(null);
  return [size.map((extent, axis): Dim => sliceExtent(op, x.shape?.[axis] ?? null, begin[axis]!, extent, axis))];
}

/** How many elements a Slice takes along an axis: -1 takes the rest. */
function sliceExtent(op: OpView, dim: Dim, begin: number | null, size: number | null, axis: number): Dim {
  if (size !== null && size < -1) throw argumentError(op, `size[${axis}] is ${size}: it must be -1 or not negative`);
  if (begin !== null && begin < 0) throw argumentError(op, `begin[${axis}] is ${begin}: it must not be negative`);
  const extent = size === -1 ? (dim === null || begin === null ? null : dim - begin) : size;
  if ((dim !== null && (begin ?? 0) + (extent ?? 0) > dim) || (extent !== null && extent < 0)) {
    throw argumentError(
      op,
      `the slice [${begin ?? '?'}, ${begin === null ? '?' : begin + (extent ?? 0)}) of axis ${axis} does not lie in [0, ${dim})`,
    );
  }
  return extent;
}

const sliceGradient: GradientFn = (op, [dy]) => {
  const [x, begin] = op.inputs;
  const outType = begin.dtype as 'int32';
  const dims = rank(x);
  const size = shape(op.outputs[0], { outType });
  const column = stack([dims, 1]);
  const before = one('Reshape', [begin, column]);
  const after = one('Reshape', [minus(minus(shape(x, { outType }), size), begin), column]);
  const paddings = one('ConcatV2', [[before, after], 1], {}, { name: 'concat' });
  return [one('Pad', [dy, paddings]), null, null];
};

defineOp({
  name: 'Slice',
  signature: 'input: T, begin: Index, size: Index -> output: T | T: type, Index: {int32, int64}',
  infer: sliceShape,
  lower: ({ op, inputs: [x], value }) => {
    const begin = numbers(value(1));
    const size = numbers(value(2));
    if (begin.length !== x.shape.length || size.length !== x.shape.length)
      throw argumentError(op, 'begin and size must have an entry for each axis');
    const dims = x.shape.map((dim, axis) => sliceExtent(op, dim, begin[axis]!, size[axis]!, axis));
    if (!isFullyDefined(dims)) throw argumentError(op, 'the sizes are not known');
    return [lazy(x.dtype, dims, (index) => x.at(index.map((i, axis) => bin('add', i, int(begin[axis]!)))))];
  },
  grad: sliceGradient,
  batch: batchSlice,
  effect: 'pure',
  samples: [
    { inputs: [[3, 4], { value: [1, 0], dtype: 'int32' }, { value: [2, 3], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [3, 4], dtype: 'float64' },
        { value: [0, 2], dtype: 'int64' },
        { value: [-1, -1], dtype: 'int64' },
      ],
    },
    { inputs: [[3], { value: [3], dtype: 'int32' }, { value: [0], dtype: 'int32' }] },
  ],
});
/**
 * The part of `input` that begins at `begin` and has `size` elements along each axis; -1 takes what is left (TensorFlow
 * `tf.slice`).
 * @throws InvalidArgumentError where the part does not lie inside
 * @example
 * slice(constant([[1, 2, 3], [4, 5, 6]]), [0, 1], [-1, 2]); // [[2, 3], [5, 6]]
 */
export function slice<X extends Operand>(
  input: X,
  begin: IndexOperand,
  size: IndexOperand,
  options?: OpOptions,
): Tensor<DTypeOf<X>> {
  return one('Slice', [input, indices(begin, 'begin'), indices(size, 'size')], {}, options) as Tensor<DTypeOf<X>>;
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    stridedSlice(
      begin: IndexOperand,
      end: IndexOperand,
      strides?: IndexOperand,
      options?: StridedSliceOptions,
    ): Tensor<D>;
    slice(begin: IndexOperand, size: IndexOperand, options?: OpOptions): Tensor<D>;
  }
}
installMethods({ stridedSlice, slice });
