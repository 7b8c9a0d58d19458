/** What gradients flow through and what not, against TensorFlow: several outputs, integers, steps, variables, refusals. */
import { describe, expect, test } from '@jest/globals';
import type { Tensor } from '../../src/graph/tensor.js';
import { one } from '../../src/ops/call.js';
import { pair, same, useTensorFlow, type Build } from './support/cases.js';
import { BothFailed, compareWithTensorFlow } from './support/compare.js';
import {
  argmax,
  cast,
  constant,
  floor,
  identityN,
  matmul,
  multiply,
  placeholder,
  preventGradient,
  reduceSum,
  round,
  sin,
  split,
  square,
  stopGradient,
  tanh,
  unstack,
  variable,
} from './support/functions.js';

useTensorFlow();

describe('several outputs', () => {
  same('of which some are unused', ({ gradients }) => {
    const x = placeholder('float32', [3, 2], { name: 'x' });
    const parts = split(tanh(x), 3) as unknown as Tensor[];
    gradients(parts[1]!, x);
    gradients([parts[2]!, multiply(parts[0]!, parts[2]!)], x);
    gradients(unstack(x, { axis: 1 })[1]!, x);
    return {
      feeds: {
        x: [
          [0.5, 0.25],
          [0.75, 1],
          [-0.5, 0],
        ],
      },
    };
  });
  same('of which some are unused, shape unknown', ({ gradients }) => {
    const x = placeholder('float32', [null, 2], { name: 'x' }) as Tensor;
    const parts = split(tanh(x), 3) as unknown as Tensor[];
    gradients(parts[1]!, x);
    return {
      feeds: {
        x: [
          [0.5, 0.25],
          [0.75, 1],
          [-0.5, 0],
        ],
      },
    };
  });
  same('as xs', ({ gradients }) => {
    const x = pair();
    const [a, b] = split(tanh(x), 2) as unknown as [Tensor, Tensor];
    gradients(multiply(a, b), [a, b]);
    gradients(b, [a, b]);
    gradients(b, [a, b], { unconnectedGradients: 'zero' });
    gradients(multiply(a, b), [b, x]);
    return { feeds: { x: [1, 2] } };
  });
  same('of dtypes that carry no gradient', ({ gradients }) => {
    const [x, k] = [pair(), placeholder('int32', [2], { name: 'k' })];
    const [y, l] = identityN([x, k]) as unknown as [Tensor, Tensor];
    gradients(multiply(y, cast(l, 'float32')), [x, k, l]);
    gradients(l, [x, k, l]);
    return { feeds: { x: [1, 2], k: [3, 4] } };
  });
  same('backwards of the second output', ({ gradients }) => {
    const x = placeholder('float32', [2, 3], { name: 'x' });
    const labels = constant([
      [0.5, 0.25, 0.25],
      [0, 1, 0],
    ]);
    const [loss, backprop] = one('SoftmaxCrossEntropyWithLogits', [x, labels]).op.outputs as [Tensor, Tensor];
    gradients([loss, backprop], [x, labels]);
    gradients(loss, x);
    return {
      feeds: {
        x: [
          [1, 2, 3],
          [0, 0.5, 1],
        ],
      },
    };
  });
});

describe('what carries no gradient', () => {
  same('integers', ({ gradients }) => {
    const k = placeholder('int32', [2], { name: 'k' });
    gradients(multiply(k, k), k);
    gradients(multiply(cast(k, 'float32'), 2), k);
    gradients(cast(k, 'float32'), k, { unconnectedGradients: 'zero' });
    gradients(multiply(k, k), k, { unconnectedGradients: 'zero' });
    return { feeds: { k: [3, 4] } };
  });
  same('casts to integers and back', ({ gradients }) => {
    const x = pair();
    gradients(cast(cast(x, 'int32'), 'float32'), x);
    gradients(multiply(cast(cast(x, 'float64'), 'float32'), x), x);
    gradients(cast(x, 'complex64'), x, {
      gradYs: constant(
        [
          { re: 1, im: 2 },
          { re: 3, im: 4 },
        ],
        { dtype: 'complex64' },
      ),
    });
    return { feeds: { x: [1.5, 2] } };
  });
  same('steps, stops and comparisons', ({ gradients }) => {
    const x = pair();
    gradients(floor(x), x);
    gradients(round(x), x);
    gradients(multiply(stopGradient(x), x), x);
    gradients(stopGradient(x), x);
    gradients(stopGradient(x), x, { unconnectedGradients: 'zero' });
    gradients(cast(argmax(x, { axis: 0 }), 'float32'), x);
    gradients(multiply(floor(x), cast(one('Greater', [x, 0]), 'float32')), x);
    gradients(one('AddV2', [floor(x), sin(x)]), x);
    return { feeds: { x: [1.5, 2] } };
  });
  for (const unconnectedGradients of ['none', 'zero'] as const) {
    same(`xs that ys do not depend on: ${unconnectedGradients}`, ({ gradients }) => {
      const x = pair();
      const z = placeholder('float32', [null, 2], { name: 'z' }) as Tensor;
      const u = placeholder('float64', null, { name: 'u' }) as Tensor;
      const k = placeholder('int32', [3], { name: 'k' });
      const v = variable([[1, 2]], { name: 'v' });
      const big = placeholder('float32', [50, 50], { name: 'big' });
      gradients(sin(x), [z, x, u, k, v, big], { unconnectedGradients });
      return {
        feeds: { x: [1, 2], z: [[1, 2]], u: 3, k: [1, 2, 3], big: new Float32Array(2500) },
        init: [v.initializer],
      };
    });
  }
});

