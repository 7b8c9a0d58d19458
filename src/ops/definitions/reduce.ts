/** Sums, means and products over axes, and the logarithm of a sum of exponentials. */
import { dtypeInfo, isComplex, isInteger, type DType } from '../../graph/dtype.js';
import type { Graph } from '../../graph/graph.js';
import type { Operation } from '../../graph/operation.js';
import { colocateWith, device } from '../../graph/scopes.js';
import { isFullyDefined, sizeOf, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { perRow, rowwise } from '../batching/operands.js';
import { allAxes, rangeOf, rankOf, reducedShape, sizeOfTensor, withOnes, wrapAxes } from '../axes.js';
import { convertToTensor, many, one } from '../call.js';
import { composedInScope } from '../compose.js';
import { bin, cast, literal, type Expr } from '../expr.js';
import { castTo, dense, numbers, packed } from '../indexing.js';
import { constantValue } from '../known.js';
import { sameType } from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp, type Gradient, type OpView } from '../opdef.js';
import { reduceBy, reducing, reductionNode, type Axes, type ReduceOptions } from '../reduction.js';
import { conj, constantBeside, over, shapeOf, times } from '../rules.js';
import type { DTypeOf, Operand, ReducedShape } from '../types.js';

const numeric =
  '{float, double, int32, uint8, int16, int8, complex64, int64, bfloat16, uint16, complex128, half, uint32, uint64}';

defineOp({
  name: 'Sum',
  signature: `input: T, reduction_indices: Tidx -> output: T | keep_dims: bool = false, T: ${numeric}, Tidx: {int32, int64} = DT_INT32`,
  infer: reducing,
  lower: reduceBy('add'),
  grad: (op, [dy]) => [spread(op, dy), null],
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [0, 1], dtype: 'int32' }] },
    { inputs: [[2, 3, 2], { value: -2, dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 3], dtype: 'float64' },
        { value: [-1], dtype: 'int64' },
      ],
      attrs: { keep_dims: true },
    },
    { inputs: [[2, 0], { value: 1, dtype: 'int32' }] },
    {
      inputs: [
        {
          value: [
            [1, 2],
            [3, 4],
          ],
          dtype: 'int32',
        },
        { value: 0, dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { shape: [2, 2], dtype: 'complex64' },
        { value: [1], dtype: 'int32' },
      ],
    },
    { inputs: [[], { value: [], dtype: 'int32' }] },
  ],
});
/**
 * The sum of the elements of `x` along `axis`, or of all of them (TensorFlow `tf.reduce_sum`). Reduced axes go, or stay
 * with length 1 for `keepDims`. The dtype is that of `x`; the sum of nothing is 0.
 * @throws InvalidArgumentError for an axis that `x` does not have
 * @example
 * reduceSum(constant([[1, 2], [3, 4]]), { axis: 0 }); // [4, 6]
 */
export function reduceSum<
  X extends Operand,
  const A extends Axes = undefined,
  K extends boolean | undefined = undefined,
>(x: X, options?: ReduceOptions<A, K>): Reduced<X, A, K> {
  return reductionNode('Sum', x, options) as Reduced<X, A, K>;
}

defineOp({
  name: 'Mean',
  signature: `input: T, reduction_indices: Tidx -> output: T | keep_dims: bool = false, T: ${numeric}, Tidx: {int32, int64} = DT_INT32`,
  infer: reducing,
  lower: (view) => (isInteger(view.op.outputs[0].dtype) ? integerMean : mean)(view),
  grad: meanGradient,
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [0, 1], dtype: 'int32' }] },
    { inputs: [[2, 3, 2], { value: [0, -1], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [3, 2], dtype: 'float64' },
        { value: 1, dtype: 'int64' },
      ],
      attrs: { keep_dims: true },
    },
    {
      inputs: [
        { value: [-3, -4], dtype: 'int32' },
        { value: 0, dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { value: [200, 100], dtype: 'uint8' },
        { value: 0, dtype: 'int32' },
      ],
    },
  ],
});
/**
 * The mean of the elements of `x` along `axis`, or of all of them (TensorFlow `tf.reduce_mean`). The dtype is that of
 * `x`, so the mean of integers is cut off towards 0; the mean of nothing is NaN.
 * @throws InvalidArgumentError for an axis that `x` does not have
 * @example
 * reduceMean(constant([[1, 2], [3, 4]]), { axis: 1 }); // [1.5, 3.5]
 */
export function reduceMean<
  X extends Operand,
  const A extends Axes = undefined,
  K extends boolean | undefined = undefined,
>(x: X, options?: ReduceOptions<A, K>): Reduced<X, A, K> {
  return reductionNode('Mean', x, options) as Reduced<X, A, K>;
}

