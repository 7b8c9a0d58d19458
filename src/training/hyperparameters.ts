/** Learning rates, decays and the like: numbers, tensors or functions that give one, checked and made scalars of the graph. */
import { isFloating, type DType } from '../graph/dtype.js';
import { DTypeError, InvalidArgumentError, ShapeError } from '../graph/errors.js';
import { hintOnBody } from '../graph/function-graph.js';
import { getDefaultGraph, type Graph } from '../graph/graph.js';
import { describeTensor } from '../graph/node.js';
import { Tensor } from '../graph/tensor.js';
import { convertToTensor, isConvertible, one } from '../ops/call.js';
import type { TensorLike } from '../ops/types.js';

/** A number, a float scalar of the graph such as a decaying rate or a placeholder, or a function that gives one of them for each call. */
export type Hyperparameter = Value | (() => Value);

type Value = number | TensorLike;

/** @throws InvalidArgumentError unless `value` can become a scalar */
export function checkHyperparameter(fn: string, name: string, value: Hyperparameter): Hyperparameter {
  if (typeof value === 'function' || value instanceof Tensor || isConvertible(value)) return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const isOptions = typeof value === 'object' && value !== null;
  throw new InvalidArgumentError(
    `${fn}: '${name}' must be a finite number, a scalar tensor or a function that gives one, not ${shown(value)}.` +
      (isOptions ? ' Options come last.' : ''),
  );
}

/**
 * The hyperparameter, to be used in `graph`.
 * @throws InvalidArgumentError for a tensor of another graph: converting it there would leave something in that graph
 */
export function within(fn: string, name: string, value: Hyperparameter, graph: Graph): Hyperparameter {
  if (typeof value === 'function') return () => checkHome(fn, name, checkValue(fn, name, value()), graph);
  return checkHome(fn, name, value, graph);
}

function checkHome(fn: string, name: string, value: Value, graph: Graph): Value {
  // What stands for a tensor, such as a variable, has the graph and the name of one.
  const home = typeof value === 'number' ? undefined : (value as Tensor).graph;
  if (home === undefined || graph.reaches(home)) return value;
  const tensor = value as Tensor;
  throw new InvalidArgumentError(
    `${fn}: '${name}' is '${tensor.name}', which belongs to another graph than the variables.${hintOnBody(tensor)}`,
    tensor.op.details(),
  );
}

function checkValue(fn: string, name: string, value: Hyperparameter): Value {
  const given = checkHyperparameter(fn, name, value);
  if (typeof given !== 'function') return given;
  throw new InvalidArgumentError(`${fn}: the function for '${name}' gives a function.`);
}

/** The hyperparameter as a scalar: numbers become float32 constants called `name`. */
export function scalarOf(fn: string, name: string, value: Hyperparameter): Tensor {
  const given = typeof value === 'function' ? checkValue(fn, name, value()) : value;
  const tensor = convertToTensor(checkHome(fn, name, given, getDefaultGraph()), undefined, name);
  if (!isFloating(tensor.dtype)) {
    throw new DTypeError(`${fn}: '${name}' is ${describeTensor(tensor)}; it must be a float.`, tensor.op.details());
  }
  if (tensor.shape !== null && tensor.shape.length > 0) {
    throw new ShapeError(`${fn}: '${name}' is ${describeTensor(tensor)}; it must be a scalar.`, tensor.op.details());
  }
  return tensor;
}

/** `x`, or where it is of another dtype, a cast of it. */
export function as(dtype: DType, x: TensorLike): TensorLike {
  return x.dtype === dtype ? x : one('Cast', [x], { DstT: dtype });
}

function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
