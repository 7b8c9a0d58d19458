/** Nodes and their attributes from protobuf's JSON, checked on the way. */
import type { AttrKind, Attrs, AttrValue, NodeDef } from './attr.js';
import { allocate, dtypeInfo, dtypes, type DType } from './dtype.js';
import { InvalidArgumentError } from './errors.js';
import { NDArray } from './ndarray.js';
import { attrField } from './print/json.js';
import { sizeOf, type Shape } from './shape.js';

/** A place in a JSON text: what stands there, and the way to it for errors. */
export class JsonValue {
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.#value = value;
    this.#path = path;
  }

  /** The value of `key`; undefined where there is none. */
  at(key: string): JsonValue {
    const record = this.record();
    return new JsonValue(Object.hasOwn(record, key) ? record[key] : undefined, `${this.#path}.${key}`);
  }

  get isMissing(): boolean {
    return this.#value === undefined;
  }

  get isNull(): boolean {
    return this.#value === null;
  }

  keys(): readonly string[] {
    return Object.keys(this.record());
  }

  record(): Readonly<Record<string, unknown>> {
    const value = this.#value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.not('an object');
    return value as Readonly<Record<string, unknown>>;
  }

  /** The elements; none where the value is missing. */
  list(): readonly JsonValue[] {
    if (this.#value === undefined) return [];
    if (!Array.isArray(this.#value)) throw this.not('a list');
    return this.#value.map((item, i) => new JsonValue(item, `${this.#path}[${i}]`));
  }

  /** Two elements. */
  pair(): readonly [JsonValue, JsonValue] {
    const list = this.list();
    if (list.length !== 2) throw this.not('a list of two');
    return list as readonly [JsonValue, JsonValue];
  }

  text(): string {
    if (typeof this.#value !== 'string') throw this.not('a string');
    return this.#value;
  }

  texts(): readonly string[] {
    return this.list().map((item) => item.text());
  }

  count(): number {
    if (!Number.isSafeInteger(this.#value) || (this.#value as number) < 0) throw this.not('a count');
    return this.#value as number;
  }

  boolean(): boolean {
    if (typeof this.#value !== 'boolean') throw this.not('true or false');
    return this.#value;
  }

  /** Numbers that JSON does not have stand there as strings. */
  float(): number {
    if (typeof this.#value === 'number') return this.#value;
    const special: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity, '-0.0': -0 };
    const text = this.text();
    if (!Object.hasOwn(special, text)) throw this.not('a number');
    return special[text]!;
  }

  /** Integers of 64 bits stand there as strings. */
  integer(): bigint {
    const text = this.text();
    if (!/^-?\d{1,19}$/.test(text)) throw this.not('an integer in quotes');
    return BigInt(text);
  }

  /** Base64. */
  bytes(): Uint8Array {
    try {
      return Uint8Array.from(atob(this.text()), (c) => c.charCodeAt(0));
    } catch {
      throw this.not('base64');
    }
  }

  dtype(): DType {
    const info = dtypes.find(({ enumName }) => enumName === this.#value);
    if (!info) throw this.not('a DataType');
    return info.name;
  }

  shape(): Shape {
    if (!this.at('unknownRank').isMissing) return null;
    return Object.freeze(
      this.at('dim')
        .list()
        .map((dim) => {
          const size = dim.at('size').integer();
          if (size < -1n) throw dim.not('a dimension');
          return size < 0n ? null : Number(size);
        }),
    );
  }

  not(what: string): InvalidArgumentError {
    const found = this.#value === undefined ? 'nothing' : JSON.stringify(this.#value);
    return new InvalidArgumentError(`${this.#path} is not ${what}: there is ${found.slice(0, 60)}.`);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8Text(value: JsonValue): string {
  try {
    return utf8.decode(value.bytes());
  } catch (error) {
    throw error instanceof InvalidArgumentError ? error : value.not('a string in UTF-8');
  }
}

function tensor(value: JsonValue): NDArray {
  const [dtype, shape] = [value.at('dtype').dtype(), value.at('tensorShape').shape()];
  if (shape === null || shape.includes(null)) throw value.at('tensorShape').not('a known shape');
  const dims = shape as readonly number[];
  if (dtype === 'string') {
    const texts = value.at('stringVal').list().map(utf8Text);
    if (texts.length !== sizeOf(dims)) throw value.at('stringVal').not(`a list of ${sizeOf(dims)}`);
    return new NDArray(dtype, dims, texts);
  }
  const content = value.at('tensorContent').bytes();
  const size = sizeOf(dims) * dtypeInfo(dtype).bytes;
  if (content.length !== size) throw value.at('tensorContent').not(`${size} bytes`);
  const data = allocate(dtype, sizeOf(dims));
  if (!ArrayBuffer.isView(data)) throw value.at('dtype').not('a DataType of constants');
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(content);
  return new NDArray(dtype, dims, data);
}

function scalar(kind: AttrKind, value: JsonValue): unknown {
  switch (kind) {
    case 'string':
      return utf8Text(value);
    case 'int':
      return value.integer();
    case 'float':
      return value.float();
    case 'bool':
      return value.boolean();
    case 'type':
      return value.dtype();
    case 'shape':
      return value.shape();
    case 'tensor':
      return tensor(value);
    case 'func':
      return Object.freeze({ name: value.at('name').text(), attr: attrsFrom(value.at('attr')) });
  }
}

const kinds = Object.entries(attrField) as readonly (readonly [AttrKind, string])[];

/** The one field that is set, and its kind. */
function kindOf(value: JsonValue): readonly [AttrKind, JsonValue] {
  const found = kinds.find(([, field]) => !value.at(field).isMissing);
  if (!found || value.keys().length !== 1) throw value.not('one value of a kind');
  return [found[0], value.at(found[1])];
}

function attr(value: JsonValue): AttrValue {
  if (value.at('list').isMissing) {
    const [kind, inner] = kindOf(value);
    return Object.freeze({ kind, value: scalar(kind, inner) }) as AttrValue;
  }
  const [of, inner] = kindOf(value.at('list'));
  const values = Object.freeze(inner.list().map((item) => scalar(of, item)));
  return Object.freeze({ kind: 'list', of, value: values }) as AttrValue;
}

function attrsFrom(value: JsonValue): Attrs {
  if (value.isMissing) return Object.freeze({});
  return Object.freeze(Object.fromEntries(value.keys().map((name) => [name, attr(value.at(name))])));
}

/** A node as `nodeJson` writes it exactly. @throws InvalidArgumentError saying where it is none */
export function nodeFrom(value: JsonValue): NodeDef {
  return Object.freeze({
    name: value.at('name').text(),
    op: value.at('op').text(),
    input: Object.freeze(value.at('input').texts()),
    device: value.at('device').isMissing ? '' : value.at('device').text(),
    attr: attrsFrom(value.at('attr')),
  });
}
