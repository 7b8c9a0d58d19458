/** Operands that become tensors only inside the scope of the op that takes them. */
import type { DType } from '../graph/dtype.js';
import type { Graph } from '../graph/graph.js';
import { NDArray, type TensorData } from '../graph/ndarray.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { convertToTensor } from './call.js';
import type { TensorConvertible } from './types.js';

class Deferred implements TensorConvertible {
  readonly dtype: DType;
  readonly shape: Shape = null;
  readonly graph: Graph | undefined;
  readonly toTensor: () => Tensor;

  constructor(dtype: DType, graph: Graph | undefined, toTensor: () => Tensor) {
    this.dtype = dtype;
    this.graph = graph;
    this.toTensor = toTensor;
  }
}

/** A tensor that `make` makes below the name of the op it is an operand of. */
export function deferred(dtype: DType, graph: Graph | undefined, make: () => Tensor): TensorConvertible {
  return new Deferred(dtype, graph, make);
}

/** A constant with a name of its own, below that of the op it is an operand of. */
export function namedConstant(data: TensorData, dtype: DType, name: string): TensorConvertible {
  return deferred(dtype, undefined, () => convertToTensor(NDArray.from(data, dtype), undefined, name));
}
