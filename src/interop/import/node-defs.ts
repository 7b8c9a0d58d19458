/** Nodes of messages as nodes of a graph: fields checked, nothing resolved yet. */
import type { AttrMap, FunctionProto, NodeProto } from '../../graph/graph-def/messages.js';
import { attrsOf } from '../../graph/graph-def/attr.js';
import type { NodeDef } from '../../graph/attr.js';
import { InvalidArgumentError, TapelessError } from '../../graph/errors.js';

/** @throws InvalidArgumentError naming the node */
export function nodeDefFrom(proto: NodeProto, number: number): NodeDef {
  const { name = '', op = '', input = [], device = '', attr = {}, experimentalDebugInfo, experimentalType } = proto;
  if (name === '' || op === '')
    throw new InvalidArgumentError(`Node ${number} of the GraphDef has no ${name === '' ? 'name' : `op: '${name}'`}.`);
  const firstControl = input.findIndex((text) => text.startsWith('^'));
  if (firstControl >= 0 && input.slice(firstControl).some((text) => !text.startsWith('^')))
    throw new InvalidArgumentError(`Node '${name}': all control inputs must follow all data inputs.`, { op, nodeName: name }); // prettier-ignore
  const carried = {
    ...(experimentalDebugInfo && { experimentalDebugInfo: Object.freeze({ ...experimentalDebugInfo }) }),
    ...(experimentalType && { experimentalType: Object.freeze({ ...experimentalType }) }),
  };
  return Object.freeze({
    name,
    op,
    input: Object.freeze([...input]),
    device,
    attr: attrsFrom(attr, `Node '${name}'`, { op, nodeName: name }),
    ...(Object.keys(carried).length > 0 && { carried: Object.freeze(carried) }),
  });
}

function attrsFrom(
  attr: AttrMap,
  what: string,
  details: { readonly op: string; readonly nodeName: string },
): NodeDef['attr'] {
  try {
    return attrsOf(attr);
  } catch (error) {
    if (!(error instanceof TapelessError)) throw error;
    throw new InvalidArgumentError(`${what}: ${error.message}`, { ...details, cause: error });
  }
}

/** The functions that a message names, with others in their place. */
export type Renames = ReadonlyMap<string, string>;

/** A message without the mark that it is one: parts of it are to be replaced by plain objects. */
function plain<T extends object>(message: T): T {
  const { $typeName: _, ...fields } = message as T & { readonly $typeName?: string };
  return fields as unknown as T;
}

export function renamedNode(node: NodeProto, renames: Renames): NodeProto {
  return renames.size === 0 ? node : { ...plain(node), attr: renamedAttrs(node.attr ?? {}, renames) };
}

export function renamedFunction(fn: FunctionProto, renames: Renames): FunctionProto {
  const name = fn.signature?.name ?? '';
  if (renames.size === 0) return fn;
  return {
    ...plain(fn),
    signature: { ...fn.signature, name: renames.get(name) ?? name },
    nodeDef: (fn.nodeDef ?? []).map((node) => renamedNode(node, renames)),
  };
}

function renamedAttrs(attrs: AttrMap, renames: Renames): AttrMap {
  const func = ({ name = '', attr = {} }: { readonly name?: string; readonly attr?: AttrMap }) => ({
    name: renames.get(name) ?? name,
    attr: renamedAttrs(attr, renames),
  });
  const renamed = Object.entries(attrs).map(([key, proto]) => {
    const { value } = proto;
    if (value.case === 'func') return [key, { value: { case: 'func', value: func(value.value) } }] as const;
    if (value.case !== 'list' || !value.value.func?.length) return [key, proto] as const;
    return [key, { value: { case: 'list', value: { func: value.value.func.map(func) } } }] as const;
  });
  return Object.fromEntries(renamed);
}

/** The functions that a body or a graph calls. */
export function functionsIn(nodes: readonly NodeProto[]): Set<string> {
  const names = new Set<string>();
  const visit = (attrs: AttrMap): void => {
    for (const { value } of Object.values(attrs)) {
      const found = value.case === 'func' ? [value.value] : value.case === 'list' ? (value.value.func ?? []) : [];
      for (const { name = '', attr = {} } of found) {
        names.add(name);
        visit(attr);
      }
    }
  };
  for (const { attr = {} } of nodes) visit(attr);
  return names;
}
