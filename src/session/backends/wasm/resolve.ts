/** What loads are once it is decided which values are stored: literals, places in memory, or what is computed in their place. */
import type { NDArray } from '../../../graph/ndarray.js';
import { stridesOf } from '../../../graph/shape.js';
import { literal, type Expr, type Variable } from '../../../ops/expr.js';
import { Indices, type Affine } from './affine.js';
import type { Fused } from './fuse.js';
import { holderOf, partsOf, type Node, type Value } from './program.js';

/** A load from memory: of a stored value or a constant. */
export interface Place {
  readonly of: Value | NDArray;
  /** In elements. */
  readonly position: Affine;
}

export class Resolver {
  readonly indices = new Indices();
  readonly #fused: Fused;
  readonly #resolved = new Map<Node<'load'>, Expr>();
  readonly #expanded = new Map<number, Expr>();
  readonly #places = new Map<Node<'load'>, Place>();

  constructor(fused: Fused) {
    this.#fused = fused;
  }

  /** The load of a value's element at the index it is computed for: the key under which kernels know it. */
  own(value: Value, index: readonly Expr[]): Node<'load'> {
    return {
      kind: 'load',
      dtype: value.dtype,
      source: { kind: 'input', position: value.id },
      shape: value.shape!,
      index,
    };
  }

  /** A literal, what an inlined value is at that index, or a load of the value that holds the storage. */
  resolve(load: Node<'load'>): Expr {
    let expr = this.#resolved.get(load);
    if (!expr) this.#resolved.set(load, (expr = this.#resolve(load)));
    return expr;
  }

  /** The value that is computed in the place of a load, if one is. */
  inlinedAt({ source }: Node<'load'>): Value | null {
    if (source.kind !== 'input') return null;
    const holder = holderOf(this.#fused.values[source.position]!);
    return this.#fused.inlined.has(holder) ? holder : null;
  }

  /** Where a resolved load is in memory. */
  place(load: Node<'load'>): Place {
    let place = this.#places.get(load);
    if (!place) {
      const { source, shape, index } = load;
      const of = source.kind === 'data' ? source.array : this.#fused.values[source.position]!;
      place = { of, position: this.indices.position(index, stridesOf(shape)) };
      this.#places.set(load, place);
    }
    return place;
  }

  #resolve(load: Node<'load'>): Expr {
    const { source, shape, index, dtype } = load;
    const value = source.kind === 'input' ? this.#fused.values[source.position]! : null;
    const holder = value && holderOf(value);
    const array = source.kind === 'data' ? source.array : holder!.data;
    if (array) {
      if (array.size === 1) return literal(array.element(0), dtype);
      if (source.kind === 'data') return load;
      return { kind: 'load', dtype, source: { kind: 'data', array }, shape, index };
    }
    const same = value === holder || shape.join() === holder!.shape!.join();
    const canonical =
      same && value === holder ? load : { ...load, source: { kind: 'input', position: holder!.id } as const };
    if (!same || !this.#fused.inlined.has(holder!)) return canonical;
    const id = this.indices.table.id(canonical);
    let expr = this.#expanded.get(id);
    if (!expr) {
      expr = holder!.definition!.at(index);
      // What only moves elements is a load of another value.
      if (expr.kind === 'load') expr = this.resolve(expr);
      this.#expanded.set(id, expr);
    }
    return expr;
  }
}

/** Whether expressions hang on a loop variable, also through what is computed in the place of loads. */
export class Dependence {
  readonly #resolver: Resolver;
  readonly #variable: Variable;
  readonly #known = new Map<Expr, boolean>();

  constructor(resolver: Resolver, variable: Variable) {
    this.#resolver = resolver;
    this.#variable = variable;
  }

  of = (expr: Expr): boolean => {
    if (expr === this.#variable) return true;
    const known = this.#known.get(expr);
    if (known !== undefined) return known;
    let depends: boolean;
    if (expr.kind === 'load') {
      const resolved = this.#resolver.resolve(expr);
      depends = resolved === expr || resolved.kind === 'load' ? expr.index.some(this.of) : this.of(resolved);
    } else depends = partsOf(expr).some(this.of);
    this.#known.set(expr, depends);
    return depends;
  };
}
