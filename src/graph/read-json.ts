/** Nodes and their attributes from protobuf's JSON, checked on the way. */
import type { Attrs, AttrValue, NodeDef } from './attr.js';
import { textOfBytes } from './bytes.js';
import { dtypeInfo, dtypes, type DType } from './dtype.js';
import { InvalidArgumentError } from './errors.js';
import { attrField } from './graph-def/attr.js';
import type { TensorProto } from './graph-def/messages.js';
import { arrayOf, shapeProto } from './graph-def/tensor.js';
import type { NDArray } from './ndarray.js';
import type { Shape } from './shape.js';

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
    if (!/^-?\d{1,20}$/.test(text)) throw this.not('an integer in quotes');
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

/** How elements that a tensor lists are read, by the field they are in. */
const elements = {
  floatVal: (value: JsonValue) => value.float(),
  doubleVal: (value: JsonValue) => value.float(),
  scomplexVal: (value: JsonValue) => value.float(),
  dcomplexVal: (value: JsonValue) => value.float(),
  intVal: (value: JsonValue) => value.float(),
  halfVal: (value: JsonValue) => value.float(),
  uint32Val: (value: JsonValue) => value.float(),
  boolVal: (value: JsonValue) => value.boolean(),
  int64Val: (value: JsonValue) => value.integer(),
  uint64Val: (value: JsonValue) => value.integer(),
  stringVal: (value: JsonValue) => value.bytes(),
} as const satisfies Partial<Record<keyof TensorProto, unknown>>;

function tensor(value: JsonValue): NDArray {
  const content = value.at('tensorContent');
  const shape = value.at('tensorShape').shape();
  const lists = Object.entries(elements).map(([field, read]) => [field, value.at(field).list().map((item) => read(item))]); // prettier-ignore
  try {
    return arrayOf({
      dtype: dtypeInfo(value.at('dtype').dtype()).enumValue,
      tensorShape: shapeProto(shape),
      ...(!content.isMissing && { tensorContent: content.bytes() }),
      ...(Object.fromEntries(lists) as object),
    });
  } catch (error) {
    throw error instanceof InvalidArgumentError ? value.not(`a constant (${error.message})`) : error;
  }
}

function scalar(kind: keyof typeof attrField, value: JsonValue): unknown {
  switch (kind) {
    case 'string':
      return textOfBytes(value.bytes());
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

const kinds = Object.entries(attrField) as readonly (readonly [keyof typeof attrField, string])[];

/** The one field that is set, and its kind. */
function kindOf(value: JsonValue): readonly [keyof typeof attrField, JsonValue] {
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
