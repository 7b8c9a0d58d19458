/** Tensors woven together by index, and the difference of two lists. */
import { allocate } from '../../graph/dtype.js';
import { writeElement, type Element } from '../../graph/elements.js';
import { NDArray } from '../../graph/ndarray.js';
import { formatShape, mergeShapes, sizeOf, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchStitch } from '../batching/indexing.js';
import { one } from '../call.js';
import { known } from '../expr.js';
import { IndexedSlices } from '../indexed-slices.js';
import { numbers } from '../indexing.js';
import { constantValue } from '../known.js';
import { defineOp, type OpView, type RoutineContext } from '../opdef.js';
import { shapeOf } from '../rules.js';
import { argumentError, requireRank, shapeError } from '../shape-rules.js';
import { elementOf } from '../slicing.js';
import type { DTypeOf, Operand, OpOptions } from '../types.js';

defineOp({
  name: 'DynamicStitch',
  signature: 'indices: N * int32, data: N * T -> merged: T | N: int >= 1, T: type',
  infer: (op) => {
    const { indices, data } = stitched(op);
    let rest: Shape = null;
    indices.forEach((index, i) => {
      const shape = data[i]!.shape;
      if (index.shape === null || shape === null) return;
      const merged = mergeShapes(rest, shape.slice(index.shape.length));
      const fits = mergeShapes(index.shape, shape.slice(0, index.shape.length)) !== undefined;
      if (!fits || merged === undefined) throw shapeError(op, 'the data do not fit the indices', op.inputs);
      rest = merged;
    });
    const values = indices.map(constantValue);
    // Where there are no indices it is a feed that may not have them: TensorFlow leaves the count open.
    const rows = values.every((value) => value !== null && value.size > 0)
      ? rowCount(values.map((value) => numbers(value!)))
      : null;
    return [rest === null ? null : [rows, ...(rest as readonly (number | null)[])]];
  },
  lower: { routine: 'dynamic-stitch', run: stitch },
  grad: (op, [dy]) => {
    const { indices } = stitched(op);
    const gradient = dy instanceof IndexedSlices ? summed(op, dy) : dy;
    return [...indices.map(() => null), ...indices.map((index) => one('GatherV2', [gradient, index, 0]))];
  },
  batch: batchStitch,
  effect: 'pure',
  samples: [
    {
      inputs: [
        {
          list: [
            { value: [0, 2], dtype: 'int32' },
            { value: [1], dtype: 'int32' },
          ],
        },
        {
          list: [
            [2, 3],
            [1, 3],
          ],
        },
      ],
    },
    {
      inputs: [
        {
          list: [
            { value: 1, dtype: 'int32' },
            {
              value: [
                [0, 2],
                [3, 4],
              ],
              dtype: 'int32',
            },
          ],
        },
        {
          list: [
            { shape: [], dtype: 'float64' },
            { shape: [2, 2], dtype: 'float64' },
          ],
        },
      ],
    },
  ],
});

/** Slices as the tensor of which they are a gradient: its own shape says how many rows there are. */
function summed({ outputs }: OpView, { values, indices }: IndexedSlices): Tensor {
  return one('UnsortedSegmentSum', [values, indices, elementOf(shapeOf(outputs[0]), 0)]);
}

/**
 * Slices of `data`, row `indices[i]` of the result being what `data` has there (TensorFlow `tf.dynamic_stitch`). Each tensor
 * of `data` has the shape of its indices followed by that of a row; of rows given twice the last one counts.
 * @throws ShapeError where the data do not fit the indices
 * @example
 * dynamicStitch([[0, 2], [1]], [[10, 30], [20]]); // [10, 20, 30]
 */
export function dynamicStitch<X extends Operand>(
  indices: readonly Operand[],
  data: readonly X[],
  options?: OpOptions,
): Tensor<DTypeOf<X>> {
  return one('DynamicStitch', [indices, data], {}, options) as Tensor<DTypeOf<X>>;
}

function stitched(op: OpView): { indices: readonly Tensor[]; data: readonly Tensor[] } {
  const count = op.intAttr('N');
  return { indices: op.inputs.slice(0, count), data: op.inputs.slice(count) };
}

function rowCount(indices: readonly (readonly number[])[]): number {
  return indices.flat().reduce((most, index) => Math.max(most, index + 1), 0);
}

function stitch({ op, inputs }: RoutineContext): readonly NDArray[] {
  const count = op.intAttr('N');
  const indices = inputs.slice(0, count).map(numbers);
  const data = inputs.slice(count);
  const { dtype } = op.outputs[0];
  const rest = data[0]!.shape.slice(inputs[0].shape.length);
  data.forEach(({ shape }, i) => {
    const expected = [...inputs[i]!.shape, ...rest];
    if (shape.join() === expected.join()) return;
    const shapes = `${formatShape(shape)}, not ${formatShape(expected)} as its indices and the first data ask for`;
    throw shapeError(op, `data ${i} is of shape ${shapes}`, []);
  });
  const rows = rowCount(indices);
  const width = sizeOf(rest);
  const merged = allocate(dtype, rows * width);
  indices.forEach((list, i) =>
    list.forEach((row, place) => {
      if (row < 0) throw argumentError(op, `index ${row} is negative`);
      for (let j = 0; j < width; j++) writeElement(dtype, merged, row * width + j, data[i]!.element(place * width + j));
    }),
  );
  return [new NDArray(dtype, [rows, ...rest], merged)];
}

defineOp({
  name: 'ListDiff',
  signature: 'x: T, y: T -> out: T, idx: out_idx | T: type, out_idx: {int32, int64} = DT_INT32',
  infer: (op) => {
    const [x, y] = op.inputs;
    requireRank(op, x, 1, 'x');
    requireRank(op, y, 1, 'y');
    const [a, b] = [constantValue(x), constantValue(y)];
    const length = a && b ? onlyIn(a, b).length : null;
    return [[length], [length]];
  },
  lower: ({ op, value }) => {
    const x = value(0);
    const places = onlyIn(x, value(1));
    const pick = places.map((i) => x.element(i));
    const [out, idx] = op.outputs;
    const wide = idx.dtype === 'int64';
    return [
      known(arrayOf(out.dtype, pick)),
      known(
        arrayOf(
          idx.dtype,
          places.map((i) => (wide ? BigInt(i) : i)),
        ),
      ),
    ];
  },
  grad: 'none',
  batch: 'loop',
  effect: 'pure',
  samples: [
    {
      inputs: [
        { value: [1, 2, 3, 4, 5, 2], dtype: 'int32' },
        { value: [1, 3, 5], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { value: [1.5, 2], dtype: 'float64' },
        { value: [2], dtype: 'float64' },
      ],
      attrs: { out_idx: 'int64' },
    },
  ],
});

/** The positions of the elements of `x` that `y` has not. */
function onlyIn(x: NDArray, y: NDArray): readonly number[] {
  const key = (array: NDArray, i: number): unknown => {
    const element = array.element(i);
    return typeof element === 'object' ? JSON.stringify(element) : element;
  };
  const excluded = new Set(Array.from({ length: y.size }, (_, i) => key(y, i)));
  return Array.from({ length: x.size }, (_, i) => i).filter((i) => !excluded.has(key(x, i)));
}

function arrayOf(dtype: Tensor['dtype'], elements: readonly Element[]): NDArray {
  const data = allocate(dtype, elements.length);
  elements.forEach((element, i) => writeElement(dtype, data, i, element));
  return new NDArray(dtype, [elements.length], data);
}
