/** GraphDefs taken into graphs: names, inputs that are replaced, what comes back, and everything that is refused. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { GraphDef, NodeProto } from '../../src/graph/graph-def/messages.js';
import * as tl from '../../src/index.js';

const float = { value: { case: 'type', value: 1 } } as const;
const node = (name: string, op: string, input: readonly string[] = [], attr: NodeProto['attr'] = {}): NodeProto => ({ name, op, input, attr }); // prettier-ignore
const placeholder = (name: string) => node(name, 'Placeholder', [], { dtype: float });
/** y = x · x, z = y + 1 after x. */
const model: GraphDef = {
  node: [
    placeholder('x'),
    node('y', 'Mul', ['x', 'x'], { T: float }),
    node('one', 'Const', [], {
      dtype: float,
      value: { value: { case: 'tensor', value: { dtype: 1, floatVal: [1] } } },
    }),
    node('z', 'AddV2', ['y', 'one', '^x'], { T: float, _class: { value: { case: 'list', value: { s: [Buffer.from('loc:@y')] } } } }), // prettier-ignore
  ],
};

let g: tl.Graph;
beforeEach(() => void (g = new tl.Graph()));
const imported = (def: GraphDef, options?: tl.ImportOptions) => g.asDefault(() => tl.importGraphDef(def, options));
const names = () => g.operations().map(({ name }) => name);

describe('names', () => {
  test('begin with import, and once more with another one', () => {
    imported(model);
    imported(model);
    expect(names().slice(3, 6)).toEqual(['import/z', 'import_1/x', 'import_1/y']);
    expect(g.operation('import_1/z').def.input).toEqual(['import_1/y', 'import_1/one', '^import_1/x']);
    expect(g.operation('import_1/z').colocationGroups()).toEqual(['loc:@import_1/y']);
  });

  test('stand in the scope that is open', () => {
    g.asDefault(() => tl.nameScope('outer', () => tl.importGraphDef(model, { name: 'inner' })));
    expect(names()[0]).toBe('outer/inner/x');
  });

  test("stay what they are with name ''", () => {
    g.asDefault(() => tl.nameScope('outer', () => tl.importGraphDef(model, { name: '' })));
    expect(names()).toEqual(['x', 'y', 'one', 'z']);
    expect(() => imported(model, { name: '' })).toThrow("The graph has an operation 'x' already.");
  });
});

describe('what replaces inputs', () => {
  test('tensors by their names, with and without index; data becomes constants', async () => {
    const x = g.asDefault(() => tl.constant(3));
    const [z] = imported(model, { inputMap: { x, '^x': x, 'one:0': 5 }, returnElements: ['z:0'] });
    await using session = new tl.Session({ graph: g });
    expect((await session.run(z as tl.Tensor)).item()).toBe(14);
    expect(names()).toContain('import/x');
  });

  test('what nodes wait for', () => {
    const first = g.asDefault(() => tl.constant(1, { name: 'first' }));
    imported(model, { inputMap: { '^x': first } });
    expect(g.operation('import/z').controlInputs.map(({ name }) => name)).toEqual(['first']);
  });

  test('tensors say which graph it is', () => {
    const x = g.asDefault(() => tl.constant(1));
    tl.importGraphDef(model, { inputMap: { x } });
    expect(g.version).toBe(5);
  });

  test.each<[string, tl.ImportOptions, string]>([
    ['a name of nothing', { inputMap: { w: 1, 'y:3': 2 } }, "inputMap: the GraphDef has nothing called 'w:0', 'y:3'."],
    ['a wrong dtype', { inputMap: { x: tl.NDArray.from(1, 'int32') } }, "Mul 'import/y': input 0 is 'import/Const:0' (Const, int32[]), but float32 is needed by its attributes."], // prettier-ignore
    ['no name of a tensor', { inputMap: { 'a:b': 1 } }, "inputMap: 'a:b' names no tensor: names are x:0, x or ^x."],
  ])('%s is refused', (_, options, message) => {
    const before = g.state;
    expect(() => imported(model, options)).toThrow(message);
    expect(g.state).toBe(before);
  });
});

describe('what comes back', () => {
  test('tensors and operations, replaced ones too', () => {
    const x = g.asDefault(() => tl.constant(1));
    const found = imported(model, { inputMap: { x }, returnElements: ['z:0', 'y', 'x:0'] });
    expect(found).toEqual([g.tensor('import/z:0'), g.operation('import/y'), x]);
    expect(imported(model)).toEqual([]);
  });

  test.each([
    ['w', "returnElements: the GraphDef has no operation 'w'."],
    ['y:1', "returnElements: the GraphDef has no tensor 'y:1'."],
  ])('%s is refused', (name, message) => {
    expect(() => imported(model, { returnElements: [name] })).toThrow(message);
    expect(g.version).toBe(0);
  });
});

test('nodes may stand in any order, and defaults may be left out', () => {
  imported({ node: [...model.node!].reverse() }, { name: '' });
  expect(names()).toEqual(['one', 'x', 'y', 'z']);
  expect(g.operation('x').attr('shape')).toBeNull();
  expect(g.tensor('z:0').shape).toBeNull();
});

test('shapes are inferred, and what nodes say of theirs is added', () => {
  const shapes = { value: { case: 'list', value: { shape: [{ dim: [{ size: 2n }] }] } } } as const;
  imported({ node: [node('x', 'Placeholder', [], { dtype: float, _output_shapes: shapes }), model.node![1]!] }, { name: '' }); // prettier-ignore
  expect(g.tensor('y:0').shape).toEqual([2]);
});

