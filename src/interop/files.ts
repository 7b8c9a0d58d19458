/** GraphDefs in files: `.pb`, `.pbtxt` and `.json`, read and written node by node. */
import { fromBinary, fromJson } from '@bufbuild/protobuf';
import { open, readFile, rename, unlink, type FileHandle } from 'node:fs/promises';
import { extname } from 'node:path';
import { InvalidArgumentError, NotFoundError, TapelessError } from '../graph/errors.js';
import type { GraphDef, NodeProto } from '../graph/graph-def/messages.js';
import { graphDefLines } from '../graph/print/json.js';
import { decodeGraphDef, encodePieces } from './codec.js';
import { GraphDefSchema, NodeDefSchema } from './proto/graph_pb.js';
import { formatPieces, parseGraphDef } from './text-format.js';

const utf8 = new TextEncoder();

function* lines(def: GraphDef): Generator<string> {
  for (const line of graphDefLines(def)) yield `${line}\n`;
}

function* encoded(texts: Iterable<string>): Generator<Uint8Array> {
  for (const text of texts) yield utf8.encode(text);
}

/** How a GraphDef is written, and read, by what the name of its file ends in. */
const formats: Readonly<
  Record<
    string,
    { readonly pieces: (def: GraphDef) => Iterable<Uint8Array>; readonly read: (path: string) => Promise<GraphDef> }
  >
> = {
  '.pb': { pieces: encodePieces, read: readBinary },
  '.pbtxt': { pieces: (def) => encoded(formatPieces(def)), read: async (path) => parseGraphDef(await readFile(path)) },
  '.json': { pieces: (def) => encoded(lines(def)), read: readJson },
};

function formatOf(fn: string, path: string): (typeof formats)[string] {
  const format = formats[extname(path)];
  if (format) return format;
  throw new InvalidArgumentError(
    `${fn}: '${path}' does not say what it is: names end in ${Object.keys(formats).join(', ')}.`,
  );
}

/**
 * The GraphDef in a file: binary (`.pb`), text (`.pbtxt`) or protobuf's JSON (`.json`). Binary ones may be of any size.
 * @throws NotFoundError where there is no such file; InvalidArgumentError where it holds none
 */
export async function readGraphDef(path: string): Promise<GraphDef> {
  const format = formatOf('readGraphDef', path);
  try {
    return await format.read(path);
  } catch (error) {
    if (error instanceof TapelessError)
      throw new InvalidArgumentError(`${path}: ${error.message.replace(/^\w+: /, '')}`, { cause: error });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new NotFoundError(`readGraphDef: there is no file '${path}'.`, { cause: error });
    throw error;
  }
}

/**
 * Writes a GraphDef into a file, whole or not at all, in the form that its name ends in: `.pb`, `.pbtxt` or `.json`. It is written node by
 * node, so that what it takes beside the graph itself is little.
 * @throws InvalidArgumentError for another ending, or for a node that protobuf cannot hold
 */
export async function writeGraphDef(path: string, def: GraphDef): Promise<void> {
  const { pieces } = formatOf('writeGraphDef', path);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await writeAll(file, pieces(def));
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** How much is read or written at a time. */
const block = 1 << 20;

async function writeAll(file: FileHandle, pieces: Iterable<Uint8Array>): Promise<void> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (waiting.length > 0) await file.writev(waiting);
    waiting = [];
    size = 0;
  };
  for (const piece of pieces) {
    if (piece.length >= block) {
      await flush();
      for (let at = 0; at < piece.length; ) at += (await file.write(piece, at, Math.min(piece.length - at, 1 << 30))).bytesWritten; // prettier-ignore
      continue;
    }
    waiting.push(piece);
    size += piece.length;
    if (size >= block || waiting.length >= 512) await flush();
  }
  await flush();
}

async function readJson(path: string): Promise<GraphDef> {
  const text = await readFile(path, 'utf8');
  try {
    return fromJson(GraphDefSchema, JSON.parse(text) as Parameters<typeof fromJson>[1]);
  } catch (error) {
    throw new InvalidArgumentError(`this is no GraphDef in JSON: ${(error as Error).message}.`, { cause: error });
  }
}

const notOne = (what: string): InvalidArgumentError => new InvalidArgumentError(`this is no GraphDef: ${what}.`);

/** A field of the message in the file: its number, and where its content is. */
interface Field {
  readonly number: number;
  readonly start: number;
  readonly content: Uint8Array;
}

/** A GraphDef is its nodes and a few fields one after the other: each is read by itself. */
async function readBinary(path: string): Promise<GraphDef> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const node: NodeProto[] = [];
    const rest: Uint8Array[] = [];
    const window = new Window(file, size);
    for (let at = 0; at < size;) {
      const field = await fieldAt(window, at);
      const end = field.start + field.content.length;
      if (field.number === 1) node.push(aligned(decoded(field.content, node.length)));
      else rest.push(await window.read(at, end - at));
      at = end;
    }
    return { ...decodeGraphDef(Buffer.concat(rest)), node };
  } finally {
    await file.close();
  }
}

function decoded(bytes: Uint8Array, number: number): NodeProto {
  try {
    return fromBinary(NodeDefSchema, bytes);
  } catch (error) {
    throw new InvalidArgumentError(`this is no GraphDef: node ${number}: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/** Contents where the machine can read them, so that what they were read into is not needed any more. */
function aligned(node: NodeProto): NodeProto {
  for (const { value } of Object.values(node.attr ?? {})) {
    if (value.case !== 'tensor') continue;
    const tensor = value.value as { tensorContent?: Uint8Array };
    if (tensor.tensorContent && tensor.tensorContent.byteOffset % 16 !== 0)
      tensor.tensorContent = new Uint8Array(tensor.tensorContent);
  }
  return node;
}

async function fieldAt(window: Window, at: number): Promise<Field> {
  const head = await window.read(at, Math.min(20, window.size - at));
  const [tag, tagSize] = varint(head, 0);
  const number = Math.floor(tag / 8);
  if (number === 0 || number > 5) throw notOne(`it has a field ${number}`);
  if (tag % 8 === 0) {
    const [, length] = varint(head, tagSize);
    return { number, start: at + tagSize, content: head.subarray(tagSize, tagSize + length) };
  }
  if (tag % 8 !== 2) throw notOne(`field ${number} is of another kind`);
  const [length, lengthSize] = varint(head, tagSize);
  const start = at + tagSize + lengthSize;
  if (start + length > window.size) throw notOne(`it ends in the middle of field ${number}, at byte ${window.size}`);
  return { number, start, content: await window.read(start, length) };
}

function varint(bytes: Uint8Array, at: number): readonly [value: number, size: number] {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, i + 1];
  }
  throw notOne('a number does not end');
}

/** A file, of which a part is in memory. */
class Window {
  readonly size: number;
  readonly #file: FileHandle;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Bytes that stay what they are. */
  async read(at: number, length: number): Promise<Uint8Array> {
    if (at < this.#start || at + length > this.#start + this.#bytes.length) {
      if (length >= block) return this.#load(at, length);
      this.#bytes = await this.#load(at, Math.min(block, this.size - at));
      this.#start = at;
    }
    return this.#bytes.subarray(at - this.#start, at - this.#start + length);
  }

  async #load(at: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.#file.read(bytes, done, Math.min(length - done, 1 << 30), at + done);
      if (bytesRead === 0) throw notOne(`it ends at byte ${at + done}`);
      done += bytesRead;
    }
    return bytes;
  }
}
