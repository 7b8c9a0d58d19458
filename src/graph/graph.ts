/** The graph: an append-only list of operations over an immutable state, changed only inside transactions. */
import { appendedSince, type Appended } from './appended.js';
import type { NodeDef } from './attr.js';
import { GraphFinalizedError, InvalidArgumentError, NotFoundError } from './errors.js';
import { exportGraph } from './graph-def/graph-def.js';
import type { GraphDef } from './graph-def/messages.js';
import { Ledger, type GraphFunction } from './ledger.js';
import { checkName, NameTable, similarName, type TakenName } from './names.js';
import { Operation } from './operation.js';
import { makeNode, type NodeSpec, type Wiring } from './node.js';
import { record } from './recorders.js';
import { controlInputsFor, rootScope, scopeWith, type Scope } from './scope.js';
import { mergeShapes, shapesEqual, type Shape } from './shape.js';
import { CallSite } from './site.js';
import type { GraphState } from './state.js';
import type { Tensor } from './tensor.js';

const defaultGraphs: Graph[] = [];
let rootGraph: Graph | undefined;

/**
 * A static dataflow graph: TensorFlow nodes, oldest first.
 *
 * @example
 * const g = new Graph();
 * const y = g.asDefault(() => constant(2, { name: 'x' }).multiply(3));
 * g.operations().map((op) => op.name); // ['x', 'Mul/y', 'Mul']
 */
export class Graph {
  readonly #ledger = new Ledger();
  readonly #operations = this.#ledger.operations;
  readonly #names = new NameTable<Operation>();
  #depth = 0;
  #scope: Scope = rootScope;
  #finalized = false;

  /** The frozen, immutable snapshot of what the graph holds. The same object as long as nothing is added. */
  get state(): GraphState {
    return this.#ledger.state;
  }

  /** How many operations the graph has. */
  get version(): number {
    return this.#operations.length;
  }

  get finalized(): boolean {
    return this.#finalized;
  }

  /** @internal The graph that holds the collections and the function library: this one, unless it is a function body. */
  get root(): Graph {
    return this;
  }

  /** @internal Where operations on this graph's tensors are made now: in the function body being built that may capture them, else here. */
  get receiver(): Graph {
    const current = defaultGraphs.at(-1);
    return current !== undefined && current !== this && current.reaches(this) ? current : this;
  }

  /** @internal Whether operations of this graph may take tensors of `other`. */
  reaches(other: Graph): boolean {
    return other === this;
  }

  /** @internal The scope that new nodes are made in. */
  get scope(): Scope {
    return this.#scope;
  }

  /** All operations, oldest first; inputs come before what uses them. */
  operations(): readonly Operation[] {
    return this.#operations.slice();
  }

  /** @internal Operation number `id`, without copying the list. */
  at(id: number): Operation {
    return this.#operations[id]!;
  }

  /** @internal Whether `op` is in the graph, and has not been taken back. */
  holds(op: Operation): boolean {
    return this.#operations[op.id] === op;
  }

  /** The operation of that name. @throws NotFoundError, or InvalidArgumentError where `name` names a tensor. */
  operation(name: string): Operation {
    const op = this.find(name);
    if (op) return op;
    if (name.includes(':'))
      throw new InvalidArgumentError(`'${name}' names a tensor, not an operation: leave out ':${name.split(':')[1]}'.`);
    throw new NotFoundError(`The graph has no operation '${name}'.${similarName(name, this.#operations)}`);
  }

  /** @internal The operation of that name, or null. */
  find(name: string): Operation | null {
    const op = this.#names.bearer(name);
    return op?.name === name ? op : null;
  }

  /** The tensor `op:index`. @throws NotFoundError, or InvalidArgumentError where `name` is not of that form. */
  tensor(name: string): Tensor {
    const match = /^(.+):(\d+)$/.exec(name);
    if (!match) {
      const hint = this.find(name)
        ? `'${name}' is an operation; its first output is '${name}:0'`
        : 'tensor names are `op:index`';
      throw new InvalidArgumentError(`'${name}' does not name a tensor: ${hint}.`);
    }
    const op = this.operation(match[1]!);
    const tensor = op.outputs[Number(match[2])];
    if (!tensor)
      throw new NotFoundError(
        `'${op.name}' (${op.type}) has ${op.outputs.length} outputs; there is no '${name}'.`,
        op.details(),
      );
    return tensor;
  }

