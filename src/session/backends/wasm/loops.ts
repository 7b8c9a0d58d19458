/** Counting loops. */
import type { Code, Local } from './assembler/code.js';
import type { Thunk } from './frames.js';

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

/** Runs `thunks` for `counter` = from, from + step … below `to`, which may be none. */
export function loopBetween(
  code: Code,
  counter: Local,
  { from, to }: { readonly from: Local; readonly to: Local },
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
