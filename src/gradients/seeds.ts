/** Where a backward walk starts: the gradients of ys, checked against them and placed inside the call's scope. */
import { dtypeInfo, isComplex, type DType } from '../graph/dtype.js';
import { DTypeError, InvalidArgumentError, ShapeError } from '../graph/errors.js';
import { NDArray, type TensorData } from '../graph/ndarray.js';
import { nameScope } from '../graph/scopes.js';
import { formatShape, isCompatible, type Shape } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { convertToTensor, isConvertible, one } from '../ops/call.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import type { Gradient } from '../ops/opdef.js';
import { constantBeside, shapeOf } from '../ops/rules.js';
import type { TensorConvertible } from '../ops/types.js';

/** A gradient of a y as the user gives it; null for ones. */
export type GradY = Tensor | TensorConvertible | IndexedSlices | TensorData | null;

/** What a seed is checked against: a tensor that is there already, or data that will become one. */
interface Described {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly name?: string;
}

/**
 * Checks gradYs[i] against ys[i], dtype and shape; data becomes an array of y's dtype.
 * @throws DTypeError and ShapeError naming the argument
 */
export function checkGradY(fn: string, y: Described, gradY: GradY | undefined, i: number, option = 'gradYs'): GradY {
  const argument = `${fn}: ${option}[${i}]`;
  const yName = y.name ? `'${y.name}'` : `ys[${i}]`;
  const kind = dtypeInfo(y.dtype).kind;
  if (gradY === null || gradY === undefined) {
    if (isComplex(y.dtype))
      throw new DTypeError(`${argument}: ${yName} is complex (${y.dtype}): its gradient must be given in ${option}.`);
    if (kind === 'string' || kind === 'handle')
      throw new DTypeError(`${argument}: ${yName} is ${y.dtype} and has no default gradient.`);
    return null;
  }
  if (kind === 'string' || kind === 'bool')
    throw new DTypeError(`${argument}: ${yName} is ${y.dtype}: it can be given no gradient.`);
  const given =
    gradY instanceof Tensor || gradY instanceof IndexedSlices || isConvertible(gradY)
      ? gradY
      : dataOf(argument, gradY, y.dtype);
  if (given.dtype !== y.dtype && kind !== 'handle') {
    throw new DTypeError(`${argument} is ${given.dtype}, but ${yName} is ${y.dtype}. Use cast(x, '${y.dtype}').`);
  }
  if (kind !== 'handle' && !isCompatible(given.shape, y.shape)) {
    throw new ShapeError(
      `${argument} has shape ${formatShape(given.shape)}, but ${yName} has shape ${formatShape(y.shape)}.`,
    );
  }
  if (y instanceof IndexedSlices && given instanceof IndexedSlices) checkRows(argument, y, given);
  return given;
}

/** Slices go with slices row by row. */
function checkRows(argument: string, y: IndexedSlices, given: IndexedSlices): void {
  if (isCompatible(given.values.shape, y.values.shape)) return;
  const [own, others] = [given, y].map(({ values }) => formatShape(values.shape));
  throw new ShapeError(`${argument} has values of shape ${own}, but those of '${y.name}' have shape ${others}.`);
}

function dataOf(argument: string, data: TensorData, dtype: DType): NDArray {
  try {
    return NDArray.from(data, dtype);
  } catch (error) {
    if (error instanceof DTypeError) throw new DTypeError(`${argument}: ${error.message}`);
    if (error instanceof ShapeError) throw new ShapeError(`${argument}: ${error.message}`);
    throw new InvalidArgumentError(`${argument} is no tensor.`, { cause: error });
  }
}

/** gradYs[i] as tensors: data becomes a constant, a variable is read. TensorFlow does it for all before it makes a seed. */
export function convertGradY(gradY: GradY, i: number): Gradient | null {
  return gradY === null || gradY instanceof IndexedSlices ? gradY : convertToTensor(gradY, undefined, `grad_y_${i}`);
}

/** The seed node of ys[i]: ones of its shape and dtype, or an Identity of what the user gave. */
export function makeSeed(y: Tensor, gradY: Gradient | null, i: number): Gradient {
  const name = `grad_ys_${i}`;
  if (gradY === null) {
    const shape = shapeOf(y);
    const value = NDArray.filled(y.dtype, [], 1);
    return nameScope(
      name,
      (scope) => one('Fill', [shape, constantBeside(y, value, y.dtype)], {}, { name: scope }),
      y.graph.receiver,
    );
  }
  if (gradY instanceof IndexedSlices) {
    const identity = (tensor: Tensor, part: string) => one('Identity', [tensor], {}, { name: `${name}_${part}` });
    const indices = identity(gradY.indices, 'indices');
    const values = identity(gradY.values, 'values');
    return new IndexedSlices(values, indices, gradY.denseShape && identity(gradY.denseShape, 'shape'));
  }
  return one('Identity', [gradY], {}, { name });
}