defineOp({
  name: 'Prod',
  signature: `input: T, reduction_indices: Tidx -> output: T | keep_dims: bool = false, T: ${numeric}, Tidx: {int32, int64} = DT_INT32`,
  infer: reducing,
  lower: reduceBy('mul'),
  grad: prodGradient,
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [0, 1], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 3, 2], dtype: 'float64' },
        { value: [2, 0], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { shape: [2, 3], dtype: 'float64' },
        { value: -1, dtype: 'int32' },
      ],
      attrs: { keep_dims: true },
    },
    {
      inputs: [
        { value: [2, 0, 3], dtype: 'float64' },
        { value: [0], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { value: [2, 3, 4], dtype: 'int32' },
        { value: 0, dtype: 'int64' },
      ],
    },
    {
      inputs: [
        { shape: [2, 2], dtype: 'complex64' },
        { value: [1], dtype: 'int32' },
      ],
    },
  ],
});
/**
 * The product of the elements of `x` along `axis`, or of all of them (TensorFlow `tf.reduce_prod`). The dtype is that of
 * `x`; the product of nothing is 1. Gradients are right where elements are 0.
 * @throws InvalidArgumentError for an axis that `x` does not have
 * @example
 * reduceProd(constant([[1, 2], [3, 4]])); // 24
 */
export function reduceProd<
  X extends Operand,
  const A extends Axes = undefined,
  K extends boolean | undefined = undefined,
>(x: X, options?: ReduceOptions<A, K>): Reduced<X, A, K> {
  return reductionNode('Prod', x, options) as Reduced<X, A, K>;
}

/**
 * `log(sum(exp(x)))` along `axis`, or over all of `x`, without overflow: the maximum is taken out first (TensorFlow
 * `tf.reduce_logsumexp`). `x` is of a float dtype, and so is the result.
 * @throws InvalidArgumentError for an axis that `x` does not have; DTypeError for a dtype that is not float
 * @example
 * reduceLogsumexp(constant([1000, 1000])); // 1000.6931
 */
export function reduceLogsumexp<
  X extends Operand,
  const A extends Axes = undefined,
  K extends boolean | undefined = undefined,
>(x: X, options: ReduceOptions<A, K> = {}): Reduced<X, A, K> {
  const { axis, keepDims } = options as ReduceOptions;
  const over = { axis: axis ?? null };
  return composedInScope('ReduceLogSumExp', options, [x], (scope) => {
    const input = convertToTensor(x);
    const raw = reductionNode('Max', input, { ...over, keepDims: true });
    const finite = one('SelectV2', [one('IsFinite', [raw]), raw, 0]);
    const max = one('StopGradient', [finite]);
    const scaled = one('Exp', [one('Sub', [input, max])]);
    const log = one('Log', [reductionNode('Sum', scaled, { ...over, keepDims: keepDims ?? false })]);
    const shift = keepDims ? max : one('Reshape', [max, one('Shape', [log])]);
    const result = one('AddV2', [log, shift], {}, { name: scope });
    if (!keepDims && over.axis === null) result.graph.refineShape(result, []);
    return result as Reduced<X, A, K>;
  });
}

type Reduced<X, A, K> = Tensor<DTypeOf<X>, ReducedShape<A, K>>;

const mean = reduceBy('add', (sum, count) => {
  if (count === 0) return sameType(isComplex(sum.dtype) ? 0 : NaN, sum);
  return bin('div', sum, sameType(count, sum));
});

/** Integers are added up in 64 bits, where the sum of smaller ones does not wrap around. */
const integerMean: typeof mean = (view) => {
  const { dtype } = view.op.outputs[0];
  const wide = dtypeInfo(dtype).big ? dtype : 'int64';
  const finish = (sum: Expr, count: number): Expr =>
    cast(count === 0 ? sum : bin('div', sum, literal(BigInt(count), wide)), dtype);
  return reduceBy('add', finish, (x) => cast(x, wide))(view);
};

/** The gradient of a sum: `dy` repeated along the reduced axes. */
function spread(op: OpView, dy: Gradient): Tensor {
  const [x, axes] = op.inputs;
  const known = x.shape === null ? null : constantValue(axes);
  if (x.shape !== null && known !== null) {
    const rank = x.shape.length;
    const list = numbers(known);
    if (known.shape.length === 1 && list.length === rank && list.every((axis, i) => axis === i))
      return spreadScalar(x, dy);
    if (isFullyDefined(x.shape)) return spreadKnown(op, x.shape, list, dy);
  }
  const shape = shapeOf(x);
  if (op.boolAttr('keep_dims')) return one('BroadcastTo', [dy, shape]);
  const kept = colocateWith(shape, () => reducedShape(shape, axes));
  return one('BroadcastTo', [one('Reshape', [dy, kept]), shape]);
}

/** Where everything is reduced, only the rank must be known. */
function spreadScalar(x: Tensor, dy: Gradient): Tensor {
  const rank = x.shape!.length;
  // TensorFlow first takes an empty list for floats: its graphs have that constant, read by nothing.
  if (rank === 0) constantBeside(x, [], 'float32', 'Reshape/shape');
  const reshaped = one('Reshape', [dy, new Int32Array(rank).fill(1)]);
  const shape = isFullyDefined(x.shape) ? constantBeside(x, Int32Array.from(x.shape), 'int32') : shapeOf(x);
  return one('Tile', [reshaped, shape]);
}

