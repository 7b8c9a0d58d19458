/** What TensorFlow's `vector[i]` and `vector[from:]` emit. */
import { nameScope } from '../graph/scopes.js';
import { NDArray } from '../graph/ndarray.js';
import type { Tensor } from '../graph/tensor.js';
import { convertToTensor, one } from './call.js';

/** Element `i` of a vector, as a scalar. */
export function elementOf(vector: Tensor, i: number): Tensor {
  return strided(vector, i, i + 1, { shrink_axis_mask: 1 });
}

/** The elements of a vector from `begin` on. */
export function tailOf(vector: Tensor, begin: number): Tensor {
  return strided(vector, begin, 0, { end_mask: 1 });
}

function strided(vector: Tensor, begin: number, end: number, masks: Readonly<Record<string, number>>): Tensor {
  const build = (scope: string): Tensor => {
    const bounds = [begin, end, 1].map((value) => convertToTensor(NDArray.from([value], 'int32'), 'int32', 'stack'));
    return one('StridedSlice', [vector, ...bounds], masks, { name: scope });
  };
  return vector.graph.receiver.asDefault(() => nameScope('strided_slice', build));
}
