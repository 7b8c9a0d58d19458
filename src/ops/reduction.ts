/** What all reductions share: shape inference, lowering, and the call that turns an axis option into a tensor. */
import type { NDArray } from '../graph/ndarray.js';
import type { Shape } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { allAxes, firstIntegers, resolveAxes } from './axes.js';
import { convertToTensor, one } from './call.js';
import { composed, shapeOfOperand } from './compose.js';
import { lazy, reduce, type Expr, type Lazy, type ReduceOp } from './expr.js';
import { numbers } from './indexing.js';
import { constantValue } from './known.js';
import { noFunctions, opDef, type Lowering, type LowerView, type Many, type OpView } from './opdef.js';
import { shapeError, unknownDims } from './shape-rules.js';
import type { Operand, OpOptions, TensorLike } from './types.js';

/** The axes to reduce: one, several or, where null, all. Negative ones count from the last. */
export type Axes = number | readonly number[] | TensorLike<'int32' | 'int64'> | null | undefined;

export interface ReduceOptions<
  A extends Axes = Axes,
  K extends boolean | undefined = boolean | undefined,
> extends OpOptions {
  /** All axes by default. */
  readonly axis?: A;
  /** Whether reduced axes stay, with length 1. */
  readonly keepDims?: K;
}

/** The shape of input 0 without the axes in input 1, or with 1 there. */
export function reducing(op: OpView): readonly Shape[] {
  const [{ shape }, axes] = op.inputs;
  if (axes.shape !== null && axes.shape.length > 1) throw shapeError(op, 'axes must be a scalar or a vector', [axes]);
  const keep = op.boolAttr('keep_dims');
  const known = constantValue(axes) ?? computed(axes);
  if (shape === null) return [null];
  if (known === null) return [keep ? unknownDims(shape.length) : null];
  const resolved = resolveAxes(op, numbers(known), shape.length);
  if (keep) return [shape.map((dim, i) => (resolved.includes(i) ? 1 : dim))];
  return [shape.filter((_, i) => !resolved.includes(i))];
}

/**
 * Axes that a routine makes of constants, such as those along which constant shapes broadcast. As in TensorFlow, shapes
 * learn from them, and gradient rules do not.
 */
function computed({ op, index }: Tensor): NDArray | null {
  const inputs = op.inputs.map(constantValue);
  if (inputs.length === 0 || !inputs.every((input) => input !== null)) return null;
  try {
    const { effect, lower } = opDef(op.type);
    if (effect !== 'pure' || typeof lower === 'function') return null;
    const resources = { variables: new Map(), counters: new Map() };
    return lower.run({
      op: op as OpView,
      inputs: inputs as unknown as Many<NDArray>,
      wanted: [],
      resources,
      functions: noFunctions,
    })[index]!;
  } catch {
    // An op from elsewhere, or a mistake that waits for a run.
    return null;
  }
}

/** The reduction of input 0 over the axes in input 1; `finish` sees each result and how many terms it has. */
export function reduceBy(
  how: ReduceOp,
  finish: (total: Expr, count: number) => Expr = (total) => total,
  term: (x: Expr) => Expr = (x) => x,
): Lowering {
  return ({ op, inputs: [x], value }) => {
    const axes = resolveAxes(op, numbers(value(1)), x.shape.length);
    const extents = axes.map((axis) => x.shape[axis]!);
    const count = extents.reduce((a, b) => a * b, 1);
    const keep = op.boolAttr('keep_dims');
    const shape = x.shape.flatMap((dim, i) => (axes.includes(i) ? (keep ? [1] : []) : [dim]));
    const at = (index: readonly Expr[]): Expr => {
      const total = reduce(how, extents, (over) => {
        let next = 0;
        const source = x.shape.map((_, i) => (axes.includes(i) ? over[axes.indexOf(i)]! : index[keep ? i : next++]!));
        return term(x.at(source));
      });
      return finish(total, count);
    };
    return [lazy(op.outputs[0].dtype, shape, at)];
  };
}

/** The reduction of `x` over its last axis, in a buffer of its own; read it with `ofRow`. */
export function rowReduction(view: LowerView, how: ReduceOp, x: Lazy): Lazy {
  const at = (row: readonly Expr[]): Expr => reduce(how, [x.shape.at(-1)!], ([j]) => x.at([...row, j!]));
  return view.temp(lazy(x.dtype, x.shape.slice(0, -1), at));
}

/** The element of a `rowReduction` that belongs to an index of the whole. */
export function ofRow(row: Lazy, index: readonly Expr[]): Expr {
  return row.at(index.slice(0, -1));
}

/** A node of a reduction op, with the constant of all axes before it where none are given. */
export function reductionNode(type: string, x: Operand, options: ReduceOptions = {}): Tensor {
  const { axis = null, keepDims = false } = options;
  const attrs = { keep_dims: keepDims };
  if (axis !== null) return one(type, [x, axis], attrs, options);
  return composed([x], () => {
    const rank = shapeOfOperand(x)?.length ?? 0;
    const input = rank > 0 || x instanceof Tensor ? x : convertToTensor(x);
    const axes = rank > 0 ? convertToTensor(firstIntegers(rank), 'int32') : allAxes(input as Tensor);
    const y = one(type, [input, axes], attrs, options);
    if (!keepDims) y.graph.refineShape(y, []);
    return y;
  });
}
