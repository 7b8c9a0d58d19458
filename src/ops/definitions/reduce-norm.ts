/** The Euclidean norm over axes. */
import { isComplex, isInteger, type DType } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { reducedShape } from '../axes.js';
import { perRow, rowwise } from '../batching/operands.js';
import { one } from '../call.js';
import { bin, cast, un, type Expr } from '../expr.js';
import { dense } from '../indexing.js';
import { installMethods } from '../methods.js';
import { defineOp, type Gradient, type OpView } from '../opdef.js';
import { reduceBy, reducing, reductionNode, type Axes, type ReduceOptions } from '../reduction.js';
import { over, shapeOf, times } from '../rules.js';
import type { DTypeOf, Operand, ReducedShape } from '../types.js';

const numeric =
  '{float, double, int32, uint8, int16, int8, complex64, int64, bfloat16, uint16, complex128, half, uint32, uint64}';

const squared = (x: Expr): Expr => bin('mul', x, isComplex(x.dtype) ? un('conj', x) : x);
/** That of an integer is cut off towards 0. */
const root = (x: Expr): Expr => (isInteger(x.dtype) ? cast(un('sqrt', cast(x, 'float64')), x.dtype) : un('sqrt', x));

defineOp({
  name: 'EuclideanNorm',
  signature: `input: T, reduction_indices: Tidx -> output: T | keep_dims: bool = false, T: ${numeric}, Tidx: {int32, int64} = DT_INT32`,
  infer: reducing,
  lower: reduceBy('add', root, squared),
  grad: (op, [dy]) => [normGradient(op, dy), null],
  batch: rowwise(perRow.data, perRow.axes),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [0, 1], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [2, 3, 2], dtype: 'float64' },
        { value: [-2, 0], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { shape: [2, 3], dtype: 'float64' },
        { value: -1, dtype: 'int32' },
      ],
      attrs: { keep_dims: true },
    },
    {
      inputs: [
        { value: [3, -4, 1], dtype: 'int32' },
        { value: 0, dtype: 'int64' },
      ],
    },
    {
      inputs: [
        { shape: [2, 2], dtype: 'complex64' },
        { value: [1], dtype: 'int32' },
      ],
      notDifferentiable: "TensorFlow's rule takes the gradient of the norm to be real",
    },
  ],
});
/**
 * The Euclidean norm of `x` along `axis`, or of all of it (TensorFlow `tf.math.reduce_euclidean_norm`): the root of the sum of
 * squares. The dtype is that of `x`, so that of integers is cut off towards 0. It has no gradient where it is 0: NaN.
 * @throws InvalidArgumentError for an axis that `x` does not have
 * @example
 * reduceEuclideanNorm(constant([[3, 4], [5, 12]]), { axis: 1 }); // [5, 13]
 */
export function reduceEuclideanNorm<
  X extends Operand,
  const A extends Axes = undefined,
  K extends boolean | undefined = undefined,
>(x: X, options?: ReduceOptions<A, K>): Tensor<DTypeOf<X>, ReducedShape<A, K>> {
  return reductionNode('EuclideanNorm', x, options) as Tensor<DTypeOf<X>, ReducedShape<A, K>>;
}

/** The unit vector. TensorFlow divides by the quotient of norm and gradient, which is no linear function of the gradient at 0. */
function normGradient(op: OpView, gradient: Gradient): Tensor {
  const [x, axes] = op.inputs;
  let [y, dy] = [op.outputs[0], dense(gradient)];
  if (!op.boolAttr('keep_dims')) {
    const kept = reducedShape(shapeOf(x), axes);
    [y, dy] = [one('Reshape', [y, kept]), one('Reshape', [dy, kept])];
  }
  return times(x, over(dy, y));
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- declarations merge only with the same parameters
  interface Tensor<D extends DType, S extends Shape> {
    reduceEuclideanNorm<const A extends Axes = undefined, K extends boolean | undefined = undefined>(
      options?: ReduceOptions<A, K>,
    ): Tensor<D, ReducedShape<A, K>>;
  }
}
installMethods({ reduceEuclideanNorm });
