/** Complex numbers: making them and taking them apart. */
import { allocate, isComplex, realDType, type DType } from '../../graph/dtype.js';
import { writeElement } from '../../graph/elements.js';
import { NDArray } from '../../graph/ndarray.js';
import { sizeOf, stridesOf, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchBroadcasting } from '../batching/operands.js';
import { reduceToOperands } from '../broadcast-gradient.js';
import { convertToTensor, one } from '../call.js';
import { broadcasting, concreteBroadcast, map, unchanged } from '../elementwise.js';
import { bin, cast, literal, un, type Expr } from '../expr.js';
import { IndexedSlices } from '../indexed-slices.js';
import type { Like, RealOf } from '../math-helpers.js';
import { installMethods } from '../methods.js';
import { defineOp, type Gradient, type OpView, type RoutineContext } from '../opdef.js';
import { conj as conjugate, constantBeside, times, zerosLike } from '../rules.js';
import type { Broadcast, Broadcastable, CommonDType, DTypeOf, OpOptions, Operand, ShapeOf } from '../types.js';

/** The complex dtype whose parts are of dtype D. */
type ComplexOf<D extends DType> = D extends 'float32'
  ? 'complex64'
  : D extends 'float64'
    ? 'complex128'
    : 'complex64' | 'complex128';

const parts = 'T: {complex64, complex128} = DT_COMPLEX64, Tout: {float, double} = DT_FLOAT';

/** Both parts as tensors, the real one first. */
function asComplex(real: Gradient, imag: Gradient): Tensor {
  const dense = (part: Gradient, name: string) => (part instanceof IndexedSlices ? part.toTensor({ name }) : part);
  const both = [dense(real, 'real'), dense(imag, 'imag')];
  return one('Complex', both, { Tout: real.dtype === 'float64' ? 'complex128' : 'complex64' });
}

defineOp({
  name: 'Complex',
  signature:
    'real: T, imag: T -> out: Tout | T: {float, double} = DT_FLOAT, Tout: {complex64, complex128} = DT_COMPLEX64',
  infer: broadcasting,
  lower: { routine: 'complex', run: join, pointwise: { element: joined, broadcasts: true } },
  grad: ({ inputs: [re, im] }, [dz]) => reduceToOperands(re, im, ...split(convertToTensor(dz))),
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
      attrs: { Tout: 'complex64' },
    },
    { inputs: [[2, 1], [3]], attrs: { Tout: 'complex64' } },
    {
      inputs: [
        { shape: [2], dtype: 'float64' },
        { shape: [], dtype: 'float64' },
      ],
      attrs: { Tout: 'complex128' },
    },
  ],
});
/**
 * Complex numbers from their real and imaginary parts, with broadcasting (TensorFlow `tf.complex`): complex64 from float32,
 * complex128 from float64.
 * @throws ShapeError where the shapes do not broadcast; DTypeError where the dtypes differ or are others
 * @example
 * complex(constant([1, 2]), 3); // [{ re: 1, im: 3 }, { re: 2, im: 3 }]
 */
export function complex<A extends Operand, B extends Operand>(
  real: A,
  imag: B & Broadcastable<A, B>,
  options?: OpOptions,
): Tensor<ComplexOf<CommonDType<A, B>>, Broadcast<ShapeOf<A>, ShapeOf<B>>> {
  const double = [real, imag].some((part) => (part as { readonly dtype?: unknown }).dtype === 'float64');
  return one('Complex', [real, imag], { Tout: double ? 'complex128' : 'complex64' }, options) as ReturnType<
    typeof complex<A, B>
  >;
}

function split(z: Tensor): [Tensor, Tensor] {
  const attrs = { Tout: realDType(z.dtype) };
  return [one('Real', [z], attrs), one('Imag', [z], attrs)];
}

/** What `join` computes, written so that gradients can tell what kind of function it is. */
function joined([re, im]: readonly Expr[], op: OpView): Expr {
  const { dtype } = op.outputs[0];
  return bin('add', cast(re!, dtype), bin('mul', cast(im!, dtype), literal({ re: 0, im: 1 }, dtype)));
}

function join({ op, inputs: [re, im] }: RoutineContext): NDArray[] {
  const shape = concreteBroadcast(op, [re.shape, im.shape]);
  const dtype = op.outputs[0].dtype;
  const data = allocate(dtype, sizeOf(shape));
  const strides = stridesOf(shape);
  const steps = [re, im].map((part) =>
    stridesOf(part.shape).map((stride, axis) => (part.shape[axis] === 1 ? 0 : stride)),
  );
  for (let i = 0; i < sizeOf(shape); i++) {
    const [a, b] = steps.map((step) =>
      step.reduce((at, stride, k) => {
        const axis = k + shape.length - step.length;
        return at + stride * (Math.floor(i / strides[axis]!) % shape[axis]!);
      }, 0),
    ) as [number, number];
    writeElement(dtype, data, i, { re: re.element(a) as number, im: im.element(b) as number });
  }
  return [new NDArray(dtype, shape, data)];
}

