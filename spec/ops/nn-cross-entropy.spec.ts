/** Cross entropies: values and gradients, the nodes of the composed functions, shapes that are unknown or do not fit. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { checkGradients } from '../../src/testing/index.js';

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

describe('cross entropy with probabilities', () => {
  test('value and gradients of both arguments', () => {
    const [loss, dlabels, dlogits] = run(() => {
      const labels = tl.constant([[0.5, 0.5]]);
      const logits = tl.constant([[1000, 0]]);
      const y = nn.softmaxCrossEntropyWithLogits(labels, logits);
      return [y, ...(tl.gradients(y, [labels, logits]) as tl.Tensor[])];
    });
    expect([loss, dlabels, dlogits]).toEqual([[500], [[-0, 1000]], [[0.5, -0.5]]]);
  });

  test('gradients against finite differences, where labels add up to 1', async () => {
    const graph = new tl.Graph();
    const { logits, labels, loss } = graph.asDefault(() => {
      const [x, z] = [tl.placeholder('float64', [2, 3]), tl.placeholder('float64', [2, 3])];
      return { logits: x, labels: z, loss: nn.softmaxCrossEntropyWithLogits(z, x) };
    });
    const feeds = new Map<tl.Tensor, tl.TensorData>([
      [
        logits,
        [
          [0.3, -1, 2],
          [1.5, 0.2, 0.1],
        ],
      ],
      [
        labels,
        [
          [0.25, 0.25, 0.5],
          [0, 1, 0],
        ],
      ],
    ]);
    await checkGradients(loss, logits, { feeds, order: 2 });
    await checkGradients(loss, labels, { feeds });
  });

  test('outer axes stay, the class axis goes, the op sees matrices', () => {
    const y = build(() =>
      nn.softmaxCrossEntropyWithLogits(tl.placeholder('float32', [2, 5, 3]), tl.placeholder('float32', [2, 5, 3]), {
        axis: -2,
        name: 'y',
      }),
    );
    expect(y.shape).toEqual([2, 3]);
    expect(y.graph.operation('y').inputs.map((x) => x.shape)).toEqual([
      [6, 5],
      [6, 5],
    ]);
    const rowwise = run(() => [
      nn.softmaxCrossEntropyWithLogits(
        [
          [
            [1, 0],
            [0, 1],
          ],
        ],
        tl.constant([
          [
            [1, 2],
            [5, 3],
          ],
        ]),
      ),
      nn.softmaxCrossEntropyWithLogits(
        [
          [[1], [0]],
          [[0], [1]],
        ],
        tl.constant([
          [[1], [2]],
          [[5], [3]],
        ]),
        { axis: 1 },
      ),
    ]);
    expect((rowwise[0] as number[][])[0]).toEqual((rowwise[1] as number[][]).map(([loss]) => loss));
  });

  test('half precision computes in single precision; labels are cast', () => {
    const y = build(() =>
      nn.softmaxCrossEntropyWithLogits(tl.placeholder('int32', [2, 3]), tl.placeholder('float16', [2, 3])),
    );
    expect([y.dtype, y.op.type, y.op.inputs[0]!.dtype]).toEqual(['float16', 'Cast', 'float32']);
  });

  test('unknown shapes, and shapes that do not fit', () => {
    const loss = (labels: tl.Shape, logits: tl.Shape) =>
      build(() =>
        nn.softmaxCrossEntropyWithLogits(tl.placeholder('float32', labels), tl.placeholder('float32', logits)),
      );
    expect(loss([null, 3], [null, 3]).shape).toEqual([null]);
    expect(loss(null, null).shape).toBeNull();
    expect(() => loss([4, 3], [2, 3])).toThrow(/SoftmaxCrossEntropyWithLogits '.*': the shapes do not broadcast/);
    const atAxis = () =>
      build(() => nn.softmaxCrossEntropyWithLogits([[1]], tl.placeholder('float32', [1, 1]), { axis: 2 }));
    expect(atAxis).toThrow(/axis 2 is not in \[-2, 2\)/);
  });
});

describe('cross entropy with classes', () => {
  test('value and gradient', () => {
    const [loss, dlogits] = withGradient(
      (x) => nn.sparseSoftmaxCrossEntropyWithLogits([1, 0], x),
      [
        [0, 0],
        [1000, 0],
      ],
    );
    expect(loss).toEqual(f32([Math.LN2, 0]));
    expect(dlogits).toEqual([
      [0.5, -0.5],
      [0, 0],
    ]);
  });

  test('any rank of logits from 1', () => {
    const [matrix, cube, vector] = run(() => [
      nn.sparseSoftmaxCrossEntropyWithLogits(
        [0, 1],
        tl.constant([
          [1, 2],
          [3, 0],
        ]),
      ),
      nn.sparseSoftmaxCrossEntropyWithLogits(
        [[0, 1]],
        tl.constant([
          [
            [1, 2],
            [3, 0],
          ],
        ]),
      ),
      nn.sparseSoftmaxCrossEntropyWithLogits(1, tl.constant([3, 0])),
    ]);
    expect(cube).toEqual([matrix]);
    expect(vector).toBe((matrix as number[])[1]);
  });

  test('labels that are no classes', () => {
    for (const label of [-1, 2]) {
      const make = () =>
        run(() => [
          nn.sparseSoftmaxCrossEntropyWithLogits(
            [0, label],
            tl.constant([
              [1, 2],
              [3, 0],
            ]),
          ),
        ]);
      expect(make).toThrow(tl.InvalidArgumentError);
      expect(make).toThrow(new RegExp(`label\\[1\\] = ${label} is not in \\[0, 2\\)`));
    }
  });

  test('shapes that do not fit, at once or at run time', () => {
    const make = (labels: tl.Shape, logits: tl.Shape) =>
      build(() =>
        nn.sparseSoftmaxCrossEntropyWithLogits(
          tl.placeholder('int32', labels, { name: 'l' }),
          tl.placeholder('float32', logits, { name: 'x' }),
        ),
      );
    for (const [labels, logits] of [
      [[2], [2, 3, 4]],
      [[4], [2, 3]],
      [
        [4, 1],
        [2, 1, 3],
      ],
      [[], []],
    ] as [number[], number[]][]) {
      expect(() => make(labels, logits)).toThrow(tl.ShapeError);
      expect(() => make(labels, logits)).toThrow(
        /labels must have the shape of the logits without the last axis: 'l:0' .* and 'x:0'/,
      );
    }
    expect(make([null], [null, 3]).shape).toEqual([null]);
    expect(make([null, 5], [null, 5, 3]).shape).toEqual([null, 5]);
    const late = () =>
      run(() => {
        const labels = tl.placeholderWithDefault(tl.constant([[0, 1]], { dtype: 'int32' }), [null, null]);
        const logits = tl.placeholderWithDefault(tl.constant([[[1, 2]], [[3, 0]]]), [null, null, 2]);
        return [nn.sparseSoftmaxCrossEntropyWithLogits(labels, logits)];
      });
    expect(late).toThrow(/assertion failed: \[Condition x == y did not hold element-wise:\]/);
  });

  test('dtypes of labels', () => {
    build(() => {
      const logits = tl.placeholder('float32', [2, 3]);
      expect(() => nn.sparseSoftmaxCrossEntropyWithLogits(tl.placeholder('float32', [2]), logits)).toThrow(
        tl.DTypeError,
      );
      expect(nn.sparseSoftmaxCrossEntropyWithLogits([0, 1], logits).op.inputs[1]!.dtype).toBe('int32');
    });
  });
});

test('sigmoid cross entropy: no overflow, and the same shape on both sides', () => {
  const [loss, gradient] = withGradient((x) => nn.sigmoidCrossEntropyWithLogits([1, 0, 0], x), [0, 100, -1000]);
  expect(loss).toEqual(f32([Math.LN2, 100, 0]));
  expect(gradient).toEqual([-0.5, 1, 0]);
  expect(() => build(() => nn.sigmoidCrossEntropyWithLogits([1], tl.constant([1, 2])))).toThrow(
    /labels must have the same shape/,
  );
});
