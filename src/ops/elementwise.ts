/** What shape rules and lowerings of many ops have in common: same shape, broadcasting, and views of an index. */
import { ShapeError } from '../graph/errors.js';
import { describeTensor } from '../graph/node.js';
import { broadcastShapes, formatShape, sizeOf, stridesOf, type Shape } from '../graph/shape.js';
import { bin, int, lazy, type Expr, type Lazy } from './expr.js';
import type { Lowering, OpView, Pointwise } from './opdef.js';

/** Output 0 has the shape of input 0. */
export const unchanged = (op: OpView): readonly Shape[] => [op.inputs[0].shape];

/** Every output is a scalar. */
export const scalar = (op: OpView): readonly Shape[] => op.outputs.map(() => []);

/** Output 0 has the shape that all inputs broadcast to. @throws ShapeError naming the operands that do not fit. */
export function broadcasting(op: OpView): readonly Shape[] {
  let shape: Shape = [];
  for (const input of op.inputs) {
    const next = broadcastShapes(shape, input.shape);
    if (next === undefined) {
      throw new ShapeError(
        `${op.type} '${op.name}': shapes do not broadcast: ${op.inputs.map(describeTensor).join(' and ')}.`,
        op.details(),
      );
    }
    shape = next;
  }
  return [shape];
}

/** `lower`, which makes an element of the only output from the elements of the inputs at the same place, as `element` says. */
export function pointwise(lower: Lowering, element: Pointwise['element'], { broadcasts = true } = {}): Lowering {
  return Object.assign(lower, { pointwise: { element, broadcasts } });
}

/** The input itself. */
export const itself: Lowering = pointwise(
  ({ inputs: [x] }) => [x],
  ([x]) => x!,
);

/** An element of the output from the element of the input at the same index. */
export function map(f: (x: Expr, op: OpView) => Expr): Lowering {
  return pointwise(
    ({ op, inputs: [x] }) => [lazy(op.outputs[0].dtype, x.shape, (index) => f(x.at(index), op))],
    ([x], op) => f(x!, op),
  );
}

/** An element of the output from the elements of all inputs, broadcast against each other. */
export function zip(f: (...operands: [Expr, Expr, Expr, ...Expr[]]) => Expr): Lowering {
  return zipWith(() => f);
}

/** As `zip`, with a function that depends on attributes. */
export function zipWith(f: (op: OpView) => (...operands: [Expr, Expr, Expr, ...Expr[]]) => Expr): Lowering {
  const element: Pointwise['element'] = (operands, op) => f(op)(...(operands as [Expr, Expr, Expr, ...Expr[]]));
  return pointwise(({ op, inputs }) => {
    const operands = inputs.slice(0, op.inputs.length);
    const shape = concreteBroadcast(
      op,
      operands.map((x) => x.shape),
    );
    const spread = operands.map((x) => broadcastTo(x, shape));
    return [
      lazy(op.outputs[0].dtype, shape, (index) =>
        element(
          spread.map((x) => x.at(index)),
          op,
        ),
      ),
    ];
  }, element);
}

/** The broadcast of concrete shapes. @throws ShapeError at run time where they do not fit. */
export function concreteBroadcast(op: OpView, shapes: readonly (readonly number[])[]): readonly number[] {
  return shapes.reduce((a, b) => {
    const shape = broadcastShapes(a, b);
    if (shape === undefined) {
      throw new ShapeError(
        `${op.type} '${op.name}': shapes ${shapes.map(formatShape).join(' and ')} do not broadcast.`,
        op.details(),
      );
    }
    return shape as readonly number[];
  }, []);
}

/** `x` repeated along the axes where `shape` is larger. */
export function broadcastTo(x: Lazy, shape: readonly number[]): Lazy {
  const skip = shape.length - x.shape.length;
  if (skip === 0 && x.shape.every((dim, i) => dim === shape[i])) return x;
  return lazy(x.dtype, shape, (index) => x.at(x.shape.map((dim, i) => (dim === 1 ? int(0) : index[skip + i]!))));
}

/** The same elements in the same row-major order under another shape. */
export function reshaped(x: Lazy, shape: readonly number[]): Lazy {
  return { dtype: x.dtype, shape, alias: x.alias, at: (index) => x.at(unravel(ravel(index, shape), x.shape)) };
}

/** The row-major position of an index. */
export function ravel(index: readonly Expr[], shape: readonly number[]): Expr {
  const strides = stridesOf(shape);
  return index.reduce<Expr>((sum, i, axis) => bin('add', sum, bin('mul', i, int(strides[axis]!))), int(0));
}

/** The index of a row-major position. */
export function unravel(position: Expr, shape: readonly number[]): readonly Expr[] {
  const strides = stridesOf(shape);
  return shape.map((dim, axis) => {
    if (dim === 1) return int(0);
    const quotient = strides[axis] === 1 ? position : bin('floordiv', position, int(strides[axis]!));
    return axis === 0 || strides[axis - 1]! >= sizeOf(shape) ? quotient : bin('floormod', quotient, int(dim));
  });
}
