/** This backend's compiler, from top to bottom: what becomes of a plan whose feeds have concrete shapes. */
import { Chain, type Observe } from '../../chain.js';
import type { Plan, Request } from '../../plan.js';
import type { MemoryLimits } from './assembler/module.js';
import { PlanEmitter, type Emitted, type EmitOptions } from './emit.js';
import { fuse, type Fused } from './fuse.js';
import { lower, type Lowered } from './lower.js';
import { ModuleParts } from './parts.js';
import { simplify } from './simplify.js';
import { showFused, showLowered, showMemory, showModule } from './show-stages.js';

interface Asked {
  readonly request: Request;
}

/** The steps of a plan. */
export const toSteps = Chain.from<Plan>()
  .then({ name: 'lower', run: lower, show: showLowered })
  .then({ name: 'simplify', run: simplify, show: showLowered })
  .then({
    name: 'fuse',
    run: (lowered: Lowered, { request }: Asked) => fuse(request, lowered),
    show: showFused,
    level: 3,
  });

/** What a session's module imports its memory with. */
export interface ModuleOptions extends EmitOptions {
  readonly memory: MemoryLimits;
  /** Whether functions keep their names. */
  readonly names?: boolean;
}

/** The module that makes those steps. */
export const toModule = Chain.from<Fused>()
  .then({
    name: 'memory',
    run: (fused: Fused, options: EmitOptions) => new PlanEmitter(fused, new ModuleParts(true), options),
    show: showMemory,
  })
  .then({ name: 'emit', run: finished, show: showModule, extension: 'wat', level: 4 });

/** A module for a session's plan: it imports `memory`, and exports `run` and what threads need. */
function finished(emitter: PlanEmitter, { memory, names = false }: ModuleOptions): Emitted {
  const plan = emitter.run('run');
  const { module, sites } = emitter.parts;
  return { ...plan, bytes: module.importMemory('env', 'memory', memory).finish({ names }), sites };
}

/** The steps of `plan` for the concrete shapes of `request`. */
export function fusedProgram(plan: Plan, request: Request, observe?: Observe): Fused {
  return toSteps.run({ ...plan, request }, { request }, observe);
}
