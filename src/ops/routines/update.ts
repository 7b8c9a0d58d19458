/** What the training ops have in common: variables get new values, element by element, from their old ones and a gradient. */
import type { DType } from '../../graph/dtype.js';
import { dtypeInfo, isComplex } from '../../graph/dtype.js';
import { DTypeError, type InvalidArgumentError } from '../../graph/errors.js';
import { NDArray } from '../../graph/ndarray.js';
import { formatShape, mergeShapes, shapesEqual, sizeOf, type Shape } from '../../graph/shape.js';
import { checkedType, keyOf, valueOf } from '../definitions/variable-ops.js';
import { evaluated } from '../evaluate.js';
import { bin, int, known, lazy, type Expr } from '../expr.js';
import { numbers } from '../indexing.js';
import { defineOp, type Assignment, type LowerView, type OpView, type RoutineContext } from '../opdef.js';
import { argumentError, requireRank, shapeError } from '../shape-rules.js';
import { parseSignature } from '../signature.js';

/** Elements of the arguments by their names, and of the scalars that earlier formulas gave. */
type Terms<K extends string> = Readonly<Record<K, Expr>>;

/**
 * New values by name, in this order: each formula sees what those before it gave. The name of a variable argument stands
 * for its element; any other name is a scalar for the formulas that follow.
 */
export type Formulas<K extends string> = { readonly [name in K]?: (x: Terms<K>) => Expr };

interface Update<K extends string> {
  readonly name: string;
  /** The gradient is called `grad` or `delta`; with `indices`, it holds only these rows. Other tensors are scalars. */
  readonly signature: string;
  readonly formulas: (op: OpView) => Formulas<K>;
}

interface Argument {
  readonly name: string;
  readonly position: number;
}

/** The arguments of an update by what they are for. */
interface Roles {
  readonly variables: readonly Argument[];
  readonly scalars: readonly Argument[];
  readonly gradient: Argument;
  readonly indices: Argument | null;
}

/** Declares a training op. Everything is computed before anything is stored. */
export function defineUpdate<K extends string>({ name, signature, formulas }: Update<K>): void {
  const roles = rolesOf(name, signature);
  defineOp({
    name,
    signature,
    infer: (op) => check(op, roles),
    lower: {
      routine: 'update variables',
      ...(roles.indices === null && { assigns: (view) => assignments(view, roles, formulas(view.op)) }),
      run: (context) => {
        new Updater(context, roles).run(formulas(context.op));
        return [];
      },
    },
    grad: 'none',
    batch: 'loop',
    effect: 'write',
    samples: [],
  });
}

function rolesOf(op: string, signature: string): Roles {
  const args = parseSignature(op, signature).inputs.map(({ name, type }, position) => ({ name, position, type }));
  const gradient = args.find(({ name }) => name === 'grad' || name === 'delta')!;
  const indices = args.find(({ name }) => name === 'indices') ?? null;
  const variables = args.filter(({ type }) => 'fixed' in type && type.fixed === 'resource');
  const scalars = args.filter((arg) => arg !== gradient && arg !== indices && !variables.includes(arg));
  return { variables, scalars, gradient, indices };
}

/** Static shapes: all variables have the gradient's, but for the rows of a sparse one; the rest are scalars. */
function check(op: OpView, { variables, scalars, gradient, indices }: Roles): readonly Shape[] {
  const dtype = op.typeAttr('T');
  if (!['float', 'complex'].includes(dtypeInfo(dtype).kind))
    throw new DTypeError(`${op.type} '${op.name}': variables of dtype ${dtype} cannot be trained.`, op.details());
  let shape: Shape = null;
  for (const { name, position } of variables) {
    const merged = mergeShapes(shape, checkedType(op, dtype, position)?.shape ?? null);
    if (merged === undefined) throw shapeError(op, `'${name}' must have the shape of 'var'`, op.inputs.slice(0, 1));
    shape = merged;
  }
  for (const { name, position } of scalars) requireRank(op, op.inputs[position]!, 0, `'${name}'`);
  const delta = op.inputs[gradient.position]!;
  if (!indices) return fit(op, delta.shape, shape, gradient);
  const rows = op.inputs[indices.position]!;
  requireRank(op, rows, 1, "'indices'");
  if (shape?.length === 0) throw shapeError(op, 'a scalar variable has no rows to update', []);
  return fit(op, delta.shape, shape && [rows.shape?.[0] ?? null, ...shape.slice(1)], gradient);
}

