/** The body of a function: a graph whose operations may use tensors of the graphs around it, which become arguments. */
import type { Attrs } from './attr.js';
import type { DType } from './dtype.js';
import { InvalidArgumentError } from './errors.js';
import { Graph } from './graph.js';
import type { Operation } from './operation.js';
import type { Shape } from './shape.js';
import type { Tensor } from './tensor.js';

/** How the tensors of another body are had in this one: those of a forward body, in the body of its gradient. */
export interface Forward {
  readonly graph: Graph;
  /** The tensor of the body being built that holds the value of `tensor`. */
  readonly resolve: (tensor: Tensor) => Tensor;
}

/** What an argument of a function is. */
export interface ArgumentSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** Attributes of the node that stands for it. */
  readonly attrs: Attrs;
}

/**
 * A function body under construction, or finished. Tensors of the graph around it (and of those around that) that its
 * operations use are captured: each becomes an argument, and whoever calls the function passes the tensor.
 */
export class FunctionGraph extends Graph {
  readonly name: string;
  readonly outer: Graph;
  readonly #forward: Forward | null;
  #inputs: Tensor[] = [];
  /** Where the first so many inputs stand. */
  #positions = new Map<Tensor, number>();
  #outputs: readonly Tensor[] = [];
  /** Tensors of the graph around, by the argument they are passed as. */
  readonly #captured = new Map<Tensor, Tensor>();
  readonly #argumentOf = new Map<Tensor, Tensor>();
  readonly #controls = new Set<Operation>();

  constructor(name: string, outer: Graph, forward: Forward | null = null) {
    super();
    this.name = name;
    this.outer = outer;
    this.#forward = forward;
  }

  /** The tensors that stand for the arguments, in order. */
  get inputs(): readonly Tensor[] {
    return this.#inputs;
  }

  get outputs(): readonly Tensor[] {
    return this.#outputs;
  }

  /** The position of an argument; -1 for any other tensor. */
  positionOf(tensor: Tensor): number {
    for (let i = this.#positions.size; i < this.#inputs.length; i++) this.#positions.set(this.#inputs[i]!, i);
    return this.#positions.get(tensor) ?? -1;
  }

  /** The captured tensors of the graph around, in the order of the arguments they are passed as. */
  get captures(): readonly Tensor[] {
    return this.#inputs.flatMap((input) => this.#captured.get(input) ?? []);
  }

  /** Operations outside that must run before the function does. */
  get controlCaptures(): readonly Operation[] {
    return [...this.#controls];
  }

  /** The tensor outside that `input` stands for; null for anything but a captured one. */
  capturedBy(input: Tensor): Tensor | null {
    return this.#captured.get(input) ?? null;
  }

  override get root(): Graph {
    return this.outer.root;
  }

  override reaches(other: Graph): boolean {
    return other === this || other === this.#forward?.graph || this.outer.reaches(other);
  }

  /** An argument of its own. */
  addInput({ name, dtype, shape, attrs }: ArgumentSpec): Tensor {
    const op = this.add({
      name: this.withScope({ name: '', controllers: [] }, () => this.takeName(name)),
      type: 'Placeholder',
      inputs: [],
      controlInputs: [],
      attrs: { dtype: { kind: 'type', value: dtype }, shape: { kind: 'shape', value: shape }, ...attrs },
      outputDTypes: [dtype],
      infer: () => [shape],
    });
    const input = op.outputs[0]!;
    this.#inputs.push(input);
    return input;
  }

  /**
   * The tensor of this body that holds the value of `tensor`, which belongs to a graph around it.
   * @param attrs attributes for the argument it becomes
   */
  capture(tensor: Tensor, attrs: Attrs = {}): Tensor {
    if (tensor.graph === this) return tensor;
    const known = this.#argumentOf.get(tensor);
    if (known) return known;
    const inside = this.#bring(tensor, attrs);
    this.#argumentOf.set(tensor, inside);
    return inside;
  }

  #bring(tensor: Tensor, attrs: Attrs): Tensor {
    if (tensor.graph === this.#forward?.graph) return this.#forward.resolve(tensor);
    const outside = this.outer instanceof FunctionGraph ? this.outer.capture(tensor, attrs) : tensor;
    if (outside.graph !== this.outer) {
      throw new InvalidArgumentError(
        `'${tensor.name}' belongs to another graph than the function body '${this.name}'.${hintOnBody(tensor)}`,
        tensor.op.details(),
      );
    }
    const known = this.#argumentOf.get(outside);
    if (known) return known;
    const { dtype, shape, op } = outside;
    const scope = { device: '', colocation: [], controllers: [], gradientOverrides: {}, forwardOp: null };
    const input = this.withScope(scope, () => this.addInput({ name: op.name, dtype, shape, attrs }));
    this.#captured.set(input, outside);
    this.#argumentOf.set(outside, input);
    return input;
  }

  /** Makes the function wait for an operation outside. */
  captureControl(op: Operation): void {
    if (this.outer instanceof FunctionGraph && op.graph !== this.outer) this.outer.captureControl(op);
    else this.#controls.add(op);
  }

  /** Makes an operation of this body, which is there already, an argument; one that stands for `outside`, where that is not null. */
  adoptInput(input: Tensor, outside: Tensor | null): void {
    this.#inputs.push(input);
    if (!outside) return;
    this.#captured.set(input, outside);
    this.#argumentOf.set(outside, input);
  }

  /** Puts the arguments into another order. */
  orderInputs(inputs: readonly Tensor[]): void {
    this.#inputs = [...inputs];
    this.#positions = new Map();
  }

  /** Says what the function returns; tensors of the graphs around are captured. */
  setOutputs(outputs: readonly Tensor[]): void {
    this.#outputs = outputs;
  }

  /** Runs `fn`, which adds to a finished body what the call of it needs: it counts as created with the call. */
  completing<T>(fn: () => T): T {
    return this.withScope({ site: this.outer.scope.site }, () => this.asDefault(fn));
  }

  // Collections and functions are the whole program's; a roll-back of the body rolls them back too.
  override attempt<T>(fn: () => T): T {
    // Every operation of the body is made in one: a copy of the list would make that quadratic.
    const inputs = this.#inputs;
    const [count, controls] = [inputs.length, this.#controls.size];
    try {
      return this.outer.attempt(() => super.attempt(fn));
    } catch (error) {
      this.orderInputs(inputs.slice(0, count));
      for (const op of [...this.#controls].slice(controls)) this.#controls.delete(op);
      for (const [outside, inside] of this.#argumentOf) if (!this.holds(inside.op)) this.#argumentOf.delete(outside);
      for (const input of this.#captured.keys()) if (!this.holds(input.op)) this.#captured.delete(input);
      throw error;
    }
  }

  override addToCollection(collection: string, name: string): void {
    this.root.addToCollection(collection, name);
  }

  override collection(name: string): readonly string[] {
    return this.root.collection(name);
  }

  protected override whyFinalized(name: string): string {
    return (
      `The function body '${this.name}' is finished and cannot take '${name}': its tensors are values of one call, and are ` +
      'not there outside. Return from the function what is needed outside of it.'
    );
  }

  override toString(): string {
    return `FunctionGraph(${this.name}, ${this.version} operations)`;
  }
}

/** What to say in addition where `value` is refused as one of another graph. */
export function hintOnBody({ name, graph }: { readonly name: string; readonly graph: Graph }): string {
  if (!(graph instanceof FunctionGraph)) return '';
  return ` '${name}' is inside the function body '${graph.name}', and not there outside of it: return it from the function.`;
}
