/** The loops of a kernel, and what it computes in terms of their variables. */
import { stridesOf } from '../../../graph/shape.js';
import { bin, int, type Expr, type Variable } from '../../../ops/expr.js';
import type { Fused } from './fuse.js';
import { rowGrain } from './loops.js';
import { mergedAxes } from './merge.js';
import type { KernelStep, Node, Value } from './program.js';
import { Resolver } from './resolve.js';

/** From so many elements on, more code is worth its size: engines take longer to make it fast. */
const hot = 4096;

export interface Member {
  readonly value: Value;
  readonly root: Expr;
  readonly own: Node<'load'>;
  readonly isStored: boolean;
}

/** The loops of a kernel, and its members in terms of their variables. */
export class Nest {
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

  /** How often the outermost loop runs; 0 where there is none. */
  get extent(): number {
    return this.variables[0]?.extent ?? 0;
  }

  /** What parts of the outermost loop begin at multiples of: a row is split between vectors only. */
  get grain(): number {
    return this.variables.length === 1 ? rowGrain : 1;
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

/** The nests of a program's kernels, made when they are first asked for. */
export class Nests {
  readonly resolver: Resolver;
  readonly #fused: Fused;
  readonly #known = new Map<KernelStep, Nest>();

  constructor(fused: Fused) {
    this.#fused = fused;
    this.resolver = new Resolver(fused);
  }

  of(step: KernelStep): Nest {
    let nest = this.#known.get(step);
    if (!nest) this.#known.set(step, (nest = new Nest(step, this.#fused, this.resolver)));
    return nest;
  }
}
