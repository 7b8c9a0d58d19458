import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/cli/errors.js';
import { valueJson, valueText } from '../../src/cli/format-value.js';
import { htmlPage } from '../../src/cli/html.js';
import { editDistance, nearMatches, suggestion } from '../../src/cli/names.js';
import { parseNpy } from '../../src/cli/npy.js';
import { drawSvg, toSvg } from '../../src/cli/svg.js';
import * as tl from '../../src/index.js';

describe('near names', () => {
  test.each([
    ['loss', 'loss', 0],
    ['los', 'loss', 1],
    ['kitten', 'sitting', 3],
    ['', 'ab', 2],
    ['abcdef', 'uvwxyz', 4],
  ])('%s and %s are %d apart', (a, b, distance) => expect(editDistance(a, b, 3)).toBe(distance));

  test('come nearest first, by whole names, last parts and parts of names', () => {
    const names = ['loss', 'layer/bias', 'gradients/loss_grad/Tile', 'other', 'layer/weight'];
    expect(nearMatches('bias', names)).toEqual(['layer/bias']);
    expect(nearMatches('lss', names)[0]).toBe('loss');
    expect(nearMatches('layer/wieght', names)).toEqual(['layer/weight']);
    expect(suggestion('nothing-like-it', names)).toBe(
      " There are 'loss', 'layer/bias', 'gradients/loss_grad/Tile', 'other', 'layer/weight'.",
    );
  });
});

describe('.npy files', () => {
  const file = (descr: string, shape: string, bytes: Uint8Array, order = 'False', version = 1): Uint8Array => {
    const header = new TextEncoder().encode(`{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`);
    const length = version === 1 ? [header.length, 0] : [header.length, 0, 0, 0];
    return Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...header, ...bytes]);
  };
  const bytes = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer);

  test.each<[string, string, Uint8Array, tl.DType, unknown]>([
    ['<f4', '(3,)', bytes(Float32Array.of(1, 2.5, -3)), 'float32', [1, 2.5, -3]],
    ['<f8', '()', bytes(Float64Array.of(0.1)), 'float64', 0.1],
    ['<i8', '(1,)', bytes(BigInt64Array.of(-5n)), 'int64', [-5n]],
    ['>i4', '(2,)', Uint8Array.of(0, 0, 1, 0, 255, 255, 255, 255), 'int32', [256, -1]],
    ['|b1', '(2,)', Uint8Array.of(1, 0), 'bool', [true, false]],
    ['|u1', '(2, 0)', Uint8Array.of(), 'uint8', [[], []]],
    ['<f2', '(1,)', Uint8Array.of(0, 0x3e), 'float16', [1.5]],
    ['>c8', '(1,)', Uint8Array.of(0x3f, 0x80, 0, 0, 0x40, 0, 0, 0), 'complex64', [{ re: 1, im: 2 }]],
  ])('%s %s', (descr, shape, data, dtype, expected) => {
    for (const version of [1, 2]) {
      const array = parseNpy(file(descr, shape, data, 'False', version), 'a.npy');
      expect([array.dtype, array.toArray()]).toEqual([dtype, expected]);
    }
  });

  test('column-major arrays are turned', () => {
    const data = bytes(Int16Array.from({ length: 24 }, (_, i) => i));
    const array = parseNpy(file('<i2', '(2, 3, 4)', data, 'True'), 'a.npy').toArray() as number[][][];
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) expect(array[i]![j]![k]).toBe(i + 2 * j + 6 * k);
  });

  test.each<[string, Uint8Array]>([
    ['the mark', new TextEncoder().encode('not a npy file')],
    ['the mark', Uint8Array.of()],
    ['cut off', file('<f4', '(3,)', Uint8Array.of()).subarray(0, 20)],
    ['do not fill', file('<f4', '(3,)', Uint8Array.of(1, 2))],
    ['<U5', file('<U5', '(1,)', new Uint8Array(20))],
    ['descr', file("O', 'x': '", '(1,)', new Uint8Array(8))],
  ])('%s', (message, data) => {
    const read = () => parseNpy(data, 'bad.npy');
    expect(read).toThrow(UsageError);
    expect(read).toThrow(`bad.npy is not a .npy file that can be read`);
    expect(read).toThrow(message);
  });
});

