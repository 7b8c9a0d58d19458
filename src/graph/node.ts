/** From what a call asks for and the scope it stands in, the frozen node. */
import type { Attrs, AttrValue, NodeDef } from './attr.js';
import type { DType } from './dtype.js';
import type { TakenName } from './names.js';
import type { Operation } from './operation.js';
import { placement, type Scope } from './scope.js';
import { formatShape, type Shape } from './shape.js';
import type { Tensor } from './tensor.js';

/** What a node is connected with. */
export interface Wiring {
  readonly inputs: readonly Tensor[];
  /** What must run before it; of a node to be made, besides what the scope says. */
  readonly controlInputs: readonly Operation[];
  readonly outputDTypes: readonly DType[];
  readonly infer: (op: Operation) => readonly Shape[];
}

/** A node to be made. */
export interface NodeSpec extends Wiring {
  readonly name: TakenName;
  readonly type: string;
  readonly attrs: Attrs;
}

/** The node of `spec` in `scope`, frozen. */
export function makeNode(spec: NodeSpec, scope: Scope, controlInputs: readonly Operation[]): NodeDef {
  const { device, groups } = scope.colocation.length === 0 ? { device: scope.device, groups: none } : placement(scope);
  const input = spec.inputs.map(inputName);
  for (const control of controlInputs) input.push(`^${control.name}`);
  const attr = withScopeAttrs(spec, groups, scope);
  // Nodes of one type and dtype share their attributes.
  if (!Object.isFrozen(attr)) for (const name in attr) Object.freeze(attr[name]);
  return Object.freeze({
    name: spec.name.text,
    op: spec.type,
    input: Object.freeze(input),
    device,
    attr: Object.freeze(attr),
  });
}

const none: readonly never[] = [];

function inputName(tensor: Tensor): string {
  return tensor.index === 0 ? tensor.op.name : tensor.name;
}

function withScopeAttrs(spec: NodeSpec, groups: readonly string[], scope: Scope): Attrs {
  const override = scope.gradientOverrides[spec.type];
  if (groups.length === 0 && override === undefined) return spec.attrs;
  const attrs: Record<string, AttrValue> = { ...spec.attrs };
  if (override !== undefined) attrs['_gradient_op_type'] = { kind: 'string', value: override };
  if (groups.length > 0) attrs['_class'] = { kind: 'list', of: 'string', value: groups };
  return attrs;
}

/** A text for error messages: `'y:0' (MatMul, float32[2, 3])`. */
export function describeTensor(tensor: Tensor): string {
  return `'${tensor.name}' (${tensor.op.type}, ${tensor.dtype}${formatShape(tensor.shape)})`;
}