function fit(op: OpView, actual: Shape, expected: Shape, { name, position }: Argument): readonly Shape[] {
  if (mergeShapes(actual, expected) !== undefined) return [];
  throw shapeError(op, `'${name}' must have the shape ${formatShape(expected)}`, [op.inputs[position]!]);
}

/** The new contents as expressions: of a dense update, by its formulas. */
function assignments<K extends string>(view: LowerView, roles: Roles, formulas: Formulas<K>): readonly Assignment[] {
  const { variables, scalars, gradient } = roles;
  const { inputs } = view;
  const { dtype, shape } = inputs[variables[0]!.position]!;
  const tensors = new Map([...variables, ...scalars, gradient].map(({ name, position }) => [name, inputs[position]!]));
  const result: Assignment[] = [];
  for (const [name, formula] of entries(formulas)) {
    const variable = variables.find((each) => each.name === name);
    // As things stand now: later formulas see what earlier ones gave.
    const given = [...tensors];
    const terms = (index: readonly Expr[]) =>
      Object.fromEntries(given.map(([key, x]) => [key, x.at(x.shape.length === 0 ? [] : index)])) as Terms<K>;
    const content = view.temp(lazy(dtype, variable ? shape : [], (index) => formula(terms(index))));
    tensors.set(name, content);
    if (variable) result.push({ input: variable.position, content });
  }
  return result;
}

/** One run of a training op. */
class Updater {
  readonly #context: RoutineContext;
  readonly #roles: Roles;
  readonly #dtype: DType;
  readonly #shape: readonly number[];
  /** Current values of all arguments and scalars, by name. */
  readonly #values = new Map<string, NDArray>();
  readonly #scalars = new Set<string>();
  readonly #changed = new Map<string, Argument>();

  /** @throws FailedPreconditionError for a variable without a value; InvalidArgumentError for shapes that do not fit */
  constructor(context: RoutineContext, roles: Roles) {
    this.#context = context;
    this.#roles = roles;
    this.#dtype = context.op.typeAttr('T');
    for (const { name, position } of roles.variables) this.#values.set(name, valueOf(context, position));
    this.#shape = this.#values.get(roles.variables[0]!.name)!.shape;
    for (const { name, position } of roles.scalars) {
      this.#scalars.add(name);
      this.#values.set(name, context.inputs[position]!);
    }
    this.#values.set(roles.gradient.name, context.inputs[roles.gradient.position]!);
    this.#checkValues();
  }

  run<K extends string>(formulas: Formulas<K>): void {
    if (this.#roles.indices) this.#sparse(formulas, this.#context.inputs[this.#roles.indices.position]!);
    else this.#dense(formulas);
    for (const [name, { position }] of this.#changed) {
      this.#context.resources.variables.set(keyOf(this.#context, position), this.#values.get(name)!);
    }
  }

  #dense<K extends string>(formulas: Formulas<K>): void {
    for (const [name, formula] of entries(formulas)) {
      const variable = this.#variable(name);
      if (!variable) this.#scalar(name, formula);
      else {
        const at = (array: NDArray, index: readonly Expr[]): Expr => known(array).at(index);
        this.#values.set(name, this.#elements(formula, this.#shape, at, at));
        this.#changed.set(name, variable);
      }
    }
  }

  /** Rows in their order: those that occur again are updated again. */
  #sparse<K extends string>(formulas: Formulas<K>, indices: NDArray): void {
    const rows = this.#checkedRows(indices);
    const places = NDArray.from(Int32Array.from(rows));
    const rest = this.#shape.slice(1);
    for (const [name] of entries(formulas)) {
      const variable = this.#variable(name);
      if (!variable) continue;
      this.#values.set(name, this.#values.get(name)!.copy());
      this.#changed.set(name, variable);
    }
    for (const [from, to] of distinctRuns(rows)) {
      for (const [name, formula] of entries(formulas)) {
        if (!this.#changed.has(name)) this.#scalar(name, formula);
        else {
          const position = ([i, ...others]: readonly Expr[]) => [bin('add', i!, int(from)), ...others];
          const row = (index: readonly Expr[]) => [known(places).at([position(index)[0]!]), ...index.slice(1)];
          const computed = this.#elements(
            formula,
            [to - from, ...rest],
            (array, index) => known(array).at(row(index)),
            (array, index) => known(array).at(position(index)),
          );
          putRows(this.#values.get(name)!, computed, rows.slice(from, to), sizeOf(rest));
        }
      }
    }
  }

