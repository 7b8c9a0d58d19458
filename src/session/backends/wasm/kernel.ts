/** Emits the loop nest of a kernel: outer loops, then vectors of elements, then what is left of a row one by one. */
import type { Variable } from '../../../ops/expr.js';
import type { Code, FunctionRef } from './assembler/code.js';
import type { ModuleBuilder } from './assembler/module.js';
import { ElementEmitter, type EmitContext } from './elements.js';
import { inLastPart, loop, loopBetween, vectorLoops, type Range } from './loops.js';
import type { Member, Nest, Nests } from './nest.js';
import type { KernelStep } from './program.js';
import type { Resolver } from './resolve.js';
import { lanesFor } from './vectorize.js';

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
    const emitter = new KernelEmitter(code, nest, nests.resolver, context, from && to ? { from, to } : null);
    ({ reducesFirst } = emitter.emit());
  });
  return { fn, hasParts: isRanged && !reducesFirst };
}

class KernelEmitter {
  readonly #code: Code;
  readonly #nest: Nest;
  readonly #resolver: Resolver;
  readonly #elements: ElementEmitter;
  readonly #range: Range | null;

  constructor(code: Code, nest: Nest, resolver: Resolver, context: EmitContext, range: Range | null) {
    this.#code = code;
    this.#nest = nest;
    this.#resolver = resolver;
    const libraries = { ...context.libraries, isHot: nest.isHot };
    this.#elements = new ElementEmitter(code, resolver, { ...context, libraries });
    this.#range = range;
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
    for (const { root, own, isStored, value } of members) {
      const held = this.#elements.of(value, root);
      this.#elements.know(own, held);
      if (isStored) this.#elements.store(value, own, held);
    }
  }
}
