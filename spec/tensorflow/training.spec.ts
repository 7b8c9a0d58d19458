/** Optimizers against TensorFlow's: every node that a call appends, and every variable after several steps. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { useTensorFlow } from './support/cases.js';
import type { Trainer } from './support/training.js';
import { trainAlike } from './support/training.js';

useTensorFlow();

type Model = {
  readonly loss: tl.Tensor;
  readonly feeds: { readonly [name: string]: number[][] };
};
type Float = 'float32' | 'float64';

/** A matrix product of a placeholder, and a bias: dense gradients. */
function dense(dtype: Float): Model {
  const x = tl.placeholder(dtype, [null, 2], { name: 'x' });
  const w = tl.variable(
    tl.constant(
      [
        [1, -2],
        [0.5, 4],
      ],
      { dtype },
    ),
    { name: 'layer/w' },
  );
  const b = tl.variable([0.25, -0.5], { name: 'b', dtype });
  const loss = tl.reduceSum(tl.square(tl.add(tl.matmul(x, w), b)));
  return {
    loss,
    feeds: {
      x: [
        [0.5, -1],
        [0.25, 2],
        [1, 0],
      ],
    },
  };
}

/** Rows of a table, one of them twice and one never: a sparse gradient beside a dense one. */
function sparse(dtype: Float): Model {
  const w = tl.variable(
    [
      [1, -2],
      [0.5, 4],
      [2, 3],
      [-1, 1],
    ],
    { name: 'w', dtype },
  );
  const b = tl.variable([0.25, -0.5], { name: 'b', dtype });
  const rows = tl.gather(w, tl.constant([2, 0, 2], { dtype: 'int32' }));
  const scaled = tl.multiply(rows, tl.constant([[0.5], [1], [2]], { dtype }));
  return { loss: tl.reduceSum(tl.square(tl.add(scaled, b))), feeds: {} };
}

const optimizers: readonly [string, Parameters<Trainer['optimizer']>][] = [
  ['GradientDescent', ['GradientDescentOptimizer', [0.0625]]],
  ['Momentum', ['MomentumOptimizer', [0.0625, 0.75]]],
  ['Momentum, Nesterov', ['MomentumOptimizer', [0.0625, 0.75], { useNesterov: true }]],
  ['Adagrad', ['AdagradOptimizer', [0.25], { initialAccumulatorValue: 0.5 }]],
  ['RMSProp', ['RMSPropOptimizer', [0.125]]],
  ['RMSProp with momentum', ['RMSPropOptimizer', [0.125], { decay: 0.75, momentum: 0.5, epsilon: 0.01 }]],
  ['RMSProp, centered', ['RMSPropOptimizer', [0.125], { momentum: 0.5, centered: true, epsilon: 0.01 }]],
  ['Adam', ['AdamOptimizer', [0.125]]],
  ['Adam of other decays', ['AdamOptimizer', [0.125], { beta1: 0.5, beta2: 0.75, epsilon: 0.1, useLocking: true }]],
];

describe.each(optimizers)('%s', (_, optimizer) => {
  const models: readonly [string, (dtype: Float) => Model][] = [
    ['dense', dense],
    ['sparse', sparse],
  ];
  describe.each(models)('%s', (_, model) => {
    test.each<Float>(['float32', 'float64'])('%s', async (dtype) => {
      await trainAlike((trainer) => {
        const { loss, feeds } = model(dtype);
        const step = trainer.optimizer(...optimizer).minimize(loss);
        return { steps: [step, step, step, step], feeds };
      });
    });
    test.each(['none', 'op', 'graph'] as const)('gate %s', async (gateGradients) => {
      await trainAlike((trainer) => {
        const { loss, feeds } = model('float32');
        const globalStep = tl.train.createGlobalStep();
        const step = trainer.optimizer(...optimizer).minimize(loss, { gateGradients, globalStep, name: 'train' });
        return { steps: [step, step], feeds };
      });
    });
  });
});

describe('what surrounds them', () => {
  test('a name scope, a device and control dependencies', async () => {
    await trainAlike((trainer) => {
      const { loss, feeds } = dense('float32');
      const adam = trainer.optimizer('AdamOptimizer', [0.125], { name: 'Foo' });
      const step = tl.nameScope('train', () =>
        tl.device('/device:CPU:0', () => tl.controlDependencies([loss], () => adam.minimize(loss))),
      );
      return { steps: [step, step], feeds };
    });
  });

  test('variables on devices, and gradients placed with their operations', async () => {
    await trainAlike((trainer) => {
      const w = tl.device('/device:CPU:0', () => tl.variable([1, 2], { name: 'w' }));
      const v = tl.device('/device:CPU:1', () => tl.variable([3, 4], { name: 'v' }));
      const loss = tl.reduceSum(tl.square(tl.multiply(w, v)));
      const options = { colocateGradientsWithOps: true, globalStep: tl.train.createGlobalStep() };
      const steps = (['AdamOptimizer', 'MomentumOptimizer'] as const).map((kind) =>
        trainer.optimizer(kind, kind === 'AdamOptimizer' ? [0.125] : [0.0625, 0.5]).minimize(loss, options),
      );
      return { steps };
    });
  });

  test('several optimizers of the same variables, and one called twice', async () => {
    await trainAlike((trainer) => {
      const { loss, feeds } = dense('float32');
      const momentum = trainer.optimizer('MomentumOptimizer', [0.0625, 0.5]);
      const adam = trainer.optimizer('AdamOptimizer', [0.0625]);
      const steps = [momentum.minimize(loss), momentum.minimize(loss), adam.minimize(loss)];
      steps.push(trainer.optimizer('MomentumOptimizer', [0.0625, 0.5]).minimize(loss));
      steps.push(trainer.optimizer('AdamOptimizer', [0.0625]).minimize(loss));
      return { steps, feeds };
    });
  });

  test('lists of variables, slots that come later, a given gradient of the loss', async () => {
    await trainAlike((trainer) => {
      const { loss, feeds } = dense('float64');
      const [w, b] = tl.trainableVariables() as [tl.Variable, tl.Variable];
      const adam = trainer.optimizer('AdamOptimizer', [0.0625]);
      const gradLoss = tl.constant(0.5, { dtype: 'float64' });
      const steps = [
        adam.minimize(loss, { varList: [w] }),
        adam.minimize(loss, { varList: [b, w], gradLoss, aggregationMethod: 'experimentalTree' }),
      ];
      return { steps: [...steps, ...steps], feeds };
    });
  });
});

