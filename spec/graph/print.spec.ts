import { beforeAll, describe, expect, test } from '@jest/globals';
import { Graph } from '../../src/graph/graph.js';
import { NDArray } from '../../src/graph/ndarray.js';
import { dotString } from '../../src/graph/print/dot.js';
import { nodeJson } from '../../src/graph/print/json.js';
import { mermaidText } from '../../src/graph/print/mermaid.js';
import { printGraph, type PrintFormat } from '../../src/graph/print/print.js';
import { formatAttr, summarize } from '../../src/graph/print/values.js';
import { colocateWith, controlDependencies, device, nameScope } from '../../src/graph/scopes.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { constant, identity, identityN, placeholder } from '../../src/ops/definitions/constant.js';
import { group } from '../../src/ops/definitions/control.js';
import { add, multiply } from '../../src/ops/definitions/math-arithmetic.js';

/** A graph with something of everything, and a stand-in for a gradient pass. */
function sample(): Graph {
  const g = new Graph();
  g.asDefault(() => {
    const x = device('/job:ps/cpu:0', () => placeholder('float32', [null, 3], { name: 'x' }));
    const y = nameScope('layer', () => multiply(x, [1, 2, 3], { name: 'scaled' }));
    const both = identityN([y, constant(['a "b"\\', '<c>'], { name: 'words' })], { name: 'both' });
    const z = controlDependencies([group([x], { name: 'ready' })], () => colocateWith(x, () => add(both[0]!, y, { name: 'z' })));
    nameScope('gradients', () => {
      const seed = constant(1, { name: 'grad_ys_0' });
      g.withScope({ forwardOp: z.op }, () => nameScope('z_grad', () => identity(seed)));
    });
  });
  return g;
}

const golden: Readonly<Record<Exclude<PrintFormat, 'json'>, string>> = {
  text: `
x = Placeholder() -> float32[?, 3] @/job:ps/device:CPU:0
layer/scaled/y = Const() -> float32[3] value=[1, 2, 3]
layer/scaled = Mul(x, layer/scaled/y) -> float32[?, 3]
words = Const() -> string[2] value=["a \\"b\\"\\\\", "<c>"]
both = IdentityN(layer/scaled, words) -> (float32[?, 3], string[2])
ready = NoOp() @/job:ps/device:CPU:0 ^x
z = AddV2(both, layer/scaled) -> float32[?, 3] _class=["loc:@x"] @/job:ps/device:CPU:0 ^ready
gradients/grad_ys_0 = Const() -> float32[] value=1
gradients/z_grad/Identity = Identity(gradients/grad_ys_0) -> float32[] ~z
`,
  dot: '',
  mermaid: '',
};

describe('text', () => {
  test('is one line a node', () => {
    expect(printGraph(sample())).toBe(golden.text.slice(1));
  });

  test('of some operations keeps the order of the graph', () => {
    const g = sample();
    const nodes = [g.operation('z'), g.operation('layer/scaled'), g.operation('z')];
    expect(printGraph(g, { nodes }).split('\n').map((line) => line.split(' ')[0])).toEqual(['layer/scaled', 'z', '']); // prettier-ignore
    expect(() => printGraph(new Graph(), { nodes })).toThrow('belongs to another graph');
  });

  test('an unknown format is refused', () => {
    expect(() => printGraph(sample(), { format: 'xml' as PrintFormat })).toThrow('text, json, dot or mermaid');
  });
});

