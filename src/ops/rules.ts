/** What gradient rules are written with: TensorFlow's operators on tensors and its helpers that may emit a constant, a node or nothing. */
import { dtypeInfo, type DType } from '../graph/dtype.js';
import { NDArray, type TensorData } from '../graph/ndarray.js';
import { isFullyDefined, sizeOf } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { convertToTensor, one } from './call.js';
import { deferred, namedConstant } from './deferred.js';
import { IndexedSlices } from './indexed-slices.js';
import type { Gradient } from './opdef.js';
import type { Operand } from './types.js';

/** From this many elements on, TensorFlow fills a shape instead of storing a constant. */
const largeConstant = 1000;

/** A constant in the graph of `x`. */
export function constantBeside(x: Gradient, value: TensorData, dtype: DType, name = 'Const'): Tensor {
  return x.graph.receiver.asDefault(() => convertToTensor(NDArray.from(value, dtype), dtype, name));
}

/** Vectors, one after the other. */
export function joined(vectors: readonly (Tensor | NDArray)[]): Tensor {
  const [only] = vectors;
  if (vectors.length === 1 && only instanceof Tensor) return only;
  return one('ConcatV2', [vectors, 0], {}, { name: 'concat' });
}

/** The complex conjugate: `x` itself for real dtypes, else a Conj node. Slices become dense. */
export function conj(x: Gradient): Tensor {
  const tensor = convertToTensor(x);
  return dtypeInfo(tensor.dtype).kind === 'complex' ? one('Conj', [tensor]) : tensor;
}

/** The shape of `x` as an int32 vector: a constant where it is fully known, else a Shape node. */
export function shapeOf(x: Gradient): Tensor {
  const tensor = convertToTensor(x);
  return isFullyDefined(tensor.shape) ? constantBeside(tensor, tensor.shape, 'int32', 'Shape') : one('Shape', [tensor]);
}

/** Zeros in the shape and dtype of `x`: a constant if that is small, a Fill if only known, else a ZerosLike node. */
export function zerosLike(x: Gradient): Tensor {
  const { dtype, shape, graph } = x;
  const name = 'zeros_like';
  if (!isFullyDefined(shape) || dtype === 'variant') return one('ZerosLike', [x], {}, { name });
  const zero = scalarOf(dtype, 0);
  return graph.receiver.asDefault(() =>
    sizeOf(shape) < largeConstant
      ? convertToTensor(NDArray.filled(dtype, shape, zero.element(0)), dtype, name)
      : one(
          'Fill',
          [namedConstant(shape, 'int32', 'shape_as_tensor'), namedConstant(zero, dtype, 'Const')],
          {},
          { name },
        ),
  );
}

/** Ones in the shape of `x`, and in its dtype by default: always a Fill, of a constant shape where that is known. */
export function onesLike(x: Gradient, dtype: DType = x.dtype): Tensor {
  const tensor = convertToTensor(x);
  const { shape, graph } = tensor;
  const dims = isFullyDefined(shape)
    ? namedConstant(shape, 'int32', 'Shape/shape_as_tensor')
    : deferred('int32', graph, () => one('Shape', [tensor]));
  const ones = graph.receiver.asDefault(() =>
    one('Fill', [dims, namedConstant(scalarOf(dtype, 1), dtype, 'Const')], {}, { name: 'ones_like' }),
  );
  graph.refineShape(ones, shape);
  return ones;
}

export function scalarOf(dtype: DType, value: 0 | 1): NDArray {
  const { kind } = dtypeInfo(dtype);
  return NDArray.from(kind === 'bool' ? value === 1 : kind === 'string' ? '' : value, dtype);
}

/** `a + b`, named as TensorFlow names the operator's node. */
export function plus(a: Operand | Gradient, b: Operand | Gradient): Tensor {
  return one('AddV2', [a, b], {}, { name: 'add' });
}

/** `a - b`, named as TensorFlow names the operator's node. */
export function minus(a: Operand | Gradient, b: Operand | Gradient): Tensor {
  return one('Sub', [a, b], {}, { name: 'sub' });
}

/** `a * b`, named as TensorFlow names the operator's node. */
export function times(a: Operand | Gradient, b: Operand | Gradient): Tensor {
  return one('Mul', [a, b], {}, { name: 'mul' });
}

/** `a / b` of floating tensors, named as TensorFlow names the operator's node. */
export function over(a: Operand | Gradient, b: Operand | Gradient): Tensor {
  return one('RealDiv', [a, b], {}, { name: 'truediv' });
}

/** `-x`; slices stay slices. */
export function negated<X extends Gradient>(x: X): X;
export function negated(x: Gradient): Gradient {
  return mapGradient(x, (values) => one('Neg', [values]));
}

/** `f` of a tensor, or of the values of slices: for an `f` that is linear and acts element by element. */
export function mapGradient(x: Gradient, f: (values: Tensor) => Tensor): Gradient {
  return x instanceof Tensor ? f(x) : new IndexedSlices(f(x.values), x.indices, x.denseShape);
}
