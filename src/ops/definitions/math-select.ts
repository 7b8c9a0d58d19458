/** Choosing between two tensors: by a condition, or by which is larger. */
import type { DType } from '../../graph/dtype.js';
import { ShapeError } from '../../graph/errors.js';
import { describeTensor } from '../../graph/node.js';
import { isCompatible, mergeShapes, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchBroadcasting } from '../batching/operands.js';
import { batchSelect } from '../batching/shapes.js';
import { reduceToOperands } from '../broadcast-gradient.js';
import { convertToTensor, one } from '../call.js';
import { broadcasting, pointwise, zip } from '../elementwise.js';
import { bin, lazy, select as choose } from '../expr.js';
import { binary, named, type Joined, type Like } from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp, type GradientFn, type OpView, type Sample } from '../opdef.js';
import { constantBeside, zerosLike } from '../rules.js';
import type { Broadcast, Broadcastable, CommonDType, OpOptions, Operand, ShapeOf } from '../types.js';

/** The gradient of a choice between two tensors: all of it goes to the one that `test` names, at a tie to the first. */
const toTheChosen =
  (test: 'GreaterEqual' | 'LessEqual'): GradientFn =>
  ({ inputs: [x, y] }, [dy]) => {
    const zeros = zerosLike(dy);
    const first = one(test, [x, y]);
    const gx = one('SelectV2', [first, dy, zeros]);
    const gy = one('SelectV2', [first, zeros, dy]);
    return reduceToOperands(x, y, gx, gy);
  };

const extremes: readonly Sample[] = [
  {
    inputs: [
      [2, 3],
      [2, 3],
    ],
  },
  { inputs: [[2, 1], [3]] },
  {
    inputs: [
      { shape: [3], dtype: 'float64' },
      { shape: [], dtype: 'float64' },
    ],
  },
  { inputs: [{ value: [1, 2, NaN] }, { value: [1, NaN, 2] }], notDifferentiable: 'a kink where both are equal' },
  {
    inputs: [
      { value: [-3, 4], dtype: 'int32' },
      { value: [2, 2], dtype: 'int32' },
    ],
  },
];

defineOp({
  name: 'Maximum',
  signature:
    'x: T, y: T -> z: T | T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64}',
  infer: broadcasting,
  lower: zip((x, y) => bin('max', x, y)),
  grad: toTheChosen('GreaterEqual'),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: extremes,
});
/**
 * The larger of `x` and `y`, element by element with broadcasting (TensorFlow `tf.maximum`); NaN where either is. Both have
 * the same real number dtype. At a tie the whole gradient goes to `x`.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * maximum(constant([1, 5]), 3); // [3, 5]
 */
export function maximum<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('Maximum', x, y, options);
}

defineOp({
  name: 'Minimum',
  signature:
    'x: T, y: T -> z: T | T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64}',
  infer: broadcasting,
  lower: zip((x, y) => bin('min', x, y)),
  grad: toTheChosen('LessEqual'),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: extremes,
});
/**
 * The smaller of `x` and `y`, element by element with broadcasting (TensorFlow `tf.minimum`); NaN where either is. Both have
 * the same real number dtype. At a tie the whole gradient goes to `x`.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * minimum(constant([1, 5]), 3); // [1, 3]
 */
export function minimum<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('Minimum', x, y, options);
}

/**
 * `t` with every element below `clipValueMin` raised to it and every one above `clipValueMax` lowered to it (TensorFlow
 * `tf.clip_by_value`; ops Minimum and Maximum). The bounds broadcast to the shape of `t`. At a bound the gradient passes.
 * @throws ShapeError where a bound would broadcast `t` itself; DTypeError where the dtypes differ
 * @example
 * clipByValue(constant([-2, 0, 2]), -1, 1); // [-1, 0, 1]
 */
export function clipByValue<X extends Operand, Min extends Operand, Max extends Operand>(
  t: X,
  clipValueMin: Min & Broadcastable<X, Min>,
  clipValueMax: Max & Broadcastable<X, Max>,
  options?: OpOptions,
): Like<X> {
  const values = convertToTensor(t);
  const { name } = named('clip_by_value', options);
  return values.graph.receiver.attempt(() => {
    const below = one('Minimum', [values, clipValueMax], {}, { name: `${name}/Minimum` });
    const clipped = one('Maximum', [below, clipValueMin], {}, { name });
    for (const result of [below, clipped]) {
      if (isCompatible(values.shape, result.shape)) continue;
      throw new ShapeError(
        `clipByValue '${name}': the bounds would broadcast ${describeTensor(values)} itself.`,
        clipped.op.details(),
      );
    }
    return clipped;
  }) as Like<X>;
}

