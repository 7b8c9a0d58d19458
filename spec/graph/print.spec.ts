import { describe, expect, test } from '@jest/globals';
import { Graph } from '../../src/graph/graph.js';
import { NDArray } from '../../src/graph/ndarray.js';
import { dotString } from '../../src/graph/print/dot.js';
import { nodeJson } from '../../src/graph/print/json.js';
import { mermaidText } from '../../src/graph/print/mermaid.js';
import { printGraph, type PrintFormat, type PrintOptions } from '../../src/graph/print/print.js';
import { formatAttr, summarize } from '../../src/graph/print/values.js';
import { colocateWith, controlDependencies, device, nameScope } from '../../src/graph/scopes.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { constant, identity, placeholder } from '../../src/ops/definitions/constant.js';
import { identityN } from '../../src/ops/definitions/identity-n.js';
import { group } from '../../src/ops/definitions/control.js';
import { add, multiply } from '../../src/ops/definitions/math-arithmetic.js';

/** A graph with something of everything, and a stand-in for a gradient pass. */
function sample(): Graph {
  const g = new Graph();
  g.asDefault(() => {
    const x = device('/job:ps/cpu:0', () => placeholder('float32', [null, 3], { name: 'x' }));
    const y = nameScope('layer', () => multiply(x, [1, 2, 3], { name: 'scaled' }));
    const both = identityN([y, constant(['a "b"\\', '<c>'], { name: 'words' })], { name: 'both' });
    const z = controlDependencies([group([x], { name: 'ready' })], () =>
      colocateWith(x, () => add(both[0], y, { name: 'z' })),
    );
    nameScope('gradients', () => {
      const seed = constant(1, { name: 'grad_ys_0' });
      g.withScope({ forwardOp: z.op }, () => nameScope('z_grad', () => identity(seed)));
    });
  });
  return g;
}

const golden = `
x = Placeholder() -> float32[?, 3] @/job:ps/device:CPU:0
layer/scaled/y = Const() -> float32[3] value=[1, 2, 3]
layer/scaled = Mul(x, layer/scaled/y) -> float32[?, 3]
words = Const() -> string[2] value=["a \\"b\\"\\\\", "<c>"]
both = IdentityN(layer/scaled, words) -> (float32[?, 3], string[2])
ready = NoOp() @/job:ps/device:CPU:0 ^x
z = AddV2(both, layer/scaled) -> float32[?, 3] _class=["loc:@x"] @/job:ps/device:CPU:0 ^ready
gradients/grad_ys_0 = Const() -> float32[] value=1
gradients/z_grad/Identity = Identity(gradients/grad_ys_0) -> float32[] ~z
`;

describe('text', () => {
  test('is one line a node', () => {
    expect(printGraph(sample())).toBe(golden.slice(1));
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
    [
      NDArray.from([
        [1, 2.5],
        [-0, NaN],
      ]),
      '[[1, 2.5], [-0, NaN]]',
    ],
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
    expect(formatAttr({ kind: 'list', of: 'int', value: Array.from({ length: 1000 }, () => 1n) })).toMatch(
      /… 1000 in all\]$/,
    );
    expect(formatAttr({ kind: 'func', value: { name: 'f', attr: {} } })).toBe('@f');
    expect(formatAttr({ kind: 'shape', value: null })).toBe('?');
  });
});

describe('json', () => {
  const attrs = (attr: Parameters<typeof nodeJson>[0]['attr']) =>
    (nodeJson({ name: 'n', op: 'O', input: [], device: '', attr }) as { attr: unknown }).attr;

  test('is a GraphDef', () => {
    const def = JSON.parse(printGraph(sample(), { format: 'json' })) as { node: { name: string }[]; versions: unknown };
    expect(def.versions).toEqual({ producer: 2474 });
    expect(def.node.map((node) => node.name)).toEqual(sample().operations().map((op) => op.name)); // prettier-ignore
    expect(def.node[1]).toEqual({
      name: 'layer/scaled/y',
      op: 'Const',
      attr: {
        dtype: { type: 'DT_FLOAT' },
        value: {
          tensor: { dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '3' }] }, tensorContent: 'AACAPwAAAEAAAEBA' },
        },
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
    const { value } = attrs({ value: { kind: 'tensor', value: NDArray.from(data) } }) as {
      value: { tensor: { tensorContent: string } };
    };
    expect(Buffer.from(value.tensor.tensorContent, 'base64').equals(Buffer.from(data.buffer))).toBe(true);
  });
});

