/** Matrix products, of single matrices and of batches. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { broadcastShapes, isFullyDefined, shapesEqual, type Dim, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchBatchMatMul, batchMatMul } from '../batching/products.js';
import { convertToTensor, many, one } from '../call.js';
import { composed, composedInScope, shapeOfOperand } from '../compose.js';
import { dense, item } from '../indexing.js';
import { installMethods } from '../methods.js';
import { defineOp, type Gradient, type OpView } from '../opdef.js';
import { matmulRoutine } from '../routines/matmul.js';
import { conj, shapeOf } from '../rules.js';
import { requireRank, shapeError } from '../shape-rules.js';
import type { CommonDType, MatMulOperand, MatMulShape, Operand, OpOptions, ShapeOf } from '../types.js';

type Flag = boolean | undefined;

export interface MatMulOptions<TA extends Flag = Flag, TB extends Flag = Flag> extends OpOptions {
  readonly transposeA?: TA;
  readonly transposeB?: TB;
  /** Transposes and conjugates. */
  readonly adjointA?: TA;
  readonly adjointB?: TB;
}

defineOp({
  name: 'MatMul',
  signature:
    'a: T, b: T -> product: T | transpose_a: bool = false, transpose_b: bool = false, T: {bfloat16, half, float, double, int32, int64, uint8, uint16, uint32, uint64, complex64, complex128}, grad_a: bool = false, grad_b: bool = false',
  infer: (op) => {
    requireRank(op, op.inputs[0], 2, 'a');
    requireRank(op, op.inputs[1], 2, 'b');
    return [matrixShape(op, op.boolAttr('transpose_a'), op.boolAttr('transpose_b'))];
  },
  lower: matmulRoutine((op) => [
    { transpose: op.boolAttr('transpose_a'), conjugate: false },
    { transpose: op.boolAttr('transpose_b'), conjugate: false },
  ]),
  grad: matMulGradient,
  batch: batchMatMul,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        [3, 4],
      ],
    },
    {
      inputs: [
        [3, 2],
        [3, 4],
      ],
      attrs: { transpose_a: true },
    },
    {
      inputs: [
        { shape: [2, 3], dtype: 'float64' },
        { shape: [4, 3], dtype: 'float64' },
      ],
      attrs: { transpose_b: true },
    },
    {
      inputs: [
        { shape: [3, 2], dtype: 'float64' },
        { shape: [1, 3], dtype: 'float64' },
      ],
      attrs: { transpose_a: true, transpose_b: true },
    },
    {
      inputs: [
        { shape: [2, 2], dtype: 'complex64' },
        { shape: [2, 3], dtype: 'complex64' },
      ],
    },
    {
      inputs: [
        {
          value: [
            [1, 2],
            [3, 4],
          ],
          dtype: 'int32',
        },
        { value: [[5], [6]], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        [2, 0],
        [0, 3],
      ],
    },
  ],
});

defineOp({
  name: 'BatchMatMulV2',
  signature:
    'x: T, y: T -> output: T | T: {bfloat16, half, float, double, int16, int32, int64, uint8, uint16, uint32, uint64, complex64, complex128}, adj_x: bool = false, adj_y: bool = false, grad_x: bool = false, grad_y: bool = false',
  infer: batchShape,
  lower: matmulRoutine((op) => [adjoint(op.boolAttr('adj_x')), adjoint(op.boolAttr('adj_y'))]),
  grad: batchGradient,
  batch: batchBatchMatMul,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 2, 3],
        [2, 3, 4],
      ],
    },
    {
      inputs: [
        [3, 2, 2, 3],
        [2, 3, 1],
      ],
    },
    {
      inputs: [
        [2, 3],
        [4, 3, 2],
      ],
    },
    {
      inputs: [
        { shape: [2, 1, 3, 2], dtype: 'float64' },
        { shape: [1, 2, 3, 4], dtype: 'float64' },
      ],
      attrs: { adj_x: true },
    },
    {
      inputs: [
        { shape: [2, 2, 3], dtype: 'float64' },
        { shape: [1, 4, 3], dtype: 'float64' },
      ],
      attrs: { adj_y: true },
    },
    {
      inputs: [
        { shape: [2, 3, 2], dtype: 'float64' },
        { shape: [2, 4, 3], dtype: 'float64' },
      ],
      attrs: { adj_x: true, adj_y: true },
    },
    {
      inputs: [
        { shape: [2, 3, 2], dtype: 'complex64' },
        { shape: [2, 3, 2], dtype: 'complex64' },
      ],
      attrs: { adj_x: true },
    },
  ],
});
/**
 * The matrix product of `a` and `b` (TensorFlow `tf.matmul`), which have the same dtype. Of tensors of higher rank the last
 * two axes are the matrices, and the axes before broadcast. A matrix is transposed by `transposeA`, transposed and
 * conjugated by `adjointA`, before it is multiplied; so is `b`. Where both shapes are literal, inner dimensions that
 * differ are a compile error.
 * @throws ShapeError for operands of rank below 2 and for inner dimensions that differ; DTypeError where the dtypes differ;
 * InvalidArgumentError where a matrix is to be transposed twice
 * @example
 * matmul(constant([[1, 2]]), constant([[3], [4]])); // [[11]]
 */
