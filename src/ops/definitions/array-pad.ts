/** Tensors made larger: padded or tiled. */
import type { DType } from '../../graph/dtype.js';
import type { NDArray } from '../../graph/ndarray.js';
import { type Dim, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { perRow, rowwise } from '../batching/operands.js';
import { batchPadV2 } from '../batching/shapes.js';
import { modulo } from '../axes.js';
import { one } from '../call.js';
import { bin, int, lazy, select, type Expr } from '../expr.js';
import { castTo, indices, item, numbers, type IndexOperand } from '../indexing.js';
import { IndexedSlices } from '../indexed-slices.js';
import { constantShape, constantValue } from '../known.js';
import { installMethods } from '../methods.js';
import { defineOp, type GradientFn, type Lowering, type OpView } from '../opdef.js';
import { argumentError, lengthOf, requireRank, shapeError, unknownDims, zeroOf } from '../shape-rules.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';
import { rank, shape, size, type IndexDType } from './array-shape.js';
import { stack } from './array-join.js';
import { transpose } from './array-transpose.js';
import { range } from './array-range.js';

/** The paddings before and after each axis. */
function pairs(op: OpView, paddings: NDArray): readonly (readonly [number, number])[] {
  const flat = numbers(paddings);
  return Array.from({ length: flat.length / 2 }, (_, axis) => {
    const pair = [flat[2 * axis]!, flat[2 * axis + 1]!] as const;
    if (pair.some((width) => width < 0))
      throw argumentError(op, `the paddings [${pair.join(', ')}] of axis ${axis} must not be negative`);
    return pair;
  });
}

function paddedShape(op: OpView): readonly Shape[] {
  const [x, paddings, value] = op.inputs;
  requireRank(op, paddings, 2, 'paddings');
  const [rows, columns] = paddings.shape ?? [null, null];
  if (columns !== null && columns !== 2) throw shapeError(op, 'paddings must have shape [rank, 2]', [paddings]);
  if (x.shape !== null && rows !== null && rows !== x.shape.length)
    throw shapeError(op, 'paddings must have a row for each axis', [x, paddings]);
  if (op.inputs.length > 2 && value.shape !== null && value.shape.length > 0)
    throw shapeError(op, 'the constant value must be a scalar', [value]);
  const known = constantValue(paddings);
  if (known === null || x.shape === null) {
    const length = x.shape?.length ?? rows ?? null;
    return [length === null ? null : unknownDims(length)];
  }
  const widths = pairs(op, known);
  return [x.shape.map((dim, axis): Dim => (dim === null ? null : dim + widths[axis]![0] + widths[axis]![1]))];
}

const padded: Lowering = ({ op, inputs, value }) => {
  const [x, , constant] = inputs;
  const widths = pairs(op, value(1));
  if (widths.length !== x.shape.length)
    throw shapeError(op, `there are ${widths.length} paddings for ${x.shape.length} axes`, []);
  const dims = x.shape.map((dim, axis) => dim + widths[axis]![0] + widths[axis]![1]);
  const outside = op.inputs.length > 2 ? constant.at([]) : zeroOf(x.dtype);
  const at = (index: readonly Expr[]): Expr => {
    const tests = widths.flatMap(([before, after], axis) => [
      ...(before > 0 ? [bin('ge', index[axis]!, int(before))] : []),
      ...(after > 0 ? [bin('lt', index[axis]!, int(before + x.shape[axis]!))] : []),
    ]);
    const inside = x.at(index.map((i, axis) => bin('sub', i, int(widths[axis]![0]))));
    return tests.length === 0
      ? inside
      : select(
          tests.reduce((a, b) => bin('and', a, b)),
          inside,
          outside,
        );
  };
  return [lazy(x.dtype, dims, at)];
};

const padGradient: GradientFn = (op, [dy]) => {
  const [x, paddings] = op.inputs;
  const column = stack([rank(x), 1]);
  const before = one('Slice', [paddings, indices([0, 0], 'begin'), column]);
  const begin = one('Reshape', [before, [-1]]);
  const size = shape(x, { outType: begin.dtype as IndexDType });
  return [one('Slice', [dy, begin, size]), ...op.inputs.slice(1).map(() => null)];
};

defineOp({
  name: 'Pad',
  signature: 'input: T, paddings: Tpaddings -> output: T | T: type, Tpaddings: {int32, int64} = DT_INT32',
  infer: paddedShape,
  lower: padded,
  grad: padGradient,
  batch: rowwise(perRow.data, perRow.paddings),
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 3],
        {
          value: [
            [1, 0],
            [0, 2],
          ],
          dtype: 'int32',
        },
      ],
    },
    {
      inputs: [
        { shape: [2], dtype: 'float64' },
        { value: [[2, 1]], dtype: 'int64' },
      ],
    },
    {
      inputs: [
        [0, 2],
        {
          value: [
            [1, 1],
            [0, 0],
          ],
          dtype: 'int32',
        },
      ],
    },
  ],
});

defineOp({
  name: 'PadV2',
  signature:
    'input: T, paddings: Tpaddings, constant_values: T -> output: T | T: type, Tpaddings: {int32, int64} = DT_INT32',
  infer: paddedShape,
  lower: padded,
  grad: padGradient,
  batch: batchPadV2,
  effect: 'pure',
  samples: [
    {
      inputs: [
        [2, 2],
        {
          value: [
            [1, 0],
            [0, 2],
          ],
          dtype: 'int32',
        },
        { value: 7 },
      ],
      notDifferentiable: 'TensorFlow gives the constant no gradient',
    },
    {
      inputs: [
        { value: [1, 2], dtype: 'int32' },
        { value: [[0, 1]], dtype: 'int64' },
        { value: -1, dtype: 'int32' },
      ],
    },
  ],
});

