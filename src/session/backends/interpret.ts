/** The reference backend: runs a plan step by step, each operation by evaluating its lowering. */
import { DeadlineExceededError, TapelessError } from '../../graph/errors.js';
import type { NDArray } from '../../graph/ndarray.js';
import { Kernel } from '../../ops/evaluate.js';
import { opDef, type Resources } from '../../ops/opdef.js';
import { common, compile } from '../pipeline.js';
import { assignSlots } from '../stages/assign-slots.js';
import { LoadedBodies } from './bodies.js';
import type { Backend, Executable, Plan, RunLimits, SessionState } from '../plan.js';
import { bytesOf, type StepInfo, type Timing } from '../run-metadata.js';

export const interpret: Backend = {
  name: 'interpret',
  stages: [...common, assignSlots],
  open: (session) => ({
    load: (plan, log) => {
      log?.compiling(plan.request.feeds.map(() => null)).done(`${plan.steps.length} operations, interpreted`, null);
      return new Interpreter(plan, session);
    },
  }),
};

class Interpreter implements Executable {
  readonly #plan: Plan;
  readonly #kernels: readonly Kernel[];
  readonly #resources: Resources;
  readonly #bodies: LoadedBodies;

  constructor(plan: Plan, session: SessionState) {
    this.#plan = plan;
    this.#resources = session.resources;
    const loader = interpret.open(session);
    this.#bodies = new LoadedBodies((request) => {
      const log = session.log && session.log.body(request);
      const body = compile(request, interpret.stages, log?.observe);
      return { plan: body, executable: loader.load(body, log) };
    });
    this.#kernels = plan.steps.map(({ op }) => new Kernel(opDef(op.type), op));
  }

  close(): void {
    this.#bodies.close();
  }

  run(feeds: readonly (NDArray | null)[], limits: RunLimits): readonly NDArray[] {
    const timing = limits.trace?.begin(() => this.#stepInfos()) ?? null;
    try {
      return this.#run(feeds, limits, timing);
    } finally {
      timing?.end();
    }
  }

  #stepInfos(): readonly StepInfo[] {
    return this.#plan.steps.map(({ op }) => ({ name: op.name, kind: 'operation', ops: [op.name], bytes: 0 }));
  }

  #run(feeds: readonly (NDArray | null)[], limits: RunLimits, timing: Timing | null): readonly NDArray[] {
    const { steps, slots, feedSlots, fetchSlots } = this.#plan;
    const values = new Array<NDArray | undefined>(slots);
    feedSlots.forEach((slot, i) => (values[slot] = feeds[i] ?? undefined));
    const functions = this.#bodies.runner(limits);
    for (let i = 0; i < steps.length; i++) {
      const { op, inputs, outputs, release } = steps[i]!;
      timing?.step(i);
      if (limits.deadline < Infinity && Date.now() > limits.deadline) {
        throw new DeadlineExceededError(
          `The run took too long: it stopped before '${op.name}' (${op.type}, created at ${op.createdAt}).${this.#effectsBefore(i)}`,
          op.details(),
        );
      }
      try {
        const results = this.#kernels[i]!.run(
          inputs.map((slot) => values[slot]!),
          this.#resources,
          outputs.map((slot) => slot >= 0),
          functions,
        );
        timing?.wrote(bytesOf(results));
        for (let j = 0; j < outputs.length; j++) if (outputs[j]! >= 0) values[outputs[j]!] = results[j]!;
      } catch (error) {
        if (error instanceof TapelessError)
          error.message += ` [${op.type} created at ${op.createdAt}]${this.#effectsBefore(i)}`;
        throw error;
      }
      for (const slot of release) values[slot] = undefined;
    }
    return fetchSlots.map((slot) => values[slot]!.copy());
  }

  /** What a failing run leaves behind, as a sentence for its error. */
  #effectsBefore(step: number): string {
    const writes = this.#plan.steps.slice(0, step).filter(({ op }) => opDef(op.type).effect === 'write');
    if (writes.length === 0) return '';
    const names = writes.slice(0, 3).map(({ op }) => `'${op.name}'`);
    return ` What this run had already written stays: ${names.join(', ')}${writes.length > 3 ? ' …' : ''}.`;
  }
}