export function matmul<
  A extends Operand,
  B extends Operand,
  const TA extends Flag = undefined,
  const TB extends Flag = undefined,
>(a: A, b: B & MatMulOperand<A, B, TA, TB>, options: MatMulOptions<TA, TB> = {}): Product<A, B, TA, TB> {
  const { transposeA = false, transposeB = false, adjointA = false, adjointB = false } = options as MatMulOptions;
  if ((transposeA && adjointA) || (transposeB && adjointB)) {
    const side = transposeA && adjointA ? 'A' : 'B';
    throw new InvalidArgumentError(`matmul: transpose${side} and adjoint${side} exclude each other.`, { op: 'MatMul' });
  }
  const flips = { transposeA, transposeB, adjointA, adjointB };
  return product(a, b, flips, {}, options) as Product<A, B, TA, TB>;
}

type Product<A, B, TA extends Flag, TB extends Flag> = Tensor<
  CommonDType<A, B>,
  MatMulShape<ShapeOf<A>, ShapeOf<B>, TA, TB>
>;

interface Flips {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly adjointA?: boolean;
  readonly adjointB?: boolean;
}

/** Whether, in the gradient of a product, the node is that of its first or second factor. */
type Side = { readonly a?: boolean; readonly b?: boolean };

/** MatMul for two matrices, BatchMatMulV2 where a batch is possible, with what either cannot do made by conjugation. */
function product(a: Operand, b: Operand, flips: Flips, side: Side, options: OpOptions): Tensor {
  const { transposeA = false, transposeB = false, adjointA = false, adjointB = false } = flips;
  const mayBeBatch = [a, b].some((x) => (shapeOfOperand(x)?.length ?? 3) > 2);
  const [conjugateA, conjugateB] = mayBeBatch ? [transposeA, transposeB] : [adjointA, adjointB];
  const [flipA, flipB] = [transposeA || adjointA, transposeB || adjointB];
  const node = (x: Operand, y: Operand, name: OpOptions): Tensor =>
    mayBeBatch
      ? one(
          'BatchMatMulV2',
          [x, y],
          { adj_x: flipA, adj_y: flipB, grad_x: side.a ?? false, grad_y: side.b ?? false },
          name,
        )
      : one(
          'MatMul',
          [x, y],
          { transpose_a: flipA, transpose_b: flipB, grad_a: side.a ?? false, grad_b: side.b ?? false },
          name,
        );
  if (!conjugateA && !conjugateB) return composed([a, b], () => node(a, b, { name: options.name ?? 'MatMul' }));
  return composedInScope('MatMul', options, [a, b], (scope) => {
    const x = convertToTensor(a, dtypeBeside(b, a), 'a');
    const y = convertToTensor(b, x.dtype, 'b');
    return node(conjugateA ? conj(x) : x, conjugateB ? conj(y) : y, { name: scope });
  });
}

/** The dtype that data `x` takes from the tensor `beside` it. */
function dtypeBeside(beside: Operand, x: Operand): DType | undefined {
  const dtypeOf = (value: Operand): DType | undefined => (value as { readonly dtype?: DType } | null)?.dtype;
  return dtypeOf(x) ?? dtypeOf(beside);
}

function adjoint(flag: boolean): { transpose: boolean; conjugate: boolean } {
  return { transpose: flag, conjugate: flag };
}

