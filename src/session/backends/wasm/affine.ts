/** Index arithmetic in normal form: a constant plus multiples of loop variables, as far as an expression is that. */
import { bin, int, type BinaryOp, type Expr, type Source, type Variable } from '../../../ops/expr.js';
import type { Node } from './program.js';

/** `terms` are variables, or index expressions that are no sum of multiples themselves. */
export interface Affine {
  readonly constant: number;
  readonly terms: readonly Term[];
}

export interface Term {
  readonly of: Expr;
  readonly factor: number;
}

/** Numbers expressions so that those of the same form have the same number. */
export class ExprTable {
  readonly #ids = new Map<Expr, number>();
  readonly #byForm = new Map<string, number>();
  readonly #objects = new Map<object, number>();
  readonly #bound = new Map<string, number>();
  readonly #placeOf: ((position: number) => number) | null;
  #objectCount = 0;
  #depth = 0;

  /**
   * @param placeOf what stands for an input, where forms are told apart regardless of which variables reductions run over; not for
   *   code, in which those are different locals
   */
  constructor(placeOf: ((position: number) => number) | null = null) {
    this.#placeOf = placeOf;
  }

  /** The number of the form of `expr`. Not for expressions nested deeper than the stack allows. */
  id(expr: Expr): number {
    const known = this.#ids.get(expr);
    if (known !== undefined) return known;
    const form = this.#form(expr);
    let id = this.#byForm.get(form);
    if (id === undefined) this.#byForm.set(form, (id = this.#byForm.size));
    this.#ids.set(expr, id);
    return id;
  }

  #object(value: object): number {
    let id = this.#objects.get(value);
    if (id === undefined) this.#objects.set(value, (id = this.#objectCount++));
    return id;
  }

  #input({ kind, position }: Exclude<Source, { readonly kind: 'data' }>): string {
    return `${kind}${this.#placeOf ? this.#placeOf(position) : position}`;
  }

  #reduction({ op, over, body }: Node<'reduce'>): string {
    if (this.#placeOf) {
      over.forEach((variable, i) => {
        const name = `${this.#depth}.${i}.${variable.extent}`;
        const id = this.#bound.get(name) ?? this.#objectCount++;
        this.#bound.set(name, id);
        this.#objects.set(variable, id);
      });
    }
    this.#depth++;
    const term = this.id(body);
    this.#depth--;
    return `r${op}:${over.map((v) => this.#object(v)).join()}:${term}`;
  }

  #form(expr: Expr): string {
    switch (expr.kind) {
      case 'literal': {
        const { value } = expr;
        const text =
          typeof value === 'object' && value !== null
            ? JSON.stringify(value)
            : `${Object.is(value, -0) ? '-0' : String(value)}`;
        return `l${expr.dtype}:${text}`;
      }
      case 'variable':
        return `v${this.#object(expr)}`;
      case 'load': {
        const { source } = expr;
        const from = source.kind === 'data' ? `d${this.#object(source.array)}` : this.#input(source);
        return `[${from}:${expr.shape.join('x')}:${expr.index.map((i) => this.id(i)).join()}`;
      }
      case 'unary':
        return `u${expr.op}:${expr.x.dtype}:${this.id(expr.x)}`;
      case 'binary':
        return `b${expr.op}:${expr.a.dtype}:${this.id(expr.a)},${this.id(expr.b)}`;
      case 'select':
        return `s${this.id(expr.test)},${this.id(expr.yes)},${this.id(expr.no)}`;
      case 'cast':
        return `c${expr.dtype}:${this.id(expr.x)}`;
      case 'reduce':
        return this.#reduction(expr);
      case 'bound':
        return `n${expr.size}:${expr.what}:${this.id(expr.index)}`;
    }
  }
}

/** Normal forms of index expressions, remembered. */
export class Indices {
  readonly table = new ExprTable();
  readonly #known = new Map<Expr, Affine>();

  of(expr: Expr): Affine {
    let form = this.#known.get(expr);
    if (!form) this.#known.set(expr, (form = this.#compute(expr)));
    return form;
  }

  /** The row-major position of an index, in elements. */
  position(index: readonly Expr[], strides: readonly number[]): Affine {
    return this.#joined(this.#sum(index.map((i, axis) => [this.of(i), strides[axis]!] as const)));
  }

  /** Inclusive bounds of what the form can be; infinite where a term is not bounded. */
  range({ constant, terms }: Affine): readonly [number, number] {
    let [low, high] = [constant, constant];
    for (const { of, factor } of terms) {
      const [a, b] = rangeOf(of);
      low += factor > 0 ? factor * a : factor * b;
      high += factor > 0 ? factor * b : factor * a;
    }
    return [low, high];
  }

