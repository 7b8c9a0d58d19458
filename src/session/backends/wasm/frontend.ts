/** What becomes of a plan before code is emitted. */
import type { Plan, Request } from '../../plan.js';
import { fuse, type Fused } from './fuse.js';
import { lower } from './lower.js';
import { simplify } from './simplify.js';

/** The steps of `plan` for the concrete shapes of `request`. */
export function fusedProgram(plan: Plan, request: Request): Fused {
  return fuse(request, simplify(lower({ ...plan, request })));
}
