/** How often a loop runs, where that is known before it does. */
import type { FunctionGraph } from '../../../graph/function-graph.js';
import type { NDArray } from '../../../graph/ndarray.js';
import { effectsOf } from '../../../ops/capture.js';
import { opDef } from '../../../ops/opdef.js';
import { compile } from '../../pipeline.js';
import type { Executable } from '../../plan.js';
import { interpret } from '../interpret.js';

/** Iterations that are tried at most. */
const most = 10_000;

/**
 * Runs what the condition depends on, in `live`, from `start`, and nothing else. Null where that is not known, has effects, or goes on
 * for long.
 */
export function tripCount(
  cond: FunctionGraph,
  body: FunctionGraph,
  live: readonly boolean[],
  start: readonly (NDArray | null)[],
): number | null {
  if (live.some((is, i) => is && !start[i])) return null;
  if (effectsOf(cond).length > 0 || effectsOf(body).length > 0) return null;
  const [test, step] = [loadPure(cond, [true]), loadPure(body, live)];
  if (!test || !step) return null;
  const limits = { deadline: Infinity, trace: null };
  let values = start.map((value, i) => (live[i] ? value : null));
  for (let count = 0; count <= most; count++) {
    const [goesOn] = test.run(values, limits);
    if (!goesOn!.element(0)) return count;
    const next = [...step.run(values, limits)];
    values = live.map((is) => (is ? next.shift()! : null));
  }
  return null;
}

function loadPure(graph: FunctionGraph, wanted: readonly boolean[]): Executable | null {
  const fetches = graph.outputs.filter((_, i) => wanted[i]);
  const feeds = graph.inputs.map((tensor) => ({ tensor, shape: null }));
  const plan = compile({ graph, fetches, targets: [], feeds }, interpret.stages);
  if (plan.operations.some((op) => opDef(op.type).effect !== 'pure')) return null;
  const resources = { variables: new Map<string, NDArray>(), counters: new Map<string, unknown>() };
  return interpret.open({ resources, threads: 1, log: null }).load(plan, null);
}
