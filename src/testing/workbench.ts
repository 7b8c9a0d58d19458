/** Runs parts of a graph again and again on exactly the same state, with one input changed. */
import { InvalidArgumentError } from '../graph/errors.js';
import type { Graph } from '../graph/graph.js';
import type { NDArray } from '../graph/ndarray.js';
import type { Operation } from '../graph/operation.js';
import { takingBack } from '../graph/rollback.js';
import type { Tensor } from '../graph/tensor.js';
import { call, one } from '../ops/call.js';
import { Variable, variablesIn, variableType } from '../ops/definitions/variable.js';
import { opDef } from '../ops/opdef.js';
import { Session } from '../session/session.js';

/** What a function can be differentiated by. */
export type Source = Tensor | Variable;

/** A value for a tensor, which is fed, or for the variable behind a handle, which is assigned. */
export interface Change {
  readonly tensor: Tensor;
  readonly value: NDArray;
}

export interface Surroundings {
  readonly graph: Graph;
  readonly feeds: ReadonlyMap<Tensor, NDArray>;
  /** Where variables have their values; null where their initializers give them. */
  readonly session: Session | null;
}

/**
 * Runs `fn` on a workbench for `graph`, which is left as it was. Variables that `roots` need are those of the session
 * given, or start from their initializers.
 */
export async function onWorkbench<T>(
  surroundings: Surroundings,
  roots: readonly Source[],
  fn: (bench: Workbench) => T,
): Promise<T> {
  const { graph, feeds, session } = surroundings;
  if (session && session.graph !== graph) throw new InvalidArgumentError('The session given runs another graph.');
  const needed = new Set(
    closure(
      roots.map((root) => tensorOf(root).op),
      feeds,
    ),
  );
  const variables = variablesIn(graph, 'variables').filter((variable) => needed.has(variable.handle.op));
  const values = session && variables.length > 0 ? await session.run(variables.map(({ fetchable }) => fetchable)) : [];
  const state = new Map(values.map((value, i) => [variables[i]!.handle.op, value]));
  const own = new Session({ graph });
  try {
    return takingBack(graph, () => fn(new Workbench(graph, own, feeds, state)));
  } finally {
    await own.close();
  }
}

/** A variable on the workbench: how it is written, and the value it has before each run. */
interface Cell {
  readonly placeholder: Tensor;
  readonly write: Operation;
  readonly value: NDArray;
}

export class Workbench {
  readonly #graph: Graph;
  readonly #session: Session;
  readonly #given: ReadonlyMap<Operation, NDArray>;
  readonly #feeds: Map<Tensor, NDArray>;
  readonly #cells = new Map<Operation, Cell>();
  readonly #known = new Set<Operation>();
  #writes = false;

  constructor(
    graph: Graph,
    session: Session,
    feeds: ReadonlyMap<Tensor, NDArray>,
    state: ReadonlyMap<Operation, NDArray>,
  ) {
    this.#graph = graph;
    this.#session = session;
    this.#feeds = new Map(feeds);
    this.#given = state;
  }

  /** The unchanged value of `source`. */
  valueOf(source: Source): NDArray {
    if (!(source instanceof Variable)) return this.run([source])[0]!;
    this.#prepare([source.handle.op]);
    return this.#cells.get(source.handle.op)!.value;
  }

  /** From now on `tensor` has this value. */
  feed(tensor: Tensor, value: NDArray): void {
    this.#feeds.set(tensor, value);
  }

  /** Whether `tensor` always has a value of its own, whatever it is computed from. */
  isFed(tensor: Tensor): boolean {
    return this.#feeds.has(tensor);
  }

  /** The handle of a new variable that holds `value`. */
  variable(value: NDArray): Tensor {
    const { dtype, shape } = value;
    const handle = one('VarHandleOp', [], { dtype, shape });
    const cell = this.#cellOf(handle, value);
    this.#assign(cell, value);
    this.#cells.set(handle.op, cell);
    return handle;
  }

