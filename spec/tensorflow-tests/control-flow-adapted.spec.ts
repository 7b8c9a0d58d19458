/** TensorFlow's tests of control flow that use what has no counterpart here: sparse tensors, Switch nodes, a saved MetaGraph. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { flag, grad, int, run } from './support/control-flow.js';

test('ControlFlowTest.testWhileGrad_SparseTensor', () => {
  const build = () => {
    const values = tl.constant([2, 4], { name: 'values' }) as tl.Tensor;
    // A sparse tensor is three tensors; a loop takes them as one variable.
    const sparse = {
      indices: tl.constant([[0n], [3n]]) as tl.Tensor,
      values,
      denseShape: tl.constant([10n]) as tl.Tensor,
    };
    const [, r] = tl.whileLoop(
      (i) => i.less(10),
      (i, x) => [i.add(1), { ...x, values: x.values.multiply(2) }],
      [int(0), sparse],
    );
    return [r.values, r.indices, r.denseShape, grad(r.values, values)];
  };
  expect(run(build)).toEqual([[[2048, 4096], [[0n], [3n]], [10n], [1024, 1024]]]);
});

test('SwitchTestCase.testGradientThroughSingleBranchOutsideOfContext', () => {
  // Where TensorFlow's Switch sends x to one of two tensors, each is here a conditional that has x in one branch.
  const build = () => {
    const [x, s] = [tl.constant(2), flag()];
    const nothing = () => tl.zerosLike(x);
    const whenTrue = tl.cond(s, () => x, nothing);
    const whenFalse = tl.cond(s, nothing, () => x);
    return [grad(whenTrue, x), grad(whenFalse, x)];
  };
  expect(run(build, { p: true }, { p: false })).toEqual([
    [1, 0],
    [0, 1],
  ]);
});

test('CondV2Test.testGradientOfDeserializedCond', () => {
  const saved = new tl.Graph();
  const { appended } = saved.transact(() =>
    saved.asDefault(() => {
      const pred = tl.placeholder('bool', [], { name: 'pred' });
      const x = tl.constant(3, { name: 'x' });
      tl.cond(
        pred,
        () => tl.pow(x, 3),
        () => x,
        { name: 'cond' },
      );
    }),
  );
  const graph = new tl.Graph();
  tl.applyAppended(graph, tl.appendedFromJSON(JSON.stringify(appended)));
  const y = graph.operations().at(-1)!.outputs[0]!;
  const x = graph.tensor('x:0');
  const dx = grad(y, x) as tl.Tensor;
  const found = [true, false].map((pred) => new tl.Session({ graph }).runSync([y, dx], { pred }));
  expect(found.map((each) => each.map((value) => value.item()))).toEqual([
    [27, 27],
    [3, 1],
  ]);
  const [again] = tl.gradients(dx, x);
  expect(new tl.Session({ graph }).runSync(again as tl.Tensor, { pred: true }).item()).toBe(18);
});
