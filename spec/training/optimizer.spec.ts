/** Optimizers: TensorFlow's OptimizerTest under the names of its tests, and what it leaves open: options, errors, slots, roll-back. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

const dtypes = ['float16', 'float32', 'float64'] as const;
type Float = (typeof dtypes)[number];

function inGraph<T>(build: (graph: tl.Graph) => T): T {
  const graph = new tl.Graph();
  return graph.asDefault(() => build(graph));
}

/** The two variables of all these tests, and 5 times the first plus 3 times the second. */
function model(dtype: Float) {
  const v0 = tl.variable([1, 2], { dtype });
  const v1 = tl.variable([3, 4], { dtype });
  const cost = tl.add(tl.multiply(5, v0), tl.multiply(3, v1));
  return { v0, v1, cost };
}

function started(graph: tl.Graph): tl.Session {
  const session = new tl.Session({ graph });
  session.runSync(tl.globalVariablesInitializer());
  return session;
}
const valuesOf = (session: tl.Session, ...variables: tl.Variable[]) =>
  session.runSync(variables).map((value) => value.toArray());

describe.each(dtypes)('%s', (dtype) => {
  test('OptimizerTest.testBasic', () => {
    inGraph((graph) => {
      const { v0, v1, cost } = model(dtype);
      const globalStep = tl.variable(0, { dtype: 'int64', trainable: false });
      const step = new tl.train.GradientDescentOptimizer(3).minimize(cost, { globalStep, varList: [v0, v1] });
      const session = started(graph);
      expect(valuesOf(session, v0, v1)).toEqual([[1, 2], [3, 4]]); // prettier-ignore
      session.runSync(step);
      expect(valuesOf(session, v0, v1)).toEqual([[-14, -13], [-6, -5]]); // prettier-ignore
      expect(session.runSync(globalStep).item()).toBe(1n);
    });
  });

  test('OptimizerTest.testAggregationMethod', () => {
    inGraph((graph) => {
      const { v0, v1, cost } = model(dtype);
      const step = new tl.train.GradientDescentOptimizer(3).minimize(cost, {
        varList: [v0, v1],
        aggregationMethod: 'experimentalAccumulateN',
      });
      const session = started(graph);
      session.runSync(step);
      expect(valuesOf(session, v0, v1)).toEqual([[-14, -13], [-6, -5]]); // prettier-ignore
    });
  });

  test('OptimizerTest.testPrecomputedGradient', () => {
    inGraph((graph) => {
      const { v0, v1, cost } = model(dtype);
      const gradLoss = tl.constant([42, -42], { dtype });
      const step = new tl.train.GradientDescentOptimizer(3).minimize(cost, { varList: [v0, v1], gradLoss });
      const session = started(graph);
      session.runSync(step);
      expect(valuesOf(session, v0, v1)).toEqual([
        [1 - 3 * 5 * 42, 2 - 3 * 5 * -42],
        [3 - 3 * 3 * 42, 4 - 3 * 3 * -42],
      ]);
    });
  });

  test('OptimizerTest.testNoVariables', () => {
    inGraph((graph) => {
      const v0 = tl.variable([1, 2], { dtype, trainable: false });
      const v1 = tl.variable([3, 4], { dtype, trainable: false });
      const cost = tl.add(tl.multiply(5, v0), v1);
      const before = graph.state;
      expect(() => new tl.train.GradientDescentOptimizer(3).minimize(cost)).toThrow(/no variables to optimize/);
      expect(graph.state).toBe(before);
    });
  });

  test('OptimizerTest.testNoGradients', () => {
    inGraph((graph) => {
      const v0 = tl.variable([1, 2], { dtype });
      const v1 = tl.variable([3, 4], { dtype });
      const cost = tl.multiply(5, v0);
      const before = graph.state;
      const sgd = new tl.train.GradientDescentOptimizer(3);
      for (const gateGradients of ['none', 'op', 'graph'] as const) {
        expect(() => sgd.minimize(cost, { varList: [v1], gateGradients })).toThrow(
          /no gradient for any variable.*'Variable_1:0' with the loss 'Mul:0'/,
        );
      }
      expect(graph.state).toBe(before);
    });
  });

  test('OptimizerTest.testNoGradientsForAnyVariables_Minimize', () => {
    inGraph((graph) => {
      const { v0, v1 } = model(dtype);
      const cost = tl.constant(5);
      const before = graph.state;
      const sgd = new tl.train.GradientDescentOptimizer(3);
      expect(() => sgd.minimize(cost, { varList: [v0, v1] })).toThrow(/no gradient for any variable/);
      expect(graph.state).toBe(before);
    });
  });

  test('OptimizerTest.testNoGradientsForAnyVariables_ApplyGradients', () => {
    inGraph((graph) => {
      const { v0, v1 } = model(dtype);
      const before = graph.state;
      const sgd = new tl.train.GradientDescentOptimizer(3);
      expect(() => sgd.applyGradients([[null, v0], [null, v1]])).toThrow(/no gradient for any variable/); // prettier-ignore
      expect(graph.state).toBe(before);
    });
  });

  test('OptimizerTest.testGradientsAsVariables', () => {
    inGraph((graph) => {
      const { v0, v1, cost } = model(dtype);
      const sgd = new tl.train.GradientDescentOptimizer(3);
      const pairs = sgd.computeGradients(cost, { varList: [v0, v1] });
      const kept = [v0, v1].map(() => tl.variable([0, 0], { dtype }));
      const keep = kept.map((variable, i) => variable.assign(pairs[i]![0]!));
      const step = sgd.applyGradients(kept.map((gradient, i) => [gradient, pairs[i]![1]]));
      const session = started(graph);
      session.runSync(keep);
      session.runSync(step);
      expect(valuesOf(session, v0, v1)).toEqual([[-14, -13], [-6, -5]]); // prettier-ignore
    });
  });

  test('OptimizerTest.testComputeGradientsWithTensors', () => {
    inGraph((graph) => {
      const x = tl.constant([1], { dtype });
      const y = tl.multiply(x, x);
      const sgd = new tl.train.GradientDescentOptimizer(3);
      const pairs = sgd.computeGradients(y, { varList: [x] });
      expect(pairs).toHaveLength(1);
      const [gradient, of] = pairs[0]!;
      expect(of).toBe(x);
      expect(new tl.Session({ graph }).runSync(gradient as tl.Tensor).toArray()).toEqual([2]);
      const before = graph.state;
      expect(() => sgd.applyGradients(pairs)).toThrow(/'Const:0' is a tensor, not a variable/);
      expect(graph.state).toBe(before);
    });
  });

  test('OptimizerTest.testTrainOp', () => {
    inGraph((graph) => {
      const { v0, v1, cost } = model(dtype);
      const globalStep = tl.variable(0, { dtype: 'int64', trainable: false });
      const step = new tl.train.GradientDescentOptimizer(3).minimize(cost, { globalStep, varList: [v0, v1] });
      expect(graph.collection('train_op')).toEqual([step.name]);
    });
  });

  test('OptimizerTest.testConstraint', () => {
    inGraph((graph) => {
      const clipped = (least: number, most: number) => (v: tl.Variable) => tl.minimum(tl.maximum(v, least), most);
      const v0 = tl.variable([1, 2], { dtype, constraint: clipped(-0.125, 0) });
      const v1 = tl.variable([3, 4], { dtype, constraint: clipped(0, 1) });
      const cost = tl.add(tl.multiply(5, v0), tl.multiply(3, v1));
      const step = new tl.train.GradientDescentOptimizer(3).minimize(cost, { varList: [v0, v1] });
      const session = started(graph);
      session.runSync(step);
      expect(valuesOf(session, v0, v1)).toEqual([[-0.125, -0.125], [0, 0]]); // prettier-ignore
    });
  });
});

