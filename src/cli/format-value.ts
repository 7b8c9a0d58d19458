/** Values of tensors, for people and as JSON. */
import type { NDArray } from '../index.js';

const shownElements = 1000;
const edge = 3;

function scalarText(value: unknown, dtype: string): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return '-0';
    const digits = dtype === 'float64' ? 17 : dtype === 'float32' ? 8 : 4;
    return dtype.includes('float') ? String(Number(value.toPrecision(digits))) : String(value);
  }
  if (typeof value === 'object' && value !== null) {
    const { re, im } = value as { re: number; im: number };
    return `${re}${im < 0 || Object.is(im, -0) ? '-' : '+'}${Math.abs(im)}i`;
  }
  return String(value);
}

/** `name: dtype[shape]` and the elements, in columns; of large arrays the corners. */
export function valueText(name: string, array: NDArray): string {
  const head = `${name}: ${array.dtype}[${array.shape.join(', ')}]`;
  if (array.shape.length === 0) return `${head} = ${scalarText(array.item(), array.dtype)}`;
  if (array.size === 0) return `${head} = []`;
  const whole = array.size <= shownElements;
  const rows: { cells: string[]; open: number; close: number }[] = [];
  const visit = (axis: number, offset: number, open: number, close: number): void => {
    const length = array.shape[axis]!;
    const stride = array.shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
    const shown = visibleIndices(length, whole);
    if (axis === array.shape.length - 1) {
      const cells = shown.map((i) => (i === null ? '…' : elementText(array, offset + i)));
      rows.push({ cells, open, close });
      return;
    }
    shown.forEach((i, at) => {
      if (i === null) rows.push({ cells: ['…'], open: 0, close: 0 });
      else visit(axis + 1, offset + i * stride, at === 0 ? open + 1 : 1, at === shown.length - 1 ? close + 1 : 1);
    });
  };
  visit(0, 0, 1, 1);
  const width = Math.max(...rows.map((row) => Math.max(...row.cells.map((cell) => cell.length))));
  const rank = array.shape.length;
  return [head, ...rows.map(({ cells, open, close }) => rowText(cells, open, close, rank, width))].join('\n');
}

function rowText(cells: readonly string[], open: number, close: number, rank: number, width: number): string {
  const indent = ' '.repeat(2 + rank - open);
  if (open === 0) return `${indent}…`;
  return `${indent}${'['.repeat(open)}${cells.map((cell) => cell.padStart(width)).join(', ')}${']'.repeat(close)}`;
}

function visibleIndices(length: number, whole: boolean): (number | null)[] {
  if (whole || length <= 2 * edge) return Array.from({ length }, (_, i) => i);
  return [0, 1, 2, null, length - 3, length - 2, length - 1];
}

function elementText(array: NDArray, i: number): string {
  const value = array.element(i);
  return scalarText(array.dtype === 'bool' ? value !== 0 : value, array.dtype);
}

/** Plain JSON: numbers that JSON lacks become strings, and so do integers that a number cannot hold. */
export function valueJson(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (Array.isArray(value)) return value.map(valueJson);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, valueJson(v)]));
  return value;
}
