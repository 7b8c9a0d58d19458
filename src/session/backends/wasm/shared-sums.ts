/**
 * Reductions to few elements, whose terms threads share: each takes some of the blocks in which a row is added up anyway, and what these come
 * to is added up in their order. So results have the same bits as on one thread.
 */
import { sizeOf } from '../../../graph/shape.js';
import type { Expr } from '../../../ops/expr.js';
import { sharesOf } from './blocks.js';
import type { Fused } from './fuse.js';
import { rowGrain, type Range } from './loops.js';
import { visitExprs, type KernelStep, type Node } from './program.js';
import { worthOf } from './worth.js';

/** Bytes for what a share comes to, of one element: a vector at most. */
export const slotBytes = 16;
/** Elements from which on there are enough for threads to share those instead. */
export const fewElements = 2 * rowGrain;
/** Slots at most. */
const mostSlots = 1 << 16;

export interface SharedSum {
  /** Which loop of the reduction is shared, of those that are longer than 1. */
  readonly level: number;
  /** Slots for each share. */
  readonly slots: number;
  /** Bytes that all of them take. */
  readonly scratch: number;
}

/** What a function does of the one reduction of a kernel whose terms are shared. */
export interface Shared {
  readonly level: number;
  /** The element that it is for. */
  readonly own: Node<'load'>;
  /** Where the slots begin, and how far those of one share are from those of the next. */
  readonly address: number;
  readonly stride: number;
  /** The shares that it takes; null for adding up what they have come to. */
  readonly shares: Range | null;
  /** Is told how many shares there are. */
  readonly counted: (count: number) => void;
}

/** The kernels of a plan with such reductions. */
export class SharedSums {
  readonly #of = new Map<KernelStep, SharedSum>();

  constructor(fused: Fused, threads: number) {
    if (threads < 2) return;
    for (const step of fused.steps) {
      const shared = step.kind === 'kernel' && sharedSum(step, fused, 4 * threads);
      if (shared) this.#of.set(step, shared);
    }
  }

  get scratch(): number {
    return Math.max(0, ...[...this.#of.values()].map(({ scratch }) => scratch));
  }

  of(step: KernelStep): SharedSum | null {
    return this.#of.get(step) ?? null;
  }
}

/** `chunks`: how many shares are enough. */
function sharedSum(step: KernelStep, fused: Fused, chunks: number): SharedSum | null {
  const { shape, members } = step;
  const elements = sizeOf(shape);
  const [first] = members as readonly [KernelStep['members'][0]];
  const reduction = elements < fewElements ? reductionIn(first.root!) : null;
  if (!reduction || members.some((member) => fused.failing.has(member)) || worthOf(step, fused) <= 1) return null;
  const extents = reduction.over.map(({ extent }) => extent).filter((extent) => extent !== 1);
  const possible = extents.map((extent, i) => countsOf(extent, i === extents.length - 1));
  const counts = possible.map((of) => Math.min(...of));
  const enough = counts.findIndex((count) => count >= chunks);
  const level = enough >= 0 ? enough : counts.indexOf(Math.max(...counts));
  const slots = sizeOf(extents.slice(0, level)) * elements;
  const all = slots * Math.max(...possible[level]!);
  return counts[level]! < 2 || all > mostSlots ? null : { level, slots, scratch: all * slotBytes };
}

/** How many shares there may be: of the last axis, vectors may be the terms. */
function countsOf(extent: number, isLast: boolean): readonly number[] {
  const lanes = isLast && extent >= 4 ? [1, 2, 4] : [1];
  return lanes.map((many) => sharesOf(Math.floor(extent / many)).count);
}

/** The reduction that is all an element takes longer for, if there is one and nothing decides whether it is computed. */
export function reductionIn(root: Expr): Node<'reduce'> | null {
  const found = new Set<Node<'reduce'>>();
  visitExprs(root, (expr) => {
    if (expr.kind === 'reduce') found.add(expr);
  });
  const [reduction] = found;
  return reduction && found.size === 1 && isAlways(root, reduction) ? reduction : null;
}

/** Whether it takes part whatever the values are. */
function isAlways(root: Expr, part: Expr): boolean {
  switch (root.kind) {
    case 'unary':
    case 'cast':
      return isAlways(root.x, part);
    case 'binary':
      return isAlways(root.a, part) || isAlways(root.b, part);
    default:
      return root === part;
  }
}