describe('slots', () => {
  test('are made once for each variable and graph, and have TensorFlow’s names', () => {
    const adam = new tl.train.AdamOptimizer(0.125);
    expect([adam.getSlotNames(), adam.getName()]).toEqual([[], 'Adam']);
    for (let i = 0; i < 2; i++) {
      inGraph((graph) => {
        const { v0, v1, cost } = model('float32');
        expect(adam.getSlot(v0, 'm')).toBeNull();
        adam.minimize(cost);
        adam.minimize(cost);
        const names = ['Variable/Adam', 'Variable/Adam_1', 'Variable_1/Adam', 'Variable_1/Adam_1'];
        expect(adam.variables().map(({ op }) => op.name)).toEqual([...names, 'beta1_power', 'beta2_power']);
        expect(tl.globalVariables()).toHaveLength(8);
        expect(tl.trainableVariables()).toEqual([v0, v1]);
        expect(adam.getSlotNames()).toEqual(['m', 'v']);
        expect(adam.getSlot(v1, 'v')).toBe(adam.variables()[3]);
        expect(adam.getSlot(v1, 'momentum')).toBeNull();
        expect(adam.variables().every((variable) => variable.graph === graph)).toBe(true);
      });
    }
  });

  test('that a graph took back are made again', () => {
    inGraph((graph) => {
      const { v0, cost } = model('float32');
      const momentum = new tl.train.MomentumOptimizer(0.5, 0.5);
      const before = graph.state;
      const fails = () =>
        graph.transact(() => {
          momentum.minimize(cost);
          throw new Error('no');
        });
      expect(fails).toThrow('no');
      expect(graph.state).toBe(before);
      expect([momentum.getSlot(v0, 'momentum'), momentum.getSlotNames(), momentum.variables()]).toEqual([null, [], []]);
      momentum.minimize(cost);
      expect(momentum.getSlot(v0, 'momentum')!.op.name).toBe('Variable/Momentum');
      expect(momentum.variables()).toHaveLength(2);
    });
  });

  test('a failing update takes back what was made before it', () => {
    inGraph((graph) => {
      const { v0, v1 } = model('float32');
      const adam = new tl.train.AdamOptimizer();
      const before = graph.state;
      expect(() => adam.applyGradients([[[1, 2], v0], [tl.constant([1, 2, 3]), v1]])).toThrow(tl.ShapeError); // prettier-ignore
      expect(graph.state).not.toBe(before); // the constant
      const then = graph.state;
      expect(() => adam.applyGradients([[[1, 2], v0], [[1, 2, 3], v1]])).toThrow(tl.ShapeError); // prettier-ignore
      expect(graph.state).toBe(then);
      expect(adam.variables()).toEqual([]);
    });
  });
});

