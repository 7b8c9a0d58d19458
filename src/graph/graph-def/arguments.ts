/** What a function says of its arguments: the nodes that stand for them in its body, as attributes. */
import type { Attrs, AttrValue, NodeDef } from '../attr.js';
import type { DType } from '../dtype.js';
import type { ArgumentSpec } from '../function-graph.js';
import type { Shape } from '../shape.js';

const shapesAttr = '_output_shapes';
const nameAttr = '_tapeless_name';

/** The attributes of the argument `name` that `node` stands for. */
export function argumentAttrs(node: NodeDef, name: string): Attrs {
  const attrs: Record<string, AttrValue> = {};
  for (const key in node.attr) if (key.startsWith('_')) attrs[key] = node.attr[key]!;
  const shape = node.attr['shape'];
  if (shape?.kind === 'shape') attrs[shapesAttr] = { kind: 'list', of: 'shape', value: Object.freeze([shape.value]) };
  if (node.name !== name) attrs[nameAttr] = { kind: 'string', value: node.name };
  return Object.freeze(attrs);
}

/** The name of the node that stands for the argument `name`. */
export function argumentNode(name: string, attrs: Attrs): string {
  const own = attrs[nameAttr];
  return own?.kind === 'string' ? own.value : name;
}

/** The node that stands for an argument with these attributes. */
export function argumentSpec(name: string, dtype: DType, attrs: Attrs): ArgumentSpec {
  const { [shapesAttr]: shapes, [nameAttr]: _, ...others } = attrs;
  const known = shapes?.kind === 'list' && shapes.of === 'shape' ? shapes.value[0] : undefined;
  const isHandle = dtype === 'resource' || dtype === 'variant';
  const shape: Shape = known === undefined ? (isHandle ? [] : null) : known;
  return { name: argumentNode(name, attrs), dtype, shape, attrs: others };
}
