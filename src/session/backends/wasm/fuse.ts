/** Puts values together that are computed in one loop nest, and decides which are computed again where they are read. */
import type { Expr } from '../../../ops/expr.js';
import { sizeOf } from '../../../graph/shape.js';
import type { Lowered } from './lower.js';
import { vectorFunctions } from './scalar-ops.js';
import { outputsOf } from './memory.js';
import {
  holderOf,
  mayFail,
  partsOf,
  scattered,
  type Node,
  type Program,
  type ProgramStep,
  type Value,
} from './program.js';
import { Regions } from './regions.js';

/** Members and expression nodes of a kernel at most: engines refuse functions of too many locals. */
const mostMembers = 128;
const mostNodes = 3000;
/** What is read in place of being stored may be so large, and lie so deep. */
const mostInlined = 200;
const deepest = 12;

/** A value that an expression loads. */
export interface Use {
  readonly value: Value;
  /** Whether the element at the reader's own index is all it loads of it. */
  readonly aligned: boolean;
  /** How many elements the reader loads. */
  readonly loads: number;
}

interface Facts {
  readonly uses: readonly Use[];
  /** What one element costs to compute, in simple operators: those that load or say where are not counted. */
  readonly cost: number;
  readonly nodes: number;
  readonly reduces: boolean;
  readonly fails: boolean;
  /** Whether an element depends on its index otherwise than by what it loads. */
  readonly indexed: boolean;
}

export interface Fused extends Program {
  /** Values that are computed anew wherever they are read. */
  readonly inlined: ReadonlySet<Value>;
  /** Members of kernels that somebody reads from memory. */
  readonly stored: ReadonlySet<Value>;
  /** What the compiled code of each step reads from memory. */
  readonly reads: readonly ReadonlySet<Value>[];
  /** What each member of a kernel reads, through what is computed in the place of loads. */
  readonly deps: ReadonlyMap<Value, readonly Use[]>;
  /** Values whose computation may fail. */
  readonly failing: ReadonlySet<Value>;
}

export function fuse(plan: Program['request'], lowered: Lowered): Fused {
  return new Fusion(lowered).run(plan);
}

class Fusion {
  readonly #lowered: Lowered;
  readonly #facts = new Map<Value, Facts>();
  /** Who reads a value: `null` for what is not compiled, or reads all of it. */
  readonly #readers = new Map<Value, { reader: Value | null; use: Use | null }[]>();
  readonly #inlined = new Set<Value>();
  readonly #stored = new Set<Value>();
  readonly #steps: (ProgramStep & { readonly members?: Value[] })[] = [];
  readonly #nodesOf: number[] = [];
  readonly #stepOf = new Map<Value, number>();
  /** The last kernel that reads a value element by element. */
  readonly #readBy = new Map<Value, number>();
  readonly #deps = new Map<Value, readonly Use[]>();
  /** The regions of steps, and of values before they have steps. */
  readonly #regionOf: number[] = [];
  readonly #regions = new Regions();
  readonly #definedIn = new Map<Value, number>();
  /** How many steps there are up to the last that has an effect. */
  #afterEffects = 0;
  /** How many steps must come before what reads a value. */
  readonly #notBefore = new Map<Value, number>();

  constructor(lowered: Lowered) {
    this.#lowered = lowered;
  }

  run(request: Program['request']): Fused {
    const { values, steps, feeds, fetches } = this.#lowered;
    this.#analyse();
    this.#chooseInlined();
    for (const step of steps) {
      if (step.kind === 'barrier') this.#notBefore.set(step.value, this.#steps.length);
      else if (step.kind !== 'define') {
        for (const output of outputsOf(step)) this.#stepOf.set(output, this.#steps.length);
        if (step.kind === 'flow') this.#regions.pass(step);
        this.#push(step, 0);
        if (step.kind === 'assign' || step.kind === 'host') this.#afterEffects = this.#steps.length;
      } else if (!this.#inlined.has(step.value)) this.#place(step.value);
    }
    this.#chooseStored();
    const reads = this.#steps.map((step, at) => this.#readsOf(step, at));
    const { variables } = this.#lowered;
    const kept = { inlined: this.#inlined, stored: this.#stored, reads, deps: this.#deps, failing: this.#failing() };
    return { request, values, steps: this.#steps, feeds, fetches, variables, ...kept };
  }

  #push(step: ProgramStep, nodes: number): void {
    this.#steps.push(step as ProgramStep & { members?: Value[] });
    this.#nodesOf.push(nodes);
    this.#regionOf.push(this.#regions.current);
  }

  #read(value: Value, reader: Value | null, use: Use | null): void {
    const holder = holderOf(value);
    const readers = this.#readers.get(holder) ?? [];
    // Another shape of the same storage needs the storage.
    const direct = sameShape(value, holder);
    readers.push(direct ? { reader, use } : { reader: null, use: null });
    this.#readers.set(holder, readers);
  }

  #analyse(): void {
    const { steps, fetches } = this.#lowered;
    const regions = new Regions();
    for (const step of steps) {
      if (step.kind === 'flow') regions.pass(step);
      if (step.kind === 'define') {
        this.#definedIn.set(step.value, regions.current);
        const facts = this.#factsOf(step.value);
        this.#facts.set(step.value, facts);
        for (const use of facts.uses) this.#read(use.value, step.value, use);
      } else if (step.kind !== 'barrier') {
        for (const input of inputsOf(step)) this.#read(input, null, null);
      }
    }
    for (const fetch of fetches) this.#read(fetch, null, null);
  }