describe('updates inside a branch', () => {
  test('have their slots outside, and happen in the branch that is taken', () => {
    inGraph((graph) => {
      const w = tl.variable([1, 2], { name: 'w' });
      const momentum = new tl.train.MomentumOptimizer(0.5, 0.5);
      const taken = tl.placeholder('bool', []);
      const result = tl.cond(
        taken,
        () => {
          const loss = tl.reduceSum(tl.square(w));
          return tl.controlDependencies([momentum.minimize(loss)], () => tl.identity(loss));
        },
        () => tl.constant(0),
      );
      expect(momentum.getSlot(w, 'momentum')!.graph).toBe(graph);
      const session = started(graph);
      const run = (value: boolean) => session.runSync(result, new Map([[taken as tl.Tensor, value]])).item();
      expect(run(false)).toBe(0);
      expect(valuesOf(session, w)).toEqual([[1, 2]]);
      expect(run(true)).toBe(5);
      expect(valuesOf(session, w, momentum.getSlot(w, 'momentum')!)).toEqual([[0, 0], [2, 4]]); // prettier-ignore
    });
  });
});

describe('hyperparameters', () => {
  test('fed, or given by a function for each call', () => {
    inGraph((graph) => {
      const w = tl.variable([1, 2]);
      const rate = tl.placeholder('float64', [], { name: 'rate' });
      let next = 1;
      const steps = [
        new tl.train.GradientDescentOptimizer(rate).applyGradients([[[1, 1], w]]),
        ...[1, 2].map(() => new tl.train.GradientDescentOptimizer(() => next++).applyGradients([[[1, 1], w]])),
      ];
      const session = started(graph);
      const seen = steps.map((step) => {
        session.runSync(step, { rate: 0.5 });
        return session.runSync(w).toArray();
      });
      expect(seen).toEqual([[0.5, 1.5], [-0.5, 0.5], [-2.5, -1.5]]); // prettier-ignore
    });
  });

  const bad: readonly [string, () => unknown, unknown][] = [
    ['NaN', () => new tl.train.GradientDescentOptimizer(NaN), /'learningRate' must be a finite number/],
    ['none', () => new tl.train.GradientDescentOptimizer(undefined as never), /'learningRate' must be a finite number/],
    ['text', () => new tl.train.AdamOptimizer(0.1, { beta1: 'x' as never }), /'beta1' must be a finite number.*"x"/],
    ['no momentum', () => new tl.train.MomentumOptimizer(0.1, undefined as never), /'momentum' must be/],
    [
      'a negative sum',
      () => new tl.train.AdagradOptimizer(1, { initialAccumulatorValue: 0 }),
      /must be positive, not 0/,
    ],
    [
      'a text for a flag',
      () => new tl.train.RMSPropOptimizer(1, { centered: 1 as never }),
      /'centered' must be true or/,
    ],
    [
      'a misspelt option',
      () => new tl.train.AdamOptimizer(1, { beta_1: 1 } as never),
      /Did you mean 'beta1'|no option/,
    ],
    ['no name', () => new tl.train.AdamOptimizer(1, { name: '' }), /not a valid node name/],
  ];
  test.each(bad)('%s', (_, make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(tl.InvalidArgumentError);
  });

  test('that are no float scalars', () => {
    inGraph(() => {
      const w = tl.variable([1, 2]);
      const apply = (rate: tl.Tensor) => () => new tl.train.AdamOptimizer(rate).applyGradients([[[1, 1], w]]);
      expect(apply(tl.constant([1, 2]))).toThrow(tl.ShapeError);
      expect(apply(tl.constant(1, { dtype: 'int32' }))).toThrow(tl.DTypeError);
    });
  });
});

