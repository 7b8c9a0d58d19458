/** Fetches: any nest of graph elements, flattened for a run and put together again from its results. */
import { InvalidArgumentError, NotFoundError } from '../graph/errors.js';
import { hintOnBody } from '../graph/function-graph.js';
import type { Graph } from '../graph/graph.js';
import type { NDArray } from '../graph/ndarray.js';
import type { DType } from '../graph/dtype.js';
import { Operation } from '../graph/operation.js';
import { Tensor } from '../graph/tensor.js';
import { Variable } from '../ops/definitions/variable.js';
import { IndexedSlices } from '../ops/indexed-slices.js';

/** The value of fetched IndexedSlices. */
export interface IndexedSlicesValue<D extends DType = DType> {
  readonly values: NDArray<D>;
  readonly indices: NDArray;
  readonly denseShape: NDArray | null;
}

export type Fetch = Tensor | Operation | Variable | IndexedSlices | string;
/** A graph element, a name (`'a:0'` a tensor, `'a'` an operation), or any nest of arrays and plain objects of them. */
export type Fetches = Fetch | readonly Fetches[] | { readonly [key: string]: Fetches };

/** What a fetch gives: the same nest, with values for tensors and null for operations. */
export type Fetched<F> = [Fetches] extends [F] ? unknown : FetchedOf<F>;

type FetchedOf<F> = F extends Operation
  ? null
  : F extends IndexedSlices<infer D>
    ? IndexedSlicesValue<D>
    : F extends { readonly dtype: infer D extends DType; readonly shape: unknown }
      ? NDArray<D>
      : F extends string
        ? NDArray
        : F extends readonly unknown[]
          ? { -readonly [K in keyof F]: Fetched<F[K]> }
          : F extends object
            ? { -readonly [K in keyof F]: Fetched<F[K]> }
            : never;

export interface ParsedFetches {
  /** Each once. */
  readonly tensors: readonly Tensor[];
  readonly targets: readonly Operation[];
  /** The nest, with the values of `tensors` in their order. */
  readonly assemble: (values: readonly NDArray[]) => unknown;
}

type Assemble = (values: readonly NDArray[]) => unknown;

/** @throws InvalidArgumentError or NotFoundError for what cannot be fetched from `graph` */
export function parseFetches(graph: Graph, fetches: unknown): ParsedFetches {
  const tensors = new Map<Tensor, number>();
  const targets = new Set<Operation>();
  const placed = new Set<Tensor>();
  const tensor = (t: Tensor): Assemble => {
    if (t.graph !== graph)
      throw new InvalidArgumentError(
        `Cannot fetch '${t.name}': it belongs to another graph than the session's.${hintOnBody(t)}`,
      );
    if (!tensors.has(t)) tensors.set(t, tensors.size);
    const position = tensors.get(t)!;
    // Every place gets storage of its own: no result changes with another.
    const isFirst = !placed.has(t);
    placed.add(t);
    return (values) => (isFirst ? values[position]! : values[position]!.copy());
  };
  const operation = (op: Operation): Assemble => {
    if (op.graph !== graph)
      throw new InvalidArgumentError(`Cannot fetch '${op.name}': it belongs to another graph than the session's.`);
    targets.add(op);
    return () => null;
  };
  const parse = (fetch: unknown, path: string): Assemble => {
    if (fetch instanceof Tensor) return tensor(fetch);
    if (fetch instanceof Operation) return operation(fetch);
    if (fetch instanceof Variable) return tensor(fetch.fetchable);
    if (fetch instanceof IndexedSlices) return slices(fetch, tensor);
    if (typeof fetch === 'string') return named(graph, fetch, tensor, operation);
    if (Array.isArray(fetch)) {
      const parts = fetch.map((item, i) => parse(item, `${path}[${i}]`));
      return (values) => parts.map((part) => part(values));
    }
    if (isPlainObject(fetch)) {
      const parts = Object.entries(fetch).map(([key, item]) => [key, parse(item, `${path}.${key}`)] as const);
      return (values) => Object.fromEntries(parts.map(([key, part]) => [key, part(values)]));
    }
    throw new InvalidArgumentError(
      `Cannot fetch ${path}: it is ${describe(fetch)}, not a tensor, operation, variable, slices or name.`,
    );
  };
  const assemble = parse(fetches, 'fetches');
  return { tensors: [...tensors.keys()], targets: [...targets], assemble };
}

function slices(fetch: IndexedSlices, tensor: (t: Tensor) => Assemble): Assemble {
  const values = tensor(fetch.values);
  const indices = tensor(fetch.indices);
  const denseShape = fetch.denseShape && tensor(fetch.denseShape);
  return (results) => ({
    values: values(results),
    indices: indices(results),
    denseShape: denseShape && denseShape(results),
  });
}

function named(
  graph: Graph,
  name: string,
  tensor: (t: Tensor) => Assemble,
  operation: (op: Operation) => Assemble,
): Assemble {
  try {
    return name.includes(':') ? tensor(graph.tensor(name)) : operation(graph.operation(name));
  } catch (error) {
    throw new NotFoundError(`Cannot fetch '${name}': ${(error as Error).message}`, { nodeName: name, cause: error });
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value;
}
