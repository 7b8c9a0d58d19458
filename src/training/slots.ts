/** What an optimizer remembers: a variable for each slot of each variable, and variables of its own. */
import type { Graph } from '../graph/graph.js';
import type { Operation } from '../graph/operation.js';
import { isFullyDefined } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { zeros } from '../ops/definitions/array-fill.js';
import { shape as shapeOf } from '../ops/definitions/array-shape.js';
import { cond } from '../ops/definitions/cond.js';
import { variable as makeVariable, type Variable } from '../ops/definitions/variable.js';
import type { Operand, TensorLike } from '../ops/types.js';

/** The value an initializer starts from: a tensor, or a function called in the name scope of the variable. */
type Initial = Operand | (() => Operand);

/** Slots by name and variable; made where they are missing. What a graph took back counts as missing. */
export class Slots {
  readonly #slots = new Map<string, Map<Operation, Variable>>();
  readonly #others = new Map<string, Map<Graph, Variable>>();

  /** The slot of `variable`, or null. */
  get(variable: Variable, slot: string): Variable | null {
    const found = this.#slots.get(slot)?.get(variable.handle.op);
    return found && isThere(found) ? found : null;
  }

  /** The slot of `variable`, which there is. */
  of(variable: Variable, slot: string): Variable {
    return this.get(variable, slot)!;
  }

  /** The names of all slots, sorted. */
  names(): string[] {
    const used = [...this.#slots].filter(([, variables]) => [...variables.values()].some(isThere));
    return used.map(([name]) => name).sort();
  }

  /** All variables of `graph`, by name. */
  in(graph: Graph): Variable[] {
    const all = [...this.#slots.values(), ...this.#others.values()].flatMap((variables) => [...variables.values()]);
    const here = all.filter((variable) => variable.graph === graph && isThere(variable));
    return here.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A slot called `<variable>/<optimizer>` that starts as zeros. */
  zeros(variable: Variable, slot: string, optimizer: string): void {
    this.#make(variable, slot, optimizer, () => {
      const { dtype, shape } = variable;
      if (isFullyDefined(shape)) return () => zeros(shape, { dtype });
      return zeros(initialShape(variable), { dtype });
    });
  }

  /** A slot that starts as `initial` of the shape of the variable. */
  filled(
    variable: Variable,
    slot: string,
    optimizer: string,
    initial: (shape: readonly number[] | Tensor) => Tensor,
  ): void {
    this.#make(variable, slot, optimizer, () => {
      const { shape } = variable;
      if (isFullyDefined(shape)) return () => initial(shape);
      return initial(initialShape(variable));
    });
  }

  /** A variable of the optimizer's own, placed with `beside`: one for each graph. */
  other(name: string, initial: Initial, beside: Variable): void {
    const { graph } = beside;
    const known = this.#others.get(name) ?? new Map<Graph, Variable>();
    this.#others.set(name, known);
    const found = known.get(graph);
    if (found && isThere(found)) return;
    const colocation = [...graph.scope.colocation, beside.handle.op];
    const make = () => makeVariable(initial as () => TensorLike, { name, trainable: false });
    known.set(
      graph,
      graph.withScope({ colocation }, () => graph.asDefault(make)),
    );
  }

  otherIn(graph: Graph, name: string): Variable {
    return this.#others.get(name)!.get(graph)!;
  }

  /** `initial` is called in the scope of the caller, and what it gives inside that of the slot. */
  #make(variable: Variable, slot: string, optimizer: string, initial: () => Initial): void {
    if (this.get(variable, slot)) return;
    const { graph } = variable;
    const name = `${variable.handle.op.name}/${optimizer}`;
    const made = graph.asDefault(() => {
      const value = graph.withScope({ controllers: [] }, initial);
      // The name depends on the variable alone, not on where the optimizer is called.
      const scope = { name: '', colocation: [...graph.scope.colocation, variable.handle.op] };
      return graph.withScope(scope, () => makeVariable(value as () => TensorLike, { name, trainable: false }));
    });
    const known = this.#slots.get(slot) ?? new Map<Operation, Variable>();
    this.#slots.set(slot, known.set(variable.handle.op, made));
  }
}

function isThere({ graph, handle }: Variable): boolean {
  return graph.holds(handle.op);
}

/** The shape the variable has, or will have once it is initialized. */
function initialShape(variable: Variable): Tensor {
  return shapeOf(
    cond(
      variable.isInitialized(),
      () => variable.value(),
      () => variable.initialValue,
    ),
  );
}
