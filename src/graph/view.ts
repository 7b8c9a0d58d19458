/** The structure of a graph as a graphlib multigraph, compound by name scope: for questions, clusters and exchange. */
import { Graph as StructureGraph, type Edge } from 'graphlib';
import type { Graph } from './graph.js';
import type { Operation } from './operation.js';
import type { GraphState } from './state.js';
import type { Tensor } from './tensor.js';

/** What the view keeps at an operation's node; scopes have `{ scope }`. */
export type ViewNode = { readonly op: Operation } | { readonly scope: string };
/** What it keeps at an edge: the tensor and the input it becomes, or a control dependency. */
export type ViewEdge = { readonly tensor: Tensor; readonly input: number } | { readonly control: true };

/** The structure underneath: graphlib's own graph, for its algorithms and its JSON. */
export type Structure = StructureGraph<object, ViewNode, ViewEdge>;

/** What is directly inside a name scope. */
export interface ScopeChildren {
  /** Full names of the scopes inside. */
  readonly scopes: readonly string[];
  readonly operations: readonly Operation[];
}

// Prefixed, since graphlib keeps names as object keys and would move integer-like ones to the front.
const opKey = (name: string): string => `op:${name}`;
const scopeKey = (name: string): string => `scope:${name}`;

/** The name scope an operation is drawn in: a scope of its own name where there is one, else the one around it. */
function homeScope(name: string, scopes: ReadonlySet<string>): string {
  return scopes.has(name) ? name : parentScope(name);
}

/** `a/b` of `a/b/c`; the empty string at the top. */
export function parentScope(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

/**
 * Neighbours, components and scopes of a fixed list of operations. Edges from operations outside the list are left out.
 *
 * An operation `a` with operands `a/x` in a scope of its name counts as inside that scope.
 */
export class GraphView {
  readonly operations: readonly Operation[];
  readonly #structure: Structure;
  #hasEdges = false;

  constructor(operations: readonly Operation[]) {
    this.operations = operations;
    this.#structure = new StructureGraph<object, ViewNode, ViewEdge>({
      directed: true,
      multigraph: true,
      compound: true,
    });
    const scopes = this.#addScopes();
    for (const op of operations) this.#addOperation(op, scopes);
  }

  /** graphlib's graph. Operations are nodes `op:NAME`, scopes `scope:NAME`. Do not change it: it is shared. */
  get structure(): Structure {
    // Edges are most of the cost, and who only asks for scopes does not need them.
    if (!this.#hasEdges) for (const op of this.operations) this.#addEdges(op);
    this.#hasEdges = true;
    return this.#structure;
  }

  /** Operations whose outputs `op` takes or that run before it. */
  predecessors(op: Operation): readonly Operation[] {
    return this.#operations(this.structure.predecessors(opKey(op.name)));
  }

  /** Operations that take outputs of `op` or run after it. */
  successors(op: Operation): readonly Operation[] {
    return this.#operations(this.structure.successors(opKey(op.name)));
  }

  /** Predecessors and successors, each once. */
  neighbours(op: Operation): readonly Operation[] {
    return this.#operations(this.structure.neighbors(opKey(op.name)));
  }

  /** Edges into `op`: data in input order, then control. */
  edgesInto(op: Operation): readonly { readonly from: Operation; readonly edge: ViewEdge }[] {
    return (this.structure.inEdges(opKey(op.name)) ?? []).map((edge: Edge) => ({
      from: (this.structure.node(edge.v) as { op: Operation }).op,
      edge: this.structure.edge(edge),
    }));
  }

  /** Groups of operations that are connected with each other and with nothing else, oldest first. */
  components(): readonly (readonly Operation[])[] {
    const components: Operation[][] = [];
    const seen = new Set<Operation>();
    for (const start of this.operations) {
      if (seen.has(start)) continue;
      // graphlib's own `components` recurses and fails on chains of a few thousand.
      const component = [start];
      seen.add(start);
      for (let i = 0; i < component.length; i++) {
        for (const next of this.neighbours(component[i]!)) {
          if (seen.has(next)) continue;
          seen.add(next);
          component.push(next);
        }
      }
      components.push(component.sort((a, b) => a.id - b.id));
    }
    return components;
  }

  /** The scope that `op` is drawn in; the empty string at the top. */
  scopeOf(op: Operation): string {
    const parent = this.#structure.parent(opKey(op.name));
    return parent === undefined ? '' : (this.#structure.node(parent) as { scope: string }).scope;
  }

  /** What is directly inside the scope of that full name; the empty string asks for the top. */
  scopeChildren(scope = ''): ScopeChildren {
    if (scope !== '' && !this.#structure.hasNode(scopeKey(scope))) return { scopes: [], operations: [] };
    const scopes: string[] = [];
    const operations: Operation[] = [];
    for (const key of scope === '' ? this.#structure.children() : this.#structure.children(scopeKey(scope))) {
      const node = this.#structure.node(key);
      if ('scope' in node) scopes.push(node.scope);
      else operations.push(node.op);
    }
    return { scopes, operations };
  }

  #addScopes(): ReadonlySet<string> {
    const scopes = new Set<string>();
    for (const { name } of this.operations) {
      const path: string[] = [];
      for (let scope = parentScope(name); scope !== '' && !scopes.has(scope); scope = parentScope(scope))
        path.push(scope);
      for (const scope of path.reverse()) {
        scopes.add(scope);
        this.#structure.setNode(scopeKey(scope), { scope });
        const parent = parentScope(scope);
        if (parent !== '') this.#structure.setParent(scopeKey(scope), scopeKey(parent));
      }
    }
    return scopes;
  }

  #addOperation(op: Operation, scopes: ReadonlySet<string>): void {
    this.#structure.setNode(opKey(op.name), { op });
    const home = homeScope(op.name, scopes);
    if (home !== '') this.#structure.setParent(opKey(op.name), scopeKey(home));
  }

  #addEdges(op: Operation): void {
    const key = opKey(op.name);
    op.inputs.forEach((tensor, input) => {
      const from = opKey(tensor.op.name);
      if (this.#structure.hasNode(from)) this.#structure.setEdge(from, key, { tensor, input }, `data ${input}`);
    });
    for (const control of op.controlInputs) {
      const from = opKey(control.name);
      if (this.#structure.hasNode(from)) this.#structure.setEdge(from, key, { control: true }, 'control');
    }
  }

  #operations(keys: readonly string[] | undefined): readonly Operation[] {
    return (keys ?? []).map((key) => (this.#structure.node(key) as { op: Operation }).op);
  }
}

const views = new WeakMap<GraphState, GraphView>();

/**
 * The structural view of a graph as it is now: who feeds whom, what is connected, what a name scope holds.
 * The same object until the graph grows.
 * @example
 * const x = constant(2, { name: 'x' });
 * tanh(x);
 * const view = graphView(g);
 * view.successors(g.operation('x')).map((op) => op.name); // ['Tanh']
 * view.structure; // graphlib's own graph, for its algorithms
 */
export function graphView(graph: Graph): GraphView {
  const state = graph.state;
  let view = views.get(state);
  if (!view) views.set(state, (view = new GraphView(graph.operations())));
  return view;
}
