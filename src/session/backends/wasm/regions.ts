/** Which steps run together: those between the same marks. */
import type { FlowStep, ProgramStep } from './program.js';

/** Follows marks from step to step. */
export class Regions {
  #next = 0;
  readonly #open: number[] = [0];

  /** The stretch that steps belong to now. */
  get current(): number {
    return this.#open.at(-1)!;
  }

  pass({ flow }: FlowStep): void {
    if (flow === 'again' || flow === 'end' || flow === 'else' || flow === 'while') this.#open.pop();
    if (flow === 'loop' || flow === 'if' || flow === 'else' || flow === 'while') this.#open.push(++this.#next);
  }
}

/** The loops of a program, by the steps that are theirs. */
export class Loops {
  readonly #around: (number | null)[] = [];
  readonly #ends = new Map<number, number>();
  readonly #outside = new Map<number, number | null>();

  constructor(steps: readonly ProgramStep[]) {
    let loop: number | null = null;
    steps.forEach((step, at) => {
      const flow = step.kind === 'flow' ? step.flow : null;
      if (flow === 'loop') {
        this.#outside.set(at, loop);
        loop = at;
      }
      this.#around.push(loop);
      if (flow !== 'again') return;
      this.#ends.set(loop!, at);
      loop = this.#outside.get(loop!)!;
    });
  }

  has(step: number): boolean {
    return this.#around[step] !== null;
  }

  /** The last step that needs what is there since step `made`, where step `read` reads it. */
  until(made: number, read: number): number {
    let last = read;
    for (let loop = this.#around[read] ?? null; loop !== null && loop > made; loop = this.#outside.get(loop)!)
      last = this.#ends.get(loop)!;
    return last;
  }
}
