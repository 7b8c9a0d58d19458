/** Strings as servers send them: packed into the bytes of a tensor. */
import { expect, test } from '@jest/globals';
import { arrayOf } from '../../src/graph/graph-def/tensor.js';
import { InvalidArgumentError } from '../../src/index.js';

const packed = (...bytes: number[]) => ({
  dtype: 7,
  tensorShape: { dim: [{ size: 3n }] },
  tensorContent: Uint8Array.from(bytes),
});

test('their lengths, then all of them', () => {
  expect(arrayOf(packed(1, 0, 2, 0x61, 0xc3, 0xbc)).toArray()).toEqual(['a', '', 'ü']);
  const long = new Uint8Array(300).fill(0x62);
  expect(arrayOf(packed(0xac, 0x02, 0, 1, ...long, 0x63)).toArray()).toEqual(['b'.repeat(300), '', 'c']);
});

test.each([
  ['too few bytes', [1, 1, 1, 0x61]],
  ['too many bytes', [0, 0, 0, 0x61]],
  ['no lengths', [5]],
])('%s', (_, bytes) => {
  expect(() => arrayOf(packed(...bytes))).toThrow(InvalidArgumentError);
});
