/** Cross entropies between labels and logits. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError, ShapeError } from '../../graph/errors.js';
import { describeTensor } from '../../graph/node.js';
import { controlDependencies } from '../../graph/scopes.js';
import {
  broadcastShapes,
  isCompatible,
  isFullyDefined,
  mergeShapes,
  sizeOf,
  type Dim,
  type Shape,
} from '../../graph/shape.js';
import { Tensor } from '../../graph/tensor.js';
import { batchCrossEntropy, batchSparseCrossEntropy } from '../batching/products.js';
import { rangeOf, rankOf } from '../axes.js';
import { convertToTensor, many, one } from '../call.js';
import { composedInScope } from '../compose.js';
import { broadcastTo, concreteBroadcast } from '../elementwise.js';
import { bin, bound, cast, lazy, reduce, select, un, type Expr, type Lazy } from '../expr.js';
import { castTo, dense, indices, item, namedConstant, packed } from '../indexing.js';
import { constantValue } from '../known.js';
import { sameType } from '../math-helpers.js';
import { defineOp, type Gradient, type LowerView, type OpView } from '../opdef.js';
import { ofRow, rowReduction } from '../reduction.js';
import { minus, plus, shapeOf, times, zerosLike } from '../rules.js';
import { requireRank, shapeError, without } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions, ShapeOf } from '../types.js';
import { assertEqualShapes } from './assert.js';
import type { SoftmaxOptions } from './nn-softmax.js';

const floats = '{half, bfloat16, float, double}';

const labelsNeglected =
  "TensorFlow's rule takes labels to add up to 1, and leaves them out of its second output's gradient";

defineOp({
  name: 'SoftmaxCrossEntropyWithLogits',
  signature: `features: T, labels: T -> loss: T, backprop: T | T: ${floats}`,
  infer: (op) => {
    const [features, labels] = op.inputs;
    requireRank(op, features, 2, 'features');
    requireRank(op, labels, 2, 'labels');
    const shape = broadcastShapes(features.shape ?? [null, null], labels.shape ?? [null, null]);
    if (shape === undefined) throw shapeError(op, 'the shapes do not broadcast', op.inputs);
    return [shape!.slice(0, 1), shape!];
  },
  lower: (view) => {
    const shape = concreteBroadcast(view.op, [view.inputs[0].shape, view.inputs[1].shape]);
    const [x, labels] = [broadcastTo(view.inputs[0], shape), broadcastTo(view.inputs[1], shape)];
    const rows = rowsOf(view, x);
    const loss = lazy(x.dtype, shape.slice(0, 1), ([i]) =>
      reduce('add', [shape[1]!], ([j]) => bin('mul', labels.at([i!, j!]), rows.negativeLog([i!, j!]))),
    );
    return [loss, lazy(x.dtype, shape, (index) => bin('sub', rows.softmax(index), labels.at(index)))];
  },
  grad: (op, dys) => {
    const [dloss] = dys;
    const logits = op.inputs[0];
    const dx = logitsGradient(op, dys);
    const negativeLog = one('Neg', [one('LogSoftmax', [logits])]);
    return [dx, times(one('ExpandDims', [dloss, -1]), negativeLog)];
  },
  batch: batchCrossEntropy,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { shape: [2, 3], domain: [0.1, 1] }], notDifferentiable: labelsNeglected },
    {
      inputs: [
        { shape: [3, 2], dtype: 'float64' },
        {
          value: [
            [0, 1],
            [1, 0],
            [0.5, 0.5],
          ],
          dtype: 'float64',
        },
      ],
      notDifferentiable: labelsNeglected,
    },
    { inputs: [{ value: [[1000, 0]] }, { value: [[1, 0]] }], notDifferentiable: labelsNeglected },
  ],
});
/**
 * The cross entropy between `labels`, a probability for each class, and the softmax of `logits`, for each row (TensorFlow
 * `tf.nn.softmax_cross_entropy_with_logits`). Both have the same shape; the result lacks `axis`, that of the classes. The
 * dtype is that of `logits`, a float one; labels are cast to it. Gradients flow into both.
 * @throws ShapeError where the shapes differ; InvalidArgumentError for an axis that `logits` does not have
 * @example
 * nn.softmaxCrossEntropyWithLogits([[0, 1]], constant([[0, 0]])); // [0.693]
 */
