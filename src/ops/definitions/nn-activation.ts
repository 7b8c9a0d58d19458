/** Rectifiers and their relatives, each with the op of its gradient. */
import { isInteger } from '../../graph/dtype.js';
import { mergeShapes, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchBroadcasting, perRow, rowwise } from '../batching/operands.js';
import { batchL2Loss } from '../batching/products.js';
import { convertToTensor, one } from '../call.js';
import { composedInScope } from '../compose.js';
import { map, unchanged, zip, zipWith } from '../elementwise.js';
import { bin, cast, lazy, reduce, select, un, type Expr } from '../expr.js';
import { castTo } from '../indexing.js';
import { sameType, unary, type Like } from '../math-helpers.js';
import { defineOp, type GradientFn, type Lowering, type OpView } from '../opdef.js';
import { times, zerosLike } from '../rules.js';
import { shapeError } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions, ShapeOf } from '../types.js';

const ordered = '{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}';
const floats = '{half, bfloat16, float, double}';

const positive = (x: Expr): Expr => bin('gt', x, sameType(0, x));
const negative = (x: Expr): Expr => bin('lt', x, sameType(0, x));
const zero = (x: Expr): Expr => sameType(0, x);

defineOp({
  name: 'Relu',
  signature: `features: T -> activations: T | T: ${ordered}`,
  infer: unchanged,
  // A comparison instead of a maximum, so that -0 stays -0 and NaN stays NaN.
  lower: map((x) => select(negative(x), zero(x), x)),
  grad: ({ outputs: [y] }, [dy]) => [one('ReluGrad', [dy, y])],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [4], dtype: 'float64' }] },
    { inputs: [{ value: [-3, 0, 2], dtype: 'int32' }] },
    { inputs: [{ value: [0] }], notDifferentiable: 'a kink at 0' },
  ],
});
/**
 * `max(x, 0)`, element by element (TensorFlow `tf.nn.relu`). Shape and dtype are those of `features`, which are real
 * numbers. The gradient at 0 is 0.
 * @throws DTypeError for a bool, string or complex tensor
 * @example
 * nn.relu(constant([-1, 0, 2])); // [0, 0, 2]
 */
export function relu<X extends Operand>(features: X, options?: OpOptions): Like<X> {
  return unary('Relu', features, options);
}

defineOp({
  name: 'ReluGrad',
  signature: `gradients: T, features: T -> backprops: T | T: ${ordered}`,
  infer: merged,
  lower: gated(positive),
  grad: gateGradient('ReluGrad'),
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: gateSamples(),
});

defineOp({
  name: 'Relu6',
  signature: `features: T -> activations: T | T: ${ordered}`,
  infer: unchanged,
  lower: map((x) => select(negative(x), zero(x), select(bin('gt', x, sameType(6, x)), sameType(6, x), x))),
  grad: ({ outputs: [y] }, [dy]) => [one('Relu6Grad', [dy, y])],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], domain: [-3, 9] }] },
    { inputs: [{ shape: [5], dtype: 'float64', domain: [4, 8] }] },
    { inputs: [{ value: [0, 6] }], notDifferentiable: 'kinks at 0 and 6' },
  ],
});
/**
 * `min(max(x, 0), 6)`, element by element (TensorFlow `tf.nn.relu6`). Shape and dtype are those of `features`, which are
 * real numbers. The gradient at 0 and 6 is 0.
 * @throws DTypeError for a bool, string or complex tensor
 * @example
 * nn.relu6(constant([-1, 5, 9])); // [0, 5, 6]
 */
export function relu6<X extends Operand>(features: X, options?: OpOptions): Like<X> {
  return unary('Relu6', features, options);
}

defineOp({
  name: 'Relu6Grad',
  signature: `gradients: T, features: T -> backprops: T | T: ${ordered}`,
  infer: merged,
  lower: gated((x) => bin('and', positive(x), bin('lt', x, sameType(6, x)))),
  grad: gateGradient('Relu6Grad'),
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: gateSamples(),
});