describe('hyperparameters', () => {
  test('a variable, a tensor', async () => {
    await trainAlike((trainer) => {
      const { loss, feeds } = sparse('float64');
      const rate = tl.variable(0.125, { name: 'rate', trainable: false });
      const decay = tl.constant(0.5, { name: 'decay', dtype: 'float64' });
      const steps = [
        trainer.optimizer('GradientDescentOptimizer', [rate]).minimize(loss),
        trainer.optimizer('MomentumOptimizer', [rate, decay]).minimize(loss),
        trainer.optimizer('RMSPropOptimizer', [rate], { decay }).minimize(loss),
        trainer.optimizer('AdamOptimizer', [rate], { beta1: decay }).minimize(loss),
      ];
      return { steps: [...steps, ...steps], feeds };
    });
  });

  test('a rate that follows the global step', async () => {
    await trainAlike((trainer) => {
      const { loss, feeds } = dense('float32');
      const globalStep = tl.train.createGlobalStep();
      const rate = tl.divide(0.125, tl.add(1, tl.cast(globalStep, 'float32')));
      const step = trainer.optimizer('GradientDescentOptimizer', [rate]).minimize(loss, { globalStep });
      return { steps: [step, step, step], feeds };
    });
  });
});

describe('applyGradients', () => {
  test('null, slices without a shape, a variable as a gradient', async () => {
    await trainAlike((trainer) => {
      const w = tl.variable(
        [
          [1, 2],
          [3, 4],
        ],
        { name: 'w' },
      );
      const v = tl.variable([1, 2], { name: 'v' });
      const u = tl.variable([0.5, 0.25], { name: 'u' });
      const indices = tl.constant([1n, 0n, 1n]);
      const slices = new tl.IndexedSlices(
        tl.constant([
          [1, 2],
          [3, 4],
          [5, 6],
        ]),
        indices,
        null,
      );
      const steps = (['AdagradOptimizer', 'GradientDescentOptimizer', 'AdamOptimizer'] as const).map((kind) =>
        trainer.optimizer(kind, [0.125]).applyGradients([
          [slices, w],
          [u, v],
          [null, u],
        ]),
      );
      return { steps: [...steps, ...steps] };
    });
  });

  test('large variables start as a Fill', async () => {
    const graph = await trainAlike((trainer) => {
      const w = tl.variable(tl.zeros([40, 50]), { name: 'w' });
      const loss = tl.reduceSum(tl.square(tl.subtract(w, 1)));
      return {
        steps: [
          trainer.optimizer('RMSPropOptimizer', [0.125]).minimize(loss),
          trainer.optimizer('AdagradOptimizer', [0.125]).minimize(loss),
        ],
      };
    });
    expect(graph.operation('w/RMSProp/Initializer/ones').type).toBe('Fill');
  });

  test('complex variables', async () => {
    await trainAlike((trainer) => {
      const z = tl.variable(
        [
          { re: 1, im: 2 },
          { re: -3, im: 0.5 },
        ],
        { name: 'z', dtype: 'complex64' },
      );
      const gradient = tl.constant(
        [
          { re: 0.5, im: -1 },
          { re: 2, im: 1 },
        ],
        { dtype: 'complex64' },
      );
      const steps = [
        trainer.optimizer('GradientDescentOptimizer', [0.125]).applyGradients([[gradient, z]]),
        trainer.optimizer('MomentumOptimizer', [0.125, 0.5], { useNesterov: true }).applyGradients([[gradient, z]]),
      ];
      return { steps: [...steps, ...steps] };
    });
  });
});

test('constraints', async () => {
  await trainAlike((trainer) => {
    const { loss, feeds } = dense('float32');
    const c = tl.variable([0.25, -0.5], { name: 'c', constraint: tl.sigmoid });
    const sum = tl.add(loss, tl.reduceSum(tl.square(c)));
    const steps = [
      trainer.optimizer('AdamOptimizer', [0.25]).minimize(sum, { globalStep: tl.train.createGlobalStep() }),
      trainer.optimizer('GradientDescentOptimizer', [0.25]).minimize(sum),
    ];
    return { steps: [...steps, ...steps], feeds };
  });
});

test('a variable of unknown shape', async () => {
  const trained = (kind: 'MomentumOptimizer' | 'AdamOptimizer', args: readonly number[]) =>
    trainAlike((trainer) => {
      const w = tl.variable(tl.placeholderWithDefault(tl.constant([1, 2]), [null]), { name: 'w' });
      const step = trainer.optimizer(kind, args).minimize(tl.reduceSum(tl.square(w)));
      return { steps: [step, step] };
    });
  await trained('MomentumOptimizer', [0.125, 0.5]);
  await trained('AdamOptimizer', [0.125]);
});