export function softmaxCrossEntropyWithLogits<L extends Operand, X extends Operand>(
  labels: L,
  logits: X,
  options: SoftmaxOptions = {},
): Tensor<DTypeOf<X>> {
  return composedInScope('softmax_cross_entropy_with_logits', options, [labels, logits], (scope) => {
    const x = convertToTensor(logits, undefined, 'logits');
    const axis = classAxis(x, options.axis ?? -1);
    const short = x.dtype === 'float16' || x.dtype === 'bfloat16';
    let features = short ? castTo(x, 'float32') : x;
    let targets = castTo(
      convertToTensor(labels, isTyped(labels) ? undefined : features.dtype, 'labels'),
      features.dtype,
    );
    const rank = rankOf(features);
    if (axis !== -1) [features, targets] = [movedToEnd(features, axis, rank), movedToEnd(targets, axis, rank)];
    const shape = shapeOf(features);
    const rows = [flattened(features), flattened(targets)];
    const loss = many('SoftmaxCrossEntropyWithLogits', rows, {}, { name: scope })[0]!;
    const outer = one('Slice', [shape, namedConstant([0], 'int32', 'begin'), packed([one('Sub', [rank, 1])], 'size')]);
    const result = one('Reshape', [loss, outer]);
    if (x.shape !== null) result.graph.refineShape(result, without(x.shape, axis < 0 ? axis + x.shape.length : axis));
    return (short ? castTo(result, x.dtype) : result) as Tensor<DTypeOf<X>>;
  });
}

defineOp({
  name: 'SparseSoftmaxCrossEntropyWithLogits',
  signature: `features: T, labels: Tlabels -> loss: T, backprop: T | T: ${floats}, Tlabels: {int32, int64} = DT_INT64`,
  infer: (op) => {
    const [features, labels] = op.inputs;
    requireRank(op, features, 2, 'features');
    requireRank(op, labels, 1, 'labels');
    const [rows, classes] = features.shape ?? [null, null];
    const merged = mergeShapes([rows!], labels.shape);
    if (merged === undefined) throw shapeError(op, 'each row needs one label', op.inputs);
    return [merged, [merged![0]!, classes!]];
  },
  lower: (view) => {
    const [x, labels] = view.inputs;
    if (x.shape[0] !== labels.shape[0]) throw shapeError(view.op, 'each row needs one label', view.op.inputs);
    const rows = rowsOf(view, x);
    const label = (i: Expr): Expr => cast(bound(labels.at([i]), x.shape[1]!, 'label'), 'int32');
    const loss = lazy(x.dtype, labels.shape, ([i]) => rows.negativeLog([i!, label(i!)]));
    const backprop = lazy(x.dtype, x.shape, ([i, j]) => {
      const softmaxOfX = rows.softmax([i!, j!]);
      return select(bin('eq', j!, label(i!)), bin('sub', softmaxOfX, sameType(1, softmaxOfX)), softmaxOfX);
    });
    return [loss, backprop];
  },
  grad: (op, dys) => [logitsGradient(op, dys), null],
  batch: batchSparseCrossEntropy,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [2, 0], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [3, 2], dtype: 'float64' },
        { value: [0, 1, 1], dtype: 'int64' },
      ],
    },
    { inputs: [{ value: [[1000, 0]] }, { value: [1], dtype: 'int32' }], notDifferentiable: 'too coarse so far out' },
  ],
});
/**
 * The cross entropy between `labels`, the index of a class for each row, and the softmax of `logits` (TensorFlow
 * `tf.nn.sparse_softmax_cross_entropy_with_logits`). Labels are int32 or int64 and have the shape of `logits` without its
 * last axis, as the result has. The dtype is that of `logits`, a float one.
 * @throws ShapeError where the shapes do not fit; InvalidArgumentError at run time for a label that is no class
 * @example
 * nn.sparseSoftmaxCrossEntropyWithLogits([1], constant([[0, 0]])); // [0.693]
 */
