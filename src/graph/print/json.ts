/** A graph as TensorFlow's GraphDef in protobuf's JSON mapping: the message, rendered. */
import type { Attrs, AttrValue, NodeDef } from '../attr.js';
import { base64 } from '../bytes.js';
import { dataTypeName } from '../dtype.js';
import { float32Text } from '../elements.js';
import { attrField, attrProto } from '../graph-def/attr.js';
import { functionProto, nodeProto } from '../graph-def/graph-def.js';
import type {
  ArgProto,
  AttrListValue,
  AttrMap,
  AttrProto,
  FunctionProto,
  GraphDef,
  NodeProto,
  TensorProto,
  TensorShapeProto,
} from '../graph-def/messages.js';
import { shapeProto } from '../graph-def/tensor.js';
import type { Shape } from '../shape.js';
import type { FunctionDef } from '../state.js';

export type Json = null | string | number | boolean | { readonly [key: string]: Json } | readonly Json[];

/** JSON has no such numbers; protobuf writes them as strings. */
function floatJson(value: number): Json {
  return Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0.0' : String(value);
}

/** The same of a number of single precision: the shortest that stands for it. */
function float32Json(value: number): Json {
  return Number.isFinite(value) && value !== 0 ? Number(float32Text(value)) : floatJson(value);
}

export function shapeJson(shape: Shape): Json {
  return shapeProtoJson(shapeProto(shape));
}

function shapeProtoJson({ dim = [], unknownRank = false }: TensorShapeProto): Json {
  if (unknownRank) return { unknownRank };
  if (dim.length === 0) return {};
  return { dim: dim.map(({ size = 0n, name = '' }) => ({ size: String(size), ...(name !== '' && { name }) })) };
}

/** How the elements that a TensorProto lists are written, by the field they are in. */
const elementJson = {
  floatVal: float32Json,
  doubleVal: floatJson,
  scomplexVal: float32Json,
  dcomplexVal: floatJson,
  intVal: (value: number) => value,
  halfVal: (value: number) => value,
  uint32Val: (value: number) => value,
  boolVal: (value: boolean) => value,
  int64Val: String,
  uint64Val: String,
  stringVal: base64,
} as const satisfies Partial<Record<keyof TensorProto, unknown>>;

function tensorJson(tensor: TensorProto): Json {
  const { dtype = 0, tensorShape, tensorContent } = tensor;
  const lists = Object.entries(elementJson).flatMap(([field, json]) => {
    const elements = tensor[field as keyof typeof elementJson] as readonly never[] | undefined;
    return elements && elements.length > 0 ? [[field, elements.map((element) => json(element))] as const] : [];
  });
  return {
    dtype: dataTypeName(dtype),
    ...(tensorShape && { tensorShape: shapeProtoJson(tensorShape) }),
    ...(tensorContent && tensorContent.length > 0 && { tensorContent: base64(tensorContent) }),
    ...Object.fromEntries(lists),
    ...(plainJson(special(tensor)) as object),
  };
}

/** The fields of a tensor that constants have not. */
function special({ versionNumber, resourceHandleVal, variantVal, float8Val }: TensorProto): object {
  return { versionNumber, resourceHandleVal, variantVal, float8Val };
}

/** How a value of each case of an AttrValue is written. */
const valueJson = {
  s: base64,
  i: String,
  f: float32Json,
  b: (value: boolean): Json => value,
  type: dataTypeName,
  shape: shapeProtoJson,
  tensor: tensorJson,
  func: ({ name = '', attr = {} }: { readonly name?: string; readonly attr?: AttrMap }): Json => ({
    name,
    attr: attrMapJson(attr),
  }),
} as const satisfies { readonly [K in keyof AttrListValue]: (value: never) => Json };

function attrJson({ value }: AttrProto): Json {
  if (value.case === undefined) return {};
  if (value.case === 'placeholder') return { placeholder: value.value };
  if (value.case !== 'list') return { [value.case]: (valueJson[value.case] as (item: unknown) => Json)(value.value) };
  const lists = Object.entries(value.value) as [keyof AttrListValue, readonly unknown[]][];
  return {
    list: Object.fromEntries(
      lists
        .filter(([of, items]) => of in valueJson && items.length > 0)
        .map(([of, items]) => [of, items.map((item) => (valueJson[of] as (item: unknown) => Json)(item))]),
    ),
  };
}

function attrMapJson(attrs: AttrMap): Json {
  return Object.fromEntries(Object.entries(attrs).map(([name, attr]) => [name, attrJson(attr)]));
}

/** A message of which nothing is special, as it came: without what is nothing. */
function plainJson(value: unknown): Json {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return base64(value);
  if (Array.isArray(value)) return value.map(plainJson);
  if (typeof value !== 'object' || value === null) return value as Json;
  if ('case' in value && typeof value.case === 'string' && 'value' in value) return plainJson({ [value.case]: value.value }); // prettier-ignore
  const fields = Object.entries(value).filter(([name, field]) => !name.startsWith('$') && !isNothing(field));
  return Object.assign(
    {},
    ...fields.map(([name, field]) => (isOneof(field) ? plainJson(field) : { [name]: plainJson(field) })),
  ) as Json;
}

