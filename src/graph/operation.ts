/** Operation handles: one node of a graph with its neighbours. */
import { attrToJS, type AttrKind, type AttrKinds, type AttrValue, type NodeDef } from './attr.js';
import type { DType } from './dtype.js';
import { InvalidArgumentError, NotFoundError, type ErrorDetails } from './errors.js';
import type { Graph } from './graph.js';
import type { NDArray } from './ndarray.js';
import type { Shape } from './shape.js';
import type { CallSite } from './site.js';
import { Tensor } from './tensor.js';

/** A node of a graph. Made by the library's functions, never by hand. */
export class Operation {
  readonly graph: Graph;
  /** Position in the graph: inputs always have smaller ones. */
  readonly id: number;
  readonly def: NodeDef;
  // Not frozen as the node is: every pass goes over them, and V8 iterates frozen arrays five to twenty times slower.
  readonly inputs: readonly Tensor[];
  readonly controlInputs: readonly Operation[];
  /** The operation whose gradient this one helps to compute, or null. */
  readonly forwardOp: Operation | null;
  readonly #site: CallSite;
  #outputs: readonly Tensor[] = [];

  /** @internal */
  constructor(graph: Graph, init: OperationInit) {
    this.graph = graph;
    this.id = init.id;
    this.def = init.def;
    this.inputs = init.inputs;
    this.controlInputs = init.controlInputs;
    this.forwardOp = init.forwardOp;
    this.#site = init.site;
  }

  get name(): string {
    return this.def.name;
  }

  /** The op type, TensorFlow's name for it. */
  get type(): string {
    return this.def.op;
  }

  get device(): string {
    return this.def.device;
  }

  get outputs(): readonly Tensor[] {
    return this.#outputs;
  }

  /** `file:line` of the user's call that made this node. */
  get createdAt(): string {
    return this.#site.toString();
  }

  /** @internal The user's call that made this node. */
  get site(): CallSite {
    return this.#site;
  }

  /** @internal Output dtypes and shapes follow from the node, so they come once, right after it. */
  setOutputs(dtypes: readonly DType[], infer: (op: Operation) => readonly Shape[]): void {
    const outputs = dtypes.map((dtype, index) => new Tensor<DType>(this, index, dtype, null));
    this.#outputs = outputs;
    const shapes = infer(this);
    for (let i = 0; i < shapes.length; i++) outputs[i]!.setShape(shapes[i]!);
  }

  /** The JavaScript value of an attribute. @throws NotFoundError where there is none of that name. */
  attr(name: string): unknown {
    return attrToJS(this.attrValue(name));
  }

  hasAttr(name: string): boolean {
    return Object.hasOwn(this.def.attr, name);
  }

  attrValue(name: string): AttrValue {
    if (!this.hasAttr(name))
      throw new NotFoundError(`Operation '${this.name}' (${this.type}) has no attr '${name}'.`, this.details());
    return this.def.attr[name]!;
  }

  intAttr(name: string): number {
    return Number(this.#scalar(name, 'int'));
  }
  floatAttr(name: string): number {
    return this.#scalar(name, 'float');
  }
  boolAttr(name: string): boolean {
    return this.#scalar(name, 'bool');
  }
  stringAttr(name: string): string {
    return this.#scalar(name, 'string');
  }
  typeAttr(name: string): DType {
    return this.#scalar(name, 'type');
  }
  shapeAttr(name: string): Shape {
    return this.#scalar(name, 'shape');
  }
  tensorAttr(name: string): NDArray {
    return this.#scalar(name, 'tensor');
  }
  intListAttr(name: string): number[] {
    const attr = this.attrValue(name);
    if (attr.kind !== 'list' || attr.of !== 'int') throw this.#wrongKind(name, 'list(int)');
    return attr.value.map(Number);
  }

  /** The names of the colocation groups, `loc:@…`: this node's own where it is colocated with nothing. */
  colocationGroups(): readonly string[] {
    const attr = this.def.attr['_class'];
    const groups =
      attr?.kind === 'list' && attr.of === 'string' ? attr.value.filter((name) => name.startsWith('loc:@')) : [];
    return groups.length > 0 ? groups : [`loc:@${this.name}`];
  }

  /** What an error about this operation carries. */
  details(): ErrorDetails {
    return { op: this.type, nodeName: this.name, createdAt: this.createdAt };
  }

  toString(): string {
    return `Operation(${this.name}, ${this.type})`;
  }

  #scalar<K extends AttrKind>(name: string, kind: K): AttrKinds[K] {
    const attr = this.attrValue(name);
    if (attr.kind !== kind) throw this.#wrongKind(name, kind);
    return attr.value as AttrKinds[K];
  }

  #wrongKind(name: string, kind: string): InvalidArgumentError {
    return new InvalidArgumentError(
      `Attr '${name}' of '${this.name}' (${this.type}) is not a ${kind}.`,
      this.details(),
    );
  }
}

/** @internal */
export interface OperationInit {
  readonly id: number;
  readonly def: NodeDef;
  readonly inputs: readonly Tensor[];
  readonly controlInputs: readonly Operation[];
  readonly forwardOp: Operation | null;
  readonly site: CallSite;
}
