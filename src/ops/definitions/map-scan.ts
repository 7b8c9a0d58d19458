/** Functions over the rows of tensors: mapped, folded and scanned, by loops over lists. */
import type { DType } from '../../graph/dtype.js';
import { DTypeError, InvalidArgumentError, ShapeError } from '../../graph/errors.js';
import { describeTensor } from '../../graph/node.js';
import { checkBoolean, checkOptionNames } from '../../graph/options.js';
import { nameScope } from '../../graph/scopes.js';
import { formatShape, mergeShapes, type Dim, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { convertToTensor, one } from '../call.js';
import { composed, ofUser } from '../compose.js';
import { assembled, partsLike, partsOfResult, type Outside, type Parts } from '../functional/results.js';
import { flatten } from '../nest.js';
import { elementOf } from '../slicing.js';
import type { Operand, OpOptions } from '../types.js';
import { shapeOperand } from './tensor-list.js';
import { whileLoop } from './while-loop.js';

export interface MapOptions extends OpOptions {
  /** Whether the loop can be differentiated; true by default. */
  readonly backProp?: boolean;
  /** How many iterations a TensorFlow runtime may overlap; 10 by default. Here they run one after another. */
  readonly parallelIterations?: number;
}

export interface FoldOptions<A> extends MapOptions {
  /** What the accumulation starts with; by default the first row (of `foldr` and a reversed scan the last), which is then not called for. */
  readonly initializer?: A;
}

export interface ScanOptions<A> extends FoldOptions<A> {
  /** Whether to go from the last row to the first; the results stand in the order of the rows all the same. */
  readonly reverse?: boolean;
}

/** One row of every tensor of a nest. */
export type Row<X> = X extends { readonly dtype: infer D extends DType; readonly shape: infer S extends Shape }
  ? Tensor<D, Tail<S>>
  : X extends readonly unknown[]
    ? { -readonly [K in keyof X]: Row<X[K]> }
    : X extends object
      ? { -readonly [K in keyof X]: Row<X[K]> }
      : Tensor;

type Tail<S extends Shape> = S extends readonly [Dim, ...infer R extends Dim[]] ? R : Shape;

/** A row of results for every row of the operands. */
export type Stacked<X> = X extends { readonly dtype: infer D extends DType; readonly shape: infer S extends Shape }
  ? Tensor<D, S extends readonly Dim[] ? (number extends S['length'] ? Shape : [Dim, ...S]) : Shape>
  : X extends number
    ? Tensor<'float32', [Dim]>
    : X extends readonly unknown[]
      ? { -readonly [K in keyof X]: Stacked<X[K]> }
      : X extends object
        ? { -readonly [K in keyof X]: Stacked<X[K]> }
        : Tensor;

/**
 * Calls `fn` on every row of `elems` and stacks what it returns (TensorFlow `tf.map_fn`). It is called once, to build the body
 * of a loop. Where the rows do not depend on each other, `vectorizedMap` is faster.
 *
 * @param elems a tensor of shape `[n, …]`, or a nest of tensors with the same n
 * @returns in the nest of what `fn` returns, tensors of shape `[n, …]`
 * @throws InvalidArgumentError for scalars among `elems` or a bad option; ShapeError where they differ in their number of rows
 * @example
 * mapFn((x) => x.multiply(x), constant([1, 2, 3])); // [1, 4, 9]
 */
export function mapFn<const E, R>(fn: (row: Row<E>) => R, elems: E, options: MapOptions = {}): Stacked<R> {
  return mapFnTo(fn, elems, options, shapeOfLike);
}

const shapeOfLike = (like: Tensor): Operand => shapeOperand(like.shape);

/**
 * As `mapFn`, where the shape of result number `k` of a row is known otherwise than by building it: where there are no rows
 * at run time, nothing else says it.
 */
export function mapFnTo<const E, R>(
  fn: (row: Row<E>) => R,
  elems: E,
  options: MapOptions,
  elementShape: (like: Tensor, k: number) => Operand,
): Stacked<R> {
  checkMapOptions('mapFn', options);
  return overRows('mapFn', options.name ?? 'map', fn as Fn, elems, (rows, build) => {
    const once = rows.tracedOnce((i) => build(rows.row(i)));
    const row = someTensors('mapFn', 'what the function returns', once);
    const lists = row.tensors.map((tensor) => rows.reserve(tensor));
    const [, ...filled] = rows.loop(options, lists, (i, state) => {
      const { tensors } = partsOfResult('mapFn', build(rows.row(i)));
      return tensors.map((tensor, k) => rows.put(state[k]!, i, tensor));
    });
    return assembled(
      row,
      filled.map((list, k) => rows.stack(list, row.tensors[k]!, elementShape(row.tensors[k]!, k))),
    );
  }) as Stacked<R>;
}

/**
 * Combines the rows of `elems` from the first to the last: `fn(fn(fn(first, second), third), …)` (TensorFlow `tf.foldl`).
 *
 * @param fn takes what there is so far and a row, and gives what there is then, in the same structure, dtypes and shapes
 * @param elems a tensor of shape `[n, …]`, or a nest of tensors with the same n
 * @throws as `whileLoop` and `mapFn`
 * @example
 * foldl((a, x) => a.multiply(x), constant([2, 3, 4])); // 24
 */
export function foldl<const E, A = Row<E>>(
  fn: (accumulated: Outside<A>, row: Row<E>) => unknown,
  elems: E,
  options: FoldOptions<A> = {},
): Outside<A> {
  return fold('foldl', false, fn as Fn, elems, options) as Outside<A>;
}

/**
 * Combines the rows of `elems` from the last to the first (TensorFlow `tf.foldr`); otherwise as `foldl`.
 * @example
 * foldr((a, x) => x.subtract(a), constant([1, 2, 4])); // 3
 */
export function foldr<const E, A = Row<E>>(
  fn: (accumulated: Outside<A>, row: Row<E>) => unknown,
  elems: E,
  options: FoldOptions<A> = {},
): Outside<A> {
  return fold('foldr', true, fn as Fn, elems, options) as Outside<A>;
}

type Fn = (...args: readonly unknown[]) => unknown;

function fold(name: string, reverse: boolean, fn: Fn, elems: unknown, options: FoldOptions<unknown>): unknown {
  checkMapOptions(name, options, ['initializer']);
  return overRows(name, options.name ?? name, fn, elems, (rows, build) => {
    const { start, skip } = rows.initial(name, options.initializer, reverse);
    const [, ...state] = rows.loop(
      options,
      start.tensors,
      (i, vars) => next(name, start, build(assembled(start, vars), rows.row(i))),
      skip,
      reverse,
    );
    return assembled(start, state);
  });
}

/**
 * What `foldl` has after every row, stacked (TensorFlow `tf.scan`).
 *
 * @returns in the nest of the accumulation, tensors of shape `[n, …]`
 * @throws as `foldl`
 * @example
 * scan((a, x) => a.add(x), constant([1, 2, 3])); // [1, 3, 6]
 */
export function scan<const E, A = Row<E>>(
  fn: (accumulated: Outside<A>, row: Row<E>) => unknown,
  elems: E,
  options: ScanOptions<A> = {},
): Stacked<A> {
  checkMapOptions('scan', options, ['initializer', 'reverse']);
  const reverse = checkBoolean('scan', 'reverse', options.reverse ?? false);
  return overRows('scan', options.name ?? 'scan', fn as Fn, elems, (rows, build) => {
    const { start, skip } = rows.initial('scan', options.initializer, reverse);
    const { tensors } = start;
    const first = reverse ? rows.last() : convertToTensor(0, 'int32', 'first');
    const lists = tensors.map((tensor) =>
      skip ? rows.put(rows.reserve(tensor), first, tensor) : rows.reserve(tensor),
    );
    const step = (i: Tensor, vars: readonly Tensor[]): readonly Tensor[] => {
      const result = build(assembled(start, vars.slice(0, tensors.length)), rows.row(i));
      const state = next('scan', start, result);
      return [...state, ...state.map((tensor, k) => rows.put(vars[tensors.length + k]!, i, tensor))];
    };
    const results = rows.loop(options, [...tensors, ...lists], step, skip, reverse).slice(1 + tensors.length);
    return assembled(
      start,
      results.map((list, k) => rows.stack(list, tensors[k]!)),
    );
  }) as Stacked<A>;
}

/** The new accumulation, checked against the old. */
function next(fn: string, start: Parts, result: unknown): readonly Tensor[] {
  const { tensors } = partsLike(fn, 'what the function returns', result, start);
  tensors.forEach((tensor, k) => {
    const before = start.tensors[k]!;
    if (tensor.dtype === before.dtype) return;
    throw new DTypeError(
      `${fn}: the accumulation is ${before.dtype} at first and ${tensor.dtype} after a row: ${describeTensor(tensor)}. Use cast(x, '${before.dtype}').`,
      tensor.op.details(),
    );
  });
  return tensors;
}

/** What takes part in a loop over rows, which must be something. */
function someTensors(fn: string, what: string, parts: Parts): Parts {
  if (parts.tensors.length > 0) return parts;
  throw new InvalidArgumentError(`${fn}: there are no tensors in ${what}.`);
}

function checkMapOptions(fn: string, options: MapOptions, more: readonly string[] = []): void {
  checkOptionNames(fn, options, [...more, 'backProp', 'parallelIterations', 'name']);
  checkBoolean(fn, 'backProp', options.backProp ?? true);
}

type Build = (rows: Rows, fn: Fn) => unknown;

function overRows(name: string, scope: string, fn: Fn, elems: unknown, build: Build): unknown {
  if (typeof fn !== 'function') throw new InvalidArgumentError(`${name}: fn must be a function.`);
  const each = ofUser(`${name}: fn`, fn);
  return composed(flatten(elems) as Operand[], () => nameScope(scope, () => build(new Rows(name, elems), each)), name);
}

/** The rows of a nest of tensors. */
class Rows {
  readonly #fn: string;
  readonly #elems: Parts;
  readonly #lists: readonly Tensor[];
  readonly #count: Tensor;
  readonly #staticCount: Dim;

  constructor(fn: string, elems: unknown) {
    this.#fn = fn;
    this.#elems = someTensors(fn, 'elems', partsOfResult(fn, elems));
    const { tensors } = this.#elems;
    this.#staticCount = rowCount(fn, tensors);
    this.#count =
      this.#staticCount === null
        ? elementOf(one('Shape', [tensors[0]!]), 0)
        : convertToTensor(this.#staticCount, 'int32', 'num_rows');
    this.#lists = tensors.map((tensor) => one('TensorListFromTensor', [tensor, shapeOperand(tail(tensor.shape))]));
  }

  /** Row `i` of every tensor. */
  row(i: Tensor): unknown {
    const { tensors } = this.#elems;
    const rows = this.#lists.map((list, k) => {
      const { dtype, shape } = tensors[k]!;
      return one('TensorListGetItem', [list, i, shapeOperand(tail(shape))], { element_dtype: dtype });
    });
    return assembled(this.#elems, rows);
  }

  /** The position of the last row. */
  last(): Tensor {
    return one('Sub', [this.#count, 1], {}, { name: 'sub' });
  }

  /** A list with room for one tensor like `tensor` for each row. */
  reserve(tensor: Tensor): Tensor {
    return one('TensorListReserve', [shapeOperand(tensor.shape), this.#count], { element_dtype: tensor.dtype });
  }

  put(list: Tensor, i: Tensor, tensor: Tensor): Tensor {
    return one('TensorListSetItem', [list, i, tensor]);
  }

  /** The tensors of a list, each like `like`, as rows of one. */
  stack(list: Tensor, like: Tensor, elementShape: Operand = shapeOperand(like.shape)): Tensor {
    const attrs = { element_dtype: like.dtype, num_elements: this.#staticCount ?? -1 };
    return one('TensorListStack', [list, elementShape], attrs);
  }

  /** What a fold starts with: what the user gives, or the row it begins at, which is then done. */
  initial(fn: string, initializer: unknown, reverse: boolean): { readonly start: Parts; readonly skip: boolean } {
    if (initializer !== undefined && initializer !== null)
      return { start: someTensors(fn, 'the initializer', partsOfResult(fn, initializer)), skip: false };
    if (this.#staticCount === 0)
      throw new InvalidArgumentError(`${fn}: there are no rows to begin with: give an initializer.`);
    const first = reverse ? this.last() : convertToTensor(0, 'int32', 'first');
    return { start: partsOfResult(fn, this.row(first)), skip: true };
  }

  /** Runs `step` for every row; gives the position after the last and the state. */
  loop(
    options: MapOptions,
    state: readonly Tensor[],
    step: (i: Tensor, state: readonly Tensor[]) => readonly Tensor[],
    skip = false,
    reverse = false,
  ): readonly Tensor[] {
    const begin = skip ? 1 : 0;
    const start = reverse
      ? one('Sub', [this.#count, 1 + begin], {}, { name: 'sub' })
      : convertToTensor(begin, 'int32', 'Const');
    const cond = (i: Tensor): Tensor => (reverse ? one('GreaterEqual', [i, 0]) : one('Less', [i, this.#count]));
    const body = (i: Tensor, ...vars: readonly Tensor[]): readonly Tensor[] => [
      one(reverse ? 'Sub' : 'AddV2', [i, 1], {}, { name: reverse ? 'sub' : 'add' }),
      ...step(i, vars),
    ];
    const { backProp = true, parallelIterations = 10 } = options;
    return whileLoop(cond as never, body as never, [start, ...state], {
      backProp,
      parallelIterations,
      maximumIterations: this.#count as Tensor<'int32'>,
    });
  }

  /** What `build` returns, without what it builds: its structure, dtypes and shapes. */
  tracedOnce(build: (i: Tensor) => unknown): Parts {
    const probe = new Probe();
    try {
      this.#count.graph.receiver.attempt(() => {
        throw probe.keep(partsOfResult(this.#fn, build(convertToTensor(0, 'int32', 'row'))));
      });
    } catch (error) {
      if (error !== probe) throw error;
    }
    return probe.parts!;
  }
}

/** Carries a result out of what is rolled back. */
class Probe {
  parts: Parts | null = null;

  keep(parts: Parts): this {
    this.parts = parts;
    return this;
  }
}

function tail(shape: Shape): Shape {
  return shape === null ? null : shape.slice(1);
}

function rowCount(fn: string, tensors: readonly Tensor[]): Dim {
  let count: Dim = null;
  for (const tensor of tensors) {
    if (tensor.shape === null) continue;
    if (tensor.shape.length === 0)
      throw new InvalidArgumentError(
        `${fn}: ${describeTensor(tensor)} is a scalar and has no rows.`,
        tensor.op.details(),
      );
    const merged = mergeShapes([count], [tensor.shape[0]!]);
    if (!merged) {
      throw new ShapeError(
        `${fn}: ${describeTensor(tensor)} has ${formatShape([tensor.shape[0]!])} rows, others have ${count}.`,
        tensor.op.details(),
      );
    }
    count = merged[0]!;
  }
  return count;
}
