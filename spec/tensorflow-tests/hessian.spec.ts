/** TensorFlow's HessianTest: second derivatives by each tensor of a list. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose, inGraph, normals, value, values } from './support/build.js';

const m = 4;
const matrix = (data: readonly number[], rows: number): tl.Tensor =>
  tl.constant(data, { shape: [rows, data.length / rows] });

/** xᵀ A x */
const quadratic = (x: tl.Tensor, a: tl.Tensor): tl.Tensor =>
  x.expandDims(1).multiply(a).multiply(x.expandDims(0)).reduceSum();

/** A + Aᵀ */
const symmetric = (a: readonly number[]): number[][] =>
  Array.from({ length: m }, (_, i) => Array.from({ length: m }, (_, j) => a[i * m + j]! + a[j * m + i]!));

test('HessianTest.testHessian1D', () => {
  inGraph(() => {
    const [a, x] = [normals(m * m, 1), normals(m, 2)];
    const at = tl.constant(x) as tl.Tensor;
    const [hessian] = tl.hessians(quadratic(at, matrix(a, m)), at);
    expectClose(value(hessian!), symmetric(a), 1e-5);
  });
});

test('HessianTest.testHessian1D_multi', () => {
  inGraph(() => {
    const all = [1, 2, 3].map((seed) => ({ a: normals(m * m, seed), x: normals(m, 10 + seed) }));
    const xs = all.map(({ x }) => tl.constant(x) as tl.Tensor);
    const ys = all.map(({ a }, i) => quadratic(xs[i]!, matrix(a, m)));
    const hessians = tl.hessians(ys, xs);
    expect(hessians).toHaveLength(3);
    expectClose(
      values(hessians),
      all.map(({ a }) => symmetric(a)),
      1e-5,
    );
  });
});

// TensorFlow raises an error here, as a gradient that does not depend on x is None to it; the second derivatives are zeros.
test.each([[[10, 10]], [null]])('HessianTest.testHessianInvalidDimension, of shape %j', (shape) => {
  inGraph((graph) => {
    const x = tl.placeholder('float32', shape) as tl.Tensor;
    const [hessian] = tl.hessians(x, x);
    const found = new tl.Session({ graph }).runSync(hessian!, new Map([[x, filledWith([10, 10])]]));
    expect(found.shape).toEqual([10, 10, 10, 10]);
    expect(new Set(found.data)).toEqual(new Set([0]));
    expect(hessian!.shape).toEqual(shape && [...shape, ...shape]);
  });
});

const filledWith = ([rows, columns]: readonly [number, number]): number[][] =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => 1));

/** The Hessian of Σ xᵀ x / 2, which is by blocks the identity. */
function ofSquares(rows: number, columns: number): void {
  inGraph((graph) => {
    const x = matrix(normals(rows * columns, 5), rows);
    const y = tl.matmul(tl.transpose(x), x).multiply(0.5).reduceSum();
    const [hessian] = tl.hessians(y, x);
    const found = new tl.Session({ graph }).runSync(hessian!);
    expect(found.shape).toEqual([rows, columns, rows, columns]);
    const block = (i: number, k: number): number[][] =>
      Array.from({ length: columns }, () => Array.from({ length: columns }, () => (i === k ? 1 : 0)));
    const expected = Array.from({ length: rows }, (_, i) =>
      Array.from({ length: columns }, (_, j) => Array.from({ length: rows }, (_, k) => block(i, k)[j]!)),
    );
    expectClose(found.toArray(), expected);
  });
}

test('HessianTest.testHessian2D_square_matrix', () => ofSquares(3, 3));
test('HessianTest.testHessian2D_non_square_matrix', () => ofSquares(3, 4));
