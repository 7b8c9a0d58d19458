/** Attributes as AttrValue messages, and back. */
import type { AttrKind, Attrs, AttrValue } from '../attr.js';
import { bytesOfText, textOfBytes } from '../bytes.js';
import { dtypeInfo, dtypeOfEnum, type DType } from '../dtype.js';
import { InvalidArgumentError } from '../errors.js';
import type { NDArray } from '../ndarray.js';
import type { Shape } from '../shape.js';
import type { AttrListValue, AttrMap, AttrProto, NameAttrList, TensorProto, TensorShapeProto } from './messages.js';
import { arrayOf, canHold, shapeOf, shapeProto, tensorProto } from './tensor.js';

/** The field of an AttrValue that holds each kind. */
export const attrField = {
  string: 's',
  int: 'i',
  float: 'f',
  bool: 'b',
  type: 'type',
  shape: 'shape',
  tensor: 'tensor',
  func: 'func',
} as const satisfies Readonly<Record<Exclude<AttrKind, 'message'>, keyof AttrListValue>>;

function scalarProto(kind: AttrKind, value: unknown): unknown {
  switch (kind) {
    case 'string':
      return bytesOfText(value as string);
    case 'type':
      return dtypeInfo(value as DType).enumValue;
    case 'shape':
      return shapeProto(value as Shape);
    case 'tensor':
      return tensorProto(value as NDArray);
    case 'func': {
      const { name, attr } = value as { name: string; attr: Attrs };
      return { name, attr: attrsProto(attr) };
    }
    case 'int':
    case 'float':
    case 'bool':
    case 'message':
      return value;
  }
}

export function attrProto(attr: AttrValue): AttrProto {
  if (attr.kind === 'message') return attr.value;
  if (attr.kind === 'list' && attr.of === 'message')
    throw new InvalidArgumentError('Messages are no list: a message holds the list.');
  if (attr.kind !== 'list')
    return { value: { case: attrField[attr.kind], value: scalarProto(attr.kind, attr.value) } } as AttrProto;
  const values = attr.value.map((value) => scalarProto(attr.of, value));
  return { value: { case: 'list', value: values.length === 0 ? {} : { [attrField[attr.of]]: values } } };
}

export function attrsProto(attrs: Attrs): AttrMap {
  return sortedRecord(Object.keys(attrs), (name) => attrProto(attrs[name]!));
}

/** Sorted as TensorFlow's protobuf sorts maps: by name, but what begins with another name comes before it. */
export function sortedRecord<T>(names: readonly string[], of: (name: string) => T): { readonly [name: string]: T } {
  return Object.fromEntries([...names].sort(comparedKeys).map((name) => [name, of(name)]));
}

/** How TensorFlow's protobuf compares keys of maps. */
export function comparedKeys(a: string, b: string): number {
  if (a.startsWith(b) || b.startsWith(a)) return b.length - a.length;
  return a < b ? -1 : 1;
}

const kindOfField = Object.fromEntries(Object.entries(attrField).map(([kind, field]) => [field, kind])) as {
  readonly [field in keyof AttrListValue]-?: Exclude<AttrKind, 'message'>;
};

/** A scalar of a message; undefined where it has no form here. */
function scalarOf(field: keyof AttrListValue, value: unknown): unknown {
  switch (field) {
    case 's':
      return textOfBytes(value as Uint8Array);
    case 'type':
      return dtypeOfEnum(value as number);
    case 'shape':
      return shapeOf(value as TensorShapeProto);
    case 'tensor':
      return canHold(value as TensorProto) ? arrayOf(value as TensorProto) : undefined;
    case 'func': {
      const { name = '', attr = {} } = value as NameAttrList;
      return Object.freeze({ name, attr: attrsOf(attr) });
    }
    case 'i':
    case 'f':
    case 'b':
      return value;
  }
}

/**
 * The attribute of a message. An empty list does not say of what it is.
 * @throws InvalidArgumentError for a shape or a constant that is none
 */
export function attrOf(proto: AttrProto): AttrValue {
  const { value } = proto;
  if (value.case === 'list') {
    const lists = Object.keys(kindOfField) as (keyof AttrListValue)[];
    const filled = lists.filter((field) => (value.value[field]?.length ?? 0) > 0);
    const [field = 's'] = filled;
    const items = (value.value[field] ?? []).map((item) => scalarOf(field, item));
    if (filled.length < 2 && !items.includes(undefined))
      return Object.freeze({ kind: 'list', of: kindOfField[field], value: Object.freeze(items) }) as AttrValue;
  } else if (value.case !== undefined && value.case !== 'placeholder') {
    const scalar = scalarOf(value.case, value.value);
    if (scalar !== undefined) return Object.freeze({ kind: kindOfField[value.case], value: scalar }) as AttrValue;
  }
  return Object.freeze({ kind: 'message', value: Object.freeze({ ...proto }) });
}

export function attrsOf(attrs: AttrMap): Attrs {
  return Object.freeze(Object.fromEntries(Object.entries(attrs).map(([name, attr]) => [name, attrOf(attr)])));
}
