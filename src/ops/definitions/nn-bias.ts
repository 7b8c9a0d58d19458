/** Adding a bias to every position of a channel. */
import { InvalidArgumentError } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Dim, Shape } from '../../graph/shape.js';
import { batchBiasAdd, batchBiasAddGrad } from '../batching/products.js';
import { one } from '../call.js';
import { bin, lazy, reduce } from '../expr.js';
import { dense, item } from '../indexing.js';
import { defineOp, type Gradient, type OpView } from '../opdef.js';
import { onesLike, shapeOf } from '../rules.js';
import { replaced, requireRank, shapeError, without } from '../shape-rules.js';
import type { CommonDType, Operand, OpOptions, ShapeOf } from '../types.js';

const numeric =
  '{float, double, int32, uint8, int16, int8, complex64, int64, bfloat16, uint16, complex128, half, uint32, uint64}';

defineOp({
  name: 'BiasAdd',
  signature: `value: T, bias: T -> output: T | T: ${numeric}, data_format: {'NHWC', 'NCHW'} = 'NHWC'`,
  infer: (op) => {
    const [value, bias] = op.inputs;
    requireRank(op, bias, 1, 'bias');
    if (value.shape === null) return [null];
    const axis = channelAxis(op, value);
    const [channels, biases] = [value.shape[axis]!, bias.shape === null ? null : bias.shape[0]!];
    if (channels !== null && biases !== null && channels !== biases) throw differentCounts(op, channels, biases);
    return [replaced<Dim>(value.shape, axis, channels ?? biases)];
  },
  lower: ({ op, inputs: [value, bias] }) => {
    const axis = channelAxis(op, { shape: value.shape });
    if (value.shape[axis] !== bias.shape[0]) throw differentCounts(op, value.shape[axis]!, bias.shape[0]!);
    return [lazy(value.dtype, value.shape, (index) => bin('add', value.at(index), bias.at([index[axis]!])))];
  },
  grad: (op, [dy]) => [dy, one('BiasAddGrad', [dy], { data_format: op.stringAttr('data_format') })],
  batch: batchBiasAdd,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], [3]] },
    { inputs: [[2, 2, 2, 3], [3]] },
    {
      inputs: [
        { shape: [2, 3, 2], dtype: 'float64' },
        { shape: [3], dtype: 'float64' },
      ],
      attrs: { data_format: 'NCHW' },
    },
    {
      inputs: [
        { value: [[1, 2]], dtype: 'int32' },
        { value: [10, 20], dtype: 'int32' },
      ],
    },
  ],
});

export interface BiasAddOptions extends OpOptions {
  /** Where the channels are: last for `N…C` (the default), at axis 1 for `NC…`. */
  readonly dataFormat?: string;
}

/**
 * `value + bias`, where `bias` has one element a channel (TensorFlow `tf.nn.bias_add`). `value` has rank 2 or more, and 3
 * or more with channels first. Shape and dtype are those of `value`.
 * @throws ShapeError where `bias` is no vector of as many elements as there are channels
 * @example
 * nn.biasAdd(constant([[1, 2], [3, 4]]), [10, 20]); // [[11, 22], [13, 24]]
 */
export function biasAdd<A extends Operand, B extends Operand>(
  value: A,
  bias: B,
  options: BiasAddOptions = {},
): Tensor<CommonDType<A, B>, ShapeOf<A>> {
  const attrs = { data_format: canonicalFormat(options.dataFormat ?? 'NHWC') };
  return one('BiasAdd', [value, bias], attrs, options) as Tensor<CommonDType<A, B>, ShapeOf<A>>;
}

defineOp({
  name: 'BiasAddGrad',
  signature: `out_backprop: T -> output: T | T: ${numeric}, data_format: {'NHWC', 'NCHW'} = 'NHWC'`,
  infer: (op): readonly Shape[] => {
    const [dy] = op.inputs;
    return [[dy.shape === null ? null : dy.shape[channelAxis(op, dy)]!]];
  },
  lower: ({ op, inputs: [dy] }) => {
    const axis = channelAxis(op, { shape: dy.shape });
    const others = without(dy.shape, axis);
    return [
      lazy(dy.dtype, [dy.shape[axis]!], ([channel]) =>
        reduce('add', others, (over) => dy.at([...over.slice(0, axis), channel!, ...over.slice(axis)])),
      ),
    ];
  },
  grad: biasAddGradGradient,
  batch: batchBiasAddGrad,
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [[2, 2, 3]] },
    { inputs: [{ shape: [2, 3, 2], dtype: 'float64' }], attrs: { data_format: 'NCHW' } },
  ],
});

/** @throws InvalidArgumentError for a format that does not say where the channels are */
function canonicalFormat(format: string): string {
  if (format.startsWith('NC')) return 'NCHW';
  if (format.startsWith('N') && format.endsWith('C')) return 'NHWC';
  throw new InvalidArgumentError(`biasAdd: dataFormat must be of the form 'N…C' or 'NC…', not '${format}'.`, {
    op: 'BiasAdd',
  });
}

/** @throws ShapeError where the rank does not allow for channels */
function channelAxis(op: OpView, value: { readonly shape: Shape }): number {
  const first = op.stringAttr('data_format') === 'NCHW';
  const least = first ? 3 : 2;
  const rank = value.shape!.length;
  if (rank < least) throw shapeError(op, `rank ${least} or more is needed`);
  return first ? 1 : rank - 1;
}

function differentCounts(op: OpView, channels: number, biases: number): Error {
  return shapeError(op, `there are ${channels} channels and ${biases} biases`, op.inputs);
}

/** The bias's gradient repeated at every position. */
function biasAddGradGradient(op: OpView, [gradient]: readonly [Gradient, ...Gradient[]]): readonly Tensor[] {
  const dy = dense(gradient);
  const shape = shapeOf(op.inputs[0]);
  const biasShape = shapeOf(dy);
  const concat = (parts: readonly Operand[]): Tensor => one('ConcatV2', [parts, 0], {}, { name: 'concat' });
  const repeated = (expanded: Tensor, multiples: Tensor): Tensor =>
    one('Tile', [one('Reshape', [dy, expanded]), multiples]);
  if (op.stringAttr('data_format') === 'NCHW') {
    const expanded = concat([onesLike(item(shape, { stop: 1 })), biasShape, onesLike(item(shape, { start: 2 }))]);
    return [repeated(expanded, concat([item(shape, { stop: 1 }), [1], item(shape, { start: 2 })]))];
  }
  const expanded = concat([onesLike(item(shape, { stop: -1 })), biasShape]);
  return [repeated(expanded, concat([item(shape, { stop: -1 }), [1]]))];
}
