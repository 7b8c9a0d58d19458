/**
 * Chains of steps that go through the same rows: while a block of rows is in a cache, all of them do their part of it, and threads
 * share the whole chain at once. A product with its bias, activation and what follows, its gradients on the way back, or a gradient and
 * the update of its variable are such bands. What any step computes is the same, bit for bit.
 */
import { sizeOf } from '../../../graph/shape.js';
import type { Fused } from './fuse.js';
import { outputsOf } from './memory.js';
import { Nests } from './nest.js';
import { holderOf, type ProgramStep, type Value, type VariableSlot } from './program.js';
import { gcd, unitOf } from './ranges.js';
import { fewElements } from './shared-sums.js';
import { rowsOf, type Rows } from './rows.js';

/** Steps from one below another, and how many rows they have in common. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
}

export interface Banded extends Fused {
  /** In order; they do not overlap. */
  readonly bands: readonly Band[];
  readonly nests: Nests;
}

/** Steps that a band looks ahead, and that wait until it is over, at most: what they read must be kept so long. */
const ahead = 24;
const mostWaiting = 8;
/** Blocks that a band must be able to be cut into. */
const fewest = 8;
/** Elements below which a step is nobody's trouble. */
const small = 1024;

/** Puts steps next to each other that can go through their rows together, as far as others can come before or after them. */
export function band(fused: Fused): Banded {
  const nests = new Nests(fused);
  const { order, bands } = new Bands(fused, nests).run();
  const steps = order.map((at) => fused.steps[at]!);
  const reads = order.map((at) => fused.reads[at]!);
  return { ...fused, steps, reads, bands, nests };
}

/** A band as it grows, and the steps that come before and after it. */
interface Growing {
  readonly members: number[];
  readonly forms: Rows[];
  rows: number;
  readonly made: Set<Value>;
  readonly before: number[];
  readonly after: number[];
  readonly later: Set<Value>;
}

interface Ordered {
  readonly order: readonly number[];
  readonly bands: readonly Band[];
}

class Bands {
  readonly #fused: Fused;
  readonly #nests: Nests;
  readonly #forms = new Map<number, Rows | null>();
  /** Variables by what they hold at some point, and by what is assigned to them. */
  readonly #held = new Map<Value, VariableSlot>();
  readonly #assigned = new Map<Value, VariableSlot>();

  constructor(fused: Fused, nests: Nests) {
    this.#fused = fused;
    this.#nests = nests;
    for (const slot of fused.variables) this.#held.set(slot.initial, slot);
    for (const step of fused.steps) {
      if (step.kind === 'assign') this.#assigned.set(holderOf(step.value), step.variable);
      if (step.kind === 'flow' && step.variable) this.#held.set(step.outputs[0]!, step.variable);
    }
  }

  run(): Ordered {
    return this.#ordered(this.#fused.steps.map((_, at) => at));
  }

