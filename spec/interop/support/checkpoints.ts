/** Checkpoints recorded from TensorFlow, and a writer of tables with which specs make those that it does not write. */
import { create, toBinary } from '@bufbuild/protobuf';
import { readFileSync, writeFileSync } from 'node:fs';
import { bytesOfText } from '../../../src/graph/bytes.js';
import type { NDArray } from '../../../src/graph/ndarray.js';
import { crc32c, masked } from '../../../src/interop/checkpoint/crc32c.js';
import {
  BundleEntryProtoSchema,
  BundleHeaderProtoSchema,
  type BundleEntryProto,
  type BundleHeaderProto,
} from '../../../src/interop/proto/saved_model_pb.js';

/** An array as `checkpoints.py` writes it. */
export interface Encoded {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: string | readonly string[];
}

export type Expected = Readonly<Record<string, Readonly<Record<string, Encoded>>>>;

export function expectedIn(folder: string): Expected {
  return JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8')) as Expected;
}

/** An array in that form: its very bytes. */
export function encoded({ dtype, shape, data }: NDArray): Encoded {
  if (dtype === 'string') {
    return { dtype, shape, data: (data as string[]).map((text) => Buffer.from(bytesOfText(text)).toString('base64')) };
  }
  const { buffer, byteOffset, byteLength } = data as Uint8Array;
  return { dtype, shape, data: Buffer.from(buffer, byteOffset, byteLength).toString('base64') };
}

const varint = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
};

const fixed = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)];

export interface TableOptions {
  /** The type of every block: 0, not compressed, unless it says otherwise. */
  readonly compression?: number;
  /** Entries a block. */
  readonly perBlock?: number;
}

/** A table of entries with sorted keys; keys of a block share what they begin with. */
export function table(
  entries: readonly (readonly [key: string, value: Uint8Array])[],
  { compression = 0, perBlock = Infinity }: TableOptions = {},
): Uint8Array {
  const file: number[] = [];
  const block = (rows: readonly (readonly [key: string, value: Uint8Array])[]): number[] => {
    const start = file.length;
    const contents: number[] = [];
    let previous = '';
    for (const [key, value] of rows) {
      let shared = 0;
      while (shared < previous.length && previous[shared] === key[shared]) shared++;
      const rest = Buffer.from(key.slice(shared), 'latin1');
      contents.push(...varint(shared), ...varint(rest.length), ...varint(value.length), ...rest, ...value);
      previous = key;
    }
    contents.push(...fixed(0), ...fixed(1));
    file.push(...contents, compression);
    file.push(...fixed(masked(crc32c(Uint8Array.from([...contents, compression])))));
    return [...varint(start), ...varint(contents.length)];
  };
  const index: [string, Uint8Array][] = [];
  for (let i = 0; i < entries.length; i += perBlock) {
    const rows = entries.slice(i, i + perBlock);
    index.push([rows.at(-1)![0], Uint8Array.from(block(rows))]);
    if (perBlock === Infinity) break;
  }
  const handles = [...block([]), ...block(index)];
  const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
  return Uint8Array.from([...file, ...handles, ...new Array<number>(40 - handles.length).fill(0), ...magic]);
}

type Init<T> = Partial<Omit<T, '$typeName' | '$unknown' | 'shape' | 'slices' | 'version'>>;

/** Writes an index of these entries. */
export function writeIndex(
  prefix: string,
  header: Init<BundleHeaderProto>,
  entries: readonly (readonly [name: string, entry: Init<BundleEntryProto> & { readonly dims?: readonly number[] }])[],
  options?: TableOptions,
): void {
  const rows = entries.map(([name, { dims = [], ...entry }]): [string, Uint8Array] => {
    const shape = { dim: dims.map((size) => ({ size: BigInt(size) })) };
    return [name, toBinary(BundleEntryProtoSchema, create(BundleEntryProtoSchema, { ...entry, shape }))];
  });
  const first: [string, Uint8Array] = ['', toBinary(BundleHeaderProtoSchema, create(BundleHeaderProtoSchema, header))];
  writeFileSync(`${prefix}.index`, table([first, ...rows], options));
}
