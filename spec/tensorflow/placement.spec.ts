/** Where and in what order backward nodes run, against TensorFlow: aggregation, colocation, gates, devices, scopes. */
import { describe, expect, test } from '@jest/globals';
import { aggregationMethods } from '../../src/gradients/accumulate.js';
import type { GradientOptions } from '../../src/gradients/gradients.js';
import { NDArray } from '../../src/graph/ndarray.js';
import { colocateWith, controlDependencies, device, gradientOverrideMap, nameScope } from '../../src/graph/scopes.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { one } from '../../src/ops/call.js';
import { arrayDifference } from './support/arrays.js';
import { pair, same, useTensorFlow } from './support/cases.js';
import { compareWithTensorFlow, type Built } from './support/compare.js';
import {
  constant,
  gather,
  identity,
  identityN,
  matmul,
  multiply,
  noGradient,
  placeholder,
  registerGradient,
  sin,
  split,
  square,
  tanh,
  variable,
} from './support/functions.js';
import type { Recorder } from './support/recorder.js';
import { StructureError } from './support/structure.js';

useTensorFlow();

const feeds = { x: [0.5, 0.75], w: [0.25, -0.5] };
const feedX = { x: feeds.x };

/** Layouts of a graph in which one tensor has many consumers. */
const layouts: Readonly<Record<string, readonly (string | null)[]>> = {
  nowhere: [null, null, null, null],
  'on one device': ['/device:CPU:1', '/device:CPU:1', '/device:CPU:1', '/device:CPU:1'],
  'on two devices': ['/device:CPU:0', '/device:CPU:1', '/device:CPU:0', '/device:CPU:1'],
  'partly placed': [null, '/device:CPU:1', null, '/device:CPU:0'],
};

function fan(places: readonly (string | null)[]): { xs: Tensor[]; y: Tensor } {
  const at = <T>(i: number, fn: () => T): T => (places[i] === null ? fn() : device(places[i]!, fn));
  const [x, w] = [pair(), pair('w')];
  const shared = at(0, () => multiply(x, w, { name: 'shared' }));
  const parts = [
    at(1, () => sin(shared)),
    at(2, () => multiply(shared, w)),
    at(3, () => tanh(shared)),
    at(1, () => square(shared)),
    at(2, () => multiply(shared, x)),
  ];
  return { xs: [x, w, shared], y: at(3, () => one('AddN', [parts])) };
}

describe.each(Object.keys(layouts))('a graph placed %s', (layout) => {
  for (const aggregationMethod of aggregationMethods) {
    for (const colocateGradientsWithOps of [false, true]) {
      for (const gateGradients of [false, true]) {
        const flags = `${colocateGradientsWithOps ? ', colocated' : ''}${gateGradients ? ', gated' : ''}`;
        same(`${aggregationMethod}${flags}`, ({ gradients }) => {
          const options: GradientOptions = { aggregationMethod, colocateGradientsWithOps, gateGradients };
          const { xs, y } = fan(layouts[layout]!);
          const first = gradients(y, xs.slice(0, 2), options);
          gradients([y, xs[2]!, y], xs, { ...options, gradYs: [null, [1, 2], [3, 4]] });
          gradients(first as Tensor[], xs, options);
          return { feeds };
        });
      }
    }
  }
});

test.each(['/job:ps/task:0', '/job:worker/replica:0/task:1/device:GPU:0', '/job:worker', 'CPU:0'])(
  'an ambient device %s',
  async (spec) => {
    for (const colocateGradientsWithOps of [false, true]) {
      await compareWithTensorFlow(
        ({ gradients }) => {
          const { xs, y } = fan(['/job:ps', '/job:worker/task:0', null, '/job:worker/task:1']);
          device(spec, () => gradients(y, xs, { colocateGradientsWithOps, gateGradients: true }));
          device('/job:a', () => device(spec, () => gradients(y, xs, { colocateGradientsWithOps })));
        },
        { values: false },
      );
    }
  },
);

