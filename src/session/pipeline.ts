/** The compiler's first part, which all backends share; what follows is each backend's own. */
import type { Observe } from './chain.js';
import { order } from './stages/order.js';
import { prune } from './stages/prune.js';
import type { Plan, Request, Stage } from './plan.js';

/** What every request passes. */
export const common: readonly Stage[] = [prune, order];

/** The plan for a request. `observe` sees the outcome of every stage. */
export function compile(request: Request, stages: readonly Stage[] = common, observe?: Observe): Plan {
  let plan: Plan = { request, operations: [], steps: [], slots: 0, feedSlots: [], fetchSlots: [] };
  for (const stage of stages) {
    const outcome = stage.run(plan);
    observe?.(stage, () => stage.show(outcome));
    plan = outcome;
  }
  return plan;
}