export interface PadOptions extends OpOptions {
  /** What the new elements are; 0 by default. No gradient flows to it. */
  readonly constantValues?: Operand;
}

/**
 * `tensor` with `paddings[axis][0]` elements more before and `paddings[axis][1]` after it along each axis (TensorFlow
 * `tf.pad` in its mode CONSTANT).
 * @throws ShapeError unless `paddings` has shape [rank, 2]; InvalidArgumentError for negative ones
 * @example
 * pad(constant([1, 2]), [[1, 2]]); // [0, 1, 2, 0, 0]
 */
export function pad<X extends Operand>(
  tensor: X,
  paddings: IndexOperand,
  options: PadOptions = {},
): Tensor<DTypeOf<X>> {
  const { constantValues = 0 } = options;
  const operands = [tensor, indices(paddings, 'paddings')];
  const made =
    constantValues === 0 ? one('Pad', operands, {}, options) : one('PadV2', [...operands, constantValues], {}, options);
  return made as Tensor<DTypeOf<X>>;
}

/** The tiles along axis 0, summed by the rows that they repeat. */
function tilesSummed(dy: IndexedSlices, dims: Tensor): Tensor {
  const rows = castTo(item(dims, 0), dy.indices.dtype);
  return one('UnsortedSegmentSum', [dy.values, modulo(dy.indices, rows), rows]);
}

const tileGradient: GradientFn = (op, [dy]) => {
  const [x, multiples] = op.inputs;
  const dims = shape(x, { outType: multiples.dtype as IndexDType }) as Tensor;
  const interleaved: Operand = transpose(stack([multiples, dims]));
  let split = one('Reshape', [interleaved, [-1]]);
  const axes = range(0, size(split), 2);
  const gradient = dy instanceof IndexedSlices ? tilesSummed(dy, dims) : dy;
  if (dy instanceof IndexedSlices)
    split = one('ConcatV2', [[[1], item(split, { start: 1 })], 0], {}, { name: 'concat' });
  const sum = one('Sum', [one('Reshape', [gradient, split]), axes], { keep_dims: false });
  sum.graph.refineShape(sum, x.shape);
  return [sum, null];
};

defineOp({
  name: 'Tile',
  signature: 'input: T, multiples: Tmultiples -> output: T | T: type, Tmultiples: {int32, int64} = DT_INT32',
  infer: (op) => {
    const [x, multiples] = op.inputs;
    requireRank(op, multiples, 1, 'multiples');
    const length = lengthOf(multiples);
    if (x.shape !== null && length !== null && length !== x.shape.length)
      throw shapeError(op, 'multiples must have an entry for each axis', [x, multiples]);
    const times = constantShape(multiples);
    const dims = x.shape ?? (length === null ? null : unknownDims(length));
    if (dims === null) return [null];
    return [
      dims.map((dim, axis): Dim => {
        const count = times?.[axis] ?? null;
        if (count !== null && count < 0) throw argumentError(op, `the multiple ${count} of axis ${axis} is negative`);
        if (dim === 0 || count === 0) return 0;
        return dim === null || count === null ? null : dim * count;
      }),
    ];
  },
  lower: ({ op, inputs: [x], value }) => {
    const times = numbers(value(1));
    if (times.length !== x.shape.length || times.some((count) => count < 0)) {
      throw argumentError(op, `[${times.join(', ')}] is no list of multiples for ${x.shape.length} axes`);
    }
    const at = (index: readonly Expr[]): Expr =>
      x.at(
        index.map((i, axis) =>
          times[axis] === 1 ? i : x.shape[axis] === 1 ? int(0) : bin('floormod', i, int(x.shape[axis]!)),
        ),
      );
    return [
      lazy(
        x.dtype,
        x.shape.map((dim, axis) => dim * times[axis]!),
        at,
      ),
    ];
  },
  grad: tileGradient,
  batch: rowwise(perRow.data, perRow.prefixed(1)),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3], { value: [2, 1], dtype: 'int32' }] },
    {
      inputs: [
        { shape: [1, 2, 2], dtype: 'float64' },
        { value: [3, 1, 2], dtype: 'int64' },
      ],
    },
    { inputs: [[2], { value: [0], dtype: 'int32' }] },
    {
      inputs: [
        { value: [1], dtype: 'int32' },
        { value: [3], dtype: 'int32' },
      ],
    },
  ],
});
/**
 * `input` repeated `multiples[axis]` times along each axis (TensorFlow `tf.tile`).
 * @throws ShapeError unless `multiples` has an entry for each axis
 * @example
 * tile(constant([1, 2]), [2]); // [1, 2, 1, 2]
 */
export function tile<X extends Operand>(input: X, multiples: IndexOperand, options?: OpOptions): Tensor<DTypeOf<X>> {
  return one('Tile', [input, indices(multiples, 'multiples')], {}, options) as Tensor<DTypeOf<X>>;
}

declare module '../../graph/tensor.js' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Tensor<D extends DType, S extends Shape> {
    pad(paddings: IndexOperand, options?: PadOptions): Tensor<D>;
    tile(multiples: IndexOperand, options?: OpOptions): Tensor<D>;
  }
}
installMethods({ pad, tile });
