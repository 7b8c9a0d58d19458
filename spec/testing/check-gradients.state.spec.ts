/** checkGradients: that nothing is left behind, and what arguments it takes. */
import { describe, expect, test } from '@jest/globals';
import * as tl from 'tapeless';
import { checkGradients, GradientCheckError, type CheckGradientsOptions } from 'tapeless/testing';

/** Runs `fn` in a graph of its own. */
function inGraph<T>(fn: (graph: tl.Graph) => T): T {
  const graph = new tl.Graph();
  return graph.asDefault(() => fn(graph));
}

tl.registerGradient('StateSpecTripled', (_, dy) => tl.multiply(dy as tl.Tensor, 3));
const overridden = (x: tl.Tensor): tl.Tensor =>
  tl.gradientOverrideMap({ Identity: 'StateSpecTripled' }, () => tl.identity(x));

describe('nothing is left behind', () => {
  test('the graph, its names, and the shapes of its tensors', async () => {
    const graph = new tl.Graph();
    const { y, x } = graph.asDefault(() => {
      const x = tl.placeholder('float64', [null], { name: 'x' }) as tl.Tensor;
      return { x, y: tl.exp(x) };
    });
    const { state, version } = graph;
    await checkGradients(y, x, { feeds: { x: [1, 2] }, order: 2 });
    const wrong = graph.asDefault(() => overridden(x));
    const after = graph.state;
    await expect(checkGradients(wrong, x, { feeds: { x: [1, 2] } })).rejects.toThrow(GradientCheckError);
    expect(graph.state).toBe(after);
    expect(after.nodes.flat(2).slice(0, version)).toEqual(state.nodes.flat(2));
    const [dx] = tl.gradients(y, x);
    expect(dx!.name).toBe('gradients/Exp_grad/mul:0');
  });

  test('a session of the user’s keeps its variables, and gives them', async () => {
    const graph = new tl.Graph();
    const { v, y, init } = graph.asDefault(() => {
      const v = tl.variable([1, 2], { dtype: 'float64', name: 'v' });
      return { v, y: tl.log(v as never), init: tl.globalVariablesInitializer() };
    });
    const session = new tl.Session({ graph });
    session.runSync(init);
    session.runSync(v.assign([4, 8]));
    const report = await checkGradients(y, v, { session });
    expect(report.maxError).toBeLessThan(1e-8);
    expect(session.runSync(v).toArray()).toEqual([4, 8]);
    session.runSync(v.assign([-1, 1]));
    await expect(checkGradients(y, v, { session })).rejects.toThrow(GradientCheckError);
    await checkGradients(y, v);
  });

  test('scopes around the call do not matter', async () => {
    const graph = new tl.Graph();
    await graph.asDefault(async () => {
      const v = tl.variable(1, { dtype: 'float64' });
      const y = tl.exp(v as never) as tl.Tensor;
      const step = v.assignAdd(1);
      await tl.nameScope('outer', () => tl.controlDependencies([step], () => checkGradients(y, v)));
    });
  });
});

describe('arguments', () => {
  const { x, n, y, graph } = inGraph((graph) => {
    const x = tl.placeholder('float32', [2], { name: 'x' }) as tl.Tensor;
    return { graph, x, n: tl.constant([1], { dtype: 'int32', name: 'n' }), y: tl.exp(x) };
  });
  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'an integer x',
      () => checkGradients(y, [x, n]),
      /^checkGradients: xs\[1\], 'n:0', is int32\. Only float and complex/,
    ],
    ['an integer y', () => checkGradients(n, x), /^checkGradients: ys\[0\], 'n:0', is int32/],
    ['no tensor', () => checkGradients(3 as never, x), /ys\[0\] must be a tensor or a variable, not number/],
    ['no xs', () => checkGradients(y, []), /there is no x/],
    [
      'another graph',
      () =>
        checkGradients(
          y,
          inGraph(() => tl.constant(1)),
        ),
      /belong to different graphs/,
    ],
    ['order 0', () => checkGradients(y, x, { order: 0 }), /'order' must be an integer of at least 1, not 0/],
    ['delta', () => checkGradients(y, x, { delta: -1 }), /'delta' must be a positive number, not -1/],
    [
      'tolerance',
      () => checkGradients(y, x, { tolerance: NaN }),
      /'tolerance' must be a number of at least 0, not NaN/,
    ],
    ['seed', () => checkGradients(y, x, { seed: 0.5 }), /'seed' must be an integer, not 0.5/],
    [
      'a misspelt option',
      () => checkGradients(y, x, { detla: 1 } as CheckGradientsOptions),
      /there is no option 'detla'/,
    ],
    [
      'a session of another graph',
      () => checkGradients(y, x, { session: inGraph((g) => new tl.Session({ graph: g })) }),
      /another graph/,
    ],
  ])('%s', async (_, fn, message) => {
    const { state } = graph;
    await expect(fn()).rejects.toThrow(tl.InvalidArgumentError);
    await expect(fn()).rejects.toThrow(message);
    expect(graph.state).toBe(state);
  });

  test('a placeholder that is not fed', async () => {
    await expect(checkGradients(y, x)).rejects.toThrow(/'x'/);
  });
});