  #compute(expr: Expr): Affine {
    if (expr.kind === 'literal' && typeof expr.value === 'number') return { constant: expr.value, terms: [] };
    if (expr.kind === 'cast' && (expr.dtype === 'int32' || expr.dtype === 'int64') && expr.x.dtype === 'int32')
      return this.of(expr.x);
    if (expr.kind !== 'binary' || expr.dtype !== 'int32') return opaque(expr);
    const { op, a, b } = expr;
    if (op === 'add')
      return this.#sum([
        [this.of(a), 1],
        [this.of(b), 1],
      ]);
    if (op === 'sub')
      return this.#sum([
        [this.of(a), 1],
        [this.of(b), -1],
      ]);
    const by = this.of(b);
    if (op === 'mul') {
      if (by.terms.length === 0) return this.#sum([[this.of(a), by.constant]]);
      const from = this.of(a);
      return from.terms.length === 0 ? this.#sum([[by, from.constant]]) : opaque(expr);
    }
    if ((op === 'floordiv' || op === 'floormod') && by.terms.length === 0 && by.constant > 0)
      return this.#split(this.#joined(this.of(a)), by.constant)?.[op] ?? this.#division(expr, by.constant);
    return opaque(expr);
  }

  /** A quotient of a quotient is one by the product. */
  #division(expr: Node<'binary'>, by: number): Affine {
    const { a } = expr;
    const inner = isOp(expr, 'floordiv') && isOp(a, 'floordiv') ? this.of(a.b) : null;
    if (!inner || inner.terms.length > 0 || inner.constant <= 0) return opaque(expr);
    return this.of(bin('floordiv', (a as Node<'binary'>).a, int(by * inner.constant)));
  }

  /** Quotient and remainder, where the form tells them apart. */
  #split({ constant, terms }: Affine, by: number): { floordiv: Affine; floormod: Affine } | null {
    const whole = terms.filter(({ factor }) => factor % by === 0);
    const floormod = { constant: ((constant % by) + by) % by, terms: terms.filter(({ factor }) => factor % by !== 0) };
    const [low, high] = this.range(floormod);
    if (low < 0 || high >= by) return null;
    const quotients = whole.map(({ of, factor }) => ({ of, factor: factor / by }));
    return { floordiv: { constant: Math.floor(constant / by), terms: quotients }, floormod };
  }

  #sum(parts: readonly (readonly [Affine, number])[]): Affine {
    let constant = 0;
    const terms = new Map<number, Term>();
    for (const [form, factor] of parts) {
      constant += form.constant * factor;
      for (const term of form.terms) {
        const id = this.table.id(term.of);
        const sum = (terms.get(id)?.factor ?? 0) + term.factor * factor;
        if (sum === 0) terms.delete(id);
        else terms.set(id, { of: term.of, factor: sum });
      }
    }
    return { constant, terms: [...terms.values()] };
  }

  /** Puts the two parts together that a variable was split into. */
  #joined(form: Affine): Affine {
    for (const { of, factor } of form.terms) {
      if (!isOp(of, 'floormod') || of.b.kind !== 'literal') continue;
      const by = Number(of.b.value);
      const [quotient, ...more] = this.of(bin('floordiv', of.a, of.b)).terms;
      if (!quotient || quotient.factor !== 1 || more.length > 0) continue;
      const other = form.terms.find((term) => this.table.id(term.of) === this.table.id(quotient.of));
      if (other?.factor !== factor * by) continue;
      const rest = form.terms.filter((term) => term.of !== of && term !== other);
      return this.#joined(
        this.#sum([
          [{ constant: form.constant, terms: rest }, 1],
          [this.of(of.a), factor],
        ]),
      );
    }
    return form;
  }
}

function isOp(expr: Expr, op: BinaryOp): expr is Node<'binary'> {
  return expr.kind === 'binary' && expr.op === op;
}

function opaque(expr: Expr): Affine {
  return { constant: 0, terms: [{ of: expr, factor: 1 }] };
}

function rangeOf(expr: Expr): readonly [number, number] {
  if (expr.kind === 'variable') return [0, expr.extent - 1];
  if (expr.kind === 'bound') return [0, expr.size - 1];
  if (expr.kind !== 'binary' || expr.b.kind !== 'literal') return [-Infinity, Infinity];
  const by = Number(expr.b.value);
  if (isOp(expr, 'floormod') && by > 0) return [0, by - 1];
  const [low, high] = rangeOf(expr.a);
  if (isOp(expr, 'floordiv') && by > 0) return [Math.floor(low / by), Math.floor(high / by)];
  return [-Infinity, Infinity];
}

/** Whether the form depends on `variable`, and by what factor; null where it does in another way. */
export function factorOf({ terms }: Affine, variable: Variable, depends: (expr: Expr) => boolean): number | null {
  let factor = 0;
  for (const term of terms) {
    if (term.of === variable) factor = term.factor;
    else if (depends(term.of)) return null;
  }
  return factor;
}
