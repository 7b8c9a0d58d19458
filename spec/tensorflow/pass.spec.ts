/** The backward walk against TensorFlow's: seeds, reachability, accumulation, stops. */
import { describe, test } from '@jest/globals';
import type { GradientOptions } from '../../src/gradients/gradients.js';
import { controlDependencies } from '../../src/graph/scopes.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { one } from '../../src/ops/call.js';
import { pair, same, useTensorFlow } from './support/cases.js';
import { compareWithTensorFlow } from './support/compare.js';
import {
  complex,
  constant,
  identity,
  multiply,
  placeholder,
  preventGradient,
  real,
  sin,
  split,
  square,
  tanh,
  variable,
} from './support/functions.js';

useTensorFlow();

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
  same('of operands of one element that differ in rank', ({ gradients }) => {
    const [x, z] = [placeholder('float32', [1], { name: 'x' }), placeholder('float32', [], { name: 'z' })];
    gradients(multiply(x, z), [x, z]);
    return { feeds: { x: [1], z: 2 } };
  });
  same('a tensor, a constant, data and none', ({ gradients }) => {
    const x = pair();
    gradients([multiply(x, x), sin(x), tanh(x), identity(x)], x, {
      gradYs: [pair('dy'), constant([1, 2]), [3, 4], null],
    });
    return { feeds: { x: [1, 2], dy: [3, 4] } };
  });
  same('of a y that no x reaches', ({ gradients }) => {
    const [x, z] = [pair(), pair('z')];
    gradients([multiply(x, x), sin(z)], x, { gradYs: [null, [3, 4]] });
    return { feeds: { x: [1, 2], z: [1, 2] } };
  });
  same('a variable in the place of data', ({ gradients }) => {
    const x = pair();
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
    const x = pair();
    gradients([3, multiply(x, x)], [x, 3]);
    return { feeds: { x: [1, 2] } };
  });
  same('complex paths', ({ gradients }) => {
    const x = pair();
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
    const x = pair();
    const y = square(x);
    const z = square(square(y));
    gradients([y, z], x);
    gradients([z, y], x);
    gradients([z, y, x], [x, y, z]);
    return { feeds: { x: [3, 1] } };
  });
  same('repeated ys and xs', ({ gradients }) => {
    const x = pair();
    const y = tanh(x);
    gradients([y, y], [x, x]);
    gradients([y, y, y], [y, x], { gradYs: [[1, 2], null, [3, 4]] });
    return { feeds: { x: [0.5, 1] } };
  });
  same('an x downstream of another', ({ gradients }) => {
    const x = pair();
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
    const [a, b] = [pair('a'), pair('b')];
    const c = multiply(a, b);
    const d = tanh(c);
    gradients(multiply(d, b), [c, b]);
    gradients(multiply(d, b), [d, a]);
    return { feeds: { a: [1, 2], b: [0.5, 0.25] } };
  });
  same('the same edge twice, and many consumers', ({ gradients }) => {
    const x = pair();
    const y = one('AddV2', [x, x]);
    gradients(y, x);
    gradients(one('AddN', [[x, y, x, sin(x), x]]), [x, y]);
    return { feeds: { x: [1, 2] } };
  });
  same('a wide and deep graph', ({ gradients }) => {
    const [a, b] = [pair('a'), pair('b')];
    let [p, q] = [a, b];
    for (let i = 0; i < 6; i++) [p, q] = [tanh(multiply(p, q)), sin(one('Sub', [p, multiply(q, a)]))];
    gradients([p, multiply(q, p)], [a, b]);
    return { feeds: { a: [0.5, 0.25], b: [0.75, -0.5] } };
  });
  same('nothing asked, nothing given', ({ gradients }) => {
    const x = pair();
    gradients([], [x]);
    gradients(x, []);
    gradients([], []);
    gradients([], [x], { unconnectedGradients: 'zero' });
    return { feeds: { x: [1, 2] } };
  });
  same('control edges carry no gradient', ({ gradients }) => {
    const [x, z] = [pair(), pair('z')];
    const y = controlDependencies([sin(x)], () => multiply(z, z));
    gradients(y, [x, z]);
    return { feeds: { x: [1, 2], z: [3, 4] } };
  });
  same('a constant y', ({ gradients }) => {
    const x = pair();
    gradients([constant([1, 2]), multiply(x, 2)], x);
    gradients(constant([1, 2]), x);
    return { feeds: { x: [1, 2] } };
  });
});

describe('stopGradients', () => {
  const subsets = Array.from({ length: 16 }, (_, bits) => [0, 1, 2, 3].filter((i) => (bits >> i) & 1));
  const diamond = (): Tensor[] => {
    const a = pair('a');
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
    const x = pair();
    const [a, b] = split(tanh(x), 2) as unknown as [Tensor, Tensor];
    gradients(multiply(a, b), [x, b], { stopGradients: [a] });
    return { feeds: { x: [1, 2] } };
  });
  same('at a y, at a constant, beyond the ys, twice', ({ gradients }) => {
    const x = pair();
    const y = tanh(x);
    const z = sin(y);
    gradients(z, [x, z], { stopGradients: z });
    gradients(y, x, { stopGradients: [z, constant(1)] });
    gradients(z, x, { stopGradients: [y, y] });
    gradients(z, x, { stopGradients: [y], unconnectedGradients: 'zero' });
    return { feeds: { x: [1, 2] } };
  });
  same('at an op that has no gradient', ({ gradients }) => {
    const x = pair();
    gradients(multiply(preventGradient(x), x), x, { stopGradients: [], ...stopAt(preventGradient(x)) });
    return { feeds: { x: [1, 2] } };
  });
});

function stopAt(tensor: Tensor): GradientOptions {
  return { stopGradients: [tensor, tensor.graph.tensor('PreventGradient:0')] };
}