export function sparseSoftmaxCrossEntropyWithLogits<L extends Operand, X extends Operand>(
  labels: L,
  logits: X,
  options: OpOptions = {},
): Tensor<DTypeOf<X>, ShapeOf<L>> {
  const type = 'SparseSoftmaxCrossEntropyWithLogits';
  return composedInScope(type, options, [labels, logits], () => {
    const targets = convertToTensor(indices(labels, 'labels'));
    const x = convertToTensor(logits);
    const half = x.dtype === 'float16';
    const features = half ? castTo(x, 'float32') : x;
    const shape = shapeOf(targets);
    checkSparse(targets, x);
    const loss = (rows: Tensor, classes: Tensor): Tensor =>
      many(type, [rows, classes], {}, { name: options.name ?? type })[0]!;
    const flat = (): Tensor => {
      const sizes = shapeOf(x);
      const count = item(sizes, minus(rankOf(x), 1));
      const rows = one('Reshape', [features, packed([-1, count], 'shape')]);
      const result = one('Reshape', [loss(rows, one('Reshape', [targets, [-1]])), shape]);
      result.graph.refineShape(result, targets.shape);
      return result;
    };
    const known = isFullyDefined(targets.shape) && x.shape !== null && isFullyDefined(x.shape.slice(0, -1));
    const checked = (): Tensor =>
      known ? flat() : controlDependencies([assertEqualShapes(shapeOf(targets), item(shapeOf(x), { stop: -1 }))], flat);
    const result = x.shape?.length === 2 ? loss(features, targets) : checked();
    return (half ? castTo(result, 'float16') : result) as Tensor<DTypeOf<X>, ShapeOf<L>>;
  });
}

/**
 * The cross entropy between `labels`, a probability, and the sigmoid of `logits`, element by element, without overflow
 * (TensorFlow `tf.nn.sigmoid_cross_entropy_with_logits`). Both have the same shape and float dtype.
 * @throws ShapeError where the shapes differ; DTypeError where the dtypes differ
 * @example
 * nn.sigmoidCrossEntropyWithLogits([1, 0], constant([0, 100])); // [0.693, 100]
 */
export function sigmoidCrossEntropyWithLogits<L extends Operand, X extends Operand>(
  labels: L,
  logits: X,
  options?: OpOptions,
): Tensor<DTypeOf<X>, ShapeOf<X>> {
  return composedInScope('logistic_loss', options, [labels, logits], (scope) => {
    const x = convertToTensor(logits, isTyped(logits) ? undefined : dtypeOf(labels), 'logits');
    const z = convertToTensor(labels, isTyped(labels) ? undefined : x.dtype, 'labels');
    if (!isCompatible(x.shape, z.shape))
      throw mismatch('sigmoidCrossEntropyWithLogits', 'must have the same shape', z, x);
    const zeros = zerosLike(x);
    const positive = one('GreaterEqual', [x, zeros]);
    const rectified = one('Select', [positive, x, zeros]);
    const negativeAbs = one('Select', [positive, one('Neg', [x]), x]);
    const linear = minus(rectified, times(x, z));
    const rest = one('Log1p', [one('Exp', [negativeAbs])]);
    return one('AddV2', [linear, rest], {}, { name: scope }) as Tensor<DTypeOf<X>, ShapeOf<X>>;
  });
}

/** What both losses make of the rows of the logits: `log(sum(exp(x))) - x` and the softmax. */
function rowsOf(view: LowerView, x: Lazy): Record<'negativeLog' | 'softmax', (index: readonly Expr[]) => Expr> {
  const max = rowReduction(view, 'max', x);
  const shifted = (index: readonly Expr[]): Expr => bin('sub', x.at(index), ofRow(max, index));
  const exponentials = view.temp(lazy(x.dtype, x.shape, (index) => un('exp', shifted(index))));
  const sum = rowReduction(view, 'add', exponentials);
  return {
    negativeLog: (index) => bin('sub', un('log', ofRow(sum, index)), shifted(index)),
    softmax: (index) => bin('div', exponentials.at(index), ofRow(sum, index)),
  };
}

