/** What a tape says of bad operands of Jacobians, by the names that its own arguments have. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import type { JacobianOperand, Tensor } from '../../src/index.js';
import { inGraph } from './support.js';

test.each<[string, (tape: tl.GradientTape, y: Tensor, x: Tensor) => unknown, RegExp]>([
  [
    'a list of targets',
    (tape, y, x) => tape.jacobian([y] as unknown as JacobianOperand, x),
    /jacobian: target must be one tensor or variable, not a list of them/,
  ],
  [
    'an object of targets',
    (tape, y, x) => tape.jacobian({ y } as unknown as JacobianOperand, x),
    /jacobian: target must be one tensor or variable, not an object of them/,
  ],
  [
    'a target of rank 1',
    (tape, y, x) => tape.batchJacobian(tl.reduceSum(y, { axis: 1 }), x),
    /batchJacobian: target, .*, must have rank 2 at least/,
  ],
  [
    'a source of rank 1',
    (tape, y) => tape.batchJacobian(y, tl.constant([1])),
    /batchJacobian: source, .*, must have rank 2 at least/,
  ],
  [
    'other rows',
    (tape, y, x) => tape.batchJacobian(tl.transpose(y), x),
    /batchJacobian: target and source must have the same first dimension: .* has 3 rows, .* has 2/,
  ],
])('%s', (_, call, message) => {
  inGraph((g) => {
    const x = tl.ones([2, 3]) as Tensor;
    const tape = new tl.GradientTape({ persistent: true });
    const y = tape.run(() => {
      tape.watch(x);
      return tl.square(x);
    });
    expect(() => call(tape, y, x)).toThrow(message);
    expect(g.operations().filter(({ name }) => name.startsWith('gradient_tape'))).toEqual([]);
  });
});
