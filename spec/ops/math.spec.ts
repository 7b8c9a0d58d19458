/** Elementwise mathematics: special values of functions and gradients. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import type { DType, Tensor, TensorData } from '../../src/index.js';
import { one } from '../../src/ops/call.js';

const inGraph = <T>(build: () => T): T => new tl.Graph().asDefault(build);

/** Without the sign of zero, which no rule promises. */
const plain = (value: unknown): unknown => (Array.isArray(value) ? value.map(plain) : value === 0 ? 0 : value);
const run = (tensors: readonly Tensor[]): unknown[] =>
  new tl.Session({ graph: tensors[0]!.graph }).runSync([...tensors]).map((array) => plain(array.toArray()));

/** The value of a function without static typing of its arguments. */
const evaluate = (f: (...xs: Tensor[]) => Tensor, inputs: readonly TensorData[], dtype?: DType): unknown =>
  inGraph(() => run([f(...inputs.map((x) => tl.constant(x, dtype ? { dtype } : {})))])[0]);

type F = (x: Tensor, y: Tensor) => Tensor;
const i = (re: number, im: number) => ({ re, im });

describe('gradients at special points', () => {
  test.each<[string, F, TensorData[], unknown[]]>([
    ['abs(0)', (x) => tl.abs(x), [0], [0]],
    ['abs of a negative number', (x) => tl.abs(x), [-2], [-1]],
    ['sign', (x) => tl.sign(x), [[-2, 0, 2]], [[0, 0, 0]]],
    ['complex abs at 0', (x) => tl.abs(x), [i(0, 0)], [i(0, 0)]],
    ['sqrt(0)', (x) => tl.sqrt(x), [0], [Infinity]],
    ['rsqrt(0)', (x) => tl.rsqrt(x), [0], [-Infinity]],
    ['log(0)', (x) => tl.log(x), [0], [Infinity]],
    ['maximum at a tie', tl.maximum, [1, 1], [1, 0]],
    ['minimum at a tie', tl.minimum, [1, 1], [1, 0]],
    [
      'maximum',
      tl.maximum,
      [
        [1, 2],
        [2, 1],
      ],
      [
        [0, 1],
        [1, 0],
      ],
    ],
    ['pow(0, 0)', tl.pow, [0, 0], [NaN, 0]],
    ['pow(0, 2)', tl.pow, [0, 2], [0, 0]],
    ['pow(-1, 2)', tl.pow, [-1, 2], [-2, 0]],
    ['pow(0, 0.5)', tl.pow, [0, 0.5], [Infinity, 0]],
    ['x / 0', tl.divide, [1, 0], [Infinity, -Infinity]],
    ['divideNoNan(1, 0)', tl.divideNoNan, [1, 0], [0, 0]],
    ['multiplyNoNan(1, 0)', tl.multiplyNoNan, [1, 0], [0, 1]],
    ['xlogy(0, 0)', tl.xlogy, [0, 0], [0, 0]],
    ['floorMod', tl.floormod, [7, 2], [1, -3]],
    [
      'clipByValue within, at and beyond a bound',
      (x) => tl.clipByValue(x, -1, 1),
      [[-2, -1, 0, 1, 2]],
      [[0, 1, 1, 1, 0]],
    ],
    ['real', (x) => tl.real(x), [i(2, 3)], [i(1, 0)]],
    ['imag', (x) => tl.imag(x), [i(2, 3)], [i(0, 1)]],
    ['cast from complex64 to float32', (x) => tl.cast(x, 'float32'), [i(2, 3)], [i(1, 0)]],
    ['softplus far out', (x) => tl.softplus(x), [[-200, 200]], [[0, 1]]],
  ])('%s', (_title, f, inputs, expected) => {
    inGraph(() => {
      const xs = inputs.map((x) => tl.constant(x)) as unknown as [Tensor, Tensor];
      expect(run(tl.gradients(f(...xs), xs) as Tensor[])).toEqual(expected);
    });
  });

  test('the square of a complex number gives the conjugate of 2z', () => {
    inGraph(() => {
      const z = tl.constant(i(2, 3));
      expect(run(tl.gradients(tl.square(z), z, { gradYs: [tl.constant(i(1, 0))] }) as Tensor[])).toEqual([i(4, -6)]);
    });
  });

  test.each<[string, (x: Tensor) => Tensor]>([
    ['floor', tl.floor],
    ['ceil', tl.ceil],
    ['round', tl.round],
    ['rint', tl.rint],
    ['floorDiv', (x) => tl.floordiv(x, 2)],
    ['greater', (x) => tl.cast(tl.greater(x, 0), 'float32')],
    ['isNan', (x) => tl.cast(tl.isNan(x), 'float32')],
    ['a cast to int32 and back', (x) => tl.cast(tl.cast(x, 'int32'), 'float32')],
  ])('none flows through %s', (_title, f) => {
    inGraph(() => {
      const x = tl.constant([1.5]) as Tensor;
      expect(tl.gradients(f(x), x)).toEqual([null]);
    });
  });
});

