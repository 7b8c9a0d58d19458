/** Building and running on a graph without leaving anything behind. */
import type { Graph } from '../graph/graph.js';
import { rootScope } from '../graph/scope.js';

class Outcome<T> {
  readonly value: T;
  constructor(value: T) {
    this.value = value;
  }
}

/**
 * What `fn` returns. All that it adds to `graph` is taken back: names, counters, static shapes and state are then what
 * they were. What runs meanwhile must be a session of its own, closed at the end: plans of a session that lives on would
 * speak of operations that are gone. The scopes around the caller do not apply.
 */
export function takingBack<T>(graph: Graph, fn: () => T): T {
  try {
    return graph.attempt(() => {
      throw new Outcome(graph.withScope(rootScope, () => graph.asDefault(fn)));
    });
  } catch (thrown) {
    if (thrown instanceof Outcome) return thrown.value as T;
    throw thrown;
  }
}