  /** Forbids further nodes. */
  finalize(): void {
    this.#finalized = true;
  }

  /** Runs `fn` with this graph as the default one, until `fn` returns. */
  asDefault<T>(fn: () => T): T {
    defaultGraphs.push(this);
    try {
      return fn();
    } finally {
      defaultGraphs.pop();
    }
  }

  /**
   * Runs `fn` so that all it adds to this graph stays, or, where it throws, nothing does: state, names, counters and
   * scopes are then what they were.
   * @throws whatever `fn` throws; InvalidArgumentError where it is asynchronous
   * @example
   * const before = g.state;
   * try {
   *   g.transact(() => { constant(1); throw new Error('no'); });
   * } catch {  }
   * g.state === before; // true
   */
  transact<T>(fn: () => T): { result: T; appended: Appended } {
    const [mark, names] = [this.#ledger.mark(), this.#names.mark()];
    return this.attempt(() => {
      const result = fn();
      if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function')
        throw new InvalidArgumentError('transact takes a synchronous function: build first, await afterwards.');
      return { result, appended: appendedSince(this.#ledger, mark, this.#names.bare(names)) };
    });
  }

  /** @internal The roll-back of `transact` alone: what every single creation runs in. */
  attempt<T>(fn: () => T): T {
    const mark = this.#ledger.mark();
    const names = this.#names.mark();
    const scope = this.#scope;
    this.#depth++;
    try {
      return fn();
    } catch (error) {
      this.#ledger.rollback(mark);
      this.#names.rollback(names);
      this.#scope = scope;
      throw error;
    } finally {
      this.#depth--;
      if (this.#depth === 0) {
        this.#names.commit();
        this.#ledger.commit();
      }
    }
  }

  /** @internal Lets even a finalized graph take nodes while `fn` runs: such as are taken back. */
  reopened<T>(fn: () => T): T {
    const finalized = this.#finalized;
    this.#finalized = false;
    try {
      return fn();
    } finally {
      this.#finalized = finalized;
    }
  }

  /** @internal Runs `fn` with parts of the scope replaced. */
  withScope<T>(change: Partial<Scope>, fn: () => T): T {
    const outer = this.#scope;
    this.#scope = scopeWith(outer, change);
    try {
      return fn();
    } finally {
      this.#scope = outer;
    }
  }

  /** @internal Runs `fn` so that every node it makes counts as created by the user's call under way, or at `site`. */
  atSite<T>(fn: () => T, site: CallSite = this.#scope.site ?? CallSite.capture(24)): T {
    return site === this.#scope.site ? fn() : this.withScope({ site }, fn);
  }

  /** @internal A name in the current scope that nothing else has, for a scope; it is taken from now on. */
  uniqueName(name: string): string {
    this.#checkNotFinalized(name);
    checkName(name, this.#scope.name !== '');
    return this.#names.uniqueScope(name, this.#scope.name);
  }

  /** @internal A name for a node. A name that ends in `/` is that of a scope entered before, for the one node that bears it. `lower`: of a name that is valid, the same in lower case. */
  takeName(name: string, lower?: string): TakenName {
    this.#checkNotFinalized(name);
    if (lower !== undefined) return this.#names.unique(name, this.#scope.name, lower);
    if (name.endsWith('/')) return this.#nameOfScope(name);
    checkName(name, this.#scope.name !== '');
    return this.#names.unique(name, this.#scope.name);
  }

  /** @internal Takes a name that nothing will bear. @returns false where it is taken */
  reserveName(name: string): boolean {
    return this.#names.bearer(name) === undefined && this.#names.unique(name).text === name;
  }

  /** @internal The way in for a node that is made here. */
  add(spec: NodeSpec): Operation {
    this.#checkNotFinalized(spec.name.text);
    const controlInputs = controlInputsFor(this.#scope, spec.inputs, spec.controlInputs);
    return this.#enter(spec.name, makeNode(spec, this.#scope, controlInputs), spec, controlInputs);
  }

  /** @internal The way in for a node that was made elsewhere: it stays as it is, and its name must be free. */
  adopt(def: NodeDef, wiring: Wiring): Operation {
    return this.#enter(this.takeName(`${def.name}/`), def, wiring, wiring.controlInputs);
  }

  #enter(name: TakenName, def: NodeDef, wiring: Wiring, controlInputs: readonly Operation[]): Operation {
    const scope = this.#scope;
    const op = new Operation(this, {
      id: this.#operations.length,
      def,
      inputs: wiring.inputs,
      controlInputs,
      forwardOp: scope.forwardOp,
      site: scope.site ?? CallSite.capture(24),
    });
    op.setOutputs(wiring.outputDTypes, wiring.infer);
    this.#operations.push(op);
    this.#names.setBearer(name, op);
    for (const controller of scope.controllers) controller.seen.add(op);
    record(op);
    return op;
  }

  /** @internal Adds what is known of a tensor's shape. @returns false where it contradicts what was known. */
  refineShape(tensor: Tensor, shape: Shape): boolean {
    const before = tensor.shape;
    const merged = mergeShapes(before, shape);
    if (merged === undefined) return false;
    if (shapesEqual(before, merged)) return true;
    if (this.#depth > 0) this.#ledger.refine(tensor, merged);
    else tensor.setShape(merged);
    return true;
  }

  /** @internal Puts a node's name into a collection. */
  addToCollection(collection: string, name: string): void {
    this.#ledger.addMember(collection, name);
  }

  /** @internal Puts a function into the library. Its name must be `uniqueFunctionName`'s. */
  addFunction(fn: GraphFunction): void {
    this.#checkNotFinalized(fn.def.signature.name);
    this.#ledger.addFunction(fn);
  }

  /** @internal Puts the functions from number `start` on into the order of `names`; they must not be in a state that anybody has. */
  orderFunctions(start: number, names: readonly string[]): void {
    this.#ledger.orderFunctions(start, names);
  }

  /** @internal A name that no function of the library has; it is taken from now on. */
  uniqueFunctionName(prefix: string): string {
    // No operation has a colon in its name: one table serves both.
    const space = 'function:';
    return this.#names.unique(`${space}${prefix.replace(/\/+$/, '').replaceAll('/', '_')}`).text.slice(space.length);
  }

  /** The functions of the graph's library, oldest first: the bodies of its conditionals, loops and calls. */
  functions(): readonly GraphFunction[] {
    return this.#ledger.functions.slice();
  }

  /** @internal The function of that name. @throws NotFoundError */
  function(name: string): GraphFunction {
    const found = this.#ledger.functionNamed(name);
    if (!found) throw new NotFoundError(`The graph's library has no function '${name}'.`);
    return found;
  }

  /** The names in a collection, such as `trainable_variables`. */
  collection(name: string): readonly string[] {
    return this.state.collections[name] ?? [];
  }

  /**
   * The graph as TensorFlow's GraphDef, a plain object: nodes as they were made, and the library. Constants are views of the graph's.
   * @throws DTypeError for a constant, or a text, that has no form there
   * @example
   * constant([1, 2], { name: 'x' }).square();
   * g.toGraphDef().node?.map(({ name, op, input }) => [name, op, input]); // [['x', 'Const', []], ['Square', 'Square', ['x']]]
   */
  toGraphDef(): GraphDef {
    return exportGraph(this);
  }

  toString(): string {
    return `Graph(${this.#operations.length} operations)`;
  }

  #checkNotFinalized(name: string): void {
    if (this.#finalized) throw new GraphFinalizedError(this.whyFinalized(name), { nodeName: name });
  }

  /** What to say to who adds a node called `name` to the graph, once it is finalized. */
  protected whyFinalized(name: string): string {
    return `The graph is finalized and cannot take '${name}'. Build everything before finalize().`;
  }

  #nameOfScope(scope: string): TakenName {
    checkName(scope, false);
    const text = scope.slice(0, -1);
    const bearer = this.#names.bearer(text);
    if (bearer) throw new InvalidArgumentError(`The graph has an operation '${bearer.name}' already.`);
    return this.#names.claim(text) ?? this.#names.unique(text);
  }
}

/** The graph that nodes without tensor arguments go to: the innermost `asDefault`, or one global graph. */
export function getDefaultGraph(): Graph {
  return defaultGraphs.at(-1) ?? (rootGraph ??= new Graph());
}

/** Replaces the global default graph by an empty one. @throws InvalidArgumentError inside `asDefault`. */
export function resetDefaultGraph(): void {
  if (defaultGraphs.length > 0) throw new InvalidArgumentError('resetDefaultGraph cannot be called inside asDefault.');
  rootGraph = undefined;
}