describe('values', () => {
  test.each([
    [NDArray.from(7, 'int32'), '7'],
    [NDArray.from([[1, 2.5], [-0, NaN]]), '[[1, 2.5], [-0, NaN]]'],
    [NDArray.from(0.1), '0.1'],
    [NDArray.from([true, false]), '[true, false]'],
    [NDArray.from([12345678901234567890n], 'uint64'), '[12345678901234567890]'],
    [NDArray.from({ re: 1, im: -2 }), '1-2i'],
    [NDArray.from([], 'float32', [0, 3]), '[] of [0, 3]'],
    [NDArray.from(new Float64Array(1000), 'float64', [10, 100]), '[0, 0, 0, 0, 0, 0, … 1000 elements of [10, 100]]'],
    [NDArray.from('a\n"b"'), '"a\\n\\"b\\""'],
  ])('%#', (array, text) => expect(summarize(array)).toBe(text));

  test('long strings and lists are cut', () => {
    expect(formatAttr({ kind: 'string', value: 'x'.repeat(1000) }).length).toBeLessThan(70);
    expect(formatAttr({ kind: 'list', of: 'int', value: Array.from({ length: 1000 }, () => 1n) })).toMatch(/… 1000 in all\]$/);
    expect(formatAttr({ kind: 'func', value: { name: 'f', attr: {} } })).toBe('@f');
    expect(formatAttr({ kind: 'shape', value: null })).toBe('?');
  });
});

describe('json', () => {
  const attrs = (attr: Parameters<typeof nodeJson>[0]['attr']) => (nodeJson({ name: 'n', op: 'O', input: [], device: '', attr }) as { attr: unknown }).attr;

  test('is a GraphDef', () => {
    const def = JSON.parse(printGraph(sample(), { format: 'json' })) as { node: { name: string }[]; versions: unknown };
    expect(def.versions).toEqual({ producer: 2474 });
    expect(def.node.map((node) => node.name)).toEqual(sample().operations().map((op) => op.name)); // prettier-ignore
    expect(def.node[1]).toEqual({
      name: 'layer/scaled/y',
      op: 'Const',
      attr: {
        dtype: { type: 'DT_FLOAT' },
        value: { tensor: { dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '3' }] }, tensorContent: 'AACAPwAAAEAAAEBA' } },
      },
    });
    expect(def.node[6]).toMatchObject({
      input: ['both', 'layer/scaled', '^ready'],
      device: '/job:ps/device:CPU:0',
      attr: { _class: { list: { s: ['bG9jOkB4'] } } },
    });
    expect(def.node[0]).toMatchObject({ attr: { shape: { shape: { dim: [{ size: '-1' }, { size: '3' }] } } } });
    expect(JSON.parse(printGraph(new Graph(), { format: 'json' }))).toEqual({ node: [], versions: { producer: 2474 } });
  });

  test('every kind of attribute', () => {
    expect(
      attrs({
        s: { kind: 'string', value: 'é' },
        i: { kind: 'int', value: -(2n ** 63n) },
        f: { kind: 'float', value: 1.5 },
        nan: { kind: 'float', value: NaN },
        inf: { kind: 'float', value: -Infinity },
        zero: { kind: 'float', value: -0 },
        b: { kind: 'bool', value: false },
        scalar: { kind: 'shape', value: [] },
        unknown: { kind: 'shape', value: null },
        none: { kind: 'list', of: 'int', value: [] },
        types: { kind: 'list', of: 'type', value: ['float16', 'resource'] },
        words: { kind: 'tensor', value: NDArray.from(['é', '']) },
        fn: { kind: 'func', value: { name: 'f', attr: { T: { kind: 'type', value: 'bool' } } } },
      }),
    ).toEqual({
      s: { s: 'w6k=' },
      i: { i: '-9223372036854775808' },
      f: { f: 1.5 },
      nan: { f: 'NaN' },
      inf: { f: '-Infinity' },
      zero: { f: '-0.0' },
      b: { b: false },
      scalar: { shape: {} },
      unknown: { shape: { unknownRank: true } },
      none: { list: {} },
      types: { list: { type: ['DT_HALF', 'DT_RESOURCE'] } },
      words: { tensor: { dtype: 'DT_STRING', tensorShape: { dim: [{ size: '2' }] }, stringVal: ['w6k=', ''] } },
      fn: { func: { name: 'f', attr: { T: { type: 'DT_BOOL' } } } },
    });
  });

  test('large constants come through whole', () => {
    const data = Float32Array.from({ length: 100_003 }, (_, i) => i);
    const { value } = attrs({ value: { kind: 'tensor', value: NDArray.from(data) } }) as { value: { tensor: { tensorContent: string } } };
    expect(Buffer.from(value.tensor.tensorContent, 'base64').equals(Buffer.from(data.buffer))).toBe(true);
  });
});
