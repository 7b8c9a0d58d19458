/** Reading checkpoints: those that TensorFlow wrote, and those that are damaged. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DTypeError, InvalidArgumentError, NotFoundError, TapelessError } from '../../src/graph/errors.js';
import { readCheckpoint } from '../../src/interop/checkpoint/checkpoint.js';
import { crc32c, masked } from '../../src/interop/checkpoint/crc32c.js';
import { DataType } from '../../src/interop/proto/graph_pb.js';
import { BundleHeaderProto_Endianness as Endianness } from '../../src/interop/proto/saved_model_pb.js';
import { encoded, expectedIn, table, writeIndex } from './support/checkpoints.js';

const recorded = 'spec/fixtures/checkpoints';
const expected = expectedIn(recorded);
const folder = mkdtempSync(join(tmpdir(), 'tapeless-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(Object.keys(expected))('the recorded checkpoint %s', (prefix) => {
  test('has the values that TensorFlow wrote', async () => {
    const checkpoint = await readCheckpoint(`${recorded}/${prefix}`);
    for (const [name, value] of Object.entries(expected[prefix]!)) {
      expect([name, encoded(await checkpoint.tensor(name))]).toEqual([name, value]);
      const { dtype, shape } = checkpoint.entries.get(name)!;
      expect({ dtype, shape }).toEqual({ dtype: value.dtype, shape: value.shape });
    }
  });
});

test('the index says what there is, also of a dtype that arrays have not', async () => {
  const checkpoint = await readCheckpoint(`${recorded}/everything`);
  expect(checkpoint.entries.get('foreign')).toEqual({ name: 'foreign', dtype: 'quint8', shape: [2] });
  await expect(checkpoint.tensor('foreign')).rejects.toThrow(
    new DTypeError(`${recorded}/everything: 'foreign' is of the dtype quint8, in which there are no arrays here.`),
  );
});

test('slices are not listed, and the tensors that they are of are', async () => {
  const { entries } = await readCheckpoint(`${recorded}/sliced`);
  expect([...entries.keys()]).toEqual(['cube', 'matrix', 'words', 'zero \0 and ÿ']);
  expect(entries.get('cube')?.shape).toEqual([2, 200, 3]);
});

test('strings are had as bytes too', async () => {
  const checkpoint = await readCheckpoint(`${recorded}/everything`);
  expect(await checkpoint.strings('bytes')).toEqual([Buffer.from('ff0080', 'hex'), Buffer.from('eda080', 'hex')]);
  await expect(checkpoint.strings('scalar')).rejects.toThrow(DTypeError);
});

test('an index of many blocks, whose keys share what they begin with', async () => {
  const names = Array.from({ length: 300 }, (_, i) => `layer/${String(i).padStart(3, '0')}/kernel`);
  const data = Int32Array.from(names.keys());
  const bytes = new Uint8Array(data.buffer);
  const entries = names.map((name, i) => {
    const crc = masked(crc32c(bytes.subarray(4 * i, 4 * i + 4)));
    return [name, { dtype: DataType.DT_INT32, offset: BigInt(4 * i), size: 4n, crc32c: crc }] as const;
  });
  writeIndex(`${folder}/many`, { numShards: 1 }, entries, { perBlock: 7 });
  writeFileSync(`${folder}/many.data-00000-of-00001`, bytes);
  const checkpoint = await readCheckpoint(`${folder}/many`);
  expect([...checkpoint.entries.keys()]).toEqual(names);
  expect((await checkpoint.tensor(names[123]!)).toArray()).toBe(123);
});

test('a checkpoint of a machine that has the high bytes first', async () => {
  const bytes = Uint8Array.from([
    0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18, 0, 1, 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0,
  ]);
  const entry = (dtype: DataType, at: number, size: number, dims: readonly number[]) => {
    const crc = masked(crc32c(bytes.subarray(at, at + size)));
    return { dtype, dims, offset: BigInt(at), size: BigInt(size), crc32c: crc };
  };
  writeIndex(`${folder}/big`, { numShards: 1, endianness: Endianness.BIG }, [
    ['complex', entry(DataType.DT_COMPLEX64, 10, 8, [1])],
    ['double', entry(DataType.DT_DOUBLE, 0, 8, [])],
    ['short', entry(DataType.DT_INT16, 8, 2, [])],
  ]);
  writeFileSync(`${folder}/big.data-00000-of-00001`, bytes);
  const checkpoint = await readCheckpoint(`${folder}/big`);
  expect((await checkpoint.tensor('double')).toArray()).toBe(Math.PI);
  expect((await checkpoint.tensor('short')).toArray()).toBe(1);
  expect((await checkpoint.tensor('complex')).toArray()).toEqual([{ re: 1, im: -2 }]);
});

describe('what is missing', () => {
  test('no checkpoint', async () => {
    await expect(readCheckpoint(`${recorded}/nothing`)).rejects.toThrow(
      `There is no checkpoint ${recorded}/nothing: ${recorded}/nothing.index cannot be read. Give what the names of its files begin with, without .index.`,
    );
    await expect(readCheckpoint(`${recorded}/nothing`)).rejects.toThrow(NotFoundError);
  });

  test('no such tensor, with those that there are', async () => {
    const checkpoint = await readCheckpoint(`${recorded}/sliced`);
    await expect(checkpoint.tensor('cub')).rejects.toThrow(
      new NotFoundError(
        `The checkpoint ${recorded}/sliced has no tensor 'cub'. It has 4: 'cube', 'matrix', 'words', 'zero \0 and ÿ'.`,
      ),
    );
  });

  test('no file of elements', async () => {
    cpSync(`${recorded}/sliced.index`, `${folder}/sliced.index`);
    const checkpoint = await readCheckpoint(`${folder}/sliced`);
    await expect(checkpoint.tensor('words')).rejects.toThrow(
      `There is no ${folder}/sliced.data-00001-of-00003, which has the tensor 'words'. A checkpoint needs all of its files.`,
    );
  });

  test('not all slices', async () => {
    const entry = { dtype: DataType.DT_INT32, dims: [2] };
    const slices = [{ extent: [{ start: 1n, hasLength: { case: 'length' as const, value: 1n } }] }];
    writeIndex(`${folder}/part`, { numShards: 1 }, [['x', Object.assign(entry, { slices })]]);
    await expect((await readCheckpoint(`${folder}/part`)).tensor('x')).rejects.toThrow(
      `${folder}/part.index has not all slices of 'x': [1:2] is not there.`,
    );
  });
});

describe('what is damaged', () => {
  const index = readFileSync(`${recorded}/everything.index`);
  const elements = readFileSync(`${recorded}/everything.data-00000-of-00001`);

  /** All of a checkpoint with these files, as text. */
  async function contents(ofIndex: Uint8Array, ofElements: Uint8Array): Promise<string> {
    writeFileSync(`${folder}/damaged.index`, ofIndex);
    writeFileSync(`${folder}/damaged.data-00000-of-00001`, ofElements);
    const checkpoint = await readCheckpoint(`${folder}/damaged`);
    const tensors = [];
    for (const { name, dtype } of checkpoint.entries.values())
      tensors.push([name, dtype !== 'quint8' && encoded(await checkpoint.tensor(name))]);
    return JSON.stringify(tensors);
  }

  test.each([
    ['index', index],
    ['elements', elements],
  ])(
    'no byte of the %s can change without an error that names the file, or change what is read',
    async (what, bytes) => {
      const whole = await contents(index, elements);
      let refused = 0;
      for (let i = 0; i < bytes.length; i += 2) {
        const changed = Uint8Array.from(bytes);
        changed[i]! ^= 1 << (i % 8);
        try {
          expect(await contents(what === 'index' ? changed : index, what === 'index' ? elements : changed)).toBe(whole);
        } catch (error) {
          if (!(error instanceof TapelessError)) throw error;
          expect(error.message).toContain(`${folder}/damaged.`);
          expect(error.message).toMatch(/byte \d+/);
          refused++;
        }
      }
      // What is not looked at: a block without entries, and the bytes that fill the footer up; the bytes of the foreign tensor.
      expect(refused).toBeGreaterThan(bytes.length / 2 - 30);
    },
  );

  test.each([
    ['index', index],
    ['data-00000-of-00001', elements],
  ])('%s cut off anywhere', async (what, bytes) => {
    for (const size of [0, 1, 40, bytes.length - 60, bytes.length - 8]) {
      const cut = bytes.subarray(0, size);
      const read = contents(what === 'index' ? cut : index, what === 'index' ? elements : cut);
      await expect(read).rejects.toThrow(InvalidArgumentError);
      await expect(read).rejects.toThrow(`${folder}/damaged.${what}, byte `);
    }
  });

  test('the messages', async () => {
    const of = (bytes: Uint8Array) => contents(bytes, elements);
    await expect(of(new Uint8Array(10))).rejects.toThrow(
      `${folder}/damaged.index, byte 10: the file ends here, and the index of a checkpoint has 48 bytes or more. ` +
        'The file is damaged, or was not written to its end: copy or save it again.',
    );
    await expect(of(new Uint8Array(50))).rejects.toThrow(
      'byte 42: the mark that ends the index of a checkpoint is not there',
    );
    await expect(of(table([['x', Uint8Array.of(0xff)]]))).rejects.toThrow('is no entry of a checkpoint');
    await expect(of(table([]))).rejects.toThrow('byte 0: the index has no header: it is no checkpoint');
    await expect(of(table([['x', new Uint8Array(0)]], { compression: 1 }))).rejects.toThrow(
      'the block is compressed (Snappy), which no release of TensorFlow writes and tapeless does not read',
    );
    writeFileSync(`${folder}/damaged.index`, index);
    writeFileSync(`${folder}/damaged.data-00000-of-00001`, elements);
    truncateSync(`${folder}/damaged.data-00000-of-00001`, 30);
    const checkpoint = await readCheckpoint(`${folder}/damaged`);
    await expect(checkpoint.tensor('text')).rejects.toThrow(
      /byte 30: the file ends here, and the tensor 'text' takes the bytes \d+ to \d+\. The file is damaged/,
    );
  });
});
