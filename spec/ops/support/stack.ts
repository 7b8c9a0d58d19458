/** Arrays below each other. */
import { allocate } from '../../../src/graph/dtype.js';
import { readElement, writeElement } from '../../../src/graph/elements.js';
import { NDArray } from '../../../src/graph/ndarray.js';

/** Arrays of one shape and dtype as one array with an axis more, which comes first. */
export function stackArrays(rows: readonly NDArray[]): NDArray {
  const [{ dtype, shape }] = rows as readonly [NDArray];
  const size = rows.reduce((sum, row) => sum + row.size, 0);
  const data = allocate(dtype, size);
  let next = 0;
  for (const row of rows)
    for (let i = 0; i < row.size; i++) writeElement(dtype, data, next++, readElement(dtype, row.data, i));
  return new NDArray(dtype, [rows.length, ...shape], data);
}