const isOneof = (value: unknown): boolean => typeof value === 'object' && value !== null && 'case' in value;

function isNothing(value: unknown): boolean {
  if (value === undefined || value === 0 || value === 0n || value === '' || value === false) return true;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  return isOneof(value) && (value as { readonly case?: string }).case === undefined;
}

function protoJson(node: NodeProto): Json {
  const { name = '', op = '', input = [], device = '', attr = {}, experimentalDebugInfo, experimentalType } = node;
  return {
    name,
    op,
    ...(input.length > 0 && { input }),
    ...(device !== '' && { device }),
    ...(Object.keys(attr).length > 0 && { attr: attrMapJson(attr) }),
    ...(experimentalDebugInfo && { experimentalDebugInfo: plainJson(experimentalDebugInfo) }),
    ...(experimentalType && { experimentalType: plainJson(experimentalType) }),
  };
}

/** One node as protobuf's JSON; fields that hold their default are left out. */
export function nodeJson(node: NodeDef): Json {
  return protoJson(nodeProto(node));
}

/** Such that the very same node can be read again: attributes in their own order, empty lists with their kinds. */
export function exactNodeJson(node: NodeDef): Json {
  const attr = exactAttrsJson(node.attr);
  return { ...(protoJson({ ...nodeProto({ ...node, attr: {} }) }) as object), ...(Object.keys(node.attr).length > 0 && { attr }) }; // prettier-ignore
}

function exactAttrsJson(attrs: Attrs): Json {
  return Object.fromEntries(Object.entries(attrs).map(([name, attr]) => [name, exactAttrJson(attr)]));
}

function exactAttrJson(attr: AttrValue): Json {
  const func = ({ name, attr }: { readonly name: string; readonly attr: Attrs }) => ({
    name,
    attr: exactAttrsJson(attr),
  });
  if (attr.kind === 'float') return { f: floatJson(attr.value) };
  if (attr.kind === 'list' && attr.of === 'float') return { list: { f: attr.value.map(floatJson) } };
  if (attr.kind === 'list' && attr.of === 'message') return attrJson(attrProto(attr));
  if (attr.kind === 'func') return { func: func(attr.value) };
  if (attr.kind === 'list' && attr.of === 'func') return { list: { func: attr.value.map(func) } };
  return attr.kind === 'list' && attr.value.length === 0 ? { list: { [attrField[attr.of]]: [] } } : attrJson(attrProto(attr)); // prettier-ignore
}

function argJson({ name = '', type = 0, ...others }: ArgProto): Json {
  return { name, type: dataTypeName(type), ...(plainJson(others) as object) };
}

function functionProtoJson(fn: FunctionProto): Json {
  const {
    signature = {},
    nodeDef = [],
    ret = {},
    attr = {},
    controlRet = {},
    argAttr = {},
    resourceArgUniqueId = {},
  } = fn;
  const { name = '', inputArg = [], outputArg = [], controlOutput = [], isStateful = false } = signature;
  return {
    signature: {
      name,
      inputArg: inputArg.map(argJson),
      outputArg: outputArg.map(argJson),
      ...(controlOutput.length > 0 && { controlOutput }),
      ...(isStateful && { isStateful }),
    },
    nodeDef: nodeDef.map(protoJson),
    ret,
    ...(Object.keys(attr).length > 0 && { attr: attrMapJson(attr) }),
    ...(Object.keys(controlRet).length > 0 && { controlRet }),
    ...(Object.keys(argAttr).length > 0 && {
      argAttr: Object.fromEntries(
        Object.entries(argAttr).map(([i, { attr = {} }]) => [i, { attr: attrMapJson(attr) }]),
      ),
    }),
    ...(Object.keys(resourceArgUniqueId).length > 0 && { resourceArgUniqueId }),
  };
}

/** One function of the library as protobuf's JSON. */
export function functionJson(fn: FunctionDef): Json {
  return functionProtoJson(functionProto(fn));
}

/** The lines of a GraphDef: valid JSON, one node a line. */
export function graphDefLines({
  node = [],
  library: { function: functions = [] } = {},
  versions = {},
}: GraphDef): string[] {
  const lines = ['{"node":['];
  const list = (items: readonly Json[]) =>
    items.forEach((item, i) => lines.push(`${JSON.stringify(item)}${i + 1 < items.length ? ',' : ''}`));
  list(node.map(protoJson));
  if (functions.length > 0) {
    lines.push('],"library":{"function":[');
    list(functions.map(functionProtoJson));
  }
  const { producer = 0, minConsumer = 0 } = versions;
  lines.push(
    `${functions.length > 0 ? ']}' : ']'},"versions":${JSON.stringify({ producer, ...(minConsumer !== 0 && { minConsumer }) })}}`,
  );
  return lines;
}