describe('colocation', () => {
  for (const colocateGradientsWithOps of [false, true]) {
    same(`of what is colocated already, ${colocateGradientsWithOps}`, ({ gradients }) => {
      const [x, w] = [pair(), pair('w')];
      const a = colocateWith(x, () => multiply(x, w, { name: 'a' }));
      const b = colocateWith(a, () => tanh(a, { name: 'b' }));
      const c = colocateWith(w, () => colocateWith(b, () => multiply(a, b, { name: 'c' })));
      gradients(c, [x, w, a], { colocateGradientsWithOps });
      gradients([c, a], [x, w], { colocateGradientsWithOps, gateGradients: true });
      return { feeds };
    });
    same(`from outside, ${colocateGradientsWithOps}`, ({ gradients }) => {
      const { xs, y } = fan([null, null, null, null]);
      const z = device('CPU:0', () => constant(1, { name: 'z' }));
      colocateWith(z, () => gradients(y, xs, { colocateGradientsWithOps }));
      colocateWith(z, () => gradients(y, xs, { colocateGradientsWithOps, gateGradients: true }));
      colocateWith(y, () => colocateWith(z, () => gradients(y, xs, { colocateGradientsWithOps })));
      return { feeds };
    });
  }
  same('of unused outputs and unconnected xs', ({ gradients }) => {
    const x = placeholder('float32', [null], { name: 'x' }) as Tensor;
    const z = placeholder('float32', [null], { name: 'z' }) as Tensor;
    const parts = device('CPU:1', () => split(tanh(x), 2)) as unknown as Tensor[];
    gradients(parts[1]!, [x, z], { colocateGradientsWithOps: true, unconnectedGradients: 'zero' });
    return { feeds: { x: [0.5, 0.75], z: [1] } };
  });
  same('of variables', ({ gradients }) => {
    const v = device('CPU:1', () => variable([1, 2], { name: 'v' }));
    const y = multiply(v, v);
    for (const colocateGradientsWithOps of [false, true])
      gradients(y, v, { colocateGradientsWithOps, gateGradients: true });
    return { init: [v.initializer] };
  });
});

describe('scopes around the call', () => {
  same('name scopes', ({ gradients }) => {
    const pairs = (): [Tensor, Tensor] => [pair(), pair('w')];
    const [x, w] = nameScope('outer', () => nameScope('inner', pairs));
    const y = nameScope('outer', () => tanh(multiply(x, w)));
    nameScope('outer', () => gradients(y, [x, w]));
    const [dx] = nameScope('a', () => nameScope('b', () => gradients(y, [x], { name: 'backward' }))) as [Tensor];
    gradients(dx, [x, w], { name: 'backward' });
    gradients(y, [x], { name: 'again/' });
    gradients(y, [x, w], { name: 'gradients' });
    return { feeds: { 'outer/inner/x': feeds.x, 'outer/inner/w': feeds.w } };
  });
  same('control dependencies', ({ gradients }) => {
    const { xs, y } = fan([null, null, null, null]);
    const first = identity(xs[0]!, { name: 'first' });
    const second = constant(1, { name: 'second' });
    controlDependencies([first], () => gradients(y, xs));
    controlDependencies([first, second], () => gradients(y, xs, { gateGradients: true }));
    controlDependencies([first], () =>
      controlDependencies([second], () => gradients(y, xs, { aggregationMethod: 'experimentalTree' })),
    );
    controlDependencies([first], () => controlDependencies(null, () => gradients(y, xs)));
    controlDependencies([y], () => gradients(y, xs));
    controlDependencies([xs[2]!], () => {
      const z = sin(xs[2]!);
      gradients(z, xs);
      gradients(multiply(z, y), xs, { colocateGradientsWithOps: true });
    });
    return { feeds };
  });
  same('forward control dependencies', ({ gradients }) => {
    const { xs, y } = fan([null, null, null, null]);
    const z = controlDependencies([y], () => tanh(xs[2]!));
    const [dx] = gradients(multiply(z, y), xs) as [Tensor];
    const u = controlDependencies([dx], () => multiply(z, dx));
    gradients(u, xs, { gateGradients: true });
    return { feeds };
  });
  same('a gradient override', ({ gradients }) => {
    registerGradient('TapelessTripled', (_op, dy) => one('Mul', [dy, 3], {}, { name: 'mul' }));
    noGradient('TapelessNone');
    const x = pair();
    const y = gradientOverrideMap({ Tanh: 'TapelessTripled', Sin: 'TapelessNone' }, () => tanh(x));
    const z = gradientOverrideMap({ Mul: 'TapelessNone' }, () => sin(y));
    const none = gradientOverrideMap({ Sin: 'TapelessNone' }, () => sin(x));
    const [dx] = gradients(multiply(y, z), x) as [Tensor];
    gradients(none, x);
    gradients(dx, x);
    const [marked] = gradientOverrideMap({ Cos: 'TapelessTripled' }, () => gradients(sin(x), x)) as [Tensor];
    gradients(marked, x);
    return { feeds: feedX };
  });
});

