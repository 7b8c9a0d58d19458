/** Leaves and pass-throughs: constants, placeholders, identities, and the ops that stop or forbid gradients. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError, LookupError, ShapeError } from '../../graph/errors.js';
import { describeTensor } from '../../graph/node.js';
import { NDArray, type TensorData } from '../../graph/ndarray.js';
import type { Operation } from '../../graph/operation.js';
import { formatShape, isCompatible, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchOnce, perRow, rowwise } from '../batching/operands.js';
import { call, one } from '../call.js';
import { itself, unchanged } from '../elementwise.js';
import { known } from '../expr.js';
import type { AsShape, DTypeOfData, ShapeOfData } from '../literals.js';
import { installMethods } from '../methods.js';
import { defineOp } from '../opdef.js';
import type { DTypeOf, Operand, OpOptions, ShapeOf } from '../types.js';

defineOp({
  name: 'Const',
  signature: '-> output: dtype | value: tensor, dtype: type',
  infer: (op) => [op.tensorAttr('value').shape],
  lower: ({ op }) => [known(op.tensorAttr('value'))],
  grad: 'none',
  batch: batchOnce,
  effect: 'pure',
  samples: [
    {
      inputs: [],
      attrs: {
        value: NDArray.from([
          [1, 2],
          [3, 4],
        ]),
        dtype: 'float32',
      },
    },
    { inputs: [], attrs: { value: NDArray.from(7, 'int32'), dtype: 'int32' } },
    { inputs: [], attrs: { value: NDArray.from([], 'float64', [0, 3]), dtype: 'float64' } },
    { inputs: [], attrs: { value: NDArray.from([true, false]), dtype: 'bool' } },
  ],
});
/**
 * A tensor that always is `data` (TensorFlow `tf.constant`). Without `dtype`, numbers become float32, booleans bool,
 * strings string, bigints int64, and typed arrays keep their own; `shape` arranges flat data or repeats a single value.
 * @throws DTypeError where `dtype` cannot hold a value; ShapeError for ragged data or data that does not fill `shape`
 * @example
 * constant([[1, 2], [3, 4]]); // [[1, 2], [3, 4]], Tensor<'float32', [2, 2]>
 * constant(0, { dtype: 'int32', shape: [3] }); // [0, 0, 0]
 */
export function constant<
  const X extends TensorData,
  D extends DType = DTypeOfData<X>,
  const S extends readonly number[] | undefined = undefined,
>(
  data: X,
  options: OpOptions & { readonly dtype?: D; readonly shape?: S } = {},
): Tensor<D, S extends readonly number[] ? AsShape<S> : AsShape<ShapeOfData<X>>> {
  const value = NDArray.from(data, options.dtype, options.shape);
  return one('Const', [], { value, dtype: value.dtype }, { name: options.name ?? 'Const' }) as never;
}

defineOp({
  name: 'Placeholder',
  signature: '-> output: dtype | dtype: type, shape: shape = unknown',
  infer: (op) => [op.shapeAttr('shape')],
  lower: {
    routine: 'placeholder',
    run: ({ op }) => {
      throw new InvalidArgumentError(
        `You must feed a value for placeholder tensor '${op.name}' with dtype ${op.typeAttr('dtype')} and shape ` +
          `${formatShape(op.shapeAttr('shape'))}.`,
        op.details(),
      );
    },
  },
  grad: 'none',
  batch: batchOnce,
  effect: 'feed',
  samples: [],
});
/**
 * A tensor that a run must be fed (TensorFlow `tf.compat.v1.placeholder`); a dimension of null takes any size, a shape of
 * null any rank.
 * @throws InvalidArgumentError at run time where it is needed and not fed
 * @example
 * const x = placeholder('float32', [null, 3], { name: 'x' }); // Tensor<'float32', [null, 3]>
 */
export function placeholder<const D extends DType, const S extends Shape = Shape>(
  dtype: D,
  shape?: S,
  options?: OpOptions,
): Tensor<D, AsShape<S>> {
  return one('Placeholder', [], { dtype, shape: shape ?? null }, options) as never;
}

