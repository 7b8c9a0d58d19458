/** Nodes of ops that have no record here, and function libraries: what is carried, what is learnt, and what is refused. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { GraphDef } from '../../src/graph/graph-def/messages.js';
import * as tl from '../../src/index.js';
import { encodeGraphDef, parseGraphDef } from '../../src/interop/index.js';
import { checkGradients } from '../../src/testing/index.js';

let g: tl.Graph;
beforeEach(() => void (g = new tl.Graph()));
const take = (def: GraphDef | string, options: tl.ImportOptions = {}) =>
  g.asDefault(() => tl.importGraphDef(typeof def === 'string' ? parseGraphDef(def) : def, { name: '', ...options }));
const types = (name: string) => g.operation(name).outputs.map(({ dtype }) => dtype);
const T = (dtype: string, name = 'T') => `attr { key: "${name}" value { type: ${dtype} } }`;
const x = `node { name: "x" op: "Placeholder" ${T('DT_FLOAT', 'dtype')} }`;

describe('what a node of an unknown op gives', () => {
  test('is learnt from who takes it', () => {
    take(`node { name: "f" op: "Foo" input: "x" } ${x}
      node { name: "a" op: "Neg" input: "f:2" ${T('DT_DOUBLE')} } node { name: "b" op: "LogicalNot" input: "f" }`);
    expect(types('f')).toEqual(['bool', 'float32', 'float64']);
  });

  test('or from its attributes', () => {
    take(`node { name: "f" op: "Foo" ${T('DT_HALF')} } node { name: "g" op: "Foo" }
      node { name: "h" op: "Foo" attr { key: "Tout" value { list { type: [DT_INT64, DT_QINT8] } } } }
      node { name: "i" op: "Foo" ${T('DT_INT32')} attr { key: "_output_shapes" value { list { shape { dim { size: 2 } } shape { unknown_rank: true } } } } }`); // prettier-ignore
    expect([types('f'), types('g'), types('h'), types('i')]).toEqual([['float16'], [], ['int64', 'qint8'], ['int32', 'int32']]); // prettier-ignore
    expect(g.operation('i').outputs.map(({ shape }) => shape)).toEqual([[2], null]);
  });

  test('or said by a description of the op', () => {
    const ops = [{ name: 'Foo', outputArg: [{ name: 'a', typeAttr: 'T', numberAttr: 'N' }, { name: 'b', type: 107 }, { name: 'c', typeListAttr: 'L' }] }]; // prettier-ignore
    take(`node { name: "f" op: "Foo" ${T('DT_HALF')} attr { key: "N" value { i: 2 } } attr { key: "L" value { list { type: DT_BOOL } } } }`, { ops }); // prettier-ignore
    expect(types('f')).toEqual(['float16', 'float16', 'string', 'bool']);
    const bad = { ops: [{ name: 'Foo', outputArg: [{ name: 'a', type: 99 }] }] };
    expect(() => take('node { name: "g" op: "Foo" }', bad)).toThrow("The description of 'Foo' gives 'a' the unknown dtype 99."); // prettier-ignore
  });

  test('is what may be asked for', () => {
    const [second] = take('node { name: "f" op: "Foo" }', { returnElements: ['f:1'] });
    expect((second as tl.Tensor).index).toBe(1);
  });
});

test('they come out as they came, with attributes of every kind', () => {
  const def = parseGraphDef(`node { name: "f" op: "Foo" device: "/job:ps" experimental_type { type_id: TFT_PRODUCT }
    experimental_debug_info { original_node_names: "o" }
    attr { key: "a" value { type: DT_FLOAT_REF } } attr { key: "b" value { placeholder: "p" } }
    attr { key: "c" value { tensor { dtype: DT_QINT8 tensor_shape { dim { size: 1 } } int_val: 3 } } }
    attr { key: "d" value { list { } } } attr { key: "e" value { list { func { name: "q" attr { key: "T" value { i: 1 } } } } } }
    attr { key: "f" value { list { i: 1 f: 2 } } } attr { key: "g" value { list { type: [DT_FLOAT, DT_INT32_REF] } } }
    attr { key: "h" value { s: "\\377" } } attr { key: "i" value { tensor { dtype: DT_RESOURCE resource_handle_val { name: "r" } } } }
    } versions { producer: 2474 }`); // prettier-ignore
  take(def);
  expect(encodeGraphDef(g.toGraphDef())).toEqual(encodeGraphDef(def));
});

describe('a gradient', () => {
  const model = `${x} node { name: "f" op: "Foo" input: "x" ${T('DT_FLOAT')} } node { name: "y" op: "Square" input: "f" ${T('DT_FLOAT')} }`; // prettier-ignore

  test('goes up to them, not through them', () => {
    take(model);
    const [y, f, input] = ['y:0', 'f:0', 'x:0'].map((name) => g.tensor(name)) as [tl.Tensor, tl.Tensor, tl.Tensor];
    expect(g.asDefault(() => tl.gradients(y, [f]))[0]).not.toBeNull();
    const before = g.state;
    const through = () => g.asDefault(() => tl.gradients(y, [input]));
    expect(through).toThrow(tl.LookupError);
    expect(through).toThrow(/^Operation 'f', created at .*foreign\.spec\.ts:\d+, is of an op that has no gradient here: 'Foo'\. Call registerGradient/); // prettier-ignore
    expect(g.state).toBe(before);
  });

  test('and through them where one is registered', async () => {
    tl.registerGradient('FooOfThisSpec', (_, dy) => [tl.multiply(dy as tl.Tensor, 3)]);
    take(model.replace('"Foo"', '"FooOfThisSpec"'));
    const [dx] = g.asDefault(() => tl.gradients(g.tensor('y:0'), [g.tensor('x:0')])) as [tl.Tensor];
    await using session = new tl.Session({ graph: g });
    expect((await session.run(dx, { 'f:0': 5 })).item()).toBe(30);
  });
});

describe('a run that needs one', () => {
  test('is refused before anything runs, also inside of functions', async () => {
    const body = (op: string) => `library { function { signature { name: "call" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }
      node_def { name: "f" op: "${op}" input: "a" ${T('DT_FLOAT')} } ret { key: "r" value: "f:y:0" } } }`; // prettier-ignore
    const call = `${x} node { name: "c" op: "PartitionedCall" input: "x" attr { key: "f" value { func { name: "call" } } }
      attr { key: "Tin" value { list { type: DT_FLOAT } } } attr { key: "Tout" value { list { type: DT_FLOAT } } } }`;
    take(body('Foo') + call);
    const counter = g.asDefault(() => tl.variable(0, { name: 'counter' }));
    await using session = new tl.Session({ graph: g });
    await session.run(counter.initializer);
    const added = g.asDefault(() => counter.assignAdd(1));
    const message =
      "Operation 'f' in the function 'call' is of an op that cannot be run here: 'Foo'. Feed what it gives";
    await expect(session.run([g.tensor('c:0'), added], { x: 1 })).rejects.toThrow(message);
    expect((await session.run(counter)).item()).toBe(0);
    const h = new tl.Graph();
    h.asDefault(() => tl.importGraphDef(parseGraphDef(body('Neg') + call), { name: '' }));
    await using other = new tl.Session({ graph: h });
    expect((await other.run(h.tensor('c:0'), { x: 1 })).item()).toBe(-1);
  });
});

describe('functions', () => {
  const fn = (name: string, op: string) => `function { signature { name: "${name}" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }
    node_def { name: "y" op: "${op}" input: "a" ${T('DT_FLOAT')} } ret { key: "r" value: "y:y:0" } }`; // prettier-ignore
  const calling = (name: string, as: string) => `node { name: "${as}" op: "PartitionedCall" input: "x" attr { key: "f" value { func { name: "${name}" } } }
    attr { key: "Tin" value { list { type: DT_FLOAT } } } attr { key: "Tout" value { list { type: DT_FLOAT } } } }`; // prettier-ignore

  test('of one name and one body are one; of another body get another name, wherever they are called', async () => {
    take(`library { ${fn('f', 'Neg')} } ${x} ${calling('f', 'c')}`);
    take(`library { ${fn('f', 'Neg')} } ${x} ${calling('f', 'c')}`, { name: 'again' });
    expect(g.functions().map(({ def }) => def.signature.name)).toEqual(['f']);
    const outer = fn('g', 'PartitionedCall').replace(T('DT_FLOAT'), /attr \{ key: "f"[\s\S]*\}/.exec(calling('f', ''))![0].replace(/\}$/, '')).replace('y:y:0', 'y:output:0'); // prettier-ignore
    take(`library { ${outer} ${fn('f', 'Square')} } ${x} ${calling('g', 'c')}`, { name: 'other' });
    expect(g.functions().map(({ def }) => def.signature.name)).toEqual(['f', 'g', 'f_1']);
    expect(g.operation('other/c').attr('f')).toMatchObject({ name: 'g' });
    await using session = new tl.Session({ graph: g });
    const results = await session.run([g.tensor('c:0'), g.tensor('other/c:0')], { x: 3, 'other/x': 3 });
    expect(results.map((result) => result.item())).toEqual([-3, 9]);
    const h = new tl.Graph();
    h.asDefault(() => tl.importGraphDef(g.toGraphDef(), { name: '' }));
    expect(encodeGraphDef(h.toGraphDef())).toEqual(encodeGraphDef(g.toGraphDef()));
  });

  test.each([
    [fn('f', 'Neg') + fn('f', 'Neg'), "Two functions of the library are called 'f'."],
    [fn('', 'Neg'), 'A function of the library has no name.'],
    [
      fn('f', 'Neg').replace('ret { key: "r"', 'ret { key: "q"'),
      "In the function 'f': there is no '' to return as 'r'.",
    ],
    [
      fn('f', 'Neg').replace('input: "a"', 'input: "b"'),
      "In the function 'f': Node 'y' (Neg): unknown input node 'b'.",
    ],
    [fn('f', 'Neg').replace('y:y:0', 'y:z:0'), "In the function 'f': there is no 'y:z:0' to return as 'r'."],
    [fn('f', 'Neg').replace('type: DT_FLOAT }', 'type_attr: "T" }'), "The function 'f' is one for several dtypes"],
    [fn('f', 'Foo').replace(T('DT_FLOAT'), 'attr { key: "f" value { func { name: "f" } } }'), "the function 'f' → the function 'f'"], // prettier-ignore
  ])('%#: refused, with nothing changed', (functions, message) => {
    const before = g.state;
    expect(() => take(`library { ${functions} } ${x}`)).toThrow(message);
    expect([g.state === before, g.functions()]).toEqual([true, []]);
  });

  test('that TensorFlow wrote are differentiated: loops and choices give nothing for it by themselves', async () => {
    const text = readFileSync(new URL('fixtures/loop-and-choice.pbtxt', import.meta.url), 'utf8');
    take(text);
    const [y, input] = [g.tensor('Identity:0'), g.tensor('x:0')];
    const feeds = { x: [[0.1, 0.2], [0.3, 0.4]], n: 2 }; // prettier-ignore
    await g.asDefault(() => checkGradients(y, [input], { feeds, order: 2 }));
    expect(g.operations().slice(0, 17).map(({ name }) => name)).toEqual(parseGraphDef(text).node!.map(({ name }) => name)); // prettier-ignore
  });

  test('whose branches give TensorFlow what its own gradient needs run here without it, and are differentiated', async () => {
    take(readFileSync(new URL('fixtures/differentiated-choice.pbtxt', import.meta.url), 'utf8'));
    const [loss, input] = [g.tensor('loss:0'), g.tensor('x:0')];
    await g.asDefault(() => checkGradients(loss, [input], { feeds: { x: [1, 2] } }));
    await using session = new tl.Session({ graph: g });
    expect((await session.run(loss, { x: [1, 2] })).item()).toBeCloseTo(Math.E + 2 * Math.E ** 2, 4);
    await expect(session.run(g.tensor('dx:0'), { x: [1, 2] })).rejects.toThrow("'OptionalFromValue'");
  });

  test('that do more than compute cannot run again for a gradient', () => {
    const random = `library { function { signature { name: "f" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }
      node_def { name: "s" op: "Shape" input: "a" ${T('DT_FLOAT')} } node_def { name: "u" op: "RandomUniform" input: "s:output:0" ${T('DT_INT32')} ${T('DT_FLOAT', 'dtype')} }
      node_def { name: "y" op: "Mul" input: "a" input: "u:output:0" ${T('DT_FLOAT')} } ret { key: "r" value: "y:z:0" } } } ${x} ${calling('f', 'c')}`; // prettier-ignore
    take(random);
    const gradient = () => g.asDefault(() => tl.gradients(g.tensor('c:0'), [g.tensor('x:0')]));
    expect(gradient).toThrow(tl.LookupError);
    expect(gradient).toThrow("It would have to run again for them, and cannot: 'u' (RandomUniform) in it does more than compute."); // prettier-ignore
  });
});