defineOp({
  name: 'LeakyRelu',
  signature: `features: T -> activations: T | alpha: float = 0.2, T: ${floats} = DT_FLOAT`,
  infer: unchanged,
  lower: map((x, op) => select(positive(x), x, bin('mul', x, slope(op, x)))),
  grad: (op, [dy]) => [one('LeakyReluGrad', [dy, op.inputs[0]], { alpha: op.floatAttr('alpha') })],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [4], dtype: 'float64' }], attrs: { alpha: 0.5 } },
    { inputs: [{ value: [0] }], notDifferentiable: 'a kink at 0' },
  ],
});

export interface LeakyReluOptions extends OpOptions {
  /** The slope for negative elements, 0.2 by default. */
  readonly alpha?: number;
}

/**
 * `x` where it is positive, `alpha x` elsewhere (TensorFlow `tf.nn.leaky_relu`). Shape and dtype are those of `features`;
 * integers become float32. The gradient at 0 is `alpha`.
 * @throws DTypeError for a dtype that is not a real number
 * @example
 * nn.leakyRelu(constant([-1, 2]), { alpha: 0.5 }); // [-0.5, 2]
 */
export function leakyRelu<X extends Operand>(features: X, options: LeakyReluOptions = {}): LeakyResult<X> {
  const { alpha = 0.2 } = options;
  return composedInScope('LeakyRelu', options, [features], (scope) => {
    const x = convertToTensor(features, undefined, 'features');
    return one(
      'LeakyRelu',
      [isInteger(x.dtype) ? castTo(x, 'float32') : x],
      { alpha },
      { name: scope },
    ) as LeakyResult<X>;
  });
}

type LeakyResult<X> = Tensor<
  DTypeOf<X> extends 'float16' | 'bfloat16' | 'float64' ? DTypeOf<X> : 'float32',
  ShapeOf<X>
>;

defineOp({
  name: 'LeakyReluGrad',
  signature: `gradients: T, features: T -> backprops: T | alpha: float = 0.2, T: ${floats} = DT_FLOAT`,
  infer: merged,
  lower: zipWith((op) => (dy, x) => select(positive(x), dy, bin('mul', dy, slope(op, dy)))),
  grad: (op, [dy]) => {
    const x = op.inputs[1];
    return [one('LeakyReluGrad', [dy, x], { alpha: op.floatAttr('alpha') }), zerosLike(x)];
  },
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    ...gateSamples(),
    {
      inputs: [
        { shape: [4], dtype: 'float64' },
        { shape: [4], dtype: 'float64' },
      ],
      attrs: { alpha: 0.5 },
    },
  ],
});

defineOp({
  name: 'Elu',
  signature: `features: T -> activations: T | T: ${floats}`,
  infer: unchanged,
  lower: map((x) => select(negative(x), un('expm1', x), x)),
  grad: ({ outputs: [y] }, [dy]) => [one('EluGrad', [dy, y])],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [{ inputs: [[2, 3]] }, { inputs: [{ shape: [4], dtype: 'float64' }] }],
});
/**
 * `exp(x) - 1` where `x` is negative, `x` elsewhere (TensorFlow `tf.nn.elu`). Shape and dtype are those of `features`, a
 * float one. The gradient at 0 is 1.
 * @throws DTypeError for a dtype that is not float
 * @example
 * nn.elu(constant([-1, 2])); // [-0.632, 2]
 */
export function elu<X extends Operand>(features: X, options?: OpOptions): Like<X> {
  return unary('Elu', features, options);
}

defineOp({
  name: 'EluGrad',
  signature: `gradients: T, outputs: T -> backprops: T | T: ${floats}`,
  infer: merged,
  lower: zip((dy, y) => select(negative(y), bin('mul', bin('add', y, sameType(1, y)), dy), dy)),
  grad: outputGradient('EluGrad'),
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: outputSamples(),
});

const seluScale = 1.0507009873554805;
const seluScaleAlpha = 1.7580993408473766;

defineOp({
  name: 'Selu',
  signature: `features: T -> activations: T | T: ${floats}`,
  infer: unchanged,
  lower: map((x) =>
    select(negative(x), bin('mul', sameType(seluScaleAlpha, x), un('expm1', x)), bin('mul', sameType(seluScale, x), x)),
  ),
  grad: ({ outputs: [y] }, [dy]) => [one('SeluGrad', [dy, y])],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [{ inputs: [[2, 3]] }, { inputs: [{ shape: [4], dtype: 'float64' }] }],
});
/**
 * `scale alpha (exp(x) - 1)` where `x` is negative, `scale x` elsewhere, with the constants that keep mean and variance
 * (TensorFlow `tf.nn.selu`). Shape and dtype are those of `features`, a float one.
 * @throws DTypeError for a dtype that is not float
 * @example
 * nn.selu(constant([-1, 2])); // [-1.111, 2.101]
 */
