/** The same elements with axes in another order or running backwards. */
import type { DType } from '../../graph/dtype.js';
import { NDArray } from '../../graph/ndarray.js';
import type { Dim, Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchInvertPermutation } from '../batching/indexing.js';
import { perRow, rowwise } from '../batching/operands.js';
import { convertToTensor, one } from '../call.js';
import { unchanged } from '../elementwise.js';
import { bin, int, known, lazy, un, type Expr } from '../expr.js';
import { deferred, indices, named, numbers, type IndexOperand } from '../indexing.js';
import { constantValue } from '../known.js';
import { installMethods } from '../methods.js';
import { defineOp, type Lowering, type OpView } from '../opdef.js';
import { minus } from '../rules.js';
import { argumentError, axisIn, lengthOf, requireRank, shapeError, unknownDims } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions, ShapeOf } from '../types.js';

/** The inverse of a permutation. @throws InvalidArgumentError for anything else */
function inverse(op: OpView, perm: readonly number[]): number[] {
  const result = new Array<number>(perm.length).fill(-1);
  perm.forEach((to, from) => {
    if (to < 0 || to >= perm.length || result[to] !== -1)
      throw argumentError(op, `[${perm.join(', ')}] is not a permutation`);
    result[to] = from;
  });
  return result;
}

defineOp({
  name: 'InvertPermutation',
  signature: 'x: T -> y: T | T: {int32, int64} = DT_INT32',
  infer: (op) => {
    requireRank(op, op.inputs[0], 1, 'the permutation');
    return [op.inputs[0].shape ?? [null]];
  },
  lower: ({ op, value }) => [known(NDArray.from(inverse(op, numbers(value(0))), op.outputs[0].dtype))],
  grad: 'none',
  batch: batchInvertPermutation,
  effect: 'pure',
  samples: [{ inputs: [{ value: [2, 0, 1], dtype: 'int32' }] }, { inputs: [{ value: [], dtype: 'int64' }] }],
});
/**
 * The permutation that undoes `x`: `y[x[i]] = i` (TensorFlow `tf.math.invert_permutation`).
 * @throws InvalidArgumentError at run time where `x` is no permutation of 0 … n - 1
 * @example
 * invertPermutation([2, 0, 1]); // [1, 2, 0]
 */
export function invertPermutation<X extends IndexOperand>(x: X, options?: OpOptions): Tensor<'int32' | 'int64'> {
  return one('InvertPermutation', [indices(x, 'x')], {}, options) as Tensor<'int32' | 'int64'>;
}

/** A permutation with negative axes counted from the end. */
function normalized(op: OpView, perm: readonly number[], rank: number): number[] {
  if (perm.length !== rank)
    throw shapeError(op, `the permutation [${perm.join(', ')}] does not have an entry for each axis`);
  const axes = perm.map((axis) => axisIn(op, axis, rank, 'entry of the permutation'));
  inverse(op, axes);
  return axes;
}

function transposedShape(op: OpView): readonly Shape[] {
  const [x, perm] = op.inputs;
  requireRank(op, perm, 1, 'the permutation');
  const length = lengthOf(perm);
  if (x.shape !== null && length !== null && x.shape.length !== length) {
    throw shapeError(op, 'the permutation must have an entry for each axis', [x, perm]);
  }
  const value = constantValue(perm);
  const rank = x.shape?.length ?? length ?? null;
  if (value === null || x.shape === null) return [rank === null ? null : unknownDims(rank)];
  return [normalized(op, numbers(value), x.shape.length).map((axis): Dim => x.shape![axis]!)];
}

const transposed =
  (element: (x: Expr) => Expr): Lowering =>
  ({ op, inputs: [x], value }) => {
    const perm = normalized(op, numbers(value(1)), x.shape.length);
    const back = inverse(op, perm);
    const shape = perm.map((axis) => x.shape[axis]!);
    return [lazy(x.dtype, shape, (index) => element(x.at(back.map((axis) => index[axis]!))))];
  };

defineOp({
  name: 'Transpose',
  signature: 'x: T, perm: Tperm -> y: T | T: type, Tperm: {int32, int64} = DT_INT32',
  infer: transposedShape,
  lower: transposed((x) => x),
  grad: ({ inputs: [, perm] }, [dy]) => [
    one('Transpose', [dy, one('InvertPermutation', [perm])], {}, { name: 'transpose' }),
    null,
  ],
  batch: rowwise(perRow.data, perRow.permutation),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [1, 0], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 3, 4], dtype: 'float64' },
        { value: [2, 0, 1], dtype: 'int64' },
      ],
    },
    { inputs: [[], { value: [], dtype: 'int32' }] },
    {
      inputs: [
        { value: [[1, 2]], dtype: 'int32' },
        { value: [1, 0], dtype: 'int32' },
      ],
    },
  ],
});

