/** TensorFlow's AddNTest (kernel_tests/aggregate_ops_test.py): sums of one to ten tensors of every dtype. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose, inGraph, normals } from './support/build.js';

const dtypes = [
  'int32',
  'int64',
  'uint8',
  'float16',
  'bfloat16',
  'float32',
  'float64',
  'complex64',
  'complex128',
] as const;
type Kind = (typeof dtypes)[number];

/** Data of a dtype as JavaScript numbers: of complex ones the imaginary part is ten times the real one. */
function dataOf(dtype: Kind, seed: number): number[] {
  const found = normals(4, seed);
  if (/^u?int/.test(dtype)) return found.map((x) => Math.abs(Math.round(2 * x)));
  // What 16-bit dtypes hold exactly, so that only the sum is rounded.
  return found.map((x) => Math.round(16 * x) / 16);
}
function elements(dtype: Kind, data: readonly number[]) {
  if (dtype === 'int64') return data.map(BigInt);
  return dtype.startsWith('complex') ? data.map((x) => ({ re: x, im: 10 * x })) : [...data];
}
const squared = (dtype: Kind, data: readonly number[]) =>
  tl.constant(elements(dtype, data) as never, { dtype, shape: [2, 2] }) as tl.Tensor;
const flat = (array: tl.NDArray): number[] =>
  Array.from({ length: array.size }, (_, i) => array.element(i)).flatMap((x) =>
    typeof x === 'object' && 're' in x ? [x.re, x.im] : [Number(x)],
  );
const expected = (dtype: Kind, sum: readonly number[]) =>
  dtype.startsWith('complex') ? sum.flatMap((x) => [x, 10 * x]) : sum;
const tolerance = (dtype: Kind) => (/16$/.test(dtype) ? 2e-2 : 1e-6);

test.each(dtypes)('AddNTest.testAddN %s', (dtype) => {
  inGraph((graph) => {
    const session = new tl.Session({ graph });
    for (let count = 1; count <= 10; count++) {
      const data = Array.from({ length: count }, (_, i) => dataOf(dtype, 12345 + i));
      const sum = [0, 1, 2, 3].map((i) => data.reduce((total, each) => total + each[i]!, 0));
      const found = session.runSync(tl.addN(data.map((each) => squared(dtype, each))));
      expect([found.dtype, found.shape]).toEqual([dtype, [2, 2]]);
      expectClose(flat(found), expected(dtype, sum), tolerance(dtype));
    }
  });
});

test.each(dtypes)('AddNTest.testUnknownShapes %s', (dtype) => {
  inGraph((graph) => {
    const session = new tl.Session({ graph });
    const data = dataOf(dtype, 12345);
    const x = tl.placeholder(dtype);
    for (let count = 1; count <= 10; count++) {
      const sum = tl.addN(Array.from({ length: count }, () => x));
      expect(sum.shape).toBeNull();
      const fed = tl.NDArray.from(elements(dtype, data), dtype, [2, 2]);
      const found = session.runSync(sum, new Map([[x, fed]]));
      expect(found.shape).toEqual([2, 2]);
      expectClose(flat(found), expected(dtype, data.map((each) => count * each)), tolerance(dtype)); // prettier-ignore
    }
  });
});
