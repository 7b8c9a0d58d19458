/** Whether the elements along a loop variable can be computed several at a time. */
import { dtypeInfo, type DType } from '../../../graph/dtype.js';
import type { Expr, Variable } from '../../../ops/expr.js';
import { factorOf } from './affine.js';
import type { VectorMode } from './elements.js';
import { partsOf, type Node } from './program.js';
import { Dependence, type Resolver } from './resolve.js';
import { vectorFunctions } from './scalar-ops.js';
import { hasVectorBinary, hasVectorCast, hasVectorUnary, type Lanes } from './vector-ops.js';

/** How the elements along a variable are computed. */
export interface Vectors {
  readonly variable: Variable;
  readonly lanes: Lanes;
  /** Vectors that go through the same instructions side by side. */
  readonly sideBySide: number;
  /** Expression nodes that are computed for each of them. */
  readonly nodes: number;
  readonly mode: VectorMode;
}

/** Vectors side by side, and expression nodes that are written out for all of them, at most. */
const most = 4;
/** Nodes from which on a chain may be longer than what processors look ahead. */
const long = 24;
/** Sums side by side: rows of what is summed are read in whole cache lines. */
const mostSums = 8;
const mostNodes = 400;

/**
 * How many elements at a time, or null where that cannot be.
 * @param isOwn whether a load is of what the same loop has computed at the same index
 */
export function lanesFor(
  roots: readonly Expr[],
  variable: Variable,
  resolver: Resolver,
  isOwn: (load: Node<'load'>) => boolean,
): Vectors | null {
  const depends = new Dependence(resolver, variable);
  const check = new Check(resolver, variable, depends, isOwn);
  if (!roots.every((root) => check.fits(root))) return null;
  const lanes = check.wide ? 2 : 4;
  if (variable.extent < lanes) return null;
  const atOnce = check.functions > 0 || check.nodes >= long ? most : check.reduces ? mostSums : 1;
  const pays = check.nodes * atOnce <= 4 * mostNodes && variable.extent >= atOnce * lanes;
  const mode: VectorMode = { variable, lanes, depends: depends.of };
  return { variable, lanes, sideBySide: pays ? atOnce : 1, nodes: check.nodes, mode };
}

class Check {
  /** Whether elements of 64 bits take part. */
  wide = false;
  /** Elementary functions, and all nodes that change along the variable. */
  functions = 0;
  nodes = 0;
  reduces = false;
  readonly #resolver: Resolver;
  readonly #variable: Variable;
  readonly #depends: Dependence;
  readonly #isOwn: (load: Node<'load'>) => boolean;
  readonly #seen = new Map<Expr, boolean>();

  constructor(resolver: Resolver, variable: Variable, depends: Dependence, isOwn: (load: Node<'load'>) => boolean) {
    this.#resolver = resolver;
    this.#variable = variable;
    this.#depends = depends;
    this.#isOwn = isOwn;
  }

  fits(expr: Expr): boolean {
    this.#widen(expr.dtype);
    if (!this.#depends.of(expr)) return true;
    let fits = this.#seen.get(expr);
    if (fits === undefined) this.#seen.set(expr, (fits = this.#check(expr)));
    return fits;
  }

  #widen(dtype: DType): void {
    if (dtypeInfo(dtype).bytes === 8) this.wide = true;
  }

  #check(expr: Expr): boolean {
    this.nodes++;
    if (expr.kind === 'reduce') this.reduces = true;
    if (expr.kind === 'unary' && vectorFunctions.has(expr.op)) this.functions++;
    switch (expr.kind) {
      case 'literal':
        return true;
      case 'variable':
        return expr === this.#variable;
      case 'load':
        return this.#load(expr);
      case 'unary':
        return hasVectorUnary(expr.op, expr.x.dtype) && this.fits(expr.x);
      case 'cast':
        return hasVectorCast(expr.x.dtype, expr.dtype) && this.fits(expr.x);
      case 'binary':
        return hasVectorBinary(expr.op, expr.a.dtype) && this.fits(expr.a) && this.fits(expr.b);
      case 'select':
        // A test that is the same for all elements is a branch.
        return (
          [expr.test, expr.yes, expr.no].every((part) => this.fits(part)) &&
          (!this.#depends.of(expr.test) || isTotal(expr, this.#resolver))
        );
      case 'reduce':
        return hasVectorBinary(expr.op, expr.dtype) && this.fits(expr.body);
      case 'bound':
        return false;
    }
  }

  #load(load: Node<'load'>): boolean {
    if (this.#isOwn(load)) return true;
    const resolved = this.#resolver.resolve(load);
    if (resolved.kind !== 'load') return this.fits(resolved);
    if (resolved !== load && this.#isOwn(resolved)) return true;
    const factor = factorOf(this.#resolver.place(resolved).position, this.#variable, this.#depends.of);
    return factor === 0 || factor === 1;
  }
}

/** Whether both branches of a select may be computed whatever the test says: nothing in them can fail or load out of range. */
export function isTotal({ yes, no }: Node<'select'>, resolver: Resolver): boolean {
  const seen = new Set<Expr>();
  const stack: Expr[] = [yes, no];
  for (let expr = stack.pop(); expr; expr = stack.pop()) {
    if (seen.has(expr)) continue;
    seen.add(expr);
    if (expr.kind === 'bound') return false;
    if (
      expr.kind === 'binary' &&
      dtypeInfo(expr.dtype).kind === 'int' &&
      ['div', 'floordiv', 'floormod'].includes(expr.op)
    ) {
      const divisor = expr.b;
      if (divisor.kind !== 'literal' || Number(divisor.value) === 0) return false;
    }
    if (expr.kind === 'load') {
      const resolved = resolver.resolve(expr);
      if (resolved.kind === 'load' && !isInRange(resolved, resolver)) return false;
      if (resolved !== expr && resolved.kind !== 'load') {
        stack.push(resolved);
        continue;
      }
    }
    stack.push(...partsOf(expr));
  }
  return true;
}

function isInRange({ shape, index }: Node<'load'>, { indices }: Resolver): boolean {
  return index.every((i, axis) => {
    const [low, high] = indices.range(indices.of(i));
    return low >= 0 && high < shape[axis]!;
  });
}
