/** Axes and shapes as tensors, which reductions and their gradients compute with: constants wherever they are known. */
import { describeTensor } from '../graph/node.js';
import { NDArray } from '../graph/ndarray.js';
import { numElements } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { one } from './call.js';
import { castTo, numbers } from './indexing.js';
import { constantValue } from './known.js';
import type { OpView } from './opdef.js';
import { constantBeside, plus, shapeOf } from './rules.js';
import { argumentError } from './shape-rules.js';

/** The number of dimensions of `x`: a constant where it is known, else a Rank node. */
export function rankOf(x: Tensor): Tensor {
  return x.shape === null ? one('Rank', [x]) : constantBeside(x, x.shape.length, 'int32', 'Rank');
}

/** The number of elements of `x`: a constant where it is known, else a Size node. */
export function sizeOfTensor(x: Tensor): Tensor {
  const size = numElements(x.shape);
  return size === null ? one('Size', [x]) : constantBeside(x, size, 'int32', 'Size');
}

/** `start`, `start + 1` … below `limit`. */
export function rangeOf(start: number | Tensor, limit: number | Tensor): Tensor {
  return one('Range', [start, limit, 1], {}, { name: 'range' });
}

/** `x mod y`, as TensorFlow names the operator's node. */
export function modulo(x: Tensor, y: number | Tensor): Tensor {
  return one('FloorMod', [x, y], {}, { name: 'mod' });
}

/** 0, 1 … below `count`. */
export function firstIntegers(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

/** All axes of `x`: a constant where the rank is known and not 0, else a Range up to the Rank. */
export function allAxes(x: Tensor): Tensor {
  const rank = x.shape?.length ?? 0;
  return rank === 0 ? rangeOf(0, rankOf(x)) : constantBeside(x, firstIntegers(rank), 'int32');
}

/** What `axes` counts, negative ones from the end, as indices from 0. */
export function wrapAxes(axes: Tensor, rank: Tensor): Tensor {
  return modulo(plus(axes, rank), rank);
}

/**
 * The shape `shape` with 1 at `axes`, which a reduction that keeps its dimensions gives: data where both are known, else
 * nodes that compute it.
 */
export function reducedShape(shape: Tensor, axes: Tensor): Tensor | NDArray {
  const knownShape = constantValue(shape);
  const knownAxes = knownShape && constantValue(axes);
  if (knownAxes) return NDArray.from(withOnes(numbers(knownShape), numbers(knownAxes)), 'int32');
  const indices = castTo(axes, 'int32');
  const rank = sizeOfTensor(shape);
  const reduced = wrapAxes(indices, rank);
  const count = shapeOf(reduced);
  const all = rangeOf(0, rank);
  const ones = one('Fill', [count, constantBeside(shape, 1, 'int32', 'ones/Const')], {}, { name: 'ones' });
  return one('DynamicStitch', [
    [all, reduced],
    [shape, ones],
  ]);
}

/** `shape` with 1 at `axes`, negative ones counting from the end. */
export function withOnes(shape: readonly number[], axes: readonly number[]): number[] {
  const result = [...shape];
  for (const axis of axes) result[axis < 0 ? axis + shape.length : axis] = 1;
  return result;
}

/**
 * The axes `axes` of a tensor of that rank, counted from 0 and in ascending order.
 * @throws InvalidArgumentError for one that is out of range or there twice
 */
export function resolveAxes(op: OpView, axes: readonly number[], rank: number): readonly number[] {
  const wrong = axes.find((axis) => axis < -rank || axis >= rank);
  const sorted = axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  const twice = sorted.find((axis, i) => axis === sorted[i + 1]);
  if (wrong === undefined && twice === undefined) return sorted;
  const operand = describeTensor(op.inputs[0]);
  if (wrong !== undefined) throw argumentError(op, `axis ${wrong} is not in [${-rank}, ${rank}): ${operand}`);
  throw argumentError(op, `axis ${twice} is given twice in [${axes.join(', ')}]: ${operand}`);
}
