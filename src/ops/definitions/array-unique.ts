/** The distinct elements of a vector. */
import { allocate, type DType } from '../../graph/dtype.js';
import { writeElement, type Complex, type Element } from '../../graph/elements.js';
import { NDArray } from '../../graph/ndarray.js';
import type { Tensor } from '../../graph/tensor.js';
import { many } from '../call.js';
import { defineOp, type RoutineContext } from '../opdef.js';
import { argumentError, requireRank } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';

defineOp({
  name: 'Unique',
  signature: 'x: T -> y: T, idx: out_idx | T: type, out_idx: {int32, int64} = DT_INT32',
  infer: (op) => {
    const [x] = op.inputs;
    requireRank(op, x, 1, 'x');
    return [[null], x.shape ?? [null]];
  },
  lower: { routine: 'unique', run: distinct },
  grad: 'none',
  batch: 'loop',
  effect: 'pure',
  samples: [
    { inputs: [{ value: [1, 1, 2, 4, 4, 4, 7, 8, 8], dtype: 'int32' }] },
    { inputs: [{ value: [0.5, -0, 0, 0.5] }], attrs: { out_idx: 'int64' } },
    { inputs: [{ value: ['b', 'a', 'b'], dtype: 'string' }] },
    { inputs: [{ value: [], dtype: 'int64' }] },
  ],
});

/** What two elements share exactly where they are equal; NaN equals nothing. */
function keyOf(element: Element): unknown {
  if (Number.isNaN(element)) return {};
  if (typeof element !== 'object') return element;
  const { re, im } = element as Complex;
  return Number.isNaN(re) || Number.isNaN(im) ? {} : `${re + 0},${im + 0}`;
}

function distinct({ op, inputs: [x] }: RoutineContext): NDArray[] {
  if (x.shape.length !== 1) throw argumentError(op, `x must be a vector, and has rank ${x.shape.length}`);
  const places = new Map<unknown, number>();
  const found: Element[] = [];
  const which = Array.from({ length: x.size }, (_, i) => {
    const element = x.element(i);
    const key = keyOf(element);
    const place = places.get(key);
    if (place !== undefined) return place;
    places.set(key, found.length);
    return found.push(element) - 1;
  });
  const data = allocate(x.dtype, found.length);
  found.forEach((element, i) => writeElement(x.dtype, data, i, element));
  return [new NDArray(x.dtype, [found.length], data), NDArray.from(which, op.typeAttr('out_idx'), [x.size])];
}

export interface UniqueOptions<I extends 'int32' | 'int64' = 'int32' | 'int64'> extends OpOptions {
  /** The dtype of `idx`, int32 by default. */
  readonly outIdx?: I;
}

/** What `unique` finds. */
export interface Unique<D extends DType = DType, I extends DType = DType> {
  /** The distinct elements, in the order in which they first occur. */
  readonly y: Tensor<D, [null]>;
  /** Where in `y` each element of x is. */
  readonly idx: Tensor<I>;
}

/**
 * The distinct elements of the vector `x`, in the order in which they first occur, and for each element of `x` where it
 * is among them (TensorFlow `tf.unique`).
 * @throws ShapeError where `x` is not a vector
 * @example
 * const { y, idx } = unique(constant([5, 7, 5], { dtype: 'int32' }));
 * y; // [5, 7]
 * idx; // [0, 1, 0]
 */
export function unique<X extends Operand, I extends 'int32' | 'int64' = 'int32'>(
  x: X,
  options: UniqueOptions<I> = {},
): Unique<DTypeOf<X>, I> {
  const [y, idx] = many('Unique', [x], { out_idx: options.outIdx ?? 'int32' }, options);
  return { y, idx } as unknown as Unique<DTypeOf<X>, I>;
}