  #ordered(steps: readonly number[]): Ordered {
    const order: number[] = [];
    const bands: Band[] = [];
    const rest = [...steps].reverse();
    for (let at = rest.pop(); at !== undefined; at = rest.pop()) {
      const grown = this.#grow(at, rest);
      if (!grown) {
        order.push(at);
        continue;
      }
      const { members, before, after, rows } = grown;
      rest.length -= members.length - 1 + before.length + after.length;
      rest.push(...[...after].reverse());
      const first = this.#ordered(before);
      bands.push(
        ...first.bands.map((band) => ({ ...band, from: band.from + order.length, to: band.to + order.length })),
      );
      order.push(...first.order);
      bands.push({ from: order.length, to: order.length + members.length, rows });
      order.push(...members);
    }
    return { order, bands };
  }

  /** `rest`: the steps after it, next one last. Null where it stays alone. */
  #grow(start: number, rest: readonly number[]): Growing | null {
    const form = this.#form(start);
    const outputs = outputsOf(this.#step(start));
    // Threads share the terms of what gives less.
    if (!form || form.extent < fewest || outputs.every(({ shape }) => sizeOf(shape!) < fewElements)) return null;
    const made = new Set(outputs);
    const band: Growing = {
      members: [start],
      forms: [form],
      rows: form.extent,
      made,
      before: [],
      after: [],
      later: new Set(),
    };
    let kept: Pick<Growing, 'before' | 'after'> = { before: [], after: [] };
    for (let i = 1; i <= Math.min(ahead, rest.length) && band.after.length <= mostWaiting; i++) {
      const at = rest.at(-i)!;
      if (!this.#canMove(at)) break;
      if (this.#take(band, at)) kept = { before: [...band.before], after: [...band.after] };
    }
    // What comes after the last member stays where it is.
    return band.members.length > 1 ? { ...band, ...kept } : null;
  }

  /** Whether the step is a member from now on. */
  #take(band: Growing, at: number): boolean {
    const { made, later, before, after } = band;
    const step = this.#step(at);
    const reads = [...this.#fused.reads[at]!];
    // Assignments stay in order.
    const waits = reads.some((value) => later.has(value)) || (step.kind === 'assign' && this.#assigns(after));
    const follows = reads.some((value) => made.has(value));
    const rows = follows && !waits ? this.#joined(band, at) : null;
    if (rows !== null) {
      band.rows = rows;
      band.members.push(at);
      band.forms.push(this.#form(at)!);
      for (const output of outputsOf(step)) made.add(output);
      return true;
    }
    if (!waits && !follows) before.push(at);
    else {
      after.push(at);
      for (const output of outputsOf(step)) later.add(output);
    }
    return false;
  }

  #assigns(steps: readonly number[]): boolean {
    return steps.some((at) => this.#step(at).kind === 'assign');
  }

  /** The rows of the band with that step; null where it does not fit. */
  #joined({ rows, forms, made, members, after }: Growing, at: number): number | null {
    const form = this.#form(at);
    if (!form || [...form.across].some((value) => made.has(value))) return null;
    const common = gcd(rows, form.extent);
    if (common < fewest * unitOf([...forms, form], common)) return null;
    return this.#overwrites([...members, at], [...forms, form], after) ? null : common;
  }

  /** Whether a new content of a variable could not lie where the old one does: some row, or what comes after, needs all of that. */
  #overwrites(members: readonly number[], forms: readonly Rows[], after: readonly number[]): boolean {
    const slots = (values: readonly Value[], of: ReadonlyMap<Value, VariableSlot>): VariableSlot[] =>
      values.flatMap((value) => of.get(value) ?? []);
    const made = members.flatMap((at) => outputsOf(this.#step(at)));
    const written = new Set(slots(made, this.#assigned));
    if (written.size === 0) return false;
    const needed = [...forms.map(({ across }) => across), ...after.map((at) => this.#fused.reads[at]!)];
    return slots(
      needed.flatMap((values) => [...values]),
      this.#held,
    ).some((slot) => written.has(slot));
  }

  #step(at: number): ProgramStep {
    return this.#fused.steps[at]!;
  }

  /** Whether others may come before it, or after it, that do not wait for it. */
  #canMove(at: number): boolean {
    const step = this.#step(at);
    if (step.kind === 'assign') return true;
    if (step.kind === 'kernel') return !step.members.some((member) => this.#fused.failing.has(member));
    return step.kind === 'matmul' || step.kind === 'convolution';
  }

  #form(at: number): Rows | null {
    let form = this.#forms.get(at);
    if (form === undefined) {
      const step = this.#step(at);
      const values = [...outputsOf(step), ...this.#fused.reads[at]!];
      const isSmall = values.every(({ shape }) => shape === null || sizeOf(shape) < small);
      form = isSmall ? null : rowsOf(step, this.#fused, this.#nests);
      this.#forms.set(at, form);
    }
    return form;
  }
}
