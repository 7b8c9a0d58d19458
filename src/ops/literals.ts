/** The static types of data: what dtype and shape TypeScript can tell from a literal. */
import type { DType } from '../graph/dtype.js';
import type { Complex } from '../graph/elements.js';
import type { NDArray, NestedData, ScalarData } from '../graph/ndarray.js';
import type { Dim, Shape } from '../graph/shape.js';

/** The same tuple without `readonly`; null stays null. */
export type Mutable<S> = S extends readonly unknown[] ? { -readonly [K in keyof S]: S[K] } : S;

/** A shape as a tensor's type carries it. */
export type AsShape<S> = Mutable<S> extends infer T extends Shape ? T : Shape;

interface TypedArrayDTypes {
  readonly Float32Array: 'float32';
  readonly Float64Array: 'float64';
  readonly Int8Array: 'int8';
  readonly Int16Array: 'int16';
  readonly Int32Array: 'int32';
  readonly Uint8Array: 'uint8';
  readonly Uint16Array: 'uint16';
  readonly Uint32Array: 'uint32';
  readonly BigInt64Array: 'int64';
  readonly BigUint64Array: 'uint64';
}

type IsAnyData<X> = [NestedData] extends [X] ? true : [ScalarData] extends [X] ? true : false;

/** The dtype that data is given without being asked. */
export type DTypeOfData<X> =
  IsAnyData<X> extends true
    ? DType
    : X extends NDArray<infer D>
      ? D
      : X extends number
        ? 'float32'
        : X extends boolean
          ? 'bool'
          : X extends string
            ? 'string'
            : X extends bigint
              ? 'int64'
              : X extends { readonly [Symbol.toStringTag]: infer Tag extends keyof TypedArrayDTypes }
                ? TypedArrayDTypes[Tag]
                : X extends readonly []
                  ? 'float32'
                  : X extends readonly (infer E)[]
                    ? DTypeOfData<E>
                    : X extends Complex
                      ? 'complex64'
                      : DType;

/** The shape of data: literal where its arrays are, `number` for lengths that TypeScript does not know. */
export type ShapeOfData<X> =
  IsAnyData<X> extends true
    ? Shape
    : X extends ScalarData
      ? []
      : X extends NDArray
        ? number[]
        : X extends { readonly [Symbol.toStringTag]: string; readonly byteLength: number }
          ? [number]
          : X extends readonly []
            ? [0]
            : X extends readonly [infer First, ...(readonly unknown[])]
              ? Prepend<X['length'], ShapeOfData<First>>
              : X extends readonly (infer E)[]
                ? Prepend<number, ShapeOfData<E>>
                : Shape;

type Prepend<N extends Dim, S> = S extends readonly Dim[] ? [N, ...S] : Shape;