describe('gates', () => {
  same('are only where two gradients leave an op', ({ gradients }) => {
    const [x, w] = [pair(), pair('w')];
    gradients(sin(multiply(x, constant([1, 2]))), x, { gateGradients: true });
    gradients(multiply(tanh(x), w), [x], { gateGradients: true });
    gradients(one('AddN', [[x, w, x]]), [x, w], { gateGradients: true });
    gradients(matmul(one('ExpandDims', [x, 0]), one('ExpandDims', [w, 1])), [x, w], { gateGradients: true });
    return { feeds };
  });
  same('hold for slices', ({ gradients }) => {
    const x = placeholder('float32', [3, 2], { name: 'x' });
    const w = pair('w');
    const [a, b] = identityN([gather(x, [0, 2]), multiply(w, w)]) as unknown as [Tensor, Tensor];
    gradients([a, b], [x, w], { gateGradients: true });
    return {
      feeds: {
        x: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
        w: [1, 2],
      },
    };
  });
});

describe('gradients of gradients', () => {
  const ways: readonly GradientOptions[] = [
    {},
    { gateGradients: true },
    { colocateGradientsWithOps: true },
    { aggregationMethod: 'experimentalAccumulateN', gateGradients: true },
    { unconnectedGradients: 'zero' },
    { name: 'second' },
  ];
  ways.forEach((way, i) => {
    same(`way ${i}`, ({ gradients }) => {
      const [x, w] = [pair(), pair('w')];
      const y = multiply(tanh(multiply(x, w)), sin(x));
      const first = gradients(y, [x, w], way) as [Tensor, Tensor];
      const second = gradients(first[0], [x, w], way) as [Tensor, Tensor];
      gradients(second, [x, w, first[0]], { ...way, stopGradients: [first[1]] });
      return { feeds };
    });
  });
  same('to the fourth order, where nothing is left', ({ gradients }) => {
    const x = pair();
    let y: Tensor = multiply(multiply(x, x), x);
    for (let order = 1; order <= 4; order++) [y] = gradients(y, x) as [Tensor];
    return { feeds: feedX };
  });
  same('by the seed, which makes a directional derivative', ({ gradients }) => {
    const x = pair();
    const u = pair('w');
    const [dx] = gradients(multiply(tanh(x), x), x, { gradYs: u }) as [Tensor];
    gradients(dx, u, { gradYs: [[1, 2]] });
    gradients(dx, [u, x]);
    return { feeds };
  });
});

describe('the comparison notices', () => {
  const changes: Readonly<Record<string, object>> = {
    'another gate': { gate: true },
    'another colocation': { colocate: true },
    'another aggregation': { aggregation: 'experimentalTree' },
    'another device': { scope: { device: 'CPU:1' } },
    'another control input': { scope: { controllers: [{ inputs: ['z'], seen: [] }] } },
    'other xs': { xs: [{ tensor: 'w:0' }, { tensor: 'x:0' }] },
    'another seed': { gradYs: [{ tensor: 'z:0' }] },
    'a stop': { stopGradients: [{ tensor: 'shared:0' }] },
  };
  test.each(Object.keys(changes))('%s', async (change) => {
    const build = (recorder: Recorder): Built => {
      const { xs, y } = fan([null, null, null, null]);
      pair('z');
      recorder.gradients(y, xs.slice(0, 2));
      Object.assign((recorder.steps.at(-1) as { gradients: object }).gradients, changes[change]);
      return { feeds };
    };
    await expect(compareWithTensorFlow(build, { values: false })).rejects.toThrow(StructureError);
  });
  test('another value', () => {
    const ours = NDArray.from([1, 2]);
    expect(arrayDifference(ours, NDArray.from([1, 2.0001]))).toContain('element 1');
    expect(arrayDifference(ours, NDArray.from([1, 2.000001]))).toBeNull();
    expect(arrayDifference(ours, NDArray.from([1, NaN]))).toContain('element 1');
    expect(arrayDifference(ours, NDArray.from([[1, 2]]))).toContain('shape');
    expect(arrayDifference(ours, NDArray.from([1, 2], 'float64'))).toContain('dtype');
  });
});
