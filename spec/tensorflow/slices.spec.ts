/** Sparse gradients against TensorFlow's: slices from gathers, alone, together and beside dense ones. */
import { describe } from '@jest/globals';
import type { GradientOptions } from '../../src/gradients/gradients.js';
import type { Tensor } from '../../src/graph/tensor.js';
import type { IndexedSlices } from '../../src/ops/indexed-slices.js';
import { same, useTensorFlow } from './support/cases.js';
import {
  cast,
  constant,
  dynamicStitch,
  gather,
  identity,
  imag,
  maximum,
  multiply,
  placeholder,
  real,
  reduceMean,
  reduceSum,
  sin,
  split,
  square,
  tanh,
  variable,
} from './support/functions.js';

useTensorFlow();

describe('slices', () => {
  const table = (): Tensor => placeholder('float32', [3, 2], { name: 'x' });
  const rows = {
    x: [
      [0.5, 0.25],
      [0.75, 1],
      [-0.5, 0],
    ],
  };
  const options: readonly GradientOptions[] = [
    {},
    { aggregationMethod: 'experimentalTree' },
    { gateGradients: true },
    { colocateGradientsWithOps: true },
    { gateGradients: true, colocateGradientsWithOps: true },
  ];
  const everyWay = (name: string, build: (x: Tensor) => [ys: readonly Tensor[], xs: readonly Tensor[]]): void =>
    same(name, ({ gradients }) => {
      const [ys, xs] = build(table());
      for (const option of options) gradients(ys, xs, option);
      return { feeds: rows };
    });
  everyWay('of one gather', (x) => [[gather(x, [2, 0, 2])], [x]]);
  everyWay('of several', (x) => [
    [
      gather(x, [2, 0]),
      sin(gather(x, [1])),
      gather(x, [
        [0, 1],
        [1, 1],
      ]),
    ],
    [x],
  ]);
  everyWay('of several index dtypes', (x) => [[gather(x, constant([2n, 0n])), sin(gather(x, [1]))], [x]]);
  everyWay('beside dense gradients', (x) => [[gather(x, [2, 0]), sin(x), gather(x, [1])], [x]]);
  everyWay('that go on through an op', (x) => [[gather(tanh(x), [2, 0])], [x]]);
  everyWay('that go on through two', (x) => {
    const y = multiply(x, 2);
    return [
      [gather(y, [2, 0]), gather(y, [0])],
      [x, y],
    ];
  });
  everyWay('that pass through identities', (x) => [[gather(identity(x), [2, 0]), gather(x, [0])], [x]]);
  everyWay('of an index that is computed', (x) => [
    [gather(x, cast(reduceSum(square(x), { axis: [1] }), 'int32'))],
    [x],
  ]);
  same('of variables', ({ gradients }) => {
    const v = variable(
      [
        [0.5, 0.25],
        [0.75, 1],
        [-0.5, 0],
      ],
      { name: 'v' },
    );
    const some = v.sparseRead([2, 0]);
    const [dv] = gradients(multiply(some, some), v) as [IndexedSlices];
    gradients([some, v.sparseRead([1, 1]), gather(v, [2])], v);
    gradients([some, sin(v)], v, { gateGradients: true });
    gradients(reduceSum(square(dv.values)), v);
    gradients(gather(v, constant([1n])), v, { colocateGradientsWithOps: true });
    return { init: [v.initializer] };
  });
  same('differentiated again', ({ gradients }) => {
    const x = table();
    const y = gather(x, [2, 0, 2]);
    const [dx] = gradients(multiply(y, y), x) as [IndexedSlices];
    const [ddx] = gradients(dx.values, x) as [IndexedSlices];
    gradients([ddx.values, sin(dx.values)], x);
    return { feeds: rows };
  });
  same('given to ops that take them apart themselves', ({ gradients, slices }) => {
    const x = placeholder('complex64', [2], { name: 'x' });
    const dy = slices([0.5, 0.25], [1, 0], [2]);
    gradients(real(x), x, { gradYs: [dy] });
    gradients(imag(x), x, { gradYs: [dy] });
    const y = placeholder('float32', [2], { name: 'y' });
    gradients(split(y, 1)[0] as Tensor, y, { gradYs: [dy] });
    gradients(reduceMean(y, { axis: [0], keepDims: true }), y, { gradYs: [slices([0.5], [0], [1])] });
    gradients(reduceSum(y, { axis: [0], keepDims: true }), y, { gradYs: [slices([0.5], [0], [1])] });
    gradients(maximum(y, [1, 3]), y, { gradYs: [dy] });
    gradients(dynamicStitch([[0], [1]], [split(y, 2)[0]!, [3]]), y, { gradYs: [dy] });
    gradients(dynamicStitch([[0], [1]], [split(y, 2)[0]!, [3]]), y, { gradYs: [slices([0.5], [0], null)] });
    return {
      feeds: {
        x: [
          { re: 1, im: 2 },
          { re: 3, im: 4 },
        ],
        y: [1, 2],
      },
    };
  });
});
