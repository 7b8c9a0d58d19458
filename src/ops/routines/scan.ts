/** Running sums and products along an axis. */
import { allocate, type DType } from '../../graph/dtype.js';
import { elementCodec, type Element } from '../../graph/elements.js';
import { NDArray } from '../../graph/ndarray.js';
import { sizeOf } from '../../graph/shape.js';
import { combiner, identityOf } from '../scalar.js';

export interface ScanOptions {
  readonly op: 'add' | 'mul';
  readonly axis: number;
  /** Whether an element does not count for its own place. */
  readonly exclusive: boolean;
  /** Whether to start from the end. */
  readonly reverse: boolean;
}

/** Reads and combines elements of one dtype. */
interface Arithmetic {
  readonly start: Element;
  readonly read: (i: number) => Element;
  readonly write: (i: number, value: Element) => void;
  readonly join: (a: Element, b: Element) => Element;
}

/** All partial results of combining the elements of `x` along an axis, one after the other. */
export function scan(x: NDArray, options: ScanOptions): NDArray {
  const { axis } = options;
  const out = allocate(x.dtype, x.size);
  const count = x.shape[axis]!;
  const inner = sizeOf(x.shape.slice(axis + 1));
  const outer = sizeOf(x.shape.slice(0, axis));
  const arithmetic = arithmeticOf(x.dtype, options.op, x.data as never, out as never);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) scanLine(arithmetic, o * count * inner + i, inner, count, options);
  }
  return new NDArray(x.dtype, x.shape, out);
}

function scanLine(
  { start, read, write, join }: Arithmetic,
  first: number,
  step: number,
  count: number,
  { exclusive, reverse }: ScanOptions,
): void {
  let sum = start;
  for (let k = 0; k < count; k++) {
    const at = first + (reverse ? count - 1 - k : k) * step;
    const next = join(sum, read(at));
    write(at, exclusive ? sum : next);
    sum = next;
  }
}

function arithmeticOf(dtype: DType, op: 'add' | 'mul', data: never, out: never): Arithmetic {
  const codec = elementCodec(dtype);
  return {
    start: identityOf(op, dtype),
    read: (i) => codec.read(data, i),
    write: (i, value) => codec.write(out, i, value as never),
    join: combiner(op, dtype),
  };
}