  #scalar<K extends string>(name: string, formula: (x: Terms<K>) => Expr): void {
    const terms = Object.fromEntries([...this.#scalars].map((key) => [key, known(this.#values.get(key)!).at([])]));
    this.#values.set(name, evaluated(lazy(this.#dtype, [], () => formula(terms as Terms<K>))));
    this.#scalars.add(name);
  }

  #elements<K extends string>(
    formula: (x: Terms<K>) => Expr,
    shape: readonly number[],
    ofVariable: (array: NDArray, index: readonly Expr[]) => Expr,
    ofGradient: (array: NDArray, index: readonly Expr[]) => Expr,
  ): NDArray {
    const at = (index: readonly Expr[]): Expr => {
      const terms = [...this.#values].map(([name, array]) => {
        if (this.#scalars.has(name)) return [name, known(array).at([])];
        return [name, (name === this.#roles.gradient.name ? ofGradient : ofVariable)(array, index)];
      });
      return formula(Object.fromEntries(terms) as Terms<K>);
    };
    return evaluated(lazy(this.#dtype, shape, at));
  }

  #variable(name: string): Argument | undefined {
    return this.#roles.variables.find((variable) => variable.name === name);
  }

  #checkValues(): void {
    const { variables, scalars, gradient, indices } = this.#roles;
    const shapeOf = ({ name }: Argument) => this.#values.get(name)!.shape;
    for (const variable of variables) {
      const { dtype } = this.#values.get(variable.name)!;
      if (dtype !== this.#dtype)
        throw this.#invalid(`variable ${keyOf(this.#context, variable.position)} holds ${dtype}, not ${this.#dtype}`);
      if (!shapesEqual(shapeOf(variable), this.#shape)) throw this.#different(variable, this.#shape);
    }
    for (const scalar of scalars) {
      if (shapeOf(scalar).length > 0)
        throw this.#invalid(`'${scalar.name}' is not a scalar: ${formatShape(shapeOf(scalar))}`);
    }
    if (indices && this.#shape.length === 0) throw this.#invalid('a scalar variable has no rows to update');
    const expected = indices ? [this.#context.inputs[indices.position]!.size, ...this.#shape.slice(1)] : this.#shape;
    if (!shapesEqual(shapeOf(gradient), expected)) throw this.#different(gradient, expected);
  }

  #checkedRows(indices: NDArray): readonly number[] {
    if (indices.shape.length !== 1) throw this.#invalid(`'indices' is no vector: ${formatShape(indices.shape)}`);
    const rows = numbers(indices);
    const bad = rows.findIndex((row) => row < 0 || row >= this.#shape[0]!);
    if (bad >= 0) throw this.#invalid(`indices[${bad}] = ${rows[bad]} is not in [0, ${this.#shape[0]})`);
    return rows;
  }

  #different({ name }: Argument, expected: readonly number[]): InvalidArgumentError {
    const shape = formatShape(this.#values.get(name)!.shape);
    return this.#invalid(`'${name}' has the shape ${shape}; ${formatShape(expected)} is needed`);
  }

  #invalid(what: string): InvalidArgumentError {
    return argumentError(this.#context.op, what);
  }
}

function entries<K extends string>(formulas: Formulas<K>): readonly [string, (x: Terms<K>) => Expr][] {
  return Object.entries(formulas) as [string, (x: Terms<K>) => Expr][];
}

/** The ranges [from, to) that `rows` falls into such that no row occurs twice in one. */
function distinctRuns(rows: readonly number[]): readonly (readonly [from: number, to: number])[] {
  const runs: [number, number][] = [];
  const seen = new Set<number>();
  let from = 0;
  rows.forEach((row, i) => {
    if (seen.has(row)) {
      runs.push([from, i]);
      seen.clear();
      from = i;
    }
    seen.add(row);
  });
  if (from < rows.length) runs.push([from, rows.length]);
  return runs;
}

/** Replaces row `places[i]` of `target`, in place, by row `i` of `rows`. */
function putRows(target: NDArray, rows: NDArray, places: readonly number[], width: number): void {
  const length = width * (isComplex(target.dtype) ? 2 : 1);
  const [to, from] = [target.data as Float32Array, rows.data as Float32Array];
  places.forEach((place, i) => to.set(from.subarray(i * length, (i + 1) * length), place * length));
}
