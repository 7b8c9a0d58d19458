/** The static types of operands: dtypes and shapes carried by TypeScript, and how ops combine them. */
import type { DType } from '../graph/dtype.js';
import type { NDArray, NestedData, ScalarData } from '../graph/ndarray.js';
import type { TypedArray } from '../graph/dtype.js';
import type { Dim, Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';

/** Anything that stands for a tensor: a variable (its value), slices (made dense). */
export interface TensorConvertible<D extends DType = DType, S extends Shape = Shape> {
  readonly dtype: D;
  readonly shape: S;
  toTensor(options?: OpOptions): Tensor<D, S>;
}

/** A tensor or what stands for one. */
export type TensorLike<D extends DType = DType, S extends Shape = Shape> = Tensor<D, S> | TensorConvertible<D, S>;

/** Whatever a tensor argument may be; data becomes a constant. */
export type Operand = TensorLike | ScalarData | NestedData | TypedArray | NDArray;

/** Options every function takes. */
export interface OpOptions {
  /** The name of the node; by default its op type. */
  readonly name?: string;
}

/** The static shape of an operand: data that is not a scalar has an unknown one. */
export type ShapeOf<X> = X extends { readonly shape: infer S extends Shape }
  ? S
  : X extends ScalarData
    ? readonly []
    : Shape;

/** The dtype of a tensor operand; `Otherwise` for data. */
export type DTypeOf<X, Otherwise extends DType = DType> = X extends { readonly dtype: infer D extends DType }
  ? D
  : X extends number
    ? Otherwise extends DType
      ? DType extends Otherwise
        ? 'float32'
        : Otherwise
      : never
    : Otherwise;

type IsTensor<X> = X extends { readonly dtype: DType; readonly shape: unknown } ? true : false;

/** The common dtype of two operands: data follows the tensor beside it. */
export type CommonDType<A, B> =
  IsTensor<A> extends true ? DTypeOf<A> : IsTensor<B> extends true ? DTypeOf<B> : DTypeOf<A>;

type KnownRank<S extends Shape> = S extends readonly Dim[] ? (number extends S['length'] ? false : true) : false;

type BroadcastDim<A extends Dim, B extends Dim> = number extends A
  ? number | null
  : number extends B
    ? number | null
    : A extends 1
      ? B
      : B extends 1
        ? A
        : A extends null
          ? B
          : B extends null
            ? A
            : [A] extends [B]
              ? A
              : never;

type Mutable<S extends readonly Dim[]> = S extends readonly [...infer T extends Dim[]] ? T : never;

type BroadcastReversed<A extends readonly Dim[], B extends readonly Dim[]> = A extends readonly [
  ...infer RA extends Dim[],
  infer DA extends Dim,
]
  ? B extends readonly [...infer RB extends Dim[], infer DB extends Dim]
    ? [...BroadcastReversed<RA, RB>, BroadcastDim<DA, DB>]
    : Mutable<A>
  : Mutable<B>;

type HasNever<S extends readonly unknown[]> = S extends readonly [infer H, ...infer R]
  ? [H] extends [never]
    ? true
    : HasNever<R>
  : false;

/** The shape two shapes broadcast to; never where both are literal and cannot. */
export type Broadcast<A extends Shape, B extends Shape> =
  KnownRank<A> extends true
    ? KnownRank<B> extends true
      ? HasNever<BroadcastReversed<NonNullable<A>, NonNullable<B>>> extends true
        ? never
        : BroadcastReversed<NonNullable<A>, NonNullable<B>>
      : Shape
    : Shape;

/** `B`, or a type that nothing has where the shapes of A and B cannot broadcast. */
export type Broadcastable<A, B> = [Broadcast<ShapeOf<A>, ShapeOf<B>>] extends [never]
  ? { readonly 'these shapes do not broadcast': [ShapeOf<A>, ShapeOf<B>] }
  : B;

type Swap<T extends boolean | undefined, X, Y> = T extends true ? [Y, X] : [X, Y];
type DimsMeet<A, B> = number extends A
  ? true
  : number extends B
    ? true
    : A extends null
      ? true
      : B extends null
        ? true
        : [A] extends [B]
          ? true
          : false;

/** The shape of a matrix product; never where literal inner dimensions differ. Ranks other than 2 give an unknown shape. */
export type MatMulShape<
  A extends Shape,
  B extends Shape,
  TA extends boolean | undefined = false,
  TB extends boolean | undefined = false,
> = A extends readonly [infer A0 extends Dim, infer A1 extends Dim]
  ? B extends readonly [infer B0 extends Dim, infer B1 extends Dim]
    ? DimsMeet<Swap<TA, A0, A1>[1], Swap<TB, B0, B1>[0]> extends true
      ? [Swap<TA, A0, A1>[0], Swap<TB, B0, B1>[1]]
      : never
    : Shape
  : Shape;

/** `B`, or a type that nothing has where the inner dimensions of a matrix product differ. */
export type MatMulOperand<A, B, TA extends boolean | undefined = false, TB extends boolean | undefined = false> = [
  MatMulShape<ShapeOf<A>, ShapeOf<B>, TA, TB>,
] extends [never]
  ? { readonly 'inner dimensions differ': [ShapeOf<A>, ShapeOf<B>] }
  : B;

/** The shape of a reduction over all axes ([]) or over some (unknown). */
export type ReducedShape<Axis, KeepDims> = [Axis] extends [undefined] ? (KeepDims extends true ? Shape : []) : Shape;
