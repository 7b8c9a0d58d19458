/** Attributes as AttrValue messages. */
import type { AttrKind, Attrs, AttrValue } from '../attr.js';
import { bytesOfText } from '../bytes.js';
import { dtypeInfo, type DType } from '../dtype.js';
import type { NDArray } from '../ndarray.js';
import type { Shape } from '../shape.js';
import type { AttrListValue, AttrMap, AttrProto } from './messages.js';
import { shapeProto, tensorProto } from './tensor.js';

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
} as const satisfies Readonly<Record<AttrKind, keyof AttrListValue>>;

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
      return value;
  }
}

export function attrProto(attr: AttrValue): AttrProto {
  if (attr.kind !== 'list')
    return { value: { case: attrField[attr.kind], value: scalarProto(attr.kind, attr.value) } } as AttrProto;
  const values = attr.value.map((value) => scalarProto(attr.of, value));
  return { value: { case: 'list', value: values.length === 0 ? {} : { [attrField[attr.of]]: values } } };
}

/** Sorted by name, as protobuf writes maps where it has to write them one way. */
export function attrsProto(attrs: Attrs): AttrMap {
  return sortedRecord(Object.keys(attrs), (name) => attrProto(attrs[name]!));
}

export function sortedRecord<T>(names: readonly string[], of: (name: string) => T): { readonly [name: string]: T } {
  return Object.fromEntries([...names].sort().map((name) => [name, of(name)]));
}
