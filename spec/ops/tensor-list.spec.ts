/** Tensor lists: values that never change, however they are kept. */
import { describe, expect, test } from '@jest/globals';
import { InvalidArgumentError } from '../../src/index.js';
import { NDArray } from '../../src/graph/ndarray.js';
import { TensorList } from '../../src/ops/tensor-list.js';

const number = (value: number): NDArray => NDArray.from(value, 'float64');
const listOf = (...values: readonly (number | null)[]): TensorList =>
  TensorList.of(
    'float64',
    [],
    values.map((value) => (value === null ? null : number(value))),
  );
const valuesOf = (list: TensorList): unknown[] => list.items().map((item) => item && item.item());

describe('a list of which a few elements are set', () => {
  test('reads as one of which all are kept', () => {
    let list = TensorList.reserved('float64', [], 7);
    const versions: TensorList[] = [list];
    const expected: (number | null)[][] = [Array.from({ length: 7 }, () => null)];
    for (const [k, index] of [3, 0, 3, 6, 1, 2, 3, 5].entries()) {
      list = list.set(index, number(k));
      versions.push(list);
      expected.push(expected.at(-1)!.map((value, i) => (i === index ? k : value)));
    }
    expect(versions.map(valuesOf)).toEqual(expected);
    expect(versions.map((each) => Array.from({ length: 7 }, (_, i) => each.get(i).item()))).toEqual(
      expected.map((values) => values.map((value) => value ?? 0)),
    );
  });

  test('adds up with any other, on either side, and neither changes', () => {
    const one = TensorList.reserved('float64', [], 3).set(1, number(10));
    const two = TensorList.reserved('float64', [], 3).set(0, number(5)).set(1, number(7));
    const all = listOf(1, null, 3);
    expect(valuesOf(one.add(two))).toEqual([5, 17, null]);
    expect(valuesOf(one.add(all))).toEqual([1, 10, 3]);
    expect(valuesOf(all.add(two))).toEqual([6, 7, 3]);
    expect(valuesOf(all.add(all))).toEqual([2, null, 6]);
    expect([one, two, all].map(valuesOf)).toEqual([
      [null, 10, null],
      [5, 7, null],
      [1, null, 3],
    ]);
    expect(valuesOf(two.zeros())).toEqual([0, 0, null]);
    expect(() => one.add(listOf(1))).toThrow(new InvalidArgumentError('Lists of 3 and 1 elements cannot be added.'));
  });

  test('grows and shrinks', () => {
    const list = TensorList.reserved('float64', [], 2).set(1, number(4));
    expect(valuesOf(list.popped())).toEqual([null]);
    expect(valuesOf(list.push(number(9)))).toEqual([null, 4, 9]);
    expect(valuesOf(list.popped().push(number(8)))).toEqual([null, 8]);
    expect(valuesOf(list.resized(4))).toEqual([null, 4, null, null]);
    expect(valuesOf(list)).toEqual([null, 4]);
  });

  test('of 50,000 elements, 50,000 of which are added one by one, in seconds', () => {
    const count = 50_000;
    let total = TensorList.reserved('float64', [], count);
    const started = performance.now();
    for (let i = 0; i < count; i++) total = total.add(TensorList.reserved('float64', [], count).set(i, number(i)));
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(total.get(count - 1).item()).toBe(count - 1);
  });
});

test('zeros of a list of lists are lists of zeros', () => {
  const inner = new NDArray('variant', [], [listOf(1, 2)]);
  const zeros = TensorList.of('variant', [], [inner, null]).zeros();
  expect(zeros.items()[1]).toBeNull();
  expect(valuesOf(zeros.get(0).data[0] as TensorList)).toEqual([0, 0]);
});