function spreadKnown(op: OpView, shape: readonly number[], axes: readonly number[], dy: Gradient): Tensor {
  const kept = withOnes(shape, axes);
  emitTiling(op.graph.receiver, shape, axes, kept);
  const reshaped = one('Reshape', [dy, Int32Array.from(kept)]);
  return one('Tile', [reshaped, Int32Array.from(shape, (dim, i) => Math.floor(dim / Math.max(kept[i]!, 1)))]);
}

const tilings = new WeakMap<Graph, Map<string, Operation>>();

/** TensorFlow computes the tiling by nodes that nothing reads, once in a graph for each shape and axes. */
function emitTiling(graph: Graph, shape: readonly number[], axes: readonly number[], kept: readonly number[]): void {
  const made = tilings.get(graph) ?? new Map<string, Operation>();
  tilings.set(graph, made);
  const key = `${shape.join()}|${axes.join()}`;
  const before = made.get(key);
  // A node of a transaction that was rolled back is in the graph no more.
  if (before && graph.holds(before)) return;
  graph.asDefault(() => {
    const maximum = one('Maximum', [Int32Array.from(kept), 1]);
    made.set(key, one('FloorDiv', [Int32Array.from(shape), maximum], {}, { name: 'floordiv' }).op);
  });
}

function meanGradient(op: OpView, [dy]: readonly [Gradient, ...Gradient[]]): readonly (Tensor | null)[] {
  const sum = spread(op, dy);
  const [x, axes] = op.inputs;
  const output: Shape = op.outputs[0].shape;
  if (isFullyDefined(x.shape) && isFullyDefined(output)) {
    const factor = Math.floor(sizeOf(x.shape) / Math.max(sizeOf(output), 1));
    return [over(sum, constantBeside(sum, factor, sum.dtype)), null];
  }
  const shape = shapeOf(x);
  const rank = sizeOfTensor(shape);
  const reduced = wrapAxes(castTo(axes, rank.dtype), rank);
  const factor = productOf(one('GatherV2', [shape, reduced, 0]));
  return [over(sum, castTo(factor, sum.dtype)), null];
}

/** The product of all elements of a vector, or a scalar itself. */
function productOf(x: Tensor): Tensor {
  return one('Prod', [x, allAxes(x)]);
}

/** Each element's gradient is the product of the others: of those before it and of those after it. */
function prodGradient(op: OpView, [gradient]: readonly [Gradient, ...Gradient[]]): readonly (Tensor | null)[] {
  const [x, axes] = op.inputs;
  const shape = shapeOf(x);
  const indices = one('Reshape', [axes, [-1]]);
  let dy = dense(gradient);
  if (!op.boolAttr('keep_dims')) dy = one('Reshape', [dy, reducedShape(shape, axes)]);
  dy = one('BroadcastTo', [dy, shape]);
  const { perm, counts } = device('/cpu:0', () => reducedFirst(x, shape, indices), op.graph);
  const permuted = one('Transpose', [x, perm], {}, { name: 'transpose' });
  const permutedShape = shapeOf(permuted);
  const matrix = one('Reshape', [permuted, packed(counts, 'shape')]);
  const before = one('Cumprod', [matrix, 0], { exclusive: true });
  const after = one('Cumprod', [matrix, 0], { exclusive: true, reverse: true });
  const others = one('Reshape', [times(conj(before), conj(after)), permutedShape]);
  const inverse = one('InvertPermutation', [perm]);
  const dx = times(dy, one('Transpose', [others, inverse], {}, { name: 'transpose' }));
  return [one('Reshape', [dx, shape]), null];
}

/** The permutation that puts the reduced axes first, and how many elements they and the others span. */
function reducedFirst(x: Tensor, shape: Tensor, indices: Tensor): { perm: Tensor; counts: readonly Tensor[] } {
  const rank = rankOf(x);
  const reduced = wrapAxes(castTo(indices, rank.dtype), rank);
  const other = many('ListDiff', [rangeOf(0, rank), reduced])[0]!;
  const perm = one('ConcatV2', [[reduced, other], 0], {}, { name: 'concat' });
  return { perm, counts: [reduced, other].map((axes) => productOf(one('GatherV2', [shape, axes, 0]))) };
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- declarations merge only with the same parameters
  interface Tensor<D extends DType, S extends Shape> {
    reduceSum<const A extends Axes = undefined, K extends boolean | undefined = undefined>(
      options?: ReduceOptions<A, K>,
    ): Tensor<D, ReducedShape<A, K>>;
    reduceMean<const A extends Axes = undefined, K extends boolean | undefined = undefined>(
      options?: ReduceOptions<A, K>,
    ): Tensor<D, ReducedShape<A, K>>;
    reduceProd<const A extends Axes = undefined, K extends boolean | undefined = undefined>(
      options?: ReduceOptions<A, K>,
    ): Tensor<D, ReducedShape<A, K>>;
    reduceLogsumexp<const A extends Axes = undefined, K extends boolean | undefined = undefined>(
      options?: ReduceOptions<A, K>,
    ): Tensor<D, ReducedShape<A, K>>;
  }
}
installMethods({ reduceSum, reduceMean, reduceProd, reduceLogsumexp });
