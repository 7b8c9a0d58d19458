/** What a call appended, as a value: to read, to send, to apply to an equal graph, and to take back. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Attrs } from '../../src/graph/attr.js';
import { allocate, dtypes, type DType } from '../../src/graph/dtype.js';
import * as tl from '../../src/index.js';
import { build, functionKinds, plainPrograms, programsWith, type Step } from '../gradients/programs.js';

type Built = ReturnType<typeof build>;

const received = (appended: tl.Appended): tl.Appended => tl.appendedFromJSON(JSON.stringify(appended));
const differentiate = ({ x, w, y }: Built) => tl.gradients(y, [x, w], { gateGradients: true });

function checkProgram(steps: readonly Step[]): void {
  const [ours, theirs] = [build(steps), build(steps)];
  const before = ours.g.state;
  const { appended, result } = ours.g.transact(() => differentiate(ours));
  const sent = received(appended);
  expect(JSON.stringify(sent)).toBe(JSON.stringify(appended));
  expect(String(sent)).toBe(String(appended));
  expect(sent.functions).toEqual(appended.functions);
  expect([sent.patches, sent.inversePatches]).toEqual([appended.patches, appended.inversePatches]);
  for (const value of [appended, sent]) {
    expect(value.redo(before)).toEqual(ours.g.state);
    expect(value.undo(ours.g.state)).toEqual(before);
  }
  const operations = tl.applyAppended(theirs.g, sent);
  expect(operations.map((op) => op.def)).toEqual(appended.nodes);
  expect(operations.map((op) => op.forwardOp?.name ?? null)).toEqual(appended.forwardOf);
  expect(theirs.g.state).toEqual(ours.g.state);
  expect(tl.printGraph(theirs.g)).toBe(tl.printGraph(ours.g));
  // Whatever is built next on both is the same, down to names and static shapes.
  for (const { g, x, w } of [ours, theirs]) {
    const dx = g.tensor((result[0] as tl.Tensor).name);
    tl.gradients(tl.multiply(dx, dx), [x, w]);
  }
  expect(tl.printGraph(theirs.g)).toBe(tl.printGraph(ours.g));
}

describe('the gradients of random programs, sent as JSON and applied to an equal graph', () => {
  const settings = { verbose: 1, seed: 51 } as const;
  test('plain', () => {
    fc.assert(fc.property(plainPrograms, checkProgram), { ...settings, numRuns: 25 });
  });
  test.each(functionKinds)('with %s', (kind) => {
    fc.assert(fc.property(programsWith(kind), checkProgram), { ...settings, numRuns: 6 });
  });
});

describe('a whole program, applied to an empty graph', () => {
  const program = (h: tl.Graph) =>
    h.transact(() =>
      h.asDefault(() => {
        const x = tl.placeholder('float32', [null, 2], { name: 'x' });
        const w = tl.variable([[1], [2]], { name: 'w' });
        const y = tl.whileLoop(
          (i) => tl.less(i, 3),
          (i, z) => [tl.add(i, 1), tl.cond(tl.greater(z, 5), () => z, () => tl.multiply(z, tl.reduceSum(tl.matmul(x, w))))], // prettier-ignore
          [tl.constant(0, { dtype: 'int32' }), tl.constant(1)],
        )[1];
        const [dw] = tl.gradients(y, w) as [tl.Tensor];
        w.assignSub(dw, { name: 'step' });
        return dw.name;
      }),
    );

  test('it is the same graph, has its variables, and computes the same', () => {
    const [g, h] = [new tl.Graph(), new tl.Graph()];
    const { appended, result: name } = program(g);
    tl.applyAppended(h, received(appended));
    expect(h.state).toEqual(g.state);
    expect(tl.printGraph(h)).toBe(tl.printGraph(g));
    const values = [g, h].map((graph) => {
      const variables = graph.asDefault(() => tl.trainableVariables());
      expect(variables.map((v) => [v.name, v.dtype, v.shape])).toEqual([['w:0', 'float32', [2, 1]]]);
      const session = new tl.Session({ graph });
      session.runSync(variables[0]!.initializer);
      session.runSync(graph.operation('step'), { x: [[1, 1]] });
      return session.runSync([name, variables[0]!], { x: [[1, 1]] }).map((v) => (v as tl.NDArray).toArray());
    });
    expect(values[1]).toEqual(values[0]);
  });

  test('a customGradient does not come along, and who needs it is told', () => {
    const [g, h] = [new tl.Graph(), new tl.Graph()];
    const { appended } = g.transact(() =>
      g.asDefault(() => {
        const x = tl.constant(2, { name: 'x' });
        tl.identity(tl.customGradient((z: tl.Tensor) => [tl.exp(z), (dy: tl.Tensor) => dy])(x), {
          name: 'y',
        });
      }),
    );
    tl.applyAppended(h, appended);
    expect(h.state).toEqual(g.state);
    expect(tl.gradients(g.tensor('y:0'), g.tensor('x:0'))).not.toEqual([null]);
    expect(() => tl.gradients(h.tensor('y:0'), h.tensor('x:0'))).toThrow('does not come along with a graph');
  });

  test('tensors of which more is known since: the shape comes along', () => {
    const [g, h] = [new tl.Graph(), new tl.Graph()].map((graph) => {
      graph.asDefault(() => tl.placeholder('float32', null, { name: 'x' }));
      return graph;
    }) as [tl.Graph, tl.Graph];
    const { appended } = g.transact(() => g.refineShape(g.tensor('x:0'), [2, null]));
    expect(String(appended)).toBe('~ x:0 [2, ?]\n');
    tl.applyAppended(h, received(appended));
    expect(h.tensor('x:0').shape).toEqual([2, null]);
  });
});

describe('every kind of attribute and tensor', () => {
  const withAttrs = (attrs: Attrs) => {
    const g = new tl.Graph();
    const add = () =>
      g.add({
        name: g.takeName('n'),
        type: 'Anything',
        inputs: [],
        controlInputs: [],
        attrs,
        outputDTypes: [],
        infer: () => [],
      });
    return g.transact(add).appended;
  };
  const scalars: readonly (readonly [string, unknown])[] = [
    ['int', -(2n ** 63n)],
    ['int', 2n ** 53n + 1n],
    ['float', 0.1],
    ['float', -0],
    ['float', NaN],
    ['float', -Infinity],
    ['bool', false],
    ['string', 'é\u0000\n"😀'],
    ['string', '\ufeffx'],
    ['type', 'bfloat16'],
    ['shape', null],
    ['shape', []],
    ['shape', [2, null, 0]],
    ['func', { name: 'f', attr: { T: { kind: 'type', value: 'int8' }, none: { kind: 'list', of: 'int', value: [] } } }],
    ['tensor', tl.NDArray.from([1, 2])],
  ];

  test.each(scalars.map(([kind, value], i) => [kind, i, value] as const))('%s %#', (kind, _, value) => {
    const lists = [[], [value], [value, value]].map((list) => ({ kind: 'list', of: kind, value: list }));
    const attrs = { z: { kind, value }, a: lists[0]!, b: lists[1]!, c: lists[2]! } as unknown as Attrs;
    const appended = withAttrs(attrs);
    const [node] = received(appended).nodes;
    expect(node).toEqual(appended.nodes[0]);
    expect(Object.keys(node!.attr)).toEqual(['z', 'a', 'b', 'c']);
    expect(Object.isFrozen(node!.attr['z'])).toBe(true);
  });

  const constants = dtypes.filter(({ kind }) => kind !== 'handle').map(({ name }) => name);
  test.each(constants)('a tensor of %s', (dtype: DType) => {
    for (const shape of [[], [3], [0, 2]]) {
      const size = shape.reduce((product, dim) => product * dim, 1);
      const data = allocate(dtype, size);
      if (ArrayBuffer.isView(data)) {
        const bytes = new Uint8Array(data.buffer);
        bytes.forEach((_, i) => (bytes[i] = dtype === 'bool' ? i % 2 : 37 * i + 200));
      } else data.fill('ü');
      const value = new tl.NDArray(dtype, shape, data);
      const appended = withAttrs({ value: { kind: 'tensor', value } });
      expect(received(appended).nodes[0]!.attr['value']).toEqual({ kind: 'tensor', value });
    }
  });

  test('half a surrogate pair has no form', () => {
    expect(() => JSON.stringify(withAttrs({ s: { kind: 'string', value: '\ud800' } }))).toThrow(tl.DTypeError);
  });
});

describe('as text', () => {
  test('a diff: a line for everything that was added', () => {
    const g = new tl.Graph();
    const x = g.asDefault(() => tl.placeholder('float32', [2], { name: 'x' }));
    const { appended } = g.transact(() => {
      const y = tl.cond(tl.reduceAny(tl.greater(x, 0)), () => tl.tanh(x), () => x); // prettier-ignore
      g.addToCollection('results', 'x');
      return tl.gradients(tl.tanh(y), x);
    });
    const lines = String(appended).split('\n');
    expect(lines.at(-1)).toBe('');
    expect(lines.slice(0, -1).every((line) => line.startsWith('+ '))).toBe(true);
    expect(lines).toContain('+ Tanh = Tanh(cond/Identity) -> float32[2]');
    expect(lines).toContain('+ gradients/Tanh_grad/TanhGrad = TanhGrad(Tanh, gradients/grad_ys_0) -> float32[2] ~Tanh');
    expect(lines).toContain('+ results: x');
    const body = lines.slice(lines.findIndex((line) => line.startsWith('+ function gradient_cond_true')));
    expect(body.slice(0, 3)).toEqual([
      '+ function gradient_cond_true(cond float32[2], gradients/Tanh_grad/TanhGrad float32[2]):',
      '+   Tanh_grad/TanhGrad = TanhGrad(cond, gradients/Tanh_grad/TanhGrad) -> float32[2] ~Tanh',
      '+   return Tanh_grad/TanhGrad',
    ]);
  });
});

describe('what does not fit is refused, and changes nothing', () => {
  const start = () => {
    const g = new tl.Graph();
    const y = g.asDefault(() => tl.tanh(tl.placeholder('float32', [2], { name: 'x' }), { name: 'y' }));
    return { g, y, x: g.tensor('x:0') };
  };
  const { g, x, y } = start();
  const before = g.state;
  const { appended } = g.transact(() => tl.gradients(y, x));

  const refused = (graph: tl.Graph, message: string | RegExp, value = appended): void => {
    const { state, version } = graph;
    expect(() => tl.applyAppended(graph, value)).toThrow(tl.InvalidArgumentError);
    expect(() => tl.applyAppended(graph, value)).toThrow(message);
    expect(graph.state).toBe(state);
    expect(graph.version).toBe(version);
  };

  test('it is there already', () => {
    refused(g, 'already');
    expect(() => appended.redo(g.state)).toThrow('already');
  });

  test('the graph has less, or more', () => {
    refused(new tl.Graph(), 'it has 0 nodes, not 2');
    const { g: more } = start();
    more.asDefault(() => tl.constant(1));
    refused(more, 'it has 3 nodes, not 2');
  });

  test('the graph has other nodes, or the same of other shapes or types', () => {
    const other = (make: () => void): tl.Graph => {
      const graph = new tl.Graph();
      graph.asDefault(make);
      return graph;
    };
    refused(other(() => tl.tanh(tl.placeholder('float32', [2], { name: 'x' }))), "it has no 'y:0', which a node takes"); // prettier-ignore
    refused(other(() => tl.tanh(tl.placeholder('float32', [3], { name: 'x' }), { name: 'y' })), 'that was a Tanh of float32[2]'); // prettier-ignore
    refused(other(() => tl.sigmoid(tl.placeholder('float32', [2], { name: 'x' }), { name: 'y' })), "'y:0' (Sigmoid, float32[2])"); // prettier-ignore
  });

  test('a name is taken', () => {
    const { g: taken } = start();
    taken.asDefault(() => tl.nameScope('gradients', () => undefined));
    refused(taken, "the name 'gradients' is taken");
  });

  test('a finalized graph, and the body of a function', () => {
    const { g: finished } = start();
    finished.finalize();
    expect(() => tl.applyAppended(finished, appended)).toThrow(tl.GraphFinalizedError);
    expect(() => tl.applyAppended({} as tl.Graph, appended)).toThrow(tl.InvalidArgumentError);
  });

  test('undo: the state does not end with this', () => {
    expect(appended.undo(g.state)).toEqual(before);
    expect(() => appended.undo(before)).toThrow(`it has 2 nodes, not ${2 + appended.nodes.length}`);
    const { g: other } = start();
    other.asDefault(() => appended.nodes.forEach(() => tl.constant(1)));
    expect(() => appended.undo(other.state)).toThrow("its node 2 is not 'gradients/Shape' as it was appended");
  });

  test('JSON that is none, or of something else, says where', () => {
    const json = JSON.parse(JSON.stringify(appended)) as Record<string, unknown>;
    const node = (json['node'] as Record<string, unknown>[])[0]!;
    const wrong = (change: object, message: string): void => {
      expect(() => tl.appendedFromJSON({ ...json, ...change })).toThrow(tl.InvalidArgumentError);
      expect(() => tl.appendedFromJSON({ ...json, ...change })).toThrow(message);
    };
    expect(() => tl.appendedFromJSON('{')).toThrow('the text is not JSON');
    expect(() => tl.appendedFromJSON([])).toThrow('json is not an object');
    wrong({ format: 'other' }, 'json.format is not "tapeless.appended/1": there is "other"');
    wrong({ start: { nodes: -1, collections: {} } }, 'json.start.nodes is not a count: there is -1');
    wrong({ node: [{ ...node, name: 3 }] }, 'json.node[0].name is not a string: there is 3');
    wrong({ node: [{ ...node, attr: { T: { type: 'DT_NONE' } } }] }, 'json.node[0].attr.T.type is not a DataType');
    wrong({ node: [{ ...node, attr: { n: { i: '1.5' } } }] }, 'json.node[0].attr.n.i is not an integer');
    wrong({ node: [{ ...node, attr: { n: {} } }] }, 'json.node[0].attr.n is not one value of a kind');
    wrong({ outputs: [] }, `json.outputs is not a list of ${appended.nodes.length}`);
  });

  test('nodes that cannot be made here', () => {
    const json = JSON.parse(JSON.stringify(appended)) as { node: Record<string, unknown>[] };
    const changed = (change: object) =>
      tl.appendedFromJSON({ ...json, node: json.node.map((node, i) => (i === 2 ? { ...node, ...change } : node)) });
    const { g: graph } = start();
    const { state } = graph;
    const fails = (change: object, message: string) =>
      expect(() => tl.applyAppended(graph, changed(change))).toThrow(message);
    fails({ op: 'Nothing' }, "There is no op 'Nothing'");
    fails({ input: ['gradients/Shape'] }, 'does not take 1 inputs');
    fails({ input: ['gradients/Shape', 'nowhere'] }, "no operation 'nowhere'");
    fails({ attr: {} }, 'does not come out as it was');
    expect(graph.state).toBe(state);
    tl.applyAppended(graph, appended);
    expect(graph.state).toEqual(g.state);
  });
});
