/** What the families of elementwise mathematics share: the types of binary functions, and literals in the dtype of an operand. */
import { dtypeInfo, type DType } from '../graph/dtype.js';
import { toElement } from '../graph/elements.js';
import { ShapeError } from '../graph/errors.js';
import { describeTensor } from '../graph/node.js';
import { mergeShapes, type Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { one } from './call.js';
import { bin, literal, select, type Expr } from './expr.js';
import type { OpView } from './opdef.js';
import type { Broadcast, CommonDType, DTypeOf, OpOptions, Operand, ShapeOf } from './types.js';

/** Every number dtype, as a signature lists them. */
export const numberDTypes =
  '{bfloat16, half, float, double, uint8, uint16, uint32, uint64, int8, int16, int32, int64, complex64, complex128}';
/** The differentiable number dtypes, as a signature lists them. */
export const floatDTypes = '{bfloat16, half, float, double, complex64, complex128}';
/** The floating dtypes, as a signature lists them. */
export const realFloatDTypes = '{bfloat16, half, float, double}';

/** What a unary function gives: the dtype and shape of its operand. */
export type Like<X> = Tensor<DTypeOf<X>, ShapeOf<X>>;

/** What a binary function gives: the common dtype and the broadcast shape. */
export type Joined<A, B> = Tensor<CommonDType<A, B>, Broadcast<ShapeOf<A>, ShapeOf<B>>>;

/** What a comparison gives. */
export type Compared<A, B> = Tensor<'bool', Broadcast<ShapeOf<A>, ShapeOf<B>>>;

/** The dtype of a quotient: integers divide as floating numbers wide enough for them. */
export type Quotient<D extends DType> = D extends 'uint8' | 'int8' | 'uint16' | 'int16'
  ? 'float32'
  : D extends 'uint32' | 'int32' | 'uint64' | 'int64'
    ? 'float64'
    : D;

/** The dtype of the parts of a complex one; any other is its own. */
export type RealOf<D extends DType> = D extends 'complex64' ? 'float32' : D extends 'complex128' ? 'float64' : D;

/** A node of op `type` on one operand, whose dtype and shape its output has. */
export function unary<X extends Operand>(type: string, x: X, options?: OpOptions): Like<X> {
  return one(type, [x], {}, options) as Like<X>;
}

/** A node of op `type` on two operands, in their common dtype and broadcast shape. */
export function binary<A extends Operand, B extends Operand>(
  type: string,
  x: A,
  y: B,
  options?: OpOptions,
): Joined<A, B> {
  return one(type, [x, y], {}, options) as Joined<A, B>;
}

/** A node of op `type` that compares two operands. */
export function comparison<A extends Operand, B extends Operand>(
  type: string,
  x: A,
  y: B,
  options?: OpOptions,
): Compared<A, B> {
  return one(type, [x, y], {}, options) as Compared<A, B>;
}

/** `options` with `name` for the node where the user gave none. */
export function named(name: string, options?: OpOptions): { readonly name: string } {
  return { name: options?.name ?? name };
}

/** `value` in the dtype of `x`. */
export function sameType(value: number, x: Expr): Expr {
  return literal(toElement(value, x.dtype), x.dtype);
}

/** `value`, and 0 where `dy` is 0 whatever the value: no gradient means none, at a pole too. */
export function unlessZero(dy: Expr, value: Expr): Expr {
  return select(bin('eq', dy, sameType(0, dy)), sameType(0, dy), value);
}

export function isComplexExpr(x: Expr): boolean {
  return dtypeInfo(x.dtype).kind === 'complex';
}

/** The one shape that all inputs have. @throws ShapeError naming the operands where they differ. */
export function commonShape(op: OpView): readonly Shape[] {
  let shape: Shape = null;
  for (const input of op.inputs) {
    const merged = mergeShapes(shape, input.shape);
    if (merged === undefined) {
      throw new ShapeError(
        `${op.type} '${op.name}': all inputs must have one shape: ${op.inputs.map(describeTensor).join(', ')}.`,
        op.details(),
      );
    }
    shape = merged;
  }
  return [shape];
}
