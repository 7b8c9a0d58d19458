/** Quotients and remainders, with broadcasting. */
import { NDArray, type TensorData } from '../../graph/ndarray.js';
import type { DType } from '../../graph/dtype.js';
import { controlDependencies } from '../../graph/scopes.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchBroadcasting, perRow, rowwise } from '../batching/operands.js';
import { reduceToOperands } from '../broadcast-gradient.js';
import { convertToTensor, graphOf, one } from '../call.js';
import { broadcasting, map, unchanged, zip } from '../elementwise.js';
import { bin, select, un } from '../expr.js';
import {
  binary,
  floatDTypes,
  isComplexExpr,
  named,
  numberDTypes,
  sameType,
  unary,
  unlessZero,
  type Joined,
  type Like,
  type Quotient,
} from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp, type GradientFn } from '../opdef.js';
import { conj, negated, times } from '../rules.js';
import type { Broadcast, Broadcastable, CommonDType, OpOptions, Operand, ShapeOf } from '../types.js';

defineOp({
  name: 'RealDiv',
  signature: `x: T, y: T -> z: T | T: ${numberDTypes}`,
  infer: broadcasting,
  lower: zip((x, y) => bin('div', x, y)),
  grad: ({ inputs: [x, y] }, [dy]) => {
    const [cx, cy] = [conj(x), conj(y)];
    const gx = one('RealDiv', [dy, cy]);
    const gy = times(dy, one('RealDiv', [one('RealDiv', [negated(cx), cy]), cy]));
    return reduceToOperands(x, y, gx, gy);
  },
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { shape: [2, 3], domain: [0.5, 2] }] },
    { inputs: [[2, 1], { shape: [3], domain: [-2, -0.5] }] },
    {
      inputs: [
        { shape: [2], dtype: 'float64' },
        { shape: [], dtype: 'float64', domain: [0.5, 2] },
      ],
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64' },
        { shape: [2], dtype: 'complex64', domain: [0.5, 2] },
      ],
    },
  ],
});
/** The dtype in which integers are divided. */
const quotients: Readonly<Partial<Record<DType, DType>>> = {
  uint8: 'float32',
  int8: 'float32',
  uint16: 'float32',
  int16: 'float32',
  uint32: 'float64',
  int32: 'float64',
  uint64: 'float64',
  int64: 'float64',
};

type Divided<A, B> = Tensor<Quotient<CommonDType<A, B>>, Broadcast<ShapeOf<A>, ShapeOf<B>>>;

/**
 * `x / y`, element by element with broadcasting (TensorFlow `tf.divide`). Both have the same number dtype; integers are
 * cast to float64 first, those of at most 16 bits to float32.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * divide(constant([1, 2]), 4); // [0.25, 0.5]
 */
export function divide<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Divided<A, B> {
  return quotient('RealDiv', x, y, named('truediv', options)) as Divided<A, B>;
}

function quotient(type: string, x: Operand, y: Operand, options: { readonly name: string }): Tensor {
  const operands = [x, y] as const;
  const typed = operands.find((value) => (value as Partial<Tensor>).dtype !== undefined) as Tensor | undefined;
  const dtype = typed?.dtype ?? NDArray.from(x as TensorData).dtype;
  const wide = quotients[dtype];
  if (wide === undefined) return one(type, operands, {}, options);
  const graph = graphOf(type, operands);
  return graph.attempt(() =>
    graph.asDefault(() => {
      const tensors = operands.map((value, i) => convertToTensor(value, dtype, `${options.name}/${'xy'[i]}`));
      const wider = tensors.map((tensor) => one('Cast', [tensor], { DstT: wide }, { name: `${options.name}/Cast` }));
      return one(type, wider, {}, options);
    }),
  );
}

defineOp({
  name: 'DivNoNan',
  signature: `x: T, y: T -> z: T | T: ${floatDTypes}`,
  infer: broadcasting,
  lower: zip((x, y) => select(bin('eq', y, sameType(0, y)), sameType(0, x), bin('div', x, y))),
  grad: (op, [dy]) => {
    const [x, y] = [conj(op.inputs[0]), conj(op.inputs[1])];
    const ratio = (a: Tensor, b: Tensor) => one('DivNoNan', [a, b], {}, { name: 'div_no_nan' });
    const gx = ratio(convertToTensor(dy), y);
    const gy = times(dy, ratio(ratio(negated(x), y), y));
    return reduceToOperands(x, y, gx, gy);
  },
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { shape: [2, 3], domain: [0.5, 2] }] },
    {
      inputs: [
        { shape: [2, 1], dtype: 'float64' },
        { shape: [3], dtype: 'float64', domain: [0.5, 2] },
      ],
    },
    {
      inputs: [{ value: [1, NaN, 3] }, { value: [0, 0, 2] }],
      notDifferentiable: 'the quotient jumps at a zero divisor',
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64' },
        { shape: [2, 1], dtype: 'complex64', domain: [0.5, 2] },
      ],
    },
  ],
});
/**
 * `x / y`, and 0 wherever `y` is 0 (TensorFlow `tf.math.divide_no_nan`). Both have the same number dtype; integers are cast
 * as by `divide`.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ
 * @example
 * divideNoNan(constant([1, 6]), [0, 3]); // [0, 2]
 */