/** The gradient of the logits from those of the loss and, for second orders, of the op's own gradient output. */
function logitsGradient(op: OpView, [dloss, dbackprop]: readonly [Gradient, Gradient, ...Gradient[]]): Tensor {
  const dx = times(one('ExpandDims', [dloss, -1]), op.outputs[1]);
  if (comesAsZeros(dbackprop)) return dx;
  const d = dense(dbackprop);
  const softmaxOfX = one('Softmax', [op.inputs[0]]);
  const column = [one('ExpandDims', [d, 1]), one('ExpandDims', [softmaxOfX, 2])];
  const weighted = one('Squeeze', [one('BatchMatMulV2', column, {}, { name: 'MatMul' })], { squeeze_dims: [1] });
  return plus(dx, times(minus(d, weighted), softmaxOfX));
}

/** Whether a gradient is nothing but zeros that were made for want of one: a rule's, not the user's. */
function comesAsZeros(gradient: Gradient | null): boolean {
  if (gradient === null || gradient.op.type === 'ZerosLike') return true;
  const { op } = gradient;
  if (op.type !== 'Const' || op.forwardOp === null || !(gradient instanceof Tensor)) return false;
  const value = constantValue(gradient);
  return value !== null && Array.from({ length: value.size }, (_, i) => value.element(i)).every((x) => x === 0);
}

/** @throws InvalidArgumentError for an axis that `logits` does not have */
function classAxis(logits: Tensor, axis: number): number {
  const rank = logits.shape?.length ?? null;
  const valid = Number.isInteger(axis) && (rank === null ? axis >= -1 : axis >= -rank && axis < rank);
  if (valid) return axis < -1 ? axis + rank! : axis;
  throw new InvalidArgumentError(
    `softmaxCrossEntropyWithLogits: axis ${axis} is not ${rank === null ? '-1 or more' : `in [${-rank}, ${rank})`}: ${describeTensor(logits)}.`,
    { op: 'SoftmaxCrossEntropyWithLogits' },
  );
}

function movedToEnd(x: Tensor, axis: number, rank: Tensor): Tensor {
  const [before, after] = [rangeOf(0, axis), rangeOf(axis + 1, rank)];
  const perm = one('ConcatV2', [[before, after, [axis]], 0], {}, { name: 'concat' });
  return one('Transpose', [x, perm], {}, { name: 'transpose' });
}

/** `x` as a matrix whose rows are its last axis. */
function flattened(x: Tensor): Tensor {
  const rank = rankOf(x);
  const shape = shapeOf(x);
  const lastSize = one('Slice', [shape, packed([one('Sub', [rank, 1])], 'begin'), [1]]);
  const result = one('Reshape', [x, one('ConcatV2', [[[-1], lastSize], 0], {}, { name: 'concat' })]);
  const outer: Shape = x.shape === null ? null : x.shape.slice(0, -1);
  if (isFullyDefined(outer)) result.graph.refineShape(result, [sizeOf(outer), x.shape!.at(-1) as Dim]);
  return result;
}

function checkSparse(labels: Tensor, logits: Tensor): void {
  const rank = logits.shape?.length ?? null;
  const what = 'must have the shape of the logits without the last axis';
  if (rank === 0) throw mismatch('sparseSoftmaxCrossEntropyWithLogits', what, labels, logits);
  if (rank === null || isCompatible(labels.shape, logits.shape!.slice(0, -1))) return;
  throw mismatch('sparseSoftmaxCrossEntropyWithLogits', what, labels, logits);
}

function mismatch(what: string, rule: string, labels: Tensor, logits: Tensor): ShapeError {
  return new ShapeError(
    `${what}: labels ${rule}: ${describeTensor(labels)} and ${describeTensor(logits)}.`,
    logits.op.details(),
  );
}

/** Whether an operand has a dtype of its own, which data has not. */
function isTyped(x: Operand): boolean {
  return dtypeOf(x) !== undefined;
}

function dtypeOf(x: Operand): DType | undefined {
  return (x as { readonly dtype?: DType }).dtype;
}