/** The last two dimensions of a product. @throws ShapeError where inner dimensions differ */
function matrixShape(op: OpView, flipA: boolean, flipB: boolean): readonly [Dim, Dim] {
  const [a, b] = [op.inputs[0].shape, op.inputs[1].shape].map((shape) => shape?.slice(-2) ?? [null, null]) as [
    Dim[],
    Dim[],
  ];
  if (flipA) a.reverse();
  if (flipB) b.reverse();
  const [inner, other] = [a[1]!, b[0]!];
  if (inner !== null && other !== null && inner !== other) {
    const flipped = [flipA ? 'the first' : '', flipB ? 'the second' : ''].filter((side) => side !== '').join(' and ');
    const what = `the inner dimensions ${inner} and ${other} differ${flipped === '' ? '' : ` (${flipped} transposed)`}`;
    throw shapeError(op, what, op.inputs);
  }
  return [a[0]!, b[1]!];
}

function batchShape(op: OpView): readonly Shape[] {
  const [x, y] = op.inputs;
  for (const tensor of [x, y]) {
    if (tensor.shape !== null && tensor.shape.length < 2) throw shapeError(op, 'rank 2 or more is needed', [tensor]);
  }
  if (x.shape === null || y.shape === null) return [null];
  const matrix = matrixShape(op, op.boolAttr('adj_x'), op.boolAttr('adj_y'));
  const batch = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2));
  if (batch === undefined) throw shapeError(op, 'the batch dimensions do not broadcast', op.inputs);
  return [[...batch!, ...matrix]];
}

function matMulGradient(op: OpView, [gradient]: readonly [Gradient, ...Gradient[]]): readonly Tensor[] {
  const dy = dense(gradient);
  const [a, b] = [conj(op.inputs[0]), conj(op.inputs[1])];
  const [ta, tb] = [op.boolAttr('transpose_a'), op.boolAttr('transpose_b')];
  const node = (x: Tensor, y: Tensor, transposeX: boolean, transposeY: boolean, side: 'grad_a' | 'grad_b'): Tensor =>
    one('MatMul', [x, y], { transpose_a: transposeX, transpose_b: transposeY, [side]: true });
  return [
    ta ? node(b, dy, tb, true, 'grad_a') : node(dy, b, false, !tb, 'grad_a'),
    tb ? node(dy, a, true, ta, 'grad_b') : node(a, dy, !ta, false, 'grad_b'),
  ];
}

function batchGradient(op: OpView, [gradient]: readonly [Gradient, ...Gradient[]]): readonly Tensor[] {
  const dy = dense(gradient);
  const [x, y] = op.inputs;
  const [ax, ay] = [op.boolAttr('adj_x'), op.boolAttr('adj_y')];
  const node = (a: Tensor, b: Tensor, adjointA: boolean, adjointB: boolean, side: Side): Tensor =>
    product(a, b, { adjointA, adjointB }, side, {});
  const dx = ax ? node(y, dy, ay, true, { a: true }) : node(dy, y, false, !ay, { a: true });
  const dyy = ay ? node(dy, x, true, ax, { b: true }) : node(x, dy, !ax, false, { b: true });
  if (nothingBroadcast(x.shape, y.shape)) return [dx, dyy];
  const [sx, sy] = [shapeOf(x), shapeOf(y)];
  const batches = [sx, sy].map((shape) => item(shape, { stop: -2 }));
  const [rx, ry] = many('BroadcastGradientArgs', batches);
  const reduced = (g: Tensor, axes: Tensor, shape: Tensor): Tensor => one('Reshape', [one('Sum', [g, axes]), shape]);
  return [reduced(dx, rx!, sx), reduced(dyy, ry!, sy)];
}

/** Whether the batch dimensions are known and the same, or there are none. */
function nothingBroadcast(x: Shape, y: Shape): boolean {
  if (x === null || y === null) return false;
  if (x.length <= 2 && y.length <= 2) return true;
  const [bx, by] = [x.slice(0, -2), y.slice(0, -2)];
  return isFullyDefined(bx) && isFullyDefined(by) && shapesEqual(bx, by);
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    matmul<B extends Operand, const TA extends Flag = undefined, const TB extends Flag = undefined>(
      b: B & MatMulOperand<Tensor<D, S>, B, TA, TB>,
      options?: MatMulOptions<TA, TB>,
    ): Product<Tensor<D, S>, B, TA, TB>;
  }
}
installMethods({ matmul });
