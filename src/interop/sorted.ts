/** The maps of messages in the one order in which they are written. */
import { comparedKeys, sortedRecord } from '../graph/graph-def/attr.js';
import type { AttrMap, AttrProto, FunctionProto, NameAttrList, NodeProto } from '../graph/graph-def/messages.js';

type Entries<T> = { readonly [name: string]: T };

function sorted<T>(map: Entries<T>): Entries<T> {
  const names = Object.keys(map);
  const isSorted = names.every((name, i) => i === 0 || comparedKeys(names[i - 1]!, name) < 0);
  return isSorted ? map : sortedRecord(names, (name) => map[name]!);
}

function sortedAttrs(attrs: AttrMap): AttrMap {
  const nested = Object.entries(attrs).filter(([, { value }]) => value.case === 'func' || value.case === 'list');
  const changes = nested.flatMap(([name, attr]) => {
    const changed = sortedValue(attr);
    return changed === attr ? [] : [[name, changed] as const];
  });
  return sorted(changes.length === 0 ? attrs : { ...attrs, ...Object.fromEntries(changes) });
}

function sortedValue(attr: AttrProto): AttrProto {
  const { value } = attr;
  const hasAttrs = (func: NameAttrList): boolean => Object.keys(func.attr ?? {}).length > 0;
  const inner = (func: NameAttrList): NameAttrList => ({ ...func, attr: sortedAttrs(func.attr ?? {}) });
  if (value.case === 'func' && hasAttrs(value.value))
    return { ...attr, value: { ...value, value: inner(value.value) } };
  if (value.case === 'list' && value.value.func?.some(hasAttrs))
    return { ...attr, value: { ...value, value: { ...value.value, func: value.value.func.map(inner) } } };
  return attr;
}

export function sortedNode(node: NodeProto): NodeProto {
  const attr = sortedAttrs(node.attr ?? {});
  return attr === node.attr ? node : { ...node, attr };
}

export function sortedFunction(fn: FunctionProto): FunctionProto {
  const { nodeDef = [], ret = {}, attr = {}, controlRet = {}, argAttr = {} } = fn;
  return {
    ...fn,
    nodeDef: nodeDef.map(sortedNode),
    ret: sorted(ret),
    attr: sortedAttrs(attr),
    controlRet: sorted(controlRet),
    argAttr: Object.fromEntries(
      Object.entries(argAttr).map(([i, arg]) => [i, { ...arg, attr: sortedAttrs(arg.attr ?? {}) }]),
    ),
  };
}
