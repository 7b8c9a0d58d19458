/** A graph as TensorFlow's GraphDef in protobuf's JSON mapping. */
import type { AttrKind, Attrs, AttrValue, NodeDef } from '../attr.js';
import { dtypeInfo, type DType } from '../dtype.js';
import { DTypeError } from '../errors.js';
import type { NDArray } from '../ndarray.js';
import type { Shape } from '../shape.js';
import type { ArgumentDef, FunctionDef, GraphState } from '../state.js';

export type Json = null | string | number | boolean | { readonly [key: string]: Json } | readonly Json[];

const utf8 = new TextEncoder();
const chunk = 0x6000; // a multiple of 3, so that chunks can be encoded one by one

/** Base64 of bytes, in the browser as in Node. */
function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += chunk) parts.push(btoa(String.fromCharCode(...bytes.subarray(i, i + chunk))));
  return parts.join('');
}

function bytesOf(text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new DTypeError('A string with half a surrogate pair is no UTF-8 and has no form in a GraphDef.');
  return base64(utf8.encode(text));
}

const enumName = (dtype: DType): string => dtypeInfo(dtype).enumName;

/** JSON has no such numbers; protobuf writes them as strings. */
function floatJson(value: number): Json {
  return Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0.0' : String(value);
}

export function shapeJson(shape: Shape): Json {
  if (shape === null) return { unknownRank: true };
  return shape.length === 0 ? {} : { dim: shape.map((size) => ({ size: String(size ?? -1) })) };
}

function tensorJson(array: NDArray): Json {
  const common = { dtype: enumName(array.dtype), tensorShape: shapeJson(array.shape) };
  const { data, dtype } = array;
  if (dtype === 'string') return { ...common, stringVal: (data as readonly string[]).map(bytesOf) };
  if (!ArrayBuffer.isView(data)) throw new DTypeError(`A constant of dtype ${dtype} has no form in a GraphDef.`);
  // Typed arrays are little-endian on every machine JavaScript runs on today, as tensor_content is.
  return { ...common, tensorContent: base64(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) };
}

/** The field of an AttrValue that holds each kind. */
export const attrField: Readonly<Record<AttrKind, string>> = {
  string: 's',
  int: 'i',
  float: 'f',
  bool: 'b',
  type: 'type',
  shape: 'shape',
  tensor: 'tensor',
  func: 'func',
};

function scalarJson(kind: AttrKind, value: unknown, exact: boolean): Json {
  switch (kind) {
    case 'string':
      return bytesOf(value as string);
    case 'int':
      return String(value);
    case 'float':
      return floatJson(value as number);
    case 'bool':
      return value as boolean;
    case 'type':
      return enumName(value as DType);
    case 'shape':
      return shapeJson(value as Shape);
    case 'tensor':
      return tensorJson(value as NDArray);
    case 'func': {
      const { name, attr } = value as { name: string; attr: Attrs };
      return { name, attr: attrsJson(attr, exact) };
    }
  }
}

function attrJson(attr: AttrValue, exact: boolean): Json {
  if (attr.kind !== 'list') return { [attrField[attr.kind]]: scalarJson(attr.kind, attr.value, exact) };
  const values = attr.value.map((value) => scalarJson(attr.of, value, exact));
  return { list: values.length === 0 && !exact ? {} : { [attrField[attr.of]]: values } };
}

/** Sorted by name, as protobuf prints maps; exactly: in their own order, and with the kinds of empty lists. */
function attrsJson(attrs: Attrs, exact: boolean): Json {
  const names = Object.keys(attrs);
  if (!exact) names.sort();
  return Object.fromEntries(names.map((name) => [name, attrJson(attrs[name]!, exact)]));
}

/** One node as protobuf's JSON; fields that hold their default are left out. Exactly: such that the very same node can be read again. */
export function nodeJson(node: NodeDef, exact = false): Json {
  return {
    name: node.name,
    op: node.op,
    ...(node.input.length > 0 && { input: node.input }),
    ...(node.device !== '' && { device: node.device }),
    ...(Object.keys(node.attr).length > 0 && { attr: attrsJson(node.attr, exact) }),
  };
}

/** One function of the library as protobuf's JSON. */
export function functionJson({ signature, nodeDef, ret, controlRet }: FunctionDef): Json {
  const argument = ({ name, type }: ArgumentDef): Json => ({ name, type: enumName(type) });
  return {
    signature: {
      name: signature.name,
      inputArg: signature.inputArg.map(argument),
      outputArg: signature.outputArg.map(argument),
      ...(signature.controlOutput.length > 0 && { controlOutput: signature.controlOutput }),
      ...(signature.isStateful && { isStateful: true }),
    },
    nodeDef: nodeDef.map((node) => nodeJson(node)),
    ret,
    ...(Object.keys(controlRet).length > 0 && { controlRet }),
  };
}

/** The lines of a GraphDef: valid JSON, one node a line. */
export function jsonLines(
  nodes: readonly NodeDef[],
  functions: readonly FunctionDef[],
  versions: GraphState['versions'],
): string[] {
  const lines = ['{"node":['];
  const list = (items: readonly Json[]) =>
    items.forEach((item, i) => lines.push(`${JSON.stringify(item)}${i + 1 < items.length ? ',' : ''}`));
  list(nodes.map((node) => nodeJson(node)));
  if (functions.length > 0) {
    lines.push('],"library":{"function":[');
    list(functions.map(functionJson));
  }
  const { producer, minConsumer } = versions;
  lines.push(
    `${functions.length > 0 ? ']}' : ']'},"versions":${JSON.stringify({ producer, ...(minConsumer !== 0 && { minConsumer }) })}}`,
  );
  return lines;
}
