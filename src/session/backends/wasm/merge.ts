/** Which axes of a kernel can be walked as one. */
import { stridesOf } from '../../../graph/shape.js';
import type { Expr, Variable } from '../../../ops/expr.js';
import type { Affine } from './affine.js';
import { partsOf, type Node, type Value } from './program.js';
import type { Resolver } from './resolve.js';

interface Member {
  readonly value: Value;
  readonly root: Expr;
  readonly own: Node<'load'>;
}

/** Groups of adjacent axes longer than 1, outermost first: those of a group lie behind each other in all that is loaded and stored. */
export function mergedAxes(
  members: readonly Member[],
  variables: readonly Variable[],
  resolver: Resolver,
): readonly (readonly number[])[] {
  const walk = new Walk(resolver);
  for (const { root, own, value } of members) {
    walk.visit(root);
    walk.positions.push(resolver.indices.position(own.index, stridesOf(value.shape!)));
  }
  const groups: number[][] = [];
  variables.forEach((variable, axis) => {
    if (variable.extent === 1) return;
    const last = groups.at(-1);
    const before = last && variables[last.at(-1)!]!;
    if (before && walk.isContiguous(before, variable)) last.push(axis);
    else groups.push([axis]);
  });
  return groups;
}

class Walk {
  readonly positions: Affine[] = [];
  /** Variables whose own value somebody needs. */
  readonly #needed = new Set<Variable>();
  readonly #resolver: Resolver;
  readonly #seen = new Set<Expr>();

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  visit(root: Expr): void {
    const stack: Expr[] = [root];
    for (let expr = stack.pop(); expr; expr = stack.pop()) {
      if (this.#seen.has(expr)) continue;
      this.#seen.add(expr);
      if (expr.kind === 'variable') this.#needed.add(expr);
      if (expr.kind !== 'load') {
        stack.push(...partsOf(expr));
        continue;
      }
      const resolved = this.#resolver.resolve(expr);
      if (resolved.kind !== 'load') {
        stack.push(resolved);
        continue;
      }
      const { position } = this.#resolver.place(resolved);
      this.positions.push(position);
      // Of what is no multiple of variables, the parts are needed.
      for (const { of } of position.terms) if (of.kind !== 'variable') stack.push(of);
    }
  }

  isContiguous(outer: Variable, inner: Variable): boolean {
    if (this.#needed.has(outer) || this.#needed.has(inner)) return false;
    return this.positions.every(({ terms }) => factor(terms, outer) === factor(terms, inner) * inner.extent);
  }
}

function factor(terms: Affine['terms'], variable: Variable): number {
  return terms.find(({ of }) => of === variable)?.factor ?? 0;
}
