/** Values of the samples that a real TensorFlow computed once, in `spec/ops/recorded.json`. */
import { existsSync, readFileSync } from 'node:fs';
import { allocate, isDType, type DType } from '../../../src/graph/dtype.js';
import { writeElement, type Element } from '../../../src/graph/elements.js';
import { NDArray } from '../../../src/graph/ndarray.js';

/** Elements in row-major order: 64-bit integers as decimal strings, complex numbers as [re, im], what JSON lacks as 'NaN', 'Infinity', '-Infinity'. */
export interface RecordedArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

type Recordings = Readonly<Record<string, readonly RecordedArray[]>>;

let recordings: Recordings | undefined;

/** The recorded outputs of a sample, or null where there are none. */
export function recordedOutputs(key: string): readonly NDArray[] | null {
  recordings ??= load();
  return recordings[key]?.map(decode) ?? null;
}

function load(): Recordings {
  const path = `${process.cwd()}/spec/ops/recorded.json`;
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Recordings) : {};
}

function decode({ dtype, shape, data }: RecordedArray): NDArray {
  if (!isDType(dtype)) throw new Error(`'${dtype}' is not a dtype.`);
  const storage = allocate(dtype, data.length);
  data.forEach((item, i) => writeElement(dtype, storage, i, element(dtype, item)));
  return new NDArray(dtype, shape, storage);
}

function element(dtype: DType, item: unknown): Element {
  if (dtype === 'int64' || dtype === 'uint64') return BigInt(item as string);
  if (dtype === 'string') return item as string;
  if (Array.isArray(item)) return { re: Number(item[0]), im: Number(item[1]) };
  return Number(item);
}
