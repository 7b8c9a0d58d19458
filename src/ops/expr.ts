/**
 * The expression IR: what one element of a tensor is, as a function of its index. Lowering builds these; a backend runs
 * them. Fusion is composition of `at` functions.
 */
import type { DType } from '../graph/dtype.js';
import type { Element } from '../graph/elements.js';
import type { NDArray } from '../graph/ndarray.js';

export type UnaryOp =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'sqrt'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'tanh'
  | 'erf'
  | 'erfc'
  | 'floor'
  | 'ceil'
  | 'rint'
  | 'not'
  | 'isnan'
  | 'conj'
  | 'real'
  | 'imag'
  /** The zero beside a variant: a list of zeros. */
  | 'zeros';

export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'max'
  | 'min'
  | 'floordiv'
  | 'floormod'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge'
  | 'eq'
  | 'ne'
  | 'and'
  | 'or';

/** How a reduction combines its terms. */
export type ReduceOp = 'add' | 'mul' | 'max' | 'min' | 'and' | 'or';

/** A loop index, counting from 0 below `extent`. */
export interface Variable {
  readonly kind: 'variable';
  readonly dtype: 'int32';
  readonly extent: number;
}

/** Where elements are loaded from: an input of the operation, a temporary of its lowering, or data known beforehand. */
export type Source =
  | { readonly kind: 'input'; readonly position: number }
  | { readonly kind: 'temp'; readonly position: number }
  | { readonly kind: 'data'; readonly array: NDArray };

/** A scalar expression. Every node states the dtype it is computed in and rounded to. */
export type Expr =
  | { readonly kind: 'literal'; readonly dtype: DType; readonly value: Element }
  | Variable
  | {
      readonly kind: 'load';
      readonly dtype: DType;
      readonly source: Source;
      readonly shape: readonly number[];
      readonly index: readonly Expr[];
    }
  | { readonly kind: 'unary'; readonly op: UnaryOp; readonly dtype: DType; readonly x: Expr }
  | { readonly kind: 'binary'; readonly op: BinaryOp; readonly dtype: DType; readonly a: Expr; readonly b: Expr }
  /** Only the chosen branch is evaluated: the other may load out of range. */
  | { readonly kind: 'select'; readonly dtype: DType; readonly test: Expr; readonly yes: Expr; readonly no: Expr }
  | { readonly kind: 'cast'; readonly dtype: DType; readonly x: Expr }
  | {
      readonly kind: 'reduce';
      readonly op: ReduceOp;
      readonly dtype: DType;
      readonly over: readonly Variable[];
      readonly body: Expr;
    }
  /** `index`, or an InvalidArgumentError at run time unless 0 <= index < size. */
  | {
      readonly kind: 'bound';
      readonly dtype: DType;
      readonly index: Expr;
      readonly size: number;
      readonly what: string;
    };

/** A tensor as a function from an index to an expression. */
export interface Lazy {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly at: (index: readonly Expr[]) => Expr;
  /** The buffer that holds exactly these elements in exactly this row-major order, where there is one. */
  readonly alias: Source | null;
}

export function lazy(dtype: DType, shape: readonly number[], at: Lazy['at']): Lazy {
  return { dtype, shape, at, alias: null };
}

/** The tensor held by `source`. */
export function loaded(source: Source, dtype: DType, shape: readonly number[]): Lazy {
  return { dtype, shape, alias: source, at: (index) => ({ kind: 'load', dtype, source, shape, index }) };
}

/** A tensor whose elements are known. */
export function known(array: NDArray): Lazy {
  return loaded({ kind: 'data', array }, array.dtype, array.shape);
}

export function literal(value: Element, dtype: DType): Expr {
  return { kind: 'literal', dtype, value };
}

/** An index literal. */
export function int(value: number): Expr {
  return literal(value, 'int32');
}

export function variable(extent: number): Variable {
  return { kind: 'variable', dtype: 'int32', extent };
}

const predicates: ReadonlySet<string> = new Set(['not', 'isnan', 'lt', 'le', 'gt', 'ge', 'eq', 'ne', 'and', 'or']);

export function un(op: UnaryOp, x: Expr): Expr {
  if (op === 'real' || op === 'imag') {
    return {
      kind: 'unary',
      op,
      dtype: x.dtype === 'complex128' ? 'float64' : x.dtype === 'complex64' ? 'float32' : x.dtype,
      x,
    };
  }
  if (op === 'abs' && x.dtype.startsWith('complex')) {
    return { kind: 'unary', op, dtype: x.dtype === 'complex128' ? 'float64' : 'float32', x };
  }
  return { kind: 'unary', op, dtype: predicates.has(op) ? 'bool' : x.dtype, x };
}

/** Index arithmetic folds as it is built; everything else stays as written. */
export function bin(op: BinaryOp, a: Expr, b: Expr): Expr {
  if (a.dtype === 'int32' && b.dtype === 'int32') {
    const folded = foldIndex(op, a, b);
    if (folded) return folded;
  }
  return { kind: 'binary', op, dtype: predicates.has(op) ? 'bool' : a.dtype, a, b };
}

/** The value of a literal. One of NaN stands for a dimension that is not known yet: it must not fold into a number. */
function indexLiteral(x: Expr): number | null {
  return x.kind === 'literal' && !Number.isNaN(x.value) ? (x.value as number) : null;
}

function foldIndex(op: BinaryOp, a: Expr, b: Expr): Expr | null {
  const x = indexLiteral(a);
  const y = indexLiteral(b);
  if (op === 'add') {
    if (x === 0) return b;
    if (y === 0) return a;
    if (x !== null && y !== null) return int((x + y) | 0);
  } else if (op === 'sub') {
    if (y === 0) return a;
    if (x !== null && y !== null) return int((x - y) | 0);
  } else if (op === 'mul') {
    if (x === 1 || y === 0) return b;
    if (y === 1 || x === 0) return a;
    if (x !== null && y !== null) return int(Math.imul(x, y));
  }
  return null;
}

export function select(test: Expr, yes: Expr, no: Expr): Expr {
  return { kind: 'select', dtype: yes.dtype, test, yes, no };
}

export function cast(x: Expr, dtype: DType): Expr {
  return x.dtype === dtype ? x : { kind: 'cast', dtype, x };
}

/** The reduction of `body(variables)` over all indices below `extents`. */
export function reduce(op: ReduceOp, extents: readonly number[], body: (index: readonly Variable[]) => Expr): Expr {
  const over = extents.map(variable);
  const term = body(over);
  return over.length === 0 ? term : { kind: 'reduce', op, dtype: term.dtype, over, body: term };
}

export function bound(index: Expr, size: number, what: string): Expr {
  return { kind: 'bound', dtype: index.dtype, index, size, what };
}