  #factsOf(value: Value): Facts {
    const { values, indices } = this.#lowered;
    const index = indices.of(value.shape!);
    const root = value.root!;
    const seen = new Map<Expr, number>();
    const uses: Use[] = [];
    let [cost, nodes, reduces, fails, indexed] = [0, 0, false, false, false];
    const stack: { expr: Expr; times: number; counts: boolean }[] = [
      { expr: root, times: sizeOf(value.shape!), counts: true },
    ];
    for (let top = stack.pop(); top; top = stack.pop()) {
      const { expr, times, counts } = top;
      if ((seen.get(expr) ?? 0) >= times) continue;
      seen.set(expr, times);
      nodes++;
      if (counts) cost += costOf(expr);
      if (expr.kind === 'reduce') reduces = true;
      if (mayFail(expr)) fails = true;
      const inside = expr.kind === 'reduce' ? times * sizeOf(expr.over.map(({ extent }) => extent)) : times;
      if (expr.kind === 'variable' && counts) indexed = true;
      if (expr.kind === 'load' && expr.source.kind === 'data' && expr.source.array.size > 1) indexed = true;
      for (const part of partsOf(expr))
        stack.push({ expr: part, times: inside, counts: counts && expr.kind !== 'load' });
      if (expr.kind !== 'load' || expr.source.kind !== 'input') continue;
      const loaded = values[expr.source.position]!;
      uses.push({ value: loaded, aligned: isAligned(expr, value.shape!, index), loads: times });
    }
    return { uses, cost, nodes, reduces, fails, indexed };
  }

  #chooseInlined(): void {
    const size = new Map<Value, number>();
    const depth = new Map<Value, number>();
    const known = new Set(this.#lowered.values.filter(({ data }) => data?.size === 1));
    for (const step of this.#lowered.steps) {
      if (step.kind !== 'define') continue;
      const { value } = step;
      const { uses, cost, nodes, reduces, fails, indexed } = this.#facts.get(value)!;
      const below = uses.map((use) => holderOf(use.value)).filter((used) => this.#inlined.has(used));
      const total = nodes + below.reduce((sum, used) => sum + size.get(used)!, 0);
      const level = 1 + Math.max(0, ...below.map((used) => depth.get(used)!));
      size.set(value, total);
      depth.set(value, level);
      // What may fail does so for every element, whoever reads which.
      if (fails || reduces || total > mostInlined || level > deepest) continue;
      const readers = this.#readers.get(value) ?? [];
      if (readers.some(({ reader }) => reader === null)) continue;
      // What is the same for all elements, and known, is worked out before the loops.
      if (!indexed && uses.every((use) => known.has(holderOf(use.value)))) {
        known.add(value);
        this.#inlined.add(value);
        continue;
      }
      if (readers.every(({ use }) => use!.aligned) && cost > 0) continue;
      // What is read in a loop is computed once before it.
      const here = this.#definedIn.get(value);
      if (cost > 0 && readers.some(({ reader }) => this.#definedIn.get(reader!) !== here)) continue;
      const loads = readers.reduce((sum, { use }) => sum + use!.loads, 0);
      if (cost === 0 || loads <= sizeOf(value.shape!) || (cost <= 2 && readers.length === 1)) this.#inlined.add(value);
    }
  }

  /** What has to be there when a value is computed, through what is computed on the way. */
  #depsOf(value: Value): readonly Use[] {
    const known = this.#deps.get(value);
    if (known) return known;
    const deps = new Map<Value, Use>();
    for (const use of this.#facts.get(value)!.uses) {
      const holder = holderOf(use.value);
      const aligned = use.aligned && sameShape(use.value, holder);
      const through = this.#inlined.has(holder) ? this.#depsOf(holder) : [{ ...use, value: holder, aligned: true }];
      for (const dep of through) {
        const before = deps.get(dep.value);
        const both = aligned && dep.aligned && (before?.aligned ?? true);
        deps.set(dep.value, { value: dep.value, aligned: both, loads: use.loads });
      }
    }
    const result = [...deps.values()];
    this.#deps.set(value, result);
    return result;
  }

  #place(value: Value): void {
    const deps = this.#depsOf(value).filter((dep) => this.#stepOf.has(dep.value));
    const latest = Math.max(-1, ...deps.map((dep) => this.#stepOf.get(dep.value)!));
    const { nodes, fails } = this.#facts.get(value)!;
    // What has an effect before it has that also where it fails.
    const earliest = Math.max(this.#earliest(value), fails ? this.#afterEffects : 0);
    const own = latest < earliest ? null : this.#kernelFor(value, deps, latest);
    const at = own ?? this.#besides(value, deps, Math.max(latest + 1, earliest)) ?? this.#steps.length;
    this.#stepOf.set(value, at);
    for (const dep of deps) if (dep.aligned && this.#stepOf.get(dep.value) !== at) this.#readBy.set(dep.value, at);
    if (at === this.#steps.length) return this.#push({ kind: 'kernel', shape: value.shape!, members: [value] }, nodes);
    (this.#steps[at]!.members as Value[]).push(value);
    this.#nodesOf[at]! += nodes;
  }

  /** A kernel that reads the same things already, not before a step. */
  #besides(value: Value, deps: readonly Use[], from: number): number | null {
    const readers = deps.map((dep) => (dep.aligned ? (this.#readBy.get(dep.value) ?? -1) : -1));
    return readers.find((at) => at >= from && this.#kernelFor(value, deps, at) !== null) ?? null;
  }

  /** The first step that may compute a value, as far as barriers say. */
  #earliest(value: Value): number {
    let earliest = 0;
    for (const use of this.#facts.get(value)!.uses) {
      for (let read: Value | null = use.value; read; read = read.alias)
        earliest = Math.max(earliest, this.#notBefore.get(read) ?? 0);
      if (this.#inlined.has(holderOf(use.value))) earliest = Math.max(earliest, this.#earliest(holderOf(use.value)));
    }
    return earliest;
  }

  #kernelFor(value: Value, deps: readonly Use[], latest: number): number | null {
    const { nodes, reduces } = this.#facts.get(value)!;
    const step = this.#steps[latest];
    if (reduces || step?.kind !== 'kernel' || this.#regionOf[latest] !== this.#regions.current) return null;
    const fits = this.#nodesOf[latest]! + nodes <= mostNodes && step.members.length < mostMembers;
    if (!fits || step.shape.join() !== value.shape!.join()) return null;
    return deps.every((dep) => dep.aligned || this.#stepOf.get(dep.value)! < latest) ? latest : null;
  }

  #readsOf(step: ProgramStep, at: number): ReadonlySet<Value> {
    if (step.kind === 'host') return new Set();
    if (step.kind !== 'kernel') return new Set(inputsOf(step).map(holderOf));
    const deps = step.members.flatMap((member) => this.#depsOf(member)).map(({ value }) => value);
    return new Set(deps.filter((value) => this.#stepOf.get(value) !== at));
  }

  #failing(): ReadonlySet<Value> {
    return new Set([...this.#facts].flatMap(([value, { fails }]) => (fails ? [value] : [])));
  }

  #chooseStored(): void {
    for (const [value, readers] of this.#readers)
      if (readers.some(({ reader }) => reader === null)) this.#stored.add(value);
    this.#steps.forEach((step, at) => {
      if (step.kind !== 'kernel') return;
      for (const member of step.members)
        for (const dep of this.#depsOf(member)) if (this.#stepOf.get(dep.value) !== at) this.#stored.add(dep.value);
    });
  }
}

/** What a step that is no kernel reads. */
function inputsOf(step: Exclude<ProgramStep, { kind: 'kernel' }>): readonly Value[] {
  switch (step.kind) {
    case 'host':
    case 'flow':
      return step.inputs;
    case 'matmul':
    case 'convolution':
      return [step.a, step.b];
    case 'scatter':
      return scattered(step);
    case 'assign':
      return [step.value];
  }
}

/** An elementary function takes as long as so many simple operators. */
const costOfFunction = 16;

function costOf(expr: Expr): number {
  if (expr.kind === 'unary' || expr.kind === 'binary') return vectorFunctions.has(expr.op) ? costOfFunction : 1;
  return ['select', 'bound', 'reduce'].includes(expr.kind) ? 1 : 0;
}

function sameShape(a: Value, b: Value): boolean {
  return a === b || a.shape!.join() === b.shape!.join();
}

function isAligned({ shape, index }: Node<'load'>, own: readonly number[], ownIndex: readonly Expr[]): boolean {
  if (shape.length !== own.length) return false;
  return shape.every((dim, axis) => {
    const [i, mine] = [index[axis]!, ownIndex[axis]!];
    return dim === own[axis] && (i === mine || (dim === 1 && i.kind === 'literal'));
  });
}
