/** Checks at run time. */
import { InvalidArgumentError } from '../../graph/errors.js';
import type { NDArray } from '../../graph/ndarray.js';
import type { Operation } from '../../graph/operation.js';
import { nameScope } from '../../graph/scopes.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchAssert } from '../batching/shapes.js';
import { call, one } from '../call.js';
import { reductionNode } from '../reduction.js';
import { defineOp } from '../opdef.js';
import { requireRank } from '../shape-rules.js';

defineOp({
  name: 'Assert',
  signature: 'condition: bool, data: T -> | T: list(type) >= 1, summarize: int = 3',
  infer: (op) => {
    requireRank(op, op.inputs[0], 0, 'the condition');
    return [];
  },
  lower: {
    routine: 'assert',
    run: ({ op, inputs: [condition, ...data] }) => {
      if (condition.element(0)) return [];
      const shown = data.map((array) => `[${summary(array, op.intAttr('summarize'))}]`);
      throw new InvalidArgumentError(`Assert '${op.name}': assertion failed: ${shown.join(' ')}`, op.details());
    },
  },
  grad: 'none',
  // It computes nothing, and may yet not be folded away.
  batch: batchAssert,
  effect: 'read',
  samples: [{ inputs: [{ value: true }, { list: [{ value: [1, 2], dtype: 'int32' }] }] }],
});

/** A node that fails at run time unless two vectors are the same; named as TensorFlow's `assert_equal`. */
export function assertEqualShapes(x: Tensor, y: Tensor): Operation {
  return nameScope('assert_equal_1', () => {
    const holds = reductionNode('All', one('Equal', [x, y]));
    const told = ['Condition x == y did not hold element-wise:', `x (${x.name}) = `, x, `y (${y.name}) = `, y];
    return nameScope('Assert', () => call('Assert', [holds, told]));
  });
}

/** The first elements, all of them for a negative number. */
function summary(array: NDArray, count: number): string {
  const shown = count < 0 ? array.size : Math.min(count, array.size);
  const elements = Array.from({ length: shown }, (_, i) => String(array.element(i)));
  return [...elements, ...(shown < array.size ? ['...'] : [])].join(' ');
}
