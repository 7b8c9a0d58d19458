/** What is known of the steps of a compiled plan before they run. */
import { byteCount } from '../../debug/output.js';
import type { StepInfo } from '../../run-metadata.js';
import type { Band } from './bands.js';
import type { Emitted } from './emit.js';
import type { Fused } from './fuse.js';
import { bytesIn } from './copy.js';
import { outputsOf } from './memory.js';
import { isCompiled, visitExprs, type KernelStep, type ProgramStep, type Value } from './program.js';
import { bytesOf } from './scalar-ops.js';
import { uniqueNames } from './show-expr.js';

/** Those of a band are all that it does, in the place of its first step. */
export function stepInfos(fused: Fused, bands: readonly Band[]): readonly StepInfo[] {
  const infos = [...infosOf(fused)];
  for (const { from, to } of bands) {
    const all = infos.slice(from, to);
    const name = all.map((info) => info.name).join(', ');
    const bytes = all.reduce((sum, info) => sum + info.bytes, 0);
    infos[from] = { name, kind: 'band', ops: all.flatMap(({ ops }) => ops), bytes };
  }
  return infos;
}

function infosOf(fused: Fused): readonly StepInfo[] {
  const nameOf = uniqueNames(fused.values);
  return fused.steps.map((step) => {
    const written = outputsOf(step).filter((value) => step.kind !== 'kernel' || fused.stored.has(value));
    const name = written.map(nameOf).join(', ') || opOf(step).name;
    const bytes =
      step.kind === 'assign' ? knownBytes(step.value) : written.reduce((sum, value) => sum + knownBytes(value), 0);
    const ops = step.kind === 'kernel' ? opsOf(step, fused) : [step.op.name];
    return { name, kind: step.kind, ops, bytes };
  });
}

function opOf(step: ProgramStep): { readonly name: string } {
  return step.kind === 'kernel' ? step.members[0]!.op : step.op;
}

function knownBytes(value: Value): number {
  return value.shape === null || !isCompiled(value.dtype) ? 0 : bytesIn(value);
}

/** Of its members, and of what is computed in the place of loads. */
function opsOf({ members }: KernelStep, { values, inlined }: Fused): readonly string[] {
  const names = new Set<string>();
  const seen = new Set<Value>();
  const stack = [...members].reverse();
  for (let value = stack.pop(); value; value = stack.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    names.add(value.op.name);
    visitExprs(value.root!, (expr) => {
      const loaded = expr.kind === 'load' && expr.source.kind === 'input' ? values[expr.source.position]! : null;
      if (loaded && inlined.has(loaded)) stack.push(loaded);
    });
  }
  return [...names];
}

/** How large a compiled plan of so many operations is, in words. */
export function sizeText(ops: number, { steps }: Fused, { bytes, constants, size }: Emitted): string {
  const count = new Map<string, number>();
  for (const { kind } of steps) count.set(kind, (count.get(kind) ?? 0) + 1);
  const hosts = [...new Set(steps.flatMap((step) => (step.kind === 'host' ? [step.op.type] : [])))];
  const kinds = [...count].map(([kind, n]) => `${n} ${kind}${kind === 'host' ? ` (${hosts.join(', ')})` : ''}`);
  const known = [...constants.keys()].reduce((sum, array) => sum + array.size * bytesOf(array.dtype), 0);
  const inAll = `${ops} ops in ${steps.length} steps${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}`;
  return `${inAll}; ${byteCount(size)} for values, ${byteCount(known)} of constants, a module of ${byteCount(bytes.length)}`;
}
