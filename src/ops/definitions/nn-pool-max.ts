/** The largest element of each window of images, and where gradients go from there. */
import { dtypeInfo } from '../../graph/dtype.js';
import { NDArray } from '../../graph/ndarray.js';
import { mergeShapes, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchImages } from '../batching/images.js';
import { one } from '../call.js';
import { bin, int, lazy, literal, select, type Expr, type Lazy } from '../expr.js';
import { fourOf, formatOf, paddingAttrs, type ImageOptions, type Padding, type PerAxis } from '../image-calls.js';
import { defineOp, type LowerView, type OpView } from '../opdef.js';
import { dense } from '../indexing.js';
import { outputOf, overWindow, overWindowsAt, placesOf, pooledShape, poolAttrs, spansOf } from '../pooling.js';
import { zerosLike } from '../rules.js';
import { identityOf } from '../scalar.js';
import { requireRank, shapeError, zeroOf } from '../shape-rules.js';
import type { DTypeOf, Operand } from '../types.js';
import { explicitPaddings, type Span } from '../windows.js';

const ordered = '{half, bfloat16, float, double, int32, int64, uint8, int16, int8, uint16}';
const differentiated = '{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}';
const windows = `ksize: list(int) >= 4, strides: list(int) >= 4, padding: {'SAME', 'VALID', 'EXPLICIT'},
  explicit_paddings: list(int) = [], data_format: {'NHWC', 'NCHW'} = 'NHWC'`;

/** No element is less. */
function least({ dtype }: Lazy): Expr {
  return literal(identityOf('max', dtype), dtype);
}

/** An element of `image` as it is compared: NaN is less than all others. */
function compared(image: Lazy, position: readonly Expr[]): Expr {
  const x = image.at(position);
  return dtypeInfo(image.dtype).kind === 'float' ? select(bin('gt', x, least(image)), x, least(image)) : x;
}

function largest(image: Lazy, spans: readonly Span[]): Lazy {
  return lazy(image.dtype, outputOf(spans), (index) =>
    overWindow('max', spans, index, ({ position }) => compared(image, position), least(image)),
  );
}

/** The number of the first place in each window where `image` is `values`; where there is none, that of no place. */
function firstPlace(image: Lazy, values: Lazy, spans: readonly Span[]): Lazy {
  const none = int(placesOf(spans));
  return lazy('int32', outputOf(spans), (index) =>
    overWindow(
      'min',
      spans,
      index,
      ({ position, number }) => select(bin('eq', image.at(position), values.at(index)), number, none),
      none,
    ),
  );
}

function requireImages(op: OpView): void {
  for (const input of op.inputs) requireRank(op, input, 4, 'images');
  explicitPaddings(op);
}

/** The shape of the image, if the other inputs may have theirs: of the pool, and of the image or the pool. */
function checked(op: OpView, third: 'image' | 'pool'): Shape {
  const [image, pool, other] = op.inputs;
  requireImages(op);
  const pooled = mergeShapes(pooledShape(op, image.shape, true), pool.shape);
  const fits = pooled !== undefined && mergeShapes(third === 'pool' ? pooled : image.shape, other.shape) !== undefined;
  if (!fits) throw shapeError(op, 'these are not the shapes of an image, its pool and a gradient', op.inputs);
  return third === 'pool' ? (image.shape ?? [null, null, null, null]) : pooled;
}

/** The windows, if the inputs have the shapes that go with them. */
function spansFor({ op, inputs }: LowerView, third: 'image' | 'pool'): readonly Span[] {
  const [image, pool, other] = inputs;
  const spans = spansOf(op, image.shape, true);
  const expected = outputOf(spans).join();
  if (pool.shape.join() !== expected || other.shape.join() !== (third === 'pool' ? expected : image.shape.join()))
    throw shapeError(op, 'these are not the shapes of an image, its pool and a gradient', op.inputs);
  return spans;
}

