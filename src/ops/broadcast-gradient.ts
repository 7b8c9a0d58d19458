/** How the gradient of a broadcasting op is summed back to the shapes of its operands. */
import { isFullyDefined, shapesEqual, type Shape } from '../graph/shape.js';
import { controlDependencies, nameScope } from '../graph/scopes.js';
import { Tensor } from '../graph/tensor.js';
import { many, one } from './call.js';
import type { Gradient } from './opdef.js';
import { constantBeside, shapeOf, times } from './rules.js';

/** Where one operand was repeated: its shape, the axes to sum over, and whether there is anything to do. */
interface Reduction {
  readonly shape: Tensor;
  readonly axes: Tensor | readonly number[];
  readonly needed: boolean;
}

/**
 * The gradients `gx` and `gy`, which have the shape of the broadcast of `x` and `y`, summed to the shapes of `x` and `y`.
 * Nothing is emitted for two nulls.
 */
export function reduceToOperands(
  x: Tensor,
  y: Tensor,
  gx: Gradient | null,
  gy: Gradient | null,
): [Gradient | null, Gradient | null] {
  if (gx === null && gy === null) return [null, null];
  const [ofX, ofY] = reductions(x, y);
  return [reduceTo(x, ofX, gx), reduceTo(y, ofY, gy)];
}

/** Whether nothing was broadcast, beyond doubt: all three shapes are fully known and the same. */
export function sameKnownShape(x: Tensor, y: Tensor, dy: Gradient): boolean {
  return (
    dy instanceof Tensor && isFullyDefined(x.shape) && shapesEqual(x.shape, y.shape) && shapesEqual(x.shape, dy.shape)
  );
}

function reductions(x: Tensor, y: Tensor): [Reduction, Reduction] {
  const shapes = [shapeOf(x), shapeOf(y)] as const;
  const axes = broadcastAxes(x.shape, y.shape);
  if (axes === null) {
    const [r0, r1] = many('BroadcastGradientArgs', shapes);
    return [
      { shape: shapes[0], axes: r0!, needed: true },
      { shape: shapes[1], axes: r1!, needed: true },
    ];
  }
  const [ranks0, ranks1] = [x.shape!.length, y.shape!.length];
  return [
    { shape: shapes[0], axes: axes[0], needed: axes[0].length > 0 || ranks0 < ranks1 },
    { shape: shapes[1], axes: axes[1], needed: axes[1].length > 0 || ranks1 < ranks0 },
  ];
}

/** The axes along which each operand is certainly repeated, or null where that is known only at run time. */
function broadcastAxes(x: Shape, y: Shape): [number[], number[]] | null {
  if (x === null || y === null) return null;
  const rank = Math.max(x.length, y.length);
  const axes: [number[], number[]] = [[], []];
  for (let axis = 0; axis < rank; axis++) {
    const a = axis < rank - x.length ? 1 : x[axis - rank + x.length]!;
    const b = axis < rank - y.length ? 1 : y[axis - rank + y.length]!;
    if (a === 1 && b !== 1) axes[0].push(axis);
    else if (b === 1 && a !== 1) axes[1].push(axis);
    else if (a === null || b === null) return null;
  }
  return axes;
}

function reduceTo(x: Tensor, { shape, axes, needed }: Reduction, gradient: Gradient | null): Gradient | null {
  if (gradient === null || !needed) return gradient;
  const terms = prepared(gradient, x);
  // TensorFlow first takes an empty list for floats: its graphs have that constant, read by nothing.
  if (Array.isArray(axes) && axes.length === 0) constantBeside(terms, [], 'float32', 'Sum/reduction_indices');
  // Kept dimensions spare the gradient of this Sum the recovery of the axes.
  const sum = terms.graph.receiver.asDefault(() => one('Sum', [terms, axes], { keep_dims: true }));
  return noted(one('Reshape', [sum, shape]));
}

/** What is done to the gradient of an operand before elements of it are added up. */
type Prepare = (gradient: Tensor, operand: Tensor) => Tensor;

interface Preparation {
  readonly prepare: Prepare;
  /** The sums that came of it. */
  readonly sums: Set<Tensor>;
}

/** That of the rule under way, set by the walk that calls it: rules know nothing of it. */
let preparation: Preparation | null = null;

/**
 * What `rule` gives where gradients pass `prepare` before elements of theirs are added up over repeated operands; beside
 * it, the gradients that are such sums.
 */
export function preparingSums<T>(
  prepare: Prepare,
  rule: () => T,
): { readonly result: T; readonly sums: ReadonlySet<Tensor> } {
  const outer = preparation;
  const sums = new Set<Tensor>();
  preparation = { prepare, sums };
  try {
    return { result: rule(), sums };
  } finally {
    preparation = outer;
  }
}

function prepared(gradient: Gradient, operand: Tensor): Gradient {
  const current = preparation;
  if (!current || !(gradient instanceof Tensor)) return gradient;
  // What prepares may call other rules.
  preparation = null;
  try {
    return current.prepare(gradient, operand);
  } finally {
    preparation = current;
  }
}

function noted(sum: Tensor): Tensor {
  preparation?.sums.add(sum);
  return sum;
}

/** Whether elements of `x` may be repeated where it is broadcast with `y`. */
export function mayRepeat(x: Tensor, y: Tensor): boolean {
  const axes = broadcastAxes(x.shape, y.shape);
  return axes === null || axes[0].length > 0 || x.shape!.length < y.shape!.length;
}

/** For each element of `x`, whether `condition` holds at any of the places of `z` where it is repeated to. */
export function anyRepetition(condition: Tensor, x: Tensor, z: Tensor): Tensor {
  const spread =
    isFullyDefined(z.shape) && shapesEqual(condition.shape, z.shape)
      ? condition
      : one('BroadcastTo', [condition, shapeOf(z)]);
  const [{ shape, axes, needed }] = reductions(x, z);
  if (!needed) return spread;
  const any = spread.graph.receiver.asDefault(() => one('Any', [spread, axes], { keep_dims: true }));
  return one('Reshape', [any, shape]);
}

/**
 * The gradients of `xlogy` and its kin from their partial derivatives, which may depend on the shapes of the operands:
 * multiplied by `dy` and always summed, by axes that are worked out at run time.
 */
export function reduceProducts(
  x: Tensor,
  y: Tensor,
  dy: Gradient,
  partials: (shapes: readonly [Tensor, Tensor]) => readonly [Tensor, Tensor],
): Tensor[] {
  const shapes = [shapeOf(x), shapeOf(y)] as const;
  const axes = many('BroadcastGradientArgs', shapes);
  return controlDependencies([dy], () =>
    partials(shapes).map((partial, i) => {
      const terms = prepared(times(partial, dy), [x, y][i]!);
      return noted(one('Reshape', [one('Sum', [terms, axes[i]!]), shapes[i]!]));
    }),
  );
}

/** 1 where `x` is not 0, else 0. */
export function indicator(x: Tensor): Tensor {
  const cast = (value: Tensor, name?: string) => {
    return value.dtype === x.dtype
      ? value
      : one('Cast', [value], { DstT: x.dtype }, name === undefined ? {} : { name });
  };
  // The scope is taken also where nothing is cast in it.
  const zero = nameScope('Cast', (scope) => cast(constantBeside(x, 0, 'float32', 'x'), scope), x.graph.receiver);
  return cast(one('NotEqual', [x, zero]));
}
