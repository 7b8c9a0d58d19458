/** Which expressions compiled code can compute. */
import { dtypeInfo } from '../../../graph/dtype.js';
import type { BinaryOp, Expr } from '../../../ops/expr.js';
import { isCompiled, visitExprs } from './program.js';

/** Expression nodes of one element at most: larger ones run on the host. */
const largest = 2000;

/** Whether compiled code can compute `element`. */
export function isCompilable(element: Expr): boolean {
  let count = 0;
  let fits = true;
  visitExprs(element, (expr) => {
    count++;
    fits &&= isCompiled(expr.dtype) && (expr.kind !== 'literal' || isNumber(expr.value)) && isSupported(expr);
  });
  return fits && count <= largest;
}

/** Operators of integers whose loops are not worth compiling. */
const onlyOnHost: ReadonlySet<BinaryOp> = new Set(['pow']);

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
}

function isSupported(expr: Expr): boolean {
  switch (expr.kind) {
    case 'binary':
      return dtypeInfo(expr.a.dtype).kind !== 'int' || !onlyOnHost.has(expr.op);
    case 'load':
      return expr.source.kind !== 'data' || isCompiled(expr.source.array.dtype);
    default:
      return true;
  }
}