describe('errors', () => {
  const sgd = new tl.train.GradientDescentOptimizer(1);
  const cases: readonly [string, (parts: ReturnType<typeof model>) => unknown, unknown, RegExp][] = [
    [
      'an integer loss',
      ({ v0 }) => sgd.minimize(tl.cast(v0, 'int32')),
      tl.DTypeError,
      /the loss 'Cast(_1)?:0' is int32/,
    ],
    ['a function', () => sgd.minimize((() => 1) as never), tl.InvalidArgumentError, /the loss is a function: call it/],
    ['a number', () => sgd.minimize(5 as never), tl.InvalidArgumentError, /the loss must be a tensor/],
    [
      'a gate',
      ({ cost }) => sgd.minimize(cost, { gateGradients: 5 as never }),
      tl.InvalidArgumentError,
      /'gateGradients' is 5; it must be one of 'none', 'op', 'graph'/,
    ],
    [
      'a method of aggregation',
      ({ cost }) => sgd.minimize(cost, { aggregationMethod: 'tree' as never }),
      tl.InvalidArgumentError,
      /'aggregationMethod' is "tree"/,
    ],
    ['an option', ({ cost }) => sgd.minimize(cost, { var_list: [] } as never), tl.InvalidArgumentError, /'varList'/],
    ['an empty list', ({ cost }) => sgd.minimize(cost, { varList: [] }), tl.InvalidArgumentError, /varList is empty/],
    [
      'what is no variable',
      ({ cost, v0 }) => sgd.minimize(cost, { varList: [v0, 'v1' as never] }),
      tl.InvalidArgumentError,
      /varList\[1\] is neither a variable nor a tensor/,
    ],
    [
      'a gradient of the loss of another dtype',
      ({ cost }) => sgd.minimize(cost, { gradLoss: tl.constant([1, 1], { dtype: 'float64' }) }),
      tl.DTypeError,
      /float64/,
    ],
    [
      'an integer gradient of the loss',
      ({ cost }) => sgd.minimize(cost, { gradLoss: tl.constant([1, 1], { dtype: 'int32' }) }),
      tl.DTypeError,
      /gradLoss 'Const(_1)?:0' is int32/,
    ],
    ['no pairs', () => sgd.applyGradients([]), tl.InvalidArgumentError, /gradsAndVars is empty/],
    ['no list', () => sgd.applyGradients(5 as never), tl.InvalidArgumentError, /must be a list of pairs/],
    ['no pair', ({ v0 }) => sgd.applyGradients([v0 as never]), tl.InvalidArgumentError, /\[0\] is not a pair/],
    [
      'a pair the wrong way',
      ({ v0 }) => sgd.applyGradients([[v0, 1 as never]]),
      tl.InvalidArgumentError,
      /no variable in/,
    ],
    [
      'undefined',
      ({ v0 }) => sgd.applyGradients([[undefined as never, v0]]),
      tl.InvalidArgumentError,
      /undefined; null/,
    ],
    [
      'a gradient of another dtype',
      ({ v0 }) => sgd.applyGradients([[tl.constant([1, 1], { dtype: 'float64' }), v0]]),
      tl.DTypeError,
      /is float64, its variable 'Variable:0' float32/,
    ],
    [
      'a shape',
      ({ v0 }) => sgd.applyGradients([[[1, 2, 3], v0]]),
      tl.ShapeError,
      /the gradient of 'Variable:0' has shape \[3\], its variable 'Variable:0' \[2\]/,
    ],
    [
      'a step that is no variable',
      ({ cost }) => sgd.minimize(cost, { globalStep: 5 as never }),
      tl.InvalidArgumentError,
      /globalStep must be a variable/,
    ],
    [
      'a step of another graph',
      ({ cost }) => sgd.minimize(cost, { globalStep: inGraph(() => tl.variable(0, { dtype: 'int64' })) }),
      tl.InvalidArgumentError,
      /belongs to another graph/,
    ],
    [
      'variables of two graphs',
      ({ v0 }) => sgd.applyGradients([[[1, 2], v0], [1, inGraph(() => tl.variable(0))]]), // prettier-ignore
      tl.InvalidArgumentError,
      /different graphs/,
    ],
    ['a name', ({ cost }) => sgd.minimize(cost, { name: 'a b' }), tl.InvalidArgumentError, /not a valid node name/],
    ['a slot of a tensor', ({ cost }) => sgd.getSlot(cost as never, 'm'), tl.InvalidArgumentError, /variables only/],
  ];
  test.each(cases)('%s', (_, fails, kind, message) => {
    inGraph((graph) => {
      const parts = model('float32');
      let before = graph.state;
      const attempt = (): unknown => {
        try {
          return fails(parts);
        } catch (error) {
          // Operands that the case makes stay, and nothing else.
          before = graph.state;
          throw error;
        }
      };
      expect(attempt).toThrow(kind);
      const made = graph.version;
      expect(attempt).toThrow(message);
      expect(graph.state).toBe(before);
      expect(graph.operations().slice(made).every(({ type }) => type === 'Const' || type === 'Cast' || type === 'ReadVariableOp')).toBe(true); // prettier-ignore
      expect(graph.operations().some(({ name }) => /gradients|GradientDescent/.test(name))).toBe(false);
    });
  });

  test('complex variables have no update of a real loss', () => {
    inGraph((graph) => {
      const z = tl.variable([{ re: 1, im: 2 }], { name: 'z', dtype: 'complex64' });
      const loss = tl.reduceSum(tl.square(tl.abs(z)));
      const before = graph.state;
      expect(() => sgd.minimize(loss)).toThrow(/'z:0' is complex64; it must be/);
      expect(graph.state).toBe(before);
    });
  });

  test('a constraint on a variable with sparse gradients', () => {
    inGraph(() => {
      const w = tl.variable([[1], [2]], { name: 'w', constraint: tl.abs });
      const loss = tl.reduceSum(tl.gather(w, [0]));
      expect(() => sgd.minimize(loss)).toThrow(/'w:0' has a constraint, which does not go with IndexedSlices/);
    });
  });

  test('a slot that was not initialized', () => {
    inGraph((graph) => {
      const w = tl.variable([1, 2], { name: 'w' });
      const init = tl.globalVariablesInitializer();
      const step = new tl.train.MomentumOptimizer(0.5, 0.5).minimize(tl.reduceSum(w));
      const session = new tl.Session({ graph });
      session.runSync(init);
      expect(() => session.runSync(step)).toThrow(/Could not find variable w\/Momentum/);
      expect(session.runSync(w).toArray()).toEqual([1, 2]);
    });
  });
});

