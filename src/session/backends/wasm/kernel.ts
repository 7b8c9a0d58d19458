/** Emits the loop nest of a kernel: outer loops, then vectors of elements, then what is left of a row one by one. */
import { stridesOf } from '../../../graph/shape.js';
import { bin, int, type Expr, type Variable } from '../../../ops/expr.js';
import type { Code, FunctionRef } from './assembler/code.js';
import type { ModuleBuilder } from './assembler/module.js';
import { ElementEmitter, type EmitContext } from './elements.js';
import type { Fused } from './fuse.js';
import { inLastPart, loop, loopBetween, rowGrain, vectorLoops, type Range } from './loops.js';
import type { KernelStep, Node, Value } from './program.js';
import type { Resolver } from './resolve.js';
import { mergedAxes } from './merge.js';
import { reductionIn, slotBytes, type Shared, type SharedSum } from './shared-sums.js';
import { lanesFor } from './vectorize.js';

/** From so many elements on, more code is worth its size: engines take longer to make it fast. */
const hot = 4096;

/** Where there are many shares, threads take so many at once: blocks run side by side. */
const manyShares = 64;
const sharesAtOnce = 4;

/** A kernel as a function, and the operands that make it compute all there is. */
export interface DefinedKernel {
  readonly fn: FunctionRef;
  readonly operands: readonly number[];
  /**
   * Where parts of it can be asked for instead, from one number below another: how many there are, and what parts begin at multiples of.
   */
  readonly parts: { readonly extent: number; readonly grain: number } | null;
  /** What has to be called when all parts are there. */
  readonly last: FunctionRef | null;
}

/** `isSplit`: whether parts of the outermost loop are to be had, where there is one and nothing would be computed for each of them again. */
export function defineKernel(
  module: ModuleBuilder,
  name: string,
  step: KernelStep,
  fused: Fused,
  resolver: Resolver,
  context: EmitContext,
  isSplit: boolean,
): DefinedKernel {
  const nest = new Nest(step, fused, resolver);
  const extent = nest.variables[0]?.extent ?? 0;
  const grain = grainOf(nest);
  const hasParts = isSplit && extent >= 2 * grain;
  const type = { params: hasParts ? (['i32', 'i32'] as const) : [], results: [] };
  let reducesFirst = false;
  const fn = module.define(name, type, (code) => {
    const [from, to] = code.params;
    const emitter = new KernelEmitter(code, nest, resolver, context, from && to ? { from, to } : null, null);
    ({ reducesFirst } = emitter.emit());
  });
  const parts = hasParts && !reducesFirst ? { extent, grain } : null;
  return { fn, operands: hasParts ? [0, extent] : [], parts, last: null };
}

/** The same where threads share the terms of its reduction: `address` is where they keep what these come to. */
export function defineSharedSum(
  module: ModuleBuilder,
  name: string,
  step: KernelStep,
  fused: Fused,
  resolver: Resolver,
  context: EmitContext,
  { level, slots }: SharedSum,
  address: number,
): DefinedKernel {
  const nest = new Nest(step, fused, resolver);
  let extent = 0;
  const counted = (count: number): void => void (extent = Math.max(extent, count));
  const define = (suffix: string, params: readonly 'i32'[]): FunctionRef =>
    module.define(`${name}${suffix}`, { params, results: [] }, (code) => {
      const [from, to] = code.params;
      const shares = from && to ? { from, to } : null;
      const { own } = nest.members[0]!;
      const shared: Shared = { level, own, address, stride: slots * slotBytes, shares, counted };
      new KernelEmitter(code, nest, resolver, context, null, shared).emit();
    });
  const fn = define('shares', ['i32', 'i32']);
  const last = define('total', []);
  return { fn, operands: [], parts: { extent, grain: extent >= manyShares ? sharesAtOnce : 1 }, last };
}

/** A row is split between vectors only. */
function grainOf({ variables }: Nest): number {
  return variables.length === 1 ? rowGrain : 1;
}

interface Member {
  readonly value: Value;
  readonly root: Expr;
  readonly own: Node<'load'>;
  readonly isStored: boolean;
}

/** The loops of a kernel, and its members in terms of their variables. */
class Nest {
  readonly variables: readonly Variable[];
  readonly members: readonly Member[];
  readonly #step: KernelStep;
  readonly #fused: Fused;
  readonly #resolver: Resolver;
  /** Whether it computes so much that more code is worth its size. */
  readonly isHot: boolean;

  constructor(step: KernelStep, fused: Fused, resolver: Resolver) {
    this.#step = step;
    this.#fused = fused;
    this.#resolver = resolver;
    this.isHot = step.members.some((member) => fused.deps.get(member)!.some(({ loads }) => loads >= hot));
    const { variables, members } = this.#axes();
    this.variables = variables;
    this.members = members;
  }

