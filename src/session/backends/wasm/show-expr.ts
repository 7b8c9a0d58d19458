/** Expressions as text. */
import { shapesEqual } from '../../../graph/shape.js';
import type { Expr } from '../../../ops/expr.js';
import { holderOf, type Node, type Value } from './program.js';

/** Parts of an expression that are written, at most. */
const most = 400;

export function typeOf({ dtype, shape }: Pick<Value, 'dtype' | 'shape'>): string {
  return `${dtype}${shape === null ? '' : `[${shape.join(', ')}]`}`;
}

export type NameOf = (value: Value) => string;

/** Names as they are, with a number behind those that other values have had before. */
export function uniqueNames(values: readonly Value[]): NameOf {
  const names = new Map<Value, string>();
  const seen = new Map<string, number>();
  for (const value of values) {
    // A handle is called what the content of its variable is.
    if (value.dtype === 'resource') continue;
    const before = seen.get(value.name) ?? 0;
    seen.set(value.name, before + 1);
    names.set(value, before === 0 ? value.name : `${value.name}.${before}`);
  }
  return (value) => names.get(value) ?? value.name;
}

export function declared(value: Value, nameOf: NameOf): string {
  return `${nameOf(value)} ${typeOf(value)}`;
}

/** Where a value is read, in `shape`: its storage, which may have another one. */
export function read(value: Value, nameOf: NameOf, shape: Value['shape'] = value.shape): string {
  const holder = holderOf(value);
  const text = holder.data ? `{${nameOf(holder)}}` : nameOf(holder);
  return shapesEqual(holder.shape, shape) ? text : `${text} as [${shape!.join(', ')}]`;
}

/**
 * The text of one element at the index `own`, whose axes are i, j …; what reductions count follows them. A load at that very index is
 * a name alone. `inPlace` gives the expression that stands in the place of a load, where there is one.
 */
export class ExprText {
  readonly #values: readonly Value[];
  readonly #nameOf: NameOf;
  readonly #own: readonly Expr[];
  readonly #inPlace: (value: Value, index: readonly Expr[]) => Expr | null;
  readonly #counters = new Map<Expr, string>();
  #left = most;

  constructor(
    values: readonly Value[],
    nameOf: NameOf,
    own: readonly Expr[],
    inPlace: (value: Value, index: readonly Expr[]) => Expr | null = () => null,
  ) {
    this.#values = values;
    this.#nameOf = nameOf;
    this.#own = own;
    this.#inPlace = inPlace;
    for (const variable of own) if (variable.kind === 'variable') this.#counter(variable);
  }

  of(expr: Expr): string {
    if (this.#left-- <= 0) return '…';
    const text = (part: Expr): string => this.of(part);
    switch (expr.kind) {
      case 'literal':
        return String(expr.value);
      case 'variable':
        return this.#counter(expr);
      case 'load':
        return this.#load(expr);
      case 'unary':
        return `${expr.op}(${text(expr.x)})`;
      case 'binary':
        return `${expr.op}(${text(expr.a)}, ${text(expr.b)})`;
      case 'select':
        return `select(${[expr.test, expr.yes, expr.no].map(text).join(', ')})`;
      case 'cast':
        return `${expr.dtype}(${text(expr.x)})`;
      case 'reduce':
        return `${expr.op} over ${expr.over.map((variable) => this.#counter(variable)).join(', ')} of ${text(expr.body)}`;
      case 'bound':
        return `${text(expr.index)} below ${expr.size}`;
    }
  }

  #counter(variable: Expr): string {
    const known = this.#counters.get(variable);
    const name = known ?? 'ijklmnopqrstuvwxyz'[this.#counters.size] ?? `i${this.#counters.size}`;
    if (known === undefined) this.#counters.set(variable, name);
    return name;
  }

  #load({ source, shape, index }: Node<'load'>): string {
    const value = source.kind === 'data' ? null : this.#values[source.position]!;
    const inPlace = value && this.#inPlace(holderOf(value), index);
    if (inPlace) return this.of(inPlace);
    const name = value ? read(value, this.#nameOf, shape) : '{}';
    const isOwn =
      index.length === this.#own.length &&
      index.every((i, axis) => i === this.#own[axis] || isZero(i, this.#own[axis]!));
    return isOwn || index.length === 0 ? name : `${name}[${index.map((i) => this.of(i)).join(', ')}]`;
  }
}

function isZero(a: Expr, b: Expr): boolean {
  return a.kind === 'literal' && b.kind === 'literal' && a.value === b.value;
}