describe('values', () => {
  test.each<[tl.NDArray, string]>([
    [tl.NDArray.from(0.1), 'v: float32[] = 0.1'],
    [tl.NDArray.from(0.1, 'float64'), 'v: float64[] = 0.1'],
    [tl.NDArray.from([1, -2.5]), 'v: float32[2]\n  [   1, -2.5]'],
    [
      tl.NDArray.from(
        [
          [[1], [2]],
          [[3], [4]],
        ],
        'int32',
      ),
      'v: int32[2, 2, 1]\n  [[[1]\n    [2]]\n   [[3]\n    [4]]]',
    ],
    [tl.NDArray.from([true, false]), 'v: bool[2]\n  [ true, false]'],
    [tl.NDArray.from(['a', 'b"']), 'v: string[2]\n  [  "a", "b\\""]'],
    [tl.NDArray.from({ re: 1, im: -2 }), 'v: complex64[] = 1-2i'],
    [tl.NDArray.from([NaN, -0]), 'v: float32[2]\n  [NaN,  -0]'],
    [tl.NDArray.from([], 'float32', [2, 0]), 'v: float32[2, 0] = []'],
  ])('%#', (array, text) => expect(valueText('v', array)).toBe(text));

  test('large ones show their corners', () => {
    const text = valueText('v', tl.NDArray.filled('int32', [1000, 1000], 7));
    expect(text).toBe(
      [
        'v: int32[1000, 1000]',
        '  [[7, 7, 7, …, 7, 7, 7]',
        ...Array<string>(2).fill('   [7, 7, 7, …, 7, 7, 7]'),
        '    …',
      ]
        .concat([...Array<string>(2).fill('   [7, 7, 7, …, 7, 7, 7]'), '   [7, 7, 7, …, 7, 7, 7]]'])
        .join('\n'),
    );
  });

  test('JSON holds what JSON can', () => {
    expect(valueJson([1.5, NaN, -Infinity, 5n, 2n ** 60n, true, 'x', { re: 1, im: 2 }])).toEqual([
      1.5, 'NaN', '-Infinity', 5, String(2n ** 60n), true, 'x', { re: 1, im: 2 },
    ]); // prettier-ignore
  });
});

describe('pictures', () => {
  const chain = (length: number): tl.Graph => {
    const g = new tl.Graph();
    g.asDefault(() => {
      let x: tl.Tensor = tl.constant(1);
      for (let i = 0; i < length; i++) x = tl.negative(x);
    });
    return g;
  };

  test('escape what names and values hold', async () => {
    const g = new tl.Graph();
    g.asDefault(() => tl.constant(['<b>&"\\N{x}|'], { name: 'a>b' }));
    const svg = await toSvg(g);
    expect(svg).toContain('&lt;b&gt;&amp;');
    expect(svg).toContain('a&gt;b');
    expect(htmlPage(svg, '<title>', '<note>')).toContain('&lt;title&gt;');
  });

  test('of 20,000 nodes without a scope merge equal names', async () => {
    const { svg, note } = await drawSvg(chain(20_000));
    expect(note).toContain('names differ only in their number');
    expect(svg).toContain('20000 operations');
  });

  test('that cannot be made small enough are refused', async () => {
    const g = new tl.Graph();
    g.asDefault(() => {
      for (let i = 0; i < 70; i++) tl.constant(i, { name: `n${i}x` });
    });
    await expect(drawSvg(g, { collapseAbove: 20 })).rejects.toThrow('70 nodes are too many to draw');
  });
});