defineOp({
  name: 'Real',
  signature: `input: T -> output: Tout | ${parts}`,
  infer: unchanged,
  lower: map((z) => un('real', z)),
  grad: (_op, [dy]) => [asComplex(dy, constantBeside(dy, 0, dy.dtype))],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], dtype: 'complex64' }], attrs: { Tout: 'float32' } },
    { inputs: [{ shape: [2], dtype: 'complex128' }], attrs: { Tout: 'float64' } },
  ],
});
/**
 * The real part (TensorFlow `tf.math.real`); a real tensor is returned as it is.
 * @example
 * real(constant([{ re: 1, im: 2 }])); // [1]
 */
export function real<X extends Operand>(input: X, options?: OpOptions): Tensor<RealOf<DTypeOf<X>>, ShapeOf<X>> {
  const tensor = convertToTensor(input);
  const attrs = { Tout: realDType(tensor.dtype) };
  return (isComplex(tensor.dtype) ? one('Real', [tensor], attrs, options) : tensor) as ReturnType<typeof real<X>>;
}

defineOp({
  name: 'Imag',
  signature: `input: T -> output: Tout | ${parts}`,
  infer: unchanged,
  lower: map((z) => un('imag', z)),
  grad: (_op, [dy]) => [asComplex(constantBeside(dy, 0, dy.dtype), dy)],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], dtype: 'complex64' }], attrs: { Tout: 'float32' } },
    { inputs: [{ shape: [2], dtype: 'complex128' }], attrs: { Tout: 'float64' } },
  ],
});
/**
 * The imaginary part (TensorFlow `tf.math.imag`): zeros for a real tensor.
 * @example
 * imag(constant([{ re: 1, im: 2 }])); // [2]
 */
export function imag<X extends Operand>(input: X, options?: OpOptions): Tensor<RealOf<DTypeOf<X>>, ShapeOf<X>> {
  const tensor = convertToTensor(input);
  const attrs = { Tout: realDType(tensor.dtype) };
  return (isComplex(tensor.dtype) ? one('Imag', [tensor], attrs, options) : zerosLike(tensor)) as ReturnType<
    typeof imag<X>
  >;
}

defineOp({
  name: 'Conj',
  signature: 'input: T -> output: T | T: {complex64, complex128, variant} = DT_COMPLEX64',
  infer: unchanged,
  lower: map((z) => un('conj', z)),
  grad: (_op, [dy]) => [conjugate(dy)],
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [{ inputs: [{ shape: [2, 3], dtype: 'complex64' }] }, { inputs: [{ shape: [2], dtype: 'complex128' }] }],
});
/**
 * The complex conjugate (TensorFlow `tf.math.conj`); a real tensor is returned as it is.
 * @example
 * conj(constant([{ re: 1, im: 2 }])); // [{ re: 1, im: -2 }]
 */
export function conj<X extends Operand>(x: X, options?: OpOptions): Like<X> {
  const tensor = convertToTensor(x);
  return (isComplex(tensor.dtype) ? one('Conj', [tensor], {}, options) : tensor) as Like<X>;
}

defineOp({
  name: 'ComplexAbs',
  signature: `x: T -> y: Tout | ${parts}`,
  infer: unchanged,
  lower: map((z) => un('abs', z)),
  grad: ({ inputs: [x], outputs: [y] }, [dy]) => {
    const grad = convertToTensor(dy);
    const product = times(asComplex(grad, zerosLike(grad)), x);
    return [one('DivNoNan', [product, asComplex(y, zerosLike(y))], {}, { name: 'div_no_nan' })];
  },
  batch: batchBroadcasting,
  effect: 'pure',
  samples: [
    { inputs: [{ shape: [2, 3], dtype: 'complex64', domain: [0.5, 2] }], attrs: { Tout: 'float32' } },
    { inputs: [{ shape: [2], dtype: 'complex128', domain: [0.5, 2] }], attrs: { Tout: 'float64' } },
  ],
});

declare module '../../graph/tensor.js' {
  interface Tensor<D extends DType, S extends Shape> {
    complex<B extends Operand>(
      imag: B & Broadcastable<Tensor<D, S>, B>,
      options?: OpOptions,
    ): Tensor<ComplexOf<D>, Broadcast<S, ShapeOf<B>>>;
    real(options?: OpOptions): Tensor<RealOf<D>, S>;
    imag(options?: OpOptions): Tensor<RealOf<D>, S>;
    conj(options?: OpOptions): Tensor<D, S>;
  }
}
installMethods({ complex, real, imag, conj });