defineOp({
  name: 'Select',
  signature: 'condition: bool, t: T, e: T -> output: T | T: type',
  infer: inferSelect,
  lower: pointwise(
    ({ inputs: [condition, t, e] }) => [
      lazy(t.dtype, t.shape, (index) =>
        choose(condition.at(index.slice(0, condition.shape.length)), t.at(index), e.at(index)),
      ),
    ],
    ([condition, t, e]) => choose(condition!, t!, e!),
    { broadcasts: false },
  ),
  grad: ({ inputs: [condition, t] }, [dy]) => {
    const zeros = zerosLike(t);
    return [null, one('Select', [condition, dy, zeros]), one('Select', [condition, zeros, dy])];
  },
  batch: batchSelect,
  effect: 'pure',
  samples: [
    {
      inputs: [
        {
          value: [
            [true, false],
            [false, true],
          ],
        },
        [2, 2],
        [2, 2],
      ],
    },
    { inputs: [{ value: [true, false] }, [2, 3], [2, 3]] },
    { inputs: [{ value: false }, { shape: [3], dtype: 'float64' }, { shape: [3], dtype: 'float64' }] },
  ],
});
/**
 * `x` where `condition` holds, else `y`, without broadcasting (TensorFlow `tf.compat.v1.where`): `x` and `y` have one shape
 * and dtype; `condition` has that shape, or is a scalar, or a vector that chooses whole rows.
 * @throws ShapeError where the shapes do not fit; DTypeError where the dtypes differ
 * @example
 * select(constant([true, false]), [[1, 1], [2, 2]], [[3, 3], [4, 4]]); // [[1, 1], [4, 4]]
 */
export function select<C extends Operand, X extends Operand, Y extends Operand>(
  condition: C,
  x: X,
  y: Y,
  options?: OpOptions,
): Tensor<CommonDType<X, Y>, ShapeOf<X>> {
  return one('Select', [condition, x, y], {}, options) as ReturnType<typeof select<C, X, Y>>;
}

function inferSelect(op: OpView): readonly Shape[] {
  const [condition, t, e] = op.inputs;
  const data = mergeShapes(t.shape, e.shape);
  if (data === undefined) {
    throw new ShapeError(
      `Select '${op.name}': ${describeTensor(t)} and ${describeTensor(e)} must have one shape.`,
      op.details(),
    );
  }
  if (condition.shape === null || condition.shape.length === 0 || data === null) return [data];
  const rows = condition.shape.length === 1 && data.length > 0;
  const shape = rows ? data : mergeShapes(data, condition.shape);
  if (shape === undefined || (rows && !isCompatible(condition.shape, data.slice(0, 1)))) {
    throw new ShapeError(
      `Select '${op.name}': the condition ${describeTensor(condition)} must be a scalar, a vector of rows or of the shape of ${describeTensor(t)}.`,
      op.details(),
    );
  }
  return [shape];
}

defineOp({
  name: 'SelectV2',
  signature: 'condition: bool, t: T, e: T -> output: T | T: type',
  infer: broadcasting,
  lower: zip((condition, t, e) => choose(condition, t, e)),
  grad: ({ inputs: [condition, t, e], outputs: [z] }, [dy]) => {
    const zeros = constantBeside(dy, 0, dy.dtype, 'zeros');
    const gt = one('SelectV2', [condition, dy, zeros]);
    const ge = one('SelectV2', [condition, zeros, dy]);
    return [null, reduceToOperands(t, z, gt, null)[0], reduceToOperands(e, z, ge, null)[0]];
  },
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    {
      inputs: [
        {
          value: [
            [true, false],
            [false, true],
          ],
        },
        [2, 2],
        [2, 2],
      ],
    },
    { inputs: [{ value: [[true], [false]] }, [3], { shape: [] }] },
    { inputs: [{ value: [true, false] }, { shape: [2], dtype: 'float64' }, { shape: [3, 1], dtype: 'float64' }] },
  ],
});
/**
 * `x` where `condition` holds, else `y`, all three broadcast together (TensorFlow `tf.where`; op SelectV2). `x` and `y` have
 * the same dtype, any at all.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * where(constant([true, false]), [1, 2], 0); // [1, 0]
 */
export function where<C extends Operand, X extends Operand, Y extends Operand>(
  condition: C,
  x: X & Broadcastable<C, X>,
  y: Y & Broadcastable<X, Y>,
  options?: OpOptions,
): Tensor<CommonDType<X, Y>, Broadcast<Broadcast<ShapeOf<C>, ShapeOf<X>>, ShapeOf<Y>>> {
  return one('SelectV2', [condition, x, y], {}, options) as ReturnType<typeof where<C, X, Y>>;
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    maximum<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
    minimum<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
    clipByValue<Min extends Operand, Max extends Operand>(
      clipValueMin: Min & Broadcastable<Tensor<D, S>, Min>,
      clipValueMax: Max & Broadcastable<Tensor<D, S>, Max>,
      options?: OpOptions,
    ): Tensor<D, S>;
    select<X extends Operand, Y extends Operand>(
      x: X,
      y: Y,
      options?: OpOptions,
    ): Tensor<CommonDType<X, Y>, ShapeOf<X>>;
    where<X extends Operand, Y extends Operand>(
      x: X & Broadcastable<Tensor<D, S>, X>,
      y: Y & Broadcastable<X, Y>,
      options?: OpOptions,
    ): Tensor<CommonDType<X, Y>, Broadcast<Broadcast<S, ShapeOf<X>>, ShapeOf<Y>>>;
  }
}
installMethods({ maximum, minimum, clipByValue, select, where });