/** Gradients of a pool with paddings of its own are those of a VALID one, of what these paddings make. */
function unpadded(op: OpView, image: Tensor, ...others: readonly Tensor[]): readonly Tensor[] {
  const paddings = explicitPaddings(op);
  if (!paddings) return [image, ...others];
  const widths = NDArray.from(
    paddings.map((pair) => [...pair]),
    'int32',
  );
  const lowest = NDArray.from(identityOf('max', image.dtype) as number, image.dtype);
  return [one('PadV2', [image, widths, lowest]), ...others.map((other) => one('Pad', [other, widths]))];
}

const double = (...shape: number[]) => ({ shape, dtype: 'float64' }) as const;
const halves = { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'VALID' } as const;
const overlapping = { ksize: [1, 3, 2, 1], strides: [1, 1, 1, 1], padding: 'SAME' } as const;
const padded = {
  ksize: [1, 2, 2, 1],
  strides: [1, 2, 1, 1],
  padding: 'EXPLICIT',
  explicit_paddings: [0, 0, 1, 0, 0, 1, 0, 0],
} as const;
/** Windows whose largest element is there more than once. */
const ties = {
  value: [
    [
      [[1], [2], [2]],
      [[2], [2], [1]],
    ],
  ],
};

defineOp({
  name: 'MaxPool',
  signature: `input: T -> output: T | T: ${ordered} = DT_FLOAT, ${windows}`,
  infer: (op) => {
    requireImages(op);
    return [pooledShape(op, op.inputs[0].shape, true)];
  },
  lower: ({ op, inputs: [image] }) => [largest(image, spansOf(op, image.shape, true))],
  grad: (op, [dy]) => {
    const paddings = { explicit_paddings: op.intListAttr('explicit_paddings') };
    return [one('MaxPoolGrad', [op.inputs[0], op.outputs[0], dy], { ...poolAttrs(op), ...paddings })];
  },
  batch: batchImages,
  effect: 'pure',
  samples: [
    { inputs: [[2, 4, 5, 2]], attrs: halves },
    { inputs: [double(1, 4, 3, 2)], attrs: overlapping },
    { inputs: [double(1, 3, 4, 2)], attrs: padded },
    { inputs: [[1, 2, 2, 4]], attrs: { ksize: [1, 1, 1, 2], strides: [1, 1, 1, 2], padding: 'VALID' } },
    { inputs: [ties], attrs: { ...halves, strides: [1, 1, 1, 1] }, notDifferentiable: 'a tie' },
    {
      inputs: [
        {
          value: [
            [
              [[1], [-2]],
              [[3], [4]],
            ],
          ],
          dtype: 'int32',
        },
      ],
      attrs: halves,
    },
  ],
});

defineOp({
  name: 'MaxPoolGrad',
  signature: `orig_input: T, orig_output: T, grad: T -> output: T | ${windows}, T: ${differentiated} = DT_FLOAT`,
  infer: (op) => [checked(op, 'pool')],
  lower: (view) => {
    const [image, , dy] = view.inputs;
    const spans = spansFor(view, 'pool');
    // The pool is worked out again: what is given need not be that of the image.
    const place = view.temp(firstPlace(image, view.temp(largest(image, spans)), spans));
    const zero = zeroOf(dy.dtype);
    const at = (position: readonly Expr[]): Expr =>
      overWindowsAt(
        spans,
        position,
        (index, number) => select(bin('eq', place.at(index), number), dy.at(index), zero),
        zero,
      );
    return [lazy(dy.dtype, image.shape, at)];
  },
  grad: (op, [dy]) => {
    const [image, pool] = op.inputs;
    const [from, to] = unpadded(op, image, dense(dy));
    return [zerosLike(image), zerosLike(pool), one('MaxPoolGradGrad', [from!, pool, to!], validated(op))];
  },
  batch: batchImages,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 4, 5, 2],
        [2, 2, 2, 2],
        [2, 2, 2, 2],
      ],
      attrs: halves,
      notDifferentiable: 'only with the pool of the image',
    },
    {
      inputs: [double(1, 4, 3, 2), double(1, 4, 3, 2), double(1, 4, 3, 2)],
      attrs: overlapping,
      notDifferentiable: 'only with the pool of the image',
    },
    {
      inputs: [double(1, 3, 4, 2), double(1, 2, 4, 2), double(1, 2, 4, 2)],
      attrs: padded,
      notDifferentiable: 'only with the pool of the image',
    },
    {
      inputs: [ties, [1, 1, 2, 1], [1, 1, 2, 1]],
      attrs: { ...halves, strides: [1, 1, 1, 1] },
      notDifferentiable: 'a tie',
    },
  ],
});

