/** The gradient of a gather: slices along axis 0, else sums by segment with the axis moved to the front. */
import { colocateWith } from '../../graph/scopes.js';
import type { Tensor } from '../../graph/tensor.js';
import { one } from '../call.js';
import {
  castTo,
  constantNumber,
  deferred,
  dense,
  item,
  namedConstant,
  operandList,
  packed,
  type MixedList,
} from '../indexing.js';
import { IndexedSlices } from '../indexed-slices.js';
import type { Gradient, GradientFn, OpView } from '../opdef.js';
import { constantBeside, minus, plus, times } from '../rules.js';
import { argumentError } from '../shape-rules.js';
import type { Operand } from '../types.js';
import { range } from './array-range.js';
import { rank, shape, size } from './array-shape.js';

export const gatherGradient: GradientFn = (op, [dy]) => {
  const [params, indexes, axis] = op.inputs;
  // The parameters can be large and far away: their shape is taken where they are.
  const dims = colocateWith(params, () => shape(params) as Tensor);
  const count = one('ExpandDims', [size(indexes), 0]);
  const batchDims = batchDimsOf(op, indexes);
  if (constantNumber(axis) === 0) {
    const target = concatenated([count, item(dims, { start: 1 })]);
    const values = one('Reshape', [dense(dy), target]);
    return [new IndexedSlices(values, one('Reshape', [indexes, count]), dims), null, null];
  }
  return [params.graph.receiver.asDefault(() => alongAxis(dy, { params, indexes, axis, dims, batchDims })), null, null];
};

/** Integer vectors, lists of integers and lists of scalar tensors, one after the other. */
function concatenated(values: readonly (Operand | MixedList)[]): Tensor {
  return one('ConcatV2', [operandList(values), 0], {}, { name: 'concat' });
}

function batchDimsOf(op: OpView, indexes: Tensor): number {
  const given = op.intAttr('batch_dims');
  if (given >= 0) return given;
  if (indexes.shape === null) {
    throw argumentError(
      op,
      'there is no gradient for a negative batch_dims and indices of unknown rank: pass a positive one, or use ensureShape',
    );
  }
  return given + indexes.shape.length;
}

interface Gathering {
  readonly params: Tensor;
  readonly indexes: Tensor;
  readonly axis: Tensor;
  /** The shape of params. */
  readonly dims: Tensor;
  readonly batchDims: number;
}

/** Moves the axis behind the batch dimensions, sums there, and moves it back. */
function alongAxis(dy: Gradient, { params, indexes, axis, dims, batchDims }: Gathering): Tensor {
  const outer = item(dims, { stop: axis });
  const inner = item(item(dims, { start: axis }), { start: 1 });
  const target = concatenated([outer, [-1], inner]);
  const valueDims = size(target) as Tensor;
  const axisDims = size(outer) as Tensor;
  const batchAxes = range(0, batchDims) as Tensor;
  const outerAxes = range(batchDims, axisDims);
  const innerAxes = range(plus(axisDims, 1), valueDims);
  const values = one('Reshape', [dense(dy), target]);
  const forth = concatenated([batchAxes, [axisDims], outerAxes, innerAxes]);
  const moved = one('Transpose', [values, forth], {}, { name: 'transpose' });
  const movedDims = one('GatherV2', [dims, forth, 0]);
  const sums = summed(moved, { dims: movedDims, indexes, batchDims, axisSize: item(dims, axis) });
  const back = concatenated([batchAxes, plus(outerAxes, 1), [batchDims], innerAxes]);
  const gradient = one('Transpose', [sums, back], {}, { name: 'transpose' });
  // Zero sizes may have left other shapes behind.
  return one('Reshape', [gradient, shape(params)]);
}

interface Summing {
  readonly dims: Tensor;
  readonly indexes: Tensor;
  readonly batchDims: number;
  readonly axisSize: Tensor;
}

function summed(values: Tensor, { dims, indexes, batchDims, axisSize }: Summing): Tensor {
  const count = one('ExpandDims', [size(indexes), 0]);
  if (batchDims === 0) return one('UnsortedSegmentSum', [values, one('Reshape', [indexes, count]), axisSize]);
  const valueDims = shape(values) as Tensor;
  const outer = item(valueDims, { stop: batchDims });
  const inner = item(item(valueDims, { start: batchDims }), { start: 1 });
  const batches = one('Prod', [outer, [0]], { keep_dims: false });
  const flat = concatenated([[-1], inner]);
  const segments = times(axisSize, batches);
  const flatIndexes = withBatchOffsets(dims, indexes, batchDims);
  const rows = one('Reshape', [values, flat]);
  const sums = one('UnsortedSegmentSum', [rows, one('Reshape', [flatIndexes, count]), segments]);
  return one('Reshape', [sums, concatenated([outer, flat])]);
}

/** The indices into all batches laid one after the other. */
function withBatchOffsets(dims: Tensor, indexes: Tensor, batchDims: number): Tensor {
  const { dtype } = indexes;
  const sizes = castTo(dims, dtype);
  let result = indexes;
  let stride: Tensor = constantBeside(indexes, 1, dtype, 'ones');
  for (let dim = batchDims; dim > 0; dim--) {
    const extent = item(sizes, dim - 1);
    stride = times(stride, item(sizes, dim));
    const start = constantBeside(indexes, 0, dtype, 'zeros');
    const step = constantBeside(indexes, 1, dtype, 'ones');
    const offsets = times(one('Range', [start, extent, step], {}, { name: 'range' }), stride);
    const before = one('Tile', [namedConstant([1], 'int32', 'input'), [dim - 1]]);
    const after = one('Tile', [namedConstant([1], 'int32', 'input'), packed([minus(rank(indexes), dim)], 'multiples')]);
    const middle = deferred('int32', extent.graph, () => packed([castTo(extent, 'int32')], 'values_1').toTensor());
    const target = concatenated([before, middle, after]);
    result = plus(result, one('Reshape', [offsets, target]));
  }
  return result;
}
