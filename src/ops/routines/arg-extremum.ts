/** The routine behind ArgMax and ArgMin: where along an axis the extremum is. */
import { allocate, dtypeInfo } from '../../graph/dtype.js';
import { writeElement } from '../../graph/elements.js';
import { NDArray } from '../../graph/ndarray.js';
import { sizeOf } from '../../graph/shape.js';
import { numbers } from '../indexing.js';
import type { Routine } from '../opdef.js';
import { argumentError, axisIn, without } from '../shape-rules.js';

/** The first position of the extremum along the axis in input 1. NaN is passed over; all NaN gives 0. */
export function argExtremum(routine: string, better: (a: number | bigint, b: number | bigint) => boolean): Routine {
  return {
    routine,
    run: ({ op, inputs: [x, dimension] }) => {
      const axis = axisIn(op, numbers(dimension)[0]!, x.shape.length);
      const count = x.shape[axis]!;
      const shape = without(x.shape, axis);
      if (count === 0 && sizeOf(shape) > 0)
        throw argumentError(op, `axis ${axis} is empty in shape [${x.shape.join(', ')}]`);
      const stride = sizeOf(x.shape.slice(axis + 1));
      const { dtype } = op.outputs[0];
      const result = allocate(dtype, sizeOf(shape));
      const element = dtypeInfo(dtype).big ? BigInt : Number;
      for (let i = 0; i < sizeOf(shape); i++) {
        const start = Math.floor(i / stride) * stride * count + (i % stride);
        writeElement(dtype, result, i, element(firstBest(x, start, stride, count, better)));
      }
      return [new NDArray(dtype, shape, result)];
    },
  };
}

function firstBest(
  x: NDArray,
  start: number,
  stride: number,
  count: number,
  better: (a: number | bigint, b: number | bigint) => boolean,
): number {
  let best = 0;
  let value: number | bigint = NaN;
  for (let i = 0; i < count; i++) {
    const candidate = x.element(start + i * stride) as number | bigint;
    if (candidate !== candidate || !(value !== value || better(candidate, value))) continue;
    best = i;
    value = candidate;
  }
  return best;
}
