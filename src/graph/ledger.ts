/** What a graph holds, in the order in which it came, with its sealed state and the way back. */
import type { Graph } from './graph.js';
import type { Operation } from './operation.js';
import type { Shape } from './shape.js';
import { append, emptyState, type Addition, type FunctionDef, type GraphState, type Room } from './state.js';
import type { Tensor } from './tensor.js';

/** A function of the library: its definition, and its body as a graph. */
export interface GraphFunction {
  readonly def: FunctionDef;
  readonly body: Graph;
}

/** How much of everything a graph holds. */
export interface Count {
  readonly nodes: number;
  readonly members: number;
  readonly functions: number;
}

/** A static shape that came to be known better. */
export interface Refinement {
  readonly tensor: Tensor;
  readonly before: Shape;
}

interface Sealed extends Count {
  readonly state: GraphState;
}

/** A point to go back to. */
export interface LedgerMark extends Count {
  readonly refinements: number;
  readonly sealed: Sealed;
}

export class Ledger {
  readonly operations: Operation[] = [];
  readonly functions: GraphFunction[] = [];
  /** Where in that list each function was put; what stands there now may be another one. */
  readonly #places = new Map<string, number>();
  /** Everything ever put into a collection. */
  readonly #members: Addition['collections'][number][] = [];
  /** Since the outermost transaction began. */
  readonly #refinements: Refinement[] = [];
  /** The newest state that was asked for, and how much of all this it holds. */
  #sealed: Sealed = { state: emptyState, nodes: 0, members: 0, functions: 0 };

  /** All of it as an immutable state. The same object as long as nothing is added. */
  get state(): GraphState {
    const { state, nodes, members, functions } = this.#sealed;
    if (nodes < this.operations.length || members < this.#members.length || functions < this.functions.length) {
      this.#sealed = { state: append(state, this.since(this.#sealed))[0], ...this.count() };
    }
    return this.#sealed.state;
  }

  count(): Count {
    return { nodes: this.operations.length, members: this.#members.length, functions: this.functions.length };
  }

  addMember(collection: string, name: string): void {
    this.#members.push([collection, name]);
  }

  addFunction(fn: GraphFunction): void {
    this.#places.set(fn.def.signature.name, this.functions.length);
    this.functions.push(fn);
  }

  /** Puts the functions from number `start` on into the order of `names`. */
  orderFunctions(start: number, names: readonly string[]): void {
    const place = new Map(names.map((name, i) => [name, i]));
    const of = ({ def }: GraphFunction) => place.get(def.signature.name) ?? names.length;
    for (const fn of this.functions.splice(start).sort((a, b) => of(a) - of(b))) this.addFunction(fn);
  }

  functionNamed(name: string): GraphFunction | null {
    const fn = this.functions[this.#places.get(name) ?? -1];
    return fn?.def.signature.name === name ? fn : null;
  }

  /** Gives `tensor` a shape. */
  refine(tensor: Tensor, shape: Shape): void {
    this.#refinements.push({ tensor, before: tensor.shape });
    tensor.setShape(shape);
  }

  /** What came between two points. */
  since(start: Count, end: Count = this.count()): Addition {
    return {
      nodes: this.operations.slice(start.nodes, end.nodes).map((op) => op.def),
      functions: this.functions.slice(start.functions, end.functions).map((fn) => fn.def),
      collections: this.#members.slice(start.members, end.members),
    };
  }

  mark(): LedgerMark {
    return {
      nodes: this.operations.length,
      members: this.#members.length,
      functions: this.functions.length,
      refinements: this.#refinements.length,
      sealed: this.#sealed,
    };
  }

  /** Makes everything what it was at `mark`. */
  rollback(mark: LedgerMark): void {
    this.operations.length = mark.nodes;
    this.#members.length = mark.members;
    this.functions.length = mark.functions;
    this.#sealed = mark.sealed;
    while (this.#refinements.length > mark.refinements) {
      const { tensor, before } = this.#refinements.pop()!;
      tensor.setShape(before);
    }
  }

  /** How much there was at `mark`; of collections, those listed. */
  roomAt({ nodes, functions, members }: LedgerMark, collections: ReadonlySet<string>): Room {
    const counts = Object.fromEntries([...collections].map((name) => [name, 0]));
    if (collections.size > 0) {
      for (let i = 0; i < members; i++) {
        const [collection] = this.#members[i]!;
        if (collections.has(collection)) counts[collection]!++;
      }
    }
    return { nodes, functions, collections: counts };
  }

  /** The tensors older than `mark` whose shapes were refined since. */
  refinedSince(mark: LedgerMark): readonly Tensor[] {
    const tensors = this.#refinements.slice(mark.refinements).map(({ tensor }) => tensor);
    return [...new Set(tensors)].filter(({ op }) => op.id < mark.nodes);
  }

  /** Forgets the way back: no mark is open any more. */
  commit(): void {
    this.#refinements.length = 0;
  }
}
