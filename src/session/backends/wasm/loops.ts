/** Counting loops. */
import type { Code, Local } from './assembler/code.js';
import type { Thunk } from './frames.js';
import type { Vectors } from './vectorize.js';

/** Runs `thunks` for `counter` = from, from + step … below `extent`, at least once. */
export function loop(
  code: Code,
  counter: Local,
  extent: number,
  step: number,
  thunks: readonly Thunk[],
  from = 0,
): void {
  code.i32(from).set(counter);
  if (from + step >= extent) {
    for (const thunk of thunks) thunk();
    return;
  }
  code.loop((again) => {
    for (const thunk of thunks) thunk();
    code.get(counter).i32(step).op('i32.add').tee(counter).i32(extent).op('i32.lt_s').brIf(again);
  });
}

/** Part of a loop: from one number below another. */
export interface Range {
  readonly from: Local;
  readonly to: Local;
}

/** Runs `thunks` for `counter` = from, from + step … below `to`, which may be none. */
export function loopBetween(
  code: Code,
  counter: Local,
  { from, to }: Range,
  step: number,
  thunks: readonly Thunk[],
): void {
  code.get(from).tee(counter).get(to).op('i32.lt_s');
  code.if(() =>
    code.loop((again) => {
      for (const thunk of thunks) thunk();
      code.get(counter).i32(step).op('i32.add').tee(counter).get(to).op('i32.lt_s').brIf(again);
    }),
  );
}

/** The code for one vector of elements, and the local that says where it begins. */
interface Body {
  readonly counter: Local;
  readonly thunks: readonly Thunk[];
}

/** What parts of a row begin at multiples of: as many elements as ever go side by side. */
export const rowGrain = 64;

/**
 * Loops over as many whole vectors as there are, and where they end. Elementary functions are chains of instructions that wait for each
 * other: several vectors go through them side by side. Of a part, the vectors in it; what is left over belongs to the last part.
 */
export function vectorLoops(
  code: Code,
  { variable, lanes }: Vectors,
  atOnce: number,
  range: Range | null,
  body: () => Body,
): { readonly loops: readonly Thunk[]; readonly end: number } {
  const loops: Thunk[] = [];
  let end = 0;
  for (const count of atOnce > 1 ? [atOnce, 1] : [1]) {
    const [from, step] = [end, lanes * count];
    const to = variable.extent - (variable.extent % step);
    if (to === from) continue;
    const { counter, thunks } = interleaved(code, Array.from({ length: count }, body), lanes);
    loops.push(() => {
      const whole = (): void => loop(code, counter, to, step, thunks, from);
      if (!range) whole();
      else if (from === 0) loopBelow(code, counter, range, to, step, thunks);
      else inLastPart(code, range, variable.extent, whole);
    });
    end = to;
  }
  return { loops, end };
}

function interleaved(code: Code, bodies: readonly Body[], lanes: number): Body {
  const [{ counter }, ...others] = bodies as readonly [Body, ...Body[]];
  const starts = others.map((other, i): Thunk => () => {
    code
      .get(counter)
      .i32(lanes * (i + 1))
      .op('i32.add')
      .set(other.counter);
  });
  return { counter, thunks: [...starts, ...sideBySide(bodies.map(({ thunks }) => thunks))] };
}

/** One piece of each after the other, in turns; loops that are alike become one. */
export function sideBySide(pieces: readonly (readonly Thunk[])[]): readonly Thunk[] {
  if (pieces.length === 1) return pieces[0]!;
  const longest = Math.max(...pieces.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i): readonly Thunk[] => {
    const thunks = pieces.flatMap((piece) => piece[i] ?? []);
    const joints = thunks.flatMap(({ joint }) => joint ?? []);
    const [first] = joints;
    const alike = first && joints.length === pieces.length && joints.every(({ key }) => key === first.key);
    return alike ? [() => first.emit(joints.map(({ turn }) => turn))] : thunks;
  }).flat();
}

/** The part of a loop that ends at `end`. */
function loopBelow(
  code: Code,
  counter: Local,
  range: Range,
  end: number,
  step: number,
  thunks: readonly Thunk[],
): void {
  const to = code.local('i32');
  code.get(range.to).i32(end).get(range.to).i32(end).op('i32.lt_s', 'select').set(to);
  loopBetween(code, counter, { from: range.from, to }, step, thunks);
  code.free(to);
}

export function inLastPart(code: Code, { to }: Range, extent: number, build: () => void): void {
  code.get(to).i32(extent).op('i32.eq').if(build);
}
