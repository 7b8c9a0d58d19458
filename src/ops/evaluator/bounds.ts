/** The check that an index is in range, and what its error says. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import type { Expr } from '../expr.js';
import { isNumeric, r, v, type Instruction } from './instructions.js';

/** Throws unless 0 <= x < size. `place` are the registers with the position that the index was loaded from. */
export function boundCheck(
  what: string,
  size: number,
  dtype: DType,
  x: number,
  place: readonly { readonly dtype: DType; readonly slot: number }[],
): Instruction {
  const read = (dtype: DType, slot: number) => (isNumeric(dtype) ? r[slot]! : (v[slot] as bigint));
  const fail = (): never => {
    const at = place.map(({ dtype, slot }) => read(dtype, slot));
    const element = at.length > 0 ? `${what}[${at.join(',')}]` : what;
    throw new InvalidArgumentError(`${element} = ${read(dtype, x)} is not in [0, ${size})`);
  };
  if (isNumeric(dtype)) {
    return () => {
      if (!(r[x]! >= 0 && r[x]! < size)) fail();
    };
  }
  return () => {
    const value = v[x] as bigint;
    if (!(value >= 0n && value < size)) fail();
  };
}

/** The load that an index comes from, if it comes from one. */
export function loadIn(expr: Expr): Extract<Expr, { readonly kind: 'load' }> | null {
  switch (expr.kind) {
    case 'load':
      return expr;
    case 'cast':
    case 'unary':
      return loadIn(expr.x);
    case 'bound':
      return loadIn(expr.index);
    case 'binary':
      return loadIn(expr.a) ?? loadIn(expr.b);
    case 'select':
      return loadIn(expr.yes) ?? loadIn(expr.no);
    default:
      return null;
  }
}
