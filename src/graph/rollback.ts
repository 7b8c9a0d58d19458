/** Building and running on a graph without leaving anything behind. */
import type { Graph } from './graph.js';
import { unrecorded } from './recorders.js';
import { rootScope } from './scope.js';

class Outcome<T> {
  readonly value: T;
  constructor(value: T) {
    this.value = value;
  }
}

/**
 * What `fn` returns. All that it adds to `graph` is taken back: names, counters, static shapes and state are then what
 * they were. What runs meanwhile must be a session of its own, closed at the end: plans of a session that lives on would
 * speak of operations that are gone. The scopes around the caller do not apply, no tape records what is made, and even a
 * finalized graph takes it.
 */
export function takingBack<T>(graph: Graph, fn: () => T): T {
  const alone = () => graph.withScope(rootScope, () => graph.asDefault(fn));
  try {
    return graph.attempt(() => {
      throw new Outcome(graph.reopened(() => unrecorded(alone)));
    });
  } catch (thrown) {
    if (thrown instanceof Outcome) return thrown.value as T;
    throw thrown;
  }
}
