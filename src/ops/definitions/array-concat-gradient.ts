/** The gradient of a concatenation: the pieces of a dense gradient, or of the slices of a sparse one. */
import { LookupError } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { modulo } from '../axes.js';
import { many, one } from '../call.js';
import { castTo, constantNumber, packed } from '../indexing.js';
import { IndexedSlices } from '../indexed-slices.js';
import type { Gradient, GradientFn, OpView } from '../opdef.js';
import { constantBeside, minus, plus, times } from '../rules.js';
import { zeros } from './array-fill.js';
import { rank, shape } from './array-shape.js';

export const concatGradient: GradientFn = (op, [dy]) => {
  const values = op.inputs.slice(0, -1);
  const axis = op.inputs.at(-1)!;
  const gradients = dy instanceof IndexedSlices ? sparsePieces(op, dy, values, axis) : densePieces(dy, values, axis);
  return [...gradients, null];
};

/** From this many pieces on one SplitV is faster than a Slice each. */
const manyPieces = 16;

function densePieces(dy: Tensor, values: readonly Tensor[], axis: Tensor): readonly Tensor[] {
  const dim = fromFront(axis, values[0]!);
  const sizes = shapesOf(values);
  if (sizes.length > manyPieces) {
    const stacked = one('Pack', [sizes], { axis: 1 }, { name: 'stack' });
    const along = one('Squeeze', [one('Slice', [stacked, packed([dim, 0], 'begin'), [1, -1]])]);
    return many('SplitV', [dy, along, dim], { num_split: sizes.length }, { name: 'split' });
  }
  const offsets = many('ConcatOffset', [dim, sizes]);
  return sizes.map((size, i) => one('Slice', [dy, offsets[i]!, size]));
}

/** The axis, counted from the front. TensorFlow has no gradient for an int64 axis; here it is cast. */
function fromFront(axis: Tensor, value: Tensor): Tensor {
  return modulo(castTo(axis, 'int32'), rank(value));
}

/** The shapes: constants if all are known, else one ShapeN beside what was made until the first unknown one. */
function shapesOf(values: readonly Tensor[]): readonly Tensor[] {
  const sizes: Tensor[] = [];
  for (const value of values) {
    const size = shape(value);
    if (size.op.type !== 'Const') return many('ShapeN', [values]);
    sizes.push(size);
  }
  return sizes;
}

function sparsePieces(op: OpView, dy: IndexedSlices, values: readonly Tensor[], axis: Tensor): readonly Gradient[] {
  const dim = fromFront(axis, values[0]!);
  const known = constantNumber(axis);
  if (known === null) {
    throw new LookupError(
      `ConcatV2 '${op.name}': a gradient of slices needs an axis that is known statically.`,
      op.details(),
    );
  }
  let first = known;
  if (known < 0) {
    const ofFirst = constantNumber(rank(values[0]!));
    if (ofFirst === null) {
      throw new LookupError(
        `ConcatV2 '${op.name}': a gradient of slices needs the rank of the first value for the negative axis ${known}.`,
        op.details(),
      );
    }
    first += ofFirst;
  }
  const sizes = values.map((value) => shape(value) as Tensor);
  return first > 0 ? columnsOf(dy, sizes, dim) : rowsOf(dy, sizes, dim);
}

/** Concatenation along a later axis: all rows to every piece, cut to its columns. */
function columnsOf(dy: IndexedSlices, sizes: readonly Tensor[], dim: Tensor): readonly IndexedSlices[] {
  const rankVector = shape(sizes[0]!) as Tensor;
  const before = zeros(one('ExpandDims', [dim, 0]), { dtype: 'int32' });
  const after = zeros(minus(minus(rankVector, dim), 1), { dtype: 'int32' });
  const mask = one('ConcatV2', [[before, [1], after], 0], {}, { name: 'concat' });
  let begin: Tensor = zeros(rankVector, { dtype: 'int32' });
  return sizes.map((size) => {
    const rest = one('Slice', [size, [1], [-1]]);
    const extent = one('ConcatV2', [[[-1], rest], 0], {}, { name: 'concat' });
    const values = one('Slice', [dy.values, begin, extent]);
    begin = one('AddV2', [begin, times(size, mask)], {}, { name: 'Add' });
    return new IndexedSlices(values, dy.indices, size);
  });
}

/** Concatenation along axis 0: to each piece the rows that lie in it. */
function rowsOf(dy: IndexedSlices, sizes: readonly Tensor[], dim: Tensor): readonly IndexedSlices[] {
  const dtype = dy.indices.dtype;
  let start: Tensor = constantBeside(dy, 0, dtype);
  return sizes.map((size) => {
    const rows = castTo(gather(size, dim), dtype);
    const end = plus(start, rows);
    const inside = one('LogicalAnd', [one('GreaterEqual', [dy.indices, start]), one('Less', [dy.indices, end])]);
    const selected = one('Squeeze', [one('Where', [inside])], { squeeze_dims: [1] });
    const indices = minus(gather(dy.indices, selected), start);
    const values = gather(dy.values, selected);
    start = end;
    return new IndexedSlices(values, indices, size);
  });
}

function gather(params: Tensor, indices: Tensor): Tensor {
  return one('GatherV2', [params, indices, 0]);
}
