/** Op signatures in the words of TensorFlow's REGISTER_OP, parsed. */
import type { AttrKind, Attrs, AttrValue } from '../graph/attr.js';
import { dtypeOfSignatureName, dtypes, type DType } from '../graph/dtype.js';
import { InvalidArgumentError } from '../graph/errors.js';

/** One input or output argument. */
export interface ArgDef {
  readonly name: string;
  /** A fixed dtype, an attr that holds one, or an attr that holds a list of them (one tensor each). */
  readonly type: { readonly fixed: DType } | { readonly attr: string } | { readonly list: string };
  /** The attr that says how many tensors of that type the argument has; null for exactly one. */
  readonly count: string | null;
}

export interface AttrDef {
  readonly name: string;
  readonly kind: AttrKind;
  readonly list: boolean;
  readonly default: AttrValue | null;
  /** The values a type or string attr is restricted to. */
  readonly allowed: readonly string[] | null;
  /** The least value of an int, or the least length of a list. */
  readonly minimum: number | null;
}

export interface Signature {
  readonly inputs: readonly ArgDef[];
  readonly outputs: readonly ArgDef[];
  readonly attrs: readonly AttrDef[];
  readonly attrOf: ReadonlyMap<string, AttrDef>;
}

/** Whether an argument stands for a list of tensors. */
export function isList({ type, count }: ArgDef): boolean {
  return count !== null || 'list' in type;
}

/** How many tensors an argument stands for on a node with these attributes. */
export function countTensors({ type, count }: ArgDef, attrs: Attrs): number {
  const name = count ?? ('list' in type ? type.list : null);
  if (name === null) return 1;
  const attr = attrs[name];
  return attr?.kind === 'list' ? attr.value.length : Number(attr?.value);
}

/** What belongs to the tensors of a node by the arguments that these belong to: a list for each that stands for a list. */
export function byArgument<T>(
  args: readonly ArgDef[],
  attrs: Attrs,
  items: readonly T[],
): readonly (T | readonly T[])[] {
  let next = 0;
  return args.map((arg) => (isList(arg) ? items.slice(next, (next += countTensors(arg, attrs))) : items[next++]!));
}

/** The dtypes of the tensors that arguments stand for on a node with these attributes; null where these do not say. */
export function dtypesOf(args: readonly ArgDef[], attrs: Attrs): readonly DType[] | null {
  const dtypes: DType[] = [];
  for (const arg of args) {
    const { type } = arg;
    if ('list' in type) {
      const attr = attrs[type.list];
      if (attr?.kind !== 'list' || (attr.of !== 'type' && attr.value.length > 0)) return null;
      dtypes.push(...(attr.value as readonly DType[]));
      continue;
    }
    const attr = 'attr' in type ? attrs[type.attr] : null;
    const dtype = 'fixed' in type ? type.fixed : attr?.kind === 'type' ? attr.value : null;
    if (dtype === null || (arg.count !== null && attrs[arg.count]?.kind !== 'int')) return null;
    for (let count = countTensors(arg, attrs); count > 0; count--) dtypes.push(dtype);
  }
  return dtypes;
}

const numberTypes = dtypes.filter((d) => ['float', 'int', 'complex'].includes(d.kind)).map((d) => d.name);
const realNumberTypes = dtypes.filter((d) => ['float', 'int'].includes(d.kind)).map((d) => d.name);

/** Parses `inputs -> outputs | attrs`. @throws InvalidArgumentError saying what is not understood. */
export function parseSignature(op: string, text: string): Signature {
  const fail = (what: string) => new InvalidArgumentError(`Signature of '${op}': ${what} in '${text}'.`, { op });
  const [argsText = '', attrsText = ''] = splitOnce(text, '|');
  const [inputsText, outputsText] = splitOnce(argsText, '->');
  if (outputsText === undefined) throw fail("no '->'");
  const attrs = splitTop(attrsText).map((part) => parseAttr(part, fail));
  const attrOf = new Map(attrs.map((attr) => [attr.name, attr]));
  const parseArgs = (list: string) => splitTop(list).map((part) => parseArg(part, attrOf, fail));
  return { inputs: parseArgs(inputsText), outputs: parseArgs(outputsText), attrs, attrOf };
}

type Fail = (what: string) => InvalidArgumentError;

