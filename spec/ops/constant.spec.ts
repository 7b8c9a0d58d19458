/** Leaves, pass-throughs, and grouping. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

function inGraph<T>(build: () => T): { graph: tl.Graph; parts: T; session: tl.Session } {
  const graph = new tl.Graph();
  return { graph, parts: graph.asDefault(build), session: new tl.Session({ graph }) };
}
const nodes = (graph: tl.Graph): string[] =>
  graph.operations().map(({ def }) => `${def.op} ${def.name}(${def.input.join(', ')})`);

describe('types', () => {
  test('carry dtype and shape', () => {
    inGraph(() => {
      const a: tl.Tensor<'float32', [2, 3]> = tl.constant([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      const b: tl.Tensor<'int32', []> = tl.constant(1, { dtype: 'int32' });
      const c: tl.Tensor<'float32', [3, 2]> = tl.constant(0, { shape: [3, 2] });
      const d: tl.Tensor<'float32', [null, 3]> = tl.placeholder('float32', [null, 3]);
      const e: tl.Tensor<'bool', [2]> = tl.constant([true, false]);
      const f: tl.Variable<'float64', [2]> = tl.variable([1, 2], { dtype: 'float64' });
      const h: tl.Tensor<'float32', [2, 3]> = tl.identity(a);
      const i: tl.Tensor<'int64', [number]> = tl.constant(BigInt64Array.of(1n));
      // @ts-expect-error the shape is [2], not [3]
      const wrong: tl.Tensor<'float32', [3]> = tl.constant([1, 2]);
      expect([a, b, c, d, e, f, h, i, wrong].map((t) => t.shape)).toEqual([
        [2, 3],
        [],
        [3, 2],
        [null, 3],
        [2],
        [2],
        [2, 3],
        [1],
        [2],
      ]);
    });
  });
});

describe('constants', () => {
  test.each<[string, () => tl.Tensor, tl.DType, unknown]>([
    [
      'numbers',
      () =>
        tl.constant([
          [1, 2],
          [3, 4],
        ]),
      'float32',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      'one value for all',
      () => tl.constant(7, { dtype: 'int32', shape: [2, 2] }),
      'int32',
      [
        [7, 7],
        [7, 7],
      ],
    ],
    [
      'flat data in a shape',
      () => tl.constant([1, 2, 3, 4], { shape: [2, 2] }),
      'float32',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['nothing', () => tl.constant([]), 'float32', []],
    ['strings', () => tl.constant(['a', 'b']), 'string', ['a', 'b']],
    ['typed arrays', () => tl.constant(Uint8Array.of(1, 255)), 'uint8', [1, 255]],
    ['complex numbers', () => tl.constant({ re: 1, im: -1 }), 'complex64', { re: 1, im: -1 }],
  ])('%s', (_, build, dtype, expected) => {
    const { parts, session } = inGraph(build);
    expect(parts.dtype).toBe(dtype);
    expect(session.runSync(parts).toArray()).toEqual(expected);
  });

  test('refuse ragged and ill-fitting data', () => {
    const { graph } = inGraph(() => undefined);
    expect(() => graph.asDefault(() => tl.constant([[1], [1, 2]]))).toThrow(tl.ShapeError);
    expect(() => graph.asDefault(() => tl.constant([1, 2, 3], { shape: [2] }))).toThrow(tl.ShapeError);
    expect(() => graph.asDefault(() => tl.constant([1.5], { dtype: 'int32' }))).toThrow(tl.DTypeError);
    expect(graph.operations()).toEqual([]);
  });
});

describe('placeholders', () => {
  test('must be fed', () => {
    const { parts: x, session } = inGraph(() => tl.placeholder('float32', [null, 3], { name: 'x' }));
    expect(() => session.runSync(x)).toThrow(tl.InvalidArgumentError);
    expect(() => session.runSync(x)).toThrow(
      /You must feed a value for placeholder tensor 'x' with dtype float32 and shape \[\?, 3\]/,
    );
    expect(session.runSync(x, { x: [[1, 2, 3]] }).toArray()).toEqual([[1, 2, 3]]);
  });

  test('with a default need not be', () => {
    const { graph, parts: x, session } = inGraph(() => tl.placeholderWithDefault([1, 2], [null], { name: 'x' }));
    expect(x.shape).toEqual([null]);
    expect(session.runSync(x).toArray()).toEqual([1, 2]);
    expect(session.runSync(x, { x: [5] }).toArray()).toEqual([5]);
    expect(() => graph.asDefault(() => tl.placeholderWithDefault([1, 2], [3]))).toThrow(tl.ShapeError);
  });
});

describe('pass-throughs', () => {
  test('identityN is one node', () => {
    const { graph, parts, session } = inGraph(() =>
      tl.identityN([tl.constant(1), tl.constant([2, 3], { dtype: 'int32' })]),
    );
    expect(graph.operations().filter(({ type }) => type === 'IdentityN')).toHaveLength(1);
    expect(parts.map(({ dtype, shape }) => [dtype, shape])).toEqual([
      ['float32', []],
      ['int32', [2]],
    ]);
    expect(session.runSync(parts).map((value) => value.toArray())).toEqual([1, [2, 3]]);
    expect(() => graph.asDefault(() => tl.identityN([]))).toThrow(/at least 1/);
  });

  test('stop and prevent gradients', () => {
    const { graph, parts } = inGraph(() => {
      const x = tl.constant([2]);
      return { x, stopped: tl.gradients(x.stopGradient(), x), y: x.preventGradient('the table is fixed') };
    });
    expect(parts.stopped).toEqual([null]);
    const before = graph.state;
    expect(() => tl.gradients(parts.y, parts.x)).toThrow(tl.LookupError);
    expect(() => tl.gradients(parts.y, parts.x)).toThrow('Gradient explicitly disabled. Reason: the table is fixed');
    expect(graph.state).toBe(before);
  });

  test('methods do not show up in loops', () => {
    expect(Object.keys(tl.Tensor.prototype)).toEqual([]);
  });
});

describe('group', () => {
  test('nothing, one device, several', () => {
    const { graph } = inGraph(() => {
      tl.group({ name: 'empty' });
      const a = tl.device('/job:a/task:0/device:CPU:0', () => tl.constant(1, { name: 'a' }));
      const c = tl.device('/job:a/task:0/device:CPU:0', () => tl.constant(1, { name: 'c' }));
      const b = tl.device('/job:a/task:1/device:CPU:0', () => tl.constant(1, { name: 'b' }));
      tl.group(a, [c.op]);
      tl.group(a, b, c, { name: 'gg' });
    });
    expect(nodes(graph).filter((node) => node.startsWith('NoOp'))).toEqual([
      'NoOp empty()',
      'NoOp group_deps(^a, ^c)',
      'NoOp gg/NoOp(^a, ^c)',
      'NoOp gg/NoOp_1(^b)',
      'NoOp gg(^gg/NoOp, ^gg/NoOp_1)',
    ]);
    expect(['group_deps', 'gg/NoOp', 'gg/NoOp_1', 'gg'].map((name) => graph.operation(name).device)).toEqual([
      '/job:a/task:0/device:CPU:0',
      '/job:a/task:0/device:CPU:0',
      '/job:a/task:1/device:CPU:0',
      '',
    ]);
  });

  test('refuses data', () => {
    expect(() => inGraph(() => tl.group(3 as never))).toThrow(/cannot convert number to an operation/);
  });
});

describe('tuple', () => {
  test('waits for all; null passes', () => {
    const { graph, parts, session } = inGraph(() => {
      const v = tl.variable(0, { name: 'v' });
      const a = tl.identity(v.assignAdd(1), { name: 'a' });
      const b = tl.constant(5, { name: 'b' });
      return { v, both: tl.tuple([a, null, b]) };
    });
    expect(nodes(graph).slice(-3)).toEqual([
      'NoOp tuple/group_deps(^a, ^b)',
      'Identity tuple/control_dependency(a, ^tuple/group_deps)',
      'Identity tuple/control_dependency_1(b, ^tuple/group_deps)',
    ]);
    expect(parts.both[2].op.colocationGroups()).toEqual(['loc:@b']);
    expect(parts.both[1]).toBeNull();
    session.runSync(parts.v.initializer);
    expect(session.runSync(parts.both[2]).item()).toBe(5);
    expect(session.runSync(parts.v).item()).toBe(1);
  });

  test('of slices the values wait; operations too', () => {
    const { graph, parts } = inGraph(() => {
      const slices = new tl.IndexedSlices(
        tl.constant([1], { name: 'values' }),
        tl.constant([0], { dtype: 'int32', name: 'indices' }),
      );
      const op = tl.noOp({ name: 'op' });
      return { slices, result: tl.tuple([slices, op], { controlInputs: [tl.constant(1, { name: 'more' })] }) };
    });
    const [slices, op] = parts.result;
    expect(slices.values.name).toBe('tuple/control_dependency:0');
    expect(slices.indices).toBe(parts.slices.indices);
    expect(op).toBeInstanceOf(tl.Operation);
    expect(graph.operation('tuple/group_deps').controlInputs.map(({ name }) => name)).toEqual(['values', 'op', 'more']);
  });

  test('of nothing is an error', () => {
    expect(() => inGraph(() => tl.tuple([null]))).toThrow(/at least one tensor/);
  });
});
