/** What the stages of this backend give, as text: a line a step, a value, or a stretch of memory. */
import type { NDArray } from '../../../graph/ndarray.js';
import { int, variable, type Expr } from '../../../ops/expr.js';
import { disassemble } from './assembler/disassemble.js';
import type { Banded } from './bands.js';
import type { Emitted, Placed } from './emit.js';
import { indented } from './flow-show.js';
import type { Fused } from './fuse.js';
import type { Lowered, LoweredStep } from './lower.js';
import { outputsOf, sizeInMemory } from './memory.js';
import { holderOf, type KernelStep, type Value } from './program.js';
import { bytesOf } from './scalar-ops.js';
import { declared, ExprText, read, typeOf, uniqueNames, type NameOf } from './show-expr.js';
import { showKernel, showStep } from './show.js';

/** What each step computes. Elements at the step's own index are those of a name alone; i, j … count along its axes. */
export function showLowered({ steps, values, indices, fetches }: Lowered): string {
  const nameOf = uniqueNames(values);
  const line = (step: LoweredStep): string => {
    switch (step.kind) {
      case 'define': {
        const element = new ExprText(values, nameOf, indices.of(step.value.shape!)).of(step.value.root!);
        return `${declared(step.value, nameOf)} = ${element}`;
      }
      case 'barrier':
        return `${nameOf(step.value)} = ${read(step.value.alias!, nameOf)}, from here on`;
      default:
        return showStep(step, nameOf);
    }
  };
  return [...indented(steps, line), showFetches(fetches, nameOf)].join('\n');
}

/** Constants, then the steps: what each writes, and below a kernel what its members are, with what is computed in the place of loads. */
export function showFused(fused: Fused): string {
  const nameOf = uniqueNames(fused.values);
  const constants = [...constantsOf(fused)].map(
    (value) => `{${nameOf(value)}} ${typeOf(value)} = ${dataText(value.data!)}`,
  );
  const steps = fused.steps.flatMap((step) => {
    if (step.kind !== 'kernel') return [showStep(step, nameOf)];
    const members = step.members.map((member) => `  ${memberText(member, step, fused, nameOf)}`);
    return [showKernel(step, fused.stored, nameOf), ...members];
  });
  return [...constants, ...steps, showFetches(fused.fetches, nameOf)].join('\n');
}

/** The steps in their order, and those of a band with how many rows they go through together. */
export function showBands({ steps, bands, stored, values }: Banded): string {
  const nameOf = uniqueNames(values);
  const begun = new Map(bands.map((band) => [band.from, band]));
  let end = 0;
  return steps
    .flatMap((step, i) => {
      const band = begun.get(i);
      if (band) end = band.to;
      const line = step.kind === 'kernel' ? showKernel(step, stored, nameOf) : showStep(step, nameOf);
      return [
        ...(band ? [`${band.rows} rows at a time or fewer, each through all of`] : []),
        `${i < end ? '  ' : ''}${line}`,
      ];
    })
    .join('\n');
}

function showFetches(fetches: readonly Value[], nameOf: NameOf): string {
  return `fetch ${fetches.map((fetch) => read(fetch, nameOf)).join(', ')}`.trim();
}

function memberText(member: Value, { shape }: KernelStep, { values, inlined }: Fused, nameOf: NameOf): string {
  const own = shape.map((extent): Expr => (extent === 1 ? int(0) : variable(extent)));
  const inPlace = (value: Value, index: readonly Expr[]): Expr | null =>
    inlined.has(value) ? value.definition!.at(index) : null;
  const element = new ExprText(values, nameOf, own, inPlace).of(member.definition!.at(own));
  return `${nameOf(member)} ${member.dtype} = ${element}`;
}

/** Known values that steps read. */
function constantsOf(fused: Fused): ReadonlySet<Value> {
  const read = new Set(fused.reads.flatMap((values) => [...values]));
  for (const step of fused.steps) {
    if (step.kind === 'host') for (const input of step.inputs) read.add(holderOf(input));
    if (step.kind === 'assign') read.add(holderOf(step.value));
  }
  return new Set([...read].filter(({ data }) => data !== null));
}

function dataText({ data, size }: NDArray): string {
  const some = Array.from({ length: Math.min(size, 4) }, (_, i) =>
    typeof data[i] === 'object' ? '…' : String(data[i]),
  );
  return `${some.join(', ')}${size > 4 ? ', …' : ''}`;
}

/** What lies where, by address: several values at one place follow each other in time. */
export function showMemory({ plan }: Placed): string {
  const { fused, memory, storage, scratch } = plan;
  const places = [...memory.addressOf]
    .map(([value, from]) => ({ value, from, to: from + sizeInMemory(value) }))
    .sort((a, b) => a.from - b.from || a.value.id - b.value.id);
  const madeAt = new Map(fused.steps.flatMap((step, i) => outputsOf(step).map((value) => [value, i] as const)));
  const nameOf = uniqueNames(fused.values);
  const line = ({ value, from, to }: (typeof places)[number]): string => {
    const slot = storage.get(value);
    const made = madeAt.get(value);
    const when = made === undefined ? '' : `, made by step ${made}`;
    return `${from}–${to} ${declared(value, nameOf)}${when}${slot ? `, the place of ${slot.key}` : ''}`;
  };
  const own =
    scratch === 0 ? [] : [`${memory.scratch}–${memory.scratch + scratch} scratch of products and convolutions`];
  return [`${memory.size} bytes for values and scratch`, ...own, ...places.map(line)].join('\n');
}

/** Places of constants and variables, then the module. */
export function showModule({ bytes, constants, variables }: Emitted): string {
  const known = [...constants].map(([array, address]) => {
    const end = address + array.size * bytesOf(array.dtype);
    return `;; ${address}–${end} constant ${typeOf(array)} = ${dataText(array)}`;
  });
  const held = variables.map(
    ({ slot, address, isRead }) => `;; ${address} variable ${slot.key} ${typeOf(slot)}${isRead ? '' : ', not read'}`,
  );
  return [...known, ...held, disassemble(bytes)].join('\n');
}
