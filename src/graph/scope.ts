/** The surroundings a node is made in, as an immutable record, and what follows from them for the node. */
import type { Operation } from './operation.js';
import type { CallSite } from './site.js';

/** The control inputs of one `controlDependencies` block, and the operations made inside it. */
export interface Controller {
  readonly inputs: readonly Operation[];
  readonly seen: Set<Operation>;
}

/** What other nodes can be placed with. */
export interface Placed {
  readonly device: string;
  colocationGroups(): readonly string[];
}

/** An immutable record: entering a scope replaces it, leaving puts the old one back. */
export interface Scope {
  readonly name: string;
  readonly device: string;
  /** Oldest first. */
  readonly colocation: readonly Placed[];
  readonly controllers: readonly Controller[];
  readonly gradientOverrides: Readonly<Record<string, string>>;
  readonly forwardOp: Operation | null;
  /** Set while one user call makes many nodes: they all were created there. */
  readonly site: CallSite | null;
}

export const rootScope: Scope = Object.freeze({
  name: '',
  device: '',
  colocation: [],
  controllers: [],
  gradientOverrides: {},
  forwardOp: null,
  site: null,
});

/** `outer` with parts of it replaced. */
export function scopeWith(outer: Scope, change: Partial<Scope>): Scope {
  // Field by field: spreading two records costs ten times as much, and every gradient rule runs in two scopes.
  return {
    name: change.name ?? outer.name,
    device: change.device ?? outer.device,
    colocation: change.colocation ?? outer.colocation,
    controllers: change.controllers ?? outer.controllers,
    gradientOverrides: change.gradientOverrides ?? outer.gradientOverrides,
    forwardOp: change.forwardOp === undefined ? outer.forwardOp : change.forwardOp,
    site: change.site === undefined ? outer.site : change.site,
  };
}

const none: readonly never[] = [];

/** Device and colocation groups of a node made in `scope`. */
export function placement(scope: Scope): { device: string; groups: readonly string[] } {
  if (scope.colocation.length === 0) return { device: scope.device, groups: none };
  const placed = scope.colocation.findLast((op) => op.device !== '');
  const groups = [...new Set(scope.colocation.flatMap((op) => op.colocationGroups()))].sort();
  return { device: placed?.device ?? scope.device, groups };
}

/** The control inputs of a node made in `scope` from the data inputs `inputs`. */
export function controlInputsFor(
  scope: Scope,
  inputs: readonly { readonly op: Operation }[],
  more: readonly Operation[],
): readonly Operation[] {
  if (scope.controllers.length === 0 && more.length === 0) return none;
  const isInput = (op: Operation) => inputs.some((input) => input.op === op);
  const result = more.filter((op) => !isInput(op));
  for (const { inputs: controls, seen } of scope.controllers) {
    if (inputs.some(({ op }) => seen.has(op))) continue;
    for (const control of controls) if (!isInput(control) && !more.includes(control)) result.push(control);
  }
  // A copy has no room left to grow, which lists that were pushed to have: graphs have millions of them.
  return result.slice();
}
