/** What becomes of a plan before code is emitted. */
import type { Plan, Request } from '../../plan.js';
import { fuse, type Fused } from './fuse.js';
import { lower } from './lower.js';
import { simplify } from './simplify.js';

/** The steps of `plan` for the concrete shapes of `request`. `isInline`: whether functions are among them, where they can be. */
export function fusedProgram(plan: Plan, request: Request, isInline = true): Fused {
  return fuse(request, simplify(lower({ ...plan, request }, isInline)));
}