describe('variables', () => {
  same('read once, twice, and not at all', ({ gradients }) => {
    const v = variable([1, 2], { name: 'v' });
    const w = variable([3, 4], { name: 'w' });
    const x = pair();
    gradients(multiply(v, x), [v, w, x]);
    gradients(multiply(multiply(v, v), w), [v, w]);
    const read = v.value();
    gradients(multiply(read, v), [v, read, v.handle]);
    gradients(read, [v.value(), v]);
    return { feeds: { x: [1, 2] }, init: [v.initializer, w.initializer] };
  });
  same('behind an assignment', ({ gradients }) => {
    const v = variable([1, 2], { name: 'v' });
    const after = v.assignAdd([1, 1]).value();
    gradients(multiply(after, after), v);
    return { init: [v.initializer] };
  });
  same('in a small model', ({ gradients }) => {
    const x = placeholder('float32', [null, 3], { name: 'x' }) as Tensor;
    const w = variable(
      [
        [1, -1],
        [0.5, 0.25],
        [0.75, 0],
      ],
      { name: 'w' },
    );
    const b = variable([0.5, 0.25], { name: 'b' });
    const hidden = one('Relu', [one('BiasAdd', [matmul(x, w.value()), b])]);
    const loss = reduceSum(square(hidden));
    const [dw, db] = gradients(loss, [w, b]);
    gradients([reduceSum(square(dw as Tensor)), reduceSum(db as Tensor)], [w, b]);
    return {
      feeds: {
        x: [
          [1, 2, 3],
          [4, 5, -6],
        ],
      },
      fetches: [loss],
      init: [w.initializer, b.initializer],
    };
  });
});

describe('both refuse', () => {
  const refused = (name: string, build: Build, ours: string, theirs: string): void =>
    void test(name, async () => {
      const error = (await compareWithTensorFlow(build).catch((reason: unknown) => reason)) as BothFailed;
      expect(error).toBeInstanceOf(BothFailed);
      expect([error.ours.constructor.name, error.theirs.type]).toEqual([ours, theirs]);
    });
  refused(
    'a complex y without gradYs',
    ({ gradients }) => void gradients(constant({ re: 1, im: 2 }), []),
    'DTypeError',
    'TypeError',
  );
  refused('a string y', ({ gradients }) => void gradients(constant('a'), []), 'DTypeError', 'TypeError');
  refused(
    'gradYs of another length',
    ({ gradients }) => void gradients(pair(), [], { gradYs: [null, null] }),
    'InvalidArgumentError',
    'ValueError',
  );
  refused(
    'a bool gradY',
    ({ gradients }) => void gradients(pair(), [], { gradYs: constant([true, false]) }),
    'DTypeError',
    'TypeError',
  );
  refused(
    'a gradient forbidden',
    ({ gradients }) => {
      const x = pair();
      gradients(sin(preventGradient(x, 'no')), x);
    },
    'LookupError',
    'LookupError',
  );
  refused(
    'a bad scope name',
    ({ gradients }) => void gradients(pair(), [], { name: 'a b' }),
    'InvalidArgumentError',
    'ValueError',
  );
  refused(
    'a bad choice',
    ({ gradients }) => void gradients(pair(), [], { unconnectedGradients: 'nothing' as 'none' }),
    'InvalidArgumentError',
    'ValueError',
  );
});
