/** The backward walk against TensorFlow's: seeds, reachability, boundaries, accumulation, what comes back. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { GradientOptions } from '../../src/gradients/gradients.js';
import { controlDependencies } from '../../src/graph/scopes.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { one } from '../../src/ops/call.js';
import {
  argmax,
  cast,
  complex,
  constant,
  floor,
  identity,
  identityN,
  matmul,
  multiply,
  placeholder,
  preventGradient,
  real,
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
import { BothFailed, compareWithTensorFlow, statisticsLine, type Built } from './support/compare.js';
import type { Recorder } from './support/recorder.js';
import { closeTensorFlow, tensorFlow } from './support/worker.js';

beforeAll(async () => void (await tensorFlow().version()), 60_000);
afterAll(async () => {
  console.log(statisticsLine());
  await closeTensorFlow();
});

type Build = (recorder: Recorder) => Built | void;
const same = (name: string, build: Build): void =>
  void test(name, async () => void (await compareWithTensorFlow(build)));
const x2 = (name = 'x', dtype: 'float32' | 'float64' = 'float32'): Tensor =>
  placeholder(dtype, [2], { name });

describe('seeds', () => {
  for (const dtype of ['float32', 'float64', 'complex64', 'int32', 'int64', 'bool'] as const) {
    same(`y is x, ${dtype}`, ({ gradients }) => {
      const x = placeholder(dtype, [2, 1], { name: 'x' });
      gradients(x, x, dtype === 'complex64' ? { gradYs: placeholderLike(x) } : {});
      return {
        feeds: {
          x: [[1], [1]].map(([v]) => [dtype === 'bool' ? true : dtype === 'int64' ? 1n : v!]),
          ...(dtype === 'complex64' && { dy: [[1], [2]] }),
        },
      };
    });
  }
  for (const shape of [null, [null], [null, 2], [1, 2], []] as const) {
    const value = { null: [[1, 2]], '[null]': [0.5, 0.75], '[null,2]': [[5, 6]], '[1,2]': [[7, 8]], '[]': 9 }[
      JSON.stringify(shape)
    ]!;
    same(`ones of the shape ${JSON.stringify(shape)}`, ({ gradients }) => {
      const x = placeholder('float32', shape, { name: 'x' }) as Tensor;
      gradients(tanh(multiply(x, x)), x);
      return { feeds: { x: value } };
    });
  }
  same('a tensor, a constant, data and none', ({ gradients }) => {
    const x = x2();
    gradients([multiply(x, x), sin(x), tanh(x), identity(x)], x, {
      gradYs: [x2('dy'), constant([1, 2]), [3, 4], null],
    });
    return { feeds: { x: [1, 2], dy: [3, 4] } };
  });
  same('of a y that no x reaches', ({ gradients }) => {
    const [x, z] = [x2(), x2('z')];
    gradients([multiply(x, x), sin(z)], x, { gradYs: [null, [3, 4]] });
    return { feeds: { x: [1, 2], z: [1, 2] } };
  });
  same('a variable in the place of data', ({ gradients }) => {
    const x = x2();
    const v = variable([5, 6], { name: 'v' });
    gradients(multiply(x, x), x, { gradYs: v.value() });
    return { feeds: { x: [1, 2] }, init: [v.initializer] };
  });
  for (const dense of [true, false]) {
    same(`slices ${dense ? 'with' : 'without'} a dense shape`, ({ gradients, slices }) => {
      const x = placeholder('float32', [3, 2], { name: 'x' });
      const gradY = slices(
        [
          [1, 2],
          [3, 4],
        ],
        [2, 0],
        dense ? [3, 2] : null,
      );
      gradients(identity(x), x, { gradYs: gradY });
      return {
        feeds: {
          x: [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
        },
      };
    });
  }
  same('slices made dense by a rule', ({ gradients, slices }) => {
    const x = placeholder('float32', [3, 2], { name: 'x' });
    gradients(multiply(x, x), x, {
      gradYs: slices(
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
        [2, 0, 2],
        [3, 2],
      ),
    });
    return {
      feeds: {
        x: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      },
    };
  });
  same('data as y and as x', ({ gradients }) => {
    const x = x2();
    gradients([3, multiply(x, x)], [x, 3]);
    return { feeds: { x: [1, 2] } };
  });
  same('complex paths', ({ gradients }) => {
    const x = x2();
    const z = complex(x, sin(x));
    gradients([real(multiply(z, z)), multiply(z, z)], [x, z], {
      gradYs: [
        null,
        constant(
          [
            { re: 1, im: 2 },
            { re: 3, im: -1 },
          ],
          { dtype: 'complex64' },
        ),
      ],
    });
    return { feeds: { x: [1, 2] } };
  });
});

function placeholderLike(x: Tensor): Tensor {
  return placeholder(x.dtype, x.shape, { name: 'dy' });
}

describe('the walk', () => {
  same('ys that depend on each other', ({ gradients }) => {
    const x = x2();
    const y = square(x);
    const z = square(square(y));
    gradients([y, z], x);
    gradients([z, y], x);
    gradients([z, y, x], [x, y, z]);
    return { feeds: { x: [3, 1] } };
  });
  same('repeated ys and xs', ({ gradients }) => {
    const x = x2();
    const y = tanh(x);
    gradients([y, y], [x, x]);
    gradients([y, y, y], [y, x], { gradYs: [[1, 2], null, [3, 4]] });
    return { feeds: { x: [0.5, 1] } };
  });
  same('an x downstream of another', ({ gradients }) => {
    const x = x2();
    const y = multiply(x, 2);
    const z = multiply(y, 3);
    gradients(z, [x, y]);
    gradients(z, [y, x]);
    gradients(z, y);
    gradients(z, [z, y]);
    gradients(multiply(y, x), [x, y]);
    return { feeds: { x: [1, 2] } };
  });
  same('an x upstream by another path only', ({ gradients }) => {
    const [a, b] = [x2('a'), x2('b')];
    const c = multiply(a, b);
    const d = tanh(c);
    gradients(multiply(d, b), [c, b]);
    gradients(multiply(d, b), [d, a]);
    return { feeds: { a: [1, 2], b: [0.5, 0.25] } };
  });
  same('the same edge twice, and many consumers', ({ gradients }) => {
    const x = x2();
    const y = one('AddV2', [x, x]);
    gradients(y, x);
    gradients(one('AddN', [[x, y, x, sin(x), x]]), [x, y]);
    return { feeds: { x: [1, 2] } };
  });
  same('a wide and deep graph', ({ gradients }) => {
    const [a, b] = [x2('a'), x2('b')];
    let [p, q] = [a, b];
    for (let i = 0; i < 6; i++) [p, q] = [tanh(multiply(p, q)), sin(one('Sub', [p, multiply(q, a)]))];
    gradients([p, multiply(q, p)], [a, b]);
    return { feeds: { a: [0.5, 0.25], b: [0.75, -0.5] } };
  });
  same('nothing asked, nothing given', ({ gradients }) => {
    const x = x2();
    gradients([], [x]);
    gradients(x, []);
    gradients([], []);
    gradients([], [x], { unconnectedGradients: 'zero' });
    return { feeds: { x: [1, 2] } };
  });
  same('control edges carry no gradient', ({ gradients }) => {
    const [x, z] = [x2(), x2('z')];
    const y = controlDependencies([sin(x)], () => multiply(z, z));
    gradients(y, [x, z]);
    return { feeds: { x: [1, 2], z: [3, 4] } };
  });
  same('a constant y', ({ gradients }) => {
    const x = x2();
    gradients([constant([1, 2]), multiply(x, 2)], x);
    gradients(constant([1, 2]), x);
    return { feeds: { x: [1, 2] } };
  });
});

describe('stopGradients', () => {
  const subsets = Array.from({ length: 16 }, (_, bits) => [0, 1, 2, 3].filter((i) => (bits >> i) & 1));
  const diamond = (): Tensor[] => {
    const a = x2('a');
    const b = multiply(a, tanh(a), { name: 'b' });
    const c = one('Sub', [sin(b), a], {}, { name: 'c' });
    return [a, b, c, one('AddN', [[multiply(a, b), multiply(b, c), a, c]], {}, { name: 'd' })];
  };
  test.each(subsets.map((stops) => [stops.map((i) => 'abcd'[i]).join('') || 'none', stops] as const))(
    'at %s',
    async (_, stops) => {
      await compareWithTensorFlow(({ gradients }) => {
        const nodes = diamond();
        for (const xs of subsets) {
          gradients(
            nodes[3]!,
            xs.map((i) => nodes[i]!),
            { stopGradients: stops.map((i) => nodes[i]!) },
          );
        }
        return { feeds: { a: [0.5, -1] } };
      });
    },
  );
  same('at one output of several', ({ gradients }) => {
    const x = x2();
    const [a, b] = split(tanh(x), 2) as unknown as [Tensor, Tensor];
    gradients(multiply(a, b), [x, b], { stopGradients: [a] });
    return { feeds: { x: [1, 2] } };
  });
  same('at a y, at a constant, beyond the ys, twice', ({ gradients }) => {
    const x = x2();
    const y = tanh(x);
    const z = sin(y);
    gradients(z, [x, z], { stopGradients: z });
    gradients(y, x, { stopGradients: [z, constant(1)] });
    gradients(z, x, { stopGradients: [y, y] });
    gradients(z, x, { stopGradients: [y], unconnectedGradients: 'zero' });
    return { feeds: { x: [1, 2] } };
  });
  same('at an op that has no gradient', ({ gradients }) => {
    const x = x2();
    gradients(multiply(preventGradient(x), x), x, { stopGradients: [], ...stopAt(preventGradient(x)) });
    return { feeds: { x: [1, 2] } };
  });
});

function stopAt(tensor: Tensor): GradientOptions {
  return { stopGradients: [tensor, tensor.graph.tensor('PreventGradient:0')] };
}

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
    const x = x2();
    const [a, b] = split(tanh(x), 2) as unknown as [Tensor, Tensor];
    gradients(multiply(a, b), [a, b]);
    gradients(b, [a, b]);
    gradients(b, [a, b], { unconnectedGradients: 'zero' });
    gradients(multiply(a, b), [b, x]);
    return { feeds: { x: [1, 2] } };
  });
  same('of dtypes that carry no gradient', ({ gradients }) => {
    const [x, k] = [x2(), placeholder('int32', [2], { name: 'k' })];
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
    const x = x2();
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
    const x = x2();
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
      const x = x2();
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
    const x = x2();
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
    ({ gradients }) => void gradients(x2(), [], { gradYs: [null, null] }),
    'InvalidArgumentError',
    'ValueError',
  );
  refused(
    'a bool gradY',
    ({ gradients }) => void gradients(x2(), [], { gradYs: constant([true, false]) }),
    'DTypeError',
    'TypeError',
  );
  refused(
    'a gradient forbidden',
    ({ gradients }) => {
      const x = x2();
      gradients(sin(preventGradient(x, 'no')), x);
    },
    'LookupError',
    'LookupError',
  );
  refused(
    'a bad scope name',
    ({ gradients }) => void gradients(x2(), [], { name: 'a b' }),
    'InvalidArgumentError',
    'ValueError',
  );
  refused(
    'a bad choice',
    ({ gradients }) => void gradients(x2(), [], { unconnectedGradients: 'nothing' as 'none' }),
    'InvalidArgumentError',
    'ValueError',
  );
});