test('devices and scopes around come on top', () => {
  g.asDefault(() =>
    tl.device('/job:ps', () =>
      tl.gradientOverrideMap({ Mul: 'Mine' }, () =>
        tl.importGraphDef({ node: [{ ...placeholder('x'), device: '/device:CPU:1' }, model.node![1]!] }),
      ),
    ),
  );
  expect(g.operations().map(({ device }) => device)).toEqual(['/job:ps/device:CPU:1', '/job:ps']);
  expect(g.operation('import/y').attr('_gradient_op_type')).toBe('Mine');
});

const bad = (...nodes: NodeProto[]): GraphDef => ({ node: [...model.node!, ...nodes] });
const list = (value: object) => ({ value: { case: 'list', value } }) as NonNullable<NodeProto['attr']>[string];

describe('refused, with nothing changed', () => {
  test.each<[string, unknown, string]>([
    ['bytes', new Uint8Array(3), 'these are bytes. Use decodeGraphDef of tapeless/interop to read them.'],
    ['a text', 'node {}', 'this is a text. Use parseGraphDef of tapeless/interop to read it.'],
    ['anything else', { node: 1 }, "this is no GraphDef: an object with a list 'node' is."],
    ['no name', bad(node('', 'Mul')), 'Node 4 of the GraphDef has no name.'],
    ['no op', bad(node('a', '')), "Node 4 of the GraphDef has no op: 'a'."],
    ['a name that is none', bad(placeholder('a b')), "'import/a b/' is not a valid node name"],
    ['one name twice', bad(placeholder('x')), "Two nodes are called 'x'."],
    ['names that differ by case alone', bad(placeholder('X')), "The graph has an operation 'import/x' already."],
    ['an unknown input', bad(node('a', 'Neg', ['q'], { T: float })), "Node 'a' (Neg): unknown input node 'q'."],
    ['an unknown control input', bad(node('a', 'NoOp', ['^q'])), "Node 'a' (NoOp): unknown input node '^q'."],
    ['an output that is not there', bad(node('a', 'Neg', ['y:1'], { T: float })), "Node 'a' (Neg): there is no 'y:1': 'y' (Mul) has 1 outputs."], // prettier-ignore
    ['controls before data', bad(node('a', 'Neg', ['^x', 'y'], { T: float })), "Node 'a': all control inputs must follow all data inputs."], // prettier-ignore
    ['a missing attribute', bad(node('a', 'Neg', ['x'])), "Neg 'import/a': there is no attr 'T'."],
    ['an attribute of another kind', bad(node('a', 'Neg', ['x'], { T: { value: { case: 'i', value: 1n } } })), "Neg 'import/a': attr 'T' is no type."], // prettier-ignore
    ['an attribute that there is not', bad(node('a', 'Neg', ['x'], { T: float, q: float })), "Neg 'import/a': Neg has no attr 'q' here"], // prettier-ignore
    ['a dtype that is not accepted', bad(node('a', 'Neg', ['x'], { T: { value: { case: 'type', value: 7 } } })), "Neg 'import/a': string is not accepted for 'T'"], // prettier-ignore
    ['too few inputs', bad(node('a', 'AddN', ['x'], { T: float, N: { value: { case: 'i', value: 2n } } })), "AddN 'import/a': it takes 2 inputs by its attributes, and has 1."], // prettier-ignore
    ['another dtype', bad(node('a', 'Neg', ['x'], { T: { value: { case: 'type', value: 2 } } })), "Neg 'import/a': input 0 is 'import/x:0' (Placeholder, float32?), but float64 is needed"], // prettier-ignore
    ['a bad constant', bad(node('a', 'Const', [], { dtype: float, value: { value: { case: 'tensor', value: { dtype: 1, floatVal: [1, 2] } } } })), "Node 'a': 2 elements do not fit a float32 constant of shape []."], // prettier-ignore
    ['a circle', bad(node('a', 'Neg', ['b'], { T: float }), node('b', 'Neg', ['a'], { T: float })), "The nodes depend on each other in a circle: 'b' → 'a' → 'b'. Loops made of Merge and NextIteration"], // prettier-ignore
    ['shapes that contradict each other', bad(node('a', 'Identity', ['one'], { T: float, _output_shapes: list({ shape: [{ dim: [{ size: 3n }] }] }) })), "cannot have the shape [3] that its node says."], // prettier-ignore
    [
      'a later version',
      { ...model, versions: { producer: 9000, minConsumer: 3000 } },
      'needs a TensorFlow of version 3000',
    ],
  ])('%s', (_, def, message) => {
    const before = g.state;
    expect(() => imported(def as GraphDef)).toThrow(message);
    expect(g.state).toBe(before);
    expect(g.asDefault(() => tl.nameScope('import', () => tl.constant(1).op.name))).toBe('import/Const');
  });

  test('a finalized graph', () => {
    g.finalize();
    expect(() => imported(model)).toThrow(tl.GraphFinalizedError);
  });

  test('shapes that do not fit', () => {
    const c = (name: string, size: bigint) => node(name, 'Placeholder', [], { dtype: float, shape: { value: { case: 'shape', value: { dim: [{ size }] } } } }); // prettier-ignore
    expect(() => imported({ node: [c('a', 2n), c('b', 3n), node('c', 'AddV2', ['a', 'b'], { T: float })] })).toThrow(tl.ShapeError); // prettier-ignore
  });
});

test('a chain of 100,000 nodes, written backwards', () => {
  const chain = Array.from({ length: 100_000 }, (_, i) => node(`n${i}`, 'Neg', [i === 0 ? 'x' : `n${i - 1}`], { T: float })); // prettier-ignore
  imported({ node: [...chain.reverse(), placeholder('x')] }, { name: '' });
  expect(g.version).toBe(100_001);
}, 60_000);
