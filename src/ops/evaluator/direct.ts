/** Tight loops for the commonest programs: one arithmetic operation on whole arrays or scalars of a float dtype. */
import type { DType } from '../../graph/dtype.js';
import type { BinaryOp, Expr, Source } from '../expr.js';
import { literalValue } from '../scalar.js';
import type { Box, Instruction } from './instructions.js';

type Loop<A> = (n: number, out: A, x: A, dx: number, y: A, dy: number) => void;
type Loops<A> = { readonly [K in BinaryOp]?: Loop<A> };

/* A loop of its own for each dtype keeps array accesses monomorphic. Storing into a Float32Array rounds as fround does. */

const float32: Loops<Float32Array> = {
  add(n, out, x, dx, y, dy) {
    for (let i = 0; i < n; i++) out[i] = x[i * dx]! + y[i * dy]!;
  },
  sub(n, out, x, dx, y, dy) {
    for (let i = 0; i < n; i++) out[i] = x[i * dx]! - y[i * dy]!;
  },
  mul(n, out, x, dx, y, dy) {
    for (let i = 0; i < n; i++) out[i] = x[i * dx]! * y[i * dy]!;
  },
  div(n, out, x, dx, y, dy) {
    for (let i = 0; i < n; i++) out[i] = x[i * dx]! / y[i * dy]!;
  },
};

const float64: Loops<Float64Array> = {
  add(n, out, x, dx, y, dy) {
    for (let i = 0; i < n; i++) out[i] = x[i * dx]! + y[i * dy]!;
  },
  sub(n, out, x, dx, y, dy) {
    for (let i = 0; i < n; i++) out[i] = x[i * dx]! - y[i * dy]!;
  },
  mul(n, out, x, dx, y, dy) {
    for (let i = 0; i < n; i++) out[i] = x[i * dx]! * y[i * dy]!;
  },
  div(n, out, x, dx, y, dy) {
    for (let i = 0; i < n; i++) out[i] = x[i * dx]! / y[i * dy]!;
  },
};

type Load = Extract<Expr, { readonly kind: 'load' }>;

/** The loop that writes `size` elements of `expr`, where there is one for it. */
export function direct(
  expr: Expr,
  size: number,
  out: Box,
  boxOf: (source: Source) => Box,
  isLinear: (load: Load) => boolean,
): Instruction | null {
  if (expr.kind !== 'binary' || (expr.dtype !== 'float32' && expr.dtype !== 'float64')) return null;
  const run = (expr.dtype === 'float32' ? float32[expr.op] : float64[expr.op]) as Loop<unknown> | undefined;
  const x = run && operand(expr.a, expr.dtype, boxOf, isLinear);
  const y = x && operand(expr.b, expr.dtype, boxOf, isLinear);
  return y ? () => run(size, out.data, x.box.data, x.step, y.box.data, y.step) : null;
}

interface Operand {
  readonly box: Box;
  /** 1 to walk through an array, 0 to stay at its first element. */
  readonly step: 0 | 1;
}

function operand(
  expr: Expr,
  dtype: DType,
  boxOf: (source: Source) => Box,
  isLinear: (load: Load) => boolean,
): Operand | null {
  if (expr.kind === 'literal') {
    const value = literalValue(expr.value, dtype) as number;
    return { box: { data: dtype === 'float32' ? Float32Array.of(value) : Float64Array.of(value) }, step: 0 };
  }
  if (expr.kind !== 'load' || expr.dtype !== dtype) return null;
  if (isLinear(expr)) return { box: boxOf(expr.source), step: 1 };
  return expr.index.every((i) => i.kind === 'literal' && i.value === 0) ? { box: boxOf(expr.source), step: 0 } : null;
}