defineOp({
  name: 'ConjugateTranspose',
  signature: 'x: T, perm: Tperm -> y: T | T: type, Tperm: {int32, int64} = DT_INT32',
  infer: transposedShape,
  lower: transposed((x) => (x.dtype.startsWith('complex') ? un('conj', x) : x)),
  grad: ({ inputs: [x, perm] }, [dy]) => [
    one(
      x.dtype.startsWith('complex') ? 'ConjugateTranspose' : 'Transpose',
      [dy, one('InvertPermutation', [perm])],
      {},
      { name: 'transpose' },
    ),
    null,
  ],
  batch: rowwise(perRow.data, perRow.permutation),
  effect: 'pure',
  samples: [
    {
      inputs: [
        { shape: [2, 3], dtype: 'complex64' },
        { value: [1, 0], dtype: 'int32' },
      ],
    },
    { inputs: [[2, 1, 3], { value: [1, 2, 0], dtype: 'int32' }] },
  ],
});

type Reversed<S extends readonly Dim[]> = S extends readonly [
  infer Head extends Dim,
  ...infer Tail extends readonly Dim[],
]
  ? [...Reversed<Tail>, Head]
  : [];

/** The static shape of a transpose: known where all axes are reversed. */
export type TransposedShape<S extends Shape, P> = [P] extends [undefined]
  ? S extends readonly Dim[]
    ? number extends S['length']
      ? Shape
      : Reversed<S>
    : Shape
  : Shape;

export interface TransposeOptions extends OpOptions {
  /** Whether complex elements are conjugated too. */
  readonly conjugate?: boolean;
}

/**
 * `a` with its axes in the order `perm`: axis `i` of the result is axis `perm[i]` of `a` (TensorFlow `tf.transpose`).
 * Without `perm` the order is reversed.
 * @throws InvalidArgumentError where `perm` is no permutation of the axes
 * @example
 * transpose(constant([[1, 2], [3, 4]])); // [[1, 3], [2, 4]]
 */
export function transpose<X extends Operand, P extends IndexOperand | undefined = undefined>(
  a: X,
  perm?: P,
  options: TransposeOptions = {},
): Tensor<DTypeOf<X>, TransposedShape<ShapeOf<X>, P>> {
  const tensor = convertToTensor(a);
  const type = options.conjugate && tensor.dtype.startsWith('complex') ? 'ConjugateTranspose' : 'Transpose';
  const order = perm === undefined ? reversedAxes(tensor) : indices(perm, 'perm');
  return one(type, [tensor, order], {}, named(options, 'transpose')) as never;
}

function reversedAxes(x: Tensor): Operand {
  if (x.shape !== null) return NDArray.from(x.shape.map((_, axis) => axis).reverse(), 'int32');
  return deferred('int32', x.graph, () => one('Range', [minus(one('Rank', [x]), 1), -1, -1]));
}

defineOp({
  name: 'ReverseV2',
  signature:
    'tensor: T, axis: Tidx -> output: T | Tidx: {int32, int64} = DT_INT32, ' +
    'T: {uint8, int8, uint16, int16, int32, uint32, int64, uint64, bool, bfloat16, half, float, double, complex64, complex128, string}',
  infer: (op) => {
    const [x, axis] = op.inputs;
    requireRank(op, axis, 1, 'the list of axes');
    const axes = constantValue(axis);
    if (axes && x.shape) reversedFlags(op, numbers(axes), x.shape.length);
    return unchanged(op);
  },
  lower: ({ op, inputs: [x], value }) => {
    const flags = reversedFlags(op, numbers(value(1)), x.shape.length);
    return [
      lazy(x.dtype, x.shape, (index) =>
        x.at(index.map((i, axis) => (flags[axis] ? bin('sub', int(x.shape[axis]! - 1), i) : i))),
      ),
    ];
  },
  grad: ({ inputs: [, axis] }, [dy]) => [one('ReverseV2', [dy, axis]), null],
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [0], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 3, 2], dtype: 'float64' },
        { value: [-1, 0], dtype: 'int64' },
      ],
    },
    { inputs: [[2], { value: [], dtype: 'int32' }] },
  ],
});

function reversedFlags(op: OpView, axes: readonly number[], rank: number): boolean[] {
  const flags = new Array<boolean>(rank).fill(false);
  for (const axis of axes) {
    const at = axisIn(op, axis, rank);
    if (flags[at]) throw argumentError(op, `axis ${at} is given more than once`);
    flags[at] = true;
  }
  return flags;
}

/**
 * `tensor` with the order of its elements reversed along each of the axes in `axis` (TensorFlow `tf.reverse`).
 * @throws InvalidArgumentError for an axis that does not exist or occurs twice
 * @example
 * reverse(constant([[1, 2], [3, 4]]), [1]); // [[2, 1], [4, 3]]
 */
export function reverse<X extends Operand>(
  tensor: X,
  axis: IndexOperand,
  options?: OpOptions,
): Tensor<DTypeOf<X>, ShapeOf<X>> {
  return one('ReverseV2', [tensor, indices(axis, 'axis')], {}, options) as Tensor<DTypeOf<X>, ShapeOf<X>>;
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    transpose<P extends IndexOperand | undefined = undefined>(
      perm?: P,
      options?: TransposeOptions,
    ): Tensor<D, TransposedShape<S, P>>;
    reverse(axis: IndexOperand, options?: OpOptions): Tensor<D, S>;
    invertPermutation(options?: OpOptions): Tensor<'int32' | 'int64'>;
  }
}
installMethods({ transpose, reverse, invertPermutation });