defineOp({
  name: 'PlaceholderWithDefault',
  signature: 'input: dtype -> output: dtype | dtype: type, shape: shape',
  infer: (op) => {
    const shape = op.shapeAttr('shape');
    if (!isCompatible(op.inputs[0].shape, shape)) {
      throw new ShapeError(
        `${op.type} '${op.name}': the default ${describeTensor(op.inputs[0])} is not of shape ${formatShape(shape)}.`,
        op.details(),
      );
    }
    return [shape];
  },
  lower: ({ inputs: [x] }) => [x],
  // Where what was forgotten and what is known of the gradient contradict each other, this will not run: see branchGradient.
  grad: ({ inputs: [x] }, [dy]) => [
    isCompatible(dy.shape, x.shape) ? dy : one('PlaceholderWithDefault', [dy], { shape: null }),
  ],
  batch: 'loop',
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]], attrs: { shape: [2, null] } },
    { inputs: [[]], attrs: { shape: null } },
  ],
});
/**
 * A tensor that is `input` unless a run feeds it (TensorFlow `tf.compat.v1.placeholder_with_default`).
 * @throws ShapeError where `input` cannot be of shape `shape`
 * @example
 * placeholderWithDefault([1, 2], [null]); // [1, 2], or what is fed
 */
export function placeholderWithDefault<X extends Operand, const S extends Shape>(
  input: X,
  shape: S,
  options?: OpOptions,
): Tensor<DTypeOf<X>, AsShape<S>> {
  return one('PlaceholderWithDefault', [input], { shape }, options) as never;
}

defineOp({
  name: 'Identity',
  signature: 'input: T -> output: T | T: type',
  infer: unchanged,
  lower: itself,
  grad: (_, [dy]) => [dy],
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [], dtype: 'float64' }] },
    { inputs: [{ value: [1, 2], dtype: 'int32' }] },
  ],
});
/**
 * The value of `input` under another name (TensorFlow `tf.identity`). Shape and dtype are those of `input`.
 * @example
 * identity(constant([1, 2])); // [1, 2]
 */
export function identity<X extends Operand>(input: X, options?: OpOptions): Tensor<DTypeOf<X>, ShapeOf<X>> {
  return one('Identity', [input], {}, options) as never;
}

defineOp({
  name: 'StopGradient',
  signature: 'input: T -> output: T | T: type',
  infer: unchanged,
  lower: ({ inputs: [x] }) => [x],
  grad: 'stop',
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [{ inputs: [[2, 3]] }, { inputs: [{ value: 3, dtype: 'int64' }] }],
});
/**
 * The value of `input`, which gradients take for a constant (TensorFlow `tf.stop_gradient`).
 * @example
 * const x = constant(3);
 * gradients(x.multiply(stopGradient(x)), x); // [3]
 */
export function stopGradient<X extends Operand>(input: X, options?: OpOptions): Tensor<DTypeOf<X>, ShapeOf<X>> {
  return one('StopGradient', [input], {}, options) as never;
}

defineOp({
  name: 'PreventGradient',
  signature: "input: T -> output: T | T: type, message: string = ''",
  infer: unchanged,
  lower: ({ inputs: [x] }) => [x],
  grad: (op) => {
    throw new LookupError(`Gradient explicitly disabled. Reason: ${op.stringAttr('message')}`, op.details());
  },
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [{ inputs: [[2]], attrs: { message: 'no' }, notDifferentiable: 'asking for the gradient is an error' }],
});
/**
 * The value of `input`; asking for a gradient through it is an error that says `message` (TensorFlow
 * `tf.raw_ops.PreventGradient`).
 * @throws LookupError in `gradients`, not here
 * @example
 * preventGradient(constant([1, 2]), 'the table is fixed'); // [1, 2]
 */
export function preventGradient<X extends Operand>(
  input: X,
  message = '',
  options?: OpOptions,
): Tensor<DTypeOf<X>, ShapeOf<X>> {
  return one('PreventGradient', [input], { message }, options) as never;
}

defineOp({
  name: 'NoOp',
  signature: '->',
  infer: () => [],
  lower: () => [],
  grad: 'none',
  batch: batchOnce,
  effect: 'pure',
  samples: [{ inputs: [] }],
});
/**
 * An operation that computes nothing, to hang control dependencies on (TensorFlow `tf.no_op`).
 * @example
 * const done = controlDependencies([constant(1), constant(2)], () => noOp({ name: 'done' }));
 * done.controlInputs.length; // 2
 */
export function noOp(options?: OpOptions): Operation {
  return call('NoOp', [], {}, options);
}

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    identity(options?: OpOptions): Tensor<D, S>;
    stopGradient(options?: OpOptions): Tensor<D, S>;
    preventGradient(message?: string, options?: OpOptions): Tensor<D, S>;
  }
}
installMethods({ identity, stopGradient, preventGradient });