  /** The values of `tensors`, with `change` made for this run only. */
  run(tensors: readonly Tensor[], change?: Change): readonly NDArray[] {
    this.#prepare(tensors.map((tensor) => tensor.op));
    if (!change) return this.#evaluate(tensors, this.#feeds);
    const { tensor, value } = change;
    if (tensor.dtype !== 'resource') return this.#evaluate(tensors, new Map([...this.#feeds, [tensor, value]]));
    this.#prepare([tensor.op]);
    const cell = this.#cells.get(tensor.op)!;
    this.#assign(cell, value);
    try {
      return this.#session.runSync([...tensors], this.#feeds);
    } finally {
      if (this.#writes) this.#restore();
      else this.#assign(cell, cell.value);
    }
  }

  #evaluate(tensors: readonly Tensor[], feeds: ReadonlyMap<Tensor, NDArray>): readonly NDArray[] {
    const values = this.#session.runSync([...tensors], feeds);
    if (this.#writes) this.#restore();
    return values;
  }

  /** Sets up what these operations need and earlier ones did not: variables get values, random numbers are drawn once. */
  #prepare(roots: readonly Operation[]): void {
    if (roots.every((op) => this.#known.has(op))) return;
    const fresh = closure(roots, this.#feeds).filter((op) => !this.#known.has(op));
    this.#initialize(fresh.filter((op) => op.type === 'VarHandleOp'));
    for (const op of fresh) this.#known.add(op);
    if (fresh.some((op) => opDef(op.type).effect === 'write')) this.#writes = true;
    const random = fresh.filter((op) => opDef(op.type).effect === 'random').flatMap((op) => op.outputs);
    if (random.length === 0) return;
    this.#evaluate(random, this.#feeds).forEach((value, i) => this.#feeds.set(random[i]!, value));
  }

  /** Gives variables their values, oldest first: an initial value can only depend on older ones. */
  #initialize(handles: readonly Operation[]): void {
    if (handles.length === 0) return;
    const known = new Map(variablesIn(this.#graph, 'variables').map((variable) => [variable.handle.op, variable]));
    const initializers = handles.flatMap((op) => (this.#given.has(op) ? [] : (known.get(op)?.initializer ?? [])));
    const all = new Set([...handles, ...closure(initializers, this.#feeds).filter((op) => op.type === 'VarHandleOp')]);
    for (const op of [...all].sort((a, b) => a.id - b.id)) {
      if (!this.#cells.has(op)) this.#cells.set(op, this.#cellFor(op, known.get(op)));
    }
  }

  #cellFor(op: Operation, variable: Variable | undefined): Cell {
    const handle = op.outputs[0]!;
    const given = this.#given.get(op);
    if (given) {
      const cell = this.#cellOf(handle, given);
      this.#assign(cell, given);
      return cell;
    }
    if (variable) this.#session.runSync(variable.initializer, this.#feeds);
    const { dtype } = variableType(handle);
    return this.#cellOf(handle, this.#session.runSync(one('ReadVariableOp', [handle], { dtype })));
  }

  #cellOf(handle: Tensor, value: NDArray): Cell {
    const { dtype, shape } = variableType(handle);
    const placeholder = one('Placeholder', [], { dtype, shape });
    return { placeholder, write: call('AssignVariableOp', [handle, placeholder]), value };
  }

  #assign(cell: Cell, value: NDArray): void {
    this.#session.runSync(cell.write, new Map([[cell.placeholder, value]]));
  }

  #restore(): void {
    for (const cell of this.#cells.values()) this.#assign(cell, cell.value);
  }
}

/** The tensor through which a source enters a graph: of a variable, its handle. */
export function tensorOf(source: Source): Tensor {
  return source instanceof Variable ? source.handle : source;
}

/** `roots` and all that they depend on, data and control, up to what is fed. */
function closure(roots: readonly Operation[], feeds: ReadonlyMap<Tensor, NDArray>): Operation[] {
  const seen = new Set(roots);
  const stack = [...seen];
  const visit = (op: Operation): void => {
    if (seen.has(op)) return;
    seen.add(op);
    stack.push(op);
  };
  for (let op = stack.pop(); op; op = stack.pop()) {
    for (const input of op.inputs) if (!feeds.has(input)) visit(input.op);
    op.controlInputs.forEach(visit);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}