  /** The loops over the output: as few as the places of all loads and stores allow. */
  #axes(): { readonly variables: readonly Variable[]; readonly members: readonly Member[] } {
    const { shape, members } = this.#step;
    const separate = shape.map((extent): Variable => ({ kind: 'variable', dtype: 'int32', extent }));
    const index = separate.map((variable) => (variable.extent === 1 ? int(0) : variable));
    const apart = this.#members(index);
    const groups = mergedAxes(
      members.map((member, i) => ({ root: apart[i]!.root, own: apart[i]!.own, value: member })),
      separate,
      this.#resolver,
    );
    if (groups.every((group) => group.length === 1))
      return { variables: separate.filter(({ extent }) => extent > 1), members: apart };
    const merged = new Array<Expr>(shape.length);
    const variables = groups.map((group): Variable => {
      const extent = group.reduce((product, axis) => product * shape[axis]!, 1);
      const variable: Variable = { kind: 'variable', dtype: 'int32', extent };
      const strides = stridesOf(group.map((axis) => shape[axis]!));
      group.forEach((axis, i) => {
        const quotient = strides[i] === 1 ? variable : bin('floordiv', variable, int(strides[i]!));
        merged[axis] = i === 0 ? quotient : bin('floormod', quotient, int(shape[axis]!));
      });
      return variable;
    });
    for (let axis = 0; axis < shape.length; axis++) merged[axis] ??= int(0);
    return { variables, members: this.#members(merged) };
  }

  #members(index: readonly Expr[]): readonly Member[] {
    return this.#step.members.map((value) => ({
      value,
      root: value.definition!.at(index),
      own: this.#resolver.own(value, index),
      isStored: this.#fused.stored.has(value),
    }));
  }
}

class KernelEmitter {
  readonly #code: Code;
  readonly #nest: Nest;
  readonly #resolver: Resolver;
  readonly #elements: ElementEmitter;
  readonly #range: Range | null;
  readonly #shared: Shared | null;

  constructor(
    code: Code,
    nest: Nest,
    resolver: Resolver,
    context: EmitContext,
    range: Range | null,
    shared: Shared | null,
  ) {
    this.#code = code;
    this.#nest = nest;
    this.#resolver = resolver;
    const libraries = { ...context.libraries, isHot: nest.isHot };
    this.#elements = new ElementEmitter(code, resolver, { ...context, libraries }, shared);
    this.#range = range;
    this.#shared = shared;
  }

  emit(): { readonly reducesFirst: boolean } {
    const { variables, members } = this.#nest;
    const outer = variables.slice(0, -1);
    const inner = variables.at(-1);
    const opened = outer.map((variable) => this.#elements.enter(variable));
    if (inner) this.#row(inner, members);
    else this.#compute(members);
    const { frames } = this.#elements;
    for (const [i, { local, extent }] of [...opened.entries()].reverse()) {
      const thunks = frames.close();
      const range = i === 0 ? this.#range : null;
      frames.push(() =>
        range ? loopBetween(this.#code, local, range, 1, thunks) : loop(this.#code, local, extent, 1, thunks),
      );
    }
    for (const thunk of frames.start) thunk();
    return frames;
  }

  #row(inner: Variable, members: readonly Member[]): void {
    const { frames } = this.#elements;
    const own = new Set(members.map((member) => this.#resolver.indices.table.id(member.own)));
    const vector = lanesFor(
      members.map(({ root }) => root),
      inner,
      this.#resolver,
      (load) => own.has(this.#resolver.indices.table.id(load)),
    );
    if (vector) {
      const body = () => {
        const { local } = this.#elements.enter(inner);
        this.#elements.vectorized(vector.mode, () => this.#compute(members));
        return { counter: local, thunks: frames.close() };
      };
      const sideBySide = this.#nest.isHot ? vector.sideBySide : 1;
      const { loops, end } = vectorLoops(this.#code, vector, sideBySide, this.#rowRange, body);
      for (const thunk of loops) frames.push(thunk);
      this.#tail(inner, end, members);
    } else this.#tail(inner, 0, members);
  }

  /** Elements from `from` on, one by one. */
  #tail(inner: Variable, from: number, members: readonly Member[]): void {
    if (from === inner.extent) return;
    const { frames } = this.#elements;
    const { local } = this.#elements.enter(inner);
    this.#compute(members);
    const thunks = frames.close();
    const range = this.#rowRange;
    if (!range) return frames.push(() => loop(this.#code, local, inner.extent, 1, thunks, from));
    if (from === 0) return frames.push(() => loopBetween(this.#code, local, range, 1, thunks));
    frames.push(() => {
      inLastPart(this.#code, range, inner.extent, () => loop(this.#code, local, inner.extent, 1, thunks, from));
    });
  }

  /** The part that is wanted of the innermost loop, where that is the outermost too. */
  get #rowRange(): Range | null {
    return this.#nest.variables.length === 1 ? this.#range : null;
  }

  #compute(members: readonly Member[]): void {
    const [first] = members;
    // Of a share, there is nothing else to compute.
    if (this.#shared?.shares) return void this.#elements.of(first!.value, reductionIn(first!.root)!);
    for (const { root, own, isStored, value } of members) {
      const held = this.#elements.of(value, root);
      this.#elements.know(own, held);
      if (isStored) this.#elements.store(value, own, held);
    }
  }
}
