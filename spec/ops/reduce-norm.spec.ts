/** The Euclidean norm: dtypes, axes, and where it has no gradient. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

const inGraph = <T>(fn: () => T): T => new tl.Graph().asDefault(fn);
const run = (y: tl.Tensor): unknown => new tl.Session({ graph: y.graph }).runSync(y).toArray();

test.each<readonly [string, () => tl.Tensor, unknown]>([
  ['all of it', () => tl.reduceEuclideanNorm(tl.constant([[1, 2], [2, 4]])), 5], // prettier-ignore
  ['no axis', () => tl.reduceEuclideanNorm(tl.constant([-3, 4]), { axis: [] }), [3, 4]],
  ['nothing', () => tl.reduceEuclideanNorm(tl.fill([2, 0], 1), { axis: 1 }), [0, 0]],
  ['an axis that stays', () => tl.reduceEuclideanNorm(tl.constant([[3, 4]]), { axis: -1, keepDims: true }), [[5]]],
  ['integers are cut off', () => tl.reduceEuclideanNorm(tl.constant([3, 5, 7], { dtype: 'int32' })), 9],
  ['64-bit integers', () => tl.reduceEuclideanNorm(tl.constant([3n, 4n], { dtype: 'int64' })), 5n],
  ['squares of small integers wrap', () => tl.reduceEuclideanNorm(tl.constant([200, 200], { dtype: 'uint8' })), 11],
  [
    'complex numbers',
    () => tl.reduceEuclideanNorm(tl.constant([{ re: 3, im: -4 }, { re: 0, im: 12 }])), // prettier-ignore
    { re: 13, im: 0 },
  ],
])('%s', (_, build, expected) => {
  inGraph(() => expect(run(build())).toEqual(expected));
});

test('the gradient is the unit vector, a zero element has none, and a zero vector NaN', () => {
  inGraph(() => {
    const gradientAt = (data: readonly number[]): unknown => {
      const x = tl.constant([...data]) as tl.Tensor;
      return run(tl.gradients(tl.reduceEuclideanNorm(x), x)[0] as tl.Tensor);
    };
    expect(gradientAt([0, -4])).toEqual([0, -1]);
    expect(gradientAt([0, 0])).toEqual([NaN, NaN]);
  });
});

test('the gradient is linear in what comes in, also at 0', () => {
  inGraph(() => {
    const x = tl.constant([3, 4]) as tl.Tensor;
    const [tangent] = tl.jvp(tl.reduceEuclideanNorm(x), x, [1, 0]);
    expect(run(tangent as tl.Tensor)).toBeCloseTo(0.6, 6);
  });
});

test('an unselected norm of a sum of squares at 0 does not spoil the gradient', () => {
  inGraph(() => {
    const x = tl.constant([[0, 0], [3, 4]]) as tl.Tensor; // prettier-ignore
    const norm = tl.sqrt(tl.reduceSum(tl.square(x), { axis: 1 }));
    const y = tl.where(norm.greater(0), norm, tl.zerosLike(norm));
    expect(run(tl.gradients(y, x)[0] as tl.Tensor)).toEqual([[0, 0], [0.6, 0.8].map(Math.fround)]); // prettier-ignore
  });
});
