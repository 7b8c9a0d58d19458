/** What a picture of a graph shows, whatever the notation: nested scopes with nodes, and edges; large graphs collapsed. */
import type { Graph } from '../graph.js';
import type { Operation } from '../operation.js';
import { parentScope, type GraphView, type ScopeChildren } from '../view.js';
import { backwardOperations } from './roles.js';
import { textLine } from './text.js';
import { summarize, tensorType } from './values.js';

/** Forward and backward nodes look different; outside ones feed the picture but are not part of it. */
export type Role = 'forward' | 'backward' | 'outside';

export interface DrawnNode {
  readonly id: string;
  /** Op type, or the name of a collapsed scope. */
  readonly title: string;
  readonly details: readonly string[];
  readonly role: Role;
  /** `source` takes no inputs, `state` holds a resource, `box` stands for many operations. */
  readonly kind: 'op' | 'source' | 'state' | 'box';
  /** The colocation group, for nodes that share theirs with another. */
  readonly group: string | null;
  readonly tooltip: string;
}

export interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly control: boolean;
}

export interface DrawnScope {
  readonly name: string;
  readonly role: Role;
  readonly nodes: readonly DrawnNode[];
  readonly scopes: readonly DrawnScope[];
}

export interface Drawing {
  readonly root: DrawnScope;
  readonly edges: readonly DrawnEdge[];
  /** What was left out, for the reader. */
  readonly note: string | null;
}

interface MutableScope extends DrawnScope {
  readonly nodes: DrawnNode[];
  readonly scopes: MutableScope[];
}

/** The picture of the operations in `view`; above `limit` nodes, scopes become single boxes. */
export function drawingOf(graph: Graph, view: GraphView, limit = Infinity): Drawing {
  return new Drawer(graph, view, limit).draw();
}

class Drawer {
  readonly #view: GraphView;
  readonly #backward: ReadonlySet<Operation>;
  readonly #groupSizes = new Map<string, number>();
  /** The id of the node that shows an operation. */
  readonly #shownAs = new Map<Operation, string>();
  readonly #boxes = new Set<string>();
  readonly #scopeRoles: ReadonlyMap<string, Role>;
  readonly #operandScopes: ReadonlySet<string>;
  readonly #depth: number;
  readonly #merge: boolean;
  readonly #root: MutableScope = emptyScope('');