describe('dot', () => {
  const dot = (options: PrintOptions = {}, g = sample()): string => printGraph(g, { ...options, format: 'dot' });

  test('clusters by scope, labels edges with dtype and shape, draws control edges dashed, and colours the gradient', () => {
    const text = dot();
    const clusters = [...text.matchAll(/subgraph "cluster_([^"]*)"/g)].map((match) => match[1]);
    // The scope of an operation and its operands alone is no cluster.
    expect(clusters).toEqual(['layer', 'gradients', 'gradients/z_grad']);
    expect(text).toContain('"layer/scaled" -> "both" [label="  float32[?, 3]  "];');
    expect(text).toContain('"ready" -> "z" [style=dashed, arrowhead=empty, tooltip="control"];');
    expect(text).toMatch(/"z" \[shape=box, fillcolor="#dbeafe"/);
    expect(text).toMatch(/"gradients\/grad_ys_0" \[shape=ellipse, fillcolor="#ffe4c7"/);
    expect(text).toMatch(/"gradients\/z_grad\/Identity" \[shape=box, fillcolor="#ffe4c7"/);
    expect(text.split('{').length).toBe(text.split('}').length);
  });

  test('colours may show what is placed together', () => {
    const text = dot({ colorBy: 'colocation' });
    const fill = (name: string) => new RegExp(`"${name}" \\[[^\\n]*fillcolor="(#\\w+)"`).exec(text)![1];
    expect(fill('x')).toBe(fill('z'));
    expect(fill('x')).not.toBe(fill('words'));
  });

  test('escapes quotes, backslashes, markup and control characters', () => {
    expect(dotString('a"b\\N\n')).toBe('"a\\"b\\\\N "');
    expect(dot()).toContain('&quot;&lt;c&gt;&quot;');
  });

  test('of some operations shows where their inputs come from', () => {
    const g = sample();
    const text = dot({ nodes: [g.operation('z')] }, g);
    expect(text).toMatch(/"both" \[[^\n]*style="rounded,dashed"\]/);
    expect(text.match(/^ {2}"[^"]*" -> "z"/gm)).toHaveLength(3);
  });

  test('collapses scopes from the deepest on, and says so', () => {
    const g = new Graph();
    g.asDefault(() => {
      const layer = (x: Tensor) => nameScope('block', () => nameScope('inner', () => identity(identity(x))));
      nameScope('model', () => layer(layer(constant(1, { name: 'x' }))));
    });
    const boxes = (limit: number) =>
      [...dot({ collapseAbove: limit }, g).matchAll(/^ *"(scope:[^"]*)" \[shape=box3d/gm)].map((match) => match[1]);
    expect(boxes(5)).toEqual([]);
    expect(boxes(4)).toEqual(['scope:model/block/inner', 'scope:model/block_1/inner']);
    expect(boxes(2)).toEqual(['scope:model']);
    const text = dot({ collapseAbove: 4 }, g);
    expect(text).toContain('// Of 5 operations, name scopes more than 2 deep are drawn as single boxes.');
    expect(text).toContain('"scope:model/block/inner" -> "scope:model/block_1/inner" [label="  float32[]  "];');
    expect(dot({ collapseAbove: 5 }, g)).not.toContain('note');
  });
});

describe('mermaid', () => {
  test('is a flowchart', () => {
    expect(printGraph(sample(), { format: 'mermaid' })).toBe(
      `
flowchart TB
  n0(["<b>Placeholder</b><br/>x"]):::forward
  n1(["<b>Const</b><br/>words<br/>= [#34;a #92;#34;b#92;#34;#92;#92;#34;, #34;#60;c#62;#34;]"]):::forward
  n2["<b>IdentityN</b><br/>both"]:::forward
  n3(["<b>NoOp</b><br/>ready"]):::forward
  n4["<b>AddV2</b><br/>z"]:::forward
  subgraph s0 ["layer"]
  n5(["<b>Const</b><br/>scaled/y<br/>= [1, 2, 3]"]):::forward
  n6["<b>Mul</b><br/>scaled"]:::forward
  end
  subgraph s1 ["gradients"]
  n7(["<b>Const</b><br/>grad_ys_0<br/>= 1"]):::backward
  subgraph s2 ["z_grad"]
  n8["<b>Identity</b>"]:::backward
  end
  end
  n0 -->|"float32[?, 3]"| n6
  n5 -->|"float32[3]"| n6
  n6 -->|"float32[?, 3]"| n2
  n1 -->|"string[2]"| n2
  n0 -.-> n3
  n2 -->|"float32[?, 3]"| n4
  n6 -->|"float32[?, 3]"| n4
  n3 -.-> n4
  n7 -->|"float32[]"| n8
  classDef forward fill:#dbeafe,stroke:#1d4ed8,color:#111827
  classDef backward fill:#ffe4c7,stroke:#c2410c,color:#111827
  classDef outside fill:#ffffff,stroke:#6b7280,color:#111827,stroke-dasharray:4
`.slice(1),
    );
  });

  test('escapes what has a meaning', () => expect(mermaidText('a"#<b>\n')).toBe('a#34;#35;#60;b#62; '));
});

describe('large graphs', () => {
  const chain = (length: number): Graph => {
    const g = new Graph();
    g.asDefault(() => {
      let x: Tensor = constant(1);
      for (let i = 0; i < length; i++) x = identity(x);
    });
    return g;
  };

  test('a chain 100,000 operations deep prints', () => {
    const g = chain(100_000);
    expect(printGraph(g).match(/\n/g)).toHaveLength(100_001);
    expect(printGraph(g, { format: 'json' })).toContain(
      '{"name":"Identity_99999","op":"Identity","input":["Identity_99998"]',
    );
  }, 120_000);

  test('a long chain is drawn whole, or as one box', () => {
    const g = chain(50_000);
    expect(printGraph(g, { format: 'dot' })).toContain('"Identity_49998" -> "Identity_49999"');
    expect(printGraph(g, { format: 'mermaid' })).toContain('n49999 -->|"float32[]"| n50000');
    expect(printGraph(g, { format: 'dot', collapseAbove: 1000 }).length).toBeLessThan(3000);
  }, 60_000);

  test('scopes nest as deep as they like', () => {
    const g = new Graph();
    g.asDefault(() => constant(1, { name: `${'s/'.repeat(3000)}x` }));
    expect(printGraph(g, { format: 'dot' }).match(/subgraph/g)).toHaveLength(3000);
    expect(printGraph(g, { format: 'mermaid' }).match(/subgraph/g)).toHaveLength(3000);
  });
});
