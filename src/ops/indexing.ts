/** Operands that say where and how much: shapes, axes and indices from data or from lists that mix data with tensors, and `x[…]`. */
import type { DType } from '../graph/dtype.js';
import type { Graph } from '../graph/graph.js';
import { NDArray } from '../graph/ndarray.js';
import { Tensor } from '../graph/tensor.js';
import { isConvertible, one } from './call.js';
import { deferred, namedConstant } from './deferred.js';
import { IndexedSlices } from './indexed-slices.js';
import { constantShape, constantValue } from './known.js';
import type { Gradient } from './opdef.js';
import { constantBeside, plus } from './rules.js';
import type { Operand, OpOptions, TensorConvertible, TensorLike } from './types.js';

export { deferred, namedConstant } from './deferred.js';

/** A list of numbers and scalar tensors (or lists of them), packed into one tensor when an op takes it. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- an alias could not refer to itself
export interface MixedList extends ReadonlyArray<number | bigint | TensorLike | MixedList> {}

/** A shape, axis or index argument: data becomes int32. */
export type IndexOperand = Operand | MixedList;

function isTensorLike(value: unknown): value is TensorLike {
  return value instanceof Tensor || isConvertible(value);
}

/** The first tensor in a list or the lists inside it. */
function firstTensor(value: unknown): TensorLike | undefined {
  if (isTensorLike(value)) return value;
  if (!Array.isArray(value)) return undefined;
  for (const item of value as readonly unknown[]) {
    const found = firstTensor(item);
    if (found) return found;
  }
  return undefined;
}

/** Whether a list has tensors in it, so that it must be packed. */
export function isMixed(value: unknown): value is MixedList {
  return Array.isArray(value) && firstTensor(value) !== undefined;
}

/** The tensor of a mixed list: TensorFlow's automatic packing. Data takes the dtype of the tensors. */
export function packed(values: MixedList, name: string): TensorConvertible {
  const first = firstTensor(values)!;
  const graph = (first as { readonly graph?: Graph }).graph;
  const entry = (value: MixedList[number], i: number): Operand => {
    if (isTensorLike(value)) return value;
    return isMixed(value) ? packed(value, String(i)) : namedConstant(value, first.dtype, String(i));
  };
  return deferred(first.dtype, graph, () => one('Pack', [values.map(entry)], {}, { name }));
}

/** A list operand of tensors, data and mixed lists, for an argument called `values`. */
export function operandList(values: readonly (Operand | MixedList)[]): readonly Operand[] {
  return values.map((value, i) => (isMixed(value) ? packed(value, `values_${i}`) : value));
}

const isBigint = (value: unknown): boolean => (Array.isArray(value) ? isBigint(value[0]) : typeof value === 'bigint');

/** A shape, axis or index argument called `name`: integers without a dtype are int32. */
export function indices(value: IndexOperand, name: string): Operand {
  if (isTensorLike(value) || value instanceof NDArray || ArrayBuffer.isView(value)) return value;
  if (isMixed(value)) return packed(value, name);
  return NDArray.from(value, isBigint(value) ? 'int64' : 'int32');
}

/** `options` with TensorFlow's own default for the name of the node. */
export function named(options: OpOptions | undefined, name: string): OpOptions {
  return { name: options?.name ?? name };
}

/** The elements of an integer array as numbers. */
export function numbers(array: NDArray): number[] {
  return Array.from({ length: array.size }, (_, i) => Number(array.element(i)));
}

/** An integer vector as far as it is known: null for unknown entries, or altogether where its length is unknown. */
export function partialVector(tensor: Tensor): readonly (number | null)[] | null {
  const value = constantValue(tensor);
  return value ? numbers(value) : constantShape(tensor);
}

/** A scalar integer where it is known. */
export function constantNumber(tensor: Tensor): number | null {
  const value = constantValue(tensor);
  return value === null || value.size !== 1 ? null : Number(value.element(0));
}

/** One entry of `x[…]`: an index (which drops the axis), a range, a new axis, or the ellipsis. */
export type Index =
  | number
  | Tensor
  | { readonly start?: number | Tensor; readonly stop?: number | Tensor; readonly step?: number | Tensor }
  | null
  | '...';

interface Parts {
  readonly begin: (number | Tensor)[];
  readonly end: (number | Tensor)[];
  readonly strides: (number | Tensor)[];
}

/** TensorFlow's `x[index, …]`, node for node. */
export function item(x: Tensor, ...specs: readonly Index[]): Tensor {
  const parts: Parts = { begin: [], end: [], strides: [] };
  const masks = { begin_mask: 0, end_mask: 0, ellipsis_mask: 0, new_axis_mask: 0, shrink_axis_mask: 0 };
  const add = (begin: number | Tensor, end: number | Tensor, stride: number | Tensor): void => {
    parts.begin.push(begin);
    parts.end.push(end);
    parts.strides.push(stride);
  };
  specs.forEach((spec, i) => {
    const bit = 1 << i;
    if (spec === null || spec === '...') {
      add(0, 0, 1);
      masks[spec === null ? 'new_axis_mask' : 'ellipsis_mask'] |= bit;
    } else if (typeof spec === 'number') {
      add(spec, spec + 1, 1);
      masks.shrink_axis_mask |= bit;
    } else if (spec instanceof Tensor) {
      add(spec, plus(spec, 1), spec.dtype === 'int32' ? 1 : constantBeside(spec, 1, spec.dtype));
      masks.shrink_axis_mask |= bit;
    } else {
      const dtypeOf = [spec.start, spec.stop, spec.step].find((part) => part instanceof Tensor);
      const absent = (value: number): number | Tensor =>
        dtypeOf instanceof Tensor ? constantBeside(dtypeOf, value, dtypeOf.dtype) : value;
      add(spec.start ?? absent(0), spec.stop ?? absent(0), spec.step ?? absent(1));
      if (spec.start === undefined) masks.begin_mask |= bit;
      if (spec.stop === undefined) masks.end_mask |= bit;
    }
  });
  const stacked = (values: readonly (number | Tensor)[]): Operand =>
    isMixed(values) ? packed(values, 'stack') : namedConstant(values, 'int32', 'stack');
  return one('StridedSlice', [x, stacked(parts.begin), stacked(parts.end), stacked(parts.strides)], masks, {
    name: 'strided_slice',
  });
}

/** A gradient as a tensor: slices are summed into place. @throws InvalidArgumentError for slices of unknown dense shape. */
export function dense(gradient: Gradient): Tensor {
  return gradient instanceof IndexedSlices ? gradient.toTensor() : gradient;
}

/** `x` in another dtype; `x` itself where it has that dtype. */
export function castTo(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : one('Cast', [x], { DstT: dtype });
}
