/** Matrix products: which node is made, static types and shapes, dtypes, special values and error texts. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

function run(build: () => tl.Tensor): unknown {
  const graph = new tl.Graph();
  const y = graph.asDefault(build);
  return new tl.Session({ graph }).runSync(y).toArray();
}

function build<T>(fn: () => T): T {
  return new tl.Graph().asDefault(fn);
}

describe('the node', () => {
  test.each<[string, tl.Shape, tl.Shape, string, tl.Shape]>([
    ['two matrices', [2, 3], [3, 4], 'MatMul', [2, 4]],
    ['unknown dimensions', [null, 3], [null, 4], 'MatMul', [null, 4]],
    ['a batch', [5, 2, 3], [5, 3, 4], 'BatchMatMulV2', [5, 2, 4]],
    ['a batch and a matrix', [5, 2, 3], [3, 4], 'BatchMatMulV2', [5, 2, 4]],
    ['batches that broadcast', [5, 1, 2, 3], [7, 3, 4], 'BatchMatMulV2', [5, 7, 2, 4]],
    ['unknown batches', [null, 2, 3], [5, 3, 4], 'BatchMatMulV2', [5, 2, 4]],
    ['one unknown rank', null, [3, 4], 'BatchMatMulV2', null],
  ])('%s', (_, a, b, type, shape) => {
    const y = build(() => tl.matmul(tl.placeholder('float32', a), tl.placeholder('float32', b)));
    expect([y.op.type, y.shape]).toEqual([type, shape]);
  });

  test('transposition is an attr; what the node cannot do is made by conjugation', () => {
    const types = (fn: (x: tl.Tensor) => tl.Tensor, dtype: tl.DType, shape: tl.Shape): string[] =>
      build(() =>
        fn(tl.placeholder(dtype, shape))
          .graph.operations()
          .map((op) => op.type),
      );
    const transposed = (x: tl.Tensor) => tl.matmul(x, x, { transposeA: true });
    const adjoint = (x: tl.Tensor) => tl.matmul(x, x, { adjointA: true });
    expect(types(transposed, 'complex64', [2, 2])).toEqual(['Placeholder', 'MatMul']);
    expect(types(adjoint, 'complex64', [2, 2])).toEqual(['Placeholder', 'Conj', 'MatMul']);
    expect(types(adjoint, 'complex64', [1, 2, 2])).toEqual(['Placeholder', 'BatchMatMulV2']);
    expect(types(transposed, 'complex64', [1, 2, 2])).toEqual(['Placeholder', 'Conj', 'BatchMatMulV2']);
    expect(types(adjoint, 'float32', [2, 2])).toEqual(['Placeholder', 'MatMul']);
  });

  test('data takes the dtype of the tensor beside it, on either side', () => {
    build(() => {
      const x = tl.placeholder('float64', [2, 2]);
      expect([tl.matmul([[1, 2]], x).dtype, tl.matmul(x, [[1], [2]]).dtype]).toEqual(['float64', 'float64']);
      expect(tl.matmul(x, [[1], [2]], { name: 'y' }).op.inputs[1]!.name).toBe('y/b:0');
    });
  });
});

test('literal shapes: the product has one, and inner dimensions that differ do not compile', () => {
  build(() => {
    const a = tl.placeholder('float32', [2, 3]);
    const b = tl.placeholder('float32', [3, 4]);
    const product: tl.Tensor<'float32', [2, 4]> = tl.matmul(a, b);
    const flipped: tl.Tensor<'float32', [4, 2]> = tl.matmul(b, a, { transposeA: true, transposeB: true });
    const chained: tl.Tensor<'float32', [2, 4]> = a.matmul(b);
    expect([product.shape, flipped.shape, chained.shape]).toEqual([
      [2, 4],
      [4, 2],
      [2, 4],
    ]);
    // @ts-expect-error the inner dimensions are 4 and 2
    expect(() => tl.matmul(b, a)).toThrow(tl.ShapeError);
    // @ts-expect-error the inner dimensions are 3 and 4
    expect(() => tl.matmul(a, b, { transposeB: true })).toThrow(tl.ShapeError);
  });
});

describe('values', () => {
  test('no terms give zeros', () => {
    expect(run(() => tl.matmul(tl.constant([], { shape: [2, 0] }), tl.constant([], { shape: [0, 1] })))).toEqual([
      [0],
      [0],
    ]);
  });

  test('NaN and infinity times zero are not skipped', () => {
    expect(run(() => tl.matmul(tl.constant([[0, 0]]), tl.constant([[NaN], [1]])))).toEqual([[NaN]]);
    expect(run(() => tl.matmul(tl.constant([[0, 1]]), tl.constant([[Infinity], [1]])))).toEqual([[NaN]]);
  });

  test('integers wrap around, 64-bit ones too', () => {
    expect(run(() => tl.matmul(tl.constant([[2 ** 30, 1]], { dtype: 'int32' }), [[4], [1]]))).toEqual([[1]]);
    expect(run(() => tl.matmul(tl.constant([[2n ** 62n, 1n]]), [[4n], [1n]]))).toEqual([[1n]]);
  });

  test('float32 rounds each partial sum, in the order of k', () => {
    const row = tl.NDArray.from([[16777216, 1, 1, 1, 1, -16777216]]);
    expect(run(() => tl.matmul(tl.constant(row), tl.constant([[1], [1], [1], [1], [1], [1]])))).toEqual([[0]]);
  });

  test('half precision is added up in single precision', () => {
    const row = [[2048, 1, 1, 1, 1]];
    const ones = [[1], [1], [1], [1], [1]];
    expect(run(() => tl.matmul(tl.constant(row, { dtype: 'float16' }), ones))).toEqual([[2052]]);
  });

  test('an adjoint is transposed and conjugated', () => {
    const a = [
      [
        { re: 1, im: 2 },
        { re: 0, im: 1 },
      ],
    ];
    expect(run(() => tl.matmul(tl.constant(a), [[{ re: 3, im: 1 }]], { adjointA: true }))).toEqual([
      [{ re: 5, im: -5 }],
      [{ re: 1, im: -3 }],
    ]);
  });
});

describe('errors', () => {
  test.each<[string, tl.Shape, tl.Shape, object, RegExp]>([
    [
      'inner dimensions',
      [2, 3],
      [4, 4],
      {},
      /MatMul 'MatMul': the inner dimensions 3 and 4 differ: 'a:0' \(Placeholder, float32\[2, 3\]\) and 'b:0' \(Placeholder, float32\[4, 4\]\)/,
    ],
    [
      'inner dimensions, transposed',
      [2, 3],
      [3, 4],
      { transposeA: true },
      /the inner dimensions 2 and 3 differ \(the first transposed\)/,
    ],
    [
      'inner dimensions of batches',
      [5, 2, 3],
      [4, 4],
      {},
      /BatchMatMulV2 'MatMul': the inner dimensions 3 and 4 differ: 'a:0' .* and 'b:0'/,
    ],
    ['batch dimensions', [5, 2, 3], [4, 3, 4], {}, /the batch dimensions do not broadcast: 'a:0' .* and 'b:0'/],
    ['a vector', [3], [3, 4], {}, /a must have rank 2: 'a:0' \(Placeholder, float32\[3\]\)/],
    ['a vector and a batch', [3], [2, 3, 4], {}, /rank 2 or more is needed: 'a:0'/],
  ])('%s', (_, a, b, options, message) => {
    const make = () =>
      build(() =>
        tl.matmul(tl.placeholder('float32', a, { name: 'a' }), tl.placeholder('float32', b, { name: 'b' }), options),
      );
    expect(make).toThrow(tl.ShapeError);
    expect(make).toThrow(message);
  });

  test('what differs only at run time is found there', () => {
    const make = () => {
      const a = tl.placeholderWithDefault(tl.constant([[1, 2]]), [null, null]);
      return tl.matmul(a, tl.constant([[1], [2], [3]]));
    };
    expect(() => run(make)).toThrow(/the inner dimensions 2 and 3 differ: .* and /);
  });

  test('different dtypes, and transposing twice', () => {
    build(() => {
      const [x, y] = [tl.placeholder('float32', [2, 2]), tl.placeholder('float64', [2, 2])];
      expect(() => tl.matmul(x, y)).toThrow(tl.DTypeError);
      expect(() => tl.matmul(x, x, { transposeB: true, adjointB: true })).toThrow(
        /transposeB and adjointB exclude each other/,
      );
      expect(x.graph.version).toBe(2);
    });
  });
});
