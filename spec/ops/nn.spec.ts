/** Rectifiers, softmax and biases: kinks and special values, other axes, shapes with unknowns, error texts. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

const { nn } = tl;

function run<T extends readonly tl.Tensor[]>(build: () => T): unknown[] {
  const graph = new tl.Graph();
  const fetches = graph.asDefault(build);
  return (new tl.Session({ graph }).runSync(fetches as readonly tl.Tensor[]) as readonly tl.NDArray[]).map((y) =>
    y.toArray(),
  );
}

function build<T>(fn: () => T): T {
  return new tl.Graph().asDefault(fn);
}

const withGradient = (f: (x: tl.Tensor) => tl.Tensor, data: tl.TensorData): unknown[] =>
  run(() => {
    const x = tl.constant(data);
    const y = f(x);
    return [y, tl.gradients(y, x)[0] as tl.Tensor];
  });

const f32 = (values: number[]): number[] => values.map(Math.fround);
const special = [NaN, -1, 0, 7, Infinity, -Infinity];

describe('rectifiers at kinks and special values', () => {
  test.each<[string, (x: tl.Tensor) => tl.Tensor, number[], number[]]>([
    ['relu', nn.relu, [NaN, 0, 0, 7, Infinity, 0], [0, 0, 0, 1, 1, 0]],
    ['relu6', nn.relu6, [NaN, 0, 0, 6, 6, 0], [0, 0, 0, 0, 0, 0]],
    ['leakyRelu', nn.leakyRelu, [NaN, -0.2, 0, 7, Infinity, -Infinity], [0.2, 0.2, 0.2, 1, 1, 0.2]],
    ['elu', nn.elu, [NaN, Math.expm1(-1), 0, 7, Infinity, -1], [1, Math.fround(Math.expm1(-1)) + 1, 1, 1, 1, 0]],
  ])('%s', (_, f, values, gradients) => {
    expect(withGradient(f, special)).toEqual([f32(values), f32(gradients)]);
  });

  test('negative zero stays', () => {
    expect(run(() => [nn.relu([-0]), nn.relu6([-0])])).toEqual([[-0], [-0]]);
  });

  test('a closed gate is a factor of zero', () => {
    const [dx] = run(() => {
      const x = tl.constant([1, -1, -1]);
      return [tl.gradients(nn.relu(x), x, { gradYs: [[2, 2, Infinity]] })[0] as tl.Tensor];
    });
    expect(dx).toEqual([2, 0, NaN]);
  });

  test('leakyRelu: its slope, and integers as float32', () => {
    expect(run(() => [nn.leakyRelu(tl.constant([-4, 4], { dtype: 'int32' }), { alpha: 0.5 })])).toEqual([[-2, 4]]);
    expect(() => build(() => nn.leakyRelu(tl.constant([true])))).toThrow(tl.DTypeError);
  });

  test('l2Loss', () => {
    expect(withGradient(nn.l2Loss, [3, 4])).toEqual([12.5, [3, 4]]);
    expect(run(() => [nn.l2Loss(tl.constant([], { shape: [0] }))])).toEqual([0]);
  });
});

describe('softmax', () => {
  test('large logits do not overflow', () => {
    expect(
      run(() => [
        nn.softmax([
          [1000, 0],
          [-1000, -1000],
        ]),
        nn.logSoftmax([[1000, 0]]),
      ]),
    ).toEqual([
      [
        [1, 0],
        [0.5, 0.5],
      ],
      [[0, -1000]],
    ]);
  });

  test('any axis, by transposition around the same node', () => {
    const x = [
      [1, 2],
      [3, 5],
      [4, 4],
    ];
    const [columns, negative, byHand] = run(() => [
      nn.softmax(x, { axis: 0 }),
      nn.softmax(x, { axis: -2 }),
      tl.transpose(nn.softmax(tl.transpose(tl.constant(x)))),
    ]);
    expect(columns).toEqual(byHand);
    expect(negative).toEqual(byHand);
    const y = build(() => nn.logSoftmax(tl.placeholder('float32', [null, 3, 4]), { axis: 1, name: 'y' }));
    expect([y.name, y.op.type, y.shape]).toEqual(['y:0', 'Transpose', [null, 3, 4]]);
    expect(build(() => nn.softmax(tl.placeholder('float32', [2, 3]), { axis: 1 })).graph.version).toBe(2);
  });

  test('errors', () => {
    build(() => {
      expect(() => nn.softmax(tl.placeholder('float32', [2, 3]), { axis: 2 })).toThrow(
        /Softmax: axis 2 is not in \[-2, 2\)/,
      );
      expect(() => nn.softmax(1)).toThrow(/Softmax 'Softmax': rank 1 or more is needed/);
      expect(() => nn.softmax(tl.placeholder('int32', [2]))).toThrow(tl.DTypeError);
    });
  });
});

describe('biasAdd', () => {
  test('channels last and first', () => {
    expect(
      run(() => [
        nn.biasAdd(
          [
            [1, 2],
            [3, 4],
          ],
          [10, 20],
        ),
        nn.biasAdd(
          [
            [
              [1, 2],
              [3, 4],
            ],
          ],
          [10, 20],
          { dataFormat: 'NCW' },
        ),
      ]),
    ).toEqual([
      [
        [11, 22],
        [13, 24],
      ],
      [
        [
          [11, 12],
          [23, 24],
        ],
      ],
    ]);
  });

  test('shapes learn from the bias', () => {
    const shape = (value: tl.Shape) =>
      build(() => nn.biasAdd(tl.placeholder('float32', value), tl.placeholder('float32', [3]))).shape;
    expect([shape([null, null]), shape(null)]).toEqual([[null, 3], null]);
  });

  test.each<[tl.Shape, tl.Shape, string, RegExp]>([
    [
      [2, 3],
      [2],
      'NHWC',
      /BiasAdd 'BiasAdd': there are 3 channels and 2 biases: 'v:0' \(Placeholder, float32\[2, 3\]\) and 'b:0'/,
    ],
    [[2, 3], [3, 1], 'NHWC', /bias must have rank 1/],
    [[3], [3], 'NHWC', /rank 2 or more is needed: 'v:0'/],
    [[2, 3], [3], 'NCHW', /rank 3 or more is needed: 'v:0'/],
    [[2, 3], [3], 'XC', /dataFormat must be of the form 'N…C' or 'NC…', not 'XC'/],
  ])('%j + %j as %s', (value, bias, dataFormat, message) => {
    const make = () =>
      build(() =>
        nn.biasAdd(tl.placeholder('float32', value, { name: 'v' }), tl.placeholder('float32', bias, { name: 'b' }), {
          dataFormat,
        }),
      );
    expect(make).toThrow(message);
  });
});
