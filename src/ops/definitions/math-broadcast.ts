/** The op by which gradients of broadcasting ops learn at run time which axes to sum over. */
import { InvalidArgumentError } from '../../graph/errors.js';
import { NDArray } from '../../graph/ndarray.js';
import { formatShape } from '../../graph/shape.js';
import { defineOp, type RoutineContext } from '../opdef.js';

defineOp({
  name: 'BroadcastGradientArgs',
  signature: 's0: T, s1: T -> r0: T, r1: T | T: {int32, int64} = DT_INT32',
  infer: () => [[null], [null]],
  lower: { routine: 'broadcast-gradient-args', run: reductionAxes },
  grad: 'none',
  batch: 'loop',
  effect: 'pure',
  samples: [
    {
      inputs: [
        { value: [2, 3], dtype: 'int32' },
        { value: [3], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { value: [2, 1], dtype: 'int32' },
        { value: [1, 1], dtype: 'int32' },
      ],
    },
    {
      inputs: [
        { value: [2, 1, 3], dtype: 'int64' },
        { value: [2, 1, 3], dtype: 'int64' },
      ],
    },
    {
      inputs: [
        { value: [0, 1], dtype: 'int32' },
        { value: [1], dtype: 'int32' },
      ],
    },
  ],
});

/** The axes of size 1 of either shape, the other's rank included; none at all where the shapes are equal. */
function reductionAxes({ op, inputs: [s0, s1] }: RoutineContext): NDArray[] {
  const shapes = [s0, s1].map((vector) => Array.from(vector.data as ArrayLike<number | bigint>, Number)) as [
    number[],
    number[],
  ];
  const rank = Math.max(shapes[0].length, shapes[1].length);
  const [x, y] = shapes.map((shape) => [...new Array<number>(rank - shape.length).fill(1), ...shape]) as [
    number[],
    number[],
  ];
  const equal = shapes[0].length === shapes[1].length && x.every((dim, axis) => dim === y[axis]);
  const axes: [number[], number[]] = [[], []];
  for (let axis = 0; axis < rank && !equal; axis++) {
    if (x[axis] !== y[axis] && x[axis] !== 1 && y[axis] !== 1) {
      throw new InvalidArgumentError(
        `${op.type} '${op.name}': shapes ${formatShape(shapes[0])} and ${formatShape(shapes[1])} do not broadcast.`,
        op.details(),
      );
    }
    if (x[axis] === 1) axes[0].push(axis);
    if (y[axis] === 1) axes[1].push(axis);
  }
  return axes.map((list) => NDArray.from(list, s0.dtype));
}
