/** This backend's compiler, from top to bottom: what becomes of a plan whose feeds have concrete shapes. */
import { Chain, type Observe } from '../../chain.js';
import type { Plan, Request } from '../../plan.js';
import { emit, place } from './emit.js';
import { band, type Banded } from './bands.js';
import { fuse, type Fused } from './fuse.js';
import { lower, type Lowered } from './lower.js';
import { simplify } from './simplify.js';
import { showBands, showFused, showLowered, showMemory, showModule } from './show-stages.js';

interface Asked {
  readonly request: Request;
  /** Whether functions are among the steps, where they can be. */
  readonly isInline: boolean;
}

/** The steps of a plan. */
export const toSteps = Chain.from<Plan>()
  .then({ name: 'lower', run: (plan: Plan, { isInline }: Asked) => lower(plan, isInline), show: showLowered })
  .then({ name: 'simplify', run: simplify, show: showLowered })
  .then({
    name: 'fuse',
    run: (lowered: Lowered, { request }: Asked) => fuse(request, lowered),
    show: showFused,
    level: 3,
  })
  .then({ name: 'band', run: (fused: Fused) => band(fused), show: showBands, level: 3 });

/** The module that makes those steps. */
export const toModule = Chain.from<Banded>()
  .then({ name: 'memory', run: place, show: showMemory })
  .then({ name: 'emit', run: emit, show: showModule, extension: 'wat', level: 4 });

/** The steps of `plan` for the concrete shapes of `request`. `isInline`: whether functions are among them, where they can be. */
export function fusedProgram(plan: Plan, request: Request, observe?: Observe, isInline = true): Banded {
  return toSteps.run({ ...plan, request }, { request, isInline }, observe);
}
