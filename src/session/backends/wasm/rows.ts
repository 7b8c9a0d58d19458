/** How steps go through the rows of what they give. */
import { sizeOf, stridesOf } from '../../../graph/shape.js';
import type { Expr, Variable } from '../../../ops/expr.js';
import { factorOf, type Affine } from './affine.js';
import type { Fused } from './fuse.js';
import type { Nests } from './nest.js';
import {
  holderOf,
  partsOf,
  type ConvolutionStep,
  type KernelStep,
  type MatMulStep,
  type Node,
  type ProgramStep,
  type Value,
} from './program.js';
import { Dependence } from './resolve.js';

/** Stretches of equal length, one behind another, that everything a step gives consists of. */
export interface Rows {
  readonly extent: number;
  /** What ranges of them must begin at multiples of. */
  readonly grain: number;
  /** Of what else it reads, a row needs the same row alone, if it is cut into as many. */
  readonly across: ReadonlySet<Value>;
}

/** Null where a range of rows cannot be asked for, or would be no less work. */
export function rowsOf(step: ProgramStep, fused: Fused, nests: Nests): Rows | null {
  switch (step.kind) {
    case 'kernel':
      return kernelRows(step, fused, nests);
    case 'matmul':
      return productRows(step);
    case 'convolution':
      return convolutionRows(step);
    case 'host':
    case 'assign':
    case 'scatter':
    case 'flow':
      return null;
  }
}

function productRows({ a, b, out, transposeA }: MatMulStep): Rows | null {
  const [batch, m] = [out.shape!.slice(0, -2), out.shape!.at(-2)!];
  const count = sizeOf(batch);
  if (count === 1)
    return m === 1
      ? null
      : { extent: m, grain: 1, across: holders(transposeA || sizeOf(a.shape!) === 0 ? [a, b] : [b]) };
  const shared = [a, b].filter(({ shape }) => sizeOf(shape!.slice(0, -2)) !== count);
  return { extent: count, grain: 1, across: holders(shared) };
}

function convolutionRows({ convolution, a, b }: ConvolutionStep): Rows | null {
  const { side, batch, operands, rows, columns, inChannels } = convolution;
  if (side === 'filter')
    return { extent: rows.window * columns.window * inChannels, grain: 1, across: holders([a, b]) };
  const filter = [a, b].filter((_, i) => operands[i] === 1);
  return { extent: batch, grain: 1, across: holders(filter) };
}

function holders(values: readonly Value[]): ReadonlySet<Value> {
  return new Set(values.map(holderOf));
}

function kernelRows(step: KernelStep, fused: Fused, nests: Nests): Rows | null {
  const { variables, members, grain } = nests.of(step);
  const [outer] = variables;
  if (!outer || step.members.some((member) => fused.failing.has(member))) return null;
  const walk = new Walk(outer, fused, nests);
  const fits = members.every(({ root }) => walk.visit(root));
  return fits ? { extent: outer.extent, grain, across: walk.across } : null;
}

/** A multiple of the outermost loop's variable, and what is added to it. NaN where it is no multiple. */
interface Reach {
  readonly factor: number;
  readonly low: number;
  readonly high: number;
}

/** Looks at what a kernel loads, turn by turn of its outermost loop. */
class Walk {
  readonly across = new Set<Value>();
  readonly #outer: Variable;
  readonly #values: readonly Value[];
  readonly #nests: Nests;
  readonly #depends: Dependence;
  readonly #seen = new Set<Expr>();

  constructor(outer: Variable, { values }: Fused, nests: Nests) {
    this.#outer = outer;
    this.#values = values;
    this.#nests = nests;
    this.#depends = new Dependence(nests.resolver, outer);
  }

  /** False where it computes something that is the same for all rows, which each range would compute again. */
  visit(root: Expr): boolean {
    const stack: Expr[] = [root];
    for (let expr = stack.pop(); expr; expr = stack.pop()) {
      if (this.#seen.has(expr)) continue;
      this.#seen.add(expr);
      if (expr.kind === 'reduce' && !this.#depends.of(expr)) return false;
      const loaded = expr.kind === 'load' ? this.#nests.resolver.resolve(expr) : expr;
      if (loaded.kind !== 'load') stack.push(...(loaded === expr ? partsOf(expr) : [loaded]));
      else {
        stack.push(...loaded.index);
        this.#load(loaded);
      }
    }
    return true;
  }

  #load(load: Node<'load'>): void {
    if (load.source.kind !== 'input') return;
    const value = holderOf(this.#values[load.source.position]!);
    const stride = sizeOf(value.shape!) / this.#outer.extent;
    if (!this.#isIn(this.#position(load), stride) && !this.#isIn(this.#bounded(load), stride)) this.across.add(value);
  }

  /** Whether a turn of the outermost loop stays within a stretch of its own. */
  #isIn({ factor, low, high }: Reach, stride: number): boolean {
    return factor === stride && low >= 0 && high < stride;
  }

  #position(load: Node<'load'>): Reach {
    return this.#reach(this.#nests.resolver.place(load).position);
  }

  /** The same axis by axis: nothing is loaded where an index is out of range. */
  #bounded({ index, shape }: Node<'load'>): Reach {
    const strides = stridesOf(shape);
    return index.reduce(
      (sum: Reach, i, axis) => {
        const { factor, low, high } = this.#reach(this.#nests.resolver.indices.of(i));
        const [least, most] = factor === 0 ? [Math.max(low, 0), Math.min(high, shape[axis]! - 1)] : [low, high];
        const by = strides[axis]!;
        return { factor: sum.factor + factor * by, low: sum.low + least * by, high: sum.high + most * by };
      },
      { factor: 0, low: 0, high: 0 },
    );
  }

  #reach(form: Affine): Reach {
    const factor = factorOf(form, this.#outer, this.#depends.of) ?? NaN;
    const terms = form.terms.filter(({ of }) => of !== this.#outer);
    const [low, high] = this.#nests.resolver.indices.range({ ...form, terms });
    return { factor, low, high };
  }
}