  constructor(graph: Graph, view: GraphView, limit: number) {
    this.#view = view;
    this.#backward = backwardOperations(graph);
    this.#scopeRoles = scopeRoles(view, this.#backward);
    this.#operandScopes = operandScopes(view);
    const visible = visibleByDepth(view, this.#operandScopes);
    let depth = visible.length - 1;
    while (depth > 0 && visible[depth]! > limit) depth--;
    this.#depth = depth === visible.length - 1 ? Infinity : depth;
    this.#merge = visible[depth]! > limit;
    for (const op of view.operations) {
      for (const group of op.colocationGroups().slice(0, 1))
        this.#groupSizes.set(group, (this.#groupSizes.get(group) ?? 0) + 1);
    }
  }

  draw(): Drawing {
    this.#drawScopes();
    const edges = this.#edges();
    return { root: this.#root, edges, note: this.#note() };
  }

  /** Walks the scopes without recursion; those below the chosen depth become boxes. */
  #drawScopes(): void {
    const pending: { scope: MutableScope; depth: number }[] = [{ scope: this.#root, depth: 0 }];
    for (let next = pending.pop(); next; next = pending.pop()) {
      const { scope, depth } = next;
      const children = this.#children(scope.name);
      if (this.#merge) {
        this.#drawMerged(scope, children);
        continue;
      }
      for (const op of children.operations) scope.nodes.push(this.#drawOperation(op, scope.name));
      for (const name of children.scopes) {
        if (depth >= this.#depth) {
          scope.nodes.push(this.#drawBox(`scope:${name}`, lastPart(name), this.#operationsIn([name])));
        } else {
          const inner = emptyScope(name, this.#scopeRoles.get(name));
          scope.scopes.push(inner);
          pending.push({ scope: inner, depth: depth + 1 });
        }
      }
    }
  }

  /** Where even the top level is too large: one box for all names that differ only in their number. */
  #drawMerged(scope: MutableScope, children: ScopeChildren): void {
    const stems = new Map<string, { ops: Operation[]; names: number }>();
    const add = (name: string, ops: readonly Operation[]) => {
      const stem = name.replace(/_\d+$/, '');
      const entry = stems.get(stem) ?? { ops: [], names: 0 };
      for (const op of ops) entry.ops.push(op);
      entry.names++;
      stems.set(stem, entry);
    };
    for (const op of children.operations) add(op.name, [op]);
    for (const name of children.scopes) add(name, this.#operationsIn([name]));
    for (const [stem, { ops, names }] of stems) {
      const title = names > 1 ? `${stem} …` : stem;
      scope.nodes.push(
        ops.length === 1 ? this.#drawOperation(ops[0]!, '') : this.#drawBox(`names:${stem}`, title, ops),
      );
    }
  }

  /** What is drawn directly inside a scope. */
  #children(scope: string): ScopeChildren {
    const { scopes, operations } = this.#view.scopeChildren(scope);
    const flat = scopes.filter((name) => this.#operandScopes.has(name));
    if (flat.length === 0) return { scopes, operations };
    return {
      scopes: scopes.filter((name) => !this.#operandScopes.has(name)),
      operations: [...operations, ...flat.flatMap((name) => this.#view.scopeChildren(name).operations)],
    };
  }

  #operationsIn(scopes: readonly string[]): Operation[] {
    const found: Operation[] = [];
    const pending = [...scopes];
    for (let scope = pending.pop(); scope !== undefined; scope = pending.pop()) {
      const children = this.#view.scopeChildren(scope);
      for (const op of children.operations) found.push(op);
      for (const inner of children.scopes) pending.push(inner);
    }
    return found;
  }

  #drawOperation(op: Operation, scope: string): DrawnNode {
    this.#shownAs.set(op, op.name);
    const shortName = op.name === scope ? lastPart(op.name) : scope === '' ? op.name : op.name.slice(scope.length + 1);
    const details = shortName === op.type ? [] : [shortName];
    for (const attr of Object.values(op.def.attr))
      if (attr.kind === 'tensor') details.push(`= ${summarize(attr.value)}`);
    const group = op.colocationGroups()[0]!;
    const holdsState = op.outputs.some((tensor) => tensor.dtype === 'resource');
    return {
      id: op.name,
      title: op.type,
      details,
      role: this.#backward.has(op) ? 'backward' : 'forward',
      kind: op.inputs.length > 0 ? 'op' : holdsState ? 'state' : 'source',
      group: this.#groupSizes.get(group)! > 1 ? group.slice('loc:@'.length) : null,
      tooltip: textLine(op),
    };
  }

  #drawBox(id: string, title: string, ops: readonly Operation[]): DrawnNode {
    const types = new Map<string, number>();
    let backward = 0;
    for (const op of ops) {
      this.#shownAs.set(op, id);
      types.set(op.type, (types.get(op.type) ?? 0) + 1);
      if (this.#backward.has(op)) backward++;
    }
    this.#boxes.add(id);
    const common = [...types].sort((a, b) => b[1] - a[1]).map(([type, count]) => `${type} × ${count}`);
    return {
      id,
      title,
      details: [`${ops.length} operations`, common.slice(0, 2).join(', ') + (common.length > 2 ? ' …' : '')],
      role: 2 * backward > ops.length ? 'backward' : 'forward',
      kind: 'box',
      group: null,
      tooltip: common.join(', '),
    };
  }

  #edges(): DrawnEdge[] {
    const edges: DrawnEdge[] = [];
    const bundles = new Map<
      string,
      { from: string; to: string; labels: Set<string>; control: boolean; count: number }
    >();
    const connect = (from: Operation, to: Operation, label: string, control: boolean) => {
      const [v, w] = [this.#shown(from), this.#shownAs.get(to)!];
      if (!this.#boxes.has(v) && !this.#boxes.has(w)) return void edges.push({ from: v, to: w, label, control });
      if (v === w) return;
      const key = JSON.stringify([v, w, control]);
      const bundle = bundles.get(key) ?? { from: v, to: w, labels: new Set(), control, count: 0 };
      bundle.labels.add(label);
      bundle.count++;
      bundles.set(key, bundle);
    };
    for (const op of this.#view.operations) {
      for (const tensor of op.inputs) {
        connect(tensor.op, op, `${tensor.index > 0 ? `:${tensor.index} ` : ''}${tensorType(tensor)}`, false);
      }
      for (const control of op.controlInputs) connect(control, op, '', true);
    }
    for (const { from, to, labels, control, count } of bundles.values()) {
      const label = control
        ? ''
        : count === 1
          ? [...labels][0]!
          : `${count} × ${labels.size === 1 ? [...labels][0]! : 'tensors'}`;
      edges.push({ from, to, label, control });
    }
    return edges;
  }

  /** Operations that are not part of the picture get a node when something in it needs them. */
  #shown(op: Operation): string {
    const id = this.#shownAs.get(op);
    if (id !== undefined) return id;
    this.#shownAs.set(op, op.name);
    this.#root.nodes.push({
      id: op.name,
      title: op.type,
      details: op.name === op.type ? [] : [op.name],
      role: 'outside',
      kind: 'op',
      group: null,
      tooltip: textLine(op),
    });
    return op.name;
  }

  #note(): string | null {
    if (this.#boxes.size === 0) return null;
    const scopes = this.#depth === 0 ? 'name scopes' : `name scopes more than ${this.#depth} deep`;
    const what = this.#merge ? 'name scopes, and nodes whose names differ only in their number,' : scopes;
    return `Of ${this.#view.operations.length} operations, ${what} are drawn as single boxes.`;
  }
}

function emptyScope(name: string, role: Role = 'forward'): MutableScope {
  return { name, role, nodes: [], scopes: [] };
}

/** A scope is backward where its oldest operation is. */
function scopeRoles(view: GraphView, backward: ReadonlySet<Operation>): ReadonlyMap<string, Role> {
  const roles = new Map<string, Role>();
  for (const op of view.operations) {
    const role = backward.has(op) ? 'backward' : 'forward';
    for (let scope = view.scopeOf(op); scope !== '' && !roles.has(scope); scope = parentScope(scope))
      roles.set(scope, role);
  }
  return roles;
}

const lastPart = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

/** Scopes that hold only an operation of their name and its operands: they would be boxes around next to nothing. */
function operandScopes(view: GraphView): ReadonlySet<string> {
  const own = view.operations.filter((op) => view.scopeOf(op) === op.name).map((op) => op.name);
  return new Set(own.filter((scope) => view.scopeChildren(scope).scopes.length === 0));
}

/** Entry `d`: how many nodes are drawn when scopes more than `d` deep become boxes. The last entry draws all operations. */
function visibleByDepth(view: GraphView, flat: ReadonlySet<string>): number[] {
  const depths = new Map<string, number>([['', 0]]);
  const operations: number[] = [0];
  const scopes: number[] = [1];
  for (const op of view.operations) {
    const home = view.scopeOf(op);
    const depth = depthOf(flat.has(home) ? parentScope(home) : home, depths, scopes);
    operations[depth] = (operations[depth] ?? 0) + 1;
  }
  let sum = 0;
  return scopes.map((_, d) => (sum += operations[d] ?? 0) + (scopes[d + 1] ?? 0));
}

function depthOf(scope: string, depths: Map<string, number>, scopes: number[]): number {
  const path: string[] = [];
  let at = scope;
  while (!depths.has(at)) {
    path.push(at);
    at = parentScope(at);
  }
  let depth = depths.get(at)!;
  for (const name of path.reverse()) {
    depths.set(name, ++depth);
    scopes[depth] = (scopes[depth] ?? 0) + 1;
  }
  return depth;
}