function parseArg(text: string, attrs: ReadonlyMap<string, AttrDef>, fail: Fail): ArgDef {
  const match = /^(\w+)\s*:\s*(?:(\w+)\s*\*\s*)?(\w+)$/.exec(text);
  if (!match) throw fail(`argument '${text}' is not understood`);
  const [, name, count, typeName] = match as unknown as [string, string, string | undefined, string];
  if (count !== undefined && attrs.get(count)?.kind !== 'int') throw fail(`'${count}' is no int attr`);
  const attr = attrs.get(typeName);
  const fixed = dtypeOfSignatureName(typeName);
  if (attr?.kind === 'type')
    return { name, type: attr.list ? { list: typeName } : { attr: typeName }, count: count ?? null };
  if (fixed) return { name, type: { fixed }, count: count ?? null };
  throw fail(`'${typeName}' is neither a dtype nor a type attr`);
}

function parseAttr(text: string, fail: Fail): AttrDef {
  const match = /^(\w+)\s*:\s*(list\s*\(\s*)?(\{[^}]*\}|\w+)(\s*\))?\s*(?:>=\s*(-?\d+))?\s*(?:=\s*(.+))?$/.exec(text);
  if (!match || !match[2] !== !match[4]) throw fail(`attr '${text}' is not understood`);
  const [, name, list, typeText, , minimum, defaultText] = match;
  const { kind, allowed } = parseAttrType(typeText!, fail);
  const attr = {
    name: name!,
    kind,
    list: list !== undefined,
    allowed,
    minimum: minimum === undefined ? null : Number(minimum),
  };
  return { ...attr, default: defaultText === undefined ? null : parseDefault(attr, defaultText, fail) };
}

function parseAttrType(text: string, fail: Fail): { kind: AttrKind; allowed: readonly string[] | null } {
  if (text === 'numbertype') return { kind: 'type', allowed: numberTypes };
  if (text === 'realnumbertype') return { kind: 'type', allowed: realNumberTypes };
  if (!text.startsWith('{')) {
    if (!['string', 'int', 'float', 'bool', 'type', 'shape', 'tensor', 'func'].includes(text))
      throw fail(`'${text}' is no attr type`);
    return { kind: text as AttrKind, allowed: null };
  }
  const members = splitTop(text.slice(1, -1));
  if (/^['"]/.test(members[0] ?? '')) return { kind: 'string', allowed: members.map(unquote) };
  return {
    kind: 'type',
    allowed: members.map((member) => {
      const dtype = dtypeOfSignatureName(member);
      if (!dtype) throw fail(`'${member}' is no dtype`);
      return dtype;
    }),
  };
}

function parseDefault(attr: { kind: AttrKind; list: boolean }, text: string, fail: Fail): AttrValue {
  if (attr.list) {
    if (!/^\[.*\]$/.test(text)) throw fail(`'${text}' is no list`);
    const value = splitTop(text.slice(1, -1)).map((item) => parseScalar(attr.kind, item, fail));
    return { kind: 'list', of: attr.kind, value } as AttrValue;
  }
  return { kind: attr.kind, value: parseScalar(attr.kind, text, fail) } as AttrValue;
}

function parseScalar(kind: AttrKind, text: string, fail: Fail): unknown {
  switch (kind) {
    case 'int':
      return BigInt(text);
    case 'float':
      return Math.fround(Number(text));
    case 'bool':
      return text === 'true';
    case 'string':
      return unquote(text);
    case 'type': {
      const dtype = dtypes.find((d) => d.enumName === text)?.name ?? dtypeOfSignatureName(text);
      if (!dtype) throw fail(`'${text}' is no dtype`);
      return dtype;
    }
    case 'shape':
      if (text === 'unknown') return null;
      return splitTop(text.slice(1, -1)).map((dim) => (dim === '?' ? null : Number(dim)));
    case 'tensor':
    case 'func':
    case 'message':
      throw fail(`a ${kind} attr has no default`);
  }
}

function unquote(text: string): string {
  return text.replace(/^['"]|['"]$/g, '');
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** Splits at commas that are not inside brackets. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === '{' || c === '[' || c === '(') depth++;
    else if (c === '}' || c === ']' || c === ')') depth--;
    else if (c === undefined || (c === ',' && depth === 0)) {
      const part = text.slice(start, i).trim();
      if (part !== '') parts.push(part);
      start = i + 1;
    }
  }
  return parts;
}
