/** The next number that a dtype holds. */
import type { DType } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shape.js';
import { batchBroadcasting } from '../batching/operands.js';
import { reduceProducts } from '../broadcast-gradient.js';
import { one } from '../call.js';
import { broadcasting, zip } from '../elementwise.js';
import { bin, select, un, type Expr } from '../expr.js';
import { binary, sameType, type Joined } from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp } from '../opdef.js';
import { constantBeside } from '../rules.js';
import type { Broadcastable, OpOptions, Operand } from '../types.js';

/** The bits of the fraction (with the leading one), the least positive number and the greatest. */
const formats = {
  float32: { digits: 24, least: 2 ** -149, greatest: (2 - 2 ** -23) * 2 ** 127 },
  float64: { digits: 53, least: 2 ** -1074, greatest: Number.MAX_VALUE },
} as const;

/**
 * The neighbour of `x` towards `y`, by arithmetic that rounds to nearest (Rump, Zimmermann, Boldo, Melquiond, "Computing
 * predecessor and successor in rounding to nearest", BIT 49, 2009): a little more than half a unit in the last place, added to
 * `x`, rounds to its neighbour. That little is exact only far from the least numbers, so those below 1 are scaled up first.
 */
function neighbour(x: Expr, y: Expr): Expr {
  const { digits, least, greatest } = formats[x.dtype as keyof typeof formats];
  const value = (number: number): Expr => sameType(number, x);
  const moved = (from: Expr, step: Expr): Expr =>
    select(bin('gt', y, x), bin('add', from, step), bin('sub', from, step));
  const nudged = (from: Expr): Expr =>
    moved(from, bin('mul', value(2 ** -digits * (1 + 2 ** (1 - digits))), un('abs', from)));
  const size = un('abs', x);
  const scaled = bin('mul', nudged(bin('mul', x, value(2 ** digits))), value(2 ** -digits));
  // Below this, numbers are as far apart as they are from 0 on; 0 keeps the sign of what it came from.
  const small = moved(x, value(least));
  const tiny = select(bin('eq', small, value(0)), bin('mul', x, value(0)), small);
  const finite = select(
    bin('lt', size, value(2 ** digits * least)),
    tiny,
    select(bin('lt', size, value(1)), scaled, nudged(x)),
  );
  const inwards = select(bin('gt', x, value(0)), value(greatest), value(-greatest));
  const next = select(bin('eq', size, value(Infinity)), inwards, finite);
  const unordered = bin('or', un('isnan', x), un('isnan', y));
  return select(bin('eq', x, y), y, select(unordered, bin('add', x, y), next));
}

defineOp({
  name: 'NextAfter',
  signature: 'x1: T, x2: T -> output: T | T: {double, float} = DT_FLOAT',
  infer: broadcasting,
  lower: zip(neighbour),
  grad: ({ inputs: [x1, x2] }, [dy]) =>
    reduceProducts(x1, x2, dy, ([s1, s2]) => {
      const filled = (shape: typeof s1, value: number, name: string) =>
        one('Fill', [shape, constantBeside(dy, value, dy.dtype, `${name}/Const`)], {}, { name });
      return [filled(s1, 1, 'ones'), filled(s2, 0, 'zeros')];
    }),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    {
      inputs: [
        { shape: [2, 1], dtype: 'float64' },
        { shape: [3], dtype: 'float64' },
      ],
    },
    {
      inputs: [{ value: [0, 1, 1, Infinity, 1e-45] }, { value: [1, 2, 1, 0, 0] }],
      notDifferentiable: 'the least numbers, infinity, and two equal ones',
    },
    { inputs: [[], [2]] },
  ],
});
/**
 * The next number after `x1` in the direction of `x2` that the dtype holds, with broadcasting; `x2` itself where both are
 * equal (TensorFlow `tf.math.nextafter`). Both are float32 or both float64. The gradient passes to `x1` unchanged, and `x2`
 * gets zeros.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ or are others
 * @example
 * subtract(nextafter(constant([1, 1]), [2, 0]), 1); // [1.1920929e-7, -5.9604645e-8]
 */
export function nextafter<A extends Operand, B extends Operand>(
  x1: A,
  x2: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('NextAfter', x1, x2, options);
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    nextafter<B extends Operand>(x2: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
  }
}
installMethods({ nextafter });
