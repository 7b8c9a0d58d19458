/** The compiler, top to bottom: every stage that a request passes on its way to a backend. */
import { assignSlots } from './stages/assign-slots.js';
import { order } from './stages/order.js';
import { prune } from './stages/prune.js';
import type { Plan, Request, Stage } from './plan.js';

export const stages: readonly Stage[] = [prune, order, assignSlots];

/** The plan for a request. `observe` sees the outcome of every stage. */
export function compile(request: Request, observe: (stage: Stage, plan: Plan) => void = () => undefined): Plan {
  let plan: Plan = { request, operations: [], steps: [], slots: 0, feedSlots: [], fetchSlots: [] };
  for (const stage of stages) {
    plan = stage.run(plan);
    observe(stage, plan);
  }
  return plan;
}
