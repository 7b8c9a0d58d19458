/** Graphs as GraphDef: what the object holds, and its bytes. */
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { bytesOfText, textOfBytes } from '../../src/graph/bytes.js';
import type { AttrValue, NodeDef } from '../../src/graph/attr.js';
import { exportGraph, nodeProto } from '../../src/graph/graph-def/graph-def.js';
import { arrayOf, tensorProto } from '../../src/graph/graph-def/tensor.js';
import type { TensorProto } from '../../src/graph/graph-def/messages.js';
import * as tl from '../../src/index.js';
import { decodeGraphDef, encodeGraphDef } from '../../src/interop/index.js';

function model(): tl.Graph {
  const g = new tl.Graph();
  g.asDefault(() => {
    const x = tl.placeholder('float32', [null, 2], { name: 'x' });
    const [a, b] = tl.device('/job:ps', () => tl.split(x, 2, { axis: 1, name: 'parts' })) as [tl.Tensor, tl.Tensor];
    tl.colocateWith(a.op, () => tl.controlDependencies([x.op], () => tl.add(a, b, { name: 'sum' })));
  });
  return g;
}

const nodeWith = (attr: NodeDef['attr']): NodeDef => ({ name: 'n', op: 'O', input: [], device: '', attr });

describe('toGraphDef', () => {
  test('nodes in the order in which they were made, with inputs, devices and groups', () => {
    const { node, library, versions } = model().toGraphDef();
    expect(node!.map(({ name }) => name)).toEqual(['x', 'parts/split_dim', 'parts', 'sum']);
    expect(node![2]).toMatchObject({ op: 'Split', input: ['parts/split_dim', 'x'], device: '/job:ps' });
    expect(node![3]).toMatchObject({
      input: ['parts', 'parts:1', '^x'],
      attr: { _class: { value: { case: 'list', value: { s: [bytesOfText('loc:@parts')] } } } },
    });
    expect(Object.keys(node![3]!.attr!)).toEqual(['T', '_class']);
    expect(library).toBeUndefined();
    expect(versions).toEqual({ producer: 2474, minConsumer: 0 });
  });

  test('is a value of its own: the graph may grow', () => {
    const g = model();
    const def = g.toGraphDef();
    g.asDefault(() => tl.constant(1));
    expect(def.node).toHaveLength(4);
    expect(g.toGraphDef().node).toHaveLength(5);
  });

  test('what came since: nodes, and functions of the library', () => {
    const g = model();
    const start = { nodes: g.version, functions: g.functions().length };
    g.asDefault(() => tl.cond(tl.constant(true), () => tl.constant(1), () => tl.constant(2))); // prettier-ignore
    const { node, library } = exportGraph(g, start);
    expect(node!.map(({ op }) => op)).toEqual(['Const', 'StatelessIf', 'Identity']);
    expect(library!.function!.map(({ signature }) => signature!.name)).toEqual(
      g.functions().map(({ def }) => def.signature.name),
    );
    expect(exportGraph(g, { nodes: g.version, functions: g.functions().length }).node).toEqual([]);
  });

  test.each<[string, AttrValue, object]>([
    ['text', { kind: 'string', value: 'é' }, { case: 's', value: Uint8Array.of(0xc3, 0xa9) }],
    ['a function', { kind: 'func', value: { name: 'f', attr: {} } }, { case: 'func', value: { name: 'f', attr: {} } }],
    [
      'functions',
      { kind: 'list', of: 'func', value: [{ name: 'f', attr: { T: { kind: 'type', value: 'bool' } } }] },
      { case: 'list', value: { func: [{ name: 'f', attr: { T: { value: { case: 'type', value: 10 } } } }] } },
    ],
    ['an empty list', { kind: 'list', of: 'int', value: [] }, { case: 'list', value: {} }],
    ['integers', { kind: 'list', of: 'int', value: [-(2n ** 63n)] }, { case: 'list', value: { i: [-(2n ** 63n)] } }],
    [
      'shapes',
      { kind: 'list', of: 'shape', value: [null, [], [2, null]] },
      { case: 'list', value: { shape: [{ unknownRank: true }, { dim: [] }, { dim: [{ size: 2n }, { size: -1n }] }] } },
    ],
  ])('an attribute that is %s', (_, attr, value) => {
    expect(nodeProto(nodeWith({ a: attr })).attr).toEqual({ a: { value } });
  });

  test('a text that is none is refused', () => {
    const proto = () => nodeProto(nodeWith({ a: { kind: 'string', value: '\ud800' } }));
    expect(proto).toThrow(new tl.DTypeError('A string with half a surrogate pair is no UTF-8 and has no form in a GraphDef.')); // prettier-ignore
  });
});