export function selu<X extends Operand>(features: X, options?: OpOptions): Like<X> {
  return unary('Selu', features, options);
}

defineOp({
  name: 'SeluGrad',
  signature: `gradients: T, outputs: T -> backprops: T | T: ${floats}`,
  infer: merged,
  lower: zip((dy, y) => {
    const below = bin('mul', dy, bin('add', y, sameType(seluScaleAlpha, y)));
    return select(negative(y), below, bin('mul', dy, sameType(seluScale, y)));
  }),
  grad: outputGradient('SeluGrad'),
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: outputSamples(),
});

defineOp({
  name: 'L2Loss',
  signature: `t: T -> output: T | T: ${floats}`,
  infer: () => [[]],
  lower: ({ inputs: [x] }) => {
    const at = (): Expr =>
      reduce('add', x.shape, (index) => bin('mul', bin('mul', x.at(index), x.at(index)), sameType(0.5, x.at(index))));
    return [lazy(x.dtype, [], at)];
  },
  grad: ({ inputs: [x] }, [dy]) => [times(x, dy)],
  batch: batchL2Loss,
  effect: 'pure',
  samples: [{ inputs: [[2, 3]] }, { inputs: [{ shape: [4], dtype: 'float64' }] }, { inputs: [[0]] }, { inputs: [[]] }],
});
/**
 * Half the sum of the squares of all elements, a scalar (TensorFlow `tf.nn.l2_loss`). The dtype is that of `t`, a float
 * one.
 * @throws DTypeError for a dtype that is not float
 * @example
 * nn.l2Loss(constant([3, 4])); // 12.5
 */
export function l2Loss<X extends Operand>(t: X, options?: OpOptions): Tensor<DTypeOf<X>, []> {
  return one('L2Loss', [t], {}, options) as Tensor<DTypeOf<X>, []>;
}

/** `alpha` as TensorFlow keeps it, in single precision, in the dtype of `x`. */
function slope(op: OpView, x: Expr): Expr {
  return sameType(Math.fround(op.floatAttr('alpha')), x);
}

/** The shape that both inputs have. @throws ShapeError where they contradict each other */
function merged(op: OpView): readonly Shape[] {
  const shape = mergeShapes(op.inputs[0].shape, op.inputs[1].shape);
  if (shape === undefined) throw shapeError(op, 'the shapes differ', op.inputs);
  return [shape];
}

/** The gradient where the test holds. A product, as in TensorFlow: what is not finite does not vanish at a closed gate. */
function gated(open: (x: Expr) => Expr): Lowering {
  return zip((dy, x) => bin('mul', dy, cast(open(x), x.dtype)));
}

/** Linear in its first input and piecewise constant in its second. */
function gateGradient(type: string): GradientFn {
  return ({ inputs: [, x] }, [dy]) => [one(type, [dy, x]), zerosLike(x)];
}

/** The gradient of `dy f'(y)` where f' is linear below 0 and constant above. */
function outputGradient(type: string): GradientFn {
  return ({ inputs: [dy, y] }, [ddy]) => {
    const toGradients = one(type, [ddy, y]);
    const below = one('Less', [y, 0]);
    return [toGradients, one('Select', [below, times(ddy, dy), zerosLike(y)])];
  };
}

function gateSamples() {
  return [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    {
      inputs: [
        { shape: [5], dtype: 'float64' },
        { shape: [5], dtype: 'float64', domain: [-3, 9] },
      ],
    },
  ] as const;
}

function outputSamples() {
  return [
    { inputs: [[2, 3], { shape: [2, 3], domain: [-0.9, 2] }] },
    {
      inputs: [
        { shape: [5], dtype: 'float64' },
        { shape: [5], dtype: 'float64', domain: [-0.9, 0.9] },
      ],
    },
  ] as const;
}