describe('values at special points', () => {
  const [nan, inf] = [NaN, Infinity];
  test.each<[string, (...xs: Tensor[]) => Tensor, TensorData[], DType, unknown]>([
    [
      'maximum of NaN',
      tl.maximum,
      [
        [nan, 1],
        [1, nan],
      ],
      'float32',
      [nan, nan],
    ],
    [
      'minimum of NaN',
      tl.minimum,
      [
        [nan, 1],
        [1, nan],
      ],
      'float32',
      [nan, nan],
    ],
    [
      'divideNoNan',
      tl.divideNoNan,
      [
        [nan, 1, 6],
        [0, 0, 3],
      ],
      'float32',
      [0, 0, 2],
    ],
    [
      'multiplyNoNan',
      tl.multiplyNoNan,
      [
        [nan, inf, 0],
        [0, 0, nan],
      ],
      'float32',
      [0, 0, nan],
    ],
    [
      'xlogy',
      tl.xlogy,
      [
        [0, 0, nan],
        [0, nan, 0],
      ],
      'float32',
      [0, 0, nan],
    ],
    [
      'xdivy',
      tl.xdivy,
      [
        [0, 0, 6],
        [0, nan, 3],
      ],
      'float32',
      [0, 0, 2],
    ],
    ['round half to even', tl.round, [[-1.5, -0.5, 0.5, 1.5, 2.5]], 'float32', [-2, 0, 0, 2, 2]],
    ['round of integers', tl.round, [[3, -4]], 'int32', [3, -4]],
    ['sigmoid far out', tl.sigmoid, [[-200, 0, 200]], 'float32', [0, 0.5, 1]],
    ['sigmoid keeps what is tiny', tl.sigmoid, [[-100]], 'float64', [Math.exp(-100)]],
    ['softplus far out', tl.softplus, [[-200, 200, inf, -inf]], 'float32', [0, 200, inf, 0]],
    [
      'floorDiv',
      tl.floordiv,
      [
        [-7, 7, -7],
        [2, -2, -2],
      ],
      'int32',
      [-4, -4, 3],
    ],
    [
      'floorMod',
      tl.floormod,
      [
        [-7, 7, -7],
        [2, -2, -2],
      ],
      'int32',
      [1, -1, -1],
    ],
    [
      'floorMod of infinity',
      tl.floormod,
      [
        [1, -1],
        [inf, inf],
      ],
      'float32',
      [1, inf],
    ],
    ['abs of the least integer', tl.abs, [[-2147483648]], 'int32', [-2147483648]],
    ['int32 wraps', tl.multiply, [[65536], [65537]], 'int32', [65536]],
    ['int64 wraps', tl.add, [[9223372036854775807n], [1n]], 'int64', [-9223372036854775808n]],
    ['float32 is rounded at every step', tl.add, [[16777216], [1]], 'float32', [16777216]],
    [
      'pow of integers',
      tl.pow,
      [
        [2, -3],
        [10, 3],
      ],
      'int32',
      [1024, -27],
    ],
    ['sign of a complex number', tl.sign, [[i(3, 4), i(0, 0)]], 'complex128', [i(0.6, 0.8), i(0, 0)]],
    ['squaredDifference of complex numbers', tl.squaredDifference, [[i(1, 2)], [i(1, -1)]], 'complex64', [i(9, 0)]],
    ['imag of a real tensor', tl.imag, [[3]], 'float32', [0]],
    [
      'complex keeps infinities apart',
      (re, im) => tl.imag(tl.complex(re, im)),
      [
        [inf, 1],
        [2, inf],
      ],
      'float32',
      [2, inf],
    ],
    [
      'integers divide as float64',
      tl.divide,
      [
        [1, 2],
        [3, 4],
      ],
      'int32',
      [1 / 3, 0.5],
    ],
    ['isFinite', tl.isFinite, [[nan, inf, 1]], 'float32', [false, false, true]],
  ])('%s', (_title, f, inputs, dtype, expected) => {
    expect(evaluate(f, inputs, dtype)).toEqual(expected);
  });

  test('Equal without errors for shapes says that what does not fit is unequal', () => {
    inGraph(() => {
      const operands = [tl.constant([1, 2]), tl.constant([1, 2, 3])];
      const results = ['Equal', 'NotEqual'].map((type) => one(type, operands, { incompatible_shape_error: false }));
      expect(results.map(({ shape }) => shape)).toEqual([[], []]);
      expect(run(results)).toEqual([false, true]);
      const unknown = one('Equal', [tl.placeholder('float32', [null]), operands[0]!], {
        incompatible_shape_error: false,
      });
      expect(unknown.shape).toBeNull();
    });
  });

  test('select takes whole rows by a vector, where broadcasts it', () => {
    inGraph(() => {
      const rows = tl.constant([true, false]);
      const [x, y] = [
        tl.constant([
          [1, 2],
          [3, 4],
        ]),
        tl.constant([
          [5, 6],
          [7, 8],
        ]),
      ];
      expect(run([tl.select(rows, x, y), tl.where(rows, x, y), tl.select(false, x, y)])).toEqual([
        [
          [1, 2],
          [7, 8],
        ],
        [
          [1, 6],
          [3, 8],
        ],
        [
          [5, 6],
          [7, 8],
        ],
      ]);
    });
  });

  test.each([
    ['integer division by zero', (x: Tensor) => tl.floordiv(x, 0), /Integer division by zero/],
    ['a negative power of an integer', (x: Tensor) => tl.pow(x, -1), /negative integer powers/],
  ])('%s fails when it runs', (_title, f, message) => {
    inGraph(() => {
      const y = f(tl.constant([2], { dtype: 'int32' }));
      expect(() => run([y])).toThrow(tl.InvalidArgumentError);
      expect(() => run([y])).toThrow(message);
    });
  });
});
