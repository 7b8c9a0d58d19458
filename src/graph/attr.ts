/** Attribute values of a node, as TensorFlow's AttrValue: a tagged union that round-trips every kind. */
import type { DType } from './dtype.js';
import type { AttrProto, FullTypeProto, NodeProto } from './graph-def/messages.js';
import type { NDArray } from './ndarray.js';
import type { Shape } from './shape.js';

/** What each kind of attribute holds. Integers are bigints, so that 64-bit seeds survive. */
export interface AttrKinds {
  string: string;
  int: bigint;
  float: number;
  bool: boolean;
  type: DType;
  shape: Shape;
  tensor: NDArray;
  func: { readonly name: string; readonly attr: Attrs };
  /** What has no other form here, such as a reference dtype: it is carried as it came. */
  message: AttrProto;
}

export type AttrKind = keyof AttrKinds;

export type ScalarAttr = { readonly [K in AttrKind]: { readonly kind: K; readonly value: AttrKinds[K] } }[AttrKind];
export type ListAttr = {
  readonly [K in AttrKind]: { readonly kind: 'list'; readonly of: K; readonly value: readonly AttrKinds[K][] };
}[AttrKind];

export type AttrValue = ScalarAttr | ListAttr;
export type Attrs = { readonly [name: string]: AttrValue };

/** A node of the graph, field for field TensorFlow's NodeDef. */
export interface NodeDef {
  readonly name: string;
  readonly op: string;
  /** `node` or `node:k` for data, then `^node` for control. */
  readonly input: readonly string[];
  readonly device: string;
  readonly attr: Attrs;
  /** What a node that was imported carries besides. */
  readonly carried?: CarriedFields;
}

/** Fields of TensorFlow's NodeDef that say nothing here. */
export interface CarriedFields {
  readonly experimentalDebugInfo?: NodeProto['experimentalDebugInfo'];
  readonly experimentalType?: FullTypeProto | undefined;
}

/** The functions that attributes name: those that a node with them calls. */
export function functionsNamedIn(attrs: Attrs): readonly string[] {
  return Object.values(attrs).flatMap((attr) => {
    if (attr.kind === 'func') return [attr.value.name];
    return attr.kind === 'list' && attr.of === 'func' ? attr.value.map(({ name }) => name) : [];
  });
}

const plain = (value: AttrKinds[AttrKind]): unknown =>
  typeof value === 'bigint' && BigInt.asIntN(53, value) === value ? Number(value) : value;

/** The JavaScript value of an attribute; integers become numbers where that loses nothing. */
export function attrToJS(attr: AttrValue): unknown {
  return attr.kind === 'list' ? attr.value.map(plain) : plain(attr.value);
}
