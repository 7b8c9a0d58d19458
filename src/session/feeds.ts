/** Feeds: values for any tensors of the graph, checked and converted before anything runs. */
import { DTypeError, InvalidArgumentError, NotFoundError, ShapeError, TapelessError } from '../graph/errors.js';
import type { Graph } from '../graph/graph.js';
import { NDArray, wrapped, type TensorData } from '../graph/ndarray.js';
import { formatShape, isCompatible, isFullyDefined } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';

/** Values by tensor, or by name: `'x:0'`, or `'x'` for the first output of operation x. */
export type Feeds = ReadonlyMap<Tensor, TensorData> | { readonly [name: string]: TensorData };

/**
 * `isBorrowed`: whether the values are done with before the caller can change them, so that they need not be copied.
 * @throws where a key names no tensor of `graph`, is given twice, or a value does not fit dtype or shape
 */
export function parseFeeds(graph: Graph, feeds: Feeds, isBorrowed = false): ReadonlyMap<Tensor, NDArray> {
  if (typeof feeds !== 'object' || feeds === null || Array.isArray(feeds)) {
    throw new InvalidArgumentError('Feeds are a Map from tensors to values, or an object with tensor names as keys.');
  }
  const result = new Map<Tensor, NDArray>();
  const entries: Iterable<[unknown, unknown]> = feeds instanceof Map ? feeds.entries() : Object.entries(feeds);
  for (const [key, value] of entries) {
    const tensor = feedTensor(graph, key);
    if (result.has(tensor)) throw new InvalidArgumentError(`'${tensor.name}' is fed twice.`, tensor.op.details());
    result.set(tensor, feedValue(tensor, value, isBorrowed));
  }
  return result;
}

function feedTensor(graph: Graph, key: unknown): Tensor {
  if (key instanceof Tensor) {
    if (key.graph !== graph)
      throw new InvalidArgumentError(`Cannot feed '${key.name}': it belongs to another graph than the session's.`);
    return key;
  }
  if (typeof key !== 'string')
    throw new InvalidArgumentError(`Cannot feed ${String(key)}: a feed is for a tensor or its name.`);
  try {
    return graph.tensor(key.includes(':') ? key : `${key}:0`);
  } catch (error) {
    throw new NotFoundError(`Cannot feed '${key}': ${(error as Error).message}`, { nodeName: key, cause: error });
  }
}

/** `value` as an array of the tensor's dtype, in a shape its static shape allows. */
export function feedValue(tensor: Tensor, value: unknown, isBorrowed: boolean): NDArray {
  const what = `The value fed to '${tensor.name}'`;
  if (value === null || value === undefined || value instanceof Tensor) {
    throw new InvalidArgumentError(
      `${what} is ${value instanceof Tensor ? 'a tensor' : String(value)}; it must be data.`,
      tensor.op.details(),
    );
  }
  const array = convert(tensor, value as TensorData, isBorrowed, what);
  if (!isCompatible(array.shape, tensor.shape)) {
    throw new ShapeError(
      `${what} has shape ${formatShape(array.shape)}, but the tensor has shape ${formatShape(tensor.shape)}.`,
      tensor.op.details(),
    );
  }
  return array;
}

function convert(tensor: Tensor, value: TensorData, isBorrowed: boolean, what: string): NDArray {
  try {
    // Flat typed arrays take the tensor's shape where that is known.
    const shape = ArrayBuffer.isView(value) && isFullyDefined(tensor.shape) ? tensor.shape : undefined;
    return isBorrowed ? wrapped(value, tensor.dtype, shape) : NDArray.from(value, tensor.dtype, shape);
  } catch (error) {
    if (!(error instanceof TapelessError)) throw error;
    const Kind = error instanceof DTypeError ? DTypeError : ShapeError;
    throw new Kind(`${what} does not fit: ${error.message}`, tensor.op.details());
  }
}
