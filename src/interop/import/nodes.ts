/** The nodes of a GraphDef, or of a function's body, made in a graph. */
import type { Operation } from '../../graph/operation.js';
import { functionsNamedIn, type Attrs, type AttrValue, type NodeDef } from '../../graph/attr.js';
import { mergeDevices } from '../../graph/devices.js';
import { InvalidArgumentError, ShapeError } from '../../graph/errors.js';
import type { FunctionGraph } from '../../graph/function-graph.js';
import type { Graph } from '../../graph/graph.js';
import { describeTensor } from '../../graph/node.js';
import { orderNodes } from '../../graph/order.js';
import { placement } from '../../graph/scope.js';
import { formatShape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { adopt } from '../../ops/adopt.js';
import { nameOutputs } from '../../ops/foreign-outputs.js';
import { learnHandles } from '../../ops/handles.js';
import { findOp } from '../../ops/opdef.js';
import { outputShapes, positionOf, sourceOf, Uses, type OpDescriptions } from './foreign.js';

/** Where nodes come to. */
export interface Destination {
  readonly graph: Graph;
  /** What their names begin with; '' for none. */
  readonly prefix: string;
  readonly descriptions: OpDescriptions;
  /** The tensor that stands for an input as it is spelled, where it is none of the nodes'. */
  readonly tensor: (text: string) => Tensor | null;
  /** The same for what a node waits for. */
  readonly control: (name: string) => Operation | null;
  /** Outputs that are asked for besides. */
  readonly wanted: readonly string[];
}

/** The operations made, by the names that the nodes had. */
export class ImportedNodes {
  readonly #destination: Destination;
  readonly #defs: ReadonlyMap<string, NodeDef>;
  readonly #made = new Map<string, Operation>();
  #uses: Uses | undefined;

  /** @throws InvalidArgumentError, DTypeError, ShapeError or NotFoundError naming the node that does not fit */
  constructor(nodes: readonly NodeDef[], destination: Destination) {
    this.#destination = destination;
    const ordered = inOrder(nodes);
    this.#defs = new Map(nodes.map((def) => [def.name, def]));
    for (const def of ordered) this.#made.set(def.name, this.#make(def));
  }

  operation(name: string): Operation | null {
    return this.#made.get(name) ?? null;
  }

  /** Whether the nodes have an output that is spelled so. */
  has(text: string): boolean {
    return this.tensor(text) !== null;
  }

  /** The output that an input is spelled for; null where there is none. */
  tensor(text: string): Tensor | null {
    const source = sourceOf(text);
    const op = source && this.#made.get(source.node);
    if (!op) return null;
    const args = this.#destination.descriptions.outputs(op.type);
    if (args) return op.outputs[positionOf(source, args, op.def.attr)] ?? null;
    if (source.arg === null) return op.outputs[source.index] ?? null;
    return op.outputs[nameOutputs.of(op).indexOf(`${source.arg}:${source.index}`)] ?? null;
  }

  #make(def: NodeDef): Operation {
    const { graph, prefix } = this.#destination;
    const name = prefix === '' ? def.name : `${prefix}/${def.name}`;
    const inputs = def.input.filter((text) => !text.startsWith('^')).map((text) => this.#input(def, text));
    const controls = def.input.filter((text) => text.startsWith('^')).map((text) => this.#control(def, text.slice(1)));
    const spelled = inputs.map((tensor) => (tensor.index === 0 ? tensor.op.name : tensor.name));
    for (const control of controls) spelled.push(`^${control.name}`);
    const { attr, device } = this.#placed(def);
    const node: NodeDef = Object.freeze({ ...def, name, input: Object.freeze(spelled), device, attr });
    const taken = { inputs, controlInputs: [...new Set(controls)] };
    const op = findOp(def.op) ? adopt(graph, node, taken) : this.#foreign(node, def, taken);
    this.#refine(op);
    if (findOp(def.op)) {
      const { root } = graph;
      learnHandles(op, functionsNamedIn(def.attr).map((called) => root.function(called).body as FunctionGraph)); // prettier-ignore
    }
    return op;
  }

  #input(def: NodeDef, text: string): Tensor {
    const tensor = this.#destination.tensor(text) ?? this.tensor(text);
    if (tensor) return tensor;
    const source = sourceOf(text);
    const op = source && this.#made.get(source.node);
    throw new InvalidArgumentError(
      op
        ? `Node '${def.name}' (${def.op}): there is no '${text}': '${source.node}' (${op.type}) has ${op.outputs.length} outputs.`
        : `Node '${def.name}' (${def.op}): unknown input node '${text}'.`,
      { op: def.op, nodeName: def.name },
    );
  }

  #control(def: NodeDef, name: string): Operation {
    const op = this.#destination.control(name) ?? this.#made.get(name);
    if (op) return op;
    throw new InvalidArgumentError(`Node '${def.name}' (${def.op}): unknown input node '^${name}'.`, {
      op: def.op,
      nodeName: def.name,
    });
  }

  /** Attributes and device, as the scope and the prefix make them. */
  #placed({ op, attr, device }: NodeDef): { readonly attr: Attrs; readonly device: string } {
    const { graph, prefix } = this.#destination;
    const { scope } = graph;
    const override = scope.gradientOverrides[op];
    const surrounding = placement(scope);
    const own = attr['_class'];
    const changes: Record<string, AttrValue> = {};
    if (override !== undefined) changes['_gradient_op_type'] = { kind: 'string', value: override };
    const groups = own?.kind === 'list' && own.of === 'string' ? own.value.map((group) => this.#group(group)) : [];
    const all = [...new Set([...groups, ...surrounding.groups])];
    if (surrounding.groups.length > 0 || (prefix !== '' && groups.length > 0))
      changes['_class'] = { kind: 'list', of: 'string', value: Object.freeze(all.sort()) };
    const changed = Object.keys(changes).length > 0;
    return {
      attr: changed ? Object.freeze({ ...attr, ...changes }) : attr,
      device: surrounding.device === '' ? device : mergeDevices(surrounding.device, device),
    };
  }

  #group(group: string): string {
    const [, name] = /^loc:@(.+)$/.exec(group) ?? [];
    const { prefix } = this.#destination;
    return prefix === '' || name === undefined || !this.#defs.has(name) ? group : `loc:@${prefix}/${name}`;
  }

  #foreign(
    node: NodeDef,
    def: NodeDef,
    taken: { readonly inputs: readonly Tensor[]; readonly controlInputs: readonly Operation[] },
  ): Operation {
    const { graph, descriptions, wanted } = this.#destination;
    this.#uses ??= new Uses([...this.#defs.values()], wanted, descriptions);
    const outputs = this.#uses.outputsOf(def);
    const op = graph.adopt(node, {
      ...taken,
      outputDTypes: outputs.map(({ dtype }) => dtype),
      infer: () => outputs.map(({ shape }) => shape),
    });
    nameOutputs.set(op, outputs.map(({ spelled }) => spelled)); // prettier-ignore
    return op;
  }

  /** What the node itself says of its shapes. */
  #refine(op: Operation): void {
    outputShapes(op.def.attr)?.forEach((shape, i) => {
      const output = op.outputs[i];
      if (output && !output.graph.refineShape(output, shape))
        throw new ShapeError(
          `${describeTensor(output)} cannot have the shape ${formatShape(shape)} that its node says.`,
          op.details(),
        );
    });
  }
}

/** Inputs first. */
function inOrder(nodes: readonly NodeDef[]): readonly NodeDef[] {
  try {
    return orderNodes(nodes);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError) || error.nodeName !== undefined) throw error;
    throw new InvalidArgumentError(
      `${error.message} Loops made of Merge and NextIteration, as TensorFlow 1 has them, cannot be taken; with ` +
        'tf.compat.v1.enable_control_flow_v2() TensorFlow writes While nodes instead.',
      { cause: error },
    );
  }
}
