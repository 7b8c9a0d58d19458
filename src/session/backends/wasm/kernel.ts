/** Emits the loop nest of a kernel: outer loops, then vectors of elements, then what is left of a row one by one. */
import type { Variable } from '../../../ops/expr.js';
import type { Code, FunctionRef } from './assembler/code.js';
import type { ModuleBuilder } from './assembler/module.js';
import { ElementEmitter, type EmitContext } from './elements.js';
import { inLastPart, loop, loopBetween, vectorLoops, type Range } from './loops.js';
import type { Member, Nest, Nests } from './nest.js';
import type { KernelStep } from './program.js';
import type { Resolver } from './resolve.js';
import { reductionIn, slotBytes, type Shared, type SharedSum } from './shared-sums.js';
import { lanesFor } from './vectorize.js';

/** Where there are many shares, threads take so many at once: blocks run side by side. */
const manyShares = 64;
const sharesAtOnce = 4;

/** A kernel as a function. */
export interface DefinedKernel {
  readonly fn: FunctionRef;
  /** Whether parts of its outermost loop are to be had without computing anything for each of them again. */
  readonly hasParts: boolean;
}

/** `isRanged`: whether it takes a range of its outermost loop, from one number below another; it must have one then. */
export function defineKernel(
  module: ModuleBuilder,
  name: string,
  step: KernelStep,
  nests: Nests,
  context: EmitContext,
  isRanged: boolean,
): DefinedKernel {
  const nest = nests.of(step);
  const type = { params: isRanged ? (['i32', 'i32'] as const) : [], results: [] };
  let reducesFirst = false;
  const fn = module.define(name, type, (code) => {
    const [from, to] = code.params;
    const emitter = new KernelEmitter(code, nest, nests.resolver, context, from && to ? { from, to } : null, null);
    ({ reducesFirst } = emitter.emit());
  });
  return { fn, hasParts: isRanged && !reducesFirst };
}

/** A kernel whose reduction's terms threads share. */
export interface DefinedSum {
  /** (from, to): what those shares come to. */
  readonly fn: FunctionRef;
  /** Adds up what all of them have come to. */
  readonly last: FunctionRef;
  /** How many shares there are, and how many are made side by side. */
  readonly shares: number;
  readonly grain: number;
}

/** `address` is where shares keep what they come to. */
export function defineSharedSum(
  module: ModuleBuilder,
  name: string,
  step: KernelStep,
  nests: Nests,
  context: EmitContext,
  { level, slots }: SharedSum,
  address: number,
): DefinedSum {
  const nest = nests.of(step);
  let shares = 0;
  const counted = (count: number): void => void (shares = Math.max(shares, count));
  const define = (suffix: string, params: readonly 'i32'[]): FunctionRef =>
    module.define(`${name}${suffix}`, { params, results: [] }, (code) => {
      const [from, to] = code.params;
      const range = from && to ? { from, to } : null;
      const { own } = nest.members[0]!;
      const shared: Shared = { level, own, address, stride: slots * slotBytes, shares: range, counted };
      new KernelEmitter(code, nest, nests.resolver, context, null, shared).emit();
    });
  const fn = define('shares', ['i32', 'i32']);
  const last = define('total', []);
  return { fn, last, shares, grain: shares >= manyShares ? sharesAtOnce : 1 };
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