/** The attributes of the pool that `unpadded` makes. */
function validated(op: OpView): ReturnType<typeof poolAttrs> {
  return explicitPaddings(op) ? { ...poolAttrs(op), padding: 'VALID' } : poolAttrs(op);
}

defineOp({
  name: 'MaxPoolGradGrad',
  signature: `orig_input: T, orig_output: T, grad: T -> output: T | ksize: list(int) >= 4, strides: list(int) >= 4,
    padding: {'SAME', 'VALID'}, data_format: {'NHWC', 'NCHW'} = 'NHWC', T: ${differentiated}`,
  infer: (op) => [checked(op, 'image')],
  lower: (view) => {
    const [image, pool, dy] = view.inputs;
    const spans = spansFor(view, 'image');
    const place = view.temp(firstPlace(image, pool, spans));
    const zero = zeroOf(dy.dtype);
    const at = (index: readonly Expr[]): Expr =>
      overWindow(
        'add',
        spans,
        index,
        ({ position, number }) => select(bin('eq', place.at(index), number), dy.at(position), zero),
        zero,
      );
    return [lazy(dy.dtype, outputOf(spans), at)];
  },
  grad: (op, [dy]) => {
    const [image, pool] = op.inputs;
    return [zerosLike(image), zerosLike(pool), one('MaxPoolGrad', [image, pool, dy], poolAttrs(op))];
  },
  batch: batchImages,
  effect: 'pure',
  samples: [
    {
      inputs: [ties, { value: [[[[2], [2]]]] }, [1, 2, 3, 1]],
      attrs: { ...halves, strides: [1, 1, 1, 1] },
      notDifferentiable: 'a tie',
    },
    {
      inputs: [double(1, 2, 2, 1), double(1, 1, 1, 1), double(1, 2, 2, 1)],
      attrs: halves,
      notDifferentiable: 'only with the pool of the image',
    },
  ],
});

/**
 * The largest element of each window of images [batch, height, width, channels] (TensorFlow `tf.nn.max_pool2d`). The padding and
 * NaN are less than any number. Of equal elements, the gradient goes to the first. A real dtype.
 * @param ksize the height and width of a window: one number, two, or four; an axis of channels may have windows, too
 * @param strides how far a window moves, likewise
 * @param padding 'SAME', 'VALID' (windows stay within the images), or how much is added before and after each of the four axes
 * @throws ShapeError where the rank is not 4 or a window does not fit; InvalidArgumentError for sizes that are not understood
 * @example
 * nn.maxPool2d(constant([[[[1], [2]], [[4], [3]]]]), 2, 2, 'VALID'); // [[[[4]]]]
 */
export function maxPool2d<X extends Operand>(
  input: X,
  ksize: PerAxis,
  strides: PerAxis,
  padding: Padding,
  options: ImageOptions = {},
): Tensor<DTypeOf<X>> {
  const format = formatOf('maxPool2d', options);
  const attrs = {
    ksize: fourOf('maxPool2d', 'ksize', ksize, format),
    strides: fourOf('maxPool2d', 'strides', strides, format),
    data_format: format,
    ...paddingAttrs('maxPool2d', padding),
  };
  return one('MaxPool', [input], attrs, { name: options.name ?? 'MaxPool2d' }) as Tensor<DTypeOf<X>>;
}
