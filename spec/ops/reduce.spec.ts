/** Reductions: the axes as nodes, static shapes, special values, ties and zeros in gradients, error texts. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

type Reduce = (x: tl.Operand, options?: { axis?: number | number[]; keepDims?: boolean }) => tl.Tensor;

function run(build: () => tl.Tensor | null): unknown {
  const graph = new tl.Graph();
  const y = graph.asDefault(build);
  return new tl.Session({ graph }).runSync(y as tl.Tensor).toArray();
}

function build<T>(fn: () => T): T {
  return new tl.Graph().asDefault(fn);
}

function types(fn: () => unknown): string[] {
  return build(() => {
    fn();
    return tl
      .getDefaultGraph()
      .operations()
      .map((op) => op.type);
  });
}

const gradientOf = (reduce: Reduce, data: tl.TensorData, options = {}): unknown =>
  run(() => {
    const x = tl.constant(data);
    return tl.gradients(reduce(x, options), x)[0] as tl.Tensor;
  });

describe('axes', () => {
  test('all of them: a constant where the rank is known, else a range up to the rank', () => {
    const y = build(() => tl.reduceSum(tl.placeholder('float32', [2, null])));
    expect(y.op.inputs[1]!.op.tensorAttr('value').toArray()).toEqual([0, 1]);
    expect([y.op.inputs[1]!.name, y.shape]).toEqual(['Const:0', []]);
    expect(types(() => tl.reduceSum(tl.placeholder('float32')))).toEqual([
      'Placeholder',
      'Rank',
      'Const',
      'Const',
      'Range',
      'Sum',
    ]);
    expect(types(() => tl.reduceSum(tl.placeholder('float32', [])))).toEqual([
      'Placeholder',
      'Const',
      'Const',
      'Const',
      'Range',
      'Sum',
    ]);
  });

  test('one is a scalar, several a vector, negative ones stay as given', () => {
    build(() => {
      const x = tl.placeholder('float32', [2, 3]);
      const axes = (axis: number | number[]) => tl.reduceMax(x, { axis }).op.inputs[1]!.op.tensorAttr('value');
      expect([axes(-1).shape, axes(-1).toArray()]).toEqual([[], -1]);
      expect([axes([1, -2]).shape, axes([1, -2]).toArray()]).toEqual([[2], [1, -2]]);
    });
  });

  test.each<[tl.Shape, number | number[] | undefined, boolean, tl.Shape]>([
    [[2, null, 4], 1, false, [2, 4]],
    [[2, null, 4], [-1, 0], true, [1, null, 1]],
    [[2, null, 4], [], false, [2, null, 4]],
    [null, 0, false, null],
    [null, undefined, false, []],
    [null, undefined, true, null],
  ])('%j over %j, keeping: %j', (shape, axis, keepDims, expected) => {
    const options = axis === undefined ? { keepDims } : { axis, keepDims };
    expect(build(() => tl.reduceProd(tl.placeholder('float32', shape), options)).shape).toEqual(expected);
  });

  test('unknown axes leave the rank, if dimensions are kept', () => {
    build(() => {
      const [x, axis] = [tl.placeholder('float32', [2, 3]), tl.placeholder('int32', [1])];
      expect([tl.reduceSum(x, { axis }).shape, tl.reduceSum(x, { axis, keepDims: true }).shape]).toEqual([
        null,
        [null, null],
      ]);
    });
  });

  test('int64 axes', () => {
    expect(
      run(() =>
        tl.reduceSum(
          tl.constant([
            [1, 2],
            [3, 4],
          ]),
          { axis: tl.constant([0n, -1n]) },
        ),
      ),
    ).toBe(10);
  });
});

describe('values', () => {
  test.each<[string, Reduce, unknown]>([
    ['sum', tl.reduceSum, 0],
    ['mean', tl.reduceMean, NaN],
    ['product', tl.reduceProd, 1],
    ['maximum', tl.reduceMax, -Infinity],
    ['minimum', tl.reduceMin, Infinity],
  ])('the %s of nothing', (_, reduce, expected) => {
    expect(run(() => reduce(tl.constant([], { shape: [0] })))).toBe(expected);
  });

  test('of nothing: integers and bools', () => {
    const none = (dtype: tl.DType) => tl.constant([], { dtype, shape: [0] });
    expect([run(() => tl.reduceMax(none('int32'))), run(() => tl.reduceMin(none('uint8')))]).toEqual([
      -2147483648, 255,
    ]);
    expect([run(() => tl.reduceAll(none('bool'))), run(() => tl.reduceAny(none('bool')))]).toEqual([true, false]);
    expect(run(() => tl.reduceMean(none('int32')))).toBe(0);
  });

  test('NaN anywhere is the maximum and the minimum', () => {
    for (const data of [
      [1, NaN],
      [NaN, 1],
    ]) {
      expect([run(() => tl.reduceMax(tl.constant(data))), run(() => tl.reduceMin(tl.constant(data)))]).toEqual([
        NaN,
        NaN,
      ]);
    }
  });

  test('the mean of integers is cut off towards zero and does not overflow', () => {
    const mean = (data: number[], dtype: tl.DType) => run(() => tl.reduceMean(tl.constant(data, { dtype })));
    expect(mean([-3, -4], 'int32')).toBe(-3);
    expect(mean([200, 100], 'uint8')).toBe(150);
    expect(mean([2147483647, 2147483645], 'int32')).toBe(2147483646);
    expect(run(() => tl.reduceSum(tl.constant([200, 100], { dtype: 'uint8' })))).toBe(44);
  });

  test('float16 adds up in float16', () => {
    expect(run(() => tl.reduceSum(tl.constant([2048, 1, 1, 1], { dtype: 'float16' })))).toBe(2048);
  });

  test.each([
    [[1, NaN], 0n, 0n],
    [[NaN, 1], 1n, 1n],
    [[NaN, NaN], 0n, 0n],
    [[NaN, -Infinity, Infinity], 2n, 1n],
    [[2, 1, 5, 5, 1], 2n, 1n],
  ])('where the extrema of %j are', (data, max, min) => {
    expect([run(() => tl.argmax(tl.constant(data))), run(() => tl.argmin(tl.constant(data)))]).toEqual([max, min]);
  });

  test('argmax: axis 0 and int64 by default, other axes and dtypes on request', () => {
    const x = [
      [1, 5],
      [7, 2],
    ];
    expect(run(() => tl.argmax(tl.constant(x)))).toEqual([1n, 0n]);
    expect(run(() => tl.constant(x).argmax({ axis: -1, outputType: 'int32' }))).toEqual([1, 0]);
    expect(build(() => tl.argmax(tl.placeholder('float32', [2, null, 4]), { axis: 2 })).shape).toEqual([2, null]);
  });

  test('logarithms of sums of exponentials', () => {
    expect(run(() => tl.reduceLogsumexp(tl.constant([1000, 1000], { dtype: 'float64' })))).toBeCloseTo(
      1000 + Math.log(2),
      12,
    );
    expect(run(() => tl.reduceLogsumexp(tl.constant([-Infinity, -Infinity])))).toBe(-Infinity);
    expect(build(() => tl.reduceLogsumexp(tl.placeholder('float32', [2, 3]), { axis: 1, name: 'l' })).name).toBe('l:0');
  });
});

describe('gradients', () => {
  test.each<[string, Reduce, number[], number[]]>([
    ['equal maxima', tl.reduceMax, [0, 1, 1], [0, 0.5, 0.5]],
    ['equal minima', tl.reduceMin, [3, 3, 3, 4], [1 / 3, 1 / 3, 1 / 3, 0].map(Math.fround)],
    ['a product without zeros', tl.reduceProd, [2, 3, 4], [12, 8, 6]],
    ['a product with one zero', tl.reduceProd, [0, 2, 3], [6, 0, 0]],
    ['a product with two zeros', tl.reduceProd, [0, 0, 3], [0, 0, 0]],
    ['a mean', tl.reduceMean, [1, 2, 3, 4], [0.25, 0.25, 0.25, 0.25]],
    ['a logsumexp of nothing but -infinity', tl.reduceLogsumexp, [-Infinity, -Infinity], [NaN, NaN]],
  ])('%s', (_, reduce, data, expected) => {
    expect(gradientOf(reduce, data)).toEqual(expected);
  });

  test('a product over some axes', () => {
    expect(
      gradientOf(
        tl.reduceProd,
        [
          [1, 0, 3],
          [4, 5, 6],
        ],
        { axis: -1 },
      ),
    ).toEqual([
      [0, 3, 0],
      [30, 24, 20],
    ]);
    expect(
      gradientOf(
        tl.reduceProd,
        [
          [1, 2],
          [3, 4],
        ],
        { axis: 0, keepDims: true },
      ),
    ).toEqual([
      [3, 4],
      [1, 2],
    ]);
  });

  test.each<[string, Reduce]>([
    ['sum', tl.reduceSum],
    ['mean', tl.reduceMean],
    ['product', tl.reduceProd],
    ['maximum', tl.reduceMax],
  ])('a %s whose shapes are known only at run time', (_, reduce) => {
    const data = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    for (const options of [{}, { axis: 1 }, { axis: [-2], keepDims: true }]) {
      const dynamic = run(() => {
        const x = tl.placeholderWithDefault(tl.constant(data), null);
        return tl.gradients(reduce(x, options), x)[0] as tl.Tensor;
      });
      expect(dynamic).toEqual(gradientOf(reduce, data, options));
    }
  });

  test('the nodes that work out the tiling of a sum come once in a graph, and again after a roll-back', () => {
    const graph = new tl.Graph();
    const count = (): number => {
      const before = graph.version;
      const x = tl.placeholder('float32', [2, 3]);
      tl.gradients(tl.reduceSum(x, { axis: 1 }), x);
      return graph.version - before;
    };
    const failing = (): never => {
      count();
      throw new Error('no');
    };
    graph.asDefault(() => {
      expect(() => graph.transact(failing)).toThrow('no');
      const first = count();
      expect(first - count()).toBe(5);
    });
  });
});

describe('errors', () => {
  test('an axis that is not there, or there twice', () => {
    build(() => {
      const x = tl.placeholder('float32', [2, 3], { name: 'x' });
      expect(() => tl.reduceSum(x, { axis: 2 })).toThrow(
        /Sum 'Sum': axis 2 is not in \[-2, 2\): 'x:0' \(Placeholder, float32\[2, 3\]\)/,
      );
      expect(() => tl.reduceSum(x, { axis: [1, -1] })).toThrow(/axis 1 is given twice in \[1, -1\]: 'x:0'/);
      expect(() => tl.reduceSum(x, { axis: 2 })).toThrow(tl.InvalidArgumentError);
      expect(() => tl.argmax(x, { axis: -3 })).toThrow(/ArgMax 'ArgMax': axis -3 is not in \[-2, 2\)/);
      expect(() => tl.reduceSum(x, { axis: tl.placeholder('int32', [1, 1]) })).toThrow(tl.ShapeError);
      expect(() => tl.argmax(tl.constant(1))).toThrow(/a scalar has no axis/);
    });
  });

  test('a failure leaves no node behind', () => {
    build(() => {
      const x = tl.placeholder('bool', [2]);
      expect(() => tl.reduceSum(x)).toThrow(tl.DTypeError);
      expect(x.graph.version).toBe(1);
    });
  });

  test('at run time: an axis out of range, the extremum of an empty axis', () => {
    const bad = () =>
      tl.reduceSum(tl.constant([1, 2]), {
        axis: tl.placeholderWithDefault(tl.constant([1], { dtype: 'int32' }), [null]),
      });
    expect(() => run(bad)).toThrow(/axis 1 is not in \[-1, 1\)/);
    expect(() => run(() => tl.argmax(tl.constant([], { shape: [0, 3] })))).toThrow(/axis 0 is empty in shape \[0, 3\]/);
    expect(run(() => tl.argmax(tl.constant([], { shape: [0, 3] }), { axis: 1 }))).toEqual([]);
  });
});
