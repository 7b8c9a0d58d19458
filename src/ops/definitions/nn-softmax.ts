/** Softmax and its logarithm. */
import { InvalidArgumentError } from '../../graph/errors.js';
import { describeTensor } from '../../graph/node.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { perRow, rowwise } from '../batching/operands.js';
import { modulo, rangeOf, rankOf } from '../axes.js';
import { convertToTensor, one } from '../call.js';
import { composed } from '../compose.js';
import { bin, lazy, un, type Expr } from '../expr.js';
import { operandList } from '../indexing.js';
import type { Like } from '../math-helpers.js';
import { defineOp, type OpView } from '../opdef.js';
import { ofRow, rowReduction } from '../reduction.js';
import { minus, plus, times } from '../rules.js';
import { shapeError } from '../shape-rules.js';
import type { Operand, OpOptions } from '../types.js';

export interface SoftmaxOptions extends OpOptions {
  /** The axis of the classes, the last (-1) by default. */
  readonly axis?: number;
}

const floats = '{half, bfloat16, float, double}';

defineOp({
  name: 'Softmax',
  signature: `logits: T -> softmax: T | T: ${floats}`,
  infer: withRows,
  lower: (view) => {
    const [x] = view.inputs;
    const max = rowReduction(view, 'max', x);
    const at = (index: readonly Expr[]): Expr => un('exp', bin('sub', x.at(index), ofRow(max, index)));
    const exponentials = view.temp(lazy(x.dtype, x.shape, at));
    const sum = rowReduction(view, 'add', exponentials);
    return [lazy(x.dtype, x.shape, (index) => bin('div', exponentials.at(index), ofRow(sum, index)))];
  },
  grad: ({ outputs: [y] }, [dy]) => {
    const sum = one('Sum', [times(dy, y), -1], { keep_dims: true });
    return [times(minus(dy, sum), y)];
  },
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [[4]] },
    { inputs: [{ shape: [2, 2, 3], dtype: 'float64' }] },
    {
      inputs: [
        {
          value: [
            [1000, 999],
            [-1000, -1000],
          ],
        },
      ],
      notDifferentiable: 'finite differences are too coarse so far out',
    },
    { inputs: [[2, 1]] },
  ],
});
/**
 * `exp(x) / sum(exp(x))` along `axis` (TensorFlow `tf.nn.softmax`), without overflow: the maximum is taken out first.
 * Shape and dtype are those of `logits`, a float one.
 * @throws InvalidArgumentError for an axis that `logits` does not have; ShapeError for a scalar
 * @example
 * nn.softmax(constant([[0, 0], [0, 1000]])); // [[0.5, 0.5], [0, 1]]
 */
export function softmax<X extends Operand>(logits: X, options: SoftmaxOptions = {}): Like<X> {
  return alongLastAxis('Softmax', logits, options) as Like<X>;
}

defineOp({
  name: 'LogSoftmax',
  signature: `logits: T -> logsoftmax: T | T: ${floats}`,
  infer: withRows,
  lower: (view) => {
    const [x] = view.inputs;
    const max = rowReduction(view, 'max', x);
    const shifted = (index: readonly Expr[]): Expr => bin('sub', x.at(index), ofRow(max, index));
    const sum = rowReduction(
      view,
      'add',
      lazy(x.dtype, x.shape, (index) => un('exp', shifted(index))),
    );
    return [lazy(x.dtype, x.shape, (index) => bin('sub', shifted(index), un('log', ofRow(sum, index))))];
  },
  grad: ({ outputs: [y] }, [dy]) => {
    const softmaxOfX = one('Exp', [y]);
    return [minus(dy, times(one('Sum', [dy, -1], { keep_dims: true }), softmaxOfX))];
  },
  batch: rowwise(perRow.data),
  effect: 'pure',
  samples: [
    { inputs: [[2, 3]] },
    { inputs: [{ shape: [2, 2, 3], dtype: 'float64' }] },
    {
      inputs: [
        {
          value: [
            [1000, 999],
            [-1000, -1000],
          ],
        },
      ],
      notDifferentiable: 'finite differences are too coarse so far out',
    },
  ],
});
/**
 * `x - log(sum(exp(x)))` along `axis`, the logarithm of the softmax (TensorFlow `tf.nn.log_softmax`). Shape and dtype are
 * those of `logits`, a float one.
 * @throws InvalidArgumentError for an axis that `logits` does not have; ShapeError for a scalar
 * @example
 * nn.logSoftmax(constant([1000, 0])); // [0, -1000]
 */
export function logSoftmax<X extends Operand>(logits: X, options: SoftmaxOptions = {}): Like<X> {
  return alongLastAxis('LogSoftmax', logits, options) as Like<X>;
}

function withRows(op: OpView): readonly Shape[] {
  if (op.inputs[0].shape?.length === 0) throw shapeError(op, 'rank 1 or more is needed');
  return [op.inputs[0].shape];
}

/** An op on the last axis of a tensor; for another axis, between two transpositions. */
function alongLastAxis(type: string, logits: Operand, options: SoftmaxOptions): Tensor {
  const { axis = -1 } = options;
  return composed([logits], () => {
    const x = convertToTensor(logits);
    const rank = x.shape?.length ?? null;
    if (axis === -1 || (rank !== null && axis === rank - 1)) return one(type, [x], {}, options);
    if (!Number.isInteger(axis) || (rank !== null && (axis < -rank || axis >= rank))) {
      const range = rank === null ? 'an integer' : `in [${-rank}, ${rank})`;
      throw new InvalidArgumentError(`${type}: axis ${axis} is not ${range}: ${describeTensor(x)}.`, { op: type });
    }
    const count = rankOf(x);
    const counted = axis < 0 ? one('AddV2', [axis, count], {}, { name: 'add' }) : axis;
    const all = rankOf(x);
    const dim = typeof counted === 'number' ? counted : modulo(counted, rank ?? count);
    const y = one(type, [swapped(x, dim, last(all))]);
    const result = swapped(y, dim, last(all), options);
    result.graph.refineShape(result, x.shape);
    return result;
  });
}

function last(rank: Tensor): Tensor {
  return one('Sub', [rank, 1]);
}

/** `x` with an axis and its last one exchanged. */
function swapped(x: Tensor, axis: number | Tensor, lastAxis: Tensor, options: OpOptions = {}): Tensor {
  const before = rangeOf(0, axis);
  const between = rangeOf(typeof axis === 'number' ? axis + 1 : plus(axis, 1), lastAxis);
  const perm = one('ConcatV2', [operandList([before, [lastAxis], between, [axis]]), 0], {}, { name: 'concat' });
  return one('Transpose', [x, perm], {}, { name: options.name ?? 'transpose' });
}
