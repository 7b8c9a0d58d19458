/** Buffers, reuse and errors of kernels. */
import { describe, expect, test } from '@jest/globals';
import { InvalidArgumentError, OutOfMemoryError } from '../../src/graph/errors.js';
import type { NDArray } from '../../src/graph/ndarray.js';
import { reshaped } from '../../src/ops/elementwise.js';
import { bin, bound, cast, known, lazy, literal, reduce, un } from '../../src/ops/expr.js';
import type { Lowering } from '../../src/ops/opdef.js';
import { add, array, kernel, resources, run, zip } from './support/kernels.js';

describe('buffers', () => {
  test('a temporary is computed once, before what loads it', () => {
    const softmax: Lowering = ({ inputs: [x], temp }) => {
      const [n] = x.shape as [number];
      const e = temp(lazy(x.dtype, [n], (i) => un('exp', x.at(i))));
      const sum = temp(lazy(x.dtype, [], () => reduce('add', [n], (i) => e.at(i))));
      return [lazy(x.dtype, [n], (i) => bin('div', e.at(i), sum.at([])))];
    };
    const result = run(softmax, array([0, Math.log(3)], 'float64')).toArray() as number[];
    expect(result[0]).toBeCloseTo(0.25, 14);
    expect(result[1]).toBeCloseTo(0.75, 14);
  });

  test('outputs that are a buffer already share its storage', () => {
    const x = array([1, 2, 3, 4]);
    const reshape: Lowering = ({ inputs: [x] }) => [reshaped(x, [2, 2])];
    const y = run(reshape, x);
    expect(y.shape).toEqual([2, 2]);
    expect(y.data).toBe(x.data);
    expect(run(() => [known(x)]).data).toBe(x.data);
    const both = kernel(
      ({ inputs: [x], temp }) => {
        const t = temp(lazy(x.dtype, x.shape, (i) => un('neg', x.at(i))));
        return [t, reshaped(t, [4, 1])];
      },
      ['float32', 'float32'],
    ).run([x], resources);
    expect(both[0]!.toArray()).toEqual([-1, -2, -3, -4]);
    expect(both[1]!.data).toBe(both[0]!.data);
  });

  test('every run has storage of its own', () => {
    const k = kernel(add);
    const [first] = k.run([array([1]), array([2])], resources);
    k.run([array([5]), array([6])], resources);
    expect(first!.toArray()).toEqual([3]);
  });
});

describe('compiling', () => {
  test('from the second run on, once for the same shapes and consulted values', () => {
    let lowered = 0;
    const k = kernel(({ inputs: [x], value }) => {
      lowered++;
      const axis = value(1).element(0) as number;
      return [
        lazy(x.dtype, [x.shape[1 - axis]!], ([i]) =>
          reduce('add', [x.shape[axis]!], ([j]) => x.at(axis === 0 ? [j!, i!] : [i!, j!])),
        ),
      ];
    });
    const sum = (x: NDArray, axis: NDArray) => k.run([x, axis], resources)[0]!.toArray();
    const x = array([
      [1, 2],
      [3, 4],
    ]);
    const axis = array(0, 'int32');
    expect(sum(x, axis)).toEqual([4, 6]);
    expect(
      sum(
        array([
          [5, 6],
          [7, 8],
        ]),
        array(0, 'int32'),
      ),
    ).toEqual([12, 14]);
    expect(sum(x, axis)).toEqual([4, 6]);
    expect(lowered).toBe(2);
    expect(sum(x, array(1, 'int32'))).toEqual([3, 7]);
    expect(sum(array([[1, 2, 3]]), array(1, 'int32'))).toEqual([6]);
    expect(lowered).toBe(4);
    // A consulted array changed by its owner is noticed too.
    (axis.data as Int32Array)[0] = 1;
    expect(sum(x, axis)).toEqual([3, 7]);
    (axis.data as Int32Array)[0] = 0;
    expect(sum(x, axis)).toEqual([4, 6]);
  });

  test('routines get the resources', () => {
    const k = kernel({ routine: 'read', run: ({ resources }) => [resources.variables.get('x')!] });
    const x = array(7);
    expect(k.run([], { variables: new Map([['x', x]]), counters: new Map() })).toEqual([x]);
  });
});

describe('errors', () => {
  const gather: Lowering = ({ inputs: [x, i] }) => [
    lazy(x.dtype, i.shape, (at) => x.at([bound(cast(i.at(at), 'int32'), x.shape[0]!, 'indices')])),
  ];

  test('an index out of range names its place and the operation', () => {
    expect(run(gather, array([1, 2, 3]), array([0n, 2n], 'int64')).toArray()).toEqual([1, 3]);
    const fails = (i: NDArray) => () => run(gather, array([1, 2, 3]), i);
    expect(fails(array([0, 7], 'int32'))).toThrow("Test 'test': indices[1] = 7 is not in [0, 3)");
    expect(
      fails(
        array(
          [
            [0n, 1n],
            [2n, -1n],
          ],
          'int64',
        ),
      ),
    ).toThrow('indices[1,1] = -1 is not in [0, 3)');
    expect(fails(array(3, 'int32'))).toThrow('indices = 3 is not in [0, 3)');
    expect(fails(array(3, 'int32'))).toThrow(InvalidArgumentError);
    expect(fails(array(3, 'int32'))).toThrow(expect.objectContaining({ op: 'Test', nodeName: 'test' }));
  });

  test('an unchecked 64-bit index and a 64-bit bound', () => {
    const plain: Lowering = ({ inputs: [x, i] }) => [lazy(x.dtype, i.shape, (at) => x.at([bound(i.at(at), 3, 'i')]))];
    expect(run(plain, array([1, 2, 3]), array([2n], 'int64')).toArray()).toEqual([3]);
    expect(() => run(plain, array([1, 2, 3]), array([5n], 'int64'))).toThrow('i[0] = 5 is not in [0, 3)');
  });

  test('integer division by zero names the operation', () => {
    const divide = zip((a, b) => bin('floordiv', a, b));
    expect(run(divide, array([-7, 7], 'int32'), array([2], 'int32')).toArray()).toEqual([-4, 3]);
    expect(() => run(divide, array([1, 1], 'int32'), array([1, 0], 'int32'))).toThrow(
      "Test 'test': Integer division by zero",
    );
  });

  test('a tensor that cannot be allocated', () => {
    const huge: Lowering = () => [lazy('float32', [1e8, 1e8], () => literal(0, 'float32'))];
    expect(() => run(huge)).toThrow(OutOfMemoryError);
    expect(() => run(huge)).toThrow('float32[100000000, 100000000]');
  });
});