describe('constants', () => {
  const shape = (...sizes: bigint[]) => ({ dim: sizes.map((size) => ({ size })) });

  test.each<[string, tl.NDArray, object]>([
    ['one number', tl.NDArray.from(1.5), { dtype: 1, tensorShape: shape(), floatVal: [1.5] }],
    ['a vector of one', tl.NDArray.from([7n]), { dtype: 9, tensorShape: shape(1n), int64Val: [7n] }],
    ['none', tl.NDArray.from([], 'int32'), { dtype: 3, tensorShape: shape(0n) }],
    ['a bool', tl.NDArray.from(true), { dtype: 10, tensorShape: shape(), boolVal: [true] }],
    ['a half', tl.NDArray.from(1, 'float16'), { dtype: 19, tensorShape: shape(), halfVal: [0x3c00] }],
    ['a bfloat16', tl.NDArray.from(1, 'bfloat16'), { dtype: 14, tensorShape: shape(), halfVal: [0x3f80] }],
    ['complex', tl.NDArray.from({ re: 1, im: 2 }), { dtype: 8, tensorShape: shape(), scomplexVal: [1, 2] }],
    ['a byte', tl.NDArray.from(200, 'uint8'), { dtype: 4, tensorShape: shape(), intVal: [200] }],
    ['texts', tl.NDArray.from(['a', '']), { dtype: 7, tensorShape: shape(2n), stringVal: [Uint8Array.of(97), Uint8Array.of()] }], // prettier-ignore
    ['numbers', tl.NDArray.from([1, 2], 'int16'), { dtype: 5, tensorShape: shape(2n), tensorContent: Uint8Array.of(1, 0, 2, 0) }], // prettier-ignore
  ])('%s', (_, array, proto) => {
    expect(tensorProto(array)).toEqual(proto);
    expect(arrayOf(proto)).toEqual(array);
    expect(tensorProto(arrayOf(proto))).toEqual(proto);
  });

  test('the contents are those of the array, not a copy', () => {
    const array = tl.NDArray.from(new Float32Array(8));
    expect(tensorProto(array).tensorContent!.buffer).toBe((array.data as Float32Array).buffer);
    expect((arrayOf(tensorProto(array)).data as Float32Array).buffer).toBe((array.data as Float32Array).buffer);
  });

  test.each<[string, TensorProto, unknown]>([
    ['the last element repeats', { dtype: 1, tensorShape: shape(4n), floatVal: [1, 2] }, [1, 2, 2, 2]],
    ['of complex numbers, too', { dtype: 8, tensorShape: shape(2n), scomplexVal: [1, 2] }, [{ re: 1, im: 2 }, { re: 1, im: 2 }]], // prettier-ignore
    ['none: all are zero', { dtype: 3, tensorShape: shape(2n) }, [0, 0]],
    ['a scalar by its bytes', { dtype: 3, tensorContent: Uint8Array.of(1, 1, 0, 0) }, 257],
    ['bytes where no float can be read', { dtype: 1, tensorShape: shape(1n), tensorContent: Uint8Array.of(9, 0, 0, 128, 63).subarray(1) }, [1]], // prettier-ignore
  ])('%s, and comes back as it was written', (_, proto, values) => {
    const array = arrayOf(proto);
    expect(array.toArray()).toEqual(values);
    expect(tensorProto(array)).toMatchObject(proto);
  });

  test.each<[string, TensorProto, string]>([
    ['too few bytes', { dtype: 1, tensorShape: shape(2n), tensorContent: new Uint8Array(5) }, '5 bytes do not fill a float32 constant of shape [2].'], // prettier-ignore
    ['too many elements', { dtype: 1, tensorShape: shape(1n), floatVal: [1, 2] }, '2 elements do not fit a float32 constant of shape [1].'], // prettier-ignore
    ['an unknown shape', { dtype: 1, tensorShape: { unknownRank: true } }, 'The shape of a constant is not known.'],
    ['a dtype that nothing is computed in', { dtype: 11 }, 'A constant of dtype DT_QINT8 cannot be held.'],
    ['half a complex number', { dtype: 8, scomplexVal: [1] }, 'A complex constant has half a number.'],
    ['a dimension below -1', { dtype: 1, tensorShape: shape(-2n) }, 'A dimension is -2.'],
  ])('%s is refused', (_, proto, message) => {
    expect(() => arrayOf(proto)).toThrow(new tl.InvalidArgumentError(message));
  });
});

describe('texts', () => {
  test.each([
    ['ASCII', [97, 98]],
    ['beyond the basic plane', [0xf0, 0x9f, 0x98, 0x80]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 97]],
    ['bytes that are no UTF-8', [97, 0xff, 0x80, 0xc3, 0xa9, 0xc3]],
    ['half a surrogate pair in UTF-8', [0xed, 0xb2, 0x80]],
    ['every byte', Array.from({ length: 256 }, (_, i) => i)],
  ])('%s', (_, bytes) => {
    expect([...bytesOfText(textOfBytes(Uint8Array.from(bytes)))]).toEqual(bytes);
  });
});

describe('bytes', () => {
  test('are those of TensorFlow', () => {
    const g = new tl.Graph();
    g.asDefault(() => tl.constant(2, { name: 'x' }));
    expect(Buffer.from(encodeGraphDef(g.toGraphDef())).toString('hex')).toBe(
      '0a2e0a01781205436f6e73742a0b0a056474797065120230012a150a0576616c7565120c420a080112002a0400000040220308aa13',
    );
  });

  test('are read again, and are the same again', () => {
    const bytes = encodeGraphDef(model().toGraphDef());
    expect(encodeGraphDef(decodeGraphDef(bytes))).toEqual(bytes);
    expect(encodeGraphDef(model().toGraphDef())).toEqual(bytes);
  });

  test('that are no GraphDef are refused', () => {
    expect(() => decodeGraphDef(Uint8Array.of(10, 200, 1))).toThrow(tl.InvalidArgumentError);
  });
});

test('the libraries for it are reached by nothing that the main entry needs', () => {
  const src = new URL('../../src/', import.meta.url);
  const read = (file: string) => readFileSync(new URL(file, src), 'utf8');
  const reached = new Set(['index.ts']);
  for (const file of reached) {
    for (const [, target] of read(file).matchAll(/^(?:import|export) (?!type )[^;]*?'(\.[^']+)\.js';/gm))
      reached.add(new URL(`${target}.ts`, new URL(file, src)).href.slice(src.href.length));
  }
  expect(reached.size).toBeGreaterThan(100);
  expect([...reached].filter((file) => /from '@(bufbuild|grpc)\//.test(read(file)))).toEqual([]);
  const all = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(all.filter((file) => /from '@bufbuild\//.test(read(file)))).toContain('interop/codec.ts');
});