export function divideNoNan<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Divided<A, B> {
  return quotient('DivNoNan', x, y, named('div_no_nan', options)) as Divided<A, B>;
}

defineOp({
  name: 'FloorDiv',
  signature: `x: T, y: T -> z: T | T: ${numberDTypes}`,
  infer: broadcasting,
  lower: zip((x, y) => bin('floordiv', x, y)),
  grad: () => [null, null],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ value: [-7, 7, 8.5] }, { value: [2, -2, 4] }], notDifferentiable: 'a step function' },
    {
      inputs: [
        { value: [[-7], [7]], dtype: 'int32' },
        { value: [2, -2, 3], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { value: [-9, 9], dtype: 'int64' },
        { value: 4, dtype: 'int64' },
      ],
    },
  ],
});
/**
 * The quotient rounded towards minus infinity (TensorFlow `tf.math.floordiv`), with broadcasting. Both have the same real
 * number dtype, which is that of the result. No gradient flows.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ; when run,
 * InvalidArgumentError for an integer divided by zero
 * @example
 * floordiv(constant([-7, 7]), 2); // [-4, 3]
 */
export function floordiv<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('FloorDiv', x, y, named('floordiv', options));
}

defineOp({
  name: 'FloorMod',
  signature:
    'x: T, y: T -> z: T | T: {int8, int16, int32, int64, uint8, uint16, uint32, uint64, bfloat16, half, float, double}',
  infer: broadcasting,
  lower: zip((x, y) => bin('floormod', x, y)),
  grad: ({ inputs: [x, y] }, [dy]) => {
    const floor = one('FloorDiv', [conj(x), conj(y)]);
    return reduceToOperands(x, y, dy, times(dy, negated(floor)));
  },
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ value: [-6.5, 7.5, 1.25] }, { value: [2, -2, 4] }] },
    {
      inputs: [
        { value: [[-7], [7]], dtype: 'int32' },
        { value: [2, -2, 3], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { value: [[-6.5], [7.25]], dtype: 'float64' },
        { value: [2, -3], dtype: 'float64' },
      ],
    },
  ],
});
/**
 * The remainder of the quotient rounded towards minus infinity, which has the sign of `y` (TensorFlow `tf.math.floormod`),
 * with broadcasting. Both have the same real number dtype.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ; when run,
 * InvalidArgumentError for an integer divided by zero
 * @example
 * floormod(constant([-7, 7]), 4); // [1, 3]
 */
export function floormod<A extends Operand, B extends Operand>(
  x: A,
  y: B & Broadcastable<A, B>,
  options?: OpOptions,
): Joined<A, B> {
  return binary<A, B>('FloorMod', x, y, options);
}

const reciprocalGradient: GradientFn = ({ outputs: [y] }, [dy]) => [one('ReciprocalGrad', [y, dy])];

defineOp({
  name: 'Reciprocal',
  signature: 'x: T -> y: T | T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}',
  infer: unchanged,
  lower: map((x) => bin('div', sameType(1, x), x)),
  grad: reciprocalGradient,
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [0.5, 2] }] },
    { inputs: [{ shape: [2], dtype: 'float64', domain: [-2, -0.5] }] },
    { inputs: [{ shape: [2], dtype: 'complex64', domain: [0.5, 2] }] },
  ],
});
/**
 * `1 / x` (TensorFlow `tf.math.reciprocal`). A float or complex dtype.
 * @example
 * reciprocal(constant([2, -4])); // [0.5, -0.25]
 */
export function reciprocal<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  return unary('Reciprocal', x, options);
}

defineOp({
  name: 'ReciprocalGrad',
  signature: `y: T, dy: T -> z: T | T: ${floatDTypes}`,
  infer: unchanged,
  lower: zip((y, dy) => {
    const cy = isComplexExpr(y) ? un('conj', y) : y;
    return unlessZero(dy, bin('mul', un('neg', cy), bin('mul', dy, cy)));
  }),
  grad: ({ inputs: [y, dy] }, [ddz]) =>
    controlDependencies([ddz], () => {
      const [cy, cg] = [conj(y), conj(ddz)];
      return [times(times(times(cg, -2), dy), cy), one('ReciprocalGrad', [cy, ddz])];
    }),
  batch: rowwise(perRow.data),
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
        { shape: [3], dtype: 'float64' },
        { shape: [3], dtype: 'float64' },
      ],
    },
    {
      inputs: [
        { shape: [2], dtype: 'complex64' },
        { shape: [2], dtype: 'complex64' },
      ],
    },
  ],
});

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    divide<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Divided<Tensor<D, S>, B>;
    divideNoNan<B extends Operand>(
      y: B & Broadcastable<Tensor<D, S>, B>,
      options?: OpOptions,
    ): Divided<Tensor<D, S>, B>;
    floordiv<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
    floormod<B extends Operand>(y: B & Broadcastable<Tensor<D, S>, B>, options?: OpOptions): Joined<Tensor<D, S>, B>;
    reciprocal(options?: OpOptions): Tensor<D, S>;
  }
}
installMethods({ divide, divideNoNan, floordiv, floormod, reciprocal });
