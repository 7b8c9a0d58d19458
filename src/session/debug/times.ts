/** Times of steps as a table. */
import type { RunMetadata, StepStats } from '../run-metadata.js';
import { byteCount, milliseconds } from './output.js';

/** A line a step, those of bodies below the step that runs them; steps that are taken again and again are added up. */
export function timesText(trace: RunMetadata): string {
  const sums = new Map<string, { readonly step: StepStats; times: number; ms: number }>();
  for (const step of trace.stepStats) {
    const key = `${step.depth} ${step.kind} ${step.name}`;
    const sum = sums.get(key) ?? { step, times: 0, ms: 0 };
    sums.set(key, { step, times: sum.times + 1, ms: sum.ms + step.durationMs });
  }
  const lines = [...sums.values()].map(({ step, times, ms }) => {
    const share = `${((100 * ms) / (trace.durationMs || 1)).toFixed(0)} %`;
    const often = times > 1 ? ` ${times} times` : '';
    const { kind, name, ops, bytes, depth } = step;
    const most = `${ops.length} ${ops.length === 1 ? 'op' : 'ops'}, ${byteCount(bytes)}`;
    return `\n  ${milliseconds(ms).padStart(10)} ${share.padStart(5)}  ${'  '.repeat(depth)}${kind} ${name}${often} (${most})`;
  });
  return lines.join('');
}