describe('gating', () => {
  const gates = ['none', 'op', 'graph'] as const;
  test('gives TensorFlow’s structure', () => {
    const structure = gates.map((gateGradients) =>
      inGraph((graph) => {
        const { cost } = model('float32');
        new tl.train.GradientDescentOptimizer(1).computeGradients(cost, { gateGradients });
        return graph.operations().filter(({ name }) => name.includes('tuple/')).map(({ name }) => name); // prettier-ignore
      }),
    );
    const gate = (scope: string) => ['group_deps', 'control_dependency', 'control_dependency_1'].map((name) => `${scope}tuple/${name}`); // prettier-ignore
    expect(structure[0]).toEqual([]);
    expect(structure[1]).toEqual(['Add', 'Mul', 'Mul_1'].flatMap((name) => gate(`gradients/${name}_grad/`)));
    expect(structure[2]).toEqual(gate(''));
  });
});

describe('the global step', () => {
  test('is made once, whatever scope is open, and found again', () => {
    inGraph((graph) => {
      expect(tl.train.getGlobalStep()).toBeNull();
      const step = tl.nameScope('scope', () => tl.train.getOrCreateGlobalStep());
      expect([step.name, step.dtype, step.shape, step.trainable]).toEqual(['global_step:0', 'int64', [], false]);
      expect(tl.train.getOrCreateGlobalStep({ graph })).toBe(step);
      expect(tl.train.getGlobalStep()).toBe(step);
      expect(() => tl.train.createGlobalStep()).toThrow(/has a global step already/);
      expect(graph.collection('global_step')).toEqual(['global_step']);
      expect(new tl.Graph().asDefault(() => tl.train.getGlobalStep())).toBeNull();
    });
  });

  test('may be a variable of that name, if it counts', () => {
    inGraph(() => {
      const step = tl.variable(0, { name: 'global_step', dtype: 'int32' });
      expect(tl.train.getGlobalStep()).toBe(step);
    });
    inGraph(() => {
      tl.variable(0, { name: 'global_step' });
      expect(() => tl.train.getOrCreateGlobalStep()).toThrow(tl.DTypeError);
    });
    inGraph(() => {
      tl.variable([0, 1], { name: 'global_step', dtype: 'int32' });
      expect(() => tl.train.getGlobalStep()).toThrow(tl.ShapeError);
    });
    expect(() => tl.train.getGlobalStep({ grap: 1 } as never)).toThrow(tl.InvalidArgumentError);
  });
});
