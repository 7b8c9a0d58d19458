/** Who is told of each operation when it is made. */
import type { Operation } from './operation.js';

export interface Recorder {
  /** An operation has just been added to its graph. */
  readonly created: (op: Operation) => void;
}

const recorders: Recorder[] = [];
let pauses = 0;

/** From now on `recorder` is told of every operation, in whatever graph. */
export function startRecorder(recorder: Recorder): void {
  recorders.push(recorder);
}

export function stopRecorder(recorder: Recorder): void {
  const at = recorders.lastIndexOf(recorder);
  if (at >= 0) recorders.splice(at, 1);
}

/** Tells all recorders of `op`. */
export function record(op: Operation): void {
  if (pauses > 0) return;
  for (const recorder of recorders) recorder.created(op);
}

/** Runs `fn` so that nobody is told of what it makes. */
export function unrecorded<T>(fn: () => T): T {
  pauses++;
  try {
    return fn();
  } finally {
    pauses--;
  }
}
