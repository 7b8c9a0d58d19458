/** Algebra on elements that gives the same bits for every operand, NaN, infinities and zeros of either sign included. */
import { dtypeInfo } from '../../../../graph/dtype.js';
import { literal, type Expr, type UnaryOp } from '../../../../ops/expr.js';
import type { Node, Value } from '../program.js';

/** Done twice, they undo themselves. */
const involutions: ReadonlySet<UnaryOp> = new Set(['neg', 'not']);

/** The element as simply as it can be said; the expression itself where that is as it is. `values`: what inputs are. */
export function simplified(expr: Expr, values: readonly Value[]): Expr {
  switch (expr.kind) {
    case 'unary': {
      const x = simplified(expr.x, values);
      const inner = involutions.has(expr.op) ? computed(x, values) : x;
      if (inner.kind === 'unary' && inner.op === expr.op && involutions.has(expr.op)) return inner.x;
      return x === expr.x ? expr : { ...expr, x };
    }
    case 'cast': {
      const x = simplified(expr.x, values);
      if (x.dtype === expr.dtype) return x;
      return x === expr.x ? expr : { ...expr, x };
    }
    case 'binary': {
      const [a, b] = [simplified(expr.a, values), simplified(expr.b, values)];
      const simpler = neutral({ ...expr, a, b }, values);
      return simpler ?? (a === expr.a && b === expr.b ? expr : { ...expr, a, b });
    }
    case 'select': {
      const [test, yes, no] = [expr.test, expr.yes, expr.no].map((part) => simplified(part, values)) as [
        Expr,
        Expr,
        Expr,
      ];
      const known = constant(test, values);
      if (known !== null) return known === 0 ? no : yes;
      return test === expr.test && yes === expr.yes && no === expr.no ? expr : { ...expr, test, yes, no };
    }
    case 'reduce': {
      const body = simplified(expr.body, values);
      return body === expr.body ? expr : { ...expr, body };
    }
    default:
      return expr;
  }
}

/** What a load gives, where an operation that nothing holds back computes it. */
function computed(expr: Expr, values: readonly Value[]): Expr {
  if (expr.kind !== 'load' || expr.source.kind !== 'input') return expr;
  const { definition, root, op } = values[expr.source.position]!;
  return definition && root?.kind === 'unary' && op.controlInputs.length === 0 ? definition.at(expr.index) : expr;
}

/** x·1, 1·x, x / 1, x - 0; of integers x + 0 as well. Of floats -0 + 0 is 0. */
function neutral({ op, dtype, a, b }: Node<'binary'>, values: readonly Value[]): Expr | null {
  const { kind } = dtypeInfo(dtype);
  if (kind !== 'float' && kind !== 'int') return null;
  const is = (expr: Expr, number: number): boolean => Object.is(constant(expr, values), number);
  if (op === 'mul') return is(b, 1) ? a : is(a, 1) ? b : null;
  if (op === 'div') return is(b, 1) ? a : null;
  if (op === 'sub') return is(b, 0) ? a : null;
  if (op === 'add' && kind === 'int') return is(b, 0) ? a : is(a, 0) ? b : null;
  return null;
}

/** The number that an element is known to be: a literal, or an element of what holds one number only. */
function constant(expr: Expr, values: readonly Value[]): number | null {
  if (expr.kind === 'load') {
    const array = expr.source.kind === 'data' ? expr.source.array : values[expr.source.position]!.data;
    return array?.size === 1 ? constant(literal(array.element(0), expr.dtype), values) : null;
  }
  if (expr.kind !== 'literal') return null;
  const { value } = expr;
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : null;
}
