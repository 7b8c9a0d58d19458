/** Optimizers called wrongly. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

test('gradients and variables that do not go together are named', () => {
  const graph = new tl.Graph();
  graph.asDefault(() => {
    const w = tl.variable([[1, 2]], { name: 'w' });
    const counts = tl.variable([1, 2], { name: 'counts', dtype: 'int32' });
    const whole = tl.constant([[1, 2]], { dtype: 'int32', name: 'whole' });
    const at = tl.constant([0], { dtype: 'int32' });
    const before = graph.state;
    for (const optimizer of [new tl.train.GradientDescentOptimizer(0.1), new tl.train.AdagradOptimizer(0.1)]) {
      const message = "applyGradients: the gradient 'whole:0' is int32, its variable 'w:0' float32.";
      expect(() => optimizer.applyGradients([[whole, w]])).toThrow(message);
      expect(() => optimizer.applyGradients([[new tl.IndexedSlices(whole, at), w]])).toThrow(message);
      expect(() => optimizer.applyGradients([[[1, 2], counts]])).toThrow(
        "applyGradients: 'counts:0' is int32: such variables cannot be trained.",
      );
    }
    expect(graph.state).toBe(before);
  });
});

test('a learning rate that is no number is called what it is', () => {
  expect(() => new tl.train.GradientDescentOptimizer(NaN)).toThrow(/'learningRate' must be .* not NaN\.$/);
});

test('options where the learning rate goes are told where they go', () => {
  const make = () => new tl.train.AdamOptimizer({ beta1: 0.5 } as never);
  expect(make).toThrow(/'learningRate' must be .*, not an object\. Options come last\.$/);
});

describe('what belongs to another graph', () => {
  const elsewhere = new tl.Graph();
  const [rate, tensor, pair] = elsewhere.asDefault(() => [tl.variable(0.5, { name: 'rate' }), tl.constant(0.5, { name: 't' }), tl.variable([1, 2], { name: 'pair' })]); // prettier-ignore
  const { AdamOptimizer, GradientDescentOptimizer, MomentumOptimizer, RMSPropOptimizer } = tl.train;
  const cases: readonly [string, (w: tl.Variable) => unknown, RegExp][] = [
    [
      'a learning rate',
      (w) => new GradientDescentOptimizer(rate).minimize(tl.square(w)),
      /GradientDescentOptimizer: 'learning_rate' is 'rate:0', which belongs to another graph/,
    ],
    [
      'a momentum, by a function',
      (w) => new MomentumOptimizer(0.1, () => tensor).applyGradients([[[1, 2], w]]),
      /MomentumOptimizer: 'momentum' is 't:0', which belongs to another graph/,
    ],
    [
      'a decay',
      (w) => new RMSPropOptimizer(0.1, { decay: tensor }).applyGradients([[[1, 2], w]]),
      /RMSPropOptimizer: 'decay' is 't:0', which belongs to another graph/,
    ],
    [
      'a beta, which becomes a variable',
      (w) => new AdamOptimizer(0.1, { beta1: rate }).applyGradients([[[1, 2], w]]),
      /AdamOptimizer: 'beta1' is 'rate:0', which belongs to another graph/,
    ],
    [
      'a beta, by a function',
      (w) => new AdamOptimizer(0.1, { beta2: () => tensor }).applyGradients([[[1, 2], w]]),
      /AdamOptimizer: 'beta2' is 't:0', which belongs to another graph/,
    ],
    [
      'a gradient',
      (w) => new GradientDescentOptimizer(0.1).applyGradients([[pair, w]]),
      /applyGradients: the gradient 'pair:0' and its variable 'w:0' belong to different graphs/,
    ],
    [
      'a variable of the list',
      (w) => new GradientDescentOptimizer(0.1).minimize(tl.square(w), { varList: [w, pair] }),
      /'pair:0' belong to different graphs/,
    ],
  ];
  test.each(cases)('%s is refused, and neither graph has anything new', (_, fails, message) => {
    new tl.Graph().asDefault(() => {
      const w = tl.variable([1, 2], { name: 'w' });
      const there = elsewhere.state;
      expect(() => fails(w)).toThrow(tl.InvalidArgumentError);
      expect(() => fails(w)).toThrow(message);
      const here = w.graph.operations().map(({ name }) => name);
      expect(here.filter((name) => !name.startsWith('w') && !/^(Square|ReadVariableOp)/.test(name))).toEqual([]);
      expect(elsewhere.state).toBe(there);
    });
  });
});

describe('gradients of another shape than their variable', () => {
  const ids = () => tl.constant([0, 1], { dtype: 'int32' }) as tl.Tensor;
  const cases: readonly [string, (parts: { w: tl.Variable; wide: tl.Tensor }) => unknown, RegExp][] = [
    ['a tensor', ({ wide }) => wide, /the gradient 'wide:0' has shape \[2, 3\], its variable 'w:0' \[2, 2\]\.$/],
    ['data', () => [1, 2], /the gradient of 'w:0' has shape \[2\], its variable 'w:0' \[2, 2\]\.$/],
    [
      'slices of other rows',
      ({ wide }) => new tl.IndexedSlices(wide, ids()),
      /the gradient 'wide:0' has shape \[\?, 3\], its variable 'w:0' \[2, 2\]\.$/,
    ],
  ];
  const optimizers = [
    new tl.train.GradientDescentOptimizer(0.1),
    new tl.train.AdamOptimizer(),
    new tl.train.AdagradOptimizer(1),
  ];
  test.each(cases)('%s: gradient and variable are named', (_, gradientOf, message) => {
    new tl.Graph().asDefault(() => {
      const w = tl.variable([[1, 2], [3, 4]], { name: 'w' }); // prettier-ignore
      const wide = tl.constant([[1, 2, 3], [4, 5, 6]], { name: 'wide' }) as tl.Tensor; // prettier-ignore
      const gradient = gradientOf({ w, wide }) as tl.Tensor;
      const { state } = w.graph;
      for (const optimizer of optimizers) {
        expect(() => optimizer.applyGradients([[gradient, w]])).toThrow(tl.ShapeError);
        expect(() => optimizer.applyGradients([[gradient, w]])).toThrow(message);
      }
      expect(w.graph.state).toBe(state);
    });
  });
});

test('a global step to which 1 cannot be added is named', () => {
  new tl.Graph().asDefault(() => {
    const w = tl.variable([1, 2], { name: 'w' });
    const made = (initial: tl.TensorData, dtype: 'bool' | 'int64') =>
      tl.variable(initial as never, { name: `a_${dtype}`, dtype, trainable: false });
    const [bool, vector] = [made(true, 'bool'), made([0n, 1n], 'int64')];
    const float = tl.variable(0, { name: 'float', trainable: false });
    const apply = (globalStep: tl.Variable) => new tl.train.GradientDescentOptimizer(1).applyGradients([[[1, 2], w]], { globalStep }); // prettier-ignore
    const { state } = w.graph;
    expect(() => apply(bool)).toThrow(tl.DTypeError);
    expect(() => apply(bool)).toThrow("applyGradients: the globalStep 'a_bool:0' is bool: 1 cannot be added to it.");
    expect(() => apply(vector)).toThrow(tl.ShapeError);
    expect(() => apply(vector)).toThrow(
      "applyGradients: the globalStep 'a_int64:0' has shape [2]; it must be a scalar.",
    );
    expect(w.graph.state).toBe(state);
    expect(apply(float).name).toBe('GradientDescent');
  });
});

test('varList is any nest of variables and tensors, whatever their shapes and dtypes', () => {
  new tl.Graph().asDefault(() => {
    const w = tl.variable([[1, 2]], { name: 'w' });
    const b = tl.variable([1, 2, 3], { name: 'b', dtype: 'float32' });
    const x = tl.constant(2);
    const loss = tl.add(tl.reduceSum(tl.multiply(w, x)), tl.reduceSum(b));
    const sgd = new tl.train.GradientDescentOptimizer(0.5);
    const nested = { layer: { w, rest: [b] } };
    const pairs = sgd.computeGradients(loss, { varList: nested });
    const found: readonly (typeof w | typeof b)[] = pairs.map(([, variable]) => variable);
    expect(found).toEqual([w, b]);
    const withTensor = sgd.computeGradients(loss, { varList: [w, x] });
    const both: readonly (tl.Variable | tl.Tensor)[] = withTensor.map(([, variable]) => variable);
    expect(both).toEqual([w, x]);
    const all: readonly (readonly [tl.Tensor | tl.IndexedSlices | null, tl.Variable])[] = sgd.computeGradients(loss);
    expect(all.map(([, variable]) => variable)).toEqual([w, b]);
    type Any = tl.Variable | readonly Any[] | { readonly [key: string]: Any };
    const mixed: Any = nested;
    const ofAny: readonly tl.Variable[] = sgd
      .computeGradients(loss, { varList: mixed })
      .map(([, variable]) => variable);
    expect(ofAny).toEqual([w, b]);
    expect(sgd.minimize(loss, { varList: nested }).name).toBe('GradientDescent');
    // @ts-expect-error a name is no variable
    expect(() => sgd.minimize(loss, { varList: ['w'] })).toThrow(tl.InvalidArgumentError);
  });
});
